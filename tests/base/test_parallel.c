// wrap: pthread_create
/* test_parallel.c - the same function over many indices */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parallel.h"
#include "support/scratch.h"

/* How many threads the system gives; fewer stand for a limit on processes. */
static int threads_left = 1000;

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user)
{
    return threads_left-- > 0 ? __real_pthread_create(thread, attributes, run, user) : 11;
}

static int allow(void **state)
{
    (void)state;
    threads_left = 1000;
    return 0;
}

static void sleep_ms(long ms)
{
    const struct timespec span = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&span, NULL);
}

enum { MOST = 1000 };

struct work {
    atomic_int calls[MOST];
    size_t fails_from; /* indices that are a multiple of 10 fail from here on */
    long ms;
};

static enum mien_status do_work(void *user, size_t index, struct mien_error *err)
{
    struct work *const work = user;
    atomic_fetch_add(&work->calls[index], 1);
    if (work->ms != 0) {
        sleep_ms(work->ms);
    }
    if (index >= work->fails_from && index % 10 == 0) {
        sleep_ms(index == work->fails_from ? 20 : 0); /* the lowest failure comes last */
        return mien_fail(err, index == work->fails_from ? MIEN_ERR_SHAPE : MIEN_ERR_IO, "index %zu",
                         index);
    }
    return MIEN_OK;
}

static void check_all_once(size_t count, int threads)
{
    struct mien_error err = { "" };
    struct work *const work = calloc(1, sizeof(*work));
    assert_non_null(work);
    work->fails_from = MOST;
    must(mien_parallel_for(count, threads, do_work, work, NULL, "work", &err), &err);
    for (size_t i = 0; i < MOST; i++) {
        assert_int_equal(work->calls[i], i < count ? 1 : 0);
    }
    free(work);
}

static void test_parallel__every_index_is_done_once(void **state)
{
    (void)state;
    static const size_t counts[] = { 0, 1, 2, 3, 17, MOST };
    static const int threads[] = { -1, 0, 1, 2, 7, 5000 };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (size_t k = 0; k < sizeof(threads) / sizeof(threads[0]); k++) {
            check_all_once(counts[i], threads[k]);
            threads_left = 1000;
        }
    }
}

static void test_parallel__needs_no_second_thread(void **state)
{
    (void)state;
    for (int left = 0; left < 3; left++) {
        threads_left = left;
        check_all_once(MOST, 8);
    }
}

static void test_parallel__the_lowest_failure_is_told(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 8; threads++) {
        struct mien_error err = { "" };
        struct work *const work = calloc(1, sizeof(*work));
        assert_non_null(work);
        work->fails_from = 30;
        const enum mien_status st =
            mien_parallel_for(MOST, threads, do_work, work, NULL, "work", &err);
        must_fail(st, MIEN_ERR_SHAPE, &err, "index 30");
        for (size_t i = 0; i <= 30; i++) {
            assert_int_equal(work->calls[i], 1);
        }
        assert_int_equal(work->calls[MOST - 1], 0); /* the rest was given up */
        assert_int_equal(mien_parallel_for(MOST, threads, do_work, work, NULL, "work", NULL),
                         MIEN_ERR_SHAPE);
        free(work);
    }
}

struct reports {
    pthread_t caller;
    size_t count, last, total;
};

static void keep_report(void *user, const char *what, size_t done, size_t total)
{
    struct reports *const reports = user;
    assert_true(pthread_equal(reports->caller, pthread_self()));
    assert_string_equal(what, "work");
    assert_true(reports->count == 0 || done >= reports->last);
    reports->count++;
    reports->last = done;
    reports->total = total;
}

/* 300 pieces of 4 ms on four threads take 300 ms or more: some reports, not 300. */
static void test_parallel__progress_comes_from_the_caller_now_and_then(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct reports reports = { .caller = pthread_self() };
    const struct mien_log log = { .progress = keep_report, .user = &reports };
    struct work *const work = calloc(1, sizeof(*work));
    assert_non_null(work);
    work->fails_from = MOST;
    work->ms = 4;
    struct timespec begin;
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    must(mien_parallel_for(300, 4, do_work, work, &log, "work", &err), &err);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    const size_t ms =
        (size_t)((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
    assert_int_equal(reports.last, 300);
    assert_int_equal(reports.total, 300);
    assert_in_range(reports.count, 3, ms / 50 + 3);
    free(work);
}

static enum mien_status sleep_at_the_end(void *user, size_t index, struct mien_error *err)
{
    (void)err;
    const pthread_t *const caller = user;
    sleep_ms(pthread_equal(*caller, pthread_self()) ? 1 : index == 1 ? 200 : 5);
    return MIEN_OK;
}

/* The caller has nothing left to do long before another thread has, and goes on reporting. */
static void test_parallel__the_caller_reports_while_it_waits(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    pthread_t caller = pthread_self();
    struct reports reports = { .caller = caller };
    const struct mien_log log = { .progress = keep_report, .user = &reports };
    must(mien_parallel_for(4, 2, sleep_at_the_end, &caller, &log, "work", &err), &err);
    assert_int_equal(reports.last, 4);
    assert_true(reports.count >= 2);
}

static void test_parallel__knows_at_least_one_core(void **state)
{
    (void)state;
    assert_true(mien_cpu_count() >= 1);
}

static void keep_line(void *user, const char *text)
{
    (void)snprintf(user, 64, "%s", text);
}

static void test_log__lines_are_formatted_or_dropped(void **state)
{
    (void)state;
    char text[64] = "";
    const struct mien_log log = { .line = keep_line, .user = text };
    mien_log_line(&log, "%d kernels, %s", 12, "once");
    assert_string_equal(text, "12 kernels, once");
    mien_log_progress(&log, "work", 1, 2);
    const struct mien_log silent = { .user = NULL };
    mien_log_line(&silent, "x");
    mien_log_progress(&silent, "work", 1, 2);
    mien_log_line(NULL, "x");
    mien_log_progress(NULL, "work", 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parallel__every_index_is_done_once),
        cmocka_unit_test_teardown(test_parallel__needs_no_second_thread, allow),
        cmocka_unit_test(test_parallel__the_lowest_failure_is_told),
        cmocka_unit_test(test_parallel__progress_comes_from_the_caller_now_and_then),
        cmocka_unit_test(test_parallel__the_caller_reports_while_it_waits),
        cmocka_unit_test(test_parallel__knows_at_least_one_core),
        cmocka_unit_test(test_log__lines_are_formatted_or_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
