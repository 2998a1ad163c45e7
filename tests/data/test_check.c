/* test_check.c - finding damaged, blank and repeated images, and lists of them */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/checked.h"
#include "support/images.h"
#include "support/scratch.h"

static void test_check__a_clean_set_has_no_faults(void **state)
{
    struct checked *const f = *state;
    checked_add(f, "train/a/1.png", 1);
    checked_add(f, "train/b/2.png", 2);
    checked_add(f, "validation/a/3.png", 3);
    checked_run(f);
    const struct mien_check_counts none = { .forms = { [MIEN_FORM_GRAY] = 3 } };
    assert_memory_equal(&f->counts, &none, sizeof(none));
    assert_int_equal(f->check->images[0].height, CHECKED_SIDE);
    assert_int_equal(f->check->images[0].width, CHECKED_SIDE);
}

static void test_check__equal_pixels_are_copies_whatever_the_file(void **state)
{
    struct checked *const f = *state;
    uint8_t gray[CHECKED_PIXELS];
    uint8_t colour[3 * CHECKED_PIXELS];
    checked_draw(gray, 1, 1, 0);
    for (int i = 0; i < 3 * CHECKED_PIXELS; i++) {
        colour[i] = gray[i / 3];
    }
    checked_add_pixels(f, "train/a/1.png", PNG_COLOR_TYPE_GRAY, gray);
    checked_add_pixels(f, "train/a/2.png", PNG_COLOR_TYPE_RGB, colour);
    colour[3 * 77]++; /* one channel of one pixel */
    checked_add_pixels(f, "train/a/3.png", PNG_COLOR_TYPE_RGB, colour);
    gray[CHECKED_PIXELS - 1]++;
    checked_add_pixels(f, "train/a/4.png", PNG_COLOR_TYPE_GRAY, gray);
    /* The same bytes in other shapes are other images. */
    const uint8_t bytes[6] = { 1, 2, 3, 4, 5, 6 };
    for (int width = 1; width <= 6; width++) {
        if (6 % width == 0) {
            char name[32];
            (void)snprintf(name, sizeof(name), "train/a/w%d.png", width);
            char *const path = checked_prepare(f, name);
            const struct image_png png = { .width = width,
                                           .height = 6 / width,
                                           .depth = 8,
                                           .type = PNG_COLOR_TYPE_GRAY,
                                           .samples = bytes };
            image_write_png(path, &png);
            free(path);
        }
    }
    checked_run(f);
    assert_int_equal(f->counts.groups, 1);
    assert_int_equal(f->counts.redundant, 1);
    const struct mien_check_group *const group = &f->check->groups[0];
    assert_int_equal(group->count, 2);
    assert_int_equal(f->check->members[group->first], checked_index(f, "train/a/1.png"));
    assert_int_equal(f->check->members[group->first + 1], checked_index(f, "train/a/2.png"));
    assert_int_equal(f->counts.forms[MIEN_FORM_GRAY], 6);
    assert_int_equal(f->counts.forms[MIEN_FORM_GRAY_AS_COLOUR], 1);
    assert_int_equal(f->counts.forms[MIEN_FORM_COLOUR], 1);
    /* The two that one pixel tells apart are near copies, of the first of all. */
    assert_string_equal(checked_near(f, "train/a/3.png"), "train/a/1.png");
    assert_string_equal(checked_near(f, "train/a/4.png"), "train/a/1.png");
    assert_string_equal(checked_near(f, "train/a/2.png"), "none");
}

static void test_check__counts_conflicts_and_twins(void **state)
{
    struct checked *const f = *state;
    checked_add(f, "train/a/1.png", 1); /* twice in training, once in validation */
    checked_add(f, "train/a/2.png", 1);
    checked_add(f, "validation/a/3.png", 1);
    checked_add(f, "train/a/4.png", 2); /* under two labels */
    checked_add(f, "train/b/5.png", 2);
    checked_add(f, "validation/b/6.png",
                3); /* in validation and, under another label, twice in test */
    checked_add(f, "test/a/7.png", 3);
    checked_add(f, "test/b/8.png", 3);
    checked_add(f, "train/b/9.png", 4);
    checked_run(f);
    assert_int_equal(f->counts.groups, 3);
    assert_int_equal(f->counts.redundant, 5);
    assert_int_equal(f->counts.conflicts, 2);
    assert_int_equal(f->counts.conflict_images, 5);
    const size_t twins[MIEN_SPLITS][MIEN_SPLITS] = { { 0, 2, 0 }, { 1, 0, 1 }, { 0, 2, 0 } };
    assert_memory_equal(f->counts.twins, twins, sizeof(twins));
    assert_int_equal(f->counts.near, 0);
}

