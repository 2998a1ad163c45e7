/* test_csv.c - comma-separated values: rows, quotes, line ends, and what is none */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "support/scratch.h"

enum { MOST = 4 };

/* What a text's rows are: values in <>, each row followed by its line's number. */
static void assert_rows(const char *text, const char *want)
{
    struct mien_error err = { "" };
    char *const copy = strdup(text);
    const char *fields[MOST];
    size_t count = 0;
    char got[512] = "";
    assert_non_null(copy);
    struct mien_csv csv = mien_csv_begin(copy);
    for (;;) {
        must(mien_csv_row(fields, MOST, &count, &csv, &err), &err);
        if (count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "<%s>", fields[i]);
        }
        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%zu ", csv.line);
    }
    assert_string_equal(got, want);
    free(copy);
}

static void test_csv__cuts_rows_and_values(void **state)
{
    (void)state;
    assert_rows("", "");
    assert_rows("\n\r\n\n", "");
    assert_rows("a,b\nc,d", "<a><b>1 <c><d>2 ");
    assert_rows("a,b\r\n\r\nc,d\r\n", "<a><b>1 <c><d>3 ");
    assert_rows("\xef\xbb\xbf"
                "a,,\n,",
                "<a><><>1 <><>2 ");
    assert_rows(" a , b\tc ", "< a >< b\tc >1 ");
    assert_rows("a\rb,c\r", "<a\rb><c>1 ");
}

static void test_csv__takes_quotes_off(void **state)
{
    (void)state;
    assert_rows("\"a,b\",c", "<a,b><c>1 ");
    assert_rows("\"a \"\"b\"\"\",\"\"", "<a \"b\"><>1 ");
    assert_rows("\"a\nb\",c\n\"d\"\r\ne", "<a\nb><c>1 <d>3 <e>4 ");
    assert_rows("a\"b\"", "<a\"b\">1 ");
    assert_rows("\"a\r\"\r\n", "<a\r>1 ");
}

static void assert_refused(const char *text, const char *why, size_t line)
{
    struct mien_error err = { "" };
    char *const copy = strdup(text);
    const char *fields[MOST];
    size_t count = 1;
    enum mien_status st = MIEN_OK;
    assert_non_null(copy);
    struct mien_csv csv = mien_csv_begin(copy);
    while (st == MIEN_OK && count > 0) {
        st = mien_csv_row(fields, MOST, &count, &csv, &err);
    }
    must_fail(st, MIEN_ERR_FORMAT, &err, why);
    assert_int_equal(csv.line, line);
    free(copy);
}

static void test_csv__refuses_what_is_none(void **state)
{
    (void)state;
    assert_refused("a,b\n\"c\n\n", "a quote that is not closed", 2);
    assert_refused("a\n\n\"b\"c", "text behind a value in quotes", 3);
    assert_refused("\"b\"\r", "text behind a value in quotes", 1);
    assert_refused("a,b,c,d\na,b,c,d,\n", "more than 4 values", 2);
}

static void test_csv__values_come_back(void **state)
{
    (void)state;
    static const char *const values[] = {
        "", "plain", "a,b", "\"", "a\"\"b", "line\nend\r\n", " x "
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct mien_error err = { "" };
        char *text = NULL;
        size_t bytes = 0;
        const char *fields[MOST];
        size_t count = 0;
        FILE *const to = open_memstream(&text, &bytes);
        assert_non_null(to);
        mien_csv_put(to, values[i]);
        assert_int_equal(fputs(",x", to) < 0, 0);
        assert_int_equal(fclose(to), 0);
        struct mien_csv csv = mien_csv_begin(text);
        must(mien_csv_row(fields, MOST, &count, &csv, &err), &err);
        assert_int_equal(count, 2);
        assert_string_equal(fields[0], values[i]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv__cuts_rows_and_values),
        cmocka_unit_test(test_csv__takes_quotes_off),
        cmocka_unit_test(test_csv__refuses_what_is_none),
        cmocka_unit_test(test_csv__values_come_back),
    };
    return cmocka_run_group_tests_name("base/csv", tests, NULL, NULL);
}
