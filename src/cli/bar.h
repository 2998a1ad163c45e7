/** bar.h - the text of a progress bar, as long as the terminal is wide */
#ifndef MIEN_CLI_BAR_H
#define MIEN_CLI_BAR_H

#include <stdbool.h>
#include <stddef.h>

/** A task under way. */
struct bar {
    const char *what; /**< its name */
    size_t done, total;
    double elapsed_s;
    const char *extra; /**< put behind the rest ("loss 1.2 acc 53.1 %"); NULL: nothing */
    bool blocks;       /**< the terminal shows UTF-8 */
    int columns;       /**< that the text may take */
};

/**
 * "decoding:  25%|#####               | 25/100 [00:05<00:15, 5.00/s]": share done, count, elapsed
 * and remaining time, rate.  Where that is too long the bar gets shorter, then the least important
 * goes first: count, rate, bar, extra, times, name.  Nothing is ever cut in the middle.
 *
 * `out` has room for 4 bytes a column.  Returns `out`.
 */
char *bar_format(char *out, size_t bytes, const struct bar *bar);

#endif
