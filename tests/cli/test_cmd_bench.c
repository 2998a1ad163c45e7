/* test_cmd_bench.c - when two measurements differ, and what bounds a kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/cmd_bench.h"

static void test_cmd_bench__calls_noise_no_difference(void **state)
{
    (void)state;
    static const struct {
        struct mien_times before, after; /* minimum, q1, median, q3 */
        enum bench_verdict verdict;
    } cases[] = {
        { { 10, 10, 10, 10 }, { 10, 10, 10, 10 }, BENCH_SAME },
        { { 10, 10.1, 10.2, 10.3 }, { 5, 5.1, 5.2, 5.3 }, BENCH_FASTER },
        { { 5, 5.1, 5.2, 5.3 }, { 10, 10.1, 10.2, 10.3 }, BENCH_SLOWER },
        /* less than a thirtieth, however sharp */
        { { 10, 10, 10, 10 }, { 10.2, 10.2, 10.2, 10.2 }, BENCH_SAME },
        { { 10, 10, 10, 10 }, { 10.4, 10.4, 10.4, 10.4 }, BENCH_SLOWER },
        { { 10.4, 10.4, 10.4, 10.4 }, { 10, 10, 10, 10 }, BENCH_FASTER },
        /* medians far apart, but the middle halves overlap */
        { { 10, 10.5, 11, 15 }, { 11, 14, 16, 20 }, BENCH_SAME },
        { { 11, 14, 16, 20 }, { 10, 10.5, 11, 15 }, BENCH_SAME },
        /* the best time went the other way: something else was running */
        { { 10, 11, 11, 11 }, { 9, 14, 15, 16 }, BENCH_SAME },
        { { 9, 14, 15, 16 }, { 10, 11, 11, 11 }, BENCH_SAME },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(bench_judge(&cases[i].before, &cases[i].after), cases[i].verdict);
    }
}

static void test_cmd_bench__takes_the_higher_of_two_floors(void **state)
{
    (void)state;
    const struct mien_peaks peaks = { .gflop_s = 100.0, .gb_s = 10.0 };
    const struct bench_floor arithmetic = bench_floor_of(2e9, 1e7, &peaks);
    assert_string_equal(arithmetic.bound, "arithmetic");
    assert_true(arithmetic.ms == 20.0);
    const struct bench_floor memory = bench_floor_of(2e8, 1e8, &peaks);
    assert_string_equal(memory.bound, "memory");
    assert_true(memory.ms == 10.0);
    const struct mien_peaks unknown = { .gflop_s = 0.0 };
    assert_true(bench_floor_of(2e9, 1e7, &unknown).ms == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd_bench__calls_noise_no_difference),
        cmocka_unit_test(test_cmd_bench__takes_the_higher_of_two_floors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
