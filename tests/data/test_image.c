/* test_image.c - colour to gray, resizing, loading one image */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "data/image.h"
#include "support/images.h"
#include "support/scratch.h"

static void check_row(const uint8_t *in, int in_w, const uint8_t *want, int out_w)
{
    uint8_t got[16] = { 0 };
    struct mien_error err = { "" };
    must(mien_resize(got, in, 1, 1, in_w, 1, out_w, &err), &err);
    assert_memory_equal(got, want, (size_t)out_w);
    memset(got, 0, sizeof(got));
    must(mien_resize(got, in, 1, in_w, 1, out_w, 1, &err), &err); /* the other axis is the same */
    assert_memory_equal(got, want, (size_t)out_w);
}

static void test_resize__known_rows(void **state)
{
    (void)state;
    check_row((const uint8_t[]){ 7, 9, 200 }, 3, (const uint8_t[]){ 7, 9, 200 }, 3);
    check_row((const uint8_t[]){ 0, 90, 180 }, 3, (const uint8_t[]){ 30, 150 }, 2);
    check_row((const uint8_t[]){ 10, 20, 30, 41 }, 4, (const uint8_t[]){ 15, 36 }, 2);
    check_row((const uint8_t[]){ 1, 2, 3, 4, 250 }, 5, (const uint8_t[]){ 52 }, 1);
    check_row((const uint8_t[]){ 0, 100 }, 2, (const uint8_t[]){ 0, 25, 75, 100 }, 4);
    check_row((const uint8_t[]){ 0, 100 }, 2, (const uint8_t[]){ 0, 50, 100 }, 3);
    check_row((const uint8_t[]){ 33 }, 1, (const uint8_t[]){ 33, 33, 33 }, 3);
}

/* Weight of input i for output o, as the documentation says it, in double. */
static double weight(int o, int i, int in, int out)
{
    const double step = (double)in / out;
    if (out <= in) {
        const double from = fmax(o * step, i);
        const double to = fmin((o + 1) * step, i + 1.0);
        return to > from ? (to - from) / step : 0.0;
    }
    const double at = fmin(fmax((o + 0.5) * step - 0.5, 0.0), in - 1.0);
    return fmax(0.0, 1.0 - fabs(at - i));
}

static void check_size(int in_h, int in_w, int out_h, int out_w)
{
    enum { C = 3, MOST = 64 * 64 * C };
    static uint8_t in[MOST];
    static uint8_t out[MOST];
    for (int i = 0; i < in_h * in_w * C; i++) {
        in[i] = (uint8_t)((unsigned)i * 2654435761U >> 21);
    }
    struct mien_error err = { "" };
    must(mien_resize(out, in, C, in_h, in_w, out_h, out_w, &err), &err);
    for (int i = 0; i < out_h * out_w * C; i++) {
        double want = 0.0;
        for (int y = 0; y < in_h; y++) {
            for (int x = 0; x < in_w; x++) {
                want += weight(i / C / out_w, y, in_h, out_h) *
                        weight(i / C % out_w, x, in_w, out_w) * in[(y * in_w + x) * C + i % C];
            }
        }
        assert_true(fabs(out[i] - want) <= 0.5 + 1e-6);
    }
}

static void test_resize__agrees_with_its_definition(void **state)
{
    (void)state;
    static const int sizes[][4] = {
        { 1, 1, 5, 7 },     { 5, 7, 1, 1 },     { 13, 9, 8, 8 },    { 8, 8, 13, 9 },
        { 30, 11, 11, 30 }, { 48, 48, 24, 24 }, { 17, 48, 48, 17 }, { 20, 20, 19, 21 },
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_size(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3]);
    }
}

static void test_image_load__colour_becomes_gray_by_bt601(void **state)
{
    (void)state;
    static const uint8_t rgb[] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 12, 34, 56 };
    static const uint8_t want[] = { 76, 150, 29, 255, 30 };
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.png");
    image_write_png(
        path,
        &(struct image_png){
            .width = 5, .height = 1, .depth = 8, .type = PNG_COLOR_TYPE_RGB, .samples = rgb });
    struct mien_error err = { "" };
    uint8_t got[15];
    must(mien_image_load(got, path, 1, 1, 5, &err), &err);
    assert_memory_equal(got, want, sizeof(want));
    must(mien_image_load(got, path, 3, 1, 5, &err), &err);
    assert_memory_equal(got, rgb, sizeof(rgb));
    free(path);
    scratch_remove(folder);
}

static void test_image_load__gray_becomes_three_equal_channels(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.png");
    image_write_tone(path, 4, 6, 91);
    struct mien_error err = { "" };
    uint8_t got[3 * 5 * 3];
    must(mien_image_load(got, path, 3, 3, 5, &err), &err);
    for (size_t i = 0; i < sizeof(got); i++) {
        assert_int_equal(got[i], 91);
    }
    free(path);
    scratch_remove(folder);
}

static void test_image_load__what_is_no_image_is_named(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.png");
    struct mien_error err = { "" };
    uint8_t pixels[4];
    must_fail(mien_image_load(pixels, path, 1, 2, 2, &err), MIEN_ERR_IO, &err, "a.png");
    scratch_write(path, "", 0);
    must_fail(mien_image_load(pixels, path, 1, 2, 2, &err), MIEN_ERR_FORMAT, &err,
              "a.png: empty file; expected a PNG or JPEG image");
    scratch_write(path, "GIF89a", 6);
    must_fail(mien_image_load(pixels, path, 1, 2, 2, &err), MIEN_ERR_FORMAT, &err,
              "a.png: neither PNG nor JPEG (6 bytes, starting with 47 49 46 38)");
    scratch_write(path, "ok", 2);
    must_fail(mien_image_load(pixels, path, 1, 2, 2, &err), MIEN_ERR_FORMAT, &err,
              "a.png: neither PNG nor JPEG (2 bytes: 6f 6b)");
    must_fail(mien_image_load(pixels, path, 2, 2, 2, &err), MIEN_ERR_USAGE, &err,
              "cannot load images as 2 x 2 x 2");
    must_fail(mien_image_load(pixels, path, 1, 0, 2, &err), MIEN_ERR_USAGE, &err, "1 x 0 x 2");
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize__known_rows),
        cmocka_unit_test(test_resize__agrees_with_its_definition),
        cmocka_unit_test(test_image_load__colour_becomes_gray_by_bt601),
        cmocka_unit_test(test_image_load__gray_becomes_three_equal_channels),
        cmocka_unit_test(test_image_load__what_is_no_image_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