static void test_check__blank_images_are_of_one_tone(void **state)
{
    struct checked *const f = *state;
    uint8_t colour[3 * CHECKED_PIXELS];
    for (int i = 0; i < 3 * CHECKED_PIXELS; i++) {
        colour[i] = i % 3 == 1 ? 9 : 0;
    }
    checked_add_tone(f, "train/a/black.png", CHECKED_SIDE, 0);
    checked_add_tone(f, "train/a/gray.png", CHECKED_SIDE, 77);
    checked_add_tone(f, "train/a/one.png", 1, 0);
    checked_add_pixels(f, "train/a/green.png", PNG_COLOR_TYPE_RGB, colour);
    colour[3 * CHECKED_PIXELS - 1]++;
    checked_add_pixels(f, "train/a/not.png", PNG_COLOR_TYPE_RGB, colour);
    checked_add(f, "train/b/1.png", 1);
    checked_run(f);
    assert_int_equal(f->counts.blank, 4);
    assert_int_equal(f->counts.black, 2);
    assert_false(f->check->images[checked_index(f, "train/a/not.png")].blank);
    assert_int_equal(f->check->images[checked_index(f, "train/a/gray.png")].level, 77);
    assert_int_equal(f->counts.near, 0); /* blank images are like nothing */
}

static void test_check__damage_does_not_end_it(void **state)
{
    struct checked *const f = *state;
    char *const first = checked_prepare(f, "train/a/0.png");
    char *const cut = checked_prepare(f, "validation/a/2.png");
    char *const path = checked_prepare(f, "train/a/1.png");
    size_t bytes = 0;
    checked_add(f, "train/a/1.png", 1);
    checked_add(f, "train/b/1.png", 1);
    unsigned char *const whole = scratch_read(path, &bytes);
    scratch_write(first, "x", 1);
    scratch_write(cut, whole, bytes / 2);
    checked_run(f);
    assert_int_equal(f->counts.unreadable, 2);
    assert_int_equal(f->counts.groups, 1);
    assert_non_null(strstr(f->check->images[checked_index(f, "train/a/0.png")].error,
                           "train/a/0.png: neither PNG nor JPEG (1 byte: 78)"));
    assert_non_null(
        strstr(f->check->images[checked_index(f, "validation/a/2.png")].error, "2.png"));
    scratch_write(path, "x", 1);
    free(path);
    char *const other = checked_prepare(f, "train/b/1.png");
    scratch_write(other, "x", 1);
    checked_run(f); /* nothing at all can be read */
    assert_int_equal(f->counts.unreadable, 4);
    assert_int_equal(f->counts.near, 0);
    must_fail(checked_path(f, f->list), MIEN_ERR_IO, &f->err, "list.txt");
    assert_null(f->check);
    free(first);
    free(cut);
    free(other);
    free(whole);
}

static void test_check__bad_rows_of_a_csv_are_told_apart(void **state)
{
    struct checked *const f = *state;
    static const char text[] = "emotion,pixels,Usage\n"
                               "3,1 2 3,Training\n"
                               "3,1 2 3 4,Training\n"
                               "9,1 2 3 4,Training\n"
                               "3,1 2 x 4,PublicTest\n"
                               "4,1 2 3 4,PublicTest\n"
                               "4,1 2 3 4\n"
                               "4,5 5 5 5,PrivateTest\n";
    char *const path = scratch_path(f->folder, "fer2013.csv");
    scratch_write(path, text, strlen(text));
    must(checked_path(f, path), &f->err);
    assert_int_equal(f->check->stray_count, 2);
    assert_string_equal(f->check->strays[0].name, "2");
    assert_non_null(strstr(f->check->strays[0].error, "fer2013.csv:4: the emotion is \"9\""));
    assert_string_equal(f->check->strays[1].name, "5");
    assert_int_equal(f->counts.unreadable, 4);
    assert_non_null(strstr(f->check->images[checked_index(f, "0")].error, "3 pixel values"));
    assert_non_null(
        strstr(f->check->images[checked_index(f, "3")].error, "pixel value 3 is \"x\""));
    assert_int_equal(f->counts.conflicts, 1);
    assert_int_equal(f->counts.blank, 1);
    free(path);
}

static const unsigned every_reason = (1U << MIEN_REASONS) - 2;

