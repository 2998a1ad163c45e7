/* plot.c - curves in the characters of a terminal */
#include "cli/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/text.h"

/* Colours of the two curves, and the way back: blue and yellow are told apart by nearly all. */
static const char *const colours[2] = { "\033[34m", "\033[33m" };
static const char plain[] = "\033[0m";

static void find_range(struct plot_drawing *out, const struct plot *plot)
{
    double low = (double)INFINITY;
    double high = -(double)INFINITY;
    for (size_t i = 0; i < plot->count; i++) {
        for (int k = 0; k < 2; k++) {
            low = fmin(low, plot->values[k][i]); /* passes NaN over */
            high = fmax(high, plot->values[k][i]);
        }
    }
    if (!(low <= high) || !isfinite(low) || !isfinite(high)) {
        low = 0.0;
        high = 1.0;
    }
    if (plot->percent) { /* to whole tenths */
        low = fmax(floor(low * 10.0) / 10.0, 0.0);
        high = fmin(ceil(high * 10.0) / 10.0, 1.0);
    }
    out->low = low;
    out->high = high > low ? high : low + (plot->percent ? 0.1 : 1.0);
}

/* A dot, counted from the left and from the top. */
static void set_dot(struct plot_drawing *out, int curve, int x, int y)
{
    static const unsigned char left[] = { 0x01, 0x02, 0x04, 0x40 };
    static const unsigned char right[] = { 0x08, 0x10, 0x20, 0x80 };
    out->dots[curve][y / 4][x / 2] |= x % 2 == 0 ? left[y % 4] : right[y % 4];
}

/* A column of dots between two heights; of the dotted curve every other one. */
static void set_column(struct plot_drawing *out, int curve, int x, int from, int to)
{
    const int first = from < to ? from : to;
    const int last = from < to ? to : from;
    for (int y = first; y <= last; y++) {
        if (curve == 1 || x % 2 == 0) {
            set_dot(out, curve, x, y);
        }
    }
}

static int place_y(const struct plot_drawing *out, const struct plot *plot, double value)
{
    const double part = (value - out->low) / (out->high - out->low);
    return (int)lround((1.0 - fmin(fmax(part, 0.0), 1.0)) * (4.0 * plot->lines - 1.0));
}

static int place_x(const struct plot *plot, size_t i)
{
    const int dots = 2 * (plot->columns - PLOT_LABEL) - 1;
    const double whole = plot->total > 1 ? (double)plot->total - 1.0 : 1.0;
    return (int)lround(fmin((double)i / whole, 1.0) * dots);
}

static void draw_curve(struct plot_drawing *out, const struct plot *plot, int curve)
{
    const double *const values = plot->values[curve];
    for (size_t i = 0; i < plot->count; i++) {
        if (!isfinite(values[i])) {
            continue;
        }
        const int x = place_x(plot, i);
        const int y = place_y(out, plot, values[i]);
        const bool joined = i > 0 && isfinite(values[i - 1]);
        const int from_x = joined ? place_x(plot, i - 1) : x;
        int before = joined ? place_y(out, plot, values[i - 1]) : y;
        if (from_x == x) {
            set_column(out, curve, x, before, y);
        }
        const int rise = y - before;
        const int start = before;
        for (int at = from_x + 1; at <= x; at++) {
            const int next = start + (int)lround((double)rise * (at - from_x) / (x - from_x));
            set_column(out, curve, at, before, next);
            before = next;
        }
    }
}

void plot_draw(struct plot_drawing *out, const struct plot *plot)
{
    memset(out, 0, sizeof(*out));
    find_range(out, plot);
    draw_curve(out, plot, 0);
    draw_curve(out, plot, 1);
}

static char *append(char *to, const char *text)
{
    const size_t length = strlen(text);
    memcpy(to, text, length + 1);
    return to + length;
}

/* "accuracy  ┄ training  ─ validation", cut where there is no room. */
static void write_title(char *out, const struct plot *plot)
{
    static const char *const samples[2] = { "\xE2\x94\x84", "\xE2\x94\x80" }; /* U+2504, U+2500 */
    char *to = append(out, plot->title);
    int columns = text_columns(plot->title);
    for (int k = 0; k < 2; k++) {
        const int wanted = 4 + text_columns(plot->names[k]);
        if (columns + wanted > plot->columns) {
            break;
        }
        to = append(to, "  ");
        to = append(to, plot->coloured ? colours[k] : "");
        to = append(to, samples[k]);
        to = append(to, plot->coloured ? plain : "");
        to = append(to, " ");
        to = append(to, plot->names[k]);
        columns += wanted;
    }
    while (columns++ < plot->columns) {
        to = append(to, " ");
    }
}

static void write_label(char out[32], const struct plot *plot, double value)
{
    if (plot->percent) {
        (void)snprintf(out, 32, "%4.0f%% ", 100.0 * value);
    } else {
        const bool plain_number = fabs(value) < 999.0;
        (void)(plain_number ? snprintf(out, 32, "%5.*f ", fabs(value) < 9.99 ? 2 : 1, value)
                            : snprintf(out, 32, "%5.0e ", value));
    }
    out[PLOT_LABEL] = '\0'; /* 1e+100 is too long by one */
}

char *plot_line(char *out, const struct plot *plot, const struct plot_drawing *drawing, int line)
{
    if (line == 0) {
        write_title(out, plot);
        return out;
    }
    const int row = line - 1;
    char label[32] = "      ";
    if (row == 0 || row == plot->lines - 1) {
        write_label(label, plot, row == 0 ? drawing->high : drawing->low);
    }
    char *to = append(out, label);
    int colour = -1;
    for (int x = 0; x < plot->columns - PLOT_LABEL; x++) {
        const unsigned first = drawing->dots[0][row][x];
        const unsigned second = drawing->dots[1][row][x];
        const unsigned dots = first | second;
        const int wanted = dots == 0 || !plot->coloured ? -1 : second != 0 ? 1 : 0;
        if (wanted != colour) {
            to = append(to, wanted < 0 ? plain : colours[wanted]);
            colour = wanted;
        }
        const char cell[] = { (char)0xE2, (char)(0xA0 | dots >> 6), (char)(0x80 | (dots & 0x3F)),
                              '\0' };
        to = append(to, cell);
    }
    (void)append(to, colour >= 0 ? plain : "");
    return out;
}
