/* test_conv2d_tile.c - the convolution for GPUs against the reference */
// oclgrind
#include "support/conv2d.h"

/*
 * Sizes of 1, odd sizes, strides and paddings, tiles that are not full, several tiles.  Each
 * combination of kernel, stride and padding is a program of its own: few of them.
 */
static const struct {
    int n, c, h, w, oc, kh, kw, stride, pad;
    bool small;
} shapes[] = {
    { 1, 1, 1, 1, 1, 1, 1, 3, 0, true },    { 2, 3, 7, 5, 5, 3, 3, 1, 1, true },
    { 3, 2, 6, 9, 4, 2, 3, 2, 1, true },    { 1, 5, 9, 9, 3, 5, 5, 2, 2, true },
    { 2, 1, 8, 8, 66, 4, 4, 1, 0, true },   { 1, 66, 4, 4, 3, 1, 1, 3, 0, true },
    { 150, 1, 9, 8, 7, 4, 4, 1, 0, false }, { 5, 17, 11, 13, 70, 3, 3, 1, 1, false },
    { 3, 4, 15, 15, 6, 7, 7, 1, 3, false }, { 150, 3, 6, 6, 5, 4, 4, 1, 0, false },
};

static void check_shape(struct mien_cl *cl, size_t s, bool fused)
{
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { shapes[s].n, shapes[s].c, shapes[s].h, shapes[s].w, 1 };
    assert_ok(mien_conv2d_init(&op, &x, shapes[s].oc, shapes[s].kh, shapes[s].kw, shapes[s].stride,
                               shapes[s].pad, &err),
              &err);
    op.relu = fused;
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        assert_int_equal(op.variant[pass], MIEN_CONV2D_TILE);
    }
    struct conv2d_numbers numbers = conv2d_random(&op, fused);
    conv2d_check(cl, &op, &numbers, fused);
    conv2d_free(&numbers);
}

static void test_conv2d_tile__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        if (shapes[s].small || !small_only()) {
            check_shape(cl, s, false);
            check_shape(cl, s, true);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d_tile__matches_reference_on_all_shapes),
    };
    return cmocka_run_group_tests_name("ops/conv2d_tile", tests, device_setup, device_teardown);
}
