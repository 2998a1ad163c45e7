/* test_conv2d_grouped.c - convolution in groups of channels against the reference and PyTorch */
// oclgrind
// wrap: clEnqueueNDRangeKernel
#include <stdio.h>

#include "support/conv2d.h"
#include "support/launches.h"

/*
 * Depthwise, with a multiplier, tiles of 4, 2 and 1 channels, strides, pads up to k - 1, one pixel.
 * Each is a program of its own for each width of vectors: few of them.
 */
static const struct {
    int n, c, h, w, oc, k, stride, pad, groups, lanes;
} shapes[] = {
    { 5, 4, 7, 6, 8, 3, 2, 1, 4, 1 },   { 5, 6, 5, 7, 6, 3, 1, 2, 6, 4 },
    { 150, 2, 9, 8, 2, 3, 1, 1, 2, 8 }, { 7, 8, 11, 19, 12, 5, 1, 4, 2, 16 },
    { 3, 6, 1, 1, 4, 1, 3, 0, 2, 8 },   { 150, 3, 13, 10, 6, 4, 3, 1, 3, 1 },
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]), SMALL_SHAPES = 2 };

static void check_shape(struct mien_cl *cl, size_t s, bool fused)
{
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { shapes[s].n, shapes[s].c, shapes[s].h, shapes[s].w,
                                shapes[s].lanes };
    assert_ok(mien_conv2d_init(&op, &x, shapes[s].oc, shapes[s].k, shapes[s].k, shapes[s].stride,
                               shapes[s].pad, &err),
              &err);
    assert_ok(mien_conv2d_group(&op, shapes[s].groups, &err), &err);
    op.relu = fused;
    struct conv2d_numbers numbers = conv2d_random(&op, fused);
    conv2d_check(cl, &op, &numbers, fused);
    conv2d_free(&numbers);
}

static void test_conv2d_grouped__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < (small_only() ? SMALL_SHAPES : SHAPES); s++) {
        check_shape(cl, s, s % 2 == 0);
    }
}

/* GPUs take 65535 work-groups in dimension 1 and 2: fewer than pairs of channels, or images. */
static void test_conv2d_grouped__has_few_work_groups_beyond_the_first_dimension(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct {
        int n, c, groups;
    } rows[] = { { 1, 384, 2 }, { 65536, 2, 2 } };
    for (size_t i = 0; i < (small_only() ? 0 : sizeof(rows) / sizeof(rows[0])); i++) {
        struct mien_error err = { "" };
        struct mien_conv2d op;
        const struct mien_act x = { rows[i].n, rows[i].c, 1, 1, 1 };
        assert_ok(mien_conv2d_init(&op, &x, rows[i].c, 1, 1, 1, 0, &err), &err);
        assert_ok(mien_conv2d_group(&op, rows[i].groups, &err), &err);
        struct conv2d_numbers numbers = conv2d_random(&op, false);
        launches = (struct launches){ 0 };
        conv2d_check(cl, &op, &numbers, false);
        assert_true(launches.most_groups > 0 && launches.most_groups < 65536);
        conv2d_free(&numbers);
    }
}

/* Two of PyTorch's; the reference has them all to pass. */
static void test_conv2d_grouped__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 2 && !small_only(); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "conv2d_grouped_%02d", i);
        struct mien_safetensors *const file = oracle_open(name);
        const struct mien_conv2d op = conv2d_oracle_op(file, 8);
        struct conv2d_numbers numbers = conv2d_oracle(file);
        conv2d_check(cl, &op, &numbers, false);
        conv2d_free(&numbers);
        mien_safetensors_close(file);
    }
}

static void test_conv2d_group__has_one_variant_and_refuses_a_remainder(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { 2, 6, 5, 5, 8 };
    assert_ok(mien_conv2d_init(&op, &x, 9, 3, 3, 1, 1, &err), &err);
    assert_int_equal(mien_conv2d_group(&op, 2, &err), MIEN_ERR_SHAPE);
    assert_string_equal(err.text, "conv: 6 channels in and 9 out do not divide into 2 groups");
    assert_int_equal(mien_conv2d_group(&op, 0, &err), MIEN_ERR_SHAPE);
    assert_false(mien_conv2d_takes(&op, MIEN_CONV2D_FWD, MIEN_CONV2D_GROUPED));
    assert_ok(mien_conv2d_group(&op, 3, &err), &err);
    for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
        assert_true(mien_conv2d_takes(&op, MIEN_CONV2D_FWD, (enum mien_conv2d_variant)v) ==
                    (v == MIEN_CONV2D_GROUPED));
    }
    assert_int_equal(op.variant[MIEN_CONV2D_BWD_FILTER], MIEN_CONV2D_GROUPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d_group__has_one_variant_and_refuses_a_remainder),
        cmocka_unit_test(test_conv2d_grouped__matches_reference_on_all_shapes),
        cmocka_unit_test(test_conv2d_grouped__has_few_work_groups_beyond_the_first_dimension),
        cmocka_unit_test(test_conv2d_grouped__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/conv2d_grouped", tests, device_setup, device_teardown);
}
