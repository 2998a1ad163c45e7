/* test_conv2d_tile.c - the convolution for GPUs against the reference */
// oclgrind
#include <string.h>

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

/* One shape with these parameters in all three passes, where the device has the memory for them. */
static void check_tile(struct mien_cl *cl, const cl_int tile[3], const struct mien_act *x, int oc)
{
    struct mien_error err = { "" };
    struct mien_conv2d op;
    assert_ok(mien_conv2d_init(&op, x, oc, 3, 3, 1, 1, &err), &err);
    mien_conv2d_fit(&op, (size_t)mien_cl_device(cl)->local_bytes);
    bool fits = true;
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        memcpy(op.param[pass], tile, 3 * sizeof(*tile));
        fits = fits && mien_conv2d_fits(&op, (enum mien_conv2d_pass)pass);
    }
    if (fits) {
        struct conv2d_numbers numbers = conv2d_random(&op, true);
        conv2d_check(cl, &op, &numbers, true);
        conv2d_free(&numbers);
    }
}

/* Each parameter at its ends; rows and columns of several tiles, the last one not full; sums of
 * more terms than are added up at once. */
static void test_conv2d_tile__matches_reference_with_other_tiles(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const cl_int tiles[][3] = { { 2, 8, 32 }, { 8, 2, 8 }, { 8, 8, 16 }, { 4, 4, 32 } };
    const struct mien_act small = { 2, 3, 5, 5, 1 };
    const struct mien_act wide = { 3, 130, 5, 6, 1 };
    const struct mien_act large = { 1, 1, 41, 41, 1 };
    for (size_t i = 0; i < sizeof(tiles) / sizeof(tiles[0]); i++) {
        if (small_only()) {
            check_tile(cl, tiles[i], &small, 5);
        } else {
            check_tile(cl, tiles[i], &wide, 130);
            check_tile(cl, tiles[i], &large, 3);
        }
    }
}

/* What a device has not the local memory for is not tried there. */
static void test_conv2d_tile__knows_its_local_memory(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { 5, 17, 11, 13, 1 };
    assert_ok(mien_conv2d_init(&op, &x, 70, 3, 3, 1, 1, &err), &err);
    mien_conv2d_fit(&op, 32768);
    assert_true(mien_conv2d_fits(&op, MIEN_CONV2D_FWD)); /* 16 * (64 + 1 + 64 + 1) floats */
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    op.param[MIEN_CONV2D_FWD][1] = 2; /* columns: no whole window */
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    const cl_int most[] = { 8, 8, 32 }; /* 32 * (128 + 1 + 128 + 1) */
    memcpy(op.param[MIEN_CONV2D_FWD], most, sizeof(most));
    assert_false(mien_conv2d_fits(&op, MIEN_CONV2D_FWD));
    mien_conv2d_fit(&op, (size_t)32 * 258 * 4);
    assert_true(mien_conv2d_fits(&op, MIEN_CONV2D_FWD));
    mien_conv2d_fit(&op, (size_t)32 * 258 * 4 - 1);
    assert_false(mien_conv2d_fits(&op, MIEN_CONV2D_FWD));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d_tile__knows_its_local_memory),
        cmocka_unit_test(test_conv2d_tile__matches_reference_on_all_shapes),
        cmocka_unit_test(test_conv2d_tile__matches_reference_with_other_tiles),
    };
    return cmocka_run_group_tests_name("ops/conv2d_tile", tests, device_setup, device_teardown);
}
