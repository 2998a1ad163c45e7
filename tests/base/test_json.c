/* test_json.c - files of JSON, which anybody may have written */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
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

static bool refusing;

static void *allocate(size_t bytes)
{
    return refusing ? NULL : malloc(bytes);
}

static long allocations_left = -1; /* -1: no limit */

static void *allocate_some(size_t bytes)
{
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left -= allocations_left > 0 ? 1 : 0;
    return malloc(bytes);
}

static void test_json__want_of_memory_is_no_fault_of_the_text(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    json_t *value = NULL;
    enum mien_status st = MIEN_ERR_MEMORY;
    json_set_alloc_funcs(allocate_some, free);
    long n = 0;
    size_t taken_for_tokens = 0;
    for (; n < 200 && st != MIEN_OK; n++) {
        allocations_left = n;
        st = mien_json_parse(&value, "{\"classes\": [\"one\", \"two\", 3, 4.5, {}]}", &err);
        allocations_left = -1;
        assert_true(st == MIEN_OK || (st == MIEN_ERR_MEMORY && value == NULL));
        taken_for_tokens += st == MIEN_OK && value == NULL ? 1 : 0;
        st = value == NULL ? MIEN_ERR_MEMORY : st;
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(n > 5 && n < 200);
    assert_true(taken_for_tokens <= 3); /* as many as there are strings */
    json_decref(value);
    static const char *const none[] = { "", "[1", "{\"a\": 1, \"a\": 2}", "[1] 2", "[\"\xff\"]" };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        must(mien_json_parse(&value, none[i], &err), &err);
        assert_null(value);
    }
}

/* What lacks something, for want of memory or because it had no value, is nothing; and so is what
 * it goes into. */
static void test_json__is_whole_or_not_at_all(void **state)
{
    (void)state;
    json_t *object = json_object();
    json_t *array = json_array();
    mien_json_append(&array, json_integer(3));
    mien_json_set(&object, "a", array);
    mien_json_set(&object, "b", mien_json_real(0.5));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(object, "a"), 0)), 3);

    json_set_alloc_funcs(allocate, free);
    json_t *value = json_integer(4);
    refusing = true;
    mien_json_set(&object, "a key that takes memory", value);
    refusing = false;
    json_set_alloc_funcs(malloc, free);
    assert_null(object);
    mien_json_set(&object, "later", json_integer(5)); /* it stays nothing, and nothing leaks */
    assert_null(object);

    json_t *list = json_array();
    mien_json_append(&list, json_integer(1));
    mien_json_append(&list, object);
    assert_null(list);
    mien_json_append(&list, json_integer(2));
    assert_null(list);
    assert_null(json_dumps(list, 0));
}

static void test_json__says_what_json_cannot(void **state)
{
    (void)state;
    json_t *const good = mien_json_text("\xc3\xbc");
    json_t *const bad = mien_json_text("a\xff\xc3\xbc");
    json_t *const number = mien_json_real((double)NAN);
    assert_string_equal(json_string_value(good), "\xc3\xbc");
    assert_string_equal(json_string_value(bad), "a???");
    assert_true(json_is_null(number));
    json_decref(good);
    json_decref(bad);
    json_decref(number);

    static char first[] = "a";
    static char second[] = "\xff";
    char *const texts[] = { first, second };
    json_t *const list = mien_json_texts(texts, 2);
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_array_get(list, 1)), "?");
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__a_value_is_read),
        cmocka_unit_test(test_json__what_is_none_is_one_line_with_the_path),
        cmocka_unit_test(test_json__a_pipe_is_no_file),
        cmocka_unit_test(test_json__want_of_memory_is_no_fault_of_the_text),
        cmocka_unit_test(test_json__is_whole_or_not_at_all),
        cmocka_unit_test(test_json__says_what_json_cannot),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
