/* test_gather.c - batches from a uint8 set on the device against the reference */
// oclgrind
#include <stdlib.h>

#include "ops/gather.h"
#include "ref/gather.h"
#include "support/layout.h"

/* n, c, h, w, images in the set, first index. */
static const struct {
    int n, c, h, w, count, first;
} shapes[] = {
    { 1, 1, 1, 1, 1, 0 },      { 3, 1, 5, 7, 4, 2 },    { 7, 3, 4, 9, 20, 5 },
    { 150, 1, 12, 11, 33, 0 }, { 17, 4, 3, 65, 18, 1 }, { 8, 1, 48, 48, 9, 3 },
};
static const cl_int lane_counts[] = { 1, 4, 8, 16 };

static uint8_t *random_bytes(size_t count, uint32_t seed)
{
    uint8_t *const out = malloc(count);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (uint8_t)(seed >> 24);
    }
    return out;
}

static int32_t *random_ints(size_t count, int32_t below, uint32_t seed)
{
    int32_t *const out = malloc(count * sizeof(*out));
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (int32_t)((seed >> 8) % (uint32_t)below);
    }
    return out;
}

static void check_one(struct mien_cl *cl, size_t s, cl_int lanes, bool outside)
{
    struct mien_error err = { "" };
    const struct mien_gather op = {
        { shapes[s].n, shapes[s].c, shapes[s].h, shapes[s].w, lanes },
        shapes[s].count,
        shapes[s].first,
        0.5077f,
        0.2551f,
    };
    const struct mien_ref_gather ref = { op.act.n, op.act.c, op.act.h, op.act.w,
                                         op.count, op.first, op.mean,  op.std };
    const size_t image = (size_t)op.act.c * (size_t)op.act.h * (size_t)op.act.w;
    const size_t listed = (size_t)op.first + (size_t)op.act.n;
    uint8_t *const set = random_bytes((size_t)op.count * image, 1);
    int32_t *const labels = random_ints((size_t)op.count, 7, 2);
    int32_t *const indices = random_ints(listed, op.count, 3);
    if (outside) {
        indices[op.first] = -1;
        indices[listed - 1] = op.count;
    }
    float *const want = random_floats(plain_floats(&op.act), 4);
    int32_t *const want_labels = random_ints((size_t)op.act.n, 7, 5);
    struct mien_cl_buffer *const bset = guarded_copy(cl, set, (size_t)op.count * image);
    struct mien_cl_buffer *const blabels = guarded_copy(cl, labels, (size_t)op.count * 4);
    struct mien_cl_buffer *const bindices = guarded_copy(cl, indices, listed * 4);
    struct mien_cl_buffer *const bx = poisoned_act(cl, &op.act);
    struct mien_cl_buffer *const bout = guarded_buffer(cl, (size_t)op.act.n * 4);

    assert_ok(mien_gather_images(cl, bx, bset, bindices, &op, &err), &err);
    assert_ok(mien_gather_labels(cl, bout, blabels, bindices, &op, &err), &err);
    mien_ref_gather_images(want, set, indices, &ref);
    mien_ref_gather_labels(want_labels, labels, indices, &ref);
    float *const x = download_act(cl, bx, &op.act);
    int32_t *const got_labels = guarded_read(cl, bout, (size_t)op.act.n * 4);
    assert_all_close(x, want, plain_floats(&op.act), 1e-6f, 0.0f);
    assert_memory_equal(got_labels, want_labels, (size_t)op.act.n * 4);
    assert_unused_lanes(cl, bx, &op.act, true);

    mien_cl_buffer_destroy(bset);
    mien_cl_buffer_destroy(blabels);
    mien_cl_buffer_destroy(bindices);
    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(bout);
    free(set);
    free(labels);
    free(indices);
    free(want);
    free(want_labels);
    free(x);
    free(got_labels);
}

static void test_gather__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        for (size_t i = 0; i < sizeof(lane_counts) / sizeof(lane_counts[0]); i++) {
            check_one(cl, s, lane_counts[i], false);
        }
    }
}

static void test_gather__an_index_outside_the_set_reads_nothing(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    check_one(cl, 2, 1, true);
    check_one(cl, 2, 8, true);
}

static void test_gather__refuses_a_std_of_zero(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    const struct mien_gather op = { { 1, 1, 1, 1, 1 }, 1, 0, 0.5f, 0.0f };
    assert_int_equal(mien_gather_images(NULL, NULL, NULL, NULL, &op, &err), MIEN_ERR_SHAPE);
}

static void test_ref_gather__normalises_by_hand(void **state)
{
    (void)state;
    const uint8_t set[] = { 0, 255, 51, 102 }; /* two pixels of two channels, interleaved */
    const int32_t index = 0;
    const struct mien_ref_gather op = { 1, 2, 1, 2, 1, 0, 0.5f, 0.25f };
    const float want[] = { -2.0f, -1.2f, 2.0f, -0.4f };
    float x[4];
    mien_ref_gather_images(x, set, &index, &op);
    assert_all_close(x, want, 4, 1e-6f, 0.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_gather__normalises_by_hand),
        cmocka_unit_test(test_gather__refuses_a_std_of_zero),
        cmocka_unit_test(test_gather__matches_reference_on_all_shapes),
        cmocka_unit_test(test_gather__an_index_outside_the_set_reads_nothing),
    };
    return cmocka_run_group_tests_name("ops/gather", tests, device_setup, device_teardown);
}
