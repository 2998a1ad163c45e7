/* test_average.c - the moving average of parameters against the reference */
// oclgrind
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/average.h"
#include "ref/average.h"
#include "support/layout.h"

static const size_t counts[] = { 128, 384, 128 * 301, 1, 67, 150 * 7 };
enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };

static void test_average__matches_reference_for_three_steps(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const float shares[] = { 0.001f, 0.818181f, 1.0f };
    struct mien_error err = { "" };
    for (size_t k = 0; k < COUNTS; k++) {
        const size_t bytes = counts[k] * sizeof(float);
        float *const average = random_floats(counts[k], 1);
        struct mien_cl_buffer *const baverage = guarded_copy(cl, average, bytes);
        for (uint32_t step = 0; step < 3; step++) {
            float *const params = random_floats(counts[k], 2 + step);
            struct mien_cl_buffer *const bparams = guarded_copy(cl, params, bytes);
            assert_ok(mien_average_update(cl, baverage, bparams, counts[k], shares[step], &err),
                      &err);
            mien_ref_average_update(average, params, counts[k], shares[step]);
            float *const got = guarded_read(cl, baverage, bytes);
            assert_all_close(got, average, counts[k], 1e-6f, 1e-6f);
            mien_cl_buffer_destroy(bparams);
            free(params);
            free(got);
        }
        mien_cl_buffer_destroy(baverage);
        free(average);
    }
}

static void test_average__swaps_every_bit(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    for (size_t k = 0; k < COUNTS; k++) {
        const size_t bytes = counts[k] * sizeof(float);
        float *const a = random_floats(counts[k], 1);
        float *const b = random_floats(counts[k], 2);
        a[counts[k] - 1] = NAN;
        struct mien_cl_buffer *const ba = guarded_copy(cl, a, bytes);
        struct mien_cl_buffer *const bb = guarded_copy(cl, b, bytes);
        assert_ok(mien_average_swap(cl, ba, bb, counts[k], &err), &err);
        float *const got_a = guarded_read(cl, ba, bytes);
        float *const got_b = guarded_read(cl, bb, bytes);
        assert_memory_equal(got_a, b, bytes);
        assert_memory_equal(got_b, a, bytes);
        mien_cl_buffer_destroy(ba);
        mien_cl_buffer_destroy(bb);
        free(a);
        free(b);
        free(got_a);
        free(got_b);
    }
}

static void test_average__refuses_a_count_out_of_range(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    assert_int_equal(mien_average_update(cl, NULL, NULL, 0, 0.5f, &err), MIEN_ERR_SHAPE);
    assert_int_equal(mien_average_swap(cl, NULL, NULL, 0, &err), MIEN_ERR_SHAPE);
    assert_int_equal(mien_average_swap(cl, NULL, NULL, (size_t)INT_MAX + 1, &err), MIEN_ERR_SHAPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_average__refuses_a_count_out_of_range),
        cmocka_unit_test(test_average__matches_reference_for_three_steps),
        cmocka_unit_test(test_average__swaps_every_bit),
    };
    return cmocka_run_group_tests_name("ops/average", tests, device_setup, device_teardown);
}
