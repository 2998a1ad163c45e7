/* test_check.c - finding damaged, blank and repeated images */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/random.h"
#include "data/check.h"
#include "support/images.h"
#include "support/scratch.h"

enum { SIDE = 40, PIXELS = SIDE * SIDE };

struct fixture {
    char *folder, *data, *list;
    struct mien_check_options options;
    struct mien_check *check;
    struct mien_check_counts counts;
    struct mien_error err;
};

static int setup(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->data = scratch_path(f->folder, "data");
    f->list = scratch_path(f->folder, "list.txt");
    f->options.near = MIEN_CHECK_NEAR_DEFAULT;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *const f = *state;
    mien_check_destroy(f->check);
    scratch_remove(f->folder);
    free(f->data);
    free(f->list);
    free(f);
    return 0;
}

static enum mien_status check_path(struct fixture *f, const char *path)
{
    mien_check_destroy(f->check);
    const enum mien_status st = mien_check_run(&f->check, path, &f->options, &f->err);
    if (st == MIEN_OK) {
        mien_check_count(&f->counts, f->check);
    }
    return st;
}

static void check(struct fixture *f)
{
    must(check_path(f, f->data), &f->err);
}

/* The path of an image of the data set, with its folders; release with free(). */
static char *prepare(const struct fixture *f, const char *name)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(f->data, name);
    char *const slash = strrchr(path, '/');
    *slash = '\0';
    must(mien_folder_make(path, &err), &err);
    *slash = '/';
    return path;
}

/* A smooth picture of its own for each seed: a few waves. */
static void draw(uint8_t *pixels, uint64_t seed, double contrast, double brightness)
{
    enum { WAVES = 6 };
    double wave[WAVES][4];
    for (int k = 0; k < WAVES; k++) {
        uint32_t bits[4];
        mien_random_block(bits, seed, MIEN_STREAM_SYNTH, 77, (uint64_t)k);
        for (int i = 0; i < 4; i++) {
            wave[k][i] = (double)mien_random_unit(bits[i]);
        }
    }
    for (int i = 0; i < PIXELS; i++) {
        const int x = i % SIDE;
        const int y = i / SIDE;
        double sum = 0;
        for (int k = 0; k < WAVES; k++) {
            sum += (0.5 + wave[k][0]) *
                   sin(6.3 * wave[k][1] + (wave[k][2] - 0.5) * x + wave[k][3] * y / 2);
        }
        const double tone = 128 + brightness + contrast * 22 * sum;
        pixels[i] = (uint8_t)fmin(fmax(tone, 0), 255);
    }
}

static void add_pixels(const struct fixture *f, const char *name, int type, const uint8_t *pixels)
{
    char *const path = prepare(f, name);
    const struct image_png png = {
        .width = SIDE, .height = SIDE, .depth = 8, .type = type, .samples = pixels
    };
    image_write_png(path, &png);
    free(path);
}

static void add(const struct fixture *f, const char *name, uint64_t seed)
{
    uint8_t pixels[PIXELS];
    draw(pixels, seed, 1, 0);
    add_pixels(f, name, PNG_COLOR_TYPE_GRAY, pixels);
}

static void add_changed(const struct fixture *f, const char *name, uint64_t seed, double contrast,
                        double brightness)
{
    uint8_t pixels[PIXELS];
    draw(pixels, seed, contrast, brightness);
    add_pixels(f, name, PNG_COLOR_TYPE_GRAY, pixels);
}

static void add_tone(const struct fixture *f, const char *name, int side, uint8_t tone)
{
    char *const path = prepare(f, name);
    image_write_tone(path, side, side, tone);
    free(path);
}

static size_t index_of(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->check->image_count; i++) {
        if (strcmp(f->check->set->names[i], name) == 0) {
            return i;
        }
    }
    fail_msg("no image %s", name);
    return 0;
}

static const char *near_of(const struct fixture *f, const char *name)
{
    const uint32_t near = f->check->images[index_of(f, name)].near;
    return near == MIEN_NO_IMAGE ? "none" : f->check->set->names[near];
}

