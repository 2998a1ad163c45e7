/* test_colour.c - colour scales are even, ordered by lightness and told apart by the colour-blind
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "draw/colour.h"

enum { STEPS = 64 };

static double linear(uint8_t value)
{
    const double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

struct lab {
    double l, a, b;
};

/* CIE L*a*b* (D65): another space than the one that the scales are made in. */
static double f(double t)
{
    return t > 216.0 / 24389.0 ? cbrt(t) : (24389.0 / 27.0 * t + 16.0) / 116.0;
}

static struct lab lab_of_linear(double r, double g, double b)
{
    const double x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
    const double y = f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
    const double z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
    return (struct lab){ 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z) };
}

static struct lab lab_of(struct mien_colour c)
{
    return lab_of_linear(linear(c.r), linear(c.g), linear(c.b));
}

/* What someone without red (0) or green (1) cones sees: Vienot, Brettel and Mollon 1999. */
static struct lab lab_of_dichromat(struct mien_colour c, int kind)
{
    static const double m[2][3][3] = {
        { { 0.11238, 0.88762, 0.0 }, { 0.11238, 0.88762, 0.0 }, { 0.00401, -0.00401, 1.0 } },
        { { 0.29275, 0.70725, 0.0 }, { 0.29275, 0.70725, 0.0 }, { -0.02234, 0.02234, 1.0 } },
    };
    const double from[3] = { linear(c.r), linear(c.g), linear(c.b) };
    double to[3];
    for (int i = 0; i < 3; i++) {
        const double sum =
            m[kind][i][0] * from[0] + m[kind][i][1] * from[1] + m[kind][i][2] * from[2];
        to[i] = fmin(fmax(sum, 0.0), 1.0);
    }
    return lab_of_linear(to[0], to[1], to[2]);
}

static double distance(struct lab a, struct lab b)
{
    return sqrt((a.l - b.l) * (a.l - b.l) + (a.a - b.a) * (a.a - b.a) + (a.b - b.b) * (a.b - b.b));
}

static void test_colour__heat_gets_lighter_all_the_way(void **state)
{
    (void)state;
    struct lab before = lab_of(mien_colour_heat(0.0));
    assert_true(before.l < 20.0);
    for (int i = 1; i <= STEPS; i++) {
        const struct mien_colour c = mien_colour_heat((double)i / STEPS);
        const struct lab now = lab_of(c);
        assert_true(now.l > before.l + 0.5);
        for (int kind = 0; kind < 2; kind++) {
            const struct lab blind = lab_of_dichromat(c, kind);
            const struct lab blind_before =
                lab_of_dichromat(mien_colour_heat((double)(i - 1) / STEPS), kind);
            assert_true(blind.l > blind_before.l + 0.2);
        }
        before = now;
    }
    assert_true(before.l > 88.0);
}

/* OKLab by its definition; the scales go the other way. */
static struct lab oklab_of(struct mien_colour c)
{
    const double r = linear(c.r);
    const double g = linear(c.g);
    const double b = linear(c.b);
    const double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return (struct lab){ 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
                         1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
                         0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s };
}

/* All steps as long as any other, but for colours of 8 bits: none was clipped to what can be shown.
 */
static void check_even(struct mien_colour (*scale)(double), double from, double to)
{
    double shortest = HUGE_VAL;
    double longest = 0.0;
    for (int i = 0; i < 8; i++) {
        const double a = from + (to - from) * i / 8;
        const double b = from + (to - from) * (i + 1) / 8;
        const double step = distance(oklab_of(scale(a)), oklab_of(scale(b)));
        shortest = fmin(shortest, step);
        longest = fmax(longest, step);
    }
    print_message("steps from %.4f to %.4f\n", shortest, longest);
    assert_true(shortest > 0.05);
    assert_true(longest < 1.12 * shortest);
}

static void test_colour__steps_are_even(void **state)
{
    (void)state;
    check_even(mien_colour_heat, 0.0, 1.0);
    check_even(mien_colour_signed, -1.0, 0.0);
    check_even(mien_colour_signed, 0.0, 1.0);
}

static void test_colour__signs_are_as_strong_and_told_apart(void **state)
{
    (void)state;
    const struct lab middle = lab_of(mien_colour_signed(0.0));
    assert_true(middle.l > 92.0 && hypot(middle.a, middle.b) < 2.0);
    for (int i = 1; i <= 8; i++) {
        const struct mien_colour minus = mien_colour_signed(-i / 8.0);
        const struct mien_colour plus = mien_colour_signed(i / 8.0);
        const struct lab a = lab_of(minus);
        const struct lab b = lab_of(plus);
        assert_true(fabs(a.l - b.l) < 6.0);
        for (int kind = 0; kind < 2 && i >= 2; kind++) {
            assert_true(distance(lab_of_dichromat(minus, kind), lab_of_dichromat(plus, kind)) >
                        6.0 * i);
        }
    }
}

static void test_colour__ends_take_what_is_beyond(void **state)
{
    (void)state;
    const struct mien_colour low = mien_colour_heat(-3.0);
    const struct mien_colour none = mien_colour_heat((double)NAN);
    const struct mien_colour first = mien_colour_heat(0.0);
    assert_memory_equal(&low, &first, sizeof(first));
    assert_memory_equal(&none, &first, sizeof(first));
    const struct mien_colour high = mien_colour_signed(7.0);
    const struct mien_colour last = mien_colour_signed(1.0);
    assert_memory_equal(&high, &last, sizeof(last));
}

static void test_colour__mixes_light(void **state)
{
    (void)state;
    const struct mien_colour black = { 0, 0, 0 };
    const struct mien_colour white = { 255, 255, 255 };
    const struct mien_colour half = mien_colour_mix(black, white, 0.5);
    assert_int_equal(half.r, 188); /* half the light of white */
    assert_int_equal(mien_colour_mix(black, white, 1.0).g, 255);
    assert_int_equal(mien_colour_mix(black, white, 0.0).b, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colour__heat_gets_lighter_all_the_way),
        cmocka_unit_test(test_colour__steps_are_even),
        cmocka_unit_test(test_colour__signs_are_as_strong_and_told_apart),
        cmocka_unit_test(test_colour__ends_take_what_is_beyond),
        cmocka_unit_test(test_colour__mixes_light),
    };
    return cmocka_run_group_tests_name("draw/colour", tests, NULL, NULL);
}
