/* plot.c - lines over two axes with numbers */
#include "draw/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct mien_colour paper = { 255, 255, 255 };
static const struct mien_colour ink = { 24, 28, 36 };
static const struct mien_colour faint = { 104, 110, 122 };
static const struct mien_colour grid = { 226, 229, 234 };

enum { MARGIN = 16, GAP = 10, TICK = 6, TEXT = 2, LINE = MIEN_TEXT_HEIGHT * TEXT + 4 };
enum { LETTERS = 7 * TEXT }; /* height of capitals and digits */

void mien_plot_number(char out[MIEN_PLOT_NUMBER_BYTES], double value)
{
    (void)snprintf(out, MIEN_PLOT_NUMBER_BYTES, "%.4g", value);
    char *const power = strchr(out, 'e'); /* "1e-05" */
    if (power != NULL) {
        char *digits = power + 2;
        while (digits[0] == '0' && digits[1] != '\0') {
            digits++;
        }
        memmove(power + (power[1] == '-' ? 2 : 1), digits, strlen(digits) + 1);
    }
}

/* Where a value is along its axis: 0 at the low end, 1 at the high one. */
static double part_of(const struct mien_plot_axis *axis, double value)
{
    return axis->logarithmic ? log(value / axis->low) / log(axis->high / axis->low)
                             : (value - axis->low) / (axis->high - axis->low);
}

static double x_of(const struct mien_plot *plot, double value)
{
    return plot->left + part_of(&plot->x, value) * (plot->width - 1);
}

static double y_of(const struct mien_plot *plot, double value)
{
    return plot->top + (1.0 - part_of(&plot->y, value)) * (plot->height - 1);
}

static void draw_x_tick(struct mien_plot *plot, double value, bool labelled)
{
    char text[MIEN_PLOT_NUMBER_BYTES];
    const double part = part_of(&plot->x, value);
    if (part < -1e-9 || part > 1.0 + 1e-9) {
        return;
    }
    const int x = (int)lround(x_of(plot, value));
    const int bottom = plot->top + plot->height;
    mien_canvas_fill(&plot->canvas, x, plot->top, 1, plot->height, grid);
    mien_canvas_fill(&plot->canvas, x, bottom, 1, labelled ? TICK : TICK / 2, faint);
    if (labelled) {
        mien_plot_number(text, value);
        mien_canvas_text(&plot->canvas, x - mien_text_width(text, TEXT) / 2, bottom + TICK + 4,
                         TEXT, ink, text);
    }
}

static void draw_y_tick(struct mien_plot *plot, double value, bool labelled)
{
    char text[MIEN_PLOT_NUMBER_BYTES];
    const double part = part_of(&plot->y, value);
    if (part < -1e-9 || part > 1.0 + 1e-9) {
        return;
    }
    const int y = (int)lround(y_of(plot, value));
    mien_canvas_fill(&plot->canvas, plot->left, y, plot->width, 1, grid);
    mien_canvas_fill(&plot->canvas, plot->left - TICK, y, TICK, 1, faint);
    if (labelled) {
        mien_plot_number(text, value);
        mien_canvas_text(&plot->canvas, plot->left - TICK - 4 - mien_text_width(text, TEXT),
                         y - LETTERS / 2, TEXT, ink, text);
    }
}

typedef void tick_drawer(struct mien_plot *plot, double value, bool labelled);

/* Powers of ten with the whole multiples between them; over few of them those have numbers too. */
static void draw_logarithmic(struct mien_plot *plot, const struct mien_plot_axis *axis,
                             tick_drawer *draw)
{
    const double decades = log10(axis->high / axis->low);
    const int first = (int)floor(log10(axis->low) + 1e-9);
    const int last = (int)ceil(log10(axis->high) - 1e-9);
    const int each = (int)ceil(decades / 8.0);
    for (int power = first; power <= last; power++) {
        for (int digit = 1; digit < 10; digit++) {
            const bool shown =
                digit == 1 ? power % each == 0 : decades < 2.0 && (digit == 2 || digit == 5);
            draw(plot, digit * pow(10.0, power), shown);
        }
    }
}

/* Steps of 1, 2 or 5 times a power of ten, about six of them. */
static void draw_linear(struct mien_plot *plot, const struct mien_plot_axis *axis,
                        tick_drawer *draw)
{
    const double wanted = (axis->high - axis->low) / 6.0;
    const double power = pow(10.0, floor(log10(wanted)));
    const double step = wanted / power < 1.5   ? power
                        : wanted / power < 3.5 ? 2.0 * power
                        : wanted / power < 7.5 ? 5.0 * power
                                               : 10.0 * power;
    const int64_t first = (int64_t)ceil(axis->low / step - 1e-9);
    const int64_t last = (int64_t)floor(axis->high / step + 1e-9);
    for (int64_t at = first; at <= last; at++) {
        draw(plot, (double)at * step, true);
    }
}

static void draw_axis(struct mien_plot *plot, const struct mien_plot_axis *axis, tick_drawer *draw)
{
    if (axis->logarithmic) {
        draw_logarithmic(plot, axis, draw);
    } else {
        draw_linear(plot, axis, draw);
    }
}