static void test_check__a_clean_set_has_no_faults(void **state)
{
    struct fixture *const f = *state;
    add(f, "train/a/1.png", 1);
    add(f, "train/b/2.png", 2);
    add(f, "validation/a/3.png", 3);
    check(f);
    const struct mien_check_counts none = { .forms = { [MIEN_FORM_GRAY] = 3 } };
    assert_memory_equal(&f->counts, &none, sizeof(none));
    assert_int_equal(f->check->images[0].height, SIDE);
    assert_int_equal(f->check->images[0].width, SIDE);
}

static void test_check__equal_pixels_are_copies_whatever_the_file(void **state)
{
    struct fixture *const f = *state;
    uint8_t gray[PIXELS];
    uint8_t colour[3 * PIXELS];
    draw(gray, 1, 1, 0);
    for (int i = 0; i < 3 * PIXELS; i++) {
        colour[i] = gray[i / 3];
    }
    add_pixels(f, "train/a/1.png", PNG_COLOR_TYPE_GRAY, gray);
    add_pixels(f, "train/a/2.png", PNG_COLOR_TYPE_RGB, colour);
    colour[3 * 77]++; /* one channel of one pixel */
    add_pixels(f, "train/a/3.png", PNG_COLOR_TYPE_RGB, colour);
    gray[PIXELS - 1]++;
    add_pixels(f, "train/a/4.png", PNG_COLOR_TYPE_GRAY, gray);
    /* The same bytes in other shapes are other images. */
    const uint8_t bytes[6] = { 1, 2, 3, 4, 5, 6 };
    for (int width = 1; width <= 6; width++) {
        if (6 % width == 0) {
            char name[32];
            (void)snprintf(name, sizeof(name), "train/a/w%d.png", width);
            char *const path = prepare(f, name);
            const struct image_png png = { .width = width,
                                           .height = 6 / width,
                                           .depth = 8,
                                           .type = PNG_COLOR_TYPE_GRAY,
                                           .samples = bytes };
            image_write_png(path, &png);
            free(path);
        }
    }
    check(f);
    assert_int_equal(f->counts.groups, 1);
    assert_int_equal(f->counts.redundant, 1);
    const struct mien_check_group *const group = &f->check->groups[0];
    assert_int_equal(group->count, 2);
    assert_int_equal(f->check->members[group->first], index_of(f, "train/a/1.png"));
    assert_int_equal(f->check->members[group->first + 1], index_of(f, "train/a/2.png"));
    assert_int_equal(f->counts.forms[MIEN_FORM_GRAY], 6);
    assert_int_equal(f->counts.forms[MIEN_FORM_GRAY_AS_COLOUR], 1);
    assert_int_equal(f->counts.forms[MIEN_FORM_COLOUR], 1);
    /* The two that one pixel tells apart are near copies, of the first of all. */
    assert_string_equal(near_of(f, "train/a/3.png"), "train/a/1.png");
    assert_string_equal(near_of(f, "train/a/4.png"), "train/a/1.png");
    assert_string_equal(near_of(f, "train/a/2.png"), "none");
}

static void test_check__counts_conflicts_and_twins(void **state)
{
    struct fixture *const f = *state;
    add(f, "train/a/1.png", 1); /* twice in training, once in validation */
    add(f, "train/a/2.png", 1);
    add(f, "validation/a/3.png", 1);
    add(f, "train/a/4.png", 2); /* under two labels */
    add(f, "train/b/5.png", 2);
    add(f, "validation/b/6.png", 3); /* in validation and, under another label, twice in test */
    add(f, "test/a/7.png", 3);
    add(f, "test/b/8.png", 3);
    add(f, "train/b/9.png", 4);
    check(f);
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
    struct fixture *const f = *state;
    uint8_t colour[3 * PIXELS];
    for (int i = 0; i < 3 * PIXELS; i++) {
        colour[i] = i % 3 == 1 ? 9 : 0;
    }
    add_tone(f, "train/a/black.png", SIDE, 0);
    add_tone(f, "train/a/gray.png", SIDE, 77);
    add_tone(f, "train/a/one.png", 1, 0);
    add_pixels(f, "train/a/green.png", PNG_COLOR_TYPE_RGB, colour);
    colour[3 * PIXELS - 1]++;
    add_pixels(f, "train/a/not.png", PNG_COLOR_TYPE_RGB, colour);
    add(f, "train/b/1.png", 1);
    check(f);
    assert_int_equal(f->counts.blank, 4);
    assert_int_equal(f->counts.black, 2);
    assert_false(f->check->images[index_of(f, "train/a/not.png")].blank);
    assert_int_equal(f->check->images[index_of(f, "train/a/gray.png")].level, 77);
    assert_int_equal(f->counts.near, 0); /* blank images are like nothing */
}

