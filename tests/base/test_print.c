/* test_print.c - texts printed into memory and into files */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"
#include "support/comma.h"
#include "support/scratch.h"

static void print_number(FILE *to, const void *user)
{
    const double *const number = user;
    (void)fprintf(to, "<%.2f>", *number);
}

static void print_nothing(FILE *to, const void *user)
{
    (void)to;
    (void)user;
}

static void test_print__numbers_have_points_whatever_the_locale(void **state)
{
    (void)state;
    const double number = 2.5;
    struct mien_error err = { "" };
    char here[16];
    char *text = NULL;
    size_t bytes = 0;
    char *const locale = scratch_make();
    comma_enter(locale);
    must(mien_print(&text, &bytes, print_number, &number, "a number", &err), &err);
    (void)snprintf(here, sizeof(here), "%.2f", number);
    comma_leave();
    assert_string_equal(text, "<2.50>");
    assert_int_equal(bytes, 6);
    assert_string_equal(here, "2,50"); /* the locale is the caller's again */
    free(text);
    scratch_remove(locale);
}

static void test_print__a_text_may_be_empty(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    char *text = NULL;
    must(mien_print(&text, NULL, print_nothing, NULL, "nothing", &err), &err);
    assert_string_equal(text, "");
    free(text);
}

static void test_print__files_are_whole_or_as_they_were(void **state)
{
    (void)state;
    const double number = 0.25;
    struct mien_error err = { "" };
    size_t bytes = 0;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "number.txt");
    must(mien_print_file(path, print_number, &number, &err), &err);
    unsigned char *const file = scratch_read(path, &bytes);
    assert_string_equal((char *)file, "<0.25>");
    must_fail(mien_print_file(folder, print_number, &number, &err), MIEN_ERR_IO, &err, folder);
    assert_int_equal(scratch_count(folder), 1);
    free(file);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print__numbers_have_points_whatever_the_locale),
        cmocka_unit_test(test_print__a_text_may_be_empty),
        cmocka_unit_test(test_print__files_are_whole_or_as_they_were),
    };
    return cmocka_run_group_tests_name("base/print", tests, NULL, NULL);
}
