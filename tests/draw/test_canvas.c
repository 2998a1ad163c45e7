/* test_canvas.c - what is drawn is there, and nothing is drawn outside */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "data/image.h"
#include "draw/canvas.h"
#include "draw/font.h"
#include "support/scratch.h"

static const struct mien_colour black = { 0, 0, 0 };
static const struct mien_colour white = { 255, 255, 255 };
static const struct mien_colour red = { 200, 30, 20 };

static struct mien_canvas canvas_of(int width, int height)
{
    struct mien_error err = { "" };
    struct mien_canvas canvas;
    must(mien_canvas_init(&canvas, width, height, white, &err), &err);
    return canvas;
}

static struct mien_colour at(const struct mien_canvas *canvas, int x, int y)
{
    return canvas->pixels[y * canvas->width + x];
}

static int count_not_white(const struct mien_canvas *canvas)
{
    int count = 0;
    for (int i = 0; i < canvas->width * canvas->height; i++) {
        count += memcmp(&canvas->pixels[i], &white, sizeof(white)) != 0;
    }
    return count;
}

static void test_canvas__fills_what_is_inside(void **state)
{
    (void)state;
    struct mien_canvas canvas = canvas_of(7, 5);
    mien_canvas_fill(&canvas, 5, 3, 9, 9, red);
    mien_canvas_fill(&canvas, -4, -4, 5, 5, red);
    mien_canvas_fill(&canvas, 9, 1, 3, 3, red);
    mien_canvas_fill(&canvas, 2, 2, 0, 2, red);
    assert_int_equal(count_not_white(&canvas), 4 + 1);
    assert_int_equal(at(&canvas, 6, 4).r, 200);
    assert_int_equal(at(&canvas, 0, 0).g, 30);
    mien_canvas_finish(&canvas);
}

static void test_canvas__draws_lines_from_end_to_end(void **state)
{
    (void)state;
    struct mien_canvas canvas = canvas_of(21, 9);
    mien_canvas_line(&canvas, 3, 4, 17, 4, 1.0, black);
    assert_int_equal(at(&canvas, 3, 4).r, 0);
    assert_int_equal(at(&canvas, 17, 4).r, 0);
    assert_int_equal(at(&canvas, 10, 3).r, 255);
    assert_int_equal(at(&canvas, 10, 5).r, 255);
    assert_int_equal(count_not_white(&canvas), 15);
    mien_canvas_line(&canvas, -40, -20, 60, 28, 2.0, black); /* through it and far beyond */
    mien_canvas_line(&canvas, 10, 4, 10, 4, 3.0, red);       /* a dot */
    assert_int_equal(at(&canvas, 10, 4).r, 200);
    mien_canvas_finish(&canvas);
}

static void test_canvas__pastes_a_part(void **state)
{
    (void)state;
    struct mien_canvas canvas = canvas_of(6, 4);
    struct mien_canvas other = canvas_of(4, 4);
    mien_canvas_fill(&other, 0, 0, 4, 4, black);
    mien_canvas_fill(&other, 3, 3, 1, 1, red);
    mien_canvas_paste(&canvas, -2, -3, &other); /* its last row, two columns */
    assert_int_equal(count_not_white(&canvas), 2);
    assert_int_equal(at(&canvas, 1, 0).r, 200);
    mien_canvas_paste(&canvas, 5, 3, &other);
    mien_canvas_paste(&canvas, 6, 0, &other);
    mien_canvas_paste(&canvas, -4, 0, &other);
    assert_int_equal(count_not_white(&canvas), 3);
    mien_canvas_finish(&canvas);
    mien_canvas_finish(&other);
}

static void test_canvas__writes_text(void **state)
{
    (void)state;
    struct mien_canvas canvas = canvas_of(40, 24);
    mien_canvas_text(&canvas, 0, 0, 2, black, "I");
    assert_int_equal(count_not_white(&canvas), 4 * (3 + 5 + 3)); /* two serifs and a stem */
    mien_canvas_text(&canvas, 36, 20, 2, black, "Wide");         /* is cut off */
    assert_int_equal(mien_text_width("", 2), 0);
    assert_int_equal(mien_text_width("I", 2), 10);
    assert_int_equal(mien_text_width("na\xc3\xafve", 1), 29);
    mien_canvas_finish(&canvas);
}

