/* test_jpeg.c - JPEG files: colour forms, progressive ones, damage */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "data/image.h"
#include "support/images.h"
#include "support/scratch.h"

enum { W = 37, H = 21 };

/* Smooth, so that quality 100 comes back within a few steps. */
static uint8_t tone_at(int x, int y, int s)
{
    return (uint8_t)(40 + 3 * x + 2 * y + 20 * s);
}

static void fill(uint8_t *samples, int count)
{
    for (int i = 0; i < W * H * count; i++) {
        samples[i] = tone_at(i / count % W, i / count / W, i % count);
    }
}

static void assert_near(int got, int want)
{
    assert_in_range(got, want < 6 ? 0 : want - 6, want + 6);
}

static void check_form(enum image_jpeg kind, int samples_each, bool progressive)
{
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.jpg");
    static uint8_t samples[W * H * 4];
    fill(samples, samples_each);
    image_write_jpeg(path, kind, progressive, W, H, samples);
    struct mien_error err = { "" };
    struct mien_bitmap bitmap;
    must(mien_bitmap_read(&bitmap, path, &err), &err);
    assert_int_equal(bitmap.width, W);
    assert_int_equal(bitmap.height, H);
    assert_int_equal(bitmap.channels, samples_each == 1 ? 1 : 3);
    assert_int_equal(bitmap.converted, samples_each == 4);
    for (int i = 0; i < W * H; i++) {
        for (int c = 0; c < bitmap.channels; c++) {
            const uint8_t *const s = samples + i * samples_each;
            const int want = samples_each == 4 ? s[c] * s[3] / 255 : s[c]; /* Adobe: 255, no ink */
            assert_near(bitmap.pixels[i * bitmap.channels + c], want);
        }
    }
    mien_bitmap_finish(&bitmap);
    free(path);
    scratch_remove(folder);
}

static void test_jpeg__colour_forms_come_out_as_gray_or_rgb(void **state)
{
    (void)state;
    for (int progressive = 0; progressive < 2; progressive++) {
        check_form(IMAGE_JPEG_GRAY, 1, progressive != 0);
        check_form(IMAGE_JPEG_COLOUR, 3, progressive != 0);
        check_form(IMAGE_JPEG_CMYK, 4, progressive != 0);
        check_form(IMAGE_JPEG_YCCK, 4, progressive != 0);
    }
}

/* Each length from the start of the file; both kinds, since libjpeg reads them differently. */
static void check_cuts(bool progressive)
{
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.jpg");
    static uint8_t samples[W * H];
    fill(samples, 1);
    image_write_jpeg(path, IMAGE_JPEG_GRAY, progressive, W, H, samples);
    size_t bytes = 0;
    unsigned char *const file = scratch_read(path, &bytes);
    for (size_t length = 3; length < bytes; length++) {
        struct mien_error err = { "" };
        struct mien_bitmap bitmap;
        unsigned char *const part = malloc(length);
        assert_non_null(part);
        memcpy(part, file, length);
        must_fail(mien_bitmap_decode(&bitmap, part, length, &err), MIEN_ERR_FORMAT, &err,
                  "damaged JPEG: ");
        assert_null(bitmap.pixels);
        free(part);
    }
    free(file);
    free(path);
    scratch_remove(folder);
}

static void test_jpeg__any_cut_is_refused(void **state)
{
    (void)state;
    check_cuts(false);
    check_cuts(true);
}

static void test_jpeg__changed_bytes_never_crash(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.jpg");
    static uint8_t samples[W * H * 3];
    fill(samples, 3);
    image_write_jpeg(path, IMAGE_JPEG_COLOUR, false, W, H, samples);
    size_t bytes = 0;
    size_t refused = 0;
    unsigned char *const file = scratch_read(path, &bytes);
    for (size_t at = 3; at < bytes; at++) {
        struct mien_error err = { "" };
        struct mien_bitmap bitmap;
        file[at] ^= 0x5a;
        if (mien_bitmap_decode(&bitmap, file, bytes, &err) != MIEN_OK) {
            refused++;
            assert_string_not_equal(err.text, "");
        }
        mien_bitmap_finish(&bitmap);
        file[at] ^= 0x5a;
    }
    assert_true(refused > 0);
    free(file);
    free(path);
    scratch_remove(folder);
}

static void test_jpeg__absurd_sizes_are_refused(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.jpg");
    static uint8_t samples[W * H];
    fill(samples, 1);
    image_write_jpeg(path, IMAGE_JPEG_GRAY, false, W, H, samples);
    size_t bytes = 0;
    unsigned char *const file = scratch_read(path, &bytes);
    size_t at = 2; /* the frame header: FF C0, length 2, precision 1, height 2, width 2 */
    while (at + 9 < bytes && !(file[at] == 0xff && file[at + 1] == 0xc0)) {
        at++;
    }
    assert_true(at + 9 < bytes);
    memset(file + at + 5, 0xff, 4);
    struct mien_error err = { "" };
    struct mien_bitmap bitmap;
    must_fail(mien_bitmap_decode(&bitmap, file, bytes, &err), MIEN_ERR_FORMAT, &err,
              "65535x65535 pixels; expected sides of 1 to 16384");
    file[at + 5] = file[at + 7] = 0xfe; /* libjpeg itself would allow it */
    must_fail(mien_bitmap_decode(&bitmap, file, bytes, &err), MIEN_ERR_FORMAT, &err,
              "65279x65279 pixels; expected sides of 1 to 16384");
    free(file);
    free(path);
    scratch_remove(folder);
}

static void test_jpeg__bytes_behind_the_image_do_no_harm(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.jpg");
    static uint8_t samples[W * H];
    fill(samples, 1);
    image_write_jpeg(path, IMAGE_JPEG_GRAY, false, W, H, samples);
    size_t bytes = 0;
    unsigned char *const file = scratch_read(path, &bytes);
    unsigned char *const longer = calloc(bytes + 100, 1);
    assert_non_null(longer);
    memcpy(longer, file, bytes);
    struct mien_error err = { "" };
    struct mien_bitmap bitmap;
    must(mien_bitmap_decode(&bitmap, longer, bytes + 100, &err), &err);
    assert_near(bitmap.pixels[0], tone_at(0, 0, 0));
    mien_bitmap_finish(&bitmap);
    free(longer);
    free(file);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg__colour_forms_come_out_as_gray_or_rgb),
        cmocka_unit_test(test_jpeg__any_cut_is_refused),
        cmocka_unit_test(test_jpeg__changed_bytes_never_crash),
        cmocka_unit_test(test_jpeg__absurd_sizes_are_refused),
        cmocka_unit_test(test_jpeg__bytes_behind_the_image_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
