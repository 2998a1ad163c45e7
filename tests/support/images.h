/** images.h - image files made on the spot */
#ifndef MIEN_TESTS_SUPPORT_IMAGES_H
#define MIEN_TESTS_SUPPORT_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A PNG file to write; `type` is libpng's PNG_COLOR_TYPE_... */
struct image_png {
    int width, height, depth, type;
    bool interlaced;
    bool keyed; /**< with a tRNS chunk: gray or RGB samples equal to `key`, palette entry 0 */
    uint16_t key[3];
    const uint8_t *samples; /**< rows as the format packs them, 16 bits high byte first */
};
/** Colour of palette entry i of every palette file written here. */
void image_palette(uint8_t rgb[3], int i);
/** Alpha of palette entry 0 in a keyed palette file; the others are solid. */
enum { IMAGE_PALETTE_ALPHA = 100 };
void image_write_png(const char *path, const struct image_png *png);

/** A gray PNG file of one tone. */
void image_write_tone(const char *path, int width, int height, uint8_t tone);

/** Colour forms of image_write_jpeg(). */
enum image_jpeg { IMAGE_JPEG_GRAY, IMAGE_JPEG_COLOUR, IMAGE_JPEG_CMYK, IMAGE_JPEG_YCCK };
/** A JPEG file of quality 100 without subsampling; samples [height][width][1, 3, 4 or 4]. */
void image_write_jpeg(const char *path, enum image_jpeg kind, bool progressive, int width,
                      int height, const uint8_t *samples);

#endif
