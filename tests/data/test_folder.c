/* test_folder.c - data sets from folders, in every form that users have */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "data/dataset.h"
#include "support/images.h"
#include "support/notes.h"
#include "support/scratch.h"

struct fixture {
    char *folder;
    struct notes notes;
    struct mien_log log;
    struct mien_data_options options;
    struct mien_dataset *set;
    struct mien_error err;
};

static int setup(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->log = notes_log(&f->notes);
    f->options = (struct mien_data_options){ .channels = 1, .height = 4, .width = 4 };
    f->options.log = &f->log;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *const f = *state;
    mien_dataset_destroy(f->set);
    scratch_remove(f->folder);
    free(f);
    return 0;
}

/* The path below the fixture's folder, with the folders it needs made; release with free(). */
static char *prepare(const struct fixture *f, const char *name)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(f->folder, name);
    char *const slash = strrchr(path, '/');
    *slash = '\0';
    must(mien_folder_make(path, &err), &err);
    *slash = '/';
    return path;
}

/* 4 x 4 pixels of one tone. */
static void add(const struct fixture *f, const char *name, uint8_t tone)
{
    char *const path = prepare(f, name);
    image_write_tone(path, 4, 4, tone);
    free(path);
}

static void add_text(const struct fixture *f, const char *name, const char *text)
{
    char *const path = prepare(f, name);
    scratch_write(path, text, strlen(text));
    free(path);
}

static enum mien_status load(struct fixture *f)
{
    mien_dataset_destroy(f->set);
    return mien_dataset_load(&f->set, f->folder, &f->options, &f->err);
}

/* The set has these images: "split class tone" of each, in order. */
static void expect(const struct fixture *f, const char *want)
{
    char got[4096] = "";
    size_t used = 0;
    for (int s = 0; s < MIEN_SPLITS; s++) {
        for (size_t i = 0; i < f->set->splits[s].count; i++) {
            const size_t at = f->set->splits[s].first + i;
            used += (size_t)snprintf(
                got + used, sizeof(got) - used, "%s %s %u; ", mien_split_name((enum mien_split)s),
                f->set->classes[f->set->labels[at]], (unsigned)f->set->images[at * 16]);
        }
    }
    assert_string_equal(got, want);
}

static void noted(const struct fixture *f, const char *part)
{
    if (strstr(f->notes.text, part) == NULL) {
        fail_msg("no line with \"%s\" in: %s", part, f->notes.text);
    }
}

static void test_folder__split_folders_in_all_spellings(void **state)
{
    struct fixture *const f = *state;
    static const char *const forms[][3] = {
        { "a/train", "a/validation", "a" },
        { "b/Training", "b/val", "b" },
        { "c/images/train", "c/images/valid", "c" },
        { "d/images/images/train", "d/images/images/validation", "d" },
        { "e/train/images", "e/validation/images", "e" },
        { "g/TRAIN", "g/PublicTest", "g" },
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char name[128];
        static const char *const images[] = { "sad/2.png", "sad/10.png", "happy/1.png" };
        for (size_t k = 0; k < 3; k++) {
            (void)snprintf(name, sizeof(name), "%s/%s", forms[i][0], images[k]);
            add(f, name, (uint8_t)(10 * k));
        }
        (void)snprintf(name, sizeof(name), "%s/happy/x.PNG", forms[i][1]);
        add(f, name, 99);
        char *const path = scratch_path(f->folder, forms[i][2]);
        mien_dataset_destroy(f->set);
        must(mien_dataset_load(&f->set, path, &f->options, &f->err), &f->err);
        expect(f, "train happy 20; train sad 10; train sad 0; validation happy 99; ");
        free(path);
    }
    assert_string_equal(f->set->names[3], "PublicTest/happy/x.PNG");
    assert_string_equal(f->notes.what, "decoding");
    assert_int_equal(f->notes.done, 4);
    assert_int_equal(f->notes.total, 4);
}

static void test_folder__duplicate_copy_inside_images_is_left_out(void **state)
{
    struct fixture *const f = *state;
    add(f, "images/train/sad/1.png", 1);
    add(f, "images/validation/sad/2.png", 2);
    add(f, "images/images/train/sad/1.png", 1);
    must(load(f), &f->err);
    expect(f, "train sad 1; validation sad 2; ");
    noted(f, "the folder images beside the splits is left out");
}

