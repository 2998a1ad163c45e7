/* test_dropout.c - dropout on the device against the reference, to the bit */
// oclgrind
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/dropout.h"
#include "ref/dropout.h"
#include "support/layout.h"

static const struct mien_act shapes[] = {
    { 1, 1, 1, 1, 1 },  { 3, 2, 5, 7, 1 },  { 150, 3, 4, 5, 1 },   { 1, 1, 1, 1, 4 },
    { 7, 3, 5, 3, 4 },  { 1, 1, 1, 2, 8 },  { 11, 3, 9, 13, 8 },   { 150, 2, 6, 5, 8 },
    { 17, 1, 3, 5, 8 }, { 5, 2, 3, 3, 16 }, { 150, 3, 7, 11, 16 }, { 33, 120, 1, 1, 16 },
};
static const float rates[] = { 0.3f, 0.0f, 0.5f, 0.999f, 0.9999999f };
enum { RATES = sizeof(rates) / sizeof(rates[0]) };

/* All of 64 and 32 bits take part. */
static const uint64_t seed = UINT64_C(0x9123456789abcdef);
enum { STEP = 123456789, LAYER = 3 };

static struct mien_ref_dropout ref_of(const struct mien_act *act, float rate)
{
    return (struct mien_ref_dropout){ act->n, act->c, act->h, act->w, rate, seed, STEP, LAYER };
}

static struct mien_dropout op_of(const struct mien_act *act, float rate)
{
    return (struct mien_dropout){ *act, rate, seed, STEP, LAYER };
}

static void check_one(struct mien_cl *cl, const struct mien_act *act, float rate)
{
    struct mien_error err = { "" };
    const size_t count = plain_floats(act);
    const struct mien_ref_dropout ref = ref_of(act, rate);
    const struct mien_dropout op = op_of(act, rate);
    float *const x = random_floats(count, 1);
    float *const want = random_floats(count, 2);
    struct mien_cl_buffer *const bx = upload_act(cl, x, act, 0.0f);
    struct mien_cl_buffer *const by = poisoned_act(cl, act);

    mien_ref_dropout(want, x, &ref);
    assert_ok(mien_dropout(cl, by, bx, &op, &err), &err);
    float *const y = download_act(cl, by, act);
    assert_memory_equal(y, want, count * sizeof(*y));
    assert_unused_lanes(cl, by, act, true);

    /* In place, as the other pass draws it: the same bits. */
    assert_ok(mien_dropout(cl, bx, bx, &op, &err), &err);
    float *const again = download_act(cl, bx, act);
    assert_memory_equal(again, want, count * sizeof(*again));

    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(by);
    free(x);
    free(want);
    free(y);
    free(again);
}

static void test_dropout__is_the_reference_to_the_bit_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        check_one(cl, &shapes[i], rates[i % RATES]);
        check_one(cl, &shapes[i], 0.3f);
    }
}

static void test_dropout__keeps_nan_and_infinity_as_0_times_them(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct mien_act act = { 9, 1, 5, 5, 8 };
    const struct mien_dropout op = op_of(&act, 0.5f);
    const size_t count = plain_floats(&act);
    float *const x = random_floats(count, 1);
    for (size_t i = 0; i < count; i += 2) {
        x[i] = i % 4 == 0 ? NAN : INFINITY;
    }
    float *const want = random_floats(count, 2);
    const struct mien_ref_dropout ref = ref_of(&act, 0.5f);
    mien_ref_dropout(want, x, &ref);
    struct mien_cl_buffer *const bx = upload_act(cl, x, &act, 0.0f);
    assert_ok(mien_dropout(cl, bx, bx, &op, &err), &err);
    float *const y = download_act(cl, bx, &act);
    for (size_t i = 0; i < count; i++) {
        assert_true(y[i] == want[i] || (isnan(y[i]) && isnan(want[i])));
        assert_true(isnan(want[i]) || i % 4 != 0);
    }
    mien_cl_buffer_destroy(bx);
    free(x);
    free(want);
    free(y);
}

static void test_dropout__refuses_a_rate_that_drops_all(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    const struct mien_act act = { 1, 1, 1, 1, 1 };
    static const float bad[] = { 1.0f, -0.1f, NAN };
    for (size_t i = 0; i < 3; i++) {
        const struct mien_dropout op = op_of(&act, bad[i]);
        assert_int_equal(mien_dropout(NULL, NULL, NULL, &op, &err), MIEN_ERR_SHAPE);
    }
}

/* A share within five standard deviations, each value 0 or 1 / (1 - rate), and a mean of 1. */
static void test_ref_dropout__drops_its_share_and_keeps_the_mean(void **state)
{
    (void)state;
    const struct mien_act act = { 40, 5, 20, 25, 1 };
    const size_t count = plain_floats(&act);
    float *const x = calloc(count, sizeof(*x));
    assert_non_null(x);
    for (size_t k = 0; k < 3; k++) {
        static const float tried[] = { 0.1f, 0.5f, 0.8f };
        const double rate = (double)tried[k];
        const struct mien_ref_dropout op = ref_of(&act, tried[k]);
        size_t dropped = 0;
        for (size_t i = 0; i < count; i++) {
            x[i] = 1.0f;
        }
        mien_ref_dropout(x, x, &op);
        for (size_t i = 0; i < count; i++) {
            assert_true(x[i] == 0.0f || fabs((double)x[i] - 1.0 / (1.0 - rate)) < 1e-6);
            dropped += x[i] == 0.0f;
        }
        const double deviation = sqrt((double)count * rate * (1.0 - rate));
        assert_true(fabs((double)dropped - (double)count * rate) < 5.0 * deviation);
    }
    free(x);
}

/* Another seed, step, layer or image drops others: about half of the places agree at rate 0.5. */
static void test_ref_dropout__depends_on_each_of_its_numbers(void **state)
{
    (void)state;
    enum { PIXELS = 4000 };
    const struct mien_ref_dropout base = { 2, 1, 1, PIXELS, 0.5f, seed, STEP, LAYER };
    struct mien_ref_dropout others[4] = { base, base, base, base };
    others[0].seed ^= UINT64_C(1) << 40;
    others[1].step++;
    others[2].layer++;
    float *const x = malloc(3 * 2 * PIXELS * sizeof(*x));
    assert_non_null(x);
    float *const a = x + (size_t)2 * PIXELS;
    float *const b = a + (size_t)2 * PIXELS;
    for (size_t i = 0; i < (size_t)2 * PIXELS; i++) {
        x[i] = 1.0f;
    }
    mien_ref_dropout(a, x, &base);
    for (size_t k = 0; k < 4; k++) {
        size_t same = 0;
        mien_ref_dropout(b, x, &others[k]);
        const float *const other = k < 3 ? b : b + PIXELS; /* the last: the second image */
        for (size_t i = 0; i < PIXELS; i++) {
            same += a[i] == other[i];
        }
        assert_true(same > PIXELS * 2 / 5 && same < PIXELS * 3 / 5);
    }
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_dropout__drops_its_share_and_keeps_the_mean),
        cmocka_unit_test(test_ref_dropout__depends_on_each_of_its_numbers),
        cmocka_unit_test(test_dropout__refuses_a_rate_that_drops_all),
        cmocka_unit_test(test_dropout__is_the_reference_to_the_bit_on_all_shapes),
        cmocka_unit_test(test_dropout__keeps_nan_and_infinity_as_0_times_them),
    };
    return cmocka_run_group_tests_name("ops/dropout", tests, device_setup, device_teardown);
}
