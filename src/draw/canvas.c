/* canvas.c - a picture in memory to draw on */
#include "draw/canvas.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "draw/font.h"

enum mien_status mien_canvas_init(struct mien_canvas *canvas, int width, int height,
                                  struct mien_colour colour, struct mien_error *err)
{
    *canvas = (struct mien_canvas){ .pixels = NULL };
    if (width < 1 || height < 1 || width > MIEN_CANVAS_MAX_SIDE || height > MIEN_CANVAS_MAX_SIDE) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "a picture of %dx%d pixels, expected sides from 1 to %d", width, height,
                         MIEN_CANVAS_MAX_SIDE);
    }
    canvas->pixels = mien_calloc((size_t)width * (size_t)height, sizeof(*canvas->pixels), err);
    if (canvas->pixels == NULL) {
        return MIEN_ERR_MEMORY;
    }
    canvas->width = width;
    canvas->height = height;
    mien_canvas_fill(canvas, 0, 0, width, height, colour);
    return MIEN_OK;
}

void mien_canvas_finish(struct mien_canvas *canvas)
{
    free(canvas->pixels);
    *canvas = (struct mien_canvas){ .pixels = NULL };
}

static struct mien_colour *row_of(const struct mien_canvas *canvas, int y)
{
    return canvas->pixels + (size_t)y * (size_t)canvas->width;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

void mien_canvas_fill(struct mien_canvas *canvas, int x, int y, int width, int height,
                      struct mien_colour colour)
{
    const int right = least(canvas->width, x + width);
    const int bottom = least(canvas->height, y + height);
    for (int row = most(y, 0); row < bottom; row++) {
        for (int column = most(x, 0); column < right; column++) {
            row_of(canvas, row)[column] = colour;
        }
    }
}

/* How far (x, y) is from the line between two points. */
static double distance(double x, double y, double x0, double y0, double x1, double y1)
{
    const double dx = x1 - x0;
    const double dy = y1 - y0;
    const double square = dx * dx + dy * dy;
    const double along = square > 0.0 ? ((x - x0) * dx + (y - y0) * dy) / square : 0.0;
    const double t = fmin(fmax(along, 0.0), 1.0);
    return hypot(x - (x0 + t * dx), y - (y0 + t * dy));
}

void mien_canvas_line(struct mien_canvas *canvas, double x0, double y0, double x1, double y1,
                      double thickness, struct mien_colour colour)
{
    const double reach = thickness / 2.0 + 0.5; /* a pixel's middle is covered up to there */
    const double limit = MIEN_CANVAS_MAX_SIDE;
    const int left = (int)fmax(floor(fmin(x0, x1) - reach), 0.0);
    const int top = (int)fmax(floor(fmin(y0, y1) - reach), 0.0);
    const int right = least(canvas->width - 1, (int)fmin(ceil(fmax(x0, x1) + reach), limit));
    const int bottom = least(canvas->height - 1, (int)fmin(ceil(fmax(y0, y1) + reach), limit));
    for (int y = top; y <= bottom; y++) {
        for (int x = left; x <= right; x++) {
            const double covered = fmin(reach - distance(x, y, x0, y0, x1, y1), 1.0);
            if (covered > 0.0) {
                struct mien_colour *const pixel = &row_of(canvas, y)[x];
                *pixel = mien_colour_mix(*pixel, colour, covered);
            }
        }
    }
}

void mien_canvas_paste(struct mien_canvas *canvas, int x, int y, const struct mien_canvas *other)
{
    const int left = most(x, 0);
    const int count = least(canvas->width, x + other->width) - left;
    for (int row = most(y, 0); count > 0 && row < least(canvas->height, y + other->height); row++) {
        memcpy(row_of(canvas, row) + left, row_of(other, row - y) + (left - x),
               (size_t)count * sizeof(*canvas->pixels));
    }
}

/* The next character, and *text behind it; '?' for what is not ASCII. */
static char next_character(const char **text)
{
    const unsigned char first = (unsigned char)*(*text)++;
    while (first >= 0xC0 && ((unsigned char)**text & 0xC0) == 0x80) {
        (*text)++; /* the rest of a character of several bytes */
    }
    return first < 0x20 || first > 0x7E ? '?' : (char)first;
}

void mien_canvas_text(struct mien_canvas *canvas, int x, int y, int size, struct mien_colour colour,
                      const char *text)
{
    while (*text != '\0') {
        const char c = next_character(&text);
        for (int row = 0; row < MIEN_FONT_ROWS; row++) {
            const char *const dots = mien_font_row(c, row);
            for (int column = 0; column < MIEN_FONT_COLUMNS; column++) {
                if (dots[column] == '#') {
                    mien_canvas_fill(canvas, x + column * size, y + row * size, size, size, colour);
                }
            }
        }
        x += MIEN_TEXT_WIDTH * size;
    }
}

int mien_text_width(const char *text, int size)
{
    int count = 0;
    while (*text != '\0') {
        (void)next_character(&text);
        count++;
    }
    return count > 0 ? (count * MIEN_TEXT_WIDTH - 1) * size : 0;
}

enum mien_status mien_png_encode(unsigned char **data, size_t *bytes, const uint8_t *pixels,
                                 int channels, int height, int width, struct mien_error *err)
{
    png_image image = { .version = PNG_IMAGE_VERSION,
                        .width = (png_uint_32)width,
                        .height = (png_uint_32)height,
                        .format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB };
    *data = NULL;
    *bytes = 0;
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image); /* no file of it is larger */
    unsigned char *const file = mien_calloc(size, 1, err);
    if (file == NULL) {
        return MIEN_ERR_MEMORY;
    }
    if (png_image_write_to_memory(&image, file, &size, 0, pixels, 0, NULL) == 0) {
        png_image_free(&image);
        free(file);
        return mien_fail(err, MIEN_ERR_USAGE, "a PNG of %dx%d pixels: %s", width, height,
                         image.message);
    }
    *data = file;
    *bytes = size;
    return MIEN_OK;
}

enum mien_status mien_canvas_write(const struct mien_canvas *canvas, const char *path,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    unsigned char *data = NULL;
    size_t bytes = 0;
    TRY(mien_png_encode(&data, &bytes, &canvas->pixels[0].r, 3, canvas->height, canvas->width,
                        err));
    TRY(mien_file_replace(path, data, bytes, err));

done:
    free(data);
    return st;
}
