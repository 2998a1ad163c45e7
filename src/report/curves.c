/* curves.c - loss, accuracy and learning rate over the epochs */
#include <math.h>
#include <string.h>

#include "report/parts.h"

/* A chart in the units of its SVG; margins leave room for the numbers. */
enum { WIDTH = 420, HEIGHT = 260, LEFT = 50, RIGHT = 12, TOP = 12, BOTTOM = 26 };
enum { MOST_POINTS = 1000, MOST_TICKS = 6 };

struct line {
    const char *key, *name;
};

struct chart {
    const char *title;
    struct line lines[2]; /* the second may have no key */
    bool percent;
};

/* What of a history is drawn: every stride-th row and the last one. */
struct range {
    const json_t *history;
    size_t count, stride;
    double first, last; /* epochs */
    double low, high;   /* values */
};

static const json_t *row_at(const struct range *range, size_t i)
{
    const size_t at = i * range->stride;
    return json_array_get(range->history, at < range->count ? at : range->count - 1);
}

static size_t points_of(const struct range *range)
{
    return (range->count - 1 + range->stride - 1) / range->stride + 1;
}

static double place_x(const struct range *range, double epoch)
{
    const double span = range->last - range->first;
    const double part = span > 0.0 ? (epoch - range->first) / span : 0.5;
    return LEFT + part * (WIDTH - LEFT - RIGHT);
}

static double place_y(const struct range *range, double value)
{
    const double part = (value - range->low) / (range->high - range->low);
    return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
}

/* Both ends of the values, at marks of the axis. */
static bool find_range(struct range *range, const struct chart *chart)
{
    double low = (double)INFINITY;
    double high = -(double)INFINITY;
    for (size_t i = 0; i < points_of(range); i++) {
        for (int k = 0; k < 2 && chart->lines[k].key != NULL; k++) {
            const double value = mien_part_number(row_at(range, i), chart->lines[k].key);
            low = fmin(low, value); /* passes NaN over */
            high = fmax(high, value);
        }
    }
    if (!(low <= high) || fabs(low) > 1e30 || fabs(high) > 1e30) {
        return false;
    }
    low = low > 0.0 && low < high / 2.0 ? 0.0 : low;
    if (high - low < 1e-12 + 1e-6 * fabs(high)) { /* all the same */
        low = high > 0.0 ? 0.0 : high - 1.0;
        high = high > 0.0 ? high * 1.25 : high + 1.0;
    }
    const double step = mien_chart_step(high - low, MOST_TICKS);
    range->low = floor(low / step + 1e-9) * step;
    range->high = ceil(high / step - 1e-9) * step;
    return true;
}

static void write_value(FILE *to, const struct chart *chart, double value)
{
    (void)(chart->percent ? fprintf(to, "%.2f %%", 100.0 * value) : fprintf(to, "%.4g", value));
}

static void write_axes(FILE *to, const struct range *range, const struct chart *chart)
{
    const double step = mien_chart_step(range->high - range->low, MOST_TICKS);
    const int marks = (int)((range->high - range->low) / step + 0.5);
    for (int i = 0; i <= marks; i++) {
        const double value = range->low + i * step;
        const double y = place_y(range, value);
        (void)fprintf(to,
                      "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text x=\"%d\" y=\"%.1f\" class=\"end\">",
                      LEFT, WIDTH - RIGHT, y, y, LEFT - 7, y + 4.0);
        (void)(chart->percent ? fprintf(to, "%.3g %%", 100.0 * value)
                              : fprintf(to, "%.4g", fabs(value) < step / 1e3 ? 0.0 : value));
        (void)fputs("</text>\n", to);
    }
    const double span = range->last - range->first;
    const double stride = span > 0.0 ? fmax(mien_chart_step(span, MOST_TICKS + 1), 1.0) : 1.0;
    const double first = ceil(range->first / stride);
    const int count = (int)(floor(range->last / stride) - first) + 1;
    for (int i = 0; i < count; i++) {
        const double epoch = (first + i) * stride;
        (void)fprintf(to, "<text x=\"%.1f\" y=\"%d\" class=\"middle\">%.0f</text>\n",
                      place_x(range, epoch), HEIGHT - 7, epoch);
    }
}

/* One curve, broken where a value is missing, with a dot at its end. */
static void write_line(FILE *to, const struct range *range, const struct line *line, int number)
{
    bool open = false;
    double end_x = 0.0;
    double end_y = (double)NAN;
    (void)fprintf(to, "<path class=\"line s%d\" d=\"", number);
    for (size_t i = 0; i < points_of(range); i++) {
        const json_t *const row = row_at(range, i);
        const double value = mien_part_number(row, line->key);
        const double epoch = mien_part_number(row, "epoch");
        if (isfinite(value) && isfinite(epoch)) {
            end_x = place_x(range, epoch);
            end_y = place_y(range, value);
            (void)fprintf(to, "%c%.1f %.1f", open ? 'L' : 'M', end_x, end_y);
        }
        open = isfinite(value) && isfinite(epoch);
    }
    (void)fputs("\"/>\n", to);
    if (isfinite(end_y)) {
        (void)fprintf(to, "<circle class=\"dot s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", number,
                      end_x, end_y);
    }
}

