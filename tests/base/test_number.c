/* test_number.c - numbers with a point in a program whose locale has a comma */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "support/comma.h"
#include "support/scratch.h"

static void check_numbers(const char *text)
{
    char got[16];
    (void)snprintf(got, sizeof(got), "%.2f", 0.25);
    assert_string_equal(got, text);
    assert_true(strtod(text, NULL) == 0.25);
}

static void test_number__has_a_point_until_the_end(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_plain_numbers numbers;
    char *const folder = scratch_make();
    comma_enter(folder);
    check_numbers("0,25");
    must(mien_plain_numbers_begin(&numbers, &err), &err);
    check_numbers("0.25");
    mien_plain_numbers_end(&numbers);
    check_numbers("0,25");
    comma_leave();
    scratch_remove(folder);
}

static void test_number__tells_memory_in_mib(void **state)
{
    (void)state;
    char text[MIEN_MIB_BYTES];
    assert_string_equal(mien_mib(text, 0), "0.0 MiB");
    assert_string_equal(mien_mib(text, 1572864), "1.5 MiB");
    assert_string_equal(mien_mib(text, UINT64_MAX), "17592186044416.0 MiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number__tells_memory_in_mib),
        cmocka_unit_test(test_number__has_a_point_until_the_end),
    };
    return cmocka_run_group_tests_name("base/number", tests, NULL, NULL);
}
