/* test_error.c - texts of failures */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"

static void test_error__every_status_has_its_own_name(void **state)
{
    (void)state;
    for (int a = MIEN_ERR_INTERRUPTED; a <= MIEN_OK; a++) {
        assert_string_not_equal(mien_status_name((enum mien_status)a), "unknown status");
        for (int b = MIEN_ERR_INTERRUPTED; b < a; b++) {
            assert_string_not_equal(mien_status_name((enum mien_status)a),
                                    mien_status_name((enum mien_status)b));
        }
    }
    assert_string_equal(mien_status_name((enum mien_status)17), "unknown status");
}

static void test_error__text_grows_from_cause_to_context(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    assert_int_equal(mien_fail(&err, MIEN_ERR_SHAPE, "%d sizes", 3), MIEN_ERR_SHAPE);
    assert_string_equal(err.text, "3 sizes");
    assert_int_equal(mien_wrap(&err, MIEN_ERR_FORMAT, "file %s", "a"), MIEN_ERR_FORMAT);
    assert_string_equal(err.text, "file a: 3 sizes");
}

static void test_error__is_one_line_whatever_a_file_says(void **state)
{
    (void)state;
    struct mien_error err;
    (void)mien_fail(&err, MIEN_ERR_FORMAT, "class '%s'", "a\r\n\x1b[2J\x7f");
    assert_string_equal(err.text, "class 'a???[2J?'");
    (void)mien_wrap(&err, MIEN_ERR_FORMAT, "%s",
                    "b\t\xC2\x9B"
                    "31m");
    assert_string_equal(err.text, "b???31m: class 'a???[2J?'");
    (void)mien_fail(&err, MIEN_ERR_FORMAT, "%s", "\xC3\xA4\xC2\xA0\xC2");
    assert_string_equal(err.text, "\xC3\xA4\xC2\xA0\xC2"); /* letters stay */
}

static void test_error__null_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(mien_fail(NULL, MIEN_ERR_IO, "x"), MIEN_ERR_IO);
    assert_int_equal(mien_wrap(NULL, MIEN_ERR_IO, "x"), MIEN_ERR_IO);
}

static void test_error__a_long_cause_is_cut_and_the_context_stays(void **state)
{
    (void)state;
    char cause[2000];
    memset(cause, 'c', sizeof(cause) - 1);
    cause[sizeof(cause) - 1] = '\0';
    struct mien_error err = { "" };
    (void)mien_fail(&err, MIEN_ERR_IO, "%s", cause);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    (void)mien_wrap(&err, MIEN_ERR_IO, "context");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_memory_equal(err.text, "context: ccc", 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error__every_status_has_its_own_name),
        cmocka_unit_test(test_error__text_grows_from_cause_to_context),
        cmocka_unit_test(test_error__is_one_line_whatever_a_file_says),
        cmocka_unit_test(test_error__null_is_allowed),
        cmocka_unit_test(test_error__a_long_cause_is_cut_and_the_context_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