static void test_check__damage_does_not_end_it(void **state)
{
    struct fixture *const f = *state;
    char *const first = prepare(f, "train/a/0.png");
    char *const cut = prepare(f, "validation/a/2.png");
    char *const path = prepare(f, "train/a/1.png");
    size_t bytes = 0;
    add(f, "train/a/1.png", 1);
    add(f, "train/b/1.png", 1);
    unsigned char *const whole = scratch_read(path, &bytes);
    scratch_write(first, "x", 1);
    scratch_write(cut, whole, bytes / 2);
    check(f);
    assert_int_equal(f->counts.unreadable, 2);
    assert_int_equal(f->counts.groups, 1);
    assert_non_null(strstr(f->check->images[index_of(f, "train/a/0.png")].error,
                           "train/a/0.png: neither PNG nor JPEG (1 byte: 78)"));
    assert_non_null(strstr(f->check->images[index_of(f, "validation/a/2.png")].error, "2.png"));
    scratch_write(path, "x", 1);
    free(path);
    char *const other = prepare(f, "train/b/1.png");
    scratch_write(other, "x", 1);
    check(f); /* nothing at all can be read */
    assert_int_equal(f->counts.unreadable, 4);
    assert_int_equal(f->counts.near, 0);
    must_fail(check_path(f, f->list), MIEN_ERR_IO, &f->err, "list.txt");
    assert_null(f->check);
    free(first);
    free(cut);
    free(other);
    free(whole);
}

static void test_check__bad_rows_of_a_csv_are_told_apart(void **state)
{
    struct fixture *const f = *state;
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
    must(check_path(f, path), &f->err);
    assert_int_equal(f->check->stray_count, 2);
    assert_string_equal(f->check->strays[0].name, "2");
    assert_non_null(strstr(f->check->strays[0].error, "fer2013.csv:4: the emotion is \"9\""));
    assert_string_equal(f->check->strays[1].name, "5");
    assert_int_equal(f->counts.unreadable, 4);
    assert_non_null(strstr(f->check->images[index_of(f, "0")].error, "3 pixel values"));
    assert_non_null(strstr(f->check->images[index_of(f, "3")].error, "pixel value 3 is \"x\""));
    assert_int_equal(f->counts.conflicts, 1);
    assert_int_equal(f->counts.blank, 1);
    free(path);
}

static void test_check__near_copies_survive_what_copies_go_through(void **state)
{
    struct fixture *const f = *state;
    uint8_t pixels[PIXELS];
    uint8_t doubled[4 * PIXELS];
    for (uint64_t seed = 0; seed < 40; seed++) { /* others, which are like nothing */
        char name[32];
        (void)snprintf(name, sizeof(name), "train/b/%d.png", (int)seed);
        add(f, name, 100 + seed);
    }
    add(f, "train/a/original.png", 1);
    add_changed(f, "train/a/paler.png", 1, 0.5, 20);
    draw(pixels, 1, 1, 0);
    for (int i = 0; i < PIXELS; i++) { /* noise of a bad compression */
        pixels[i] = (uint8_t)(pixels[i] + (i * 7 % 5) - 2);
    }
    add_pixels(f, "train/a/rough.png", PNG_COLOR_TYPE_GRAY, pixels);
    draw(pixels, 1, 1, 0);
    for (int i = 0; i < 4 * PIXELS; i++) {
        doubled[i] = pixels[i / (4 * SIDE) * SIDE + i % (2 * SIDE) / 2];
    }
    char *const path = prepare(f, "train/a/twice.jpg");
    image_write_jpeg(path, IMAGE_JPEG_GRAY, false, 2 * SIDE, 2 * SIDE, doubled);
    free(path);
    for (int i = 0; i < PIXELS; i++) { /* upside down is another picture */
        pixels[i] = (uint8_t)(255 - pixels[i]);
    }
    add_pixels(f, "train/a/zinverse.png", PNG_COLOR_TYPE_GRAY, pixels);
    check(f);
    assert_int_equal(f->counts.near, 3);
    assert_int_equal(f->counts.near_across, 0);
    assert_string_equal(near_of(f, "train/a/paler.png"), "train/a/original.png");
    assert_string_equal(near_of(f, "train/a/rough.png"), "train/a/original.png");
    assert_string_equal(near_of(f, "train/a/twice.jpg"), "train/a/original.png");
    f->options.near = 1; /* nothing is as near as that */
    check(f);
    assert_int_equal(f->counts.near, 0);
}

