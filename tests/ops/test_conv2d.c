/* test_conv2d.c - the convolutions for CPU devices against the reference and PyTorch */
// oclgrind
#include "support/conv2d.h"

/*
 * Sizes of 1, odd sizes, strides, paddings up to k - 1, sums and channels off the tiles' sizes.
 * Each is a program of its own, and takes seconds to build: few of them.
 */
static const struct {
    int n, c, h, w, oc, kh, kw, stride, pad;
    bool few; /* also for the widths of vectors that are not the usual one */
} shapes[] = {
    { 1, 1, 1, 1, 1, 1, 1, 3, 0, false },
    { 2, 3, 7, 5, 5, 3, 3, 1, 1, false },
    { 3, 2, 6, 9, 4, 2, 3, 2, 1, false },
    { 1, 5, 9, 9, 3, 5, 5, 2, 2, false },
    { 150, 1, 9, 8, 7, 4, 4, 1, 0, false },
    { 17, 17, 11, 13, 19, 3, 3, 1, 2, true },
    { 9, 3, 13, 10, 17, 5, 5, 1, 4, false },
    { 3, 4, 15, 15, 6, 7, 7, 1, 3, false },
    { 5, 3, 8, 11, 9, 6, 1, 3, 0, false },
    { 33, 2, 12, 12, 18, 4, 4, 1, 3, false },
    /* of 1x1 alone, for the matrix products */
    { 2, 3, 3, 5, 5, 1, 1, 1, 0, false },
    { 19, 70, 7, 9, 53, 1, 1, 1, 0, true },
    { 1, 1, 1, 1, 1, 1, 1, 1, 0, false },
    { 150, 9, 5, 5, 17, 1, 1, 1, 0, false },
};
enum { FIRST_PRODUCT = 10, SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static void check_shape(struct mien_cl *cl, size_t s, int lanes, enum mien_conv2d_variant variant,
                        bool fused)
{
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { shapes[s].n, shapes[s].c, shapes[s].h, shapes[s].w, lanes };
    assert_ok(mien_conv2d_init(&op, &x, shapes[s].oc, shapes[s].kh, shapes[s].kw, shapes[s].stride,
                               shapes[s].pad, &err),
              &err);
    (void)conv2d_choose(&op, MIEN_CONV2D_VECTOR);
    op.relu = fused;
    if (conv2d_choose(&op, variant)) {
        struct conv2d_numbers numbers = conv2d_random(&op, fused);
        conv2d_check(cl, &op, &numbers, fused);
        conv2d_free(&numbers);
    }
}

static void check_variant(struct mien_cl *cl, enum mien_conv2d_variant variant)
{
    static const int lane_counts[] = { 8, 4, 16 };
    if (small_only()) { /* borders, strides, several tiles; all three passes */
        for (size_t s = 0; s < 3; s++) {
            check_shape(cl, s, 4, variant, true);
        }
        return;
    }
    for (size_t l = 0; l < 3; l++) {
        for (size_t s = 0; s < FIRST_PRODUCT; s++) {
            if (l == 0 || shapes[s].few) {
                check_shape(cl, s, lane_counts[l], variant, s % 2 != 0);
            }
        }
    }
}

static void test_conv2d__vector_matches_reference_on_all_shapes(void **state)
{
    check_variant(device_or_skip(state), MIEN_CONV2D_VECTOR);
}

static void test_conv2d__winograd_matches_reference_on_all_shapes(void **state)
{
    check_variant(device_or_skip(state), MIEN_CONV2D_WINOGRAD);
}

/* Tiles that no size of an image has by default, with tiles at all borders; each kernel's edge. */
static void test_conv2d__winograd_matches_reference_with_8x8_points(void **state)
{
    enum { POINTS = 4 }; /* the parameter */
    struct mien_cl *const cl = device_or_skip(state);
    for (int edge = 3; edge <= (small_only() ? 3 : 5); edge++) {
        struct mien_error err = { "" };
        struct mien_conv2d op;
        const struct mien_act x = { 9, 9, 15, 11, 8 };
        assert_ok(mien_conv2d_init(&op, &x, 10, edge, edge, 1, edge - 2, &err), &err);
        assert_true(conv2d_choose(&op, MIEN_CONV2D_WINOGRAD));
        for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
            const enum mien_conv2d_pass p = (enum mien_conv2d_pass)pass;
            op.param[p][POINTS] = 6;
            assert_true(mien_conv2d_tolerance(&op, p) == 1e-5);
            op.param[p][POINTS] = 8;
            assert_true(mien_conv2d_tolerance(&op, p) ==
                        (p == MIEN_CONV2D_BWD_FILTER ? 1e-5 : 2e-5));
            assert_true(mien_conv2d_fits(&op, p));
        }
        struct conv2d_numbers numbers = conv2d_random(&op, true);
        conv2d_check(cl, &op, &numbers, true);
        conv2d_free(&numbers);
    }
}

