/* test_text.c - names made fit for a table or for JSON */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/text.h"

static void test_text__cells_are_padded_cut_and_without_control_characters(void **state)
{
    (void)state;
    char out[32];
    assert_string_equal(text_cell(out, sizeof(out), "sad", 5), "sad  ");
    assert_string_equal(text_cell(out, sizeof(out), "surprise", 5), "surpr");
    assert_string_equal(text_cell(out, sizeof(out), "surprise", 0), "surprise");
    assert_string_equal(text_cell(out, sizeof(out), "a\x1b[2J\nb", 0), "a?[2J?b");
    assert_string_equal(text_cell(out, sizeof(out),
                                  "a\xC2\x9B"
                                  "2J",
                                  3),
                        "a?2");
    /* Two bytes, one column; a character is never cut in two. */
    assert_int_equal(text_columns("gl\xC3\xBC"
                                  "ck"),
                     5);
    assert_string_equal(text_cell(out, sizeof(out),
                                  "gl\xC3\xBC"
                                  "ck",
                                  3),
                        "gl\xC3\xBC");
    assert_string_equal(text_cell(out, sizeof(out), "gl\xC3\xBC", 5), "gl\xC3\xBC  ");
    assert_string_equal(text_cell(out, 4, "surprise", 20), "sur");
    assert_string_equal(text_cell(out, sizeof(out), "", 2), "  ");
}

static void test_text__json_takes_any_bytes(void **state)
{
    (void)state;
    json_t *value = mien_json_text("gl\xC3\xBC"
                                   "ck");
    assert_string_equal(json_string_value(value), "gl\xC3\xBC"
                                                  "ck");
    json_decref(value);
    value = mien_json_text("a\xff\xfe.png");
    assert_string_equal(json_string_value(value), "a??.png");
    json_decref(value);
}

static void test_text__bars_are_as_long_as_their_part(void **state)
{
    (void)state;
    char out[64];
    assert_string_equal(text_bar(out, sizeof(out), 0, 8, true), "");
    assert_string_equal(text_bar(out, sizeof(out), 1, 2, true), "\xE2\x96\x88\xE2\x96\x88");
    assert_string_equal(text_bar(out, sizeof(out), 0.125, 1, true), "\xE2\x96\x8F");
    assert_string_equal(text_bar(out, sizeof(out), 0.875, 1, true), "\xE2\x96\x89");
    assert_string_equal(text_bar(out, sizeof(out), 0.75, 8, false), "######");
    assert_string_equal(text_bar(out, sizeof(out), 1, 8, false), "########");
    assert_string_equal(text_bar(out, 7, 1, 30, true), "\xE2\x96\x88\xE2\x96\x88");
}

static void test_text__rates_have_no_exponent(void **state)
{
    (void)state;
    static const struct {
        double rate;
        const char *want;
    } rows[] = {
        { 0.0, "0.000000" }, { 0.000278, "0.000278" }, { 0.5, "0.50" },
        { 52.13, "52.1" },   { 1435.4, "1435" },       { 1234567.0, "1234567" },
    };
    char out[TEXT_RATE_BYTES];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(text_rate(out, rows[i].rate), rows[i].want);
    }
    assert_string_equal(text_rate(out, (double)NAN), "?");
    assert_string_equal(text_rate(out, (double)INFINITY), "?");
}

static void test_text__of_a_key_is_a_copy_or_none(void **state)
{
    (void)state;
    json_t *const object = json_pack("{s:s, s:i}", "path", "a/b", "count", 7);
    assert_non_null(object);
    char *const text = text_of_key(object, "path");
    assert_null(text_of_key(object, "count"));
    assert_null(text_of_key(object, "nosuch"));
    assert_null(text_of_key(NULL, "path"));
    json_decref(object);
    assert_string_equal(text, "a/b");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__rates_have_no_exponent),
        cmocka_unit_test(test_text__cells_are_padded_cut_and_without_control_characters),
        cmocka_unit_test(test_text__json_takes_any_bytes),
        cmocka_unit_test(test_text__of_a_key_is_a_copy_or_none),
        cmocka_unit_test(test_text__bars_are_as_long_as_their_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