static void test_check__images_that_measure_others_are_the_originals(void **state)
{
    struct fixture *const f = *state;
    add(f, "train/a/1.png", 1);
    add_changed(f, "validation/a/2.png", 1, 0.9, 0);
    add_changed(f, "validation/a/3.png", 1, 0.8, 0);
    add_changed(f, "test/b/4.png", 1, 0.7, 0);
    add(f, "train/b/5.png", 1); /* an exact copy of the first is told once */
    add(f, "train/a/6.png", 2); /* the copy in validation stands for it */
    add(f, "validation/b/7.png", 2);
    add_changed(f, "train/b/8.png", 2, 0.8, 0);
    check(f);
    assert_string_equal(near_of(f, "test/b/4.png"), "none");
    assert_string_equal(near_of(f, "validation/a/2.png"), "test/b/4.png");
    assert_true(strcmp(near_of(f, "train/a/1.png"), "none") != 0);
    assert_string_equal(near_of(f, "train/b/5.png"), "none");
    assert_string_equal(near_of(f, "train/a/6.png"), "none");
    assert_string_equal(near_of(f, "train/b/8.png"), "validation/b/7.png");
    assert_int_equal(f->counts.near, 4);
    assert_true(f->counts.near_across >= 3);
}

/* Three pictures, each near the one before, the first and the last not near each other. */
static void add_chain(const struct fixture *f, const char *const names[3])
{
    uint8_t pixels[PIXELS];
    uint8_t other[PIXELS];
    draw(pixels, 300, 1, 0);
    for (int k = 0; k < 3; k++) {
        add_pixels(f, names[k], PNG_COLOR_TYPE_GRAY, pixels);
        draw(other, 301 + (uint64_t)k, 1, 0);
        for (int i = 0; i < PIXELS; i++) {
            pixels[i] = (uint8_t)(0.8 * pixels[i] + 0.2 * other[i]);
        }
    }
}

static void test_check__a_chain_of_near_copies_is_no_heap(void **state)
{
    struct fixture *const f = *state;
    static const char *const training[] = { "train/a/1.png", "train/a/2.png", "train/a/3.png" };
    static const char *const mixed[] = { "test/b/1.png", "validation/b/2.png", "train/b/3.png" };
    add_chain(f, training);
    check(f);
    assert_string_equal(near_of(f, training[1]), training[0]);
    assert_string_equal(near_of(f, training[2]), "none"); /* the one that it is near will go */
    char *const second = scratch_path(f->folder, "second");
    free(f->data);
    f->data = second;
    add_chain(f, mixed);
    check(f);
    assert_string_equal(near_of(f, mixed[1]), mixed[0]);
    assert_string_equal(near_of(f, mixed[2]), mixed[1]); /* which measures it, and stays */
}

static double correlate(const uint8_t *x, const uint8_t *y, size_t count)
{
    double sum[5] = { 0 };
    for (size_t i = 0; i < count; i++) {
        sum[0] += x[i];
        sum[1] += y[i];
        sum[2] += (double)x[i] * x[i];
        sum[3] += (double)y[i] * y[i];
        sum[4] += (double)x[i] * y[i];
    }
    const double n = (double)count;
    return (sum[4] - sum[0] * sum[1] / n) /
           sqrt((sum[2] - sum[0] * sum[0] / n) * (sum[3] - sum[1] * sum[1] / n));
}