/* Defaults for caches of all sizes, with channels that fill no group: register tiles must fit. */
static void test_conv2d__winograd_keeps_to_the_local_memory_there_is(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    enum { OUTPUTS = 2 }; /* the parameter */
    static const struct mien_act acts[] = { { 3, 40, 12, 11, 16 }, { 3, 100, 5, 5, 16 } };
    for (size_t kib = 128; kib <= (small_only() ? 128 : 2048); kib *= 2) {
        for (size_t i = 0; i < 2; i++) {
            struct mien_error err = { "" };
            struct mien_conv2d op;
            assert_ok(mien_conv2d_init(&op, &acts[i], i == 0 ? 52 : 98, 3, 3, 1, 1, &err), &err);
            mien_conv2d_fit(&op, kib * 1024);
            assert_true(conv2d_choose(&op, MIEN_CONV2D_WINOGRAD));
            for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
                op.param[pass][OUTPUTS] = kib == 2048 ? 21 : 0; /* fills no register tile */
                assert_true(mien_conv2d_fits(&op, (enum mien_conv2d_pass)pass));
            }
            struct conv2d_numbers numbers = conv2d_random(&op, true);
            conv2d_check(cl, &op, &numbers, true);
            conv2d_free(&numbers);
        }
    }
}

/* The bound does not grow with the channels: as many as the widest recipe has, in or out. */
static void test_conv2d__winograd_keeps_its_bound_with_many_channels(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const int channels[][2] = { { 512, 40 }, { 40, 512 } };
    for (size_t i = 0; i < (small_only() ? 0 : 2); i++) {
        struct mien_error err = { "" };
        struct mien_conv2d op;
        const struct mien_act x = { 9, channels[i][0], 5, 5, 8 };
        assert_ok(mien_conv2d_init(&op, &x, channels[i][1], 3, 3, 1, 1, &err), &err);
        assert_true(conv2d_choose(&op, MIEN_CONV2D_WINOGRAD));
        struct conv2d_numbers numbers = conv2d_random(&op, false);
        conv2d_check(cl, &op, &numbers, false);
        conv2d_free(&numbers);
    }
}

/* Only the filter's gradient: the other passes are the vector kernels, which have their own test.
 */
static void test_conv2d__channel_matches_reference_on_some_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    if (small_only()) {
        check_shape(cl, 1, 4, MIEN_CONV2D_CHANNEL, true);
        return;
    }
    check_shape(cl, 0, 8, MIEN_CONV2D_CHANNEL, false);
    check_shape(cl, 2, 8, MIEN_CONV2D_CHANNEL, true);
    check_shape(cl, 5, 16, MIEN_CONV2D_CHANNEL, true);
    check_shape(cl, 5, 4, MIEN_CONV2D_CHANNEL, false);
    check_shape(cl, 8, 8, MIEN_CONV2D_CHANNEL, true);
    check_shape(cl, 9, 8, MIEN_CONV2D_CHANNEL, false);
}

static void test_conv2d__product_matches_reference_on_shapes_of_1x1(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const int lane_counts[] = { 8, 4, 16 };
    for (size_t s = FIRST_PRODUCT; s < (small_only() ? FIRST_PRODUCT + 1 : SHAPES); s++) {
        for (size_t l = 0; l < (small_only() ? 1 : 3); l++) {
            if (l == 0 || shapes[s].few) {
                check_shape(cl, s, lane_counts[l], MIEN_CONV2D_PRODUCT, s % 2 == 0);
                check_shape(cl, s, lane_counts[l], MIEN_CONV2D_PRODUCT, s % 2 != 0);
            }
        }
    }
}

/* Winograd where it takes the pass, else register tiles. */
static void check_oracle(struct mien_cl *cl, const char *name)
{
    struct mien_safetensors *const file = oracle_open(name);
    struct mien_conv2d op = conv2d_oracle_op(file, 8);
    struct conv2d_numbers numbers = conv2d_oracle(file);
    (void)conv2d_choose(&op, MIEN_CONV2D_VECTOR);
    (void)conv2d_choose(&op, MIEN_CONV2D_WINOGRAD);
    conv2d_check(cl, &op, &numbers, false);
    conv2d_free(&numbers);
    mien_safetensors_close(file);
}

/* Some of PyTorch's cases, each of which is built anew; the reference has them all to pass. */
static void test_conv2d__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    if (!small_only()) {
        check_oracle(cl, "conv2d_01"); /* 4x4 */
        check_oracle(cl, "conv2d_04"); /* 3x3 with stride 2 */
        check_oracle(cl, "conv2d_08"); /* 3x3, several blocks */
    }
}

static void test_conv2d_init__says_why_a_kernel_is_refused(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { 2, 3, 44, 44, 8 };
    assert_int_equal(mien_conv2d_init(&op, &x, 8, 1, 1, 1, 1, &err), MIEN_ERR_SHAPE);
    assert_string_equal(err.text, "conv: pad 1: must be less than the kernel 1x1 is high and wide");
    const struct mien_act small = { 2, 3, 4, 4, 8 };
    assert_int_equal(mien_conv2d_init(&op, &small, 8, 7, 7, 1, 1, &err), MIEN_ERR_SHAPE);
    assert_string_equal(err.text, "conv: kernel 7x7 with pad 1 does not fit in a 4x4 image");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d_init__says_why_a_kernel_is_refused),
        cmocka_unit_test(test_conv2d__vector_matches_reference_on_all_shapes),
        cmocka_unit_test(test_conv2d__winograd_matches_reference_on_all_shapes),
        cmocka_unit_test(test_conv2d__winograd_matches_reference_with_8x8_points),
        cmocka_unit_test(test_conv2d__winograd_keeps_to_the_local_memory_there_is),
        cmocka_unit_test(test_conv2d__winograd_keeps_its_bound_with_many_channels),
        cmocka_unit_test(test_conv2d__product_matches_reference_on_shapes_of_1x1),
        cmocka_unit_test(test_conv2d__channel_matches_reference_on_some_shapes),
        cmocka_unit_test(test_conv2d__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/conv2d", tests, device_setup, device_teardown);
}