/* What the script shows where the pointer is: places, and the numbers as they are to be read. */
static void write_points(FILE *to, const struct range *range, const struct chart *chart)
{
    (void)fputs("<g class=\"points\">", to);
    for (size_t i = 0; i < points_of(range); i++) {
        const json_t *const row = row_at(range, i);
        const double epoch = mien_part_number(row, "epoch");
        if (!isfinite(epoch)) {
            continue;
        }
        (void)fprintf(to, "<g data-x=\"%.1f\" data-epoch=\"%.0f\"", place_x(range, epoch), epoch);
        for (int k = 0; k < 2 && chart->lines[k].key != NULL; k++) {
            const double value = mien_part_number(row, chart->lines[k].key);
            if (isfinite(value)) {
                (void)fprintf(to, " data-y%d=\"%.1f\" data-v%d=\"", k, place_y(range, value), k);
                write_value(to, chart, value);
                (void)fputs("\"", to);
            }
        }
        (void)fputs("/>", to);
    }
    (void)fputs("</g>\n", to);
}

static void write_chart(FILE *to, struct range *range, const struct chart *chart)
{
    if (!find_range(range, chart)) {
        return;
    }
    (void)fprintf(to, "<figure class=\"chart\"><figcaption>%s<span class=\"legend\">",
                  chart->title);
    for (int k = 0; k < 2 && chart->lines[k].key != NULL; k++) {
        (void)fprintf(to, "<span class=\"key s%d\">%s</span>", k, chart->lines[k].name);
    }
    (void)fprintf(to,
                  "</span></figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" "
                  "aria-label=\"%s over the epochs\" data-top=\"%d\" data-bottom=\"%d\">\n",
                  WIDTH, HEIGHT, chart->title, TOP, HEIGHT - BOTTOM);
    write_axes(to, range, chart);
    for (int k = 0; k < 2 && chart->lines[k].key != NULL; k++) {
        write_line(to, range, &chart->lines[k], k);
    }
    write_points(to, range, chart);
    (void)fputs("</svg></figure>\n", to);
}

static void write_cell(FILE *to, const json_t *row, const char *key, double factor,
                       const char *format_unit)
{
    const double value = mien_part_number(row, key);
    (void)fputs("<td>", to);
    if (isfinite(value)) {
        (void)fprintf(to, "%.4g%s", factor * value, format_unit);
    }
    (void)fputs("</td>", to);
}

/* The same in numbers, for those who do not hover, and for paper. */
static void write_table(FILE *to, const struct range *range)
{
    (void)fputs("<details><summary>Every epoch in numbers</summary><div class=\"scroll\"><table>\n"
                "<thead><tr><th rowspan=\"2\">epoch</th><th colspan=\"2\">training</th>"
                "<th colspan=\"2\">validation</th><th rowspan=\"2\">rate</th>"
                "<th rowspan=\"2\">images/s</th><th rowspan=\"2\">time</th></tr>\n"
                "<tr><th>loss</th><th>accuracy</th><th>loss</th><th>accuracy</th></tr></thead>\n"
                "<tbody>\n",
                to);
    for (size_t i = 0; i < points_of(range); i++) {
        const json_t *const row = row_at(range, i);
        (void)fprintf(to, "<tr><td>%.0f</td>", mien_part_number(row, "epoch"));
        write_cell(to, row, "train_loss", 1.0, "");
        write_cell(to, row, "train_accuracy", 100.0, " %");
        write_cell(to, row, "validation_loss", 1.0, "");
        write_cell(to, row, "validation_accuracy", 100.0, " %");
        write_cell(to, row, "rate", 1.0, "");
        write_cell(to, row, "images_per_s", 1.0, "");
        write_cell(to, row, "seconds", 1.0, " s");
        (void)fputs("</tr>\n", to);
    }
    (void)fputs("</tbody></table></div></details>\n", to);
}

void mien_report_curves(FILE *to, const json_t *report)
{
    static const struct chart charts[] = {
        { "Loss", { { "train_loss", "training" }, { "validation_loss", "validation" } }, false },
        { "Accuracy",
          { { "train_accuracy", "training" }, { "validation_accuracy", "validation" } },
          true },
        { "Learning rate", { { "rate", "rate" }, { NULL, NULL } }, false },
    };
    const json_t *const history = json_object_get(report, "history");
    const size_t count = json_array_size(history);
    struct range range = {
        .history = history,
        .count = count,
        .stride = (count + MOST_POINTS - 1) / MOST_POINTS,
        .first = mien_part_number(json_array_get(history, 0), "epoch"),
        .last = mien_part_number(json_array_get(history, count > 0 ? count - 1 : 0), "epoch"),
    };
    if (count == 0 || !(range.last >= range.first) || range.last > 1e9) {
        return;
    }
    mien_html_section(to, "curves", "Curves",
                      "Training is measured while it goes on, on changed images where the recipe "
                      "changes them; validation after each epoch.");
    (void)fputs("<div class=\"charts\">\n", to);
    for (size_t i = 0; i < sizeof(charts) / sizeof(charts[0]); i++) {
        write_chart(to, &range, &charts[i]);
    }
    (void)fputs("</div>\n", to);
    write_table(to, &range);
    mien_html_section_end(to);
}
