/** image.h - PNG and JPEG files to 8-bit gray or RGB of a wanted size (internal to data) */
#ifndef MIEN_DATA_IMAGE_H
#define MIEN_DATA_IMAGE_H

#include <stdbool.h>

#include "base/error.h"

/* What an image may be at most; checked before anything is allocated for it. */
enum { MIEN_IMAGE_MAX_SIDE = 16384 };          /* pixels */
enum { MIEN_IMAGE_MAX_PIXELS = 64 << 20 };     /* width x height */
enum { MIEN_IMAGE_MAX_FILE_BYTES = 64 << 20 }; /* on disk */

/** A decoded image: [height][width][channels], 8 bits, gray (1) or RGB (3). */
struct mien_bitmap {
    int channels, height, width;
    bool converted; /**< the file was not plain 8-bit gray or colour (palette, alpha, 16 bits, CMYK)
                     */
    uint8_t *pixels;
};

void mien_bitmap_finish(struct mien_bitmap *bitmap); /* zeroed is allowed */

/** Errors  MIEN_ERR_FORMAT: a side of 0, or beyond the limits above */
MIEN_CHECK_RESULT
enum mien_status mien_bitmap_check_size(size_t height, size_t width, struct mien_error *err);

/**
 * Set the size of *out and allocate width x height x `samples` bytes for its pixels.
 *
 * Errors  MIEN_ERR_FORMAT as above, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_bitmap_allocate(struct mien_bitmap *out, size_t height, size_t width,
                                      size_t samples, struct mien_error *err);

/**
 * Decode one file in memory; the kind is told by its first bytes.  Transparent pixels are laid over
 * black; 16 bits are scaled to 8; no gamma or colour profile is applied.
 *
 * Ownership  out->pixels is the caller's, release with mien_bitmap_finish(); *out is zeroed on
 *            error
 * Errors     MIEN_ERR_FORMAT (damaged, truncated, too large, another kind), MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_bitmap_decode(struct mien_bitmap *out, const unsigned char *data,
                                    size_t bytes, struct mien_error *err);
/** The two kinds; as above. */
MIEN_CHECK_RESULT
enum mien_status mien_png_decode(struct mien_bitmap *out, const unsigned char *data, size_t bytes,
                                 struct mien_error *err);
MIEN_CHECK_RESULT
enum mien_status mien_jpeg_decode(struct mien_bitmap *out, const unsigned char *data, size_t bytes,
                                  struct mien_error *err);
/** The same from a file, whose path is then in the text of an error; also MIEN_ERR_IO. */
MIEN_CHECK_RESULT
enum mien_status mien_bitmap_read(struct mien_bitmap *out, const char *path,
                                  struct mien_error *err);

/**
 * Bring an image to channels x height x width: colour to gray by 0.299 R + 0.587 G + 0.114 B (the
 * integers of libjpeg), then mien_resize(), then gray to three equal channels.
 *
 * Shapes     pixels [height][width][channels], overwritten
 * Ownership  bitmap is used up as scratch; still the caller's to finish
 */
MIEN_CHECK_RESULT
enum mien_status mien_bitmap_fit(uint8_t *pixels, struct mien_bitmap *bitmap, int channels,
                                 int height, int width, struct mien_error *err);

/**
 * Resize: on each axis the average over the covered area where the image shrinks, linear between
 * pixel centres (borders repeated) where it grows.
 *
 * Shapes    out [out_h][out_w][channels], overwritten; in [in_h][in_w][channels]; sides 1 ..
 *           MIEN_IMAGE_MAX_SIDE
 * Numerics  exact: integer weights, one rounding (half up) at the end; the same on every machine
 */
MIEN_CHECK_RESULT
enum mien_status mien_resize(uint8_t *out, const uint8_t *in, int channels, int in_h, int in_w,
                             int out_h, int out_w, struct mien_error *err);

#endif
