/* rate_draw.c - the curve of a learning-rate range test as a picture */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "train/rate_test.h"

static const struct mien_colour raw_colour = { 176, 190, 214 };
static const struct mien_colour smooth_colour = { 31, 78, 160 };
static const struct mien_colour steepest_colour = { 176, 84, 0 };
static const struct mien_colour lowest_colour = { 20, 116, 70 };
static const struct mien_colour own_colour = { 104, 110, 122 };

enum { WIDTH = 1080, HEIGHT = 640 };

/* The losses to show: all that fall, and as much above where they began; what diverges leaves. */
static struct mien_plot_axis loss_axis(const struct mien_rate_curve *curve)
{
    double low = curve->points[0].loss;
    double high = low;
    for (size_t i = 0; i < curve->count; i++) {
        low = fmin(low, fmin(curve->points[i].loss, curve->points[i].smooth));
        high = fmax(high, curve->points[i].loss);
    }
    const double start = curve->points[0].smooth;
    const double span = fmax(start - low, 0.1 * fabs(start) + 1e-6);
    high = fmin(high, start + span);
    return (struct mien_plot_axis){ .label = "loss",
                                    .low = low - 0.05 * span,
                                    .high = high + 0.05 * span };
}

/* The rates that the curve speaks for, and the recipe's own. */
static void draw_marks(struct mien_plot *plot, const struct mien_rate_curve *curve, double own)
{
    char texts[4][64];
    struct mien_plot_mark marks[4];
    const struct {
        double rate;
        const char *what;
        struct mien_colour colour;
    } all[4] = {
        { own, "recipe", own_colour },
        { curve->steepest, "steepest", steepest_colour },
        { curve->lowest / 10.0, "lowest / 10:", lowest_colour },
        { curve->lowest, "lowest", lowest_colour },
    };
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        if (all[i].rate > 0.0) {
            (void)snprintf(texts[i], sizeof(texts[i]), "%s %.2g", all[i].what, all[i].rate);
            marks[count++] = (struct mien_plot_mark){ all[i].rate, texts[i], all[i].colour };
        }
    }
    mien_plot_marks(plot, marks, count);
}

static void draw_lines(struct mien_plot *plot, const struct mien_rate_curve *curve,
                       double *const columns[3])
{
    for (size_t i = 0; i < curve->count; i++) {
        columns[0][i] = curve->points[i].rate;
        columns[1][i] = curve->points[i].loss;
        columns[2][i] = curve->points[i].smooth;
    }
    mien_plot_line(plot, columns[0], columns[1], curve->count, 1.0, raw_colour);
    mien_plot_line(plot, columns[0], columns[2], curve->count, 3.0, smooth_colour);
    mien_plot_key(plot, "loss of a step", raw_colour);
    mien_plot_key(plot, "smoothed", smooth_colour);
}

enum mien_status mien_rate_draw(struct mien_plot *out, const struct mien_rate_curve *curve,
                                double from, double to, const struct mien_recipe *recipe,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char title[128];
    char note[128];
    const struct mien_plot_axis x = { "learning rate", from, to, true };
    const struct mien_plot_axis y = loss_axis(curve);
    double *const all = mien_calloc(curve->count, 3 * sizeof(*all), err);
    *out = (struct mien_plot){ .keys = 0 };
    if (all == NULL) {
        return MIEN_ERR_MEMORY;
    }
    double *const columns[3] = { all, all + curve->count, all + 2 * curve->count };
    (void)snprintf(title, sizeof(title), "Learning-rate range test of %s", recipe->name);
    (void)snprintf(note, sizeof(note), "%zu steps, batch %d; %s", curve->count, recipe->train.batch,
                   mien_rate_end_text(curve->end));
    TRY(mien_plot_init(out, WIDTH, HEIGHT, title, note, &x, &y, err));
    draw_lines(out, curve, columns);
    draw_marks(out, curve, (double)recipe->train.optimizer.rate);

done:
    free(all);
    return st;
}
