/* test_half.c - 16-bit floating-point numbers against arithmetic in double precision */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "base/random.h"

enum { HALVES = 65536, INFINITE = 0x7c00, SIGN = 0x8000 };

/* By its definition: sign, five bits of exponent with bias 15, ten of fraction. */
static double value_of(unsigned half)
{
    const int exponent = (int)(half >> 10 & 0x1fu);
    const double fraction = (double)(half & 0x3ffu) / 1024.0;
    double size = exponent == 0 ? ldexp(fraction, -14) : ldexp(1.0 + fraction, exponent - 15);
    if (exponent == 31) {
        size = fraction == 0.0 ? (double)INFINITY : (double)NAN;
    }
    return half & SIGN ? -size : size;
}

static void test_half__every_number_is_its_definition_and_comes_back(void **state)
{
    (void)state;
    for (unsigned half = 0; half < HALVES; half++) {
        const float value = mien_half_value((uint16_t)half);
        const double wanted = value_of(half);
        if (isnan(wanted)) {
            assert_true(isnan(value));
            assert_true(isnan(mien_half_value(mien_half_of(value))));
            continue;
        }
        assert_true((double)value == wanted);
        assert_int_equal(signbit(value) != 0, (half & SIGN) != 0);
        assert_int_equal(mien_half_of(value), half);
    }
}

/* A float32 between two neighbours becomes the nearer, in the middle the even one. */
static void test_half__rounds_to_nearest_even(void **state)
{
    (void)state;
    for (unsigned half = 0; half < INFINITE; half++) {
        const double low = value_of(half);
        const double high = half + 1 == INFINITE ? 65536.0 : value_of(half + 1);
        const float middle = (float)((low + high) / 2.0); /* exact: one more bit */
        const unsigned even = half % 2 == 0 ? half : half + 1;
        assert_int_equal(mien_half_of(middle), even);
        assert_int_equal(mien_half_of(nextafterf(middle, 0.0f)), half);
        assert_int_equal(mien_half_of(nextafterf(middle, INFINITY)), half + 1);
        assert_int_equal(mien_half_of(-middle), even | SIGN);
    }
}

static void test_half__what_is_out_of_range_becomes_infinite_or_zero(void **state)
{
    (void)state;
    assert_int_equal(mien_half_of(65504.0f), 0x7bff);
    assert_int_equal(mien_half_of(65519.996f), 0x7bff);
    assert_int_equal(mien_half_of(65520.0f), INFINITE);
    assert_int_equal(mien_half_of(-1e30f), INFINITE | SIGN);
    assert_int_equal(mien_half_of(INFINITY), INFINITE);
    assert_int_equal(mien_half_of(1e-30f), 0);
    assert_int_equal(mien_half_of(-1e-45f), SIGN);
}

static void test_half__a_random_number_is_within_half_a_unit(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t bits[4];
        mien_random_block(bits, 7, MIEN_STREAM_INIT, 0, i);
        const float value =
            ldexpf(mien_random_unit(bits[0]) * 2.0f - 1.0f, (int)(bits[1] % 30) - 15);
        const double step = fabs((double)value) < ldexp(1.0, -14) ? ldexp(1.0, -24)
                                                                  : ldexp(1.0, ilogbf(value) - 10);
        const double error = fabs((double)mien_half_value(mien_half_of(value)) - (double)value);
        assert_true(error <= step / 2.0);
    }
}

static void test_bfloat__is_the_upper_half_of_a_float(void **state)
{
    (void)state;
    assert_true(mien_bfloat_value(0x3f80) == 1.0f);
    assert_true(mien_bfloat_value(0xc049) == -3.140625f);
    assert_true(mien_bfloat_value(0x0001) == 0x1p-133f);
    assert_true(isinf(mien_bfloat_value(0x7f80)));
    assert_true(isnan(mien_bfloat_value(0x7fc0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half__every_number_is_its_definition_and_comes_back),
        cmocka_unit_test(test_half__rounds_to_nearest_even),
        cmocka_unit_test(test_half__what_is_out_of_range_becomes_infinite_or_zero),
        cmocka_unit_test(test_half__a_random_number_is_within_half_a_unit),
        cmocka_unit_test(test_bfloat__is_the_upper_half_of_a_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