/* Against comparing all with all, on pictures that come in clouds of like ones. */
static void test_check__finds_what_comparing_all_with_all_finds(void **state)
{
    struct fixture *const f = *state;
    enum { COUNT = 240, CLOUDS = 30 };
    uint8_t pixels[PIXELS];
    uint8_t other[PIXELS];
    for (int k = 0; k < COUNT; k++) {
        uint32_t bits[4];
        char name[32];
        mien_random_block(bits, 5, MIEN_STREAM_SYNTH, 78, (uint64_t)k);
        const double part = 0.35 * (double)mien_random_unit(bits[0]);
        draw(pixels, (uint64_t)(k % CLOUDS), 1, 0);
        draw(other, 1000 + (uint64_t)k, 1, 0);
        for (int i = 0; i < PIXELS; i++) {
            pixels[i] = (uint8_t)((1 - part) * pixels[i] + part * other[i]);
        }
        (void)snprintf(name, sizeof(name), "train/a/%03d.png", k);
        add_pixels(f, name, PNG_COLOR_TYPE_GRAY, pixels);
    }
    check(f);
    const size_t bytes = (size_t)f->check->set->height * (size_t)f->check->set->width;
    size_t found = 0;
    bool stays[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        double best = 0;
        for (size_t k = 0; k < i; k++) {
            const uint8_t *const images = f->check->set->images;
            best = stays[k] ? fmax(best, correlate(images + i * bytes, images + k * bytes, bytes))
                            : best;
        }
        stays[i] = best < MIEN_CHECK_NEAR_DEFAULT;
        found += stays[i] ? 0 : 1;
        assert_int_equal(f->check->images[i].near == MIEN_NO_IMAGE, stays[i]);
        if (!stays[i]) {
            assert_true(fabs(best - (double)f->check->images[i].correlation) < 1e-6);
        }
    }
    assert_true(found > 60 && found < COUNT - 2 * CLOUDS); /* both cases are there */
}

static const unsigned every_reason = (1U << MIEN_REASONS) - 2;

static void expect_list(struct fixture *f, unsigned reasons, bool all, const char *want)
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
    struct fixture *const f = *state;
    add(f, "train/a/1.png", 1);
    add(f, "train/a/2.png", 1);
    add(f, "train/a/3.png", 2);
    add(f, "validation/a/4.png", 2);
    add(f, "validation/a/5.png", 2);
    add(f, "train/a/6.png", 3);
    add(f, "train/b/7.png", 3);
    add_tone(f, "train/b/8.png", SIDE, 9);
    add_changed(f, "train/b/9.png", 1, 1, 3);
    add_tone(f, "validation/b/0.png", SIDE, 0);
    check(f);
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
    struct fixture *const f = *state;
    static const char *const folders[] = { "train/a", "train/b", "validation/a", "test/b" };
    size_t listed[MIEN_REASONS];
    for (int i = 0; i < 60; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s/%d.png", folders[i * 7 % 4], i);
        add_changed(f, name, (uint64_t)(i < 30 ? i / 3 : i), i % 5 == 0 ? 0.7 : 1, 0);
    }
    add_tone(f, "train/a/blank.png", SIDE, 5);
    char *const broken = prepare(f, "test/b/bad\n#\t.png");
    scratch_write(broken, "x", 1);
    free(broken);
    check(f);
    assert_true(f->counts.near > 0 && f->counts.conflicts > 0 && f->counts.twins[1][0] > 0);
    must(mien_check_write_list(listed, f->list, f->check, every_reason, true, "t", &f->err),
         &f->err);
    f->options.exclude = f->list;
    check(f);
    assert_int_equal(f->counts.unreadable + f->counts.blank + f->counts.groups + f->counts.near, 0);
    assert_true(f->check->image_count >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_check__a_clean_set_has_no_faults),
        TEST(test_check__equal_pixels_are_copies_whatever_the_file),
        TEST(test_check__counts_conflicts_and_twins),
        TEST(test_check__blank_images_are_of_one_tone),
        TEST(test_check__damage_does_not_end_it),
        TEST(test_check__bad_rows_of_a_csv_are_told_apart),
        TEST(test_check__near_copies_survive_what_copies_go_through),
        TEST(test_check__images_that_measure_others_are_the_originals),
        TEST(test_check__a_chain_of_near_copies_is_no_heap),
        TEST(test_check__finds_what_comparing_all_with_all_finds),
        TEST(test_check__lists_what_is_asked_for),
        TEST(test_check__without_what_it_lists_nothing_is_wrong),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
