/* test_png.c - PNG files of every colour type, depth and interlacing */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "data/image.h"
#include "support/images.h"
#include "support/scratch.h"

enum { W = 13, H = 9, MOST = W * H * 4 * 2 };

static int samples_of(int type)
{
    return type == PNG_COLOR_TYPE_RGB          ? 3
           : type == PNG_COLOR_TYPE_RGB_ALPHA  ? 4
           : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                                               : 1;
}

/* Sample `s` of pixel (x, y), in the range of the depth. */
static unsigned sample_at(int x, int y, int s, int depth)
{
    const unsigned most = (1U << depth) - 1;
    return ((unsigned)(x * 1103 + y * 2711 + s * 977) * 31U) & most;
}

static void put_sample(uint8_t *row, int index, int depth, unsigned value)
{
    if (depth == 16) {
        row[2 * index] = (uint8_t)(value >> 8);
        row[2 * index + 1] = (uint8_t)value;
    } else {
        const int per_byte = 8 / depth;
        const int shift = 8 - depth * (index % per_byte + 1);
        row[index / per_byte] = (uint8_t)(row[index / per_byte] | value << shift);
    }
}

static unsigned to_8_bits(unsigned value, int depth)
{
    const unsigned most = (1U << depth) - 1;
    return (value * 255 + most / 2) / most;
}

static unsigned over_black(unsigned colour, unsigned alpha)
{
    return (colour * alpha + 127) / 255;
}

/* What pixel (x, y) must become; the number of channels. */
static int expect_pixel(uint8_t out[3], const struct image_png *png, int x, int y)
{
    unsigned raw[4];
    const int samples = samples_of(png->type);
    bool is_key = png->keyed;
    for (int s = 0; s < samples; s++) {
        raw[s] = sample_at(x, y, s, png->depth);
        is_key = is_key && raw[s] == png->key[s];
    }
    if (png->type == PNG_COLOR_TYPE_PALETTE) {
        image_palette(out, (int)raw[0]);
        for (int c = 0; c < 3 && png->keyed && raw[0] == 0; c++) {
            out[c] = (uint8_t)over_black(out[c], IMAGE_PALETTE_ALPHA);
        }
        return 3;
    }
    const int colours = samples >= 3 ? 3 : 1;
    unsigned alpha = is_key ? 0 : 255;
    if (samples == 2 || samples == 4) {
        alpha = to_8_bits(raw[samples - 1], png->depth);
    }
    for (int c = 0; c < colours; c++) {
        out[c] = (uint8_t)over_black(to_8_bits(raw[c], png->depth), alpha);
    }
    return colours;
}

static void check_one(const char *path, struct image_png png)
{
    uint8_t samples[MOST] = { 0 };
    const int per_pixel = samples_of(png.type);
    const int row_bytes = (W * per_pixel * png.depth + 7) / 8;
    for (int y = 0; y < H; y++) {
        for (int i = 0; i < W * per_pixel; i++) {
            put_sample(samples + y * row_bytes, i, png.depth,
                       sample_at(i / per_pixel, y, i % per_pixel, png.depth));
        }
    }
    for (int s = 0; s < 3; s++) {
        png.key[s] = (uint16_t)sample_at(4, 5, s, png.depth);
    }
    png.width = W;
    png.height = H;
    png.samples = samples;
    image_write_png(path, &png);

    struct mien_error err = { "" };
    struct mien_bitmap bitmap;
    must(mien_bitmap_read(&bitmap, path, &err), &err);
    assert_int_equal(bitmap.width, W);
    assert_int_equal(bitmap.height, H);
    const bool plain = png.depth == 8 && !png.keyed &&
                       (png.type == PNG_COLOR_TYPE_GRAY || png.type == PNG_COLOR_TYPE_RGB);
    assert_int_equal(bitmap.converted, !plain);
    for (int i = 0; i < W * H; i++) {
        uint8_t want[3];
        assert_int_equal(bitmap.channels, expect_pixel(want, &png, i % W, i / W));
        assert_memory_equal(bitmap.pixels + i * bitmap.channels, want, (size_t)bitmap.channels);
    }
    mien_bitmap_finish(&bitmap);
}

