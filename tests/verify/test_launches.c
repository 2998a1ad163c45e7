/* test_launches.c - what the quick self-test, that of a first training, launches on this device */
// wrap: clBuildProgram mien_cl_launch
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/program.h"
#include "support/device.h"
#include "verify/verify.h"

enum { MOST_NAMES = 256, NAME_BYTES = 48 };
/* A first training waits for the quick form: launches, of which it has some 230, and checks. */
enum { MOST_LAUNCHES = 500, MOST_CHECKS = 200 };

/* Programs that were not built. */
static size_t failed_builds;

cl_int __real_clBuildProgram(cl_program, cl_uint, const cl_device_id *, const char *,
                             void(CL_CALLBACK *)(cl_program, void *), void *);
cl_int __wrap_clBuildProgram(cl_program, cl_uint, const cl_device_id *, const char *,
                             void(CL_CALLBACK *)(cl_program, void *), void *);
cl_int __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                             const char *options, void(CL_CALLBACK *done)(cl_program, void *),
                             void *user)
{
    const cl_int code = __real_clBuildProgram(program, count, devices, options, done, user);
    failed_builds += code == CL_SUCCESS ? 0 : 1;
    return code;
}

/* Launches that do not tell what they compute, so that on a GPU they would never be cut, however
 * long they take; but for those of one work-group whatever the size. */
static const char *const single[] = { "softmax_total", "clip_factor" };
static size_t silent;

enum mien_status __real_mien_cl_launch(struct mien_cl *cl, const struct mien_cl_launch *launch,
                                       const struct mien_cl_arg *args, cl_uint arg_count,
                                       struct mien_error *err);
enum mien_status __wrap_mien_cl_launch(struct mien_cl *cl, const struct mien_cl_launch *launch,
                                       const struct mien_cl_arg *args, cl_uint arg_count,
                                       struct mien_error *err);
enum mien_status __wrap_mien_cl_launch(struct mien_cl *cl, const struct mien_cl_launch *launch,
                                       const struct mien_cl_arg *args, cl_uint arg_count,
                                       struct mien_error *err)
{
    bool must = true;
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
        must = must && strcmp(launch->kernel, single[i]) != 0;
    }
    if (must && !(launch->flop > 0.0)) {
        print_error("%s does not tell what it computes\n", launch->kernel);
        silent++;
    }
    return __real_mien_cl_launch(cl, launch, args, arg_count, err);
}

struct launches {
    char names[MOST_NAMES][NAME_BYTES]; /* each once */
    size_t count, all;
};

static bool is_launched(const struct launches *launches, const char *kernel)
{
    for (size_t i = 0; i < launches->count; i++) {
        if (strcmp(launches->names[i], kernel) == 0) {
            return true;
        }
    }
    return false;
}

static void note(void *user, const char *kernel, const char *label)
{
    (void)label;
    struct launches *const launches = user;
    launches->all++;
    if (!is_launched(launches, kernel)) {
        assert_true(launches->count < MOST_NAMES);
        (void)snprintf(launches->names[launches->count++], NAME_BYTES, "%s", kernel);
    }
}

/* Kernels that a training on this kind of device cannot launch, by what their names begin with. */
static bool is_exempt(const char *kernel, bool cpu)
{
    static const struct {
        const char *begin;
        bool on_cpu, on_gpu; /* where it is not launched */
    } exempt[] = {
        { "peak_", true, true },         /* of mien bench: what the device can do at most */
        { "probe_", true, true },        /* of the tests of src/cl */
        { "conv2d_tile_", true, false }, /* lanes 1 alone: GPUs, and the next */
        { "conv2d_batched_", true, false },
        { "conv2d_vector_", false, true }, /* lanes above 1 alone: CPUs, and all below */
        { "conv2d_winograd_", false, true },
        { "conv2d_channel_", false, true },
        { "conv2d_product_", false, true },
        { "conv2d_add_parts", false, true },
        { "dense_vector_", false, true },
    };
    for (size_t i = 0; i < sizeof(exempt) / sizeof(exempt[0]); i++) {
        if (strncmp(kernel, exempt[i].begin, strlen(exempt[i].begin)) == 0) {
            return cpu ? exempt[i].on_cpu : exempt[i].on_gpu;
        }
    }
    return false;
}

/* The next kernel of a source behind `at`; returns where to look on, NULL when there is none. */
static const char *next_kernel(char name[NAME_BYTES], const char *at)
{
    static const char result[] = "void ";
    at = strstr(at, "__kernel ");
    if (at == NULL) {
        return NULL;
    }
    at = strstr(at, result);
    assert_non_null(at);
    at += strlen(result);
    const int length = (int)strcspn(at, "(\n ");
    assert_in_range(length, 1, NAME_BYTES - 1);
    (void)snprintf(name, NAME_BYTES, "%.*s", length, at);
    return at;
}

/* The table alone, and every program from its source: each builds at the first attempt, on PoCL
 * that with the few declarations of kernels/builtins.h.  That the run of known losses happens to
 * launch a kernel is no check of it. */
static void test_launches__the_quick_form_has_every_kernel_of_a_training(void **state)
{
    (void)device_or_skip(state);
    struct mien_cl *cl = NULL;
    const struct mien_cl_options uncached = { .cache = "" };
    struct mien_error err = { "" };
    assert_ok(mien_cl_open(&cl, &uncached, &err), &err);
    const bool cpu = mien_device_lanes(mien_cl_device(cl)) > 1;
    const struct mien_verify_wish quick = { .quick = true, .own_products = true };
    struct launches *const launches = calloc(1, sizeof(*launches));
    struct mien_verdicts verdicts = { NULL, 0 };
    size_t kernels = 0;
    size_t missing = 0;
    assert_non_null(launches);
    mien_cl_watch(cl, note, launches);
    assert_ok(mien_verify_table(&verdicts, cl, &quick, &err), &err);
    mien_cl_watch(cl, NULL, NULL);
    assert_int_equal(failed_builds, 0);
    assert_int_equal(silent, 0);
    for (size_t i = 0; i < mien_kernel_source_count; i++) {
        char name[NAME_BYTES];
        const char *at = mien_kernel_sources[i].text;
        while ((at = next_kernel(name, at)) != NULL) {
            kernels++;
            if (is_launched(launches, name) == is_exempt(name, cpu)) {
                print_error("kernels/%s.cl: %s is %s\n", mien_kernel_sources[i].name, name,
                            is_exempt(name, cpu) ? "launched, and exempt" : "not launched");
                missing++;
            }
        }
    }
    assert_true(kernels > 50); /* that they were found in the sources at all */
    print_message("%zu kernels, %zu launches, %zu checks\n", kernels, launches->all,
                  mien_verdicts_checks(&verdicts));
    assert_int_equal(missing, 0);
    assert_in_range(launches->all, kernels, MOST_LAUNCHES);
    assert_in_range(mien_verdicts_checks(&verdicts), 1, MOST_CHECKS);
    mien_verdicts_finish(&verdicts);
    mien_cl_close(cl);
    free(launches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launches__the_quick_form_has_every_kernel_of_a_training),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