static void test_folder__class_folders_alone_are_training(void **state)
{
    struct fixture *const f = *state;
    add(f, "dog/1.png", 1);
    add(f, "Cat/1.png", 2);
    add(f, "Cat/deeper/1.png", 3);
    add(f, "bird 7/1.png", 4);
    must(load(f), &f->err);
    expect(f, "train Cat 2; train Cat 3; train bird 7 4; train dog 1; ");
    assert_int_equal(f->set->class_count, 3);
}

static void test_folder__a_class_called_images_is_a_class(void **state)
{
    struct fixture *const f = *state;
    add(f, "images/1.png", 1);
    add(f, "drawings/1.png", 2);
    must(load(f), &f->err);
    expect(f, "train drawings 2; train images 1; ");
}

static void test_folder__aliases_are_one_class_and_it_is_said(void **state)
{
    struct fixture *const f = *state;
    add(f, "train/Anger/1.png", 1);
    add(f, "train/0 angry/1.png", 2);
    add(f, "train/Happiness/1.png", 3);
    add(f, "val/angry/1.png", 4);
    add(f, "val/surprised/1.png", 5);
    must(load(f), &f->err);
    expect(f, "train angry 2; train angry 1; train happy 3; validation angry 4; validation "
              "surprise 5; ");
    noted(f, "the folders 0 angry and Anger are one class: angry");
    noted(f, "the class surprise has no training images");
    assert_null(strstr(f->notes.text, "Anger and angry")); /* of different splits */
}

static void test_folder__numbers_0_to_6_are_fer2013s(void **state)
{
    struct fixture *const f = *state;
    for (int i = 0; i < 7; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "train/%d/a.png", i);
        add(f, name, (uint8_t)i);
    }
    must(load(f), &f->err);
    expect(f, "train angry 0; train disgust 1; train fear 2; train happy 3; train neutral 6; train "
              "sad 4; train surprise 5; ");
    add(f, "train/7/a.png", 7); /* now they are some other numbering */
    must(load(f), &f->err);
    assert_int_equal(f->set->class_count, 8);
    assert_string_equal(f->set->classes[4], "4");
}

static void test_folder__test_stands_in_for_validation(void **state)
{
    struct fixture *const f = *state;
    add(f, "train/sad/1.png", 1);
    add(f, "test/sad/2.png", 2);
    must(load(f), &f->err);
    expect(f, "train sad 1; validation sad 2; ");
    noted(f, "no validation split: the 1 test images stand in for it");
    add(f, "validation/sad/3.png", 3);
    must(load(f), &f->err);
    expect(f, "train sad 1; validation sad 3; test sad 2; ");
}

static void test_folder__file_names_tell_fer2013s_test_splits(void **state)
{
    struct fixture *const f = *state;
    add(f, "train/sad/Training_1.png", 1);
    add(f, "test/sad/PublicTest_1.png", 2);
    add(f, "test/happy/PrivateTest_1.png", 3);
    must(load(f), &f->err);
    expect(f, "train sad 1; validation sad 2; test happy 3; ");
    noted(f, "1 PublicTest_ images are validation, 1 PrivateTest_ images are test");
    add(f, "test/happy/other.png", 4); /* one that does not tell: no guessing */
    must(load(f), &f->err);
    expect(f, "train sad 1; validation happy 3; validation happy 4; validation sad 2; ");
}

static void test_folder__file_names_tell_splits_in_one_folder(void **state)
{
    struct fixture *const f = *state;
    add(f, "sad/Training_1.png", 1);
    add(f, "sad/PublicTest_1.png", 2);
    add(f, "sad/PrivateTest_1.png", 3);
    must(load(f), &f->err);
    expect(f, "train sad 1; validation sad 2; test sad 3; ");
}

static void test_folder__other_files_are_counted_and_sizes_converted(void **state)
{
    struct fixture *const f = *state;
    add(f, "sad/1.png", 1);
    add(f, "sad/.hidden.png", 2);
    add_text(f, "sad/Thumbs.db", "x");
    add_text(f, "README.txt", "x");
    add_text(f, "__MACOSX/._1.png", "x");
    add(f, "loose.png", 3);
    char *path = prepare(f, "sad/2.png");
    image_write_tone(path, 8, 2, 50);
    free(path);
    static const uint8_t rgb[4 * 4 * 3] = { 0 };
    path = prepare(f, "sad/3.png");
    image_write_png(
        path,
        &(struct image_png){
            .width = 4, .height = 4, .depth = 8, .type = PNG_COLOR_TYPE_RGB, .samples = rgb });
    free(path);
    must(load(f), &f->err);
    expect(f, "train sad 1; train sad 50; train sad 0; ");
    assert_int_equal(f->set->skipped, 2);
    assert_int_equal(f->set->resized, 1);
    assert_int_equal(f->set->converted, 1);
    noted(f, "1 images beside the class folders are left out");
}

