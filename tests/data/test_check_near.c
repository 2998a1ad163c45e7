/* test_check_near.c - finding images that are nearly copies of others */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/checked.h"
#include "support/images.h"
#include "support/scratch.h"

static void test_check__near_copies_survive_what_copies_go_through(void **state)
{
    struct checked *const f = *state;
    uint8_t pixels[CHECKED_PIXELS];
    uint8_t doubled[4 * CHECKED_PIXELS];
    for (uint64_t seed = 0; seed < 40; seed++) { /* others, which are like nothing */
        char name[32];
        (void)snprintf(name, sizeof(name), "train/b/%d.png", (int)seed);
        checked_add(f, name, 100 + seed);
    }
    checked_add(f, "train/a/original.png", 1);
    checked_add_changed(f, "train/a/paler.png", 1, 0.5, 20);
    checked_draw(pixels, 1, 1, 0);
    for (int i = 0; i < CHECKED_PIXELS; i++) { /* noise of a bad compression */
        pixels[i] = (uint8_t)(pixels[i] + (i * 7 % 5) - 2);
    }
    checked_add_pixels(f, "train/a/rough.png", PNG_COLOR_TYPE_GRAY, pixels);
    checked_draw(pixels, 1, 1, 0);
    for (int i = 0; i < 4 * CHECKED_PIXELS; i++) {
        doubled[i] = pixels[i / (4 * CHECKED_SIDE) * CHECKED_SIDE + i % (2 * CHECKED_SIDE) / 2];
    }
    char *const path = checked_prepare(f, "train/a/twice.jpg");
    image_write_jpeg(path, IMAGE_JPEG_GRAY, false, 2 * CHECKED_SIDE, 2 * CHECKED_SIDE, doubled);
    free(path);
    for (int i = 0; i < CHECKED_PIXELS; i++) { /* upside down is another picture */
        pixels[i] = (uint8_t)(255 - pixels[i]);
    }
    checked_add_pixels(f, "train/a/zinverse.png", PNG_COLOR_TYPE_GRAY, pixels);
    checked_run(f);
    assert_int_equal(f->counts.near, 3);
    assert_int_equal(f->counts.near_across, 0);
    assert_string_equal(checked_near(f, "train/a/paler.png"), "train/a/original.png");
    assert_string_equal(checked_near(f, "train/a/rough.png"), "train/a/original.png");
    assert_string_equal(checked_near(f, "train/a/twice.jpg"), "train/a/original.png");
    f->options.near = 1; /* nothing is as near as that */
    checked_run(f);
    assert_int_equal(f->counts.near, 0);
}

static void test_check__images_that_measure_others_are_the_originals(void **state)
{
    struct checked *const f = *state;
    checked_add(f, "train/a/1.png", 1);
    checked_add_changed(f, "validation/a/2.png", 1, 0.9, 0);
    checked_add_changed(f, "validation/a/3.png", 1, 0.8, 0);
    checked_add_changed(f, "test/b/4.png", 1, 0.7, 0);
    checked_add(f, "train/b/5.png", 1); /* an exact copy of the first is told once */
    checked_add(f, "train/a/6.png", 2); /* the copy in validation stands for it */
    checked_add(f, "validation/b/7.png", 2);
    checked_add_changed(f, "train/b/8.png", 2, 0.8, 0);
    checked_run(f);
    assert_string_equal(checked_near(f, "test/b/4.png"), "none");
    assert_string_equal(checked_near(f, "validation/a/2.png"), "test/b/4.png");
    assert_true(strcmp(checked_near(f, "train/a/1.png"), "none") != 0);
    assert_string_equal(checked_near(f, "train/b/5.png"), "none");
    assert_string_equal(checked_near(f, "train/a/6.png"), "none");
    assert_string_equal(checked_near(f, "train/b/8.png"), "validation/b/7.png");
    assert_int_equal(f->counts.near, 4);
    assert_true(f->counts.near_across >= 3);
}

