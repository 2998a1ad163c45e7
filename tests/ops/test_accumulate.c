/* test_accumulate.c - sums of gradients against the reference */
// oclgrind
#include <math.h>
#include <stdlib.h>

#include "ops/accumulate.h"
#include "ref/accumulate.h"
#include "support/layout.h"

static const size_t counts[] = { 128, 384, 128 * 301, 128 * 999 };

static void test_accumulate__is_the_reference_to_the_bit(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
        const size_t bytes = counts[k] * sizeof(float);
        float *const want = random_floats(counts[k], 9);
        struct mien_cl_buffer *const sum = guarded_buffer(cl, bytes); /* of NaN */
        for (uint32_t batch = 0; batch < 3; batch++) {
            float *const grads = random_floats(counts[k], 2 + batch);
            struct mien_cl_buffer *const bgrads = guarded_copy(cl, grads, bytes);
            assert_ok(mien_accumulate(cl, sum, bgrads, counts[k], batch == 0, &err), &err);
            mien_ref_accumulate(want, grads, counts[k], batch == 0);
            float *const got = guarded_read(cl, sum, bytes);
            assert_memory_equal(got, want, bytes);
            mien_cl_buffer_destroy(bgrads);
            free(grads);
            free(got);
        }
        mien_cl_buffer_destroy(sum);
        free(want);
    }
}

static void test_accumulate__lets_a_nan_through(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    float grads[128] = { [100] = NAN };
    struct mien_cl_buffer *const sum = guarded_buffer(cl, sizeof(grads));
    struct mien_cl_buffer *const bgrads = guarded_copy(cl, grads, sizeof(grads));
    assert_ok(mien_accumulate(cl, sum, bgrads, 128, true, &err), &err);
    float *const got = guarded_read(cl, sum, sizeof(grads));
    assert_true(isnan(got[100]) && got[99] == 0.0f);
    mien_cl_buffer_destroy(sum);
    mien_cl_buffer_destroy(bgrads);
    free(got);
}

static void test_accumulate__refuses_a_count_off_the_block(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    assert_int_equal(mien_accumulate(NULL, NULL, NULL, 100, true, &err), MIEN_ERR_SHAPE);
    assert_int_equal(mien_accumulate(NULL, NULL, NULL, 0, false, &err), MIEN_ERR_SHAPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accumulate__refuses_a_count_off_the_block),
        cmocka_unit_test(test_accumulate__is_the_reference_to_the_bit),
        cmocka_unit_test(test_accumulate__lets_a_nan_through),
    };
    return cmocka_run_group_tests_name("ops/accumulate", tests, device_setup, device_teardown);
}
