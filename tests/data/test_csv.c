/* test_csv.c - fer2013.csv, its variants and its faults */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "support/notes.h"
#include "support/scratch.h"

struct fixture {
    char *folder, *path;
    struct mien_data_options options;
    struct mien_dataset *set;
    struct mien_error err;
};

static int setup(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->path = scratch_path(f->folder, "fer.csv");
    f->options = (struct mien_data_options){ .channels = 1, .height = 2, .width = 2 };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *const f = *state;
    mien_dataset_destroy(f->set);
    scratch_remove(f->folder);
    free(f->path);
    free(f);
    return 0;
}

static enum mien_status load(struct fixture *f, const char *text)
{
    mien_dataset_destroy(f->set);
    scratch_write(f->path, text, strlen(text));
    return mien_dataset_load(&f->set, f->path, &f->options, &f->err);
}

static const char *class_at(const struct fixture *f, size_t i)
{
    return f->set->classes[f->set->labels[i]];
}

static void assert_four(const struct fixture *f)
{
    static const uint8_t images[] = { 0, 1, 2, 3, 255, 8, 7, 6, 9, 9, 9, 9, 4, 3, 2, 1 };
    assert_int_equal(f->set->count, 4);
    assert_int_equal(f->set->splits[MIEN_SPLIT_TRAIN].count, 2);
    assert_int_equal(f->set->splits[MIEN_SPLIT_VALIDATION].count, 1);
    assert_int_equal(f->set->splits[MIEN_SPLIT_TEST].count, 1);
    assert_memory_equal(f->set->images, images, sizeof(images));
    assert_string_equal(class_at(f, 0), "angry");
    assert_string_equal(class_at(f, 1), "sad"); /* number 4, not the fifth of the alphabet */
    assert_string_equal(class_at(f, 2), "neutral");
    assert_string_equal(class_at(f, 3), "surprise");
    assert_int_equal(f->set->class_count, 7);
    static const char *const names[] = { "0", "3", "2", "1" }; /* rows of the file */
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(f->set->names[i], names[i]);
    }
}

static void test_csv__every_variant_of_the_form_gives_the_same(void **state)
{
    struct fixture *const f = *state;
    static const char *const forms[] = {
        "emotion,pixels,Usage\n0,0 1 2 3,Training\n5,4 3 2 1,PrivateTest\n6,9 9 9 9,PublicTest\n"
        "4,255 8 7 6,Training\n",
        "emotion, Usage, pixels\n0,TRAIN,0 1 2 3\n5,PrivateTest,4 3 2 1\n6,valid,9 9 9 "
        "9\n4,Training,255 8 7 6",
        "\xef\xbb\xbf"
        "Pixels,id,EMOTION,usage\r\n\"0 1 2 3\",7,0, Training\r\n4  3 2\t1 ,8,5,PrivateTest\r\n\r\n"
        " 9 9 9 9,9,6,PublicTest\r\n255 008 7 6,1,4,Training\r\n",
    };
    uint64_t fingerprint = 0;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        must(load(f, forms[i]), &f->err);
        assert_four(f);
        assert_true(i == 0 || fingerprint == f->set->fingerprint);
        fingerprint = f->set->fingerprint;
    }
}

static void test_csv__without_usage_all_is_training(void **state)
{
    struct fixture *const f = *state;
    must(load(f, "emotion,pixels\n3,1 2 3 4\n3,5 6 7 8\n"), &f->err);
    assert_int_equal(f->set->splits[MIEN_SPLIT_TRAIN].count, 2);
    assert_string_equal(class_at(f, 1), "happy");
}

static void test_csv__images_are_converted_to_the_wanted_form(void **state)
{
    struct fixture *const f = *state;
    f->options.height = f->options.width = 1;
    f->options.channels = 3;
    must(load(f, "emotion,pixels\n3,10 20 30 40\n1,5 5 5 5\n"), &f->err);
    static const uint8_t want[] = { 25, 25, 25, 5, 5, 5 };
    assert_memory_equal(f->set->images, want, sizeof(want));
    assert_int_equal(f->set->resized, 2);
    assert_int_equal(f->set->converted, 2);
    f->options.height = f->options.width = 0;
    must(load(f, "emotion,pixels\n3,10 20 30 40 50 60 70 80 90\n"), &f->err);
    assert_int_equal(f->set->height, 3);
    assert_int_equal(f->set->width, 3);
}

#define HEAD "emotion,pixels,Usage\n0,1 2 3 4,Training\n"

