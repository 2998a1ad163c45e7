/** plot.h - lines over two axes with numbers, as a picture (internal) */
#ifndef MIEN_DRAW_PLOT_H
#define MIEN_DRAW_PLOT_H

#include <stdbool.h>

#include "draw/canvas.h"

struct mien_plot_axis {
    const char *label; /**< ASCII */
    double low, high;  /**< low < high; of a logarithmic one above 0 */
    bool logarithmic;
};

/** A canvas with axes.  Fields are for reading. */
struct mien_plot {
    struct mien_canvas canvas;
    struct mien_plot_axis x, y;
    int left, top, width, height; /**< of what the axes enclose, in pixels */
    int keys;                     /**< pixels that mien_plot_key() has used of its line */
};

/**
 * Start a plot of width x height pixels (at least 320 x 240 are of use): title, note, axes, grid.
 *
 * Ownership  release with mien_plot_finish(); zeroed on error
 * Errors     as mien_canvas_init()
 */
MIEN_CHECK_RESULT
enum mien_status mien_plot_init(struct mien_plot *plot, int width, int height, const char *title,
                                const char *note, const struct mien_plot_axis *x,
                                const struct mien_plot_axis *y, struct mien_error *err);
void mien_plot_finish(struct mien_plot *plot); /* zeroed is allowed */

/** A line through points, cut off where it leaves the axes. */
void mien_plot_line(struct mien_plot *plot, const double *x, const double *y, size_t count,
                    double thickness, struct mien_colour colour);

/** What lines of a colour are, in a line of such keys above the axes. */
void mien_plot_key(struct mien_plot *plot, const char *text, struct mien_colour colour);

/** A vertical line at x, and what it says, ASCII. */
struct mien_plot_mark {
    double x;
    const char *text;
    struct mien_colour colour;
};

/** Draw marks, each text in a row of its own from the top; those outside the axes are left out. */
void mien_plot_marks(struct mien_plot *plot, const struct mien_plot_mark *marks, size_t count);

enum { MIEN_PLOT_NUMBER_BYTES = 32 };

/** A number as axes have it: "1e-5", "0.002", "30". */
void mien_plot_number(char out[MIEN_PLOT_NUMBER_BYTES], double value);

#endif
