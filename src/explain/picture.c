/* picture.c - maps as pictures that people can read */
#include "explain/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/image.h"
#include "explain/explain.h"

static const struct mien_colour paper = { 255, 255, 255 };
static const struct mien_colour ink = { 24, 28, 36 };
static const struct mien_colour faint = { 104, 110, 122 };

enum { MARGIN = 16, GAP = 12, BAR = 16, TICK = 5 }; /* pixels */

static int compare_floats(const void *a, const void *b)
{
    const float x = *(const float *)a;
    const float y = *(const float *)b;
    return x < y ? -1 : x > y;
}

enum mien_status mien_map_limit(double *limit, const float *map, size_t count, double clipped,
                                struct mien_error *err)
{
    float *const sizes = mien_calloc(count, sizeof(*sizes), err);
    if (sizes == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        sizes[i] = fabsf(map[i]);
    }
    qsort(sizes, count, sizeof(*sizes), compare_floats);
    const size_t beyond = (size_t)(clipped * (double)count);
    /* A map that is zero but for a few pixels is shown up to the largest of them. */
    const float at = sizes[count - 1 - beyond];
    *limit = (double)(at > 0.0f ? at : sizes[count - 1]);
    free(sizes);
    return MIEN_OK;
}

static struct mien_colour colour_of(const struct mien_map_view *view, double part)
{
    return view->has_sign ? mien_colour_signed(part) : mien_colour_heat(part);
}

/* A value as a part of the limit. */
static double part_of(const struct mien_map_view *view, double value)
{
    return view->limit > 0.0 ? value / view->limit : 0.0;
}

/* The weaker a value, the more of the image shows through.  Of a scale with a sign only the ends
 * are used: its white middle would lighten what is dark. */
static struct mien_colour lay_over(const struct mien_map_view *view, struct mien_colour below,
                                   double part)
{
    static const double strongest = 0.75;
    const struct mien_colour colour =
        view->has_sign ? mien_colour_signed(part < 0.0 ? -1.0 : 1.0) : mien_colour_heat(part);
    return mien_colour_mix(below, colour, strongest * fmin(fabs(part), 1.0));
}

/* The image, enlarged, into the canvas. */
static enum mien_status draw_image(struct mien_canvas *out, const struct mien_map_view *view,
                                   struct mien_error *err)
{
    const size_t pixels = (size_t)out->width * (size_t)out->height;
    uint8_t *const large = mien_calloc(pixels, (size_t)view->channels, err);
    if (large == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st = mien_resize(large, view->pixels, view->channels, view->h, view->w,
                                            out->height, out->width, err);
    for (size_t i = 0; st == MIEN_OK && i < pixels; i++) {
        const uint8_t *const from = large + i * (size_t)view->channels;
        out->pixels[i] = view->channels == 1 ? (struct mien_colour){ from[0], from[0], from[0] }
                                             : (struct mien_colour){ from[0], from[1], from[2] };
    }
    free(large);
    return st;
}

/* The map's colours, in place of what is in the canvas or over it. */
static enum mien_status draw_map(struct mien_canvas *out, const struct mien_map_view *view,
                                 bool over, struct mien_error *err)
{
    const size_t pixels = (size_t)out->width * (size_t)out->height;
    float *const large = mien_calloc(pixels, sizeof(*large), err);
    if (large == NULL) {
        return MIEN_ERR_MEMORY;
    }
    mien_explain_resize(large, out->height, out->width, view->map, view->map_h, view->map_w);
    for (size_t i = 0; i < pixels; i++) {
        const double part = part_of(view, (double)large[i]);
        out->pixels[i] = over ? lay_over(view, out->pixels[i], part) : colour_of(view, part);
    }
    free(large);
    return MIEN_OK;
}

enum mien_status mien_map_panel(struct mien_canvas *out, const struct mien_map_view *view,
                                enum mien_map_panel panel, int width, int height,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_canvas_init(out, width, height, paper, err));
    if (panel != MIEN_PANEL_MAP) {
        TRY(draw_image(out, view, err));
    }
    if (panel != MIEN_PANEL_IMAGE) {
        TRY(draw_map(out, view, panel == MIEN_PANEL_OVERLAY, err));
    }

done:
    if (st != MIEN_OK) {
        mien_canvas_finish(out);
    }
    return st;
}

