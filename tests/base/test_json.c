/* test_json.c - files of JSON, which anybody may have written */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "support/scratch.h"

static void test_json__a_value_is_read(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    json_t *value = NULL;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.json");
    scratch_write(path, "{\"a\": 1}", 8);
    assert_int_equal(mien_json_read(&value, path, 8, &err), MIEN_OK);
    assert_int_equal(json_integer_value(json_object_get(value, "a")), 1);
    json_decref(value);
    free(path);
    scratch_remove(folder);
}

static void test_json__what_is_none_is_one_line_with_the_path(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "", "a.json: line 1: " },
        { "{\n\"a\"", "a.json: line 2: " },
        { "{\"a\": 1, \"a\": 2}", "a.json: line 1: " },
        { "\"\x1b[31m\n\"", "a.json: line 1: " },
        { "[1] [2]", "a.json: line 1: " },
        { "[\"123456789 123456789 12345678\"]", "a.json" }, /* a byte too long */
    };
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.json");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mien_error err = { "" };
        json_t *value = NULL;
        scratch_write(path, cases[i].text, strlen(cases[i].text));
        assert_int_equal(mien_json_read(&value, path, 31, &err), MIEN_ERR_FORMAT);
        assert_null(value);
        assert_non_null(strstr(err.text, cases[i].error));
        assert_null(strpbrk(err.text, "\n\x1b"));
    }
    free(path);
    scratch_remove(folder);
}

/* jansson alone would wait for somebody to write into it. */
static void test_json__a_pipe_is_no_file(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    json_t *value = NULL;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(mien_json_read(&value, path, 30, &err), MIEN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "pipe"));
    assert_int_equal(mien_json_read(&value, folder, 30, &err), MIEN_ERR_FORMAT);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__a_value_is_read),
        cmocka_unit_test(test_json__what_is_none_is_one_line_with_the_path),
        cmocka_unit_test(test_json__a_pipe_is_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
