/* test_classes.c - class names by alias */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "data/classes.h"
#include "support/scratch.h"

static void test_classes__aliases_have_their_canonical_name(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "angry", "angry" },
        { "Anger", "angry" },
        { "ANGRY", "angry" },
        { "disgusted", "disgust" },
        { "Disgust", "disgust" },
        { "fearful", "fear" },
        { "Afraid", "fear" },
        { "happiness", "happy" },
        { "3_happy", "happy" },
        { "0 angry", "angry" },
        { "0-angry", "angry" },
        { "06.Neutral", "neutral" },
        { "sadness", "sad" },
        { "surprised", "surprise" },
        { "5Surprise", "surprise" },
        { "Fear", "fear" },
        { "SAD", "sad" },
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const char *const got = mien_class_canonical(pairs[i][0]);
        assert_non_null(got);
        assert_string_equal(got, pairs[i][1]);
    }
}

static void test_classes__other_names_have_none(void **state)
{
    (void)state;
    static const char *const names[] = { "cat", "", "0", "3", "happy dog", "happy 3", "an gry" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_null(mien_class_canonical(names[i]));
    }
}

static void test_classes__numbers_follow_fer2013_not_the_alphabet(void **state)
{
    (void)state;
    assert_string_equal(mien_fer2013_names[4], "sad");
    assert_string_equal(mien_fer2013_names[5], "surprise");
    assert_string_equal(mien_fer2013_names[6], "neutral");
}

static void test_classes__list_keeps_each_name_once_and_sorts(void **state)
{
    (void)state;
    static const char *const names[] = { "2", "0", "6", "1", "5", "4", "2", "3" };
    struct mien_error err = { "" };
    struct mien_class_list list = { 0 };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_false(mien_class_list_is_fer2013(&list));
        must(mien_class_list_add(&list, names[i], &err), &err);
    }
    assert_true(mien_class_list_is_fer2013(&list));
    assert_int_equal(list.count, 7);
    mien_class_list_sort(&list);
    assert_int_equal(mien_class_list_find(&list, "4"), 4);
    assert_int_equal(mien_class_list_find(&list, "7"), -1);
    must(mien_class_list_add(&list, "7", &err), &err);
    assert_false(mien_class_list_is_fer2013(&list));
    mien_class_list_finish(&list);
    assert_int_equal(list.count, 0);
}

static void test_classes__are_found_by_name_before_what_it_stands_for(void **state)
{
    (void)state;
    char names[][8] = { "joy", "x", "angry", "anger" };
    char *classes[] = { names[0], names[1], names[2], names[3] };
    assert_int_equal(mien_class_find(classes, 4, "x"), 1);
    assert_int_equal(mien_class_find(classes, 4, "happy"), 0);
    assert_int_equal(mien_class_find(classes, 4, "3_happiness"), 0);
    assert_int_equal(mien_class_find(classes, 4, "angry"), 2);
    assert_int_equal(mien_class_find(classes, 4, "anger"), 3);
    assert_int_equal(mien_class_find(classes, 4, "X"), -1);
    assert_int_equal(mien_class_find(classes, 4, "sad"), -1);
    assert_int_equal(mien_class_find(classes, 0, "x"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes__aliases_have_their_canonical_name),
        cmocka_unit_test(test_classes__other_names_have_none),
        cmocka_unit_test(test_classes__are_found_by_name_before_what_it_stands_for),
        cmocka_unit_test(test_classes__numbers_follow_fer2013_not_the_alphabet),
        cmocka_unit_test(test_classes__list_keeps_each_name_once_and_sorts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
