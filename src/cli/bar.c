/* bar.c - the text of a progress bar, as long as the terminal is wide */
#include "cli/bar.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/text.h"

enum { SHORTEST = 6, LONGEST = 20 }; /* columns of the bar alone */

enum part {
    PART_NAME = 1,
    PART_BAR = 2,
    PART_COUNT = 4,
    PART_TIMES = 8,
    PART_RATE = 16,
    PART_EXTRA = 32,
};

/* "01:05", "2:03:07", "--:--" for what is not known. */
static void format_time(char *out, size_t bytes, double seconds)
{
    if (!(seconds >= 0 && seconds < 3600.0 * 1000)) {
        (void)snprintf(out, bytes, "--:--");
        return;
    }
    const unsigned s = (unsigned)lround(seconds) % (3600 * 1000); /* the compiler sees a bound */
    if (s >= 3600) {
        (void)snprintf(out, bytes, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    } else {
        (void)snprintf(out, bytes, "%02u:%02u", s / 60, s % 60);
    }
}

/* Put text behind what is in `out`. */
MIEN_PRINTF(3, 4)
static void append(char *out, size_t bytes, const char *fmt, ...)
{
    const size_t used = strlen(out);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(out + used, bytes - used, fmt, args);
    va_end(args);
}

static void append_times(char *out, size_t bytes, const struct bar *bar, double part)
{
    char elapsed[16];
    char left[16];
    format_time(elapsed, sizeof(elapsed), bar->elapsed_s);
    format_time(left, sizeof(left), part > 0 ? bar->elapsed_s * (1 - part) / part : -1);
    append(out, bytes, "%s<%s", elapsed, left);
}

/* The text with some of its parts, and a bar of so many columns if that is one of them. */
static void compose(char *out, size_t bytes, const struct bar *bar, unsigned parts, int length)
{
    char cells[4 * LONGEST + 1];
    char padded[4 * LONGEST + 1];
    char rate[TEXT_RATE_BYTES];
    const double part =
        bar->done >= bar->total ? 1.0 : (double)bar->done / (double)bar->total; /* also 0 of 0 */
    const char *between = " [";
    out[0] = '\0';
    if ((parts & PART_NAME) != 0) {
        append(out, bytes, "%s: ", bar->what);
    }
    append(out, bytes, "%3d%%", (int)(part * 100));
    if ((parts & PART_BAR) != 0) {
        text_bar(cells, sizeof(cells), part, length, bar->blocks);
        append(out, bytes, "|%s|", text_cell(padded, sizeof(padded), cells, length));
    }
    if ((parts & PART_COUNT) != 0) {
        append(out, bytes, " %zu/%zu", bar->done, bar->total);
    }
    if ((parts & PART_TIMES) != 0) {
        append(out, bytes, "%s", between);
        append_times(out, bytes, bar, part);
        between = ", ";
    }
    if ((parts & PART_RATE) != 0) {
        const bool known = bar->done > 0 && bar->elapsed_s > 0;
        text_rate(rate, known ? (double)bar->done / bar->elapsed_s : (double)NAN);
        append(out, bytes, "%s%s/s", between, rate);
        between = ", ";
    }
    if ((parts & PART_EXTRA) != 0 && bar->extra != NULL) {
        append(out, bytes, "%s%s", between, bar->extra);
        between = ", ";
    }
    append(out, bytes, "%s", between[0] == ',' ? "]" : "");
}

char *bar_format(char *out, size_t bytes, const struct bar *bar)
{
    static const unsigned tries[] = {
        PART_NAME | PART_BAR | PART_COUNT | PART_TIMES | PART_RATE | PART_EXTRA,
        PART_NAME | PART_BAR | PART_TIMES | PART_RATE | PART_EXTRA,
        PART_NAME | PART_BAR | PART_TIMES | PART_EXTRA,
        PART_NAME | PART_TIMES | PART_EXTRA,
        PART_NAME | PART_TIMES,
        PART_NAME,
        0,
    };
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        const int least = (tries[i] & PART_BAR) != 0 ? SHORTEST : 0;
        compose(out, bytes, bar, tries[i], least);
        const int room = bar->columns - text_columns(out);
        if (room >= 0) {
            const int length = least + room < LONGEST ? least + room : LONGEST;
            compose(out, bytes, bar, tries[i], length);
            return out;
        }
    }
    out[0] = '\0';
    return out;
}
