/* test_relu.c - max(x, 0) on the device against the reference */
// oclgrind
#include <math.h>
#include <stdlib.h>

#include "ops/relu.h"
#include "ref/relu.h"
#include "support/layout.h"

static const struct mien_act shapes[] = {
    { 1, 1, 1, 1, 1 },  { 3, 2, 5, 7, 1 },  { 150, 3, 4, 5, 1 },   { 1, 1, 1, 1, 4 },
    { 7, 3, 5, 3, 4 },  { 1, 1, 1, 1, 8 },  { 11, 3, 9, 13, 8 },   { 150, 2, 6, 5, 8 },
    { 17, 1, 3, 5, 8 }, { 5, 2, 3, 3, 16 }, { 150, 3, 7, 11, 16 },
};

static void check_one(struct mien_cl *cl, const struct mien_act *act)
{
    struct mien_error err = { "" };
    const size_t count = plain_floats(act);
    float *const x = random_floats(count, 1);
    float *const dy = random_floats(count, 2);
    float *const want = random_floats(count, 3);
    x[count / 2] = NAN;
    x[count - 1] = -0.0f;
    struct mien_cl_buffer *const bx = upload_act(cl, x, act, 0.0f);
    struct mien_cl_buffer *const by = poisoned_act(cl, act);
    struct mien_cl_buffer *const bdy = upload_act(cl, dy, act, 0.0f);
    struct mien_cl_buffer *const bdx = poisoned_act(cl, act);

    assert_ok(mien_relu_fwd(cl, by, bx, act, &err), &err);
    float *const y = download_act(cl, by, act);
    mien_ref_relu_fwd(want, x, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(y[i] == want[i] || (isnan(y[i]) && isnan(want[i])));
    }
    assert_unused_lanes(cl, by, act, true);

    assert_ok(mien_relu_bwd(cl, bdx, bdy, by, act, &err), &err);
    float *const dx = download_act(cl, bdx, act);
    mien_ref_relu_bwd(want, dy, y, count);
    assert_all_close(dx, want, count, 0.0f, 0.0f);

    /* In place, twice the same. */
    assert_ok(mien_relu_fwd(cl, bx, bx, act, &err), &err);
    assert_ok(mien_relu_bwd(cl, bdy, bdy, bx, act, &err), &err);
    float *const again = download_act(cl, bdy, act);
    assert_all_close(again, want, count, 0.0f, 0.0f);

    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(by);
    mien_cl_buffer_destroy(bdy);
    mien_cl_buffer_destroy(bdx);
    free(x);
    free(dy);
    free(want);
    free(y);
    free(dx);
    free(again);
}

static void test_relu__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        check_one(cl, &shapes[i]);
    }
}

static void test_ref_relu__passes_nan_and_blocks_its_gradient(void **state)
{
    (void)state;
    const float x[] = { -1.0f, 2.0f, NAN, 0.0f, INFINITY };
    const float dy[] = { 1.0f, 2.0f, 3.0f, 4.0f, 5.0f };
    float y[5];
    float dx[5];
    mien_ref_relu_fwd(y, x, 5);
    mien_ref_relu_bwd(dx, dy, y, 5);
    assert_true(y[0] == 0.0f && y[1] == 2.0f && isnan(y[2]) && y[3] == 0.0f && isinf(y[4]));
    assert_true(dx[0] == 0.0f && dx[1] == 2.0f && dx[2] == 0.0f && dx[3] == 0.0f && dx[4] == 5.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_relu__passes_nan_and_blocks_its_gradient),
        cmocka_unit_test(test_relu__matches_reference_on_all_shapes),
    };
    return cmocka_run_group_tests_name("ops/relu", tests, device_setup, device_teardown);
}
