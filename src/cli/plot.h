/** plot.h - curves in the characters of a terminal */
#ifndef MIEN_CLI_PLOT_H
#define MIEN_CLI_PLOT_H

#include <stdbool.h>
#include <stddef.h>

enum { PLOT_COLUMNS = 200, PLOT_LINES = 16, PLOT_LABEL = 6 }; /* most; of the numbers beside */

/** Two curves over the same places, in Braille: the first dotted, the second drawn through. */
struct plot {
    const char *title;
    const double *values[2]; /**< [count]; NAN: none */
    const char *names[2];
    size_t count;  /**< places that are known, from the left */
    size_t total;  /**< places from the left to the right */
    int columns;   /**< that a line takes, at most PLOT_COLUMNS; more than PLOT_LABEL + 2 */
    int lines;     /**< of the curves, at most PLOT_LINES; a line with the title comes above */
    bool percent;  /**< values are parts, told in percent */
    bool coloured; /**< the first in blue, the second in yellow */
};

/** Bytes of one line of a plot, at most. */
enum { PLOT_LINE_BYTES = PLOT_COLUMNS * 12 + 64 };

/** The dots of a plot, and the numbers beside them. */
struct plot_drawing {
    unsigned char dots[2][PLOT_LINES][PLOT_COLUMNS]; /**< of each curve, as in U+2800 */
    double low, high;
};

/** Place the dots. */
void plot_draw(struct plot_drawing *out, const struct plot *plot);

/**
 * One line of it: 0 is the title, then the curves from the top.  Exactly plot->columns wide.
 *
 * out  PLOT_LINE_BYTES
 */
char *plot_line(char *out, const struct plot *plot, const struct plot_drawing *drawing, int line);

#endif