static void draw_frame(const struct mien_plot *plot, const char *title, const char *note)
{
    struct mien_canvas canvas = plot->canvas;
    const int right = plot->left + plot->width;
    const int bottom = plot->top + plot->height;
    mien_canvas_fill(&canvas, plot->left - 1, plot->top, 1, plot->height + 1, faint);
    mien_canvas_fill(&canvas, plot->left - 1, bottom, plot->width + 1, 1, faint);
    mien_canvas_text(&canvas, MARGIN, MARGIN, TEXT, ink, title);
    mien_canvas_text(&canvas, MARGIN, MARGIN + LINE, TEXT, faint, note);
    mien_canvas_text(&canvas, MARGIN, plot->top - LINE, TEXT, ink, plot->y.label);
    mien_canvas_text(&canvas, right - mien_text_width(plot->x.label, TEXT),
                     canvas.height - MARGIN - LETTERS, TEXT, ink, plot->x.label);
}

enum mien_status mien_plot_init(struct mien_plot *plot, int width, int height, const char *title,
                                const char *note, const struct mien_plot_axis *x,
                                const struct mien_plot_axis *y, struct mien_error *err)
{
    const int left = MARGIN + TICK + 4 + 7 * MIEN_TEXT_WIDTH * TEXT; /* numbers of 7 digits */
    const int top = MARGIN + 4 * LINE;
    const int below = TICK + 4 + 2 * LINE + MARGIN;
    *plot = (struct mien_plot){ .x = *x,
                                .y = *y,
                                .left = left,
                                .top = top,
                                .width = width - left - 2 * MARGIN,
                                .height = height - top - below };
    if (plot->width < 1 || plot->height < 1) {
        *plot = (struct mien_plot){ .keys = 0 };
        return mien_fail(err, MIEN_ERR_USAGE, "a plot of %dx%d pixels has no room for its axes",
                         width, height);
    }
    const enum mien_status st = mien_canvas_init(&plot->canvas, width, height, paper, err);
    if (st != MIEN_OK) {
        *plot = (struct mien_plot){ .keys = 0 };
        return st;
    }
    draw_axis(plot, x, draw_x_tick);
    draw_axis(plot, y, draw_y_tick);
    draw_frame(plot, title, note);
    return MIEN_OK;
}

void mien_plot_finish(struct mien_plot *plot)
{
    mien_canvas_finish(&plot->canvas);
    *plot = (struct mien_plot){ .keys = 0 };
}

/* Shorten the part [*from, *to] of a segment to what has `at + t move` in [low, high]. */
static void cut(double *from, double *to, double at, double move, double low, double high)
{
    if (move == 0.0) {
        *to = at < low || at > high ? *from - 1.0 : *to;
        return;
    }
    const double first = ((move > 0.0 ? low : high) - at) / move;
    const double last = ((move > 0.0 ? high : low) - at) / move;
    *from = fmax(*from, first);
    *to = fmin(*to, last);
}

void mien_plot_line(struct mien_plot *plot, const double *x, const double *y, size_t count,
                    double thickness, struct mien_colour colour)
{
    for (size_t i = 1; i < count; i++) {
        const double x0 = x_of(plot, x[i - 1]);
        const double y0 = y_of(plot, y[i - 1]);
        const double dx = x_of(plot, x[i]) - x0;
        const double dy = y_of(plot, y[i]) - y0;
        double from = 0.0;
        double to = 1.0;
        cut(&from, &to, x0, dx, plot->left, plot->left + plot->width - 1);
        cut(&from, &to, y0, dy, plot->top, plot->top + plot->height - 1);
        if (from <= to) {
            mien_canvas_line(&plot->canvas, x0 + from * dx, y0 + from * dy, x0 + to * dx,
                             y0 + to * dy, thickness, colour);
        }
    }
}

void mien_plot_key(struct mien_plot *plot, const char *text, struct mien_colour colour)
{
    const int y = MARGIN + 2 * LINE;
    const int x = MARGIN + plot->keys;
    mien_canvas_fill(&plot->canvas, x, y + LETTERS / 2 - 1, 24, 3, colour);
    mien_canvas_text(&plot->canvas, x + 24 + GAP, y, TEXT, ink, text);
    plot->keys += 24 + 3 * GAP + mien_text_width(text, TEXT);
}

static bool is_inside(const struct mien_plot *plot, double x)
{
    const double part = part_of(&plot->x, x);
    return part >= 0.0 && part <= 1.0;
}

static void draw_dashes(struct mien_plot *plot, const struct mien_plot_mark *mark)
{
    const int x = (int)lround(x_of(plot, mark->x));
    const int bottom = plot->top + plot->height;
    for (int y = plot->top; y < bottom; y += 8) {
        mien_canvas_fill(&plot->canvas, x, y, 2, bottom - y < 5 ? bottom - y : 5, mark->colour);
    }
}

/* Beside its line, to the right where there is room. */
static void draw_mark_text(struct mien_plot *plot, const struct mien_plot_mark *mark, int row)
{
    const int at = (int)lround(x_of(plot, mark->x));
    const int y = plot->top + 4 + row * LINE;
    const int width = mien_text_width(mark->text, TEXT);
    const int right = plot->left + plot->width;
    const int x = at + GAP / 2 + width <= right ? at + GAP / 2 : at - GAP / 2 - width;
    mien_canvas_fill(&plot->canvas, x - 2, y - 2, width + 4, LETTERS + 8, paper);
    mien_canvas_text(&plot->canvas, x, y, TEXT, mark->colour, mark->text);
}

void mien_plot_marks(struct mien_plot *plot, const struct mien_plot_mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_inside(plot, marks[i].x)) {
            draw_dashes(plot, &marks[i]);
        }
    }
    int row = 0;
    for (size_t i = 0; i < count; i++) { /* over the lines of the others */
        if (is_inside(plot, marks[i].x)) {
            draw_mark_text(plot, &marks[i], row++);
        }
    }
}
