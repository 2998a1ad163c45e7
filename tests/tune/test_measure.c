/* test_measure.c - sums over times, gaps between launches, and a device's peaks */
#include "tune/measure.h"

#include "support/device.h"
#include "tune/peak.h"

static void test_measure__sums_up_times_in_any_order(void **state)
{
    (void)state;
    struct mien_times times;
    double five[] = { 5.0, 1.0, 4.0, 2.0, 3.0 };
    mien_times_of(&times, five, 5);
    assert_true(times.min_ms == 1.0);
    assert_true(times.q1_ms == 2.0);
    assert_true(times.median_ms == 3.0);
    assert_true(times.q3_ms == 4.0);
    double four[] = { 8.0, 2.0, 4.0, 6.0 };
    mien_times_of(&times, four, 4);
    assert_true(times.min_ms == 2.0);
    assert_true(times.q1_ms == 3.5);
    assert_true(times.median_ms == 5.0);
    assert_true(times.q3_ms == 6.5);
    double one[] = { 7.0 };
    mien_times_of(&times, one, 1);
    assert_true(times.min_ms == 7.0 && times.q1_ms == 7.0);
    assert_true(times.median_ms == 7.0 && times.q3_ms == 7.0);
}

static void test_measure__counts_gaps_but_no_overlaps(void **state)
{
    (void)state;
    static const struct mien_cl_sample samples[] = {
        { "a", "", 1, 0, 1000000, 3000000 }, { "b", "", 1, 0, 3500000, 4000000 }, /* after 0.5 ms */
        { "c", "", 1, 0, 3900000, 9000000 }, /* with the one before */
        { "d", "", 1, 0, 4000000, 5000000 }, /* within that */
        { "e", "", 1, 0, 9250000, 9500000 }, /* after 0.25 ms */
    };
    assert_true(mien_idle_ms(samples, 5) == 0.75);
    assert_true(mien_idle_ms(samples, 1) == 0.0);
    assert_true(mien_idle_ms(samples, 0) == 0.0);
    assert_true(mien_device_ms(samples, 2) == 2.5);
    assert_true(mien_device_ms(samples, 0) == 0.0);
}

struct counter {
    int calls, failing;
};

static enum mien_status count(void *user, struct mien_error *err)
{
    struct counter *const counter = user;
    counter->calls++;
    return counter->calls == counter->failing ? mien_fail(err, MIEN_ERR_CL, "call refused")
                                              : MIEN_OK;
}

static void test_measure__warms_up_apart_and_stops_at_a_failure(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_measured measured;
    struct counter counter = { 0, 0 };
    const struct mien_work work = { count, &counter };
    assert_ok(mien_measure(&measured, cl, &work, 2, 5, &err), &err);
    assert_int_equal(counter.calls, 7);
    assert_true(measured.wall.min_ms >= 0.0);
    assert_true(measured.wall.median_ms >= measured.wall.min_ms);
    assert_true(measured.device.median_ms == 0.0); /* nothing was launched */
    counter = (struct counter){ 0, 4 };
    assert_int_equal(mien_measure(&measured, cl, &work, 2, 5, &err), MIEN_ERR_CL);
    assert_int_equal(counter.calls, 4);
    assert_string_equal(err.text, "call refused");
}

static void test_measure__finds_peaks_on_a_profiling_device(void **state)
{
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct mien_peaks peaks;
    const struct mien_cl_options options = { .profile = true };
    assert_ok(mien_cl_open(&cl, &options, &err), &err);
    assert_ok(mien_peaks_measure(&peaks, cl, 1, 3, &err), &err);
    assert_int_equal(mien_cl_bytes(cl), 0);
    assert_true(peaks.flop > 0.0 && peaks.bytes > 0.0);
    assert_true(peaks.gflop_s > 0.1 && peaks.gflop_s < 1e7);
    assert_true(peaks.gb_s > 0.1 && peaks.gb_s < 1e6);
    assert_true(peaks.arithmetic.wall.min_ms >= peaks.arithmetic.device.min_ms * 0.5);
    mien_cl_close(cl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure__sums_up_times_in_any_order),
        cmocka_unit_test(test_measure__counts_gaps_but_no_overlaps),
        cmocka_unit_test(test_measure__warms_up_apart_and_stops_at_a_failure),
        cmocka_unit_test(test_measure__finds_peaks_on_a_profiling_device),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