/* What the numbers beside a colour bar are: top, middle, bottom. */
static void label_ticks(char texts[3][32], const struct mien_map_view *view, bool clipped)
{
    const double low = view->has_sign ? -view->limit : 0.0;
    const bool beyond = clipped && view->limit > 0.0;
    (void)snprintf(texts[0], sizeof(texts[0]), "%s%.3g", beyond ? ">" : "", view->limit);
    (void)snprintf(texts[1], sizeof(texts[1]), "%.3g", (view->limit + low) / 2.0);
    (void)snprintf(texts[2], sizeof(texts[2]), "%s%.3g", beyond && view->has_sign ? "<" : "", low);
}

static void draw_bar(struct mien_canvas *out, const struct mien_map_view *view, int x, int y,
                     int height, bool clipped, int size)
{
    char texts[3][32];
    label_ticks(texts, view, clipped);
    for (int row = 0; row < height; row++) {
        const double up = height > 1 ? 1.0 - (double)row / (height - 1) : 1.0;
        mien_canvas_fill(out, x, y + row, BAR, 1,
                         colour_of(view, view->has_sign ? 2.0 * up - 1.0 : up));
    }
    for (int i = 0; i < 3; i++) {
        const int at = y + i * (height - 1) / 2;
        const int text_y = i == 0 ? at : i == 1 ? at - 3 * size : at - 7 * size + 1;
        mien_canvas_fill(out, x + BAR, at, TICK, 1, faint);
        mien_canvas_text(out, x + BAR + TICK + 4, text_y, size, ink, texts[i]);
    }
}

static int widest(char texts[3][32], int size)
{
    int width = 0;
    for (int i = 0; i < 3; i++) {
        const int one = mien_text_width(texts[i], size);
        width = one > width ? one : width;
    }
    return width;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

enum mien_status mien_map_picture(struct mien_canvas *out, const struct mien_map_view *view,
                                  const char *title, const char *note, bool clipped, int size,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_canvas panel = { .pixels = NULL };
    char texts[3][32];
    const int longer = larger(view->h, view->w);
    const int width = larger((int)((int64_t)view->w * size / longer), 1);
    const int height = larger((int)((int64_t)view->h * size / longer), 1);
    const int text = size < 200 ? 1 : 2;
    const int line = MIEN_TEXT_HEIGHT * text + 4;
    const int top = MARGIN + 2 * line + 4;
    label_ticks(texts, view, clipped);
    const int bar_x = MARGIN + 3 * (width + GAP);
    const int inner = bar_x + BAR + TICK + 4 + widest(texts, text);
    const int titles = MARGIN + larger(mien_text_width(title, text), mien_text_width(note, text));
    TRY(mien_canvas_init(out, larger(inner, titles) + MARGIN, top + height + MARGIN, paper, err));
    mien_canvas_text(out, MARGIN, MARGIN, text, ink, title);
    mien_canvas_text(out, MARGIN, MARGIN + line, text, faint, note);
    for (int i = MIEN_PANEL_IMAGE; i <= MIEN_PANEL_OVERLAY; i++) {
        TRY(mien_map_panel(&panel, view, (enum mien_map_panel)i, width, height, err));
        mien_canvas_paste(out, MARGIN + i * (width + GAP), top, &panel);
        mien_canvas_finish(&panel);
    }
    draw_bar(out, view, bar_x, top, height, clipped, text);

done:
    if (st != MIEN_OK) {
        mien_canvas_finish(out);
    }
    return st;
}