static void test_csv__each_fault_has_its_line_and_reason(void **state)
{
    struct fixture *const f = *state;
    static const char *const faults[][2] = {
        { "", "fer.csv: empty; expected a header" },
        { "emotion,pixels,Usage\n", "fer.csv: no rows behind the header" },
        { "0,1 2 3 4,Training\n", "fer.csv:1: no column \"emotion\"" },
        { "emotion,Usage\n0,Training\n", "fer.csv:1: no column \"pixels\"" },
        { "emotion,pixels,pixels\n0,1,1\n", "fer.csv:1: two columns named \"pixels\"" },
        { HEAD "1,1 2 3,Training\n", "fer.csv:3: 3 pixel values; expected 4" },
        { HEAD "1,1 2 3 4 5,Training\n", "fer.csv:3: 5 pixel values; expected 4" },
        { HEAD "1,,Training\n", "fer.csv:3: 0 pixel values; expected 4" },
        { HEAD "\n1,1 2 256 4,Training\n", "fer.csv:4: pixel value 3 is \"256\"; expected 0 to" },
        { HEAD "1,1 -2 3 4,Training\n", "fer.csv:3: pixel value 2 is \"-2\"; expected 0 to 255" },
        { HEAD "1,1 2 3 4x,Training\n", "fer.csv:3: pixel value 4 is \"4x\"" },
        { HEAD "1,1 2 3 99999999999999999999999,Training\n", "fer.csv:3: pixel value 4 is \"99" },
        { HEAD "7,1 2 3 4,Training\n", "fer.csv:3: the emotion is \"7\"; expected 0 to 6" },
        { HEAD "-1,1 2 3 4,Training\n", "fer.csv:3: the emotion is \"-1\"; expected 0 to 6" },
        { HEAD ",1 2 3 4,Training\n", "fer.csv:3: the emotion is \"\"" },
        { HEAD "1,1 2 3 4,Trainings\n", "fer.csv:3: the Usage is \"Trainings\"; expected Train" },
        { HEAD "1,1 2 3 4\n", "fer.csv:3: 2 fields, the column \"Usage\" is missing" },
        { HEAD "1\n", "fer.csv:3: 1 fields, the column \"pixels\" is missing" },
        { "emotion,pixels\n0,1 2 3\n", "fer.csv:2: 3 pixel values; expected those of a square" },
        { HEAD "1,1 2 3 4,Training\n1,1 2 3 4,Tr\n2,1,Training", "fer.csv:4: the Usage" },
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (int threads = 1; threads <= 2; threads++) {
            f->options.threads = threads;
            must_fail(load(f, faults[i][0]), MIEN_ERR_FORMAT, &f->err, faults[i][1]);
            assert_null(f->set);
        }
    }
}

static void test_csv__a_folder_with_fer2013_csv_is_that_file(void **state)
{
    struct fixture *const f = *state;
    static const char text[] = "emotion,pixels\n3,1 2 3 4\n";
    char *const path = scratch_path(f->folder, "fer2013.csv");
    scratch_write(path, text, strlen(text));
    must(mien_dataset_load(&f->set, f->folder, &f->options, &f->err), &f->err);
    assert_int_equal(f->set->count, 1);
    assert_string_equal(class_at(f, 0), "happy");
    free(path);
}

static void test_csv__a_missing_file_is_named(void **state)
{
    struct fixture *const f = *state;
    must_fail(mien_dataset_load(&f->set, f->path, &f->options, &f->err), MIEN_ERR_IO, &f->err,
              "fer.csv");
}

static void test_csv__any_cut_is_an_error_or_fewer_rows(void **state)
{
    struct fixture *const f = *state;
    char text[] = HEAD "1,10 20 30 40,PublicTest\n6,1 1 1 1,PrivateTest\n";
    for (size_t length = sizeof(text) - 1; length-- > 0;) {
        text[length] = '\0';
        if (load(f, text) != MIEN_OK) {
            assert_non_null(strstr(f->err.text, "fer.csv"));
            assert_null(f->set);
        } else {
            assert_in_range(f->set == NULL ? 0 : f->set->count, 1, 3);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_csv__every_variant_of_the_form_gives_the_same),
        TEST(test_csv__without_usage_all_is_training),
        TEST(test_csv__images_are_converted_to_the_wanted_form),
        TEST(test_csv__each_fault_has_its_line_and_reason),
        TEST(test_csv__a_folder_with_fer2013_csv_is_that_file),
        TEST(test_csv__a_missing_file_is_named),
        TEST(test_csv__any_cut_is_an_error_or_fewer_rows),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
