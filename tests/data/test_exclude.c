/* test_exclude.c - lists of images to leave out: reading and writing them, and loading without */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/dataset.h"
#include "data/exclude.h"
#include "support/images.h"
#include "support/notes.h"
#include "support/scratch.h"

struct fixture {
    char *folder, *list;
    struct notes notes;
    struct mien_log log;
    struct mien_data_options options;
    struct mien_dataset *set;
    struct mien_exclusion *exclusion;
    struct mien_error err;
};

static int setup(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->list = scratch_path(f->folder, "list.txt");
    f->log = notes_log(&f->notes);
    f->options = (struct mien_data_options){ .channels = 1, .log = &f->log };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *const f = *state;
    mien_dataset_destroy(f->set);
    mien_exclusion_destroy(f->exclusion);
    scratch_remove(f->folder);
    free(f->list);
    free(f);
    return 0;
}

static enum mien_status read_list(struct fixture *f, const char *text)
{
    mien_exclusion_destroy(f->exclusion);
    scratch_write(f->list, text, strlen(text));
    return mien_exclusion_read(&f->exclusion, f->list, &f->err);
}

static void noted(const struct fixture *f, const char *part)
{
    if (strstr(f->notes.text, part) == NULL) {
        fail_msg("no line with \"%s\" in: %s", part, f->notes.text);
    }
}

static void test_exclude__lines_are_names_and_the_rest_is_not(void **state)
{
    struct fixture *const f = *state;
    must(read_list(f, "# a list\n"
                      "a/1.png\t# a reason\n"
                      "\n"
                      "a/2 #2.png\r\n"
                      "a/3.png\t  # another\n"
                      "./#4/x.png\n"
                      "a/\\t\\n\\r\\\\.png\n"
                      "a/1.png\n"
                      "a/last.png"),
         &f->err);
    static const char *const on[] = { "a/1.png",  "a/2 #2.png",     "a/3.png",
                                      "#4/x.png", "a/\t\n\r\\.png", "a/last.png" };
    static const char *const off[] = { "", "# a list", "a/1.png\t# a reason", "./#4/x.png", "a/1" };
    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        assert_true(mien_exclusion_has(f->exclusion, on[i]));
    }
    for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
        assert_false(mien_exclusion_has(f->exclusion, off[i]));
    }
    assert_false(mien_exclusion_has(NULL, "a/1.png"));
}

static void test_exclude__what_is_no_list_is_refused(void **state)
{
    struct fixture *const f = *state;
    must_fail(read_list(f, "a\nb\tc\n"), MIEN_ERR_FORMAT, &f->err,
              "list.txt:2: a tab behind the name, but no comment behind the tab");
    must_fail(read_list(f, "a\\x\n"), MIEN_ERR_FORMAT, &f->err,
              "list.txt:1: a backslash without \\, n, r or t behind it");
    must_fail(read_list(f, "b\na\\"), MIEN_ERR_FORMAT, &f->err, "list.txt:2: a backslash");
    scratch_write(f->list, "a\0b", 3);
    must_fail(mien_exclusion_read(&f->exclusion, f->list, &f->err), MIEN_ERR_FORMAT, &f->err,
              "list.txt: not a list of images, it holds a zero byte");
    assert_null(f->exclusion);
    must_fail(mien_exclusion_read(&f->exclusion, f->folder, &f->err), MIEN_ERR_FORMAT, &f->err,
              "is a folder, expected a file");
}

static void test_exclude__any_name_survives_being_written(void **state)
{
    struct fixture *const f = *state;
    static const char *const names[] = { "plain", "#first", "./dot",   "a\tb\nc\rd\\e",
                                         "\\n",   "a # b",  " blank ", "\303\244\377" };
    struct mien_atomic_file *file = NULL;
    must(mien_atomic_open(&file, f->list, &f->err), &f->err);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        must(mien_exclusion_write(file, names[i], "why:\nnot\tso", &f->err), &f->err);
    }
    must(mien_atomic_commit(file, &f->err), &f->err);
    must(mien_exclusion_read(&f->exclusion, f->list, &f->err), &f->err);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(mien_exclusion_has(f->exclusion, names[i]));
    }
    size_t bytes = 0;
    char *const text = (char *)scratch_read(f->list, &bytes);
    assert_memory_equal(text, "plain\t# why: not so\n./#first\t# ", 31);
    free(text);
}