static void test_folder__size_of_the_first_image_when_none_is_given(void **state)
{
    struct fixture *const f = *state;
    char *const path = prepare(f, "sad/1.png");
    image_write_tone(path, 7, 5, 9);
    free(path);
    add(f, "sad/2.png", 1);
    f->options.height = f->options.width = 0;
    f->options.channels = 3;
    must(load(f), &f->err);
    assert_int_equal(f->set->width, 7);
    assert_int_equal(f->set->height, 5);
    assert_int_equal(f->set->channels, 3);
    assert_int_equal(f->set->images[2], 9);
    assert_int_equal(f->set->converted, 2);
    assert_int_equal(f->set->resized, 1);
}

static void test_folder__damage_is_named(void **state)
{
    struct fixture *const f = *state;
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "no class folders; expected train/<class>/");
    assert_null(f->set);
    add(f, "train/sad/1.png", 1);
    add_text(f, "train/happy/notes.txt", "x");
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err,
              "train/happy: a class folder without images; expected PNG or JPEG files");
    add(f, "train/happy/1.png", 1);
    add_text(f, "train/happy/0.png", "not an image");
    add_text(f, "train/sad/9.png", "");
    f->options.threads = 2;
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "train/happy/0.png: neither PNG nor JPEG");
    add(f, "train/happy/0.png", 1);
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "train/sad/9.png: empty file");
    add(f, "train/sad/9.png", 1);
    add(f, "val/sad/1.png", 1);
    add(f, "valid/sad/1.png", 1);
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "both val and valid hold the validation split");
}

static void test_folder__empty_split_folder_is_named(void **state)
{
    struct fixture *const f = *state;
    add(f, "train/sad/1.png", 1);
    add_text(f, "validation/readme.txt", "x");
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "validation: no class folders");
}

static void link_to(const struct fixture *f, const char *target, const char *name)
{
    char *const path = prepare(f, name);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static void test_folder__links_are_followed_but_not_in_circles(void **state)
{
    struct fixture *const f = *state;
    add(f, "sad/1.png", 1);
    link_to(f, "../sad/1.png", "sad/2.png");
    link_to(f, "sad", "happy");
    must(load(f), &f->err);
    expect(f, "train happy 1; train happy 1; train sad 1; train sad 1; ");
    link_to(f, "..", "sad/loop");
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "a symbolic link that leads back");
}

static void test_folder__a_link_to_nothing_is_named(void **state)
{
    struct fixture *const f = *state;
    add(f, "sad/1.png", 1);
    link_to(f, "gone.png", "sad/2.png");
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "sad/2.png is a symbolic link that leads nowhere");
}

static void test_folder__nesting_has_a_limit(void **state)
{
    struct fixture *const f = *state;
    add(f, "sad/1/2/3/4/5/6/7/8/9/1.png", 1);
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "folders nested deeper than 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_folder__split_folders_in_all_spellings),
        TEST(test_folder__duplicate_copy_inside_images_is_left_out),
        TEST(test_folder__class_folders_alone_are_training),
        TEST(test_folder__a_class_called_images_is_a_class),
        TEST(test_folder__aliases_are_one_class_and_it_is_said),
        TEST(test_folder__numbers_0_to_6_are_fer2013s),
        TEST(test_folder__test_stands_in_for_validation),
        TEST(test_folder__file_names_tell_fer2013s_test_splits),
        TEST(test_folder__file_names_tell_splits_in_one_folder),
        TEST(test_folder__other_files_are_counted_and_sizes_converted),
        TEST(test_folder__size_of_the_first_image_when_none_is_given),
        TEST(test_folder__damage_is_named),
        TEST(test_folder__empty_split_folder_is_named),
        TEST(test_folder__links_are_followed_but_not_in_circles),
        TEST(test_folder__a_link_to_nothing_is_named),
        TEST(test_folder__nesting_has_a_limit),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
