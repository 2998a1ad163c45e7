/** canvas.h - a picture in memory to draw on: areas, lines, text, other pictures (internal) */
#ifndef MIEN_DRAW_CANVAS_H
#define MIEN_DRAW_CANVAS_H

#include "draw/colour.h"

/** Sides of a canvas, at most, in pixels. */
enum { MIEN_CANVAS_MAX_SIDE = 16384 };

/** [height][width] RGB, 8 bits.  What is drawn outside it is cut off. */
struct mien_canvas {
    int width, height;
    struct mien_colour *pixels;
};

/**
 * Start with one colour all over.
 *
 * Ownership  release with mien_canvas_finish(); zeroed on error
 * Errors     MIEN_ERR_USAGE: a side of less than 1 or more than the maximum; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_canvas_init(struct mien_canvas *canvas, int width, int height,
                                  struct mien_colour colour, struct mien_error *err);
void mien_canvas_finish(struct mien_canvas *canvas); /* zeroed is allowed */

/** The rectangle whose corner at the top left is (x, y). */
void mien_canvas_fill(struct mien_canvas *canvas, int x, int y, int width, int height,
                      struct mien_colour colour);

/** A line between the middles of two pixels, `thickness` pixels wide, with smoothed edges. */
void mien_canvas_line(struct mien_canvas *canvas, double x0, double y0, double x1, double y1,
                      double thickness, struct mien_colour colour);

/** Another canvas with its corner at (x, y). */
void mien_canvas_paste(struct mien_canvas *canvas, int x, int y, const struct mien_canvas *other);

/** Height of a line of text of size 1, with the space below it, and width of a character. */
enum { MIEN_TEXT_HEIGHT = 11, MIEN_TEXT_WIDTH = 6 };

/**
 * Text of whole pixels, `size` of the canvas for one of the font; its capitals are 7 size high
 * and start at y.  UTF-8; a character that is not ASCII becomes '?'.
 */
void mien_canvas_text(struct mien_canvas *canvas, int x, int y, int size, struct mien_colour colour,
                      const char *text);
/** Pixels that a text is wide. */
int mien_text_width(const char *text, int size);

/**
 * Write the canvas as a PNG file, whole or not at all.
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_canvas_write(const struct mien_canvas *canvas, const char *path,
                                   struct mien_error *err);

/**
 * Pixels as a PNG file in memory.
 *
 * Shapes     pixels [height][width][channels], channels 1 (gray) or 3 (RGB)
 * Ownership  *data is the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_MEMORY, MIEN_ERR_USAGE: a size that no PNG has
 */
MIEN_CHECK_RESULT
enum mien_status mien_png_encode(unsigned char **data, size_t *bytes, const uint8_t *pixels,
                                 int channels, int height, int width, struct mien_error *err);

#endif
