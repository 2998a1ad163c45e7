/* device.c - shared cmocka fixture: one open device per test program, guarded buffers, compares */
#include "support/device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cl/internal.h"

/*
 * OpenCL drivers keep process-wide caches that the leak checker sees; ours are counted by
 * mien_cl_live().  Its name is the sanitizer's, which asks for it where one is linked in.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libpocl\nleak:libLLVM\nleak:libclang\nleak:libOpenCL\nleak:libhwloc\n";
}

/*
 * Only a missing device makes tests skip, and not even that where the environment
 * says MIEN_REQUIRE_DEVICE: a kernel that no longer builds must never look like a skip.
 */
int device_setup(void **state)
{
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    const enum mien_status st = mien_cl_open(&cl, NULL, &err);
    *state = cl;
    if (st == MIEN_OK) {
        return 0;
    }
    print_error("%s: %s\n", mien_status_name(st), err.text);
    return st == MIEN_ERR_NO_DEVICE && getenv("MIEN_REQUIRE_DEVICE") == NULL ? 0 : -1;
}

/* Whether this compiler takes the few declarations of kernels/builtins.h at all. */
static bool takes_builtins(void)
{
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct mien_cl_kernel *kernel = NULL;
    const struct mien_cl_options uncached = { .cache = "" };
    const struct mien_cl_launch probe = { .source = "probe", .kernel = "probe_axpb" };
    const bool built = mien_cl_open(&cl, &uncached, &err) == MIEN_OK &&
                       mien_cl_kernel_get(&kernel, cl, &probe, &err) == MIEN_OK;
    const bool taken = built && !cl->undeclared;
    mien_cl_close(cl);
    return taken;
}

/* A kernel for which they are not enough is compiled all the same, six times as slowly. */
int device_teardown(void **state)
{
    const struct mien_cl *const cl = *state;
    const bool missing = cl != NULL && cl->undeclared && takes_builtins();
    mien_cl_close(*state);
    if (missing) {
        print_error("a kernel calls what kernels/builtins.h does not declare\n");
        exit(1); /* cmocka takes no notice of what a group's teardown returns */
    }
    return 0;
}

struct mien_cl *device_or_skip(void **state)
{
    if (*state == NULL) {
        skip();
    }
    return *state;
}

void assert_ok(enum mien_status status, const struct mien_error *err)
{
    if (status != MIEN_OK) {
        fail_msg("%s: %s", mien_status_name(status), err->text);
    }
}

struct mien_cl_buffer *guarded_buffer(struct mien_cl *cl, size_t bytes)
{
    struct mien_error err = { "" };
    struct mien_cl_buffer *buffer = NULL;
    unsigned char *const poison = malloc(bytes + GUARD_BYTES);
    assert_non_null(poison);
    memset(poison, 0xFF, bytes + GUARD_BYTES);
    assert_ok(mien_cl_buffer_create(&buffer, cl, bytes + GUARD_BYTES, &err), &err);
    assert_ok(mien_cl_write(cl, buffer, 0, poison, bytes + GUARD_BYTES, &err), &err);
    free(poison);
    return buffer;
}

struct mien_cl_buffer *guarded_copy(struct mien_cl *cl, const void *data, size_t bytes)
{
    struct mien_error err = { "" };
    struct mien_cl_buffer *const buffer = guarded_buffer(cl, bytes);
    assert_ok(mien_cl_write(cl, buffer, 0, data, bytes, &err), &err);
    return buffer;
}

void assert_guard_intact(struct mien_cl *cl, const struct mien_cl_buffer *buffer, size_t bytes)
{
    struct mien_error err = { "" };
    unsigned char guard[GUARD_BYTES];
    assert_ok(mien_cl_read(cl, guard, buffer, bytes, sizeof(guard), &err), &err);
    for (size_t i = 0; i < sizeof(guard); i++) {
        if (guard[i] != 0xFF) {
            fail_msg("guard byte %zu behind a buffer of %zu bytes was overwritten", i, bytes);
        }
    }
}

void *guarded_read(struct mien_cl *cl, const struct mien_cl_buffer *buffer, size_t bytes)
{
    struct mien_error err = { "" };
    void *const data = malloc(bytes == 0 ? 1 : bytes);
    assert_non_null(data);
    assert_ok(mien_cl_read(cl, data, buffer, 0, bytes, &err), &err);
    assert_guard_intact(cl, buffer, bytes);
    return data;
}

float *random_floats(size_t count, uint32_t seed)
{
    float *const out = malloc((count == 0 ? 1 : count) * sizeof(*out));
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (float)(seed >> 8) / 16777216.0f - 0.5f;
    }
    return out;
}

float *random_shares(size_t n, size_t classes, uint32_t seed)
{
    float *const out = random_floats(n * classes, seed);
    for (size_t i = 0; i < n; i++) {
        float *const row = out + i * classes;
        float sum = 0.0f;
        for (size_t c = 0; c < classes; c++) {
            row[c] = (row[c] > 0.0f ? row[c] : 0.0f) + (c == i % classes ? 0.5f : 0.0f);
            sum += row[c];
        }
        for (size_t c = 0; c < classes; c++) {
            row[c] /= sum;
        }
    }
    return out;
}

void assert_all_close(const float *got, const float *want, size_t count, float atol, float rtol)
{
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(got[i] - want[i]) <= atol + rtol * fabsf(want[i]))) {
            fail_msg("element %zu of %zu: got %.9g, want %.9g", i, count, (double)got[i],
                     (double)want[i]);
        }
    }
}