static void test_png__every_type_and_depth_is_exact(void **state)
{
    (void)state;
    static const struct {
        int type, depth;
        bool may_be_keyed;
    } forms[] = {
        { PNG_COLOR_TYPE_GRAY, 1, true },         { PNG_COLOR_TYPE_GRAY, 2, true },
        { PNG_COLOR_TYPE_GRAY, 4, true },         { PNG_COLOR_TYPE_GRAY, 8, true },
        { PNG_COLOR_TYPE_GRAY, 16, true },        { PNG_COLOR_TYPE_RGB, 8, true },
        { PNG_COLOR_TYPE_RGB, 16, true },         { PNG_COLOR_TYPE_PALETTE, 1, true },
        { PNG_COLOR_TYPE_PALETTE, 2, true },      { PNG_COLOR_TYPE_PALETTE, 4, true },
        { PNG_COLOR_TYPE_PALETTE, 8, true },      { PNG_COLOR_TYPE_GRAY_ALPHA, 8, false },
        { PNG_COLOR_TYPE_GRAY_ALPHA, 16, false }, { PNG_COLOR_TYPE_RGB_ALPHA, 8, false },
        { PNG_COLOR_TYPE_RGB_ALPHA, 16, false },
    };
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.png");
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        for (int form = 0; form < 4; form++) {
            const bool keyed = (form & 1) != 0;
            if (!keyed || forms[i].may_be_keyed) {
                check_one(path, (struct image_png){ .type = forms[i].type,
                                                    .depth = forms[i].depth,
                                                    .keyed = keyed,
                                                    .interlaced = (form & 2) != 0 });
            }
        }
    }
    free(path);
    scratch_remove(folder);
}

static void test_png__any_cut_is_refused(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.png");
    image_write_tone(path, 20, 20, 77);
    size_t bytes = 0;
    unsigned char *const file = scratch_read(path, &bytes);
    for (size_t length = 0; length < bytes; length++) {
        struct mien_error err = { "" };
        struct mien_bitmap bitmap;
        unsigned char *const part = malloc(length + 1); /* so that the sanitizer sees the end */
        assert_non_null(part);
        memcpy(part, file, length);
        unsigned char *const tight = realloc(part, length == 0 ? 1 : length);
        assert_non_null(tight);
        must_fail(mien_bitmap_decode(&bitmap, tight, length, &err), MIEN_ERR_FORMAT, &err,
                  length == 0  ? "empty file"
                  : length < 8 ? "neither PNG nor JPEG"
                               : "damaged PNG: ");
        assert_null(bitmap.pixels);
        free(tight);
    }
    free(file);
    free(path);
    scratch_remove(folder);
}

static void test_png__a_changed_byte_in_the_image_is_refused(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.png");
    image_write_tone(path, 20, 20, 77);
    size_t bytes = 0;
    unsigned char *const file = scratch_read(path, &bytes);
    for (size_t at = 16; at < bytes; at++) { /* behind the signature and the IHDR's name */
        struct mien_error err = { "" };
        struct mien_bitmap bitmap;
        file[at] ^= 0x01;
        must_fail(mien_bitmap_decode(&bitmap, file, bytes, &err), MIEN_ERR_FORMAT, &err,
                  "damaged PNG: ");
        file[at] ^= 0x01;
    }
    free(file);
    free(path);
    scratch_remove(folder);
}

static void test_png__absurd_sizes_are_refused_before_allocation(void **state)
{
    (void)state;
    static const struct {
        int width, height;
        const char *text;
    } sizes[] = {
        { MIEN_IMAGE_MAX_SIDE + 1, 1,
          "big.png: 16385x1 pixels; expected sides of 1 to 16384 and at most 67108864 pixels" },
        { 1, MIEN_IMAGE_MAX_SIDE + 1, "big.png: 1x16385 pixels; expected sides of 1 to 16384" },
        { 9000, 9000, "big.png: 9000x9000 pixels; expected sides of 1 to 16384" },
    };
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "big.png");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct mien_error err = { "" };
        struct mien_bitmap bitmap;
        const size_t row = ((size_t)sizes[i].width + 7) / 8;
        uint8_t *const samples = calloc((size_t)sizes[i].height, row);
        assert_non_null(samples);
        image_write_png(path, &(struct image_png){ .width = sizes[i].width,
                                                   .height = sizes[i].height,
                                                   .depth = 1,
                                                   .type = PNG_COLOR_TYPE_GRAY,
                                                   .samples = samples });
        free(samples);
        must_fail(mien_bitmap_read(&bitmap, path, &err), MIEN_ERR_FORMAT, &err, sizes[i].text);
        assert_null(bitmap.pixels);
    }
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png__every_type_and_depth_is_exact),
        cmocka_unit_test(test_png__any_cut_is_refused),
        cmocka_unit_test(test_png__a_changed_byte_in_the_image_is_refused),
        cmocka_unit_test(test_png__absurd_sizes_are_refused_before_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
