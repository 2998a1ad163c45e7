/* test_rows.c - bias, ReLU and column sums of plain rows on the device against the reference */
// oclgrind
#include <stdlib.h>

#include "ops/rows.h"
#include "ref/rows.h"
#include "support/layout.h"

static const struct {
    int n, f;
} shapes[] = { { 1, 1 }, { 3, 7 }, { 1, 64 }, { 150, 120 }, { 150, 7 }, { 33, 301 } };

static void check_one(struct mien_cl *cl, int n, int f, bool fused)
{
    struct mien_error err = { "" };
    const size_t count = (size_t)n * (size_t)f;
    float *const y = random_floats(count, 1);
    float *const bias = random_floats((size_t)f, 2);
    float *const want_sum = random_floats((size_t)f, 3);
    struct mien_cl_buffer *const by = guarded_copy(cl, y, count * sizeof(float));
    struct mien_cl_buffer *const bbias = guarded_copy(cl, bias, (size_t)f * sizeof(float));
    struct mien_cl_buffer *const bsum = guarded_buffer(cl, (size_t)f * sizeof(float));
    assert_ok(mien_rows_sum(cl, bsum, by, n, f, &err), &err);
    mien_ref_rows_sum(want_sum, y, n, f);
    assert_ok(mien_rows_bias(cl, by, fused ? bbias : NULL, n, f, fused, &err), &err);
    mien_ref_rows_bias(y, fused ? bias : NULL, n, f, fused);
    float *const got = guarded_read(cl, by, count * sizeof(float));
    float *const sum = guarded_read(cl, bsum, (size_t)f * sizeof(float));
    assert_all_close(got, y, count, 1e-7f, 0.0f);
    assert_close_to_scale(sum, want_sum, (size_t)f, 1e-5f);
    mien_cl_buffer_destroy(by);
    mien_cl_buffer_destroy(bbias);
    mien_cl_buffer_destroy(bsum);
    free(y);
    free(bias);
    free(want_sum);
    free(got);
    free(sum);
}

static void test_rows__match_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        check_one(cl, shapes[i].n, shapes[i].f, false);
        check_one(cl, shapes[i].n, shapes[i].f, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows__match_reference_on_all_shapes),
    };
    return cmocka_run_group_tests_name("ops/rows", tests, device_setup, device_teardown);
}
