/* test_history.c - the rows of a run, from the start and when it goes on */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "support/comma.h"
#include "support/scratch.h"
#include "train/history.h"

#define HEADER                                                                                     \
    "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,rate,"                    \
    "images_per_s,seconds\n"

static struct mien_epoch row_of(int epoch)
{
    return (struct mien_epoch){ .epoch = epoch,
                                .train_loss = 1.5,
                                .train_accuracy = 0.25,
                                .validated = epoch % 2 == 0,
                                .validation_loss = 1.75,
                                .validation_accuracy = 0.125,
                                .rate = 0.01,
                                .images_per_s = 1234.5,
                                .seconds = 6.5 };
}

static void add_rows(struct mien_history *history, int first, int last)
{
    struct mien_error err = { "" };
    for (int i = first; i <= last; i++) {
        const struct mien_epoch row = row_of(i);
        must(mien_history_add(history, &row, &err), &err);
    }
}

static void assert_text(const char *path, const char *want)
{
    size_t bytes = 0;
    unsigned char *const got = scratch_read(path, &bytes);
    assert_string_equal((const char *)got, want);
    free(got);
}

static void test_history__writes_a_row_an_epoch(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_history history;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "history.csv");
    must(mien_history_init(&history, path, 0, &err), &err);
    add_rows(&history, 1, 2);
    mien_history_finish(&history);
    assert_text(path, HEADER "1,1.500000,0.250000,,,0.01,1234.5,6.50\n"
                             "2,1.500000,0.250000,1.750000,0.125000,0.01,1234.5,6.50\n");
    free(path);
    scratch_remove(folder);
}

/* Killed between the row and the checkpoint: the row of the epoch that is made again must go. */
static void test_history__drops_rows_behind_the_checkpoint(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_history history;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "history.csv");
    must(mien_history_init(&history, path, 0, &err), &err);
    add_rows(&history, 1, 3);
    mien_history_finish(&history);
    must(mien_history_init(&history, path, 1, &err), &err);
    add_rows(&history, 2, 2);
    mien_history_finish(&history);
    assert_text(path, HEADER "1,1.500000,0.250000,,,0.01,1234.5,6.50\n"
                             "2,1.500000,0.250000,1.750000,0.125000,0.01,1234.5,6.50\n");
    free(path);
    scratch_remove(folder);
}

static void check_refusal(const char *text, int rows, const char *part)
{
    struct mien_error err = { "" };
    struct mien_history history;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "history.csv");
    scratch_write(path, text, strlen(text));
    must_fail(mien_history_init(&history, path, rows, &err), MIEN_ERR_FORMAT, &err, part);
    mien_history_finish(&history);
    assert_text(path, text);
    free(path);
    scratch_remove(folder);
}

static void test_history__refuses_a_file_that_is_not_the_runs(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_history history;
    check_refusal("", 1, "line 1");
    check_refusal(HEADER, 1, "line 2");
    check_refusal(HEADER "1,1,1,,,1,1,1", 1, "line 2");
    check_refusal(HEADER "1,1,1,,,1,1,1\n", 2, "line 3");
    check_refusal(HEADER "1,1,1,,,1,1,1\n3,1,1,,,1,1,1\n", 2, "line 3");
    check_refusal("a,b\n1,1\n", 1, "line 1");
    must_fail(mien_history_init(&history, "/nonexistent/history.csv", 1, &err), MIEN_ERR_FORMAT,
              &err, "history.csv");
    mien_history_finish(&history);
}

static void test_history__is_read_back(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_history history;
    struct mien_epoch *rows = NULL;
    size_t count = 0;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "history.csv");
    must(mien_history_init(&history, path, 0, &err), &err);
    add_rows(&history, 1, 3);
    mien_history_finish(&history);
    comma_enter(folder);
    must(mien_history_load(&rows, &count, path, &err), &err);
    comma_leave();
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++) {
        const struct mien_epoch want = row_of(i + 1);
        assert_int_equal(rows[i].epoch, want.epoch);
        assert_int_equal(rows[i].validated, want.validated);
        assert_true(rows[i].train_loss == want.train_loss &&
                    rows[i].train_accuracy == want.train_accuracy);
        assert_true(!want.validated || (rows[i].validation_loss == want.validation_loss &&
                                        rows[i].validation_accuracy == want.validation_accuracy));
        assert_true(rows[i].rate == want.rate && rows[i].images_per_s == want.images_per_s &&
                    rows[i].seconds == want.seconds);
    }
    free(rows);
    free(path);
    scratch_remove(folder);
}

static void test_history__that_is_not_whole_or_foreign(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rows; /* -1: refused */
    } files[] = {
        { HEADER, 0 },
        { "", 0 },
        { HEADER "1,2,0.5,,,0.1,10,1\n2,2,0.5,,,0.1,10", 1 },
        { HEADER "1,2,0.5,,,0.1,10,1\n", 1 },
        { HEADER "2,2,0.5,,,0.1,10,1\n", -1 },
        { HEADER "1,2,0.5,,,0.1,10\n1,2\n", -1 },
        { HEADER "1,2,0.5,,\n,0.1,10,1\n", -1 },
        { HEADER "1,2,0.5,,,0.1x,10,1\n", -1 },
        { HEADER "1,2,0.5,,,0.1,10,1,4\n", -1 },
        { HEADER "1, 2,0.5,,,0.1,10,1\n", -1 },
        { HEADER "1,nan,0.5,,,0.1,10,1\n", -1 },
        { HEADER "\n", -1 },
        { "epoch,loss\n1,2\n", -1 },
    };
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "history.csv");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct mien_error err = { "" };
        struct mien_epoch *rows = NULL;
        size_t count = 77;
        scratch_write(path, files[i].text, strlen(files[i].text));
        const enum mien_status st = mien_history_load(&rows, &count, path, &err);
        if (files[i].rows < 0) {
            assert_int_equal(st, MIEN_ERR_FORMAT);
            assert_non_null(strstr(err.text, "is not mien's"));
            assert_null(rows);
        } else {
            must(st, &err);
            assert_int_equal(count, files[i].rows);
        }
        free(rows);
    }
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history__writes_a_row_an_epoch),
        cmocka_unit_test(test_history__drops_rows_behind_the_checkpoint),
        cmocka_unit_test(test_history__refuses_a_file_that_is_not_the_runs),
        cmocka_unit_test(test_history__is_read_back),
        cmocka_unit_test(test_history__that_is_not_whole_or_foreign),
    };
    return cmocka_run_group_tests_name("train/history", tests, NULL, NULL);
}