/* Three pictures, each near the one before, the first and the last not near each other. */
static void add_chain(const struct checked *f, const char *const names[3])
{
    uint8_t pixels[CHECKED_PIXELS];
    uint8_t other[CHECKED_PIXELS];
    checked_draw(pixels, 300, 1, 0);
    for (int k = 0; k < 3; k++) {
        checked_add_pixels(f, names[k], PNG_COLOR_TYPE_GRAY, pixels);
        checked_draw(other, 301 + (uint64_t)k, 1, 0);
        for (int i = 0; i < CHECKED_PIXELS; i++) {
            pixels[i] = (uint8_t)(0.8 * pixels[i] + 0.2 * other[i]);
        }
    }
}

static void test_check__a_chain_of_near_copies_is_no_heap(void **state)
{
    struct checked *const f = *state;
    static const char *const training[] = { "train/a/1.png", "train/a/2.png", "train/a/3.png" };
    static const char *const mixed[] = { "test/b/1.png", "validation/b/2.png", "train/b/3.png" };
    add_chain(f, training);
    checked_run(f);
    assert_string_equal(checked_near(f, training[1]), training[0]);
    assert_string_equal(checked_near(f, training[2]), "none"); /* the one that it is near will go */
    char *const second = scratch_path(f->folder, "second");
    free(f->data);
    f->data = second;
    add_chain(f, mixed);
    checked_run(f);
    assert_string_equal(checked_near(f, mixed[1]), mixed[0]);
    assert_string_equal(checked_near(f, mixed[2]), mixed[1]); /* which measures it, and stays */
}

/* Whether a list of all splits for these reasons names an image. */
static bool is_listed(struct checked *f, const char *name, unsigned reasons)
{
    size_t listed[MIEN_REASONS];
    size_t bytes = 0;
    must(mien_check_write_list(listed, f->list, f->check, reasons, true, "t", &f->err), &f->err);
    char *const text = (char *)scratch_read(f->list, &bytes);
    const bool found = strstr(text, name) != NULL;
    free(text);
    return found;
}

/* What goes already takes nothing with it: else no image of the picture would be left. */
static void test_check__near_copies_of_what_is_listed_stay(void **state)
{
    struct checked *const f = *state;
    static const unsigned every = (1U << MIEN_REASONS) - 2;
    static const unsigned near = 1U << MIEN_REASON_NEAR;
    static const char *const chain[] = { "test/a/1.png", "validation/a/2.png", "train/a/3.png" };
    add_chain(f, chain);
    checked_add(f, "train/a/4.png", 90); /* under two labels, both listed */
    checked_add(f, "train/b/5.png", 90);
    checked_add_changed(f, "train/a/6.png", 90, 0.7, 5);
    checked_run(f);
    assert_string_equal(checked_near(f, chain[2]), chain[1]);
    assert_string_equal(checked_near(f, "train/a/6.png"), "train/a/4.png");
    assert_true(is_listed(f, chain[1], every));
    assert_false(is_listed(f, chain[2], every));
    assert_true(is_listed(f, "train/a/4.png", every));
    assert_false(is_listed(f, "train/a/6.png", every));
    assert_true(is_listed(f, "train/a/6.png", near)); /* the other stays then */
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
    struct checked *const f = *state;
    enum { COUNT = 240, CLOUDS = 30 };
    uint8_t pixels[CHECKED_PIXELS];
    uint8_t other[CHECKED_PIXELS];
    for (int k = 0; k < COUNT; k++) {
        uint32_t bits[4];
        char name[32];
        mien_random_block(bits, 5, MIEN_STREAM_SYNTH, 78, (uint64_t)k);
        const double part = 0.35 * (double)mien_random_unit(bits[0]);
        checked_draw(pixels, (uint64_t)(k % CLOUDS), 1, 0);
        checked_draw(other, 1000 + (uint64_t)k, 1, 0);
        for (int i = 0; i < CHECKED_PIXELS; i++) {
            pixels[i] = (uint8_t)((1 - part) * pixels[i] + part * other[i]);
        }
        (void)snprintf(name, sizeof(name), "train/a/%03d.png", k);
        checked_add_pixels(f, name, PNG_COLOR_TYPE_GRAY, pixels);
    }
    checked_run(f);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, checked_setup, checked_teardown)
        TEST(test_check__near_copies_survive_what_copies_go_through),
        TEST(test_check__images_that_measure_others_are_the_originals),
        TEST(test_check__a_chain_of_near_copies_is_no_heap),
        TEST(test_check__near_copies_of_what_is_listed_stay),
        TEST(test_check__finds_what_comparing_all_with_all_finds),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
