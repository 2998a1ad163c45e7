/* test_probe.c - how many copies a probe takes at a time: as many as fit */
// wrap: mien_model_create mien_calloc
#include <string.h>

#include "support/layout.h"
#include "support/probed.h"
#include "support/scratch.h"

static const char recipe[] = "input: { channels: 1, height: 5, width: 7 }\n"
                             "layers: [ conv 3 3x3 pad 1, flatten, dense classes ]";
enum { CLASSES = 3, FLOATS = 5 * 7, LARGEST = 3 * FLOATS };

/* Copies that a model refuses, and bytes of a block that the host has no room for; 0: none. */
static int refused_batch;
static enum mien_status refused_with;
static size_t refused_floats;
static int attempts;
static size_t beside_bytes; /* that the last one was told of */

enum mien_status __real_mien_model_create(struct mien_model **out, struct mien_cl *cl,
                                          const struct mien_network *network,
                                          const struct mien_model_options *options,
                                          struct mien_error *err);
enum mien_status __wrap_mien_model_create(struct mien_model **out, struct mien_cl *cl,
                                          const struct mien_network *network,
                                          const struct mien_model_options *options,
                                          struct mien_error *err);
void *__real_mien_calloc(size_t count, size_t size, struct mien_error *err);
void *__wrap_mien_calloc(size_t count, size_t size, struct mien_error *err);

enum mien_status __wrap_mien_model_create(struct mien_model **out, struct mien_cl *cl,
                                          const struct mien_network *network,
                                          const struct mien_model_options *options,
                                          struct mien_error *err)
{
    attempts++;
    beside_bytes = options->beside_bytes;
    if (refused_batch > 0 && options->batch >= refused_batch) {
        *out = NULL;
        return mien_fail(err, refused_with, "refused");
    }
    return __real_mien_model_create(out, cl, network, options, err);
}

void *__wrap_mien_calloc(size_t count, size_t size, struct mien_error *err)
{
    if (refused_floats > 0 && count == refused_floats && size == sizeof(float)) {
        (void)mien_fail(err, MIEN_ERR_MEMORY, "no room");
        return NULL;
    }
    return __real_mien_calloc(count, size, err);
}

/* A probe of 13 copies at most, that takes `copies`, and works. */
static void check_copies(struct mien_cl *cl, int copies, int tries)
{
    static const size_t tap = 0;
    struct probed f;
    float logits[20 * CLASSES];
    struct mien_error err = { "" };
    attempts = 0;
    probed_set_up(&f, cl, recipe, CLASSES);
    probed_place(&f, 13, &tap, 1);
    assert_int_equal(attempts, tries);
    assert_int_equal(beside_bytes, (size_t)copies * LARGEST * sizeof(float));
    float *const images = random_floats((size_t)20 * FLOATS, 3);
    assert_ok(mien_probe_logits(logits, f.probe, images, 20, &err), &err);
    free(images);
    probed_tear_down(&f);
}

static void test_probe__takes_as_many_copies_as_fit(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    check_copies(cl, 13, 1);
    refused_batch = 4;
    refused_with = MIEN_ERR_MEMORY;
    check_copies(cl, 3, 3);
    refused_with = MIEN_ERR_SHAPE; /* more numbers than an index counts */
    check_copies(cl, 3, 3);
    refused_batch = 0;
    refused_floats = 13 * LARGEST; /* of the host */
    check_copies(cl, 6, 2);
    refused_floats = 0;
}

static void test_probe__gives_up_where_one_copy_is_too_large(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct {
        enum mien_status status;
        int tries;
    } rows[] = { { MIEN_ERR_MEMORY, 3 }, { MIEN_ERR_SHAPE, 3 }, { MIEN_ERR_CL, 1 } };
    struct probed f;
    probed_set_up(&f, cl, recipe, CLASSES);
    refused_batch = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct mien_probe_options options = { .batch = 5 };
        struct mien_error err = { "" };
        refused_with = rows[i].status;
        attempts = 0;
        must_fail(mien_probe_create(&f.probe, cl, f.network, f.flat, &options, &err),
                  rows[i].status, &err, "refused");
        assert_null(f.probe);
        assert_int_equal(attempts, rows[i].tries);
    }
    refused_batch = 0;
    probed_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe__takes_as_many_copies_as_fit),
        cmocka_unit_test(test_probe__gives_up_where_one_copy_is_too_large),
    };
    return cmocka_run_group_tests_name("explain/probe", tests, device_setup, device_teardown);
}
