/* image.c - any image file to gray or RGB of a wanted size */
#include "data/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"

void mien_bitmap_finish(struct mien_bitmap *bitmap)
{
    free(bitmap->pixels);
    *bitmap = (struct mien_bitmap){ 0 };
}

enum mien_status mien_bitmap_check_size(size_t height, size_t width, struct mien_error *err)
{
    if (height >= 1 && width >= 1 && height <= MIEN_IMAGE_MAX_SIDE &&
        width <= MIEN_IMAGE_MAX_SIDE && height * width <= MIEN_IMAGE_MAX_PIXELS) {
        return MIEN_OK;
    }
    return mien_fail(err, MIEN_ERR_FORMAT,
                     "%zux%zu pixels; expected sides of 1 to %d and at most %d pixels in all",
                     width, height, MIEN_IMAGE_MAX_SIDE, MIEN_IMAGE_MAX_PIXELS);
}

enum mien_status mien_bitmap_allocate(struct mien_bitmap *out, size_t height, size_t width,
                                      size_t samples, struct mien_error *err)
{
    const enum mien_status st = mien_bitmap_check_size(height, width, err);
    if (st != MIEN_OK) {
        return st;
    }
    out->pixels = mien_calloc(height * width, samples, err);
    if (out->pixels == NULL) {
        return MIEN_ERR_MEMORY;
    }
    out->height = (int)height;
    out->width = (int)width;
    return MIEN_OK;
}

enum mien_status mien_bitmap_decode(struct mien_bitmap *out, const unsigned char *data,
                                    size_t bytes, struct mien_error *err)
{
    static const unsigned char png[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    static const unsigned char jpeg[3] = { 0xff, 0xd8, 0xff };
    *out = (struct mien_bitmap){ 0 };
    if (bytes == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "empty file; expected a PNG or JPEG image");
    }
    if (bytes >= sizeof(png) && memcmp(data, png, sizeof(png)) == 0) {
        return mien_png_decode(out, data, bytes, err);
    }
    if (bytes >= sizeof(jpeg) && memcmp(data, jpeg, sizeof(jpeg)) == 0) {
        return mien_jpeg_decode(out, data, bytes, err);
    }
    enum { SHOWN = 4 };
    char head[3 * SHOWN + 1] = "";
    for (size_t i = 0; i < SHOWN && i < bytes; i++) {
        (void)snprintf(head + 3 * i, sizeof(head) - 3 * i, " %02x", data[i]);
    }
    return mien_fail(err, MIEN_ERR_FORMAT, "neither PNG nor JPEG (%zu byte%s%s%s)", bytes,
                     bytes == 1 ? "" : "s", bytes > SHOWN ? ", starting with" : ":", head);
}

enum mien_status mien_bitmap_read(struct mien_bitmap *out, const char *path, struct mien_error *err)
{
    unsigned char *data = NULL;
    size_t bytes = 0;
    *out = (struct mien_bitmap){ 0 };
    enum mien_status st = mien_file_read(&data, &bytes, path, MIEN_IMAGE_MAX_FILE_BYTES, err);
    if (st != MIEN_OK) {
        return st;
    }
    st = mien_bitmap_decode(out, data, bytes, err);
    if (st != MIEN_OK) {
        st = mien_wrap(err, st, "%s", path);
    }
    free(data);
    return st;
}

/* In place: RGB triples to one gray byte each, rounded as libjpeg (and Pillow) do. */
static void make_gray(struct mien_bitmap *bitmap)
{
    const size_t count = (size_t)bitmap->height * (size_t)bitmap->width;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *const p = bitmap->pixels + 3 * i;
        bitmap->pixels[i] =
            (uint8_t)((19595U * p[0] + 38470U * p[1] + 7471U * p[2] + 32768U) >> 16);
    }
    bitmap->channels = 1;
}

enum mien_status mien_bitmap_fit(uint8_t *pixels, struct mien_bitmap *bitmap, int channels,
                                 int height, int width, struct mien_error *err)
{
    if (bitmap->channels == 3 && channels == 1) {
        make_gray(bitmap);
    }
    const size_t count = (size_t)height * (size_t)width;
    if (bitmap->height == height && bitmap->width == width) {
        memcpy(pixels, bitmap->pixels, count * (size_t)bitmap->channels);
    } else {
        const enum mien_status st = mien_resize(pixels, bitmap->pixels, bitmap->channels,
                                                bitmap->height, bitmap->width, height, width, err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    if (bitmap->channels == 1 && channels == 3) {
        for (size_t i = count; i-- > 0;) { /* from the end: the gray bytes lie in the same place */
            memset(pixels + 3 * i, pixels[i], 3);
        }
    }
    return MIEN_OK;
}

static enum mien_status check_wanted(int channels, int height, int width, struct mien_error *err)
{
    if ((channels != 1 && channels != 3) || height < 1 || width < 1 ||
        height > MIEN_IMAGE_MAX_SIDE || width > MIEN_IMAGE_MAX_SIDE) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "cannot load images as %d x %d x %d; expected 1 or 3 channels and sides "
                         "of 1 to %d",
                         channels, height, width, MIEN_IMAGE_MAX_SIDE);
    }
    return MIEN_OK;
}

enum mien_status mien_image_load(uint8_t *pixels, const char *path, int channels, int height,
                                 int width, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_bitmap bitmap = { 0 };
    TRY(check_wanted(channels, height, width, err));
    TRY(mien_bitmap_read(&bitmap, path, err));
    TRY(mien_bitmap_fit(pixels, &bitmap, channels, height, width, err));

done:
    mien_bitmap_finish(&bitmap);
    return st;
}

enum mien_status mien_image_decode(uint8_t *pixels, const uint8_t *data, size_t bytes, int channels,
                                   int height, int width, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_bitmap bitmap = { 0 };
    TRY(check_wanted(channels, height, width, err));
    TRY(mien_bitmap_decode(&bitmap, data, bytes, err));
    TRY(mien_bitmap_fit(pixels, &bitmap, channels, height, width, err));

done:
    mien_bitmap_finish(&bitmap);
    return st;
}