static void test_exclude__a_list_that_does_not_fit_is_told(void **state)
{
    struct fixture *const f = *state;
    must(read_list(f, "a\nb\nc\n"), &f->err);
    must_fail(mien_exclusion_settle(f->exclusion, 9, 9, &f->log, &f->err), MIEN_ERR_FORMAT, &f->err,
              "list.txt: none of its 3 names is in the data, the first is a");
    assert_true(mien_exclusion_has(f->exclusion, "a"));
    must(mien_exclusion_settle(f->exclusion, 9, 8, &f->log, &f->err), &f->err);
    noted(f, "list.txt: 1 of 9 images are left out");
    noted(f, "list.txt: 2 of its names are not in the data, the first is b");
    must_fail(mien_exclusion_settle(f->exclusion, 9, 0, &f->log, &f->err), MIEN_ERR_FORMAT, &f->err,
              "list.txt: every one of the 9 images is on it");
    must(read_list(f, "# nothing\n"), &f->err);
    must(mien_exclusion_settle(f->exclusion, 9, 9, NULL, &f->err), &f->err);
    must(mien_exclusion_settle(NULL, 9, 9, NULL, &f->err), &f->err);
}

/* "split class tone name" of each image. */
static void expect(const struct fixture *f, const char *want)
{
    char got[4096] = "";
    size_t used = 0;
    for (int s = 0; s < MIEN_SPLITS; s++) {
        for (size_t i = 0; i < f->set->splits[s].count; i++) {
            const size_t at = f->set->splits[s].first + i;
            char number[MIEN_DATASET_NAME_BYTES];
            used += (size_t)snprintf(
                got + used, sizeof(got) - used, "%s %s %u %s; ",
                mien_split_name((enum mien_split)s), f->set->classes[f->set->labels[at]],
                (unsigned)f->set->images[at * 4], mien_dataset_name(number, f->set, at));
        }
    }
    assert_string_equal(got, want);
}

static enum mien_status load(struct fixture *f, const char *path, const char *list)
{
    mien_dataset_destroy(f->set);
    if (list != NULL) {
        scratch_write(f->list, list, strlen(list));
    }
    f->options.exclude = list != NULL ? f->list : NULL;
    return mien_dataset_load(&f->set, path, &f->options, &f->err);
}

static void add(const struct fixture *f, const char *name, uint8_t tone)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(f->folder, name);
    char *const slash = strrchr(path, '/');
    *slash = '\0';
    must(mien_folder_make(path, &err), &err);
    *slash = '/';
    image_write_tone(path, 2, 2, tone);
    free(path);
}

