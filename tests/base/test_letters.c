/* test_letters.c - texts in either case, and their endings */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/letters.h"

static void test_letters__agree_in_either_case(void **state)
{
    (void)state;
    assert_true(mien_same_text("DISGUST", "disgust"));
    assert_true(mien_same_text("", ""));
    assert_false(mien_same_text("fear", "fea"));
    assert_false(mien_same_text("fea", "fear"));
    assert_false(mien_same_text("[", "{")); /* 32 apart as letters are, and none */
    assert_false(mien_same_text("@", "`"));
    assert_true(mien_same_text("\xc3\xa9", "\xc3\xa9"));
    assert_false(mien_same_text("\xc3\xa9", "\xc3\x89")); /* of ASCII alone */
    assert_true(mien_same_letters("Intel(R)", "INTEL", 5));
    assert_false(mien_same_letters("Int", "INTEL", 5));
    assert_true(mien_same_letters("x", "y", 0));
}

static void test_letters__know_endings(void **state)
{
    (void)state;
    assert_true(mien_has_ending("votes.CSV", ".csv"));
    assert_false(mien_has_ending(".csv", ".csv")); /* nothing before it */
    assert_false(mien_has_ending("csv", ".csv"));
    assert_false(mien_has_ending("votes.csv.gz", ".csv"));
    assert_false(mien_has_ending("", ".csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters__agree_in_either_case),
        cmocka_unit_test(test_letters__know_endings),
    };
    return cmocka_run_group_tests_name("base/letters", tests, NULL, NULL);
}
