/* test_add.c - the sum of two tensors on the device against the reference */
// oclgrind
#include <math.h>
#include <stdlib.h>

#include "ops/add.h"
#include "ref/add.h"
#include "support/layout.h"

static const struct mien_act shapes[] = {
    { 1, 1, 1, 1, 1 },  { 3, 2, 5, 7, 1 },  { 150, 3, 4, 5, 1 },   { 1, 1, 1, 1, 4 },
    { 7, 3, 5, 3, 4 },  { 1, 1, 1, 1, 8 },  { 11, 3, 9, 13, 8 },   { 150, 2, 6, 5, 8 },
    { 17, 1, 3, 5, 8 }, { 5, 2, 3, 3, 16 }, { 150, 3, 7, 11, 16 },
};

static void check_same(const float *got, const float *want, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(got[i] == want[i] || (isnan(got[i]) && isnan(want[i])))) {
            fail_msg("[%zu]: got %.9g, expected %.9g", i, (double)got[i], (double)want[i]);
        }
    }
}

static void check_one(struct mien_cl *cl, const struct mien_act *act)
{
    struct mien_error err = { "" };
    const size_t count = plain_floats(act);
    float *const a = random_floats(count, 1);
    float *const b = random_floats(count, 2);
    float *const mask = random_floats(count, 3);
    float *const want = random_floats(count, 4);
    a[count / 2] = NAN;
    mask[0] = 0.0f;
    mask[count - 1] = count > 1 ? NAN : 1.0f;
    struct mien_cl_buffer *const ba = upload_act(cl, a, act, 0.0f);
    struct mien_cl_buffer *const bb = upload_act(cl, b, act, 0.0f);
    struct mien_cl_buffer *const bmask = upload_act(cl, mask, act, 0.0f);
    for (int form = 0; form < 5; form++) { /* sum, sum and ReLU, twice a, gradient, masked */
        struct mien_cl_buffer *const by = poisoned_act(cl, act);
        const bool relu = form == 1;
        if (form < 3) {
            assert_ok(mien_add_fwd(cl, by, ba, form == 2 ? ba : bb, act, relu, &err), &err);
            mien_ref_add_fwd(want, a, form == 2 ? a : b, count, relu);
        } else {
            assert_ok(mien_add_bwd(cl, by, ba, bb, form == 3 ? NULL : bmask, act, &err), &err);
            mien_ref_add_bwd(want, a, b, form == 3 ? NULL : mask, count);
        }
        float *const y = download_act(cl, by, act);
        check_same(y, want, count);
        assert_unused_lanes(cl, by, act, true);
        mien_cl_buffer_destroy(by);
        free(y);
    }
    mien_cl_buffer_destroy(ba);
    mien_cl_buffer_destroy(bb);
    mien_cl_buffer_destroy(bmask);
    free(a);
    free(b);
    free(mask);
    free(want);
}

static void test_add__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        check_one(cl, &shapes[i]);
    }
}

static void test_ref_add__sums_and_masks_by_hand(void **state)
{
    (void)state;
    const float a[] = { 1.0f, -3.0f, NAN, 2.0f };
    const float b[] = { 2.0f, 1.0f, 1.0f, -2.0f };
    const float mask[] = { 1.0f, 0.0f, -1.0f, NAN };
    float y[4];
    mien_ref_add_fwd(y, a, b, 4, false);
    assert_true(y[0] == 3.0f && y[1] == -2.0f && isnan(y[2]) && y[3] == 0.0f);
    mien_ref_add_fwd(y, a, b, 4, true);
    assert_true(y[0] == 3.0f && y[1] == 0.0f && isnan(y[2]) && y[3] == 0.0f);
    mien_ref_add_bwd(y, a, b, mask, 4);
    assert_true(y[0] == 3.0f && y[1] == 0.0f && y[2] == 0.0f && y[3] == 0.0f);
    mien_ref_add_bwd(y, a, b, NULL, 4);
    assert_true(y[1] == -2.0f && isnan(y[2]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_add__sums_and_masks_by_hand),
        cmocka_unit_test(test_add__matches_reference_on_all_shapes),
    };
    return cmocka_run_group_tests_name("ops/add", tests, device_setup, device_teardown);
}