/* A character that is not ASCII is one '?', damaged UTF-8 does no harm. */
static void test_canvas__shows_foreign_characters_as_one(void **state)
{
    (void)state;
    static const char *const texts[] = { "a?b",
                                         "a\xc3\xa9"
                                         "b",
                                         "a\xe2\x82\xac"
                                         "b",
                                         "a\xff"
                                         "b",
                                         "a\tb" };
    struct mien_canvas want = canvas_of(20, 10);
    mien_canvas_text(&want, 0, 0, 1, black, texts[0]);
    for (size_t i = 1; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct mien_canvas got = canvas_of(20, 10);
        mien_canvas_text(&got, 0, 0, 1, black, texts[i]);
        assert_memory_equal(got.pixels, want.pixels, 200 * sizeof(*got.pixels));
        mien_canvas_finish(&got);
    }
    mien_canvas_finish(&want);
}

/* No two characters look alike, and none reaches out of its cell. */
static void test_font__tells_all_characters_apart(void **state)
{
    (void)state;
    for (char a = ' '; a < 0x7F; a++) {
        int dots = 0;
        for (int row = 0; row < MIEN_FONT_ROWS; row++) {
            for (int column = 0; column < MIEN_FONT_COLUMNS; column++) {
                const char dot = mien_font_row(a, row)[column];
                assert_true(dot == '#' || dot == ' ');
                dots += dot == '#';
            }
            const char behind = mien_font_row(a, row)[MIEN_FONT_COLUMNS];
            assert_true(behind == ' ' || behind == '\0');
        }
        assert_true((dots > 0) == (a != ' '));
        for (char b = ' '; b < a; b++) {
            bool same = true;
            for (int row = 0; row < MIEN_FONT_ROWS; row++) {
                same = same &&
                       memcmp(mien_font_row(a, row), mien_font_row(b, row), MIEN_FONT_COLUMNS) == 0;
            }
            assert_false(same);
        }
    }
}

static void test_canvas__is_written_as_png(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_bitmap bitmap;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.png");
    struct mien_canvas canvas = canvas_of(13, 6);
    mien_canvas_text(&canvas, 1, 0, 1, red, "mi");
    must(mien_canvas_write(&canvas, path, &err), &err);
    must(mien_bitmap_read(&bitmap, path, &err), &err);
    assert_int_equal(bitmap.width, 13);
    assert_int_equal(bitmap.height, 6);
    assert_int_equal(bitmap.channels, 3);
    assert_memory_equal(bitmap.pixels, canvas.pixels, sizeof(*canvas.pixels) * 13 * 6);
    mien_bitmap_finish(&bitmap);
    mien_canvas_finish(&canvas);

    char *const nowhere = scratch_path(folder, "none/a.png");
    canvas = canvas_of(1, 1);
    assert_int_equal(mien_canvas_write(&canvas, nowhere, &err), MIEN_ERR_IO);
    mien_canvas_finish(&canvas);
    scratch_remove(folder);
    free(path);
    free(nowhere);
}

static void test_png__keeps_gray_gray(void **state)
{
    (void)state;
    static const uint8_t pixels[2][3] = { { 0, 7, 255 }, { 1, 128, 9 } };
    struct mien_error err = { "" };
    struct mien_bitmap bitmap;
    unsigned char *data = NULL;
    size_t bytes = 0;
    must(mien_png_encode(&data, &bytes, &pixels[0][0], 1, 2, 3, &err), &err);
    must(mien_bitmap_decode(&bitmap, data, bytes, &err), &err);
    assert_int_equal(bitmap.channels, 1);
    assert_memory_equal(bitmap.pixels, pixels, sizeof(pixels));
    mien_bitmap_finish(&bitmap);
    free(data);
}

static void test_canvas__refuses_sizes_that_cannot_be(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 0, 1 }, { 1, 0 }, { -3, 4 }, { 4, INT_MAX }, { 16385, 1 } };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct mien_error err = { "" };
        struct mien_canvas canvas;
        assert_int_equal(mien_canvas_init(&canvas, sizes[i][0], sizes[i][1], white, &err),
                         MIEN_ERR_USAGE);
        assert_null(canvas.pixels);
        assert_non_null(strstr(err.text, "16384"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canvas__fills_what_is_inside),
        cmocka_unit_test(test_canvas__draws_lines_from_end_to_end),
        cmocka_unit_test(test_canvas__pastes_a_part),
        cmocka_unit_test(test_canvas__writes_text),
        cmocka_unit_test(test_canvas__shows_foreign_characters_as_one),
        cmocka_unit_test(test_font__tells_all_characters_apart),
        cmocka_unit_test(test_canvas__is_written_as_png),
        cmocka_unit_test(test_png__keeps_gray_gray),
        cmocka_unit_test(test_canvas__refuses_sizes_that_cannot_be),
    };
    return cmocka_run_group_tests_name("draw/canvas", tests, NULL, NULL);
}
