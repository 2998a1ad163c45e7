/* images.c - image files made on the spot */
#include "support/images.h"

#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

void image_palette(uint8_t rgb[3], int i)
{
    rgb[0] = (uint8_t)(i * 37);
    rgb[1] = (uint8_t)(255 - i * 11);
    rgb[2] = (uint8_t)(i * 5 + 3);
}

static size_t row_bytes(const struct image_png *png)
{
    static const int samples[7] = { 1, 0, 3, 1, 2, 0, 4 };
    return ((size_t)png->width * (size_t)samples[png->type] * (size_t)png->depth + 7) / 8;
}

static void write_extras(png_structp out, png_infop info, const struct image_png *png)
{
    if (png->type == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[256];
        for (int i = 0; i < 256; i++) {
            uint8_t rgb[3];
            image_palette(rgb, i);
            palette[i] = (png_color){ rgb[0], rgb[1], rgb[2] };
        }
        png_set_PLTE(out, info, palette, 1 << png->depth);
    }
    if (png->keyed) {
        const png_byte alpha = IMAGE_PALETTE_ALPHA;
        png_color_16 key = { 0 };
        key.red = png->key[0];
        key.green = png->key[1];
        key.blue = png->key[2];
        key.gray = png->key[0];
        png_set_tRNS(out, info, &alpha, 1, &key);
    }
}

void image_write_png(const char *path, const struct image_png *png)
{
    FILE *const file = fopen(path, "wb");
    assert_non_null(file);
    png_structp out = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    assert_non_null(out);
    png_infop info = png_create_info_struct(out);
    assert_non_null(info);
    png_bytep *const rows = calloc((size_t)png->height, sizeof(*rows));
    uint8_t *const copy = malloc((size_t)png->height * row_bytes(png));
    if (rows == NULL || copy == NULL) {
        abort();
    }
    memcpy(copy, png->samples, (size_t)png->height * row_bytes(png));
    for (int y = 0; y < png->height; y++) {
        rows[y] = copy + (size_t)y * row_bytes(png);
    }
    png_init_io(out, file);
    png_set_IHDR(out, info, (png_uint_32)png->width, (png_uint_32)png->height, png->depth,
                 png->type, png->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    write_extras(out, info, png);
    png_write_info(out, info);
    png_write_image(out, rows);
    png_write_end(out, info);
    png_destroy_write_struct(&out, &info);
    free(copy);
    free(rows);
    assert_int_equal(fclose(file), 0);
}

void image_write_tone(const char *path, int width, int height, uint8_t tone)
{
    const size_t bytes = (size_t)width * (size_t)height;
    uint8_t *const samples = malloc(bytes);
    assert_non_null(samples);
    memset(samples, tone, bytes);
    image_write_png(path, &(struct image_png){ .width = width,
                                               .height = height,
                                               .depth = 8,
                                               .type = PNG_COLOR_TYPE_GRAY,
                                               .samples = samples });
    free(samples);
}

void image_write_jpeg(const char *path, enum image_jpeg kind, bool progressive, int width,
                      int height, const uint8_t *samples)
{
    static const struct {
        int components;
        J_COLOR_SPACE in, stored;
    } kinds[] = {
        [IMAGE_JPEG_GRAY] = { 1, JCS_GRAYSCALE, JCS_GRAYSCALE },
        [IMAGE_JPEG_COLOUR] = { 3, JCS_RGB, JCS_YCbCr },
        [IMAGE_JPEG_CMYK] = { 4, JCS_CMYK, JCS_CMYK },
        [IMAGE_JPEG_YCCK] = { 4, JCS_CMYK, JCS_YCCK },
    };
    struct jpeg_error_mgr manager;
    struct jpeg_compress_struct cinfo = { .err = jpeg_std_error(&manager) };
    FILE *const file = fopen(path, "wb");
    assert_non_null(file);
    jpeg_create_compress(&cinfo);
    jpeg_stdio_dest(&cinfo, file);
    cinfo.image_width = (JDIMENSION)width;
    cinfo.image_height = (JDIMENSION)height;
    cinfo.input_components = kinds[kind].components;
    cinfo.in_color_space = kinds[kind].in;
    jpeg_set_defaults(&cinfo);
    jpeg_set_colorspace(&cinfo, kinds[kind].stored);
    jpeg_set_quality(&cinfo, 100, TRUE);
    for (int i = 0; i < cinfo.num_components; i++) {
        cinfo.comp_info[i].h_samp_factor = 1;
        cinfo.comp_info[i].v_samp_factor = 1;
    }
    if (progressive) {
        jpeg_simple_progression(&cinfo);
    }
    const size_t row_bytes = (size_t)width * (size_t)kinds[kind].components;
    uint8_t *const copy = malloc((size_t)height * row_bytes);
    assert_non_null(copy);
    memcpy(copy, samples, (size_t)height * row_bytes);
    jpeg_start_compress(&cinfo, TRUE);
    for (size_t y = 0; y < (size_t)height; y++) {
        JSAMPROW row = copy + y * row_bytes;
        assert_int_equal(jpeg_write_scanlines(&cinfo, &row, 1), 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    free(copy);
    assert_int_equal(fclose(file), 0);
}