static void test_exclude__a_folder_and_its_packed_file_lose_the_same_images(void **state)
{
    struct fixture *const f = *state;
    static const char list[] = "train/sad/1.png\t# why\nval/happy/5.png\n";
    static const char without[] = "train happy 3 train/happy/3.png; train sad 2 train/sad/2.png; "
                                  "validation sad 4 val/sad/4.png; ";
    char *const packed = scratch_path(f->folder, "set.safetensors");
    char *const data = scratch_path(f->folder, "data");
    char *const broken = scratch_path(f->folder, "data/train/sad/1.png");
    add(f, "data/train/sad/1.png", 1);
    add(f, "data/train/sad/2.png", 2);
    add(f, "data/train/happy/3.png", 3);
    add(f, "data/val/sad/4.png", 4);
    add(f, "data/val/happy/5.png", 5);
    must(load(f, data, NULL), &f->err);
    const uint64_t whole = f->set->fingerprint;
    must(mien_dataset_pack(f->set, packed, &f->err), &f->err);
    must(load(f, data, list), &f->err);
    expect(f, without);
    const uint64_t part = f->set->fingerprint;
    assert_true(part != whole);
    must(load(f, packed, list), &f->err);
    expect(f, without);
    assert_true(f->set->fingerprint == part);
    assert_int_equal(f->set->resized, 0);
    /* With a part set aside, the images that are left are those it is drawn from. */
    f->options.split = 0.5;
    must(load(f, packed, "val/sad/4.png\nval/happy/5.png\n"), &f->err);
    assert_int_equal(f->set->splits[MIEN_SPLIT_TRAIN].count, 2);
    assert_int_equal(f->set->splits[MIEN_SPLIT_VALIDATION].count, 1);
    f->options.split = 0;
    /* A list is what makes a set with a damaged image usable: it is not even opened. */
    scratch_write(broken, "no image", 8);
    must_fail(load(f, data, NULL), MIEN_ERR_FORMAT, &f->err, "sad/1.png: neither PNG nor JPEG");
    must(load(f, data, list), &f->err);
    expect(f, without);
    must_fail(load(f, data, "train/nosuch.png\n"), MIEN_ERR_FORMAT, &f->err, "none of its 1 names");
    must_fail(load(f, data, "val/sad/4.png\tx"), MIEN_ERR_FORMAT, &f->err, "list.txt:1: a tab");
    assert_null(f->set);
    free(packed);
    free(data);
    free(broken);
}

static void test_exclude__rows_of_a_csv_go_by_their_number(void **state)
{
    struct fixture *const f = *state;
    static const char text[] = "emotion,pixels,Usage\n"
                               "3,1 1 1 1,PublicTest\n"
                               "\n"
                               "3,2 2 2 2,Training\n"
                               "9,3 3 3 3,Training\n"
                               "4,4 4 4 4,Training\n";
    char *const path = scratch_path(f->folder, "fer2013.csv");
    char *const packed = scratch_path(f->folder, "set.safetensors");
    scratch_write(path, text, strlen(text));
    must(load(f, path, "2\n"), &f->err);
    expect(f, "train happy 2 1; train sad 4 3; validation happy 1 0; ");
    must(mien_dataset_pack(f->set, packed, &f->err), &f->err);
    must(load(f, packed, "1\n0\n"), &f->err);
    expect(f, "train sad 4 3; ");
    must_fail(load(f, path, NULL), MIEN_ERR_FORMAT, &f->err, "fer2013.csv:5: the emotion is \"9\"");
    must_fail(load(f, path, "0\n1\n2\n3\n"), MIEN_ERR_FORMAT, &f->err, "every one of the 4 images");
    free(path);
    free(packed);
}

static void test_exclude__images_without_names_go_by_their_number(void **state)
{
    struct fixture *const f = *state;
    char *const path = scratch_path(f->folder, "set.safetensors");
    static const uint8_t pixels[12] = { 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3 };
    static const int32_t labels[3] = { 0, 1, 0 };
    struct mien_data *data = NULL;
    const struct mien_data_source source = {
        .images = pixels,
        .labels = labels,
        .counts = { 2, 1, 0 },
        .channels = 1,
        .height = 2,
        .width = 2,
        .classes = (const char *const[]){ "a", "b" },
        .class_count = 2,
    };
    must(mien_data_create(&data, &source, &f->err), &f->err);
    must(mien_data_pack(data, path, &f->err), &f->err);
    mien_data_destroy(data);
    must(load(f, path, "1\n"), &f->err);
    expect(f, "train a 1 0; validation a 3 2; "); /* numbers of the file, not of what is left */
    must(load(f, path, NULL), &f->err);
    assert_null(f->set->names);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_exclude__lines_are_names_and_the_rest_is_not),
        TEST(test_exclude__what_is_no_list_is_refused),
        TEST(test_exclude__any_name_survives_being_written),
        TEST(test_exclude__a_list_that_does_not_fit_is_told),
        TEST(test_exclude__a_folder_and_its_packed_file_lose_the_same_images),
        TEST(test_exclude__rows_of_a_csv_go_by_their_number),
        TEST(test_exclude__images_without_names_go_by_their_number),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