static void expect_list(struct checked *f, unsigned reasons, bool all, const char *want)
{
    size_t listed[MIEN_REASONS];
    size_t bytes = 0;
    must(mien_check_write_list(listed, f->list, f->check, reasons, all, "a\ntitle", &f->err),
         &f->err);
    char *const text = (char *)scratch_read(f->list, &bytes);
    assert_string_equal(text, want);
    size_t lines = 0;
    for (size_t i = 0; i < bytes; i++) {
        lines += text[i] == '\n' ? 1 : 0;
    }
    size_t sum = 0;
    for (int r = 1; r < MIEN_REASONS; r++) {
        sum += listed[r];
    }
    assert_int_equal(sum + 1, lines);
    assert_int_equal(listed[MIEN_REASON_NONE] + sum, f->check->image_count);
    free(text);
}

static void test_check__lists_what_is_asked_for(void **state)
{
    struct checked *const f = *state;
    checked_add(f, "train/a/1.png", 1);
    checked_add(f, "train/a/2.png", 1);
    checked_add(f, "train/a/3.png", 2);
    checked_add(f, "validation/a/4.png", 2);
    checked_add(f, "validation/a/5.png", 2);
    checked_add(f, "train/a/6.png", 3);
    checked_add(f, "train/b/7.png", 3);
    checked_add_tone(f, "train/b/8.png", CHECKED_SIDE, 9);
    checked_add_changed(f, "train/b/9.png", 1, 1, 3);
    checked_add_tone(f, "validation/b/0.png", CHECKED_SIDE, 0);
    checked_run(f);
    expect_list(f, every_reason, false,
                "# a title\n"
                "train/a/2.png\t# duplicate: the same as train/a/1.png\n"
                "train/a/3.png\t# twin: the same as validation/a/4.png of validation\n"
                "train/a/6.png\t# conflict: the same as train/b/7.png, which is b\n"
                "train/b/7.png\t# conflict: the same as train/a/6.png, which is a\n"
                "train/b/8.png\t# blank: every pixel is 9\n"
                "train/b/9.png\t# near: correlation 1.0000 with train/a/1.png\n");
    expect_list(f, 1U << MIEN_REASON_BLANK | 1U << MIEN_REASON_DUPLICATE, true,
                "# a title\n"
                "train/a/2.png\t# duplicate: the same as train/a/1.png\n"
                "train/b/7.png\t# duplicate: the same as train/a/6.png\n"
                "train/b/8.png\t# blank: every pixel is 9\n"
                "validation/a/5.png\t# duplicate: the same as validation/a/4.png\n"
                "validation/b/0.png\t# blank: every pixel is 0\n");
    expect_list(f, 0, true, "# a title\n");
    must_fail(mien_check_write_list((size_t[MIEN_REASONS]){ 0 }, f->folder, f->check, every_reason,
                                    true, "", &f->err),
              MIEN_ERR_IO, &f->err, f->folder);
}

static void test_check__without_what_it_lists_nothing_is_wrong(void **state)
{
    struct checked *const f = *state;
    static const char *const folders[] = { "train/a", "train/b", "validation/a", "test/b" };
    size_t listed[MIEN_REASONS];
    for (int i = 0; i < 60; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s/%d.png", folders[i * 7 % 4], i);
        checked_add_changed(f, name, (uint64_t)(i < 30 ? i / 3 : i), i % 5 == 0 ? 0.7 : 1, 0);
    }
    checked_add_tone(f, "train/a/blank.png", CHECKED_SIDE, 5);
    char *const broken = checked_prepare(f, "test/b/bad\n#\t.png");
    scratch_write(broken, "x", 1);
    free(broken);
    checked_run(f);
    assert_true(f->counts.near > 0 && f->counts.conflicts > 0 && f->counts.twins[1][0] > 0);
    must(mien_check_write_list(listed, f->list, f->check, every_reason, true, "t", &f->err),
         &f->err);
    f->options.exclude = f->list;
    checked_run(f);
    assert_int_equal(f->counts.unreadable + f->counts.blank + f->counts.groups + f->counts.near, 0);
    assert_true(f->check->image_count >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, checked_setup, checked_teardown)
        TEST(test_check__a_clean_set_has_no_faults),
        TEST(test_check__equal_pixels_are_copies_whatever_the_file),
        TEST(test_check__counts_conflicts_and_twins),
        TEST(test_check__blank_images_are_of_one_tone),
        TEST(test_check__damage_does_not_end_it),
        TEST(test_check__bad_rows_of_a_csv_are_told_apart),
        TEST(test_check__lists_what_is_asked_for),
        TEST(test_check__without_what_it_lists_nothing_is_wrong),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
