/* quality.c - confusion, the classes one by one, calibration */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/parts.h"

enum { MOST_COLUMNS = 24, MOST_PAIRS = 12 };

static const char *class_at(const json_t *evaluation, size_t k)
{
    const char *const name =
        json_string_value(json_array_get(json_object_get(evaluation, "classes"), k));
    return name != NULL ? name : "?";
}

static double count_at(const json_t *confusion, size_t row, size_t column)
{
    return json_number_value(json_array_get(json_array_get(confusion, row), column));
}

static double sum_row(const json_t *confusion, size_t row, size_t classes)
{
    double sum = 0.0;
    for (size_t j = 0; j < classes; j++) {
        sum += count_at(confusion, row, j);
    }
    return sum;
}

static void write_matrix(FILE *to, const json_t *evaluation, const json_t *confusion,
                         size_t classes)
{
    char text[MIEN_HTML_COUNT_BYTES];
    (void)fputs("<div class=\"scroll\"><table class=\"matrix\"><thead><tr><th></th>", to);
    for (size_t k = 0; k < classes; k++) {
        (void)fputs("<th scope=\"col\"><span>", to);
        mien_html_text(to, class_at(evaluation, k));
        (void)fputs("</span></th>", to);
    }
    (void)fputs("</tr></thead>\n<tbody>\n", to);
    for (size_t k = 0; k < classes; k++) {
        const double all = sum_row(confusion, k, classes);
        (void)fputs("<tr><th scope=\"row\">", to);
        mien_html_text(to, class_at(evaluation, k));
        (void)fputs("</th>", to);
        for (size_t j = 0; j < classes; j++) {
            const double count = count_at(confusion, k, j);
            const double share = all > 0.0 ? fmin(fmax(count / all, 0.0), 1.0) : 0.0;
            (void)fprintf(to, "<td class=\"cell%s%s\" style=\"--s:%.3f\" title=\"",
                          j == k ? " hit" : "",
                          share > 0.8   ? " strong full"
                          : share > 0.6 ? " strong"
                                        : "",
                          share);
            mien_html_text(to, class_at(evaluation, k));
            (void)fputs(" taken for ", to);
            mien_html_text(to, class_at(evaluation, j));
            (void)fprintf(to, ": %s", mien_html_count(text, count));
            (void)fprintf(to, " of %s\">", mien_html_count(text, all));
            (void)fprintf(to, "<b>%s</b><i>%.0f %%</i></td>", mien_html_count(text, count),
                          100.0 * share);
        }
        (void)fputs("</tr>\n", to);
    }
    (void)fputs("</tbody></table></div>\n", to);
}

/* One entry beside the diagonal. */
struct pair {
    double count;
    size_t truth, taken;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *const x = a;
    const struct pair *const y = b;
    return x->count != y->count   ? (x->count < y->count ? 1 : -1)
           : x->truth != y->truth ? (x->truth < y->truth ? -1 : 1)
                                  : (x->taken < y->taken ? -1 : x->taken > y->taken);
}

/* The most frequent confusions, where there is no room for all. */
static void write_pairs(FILE *to, const json_t *evaluation, const json_t *confusion, size_t classes)
{
    struct pair best[MOST_PAIRS + 1];
    size_t used = 0;
    char text[MIEN_HTML_COUNT_BYTES];
    for (size_t k = 0; k < classes; k++) {
        for (size_t j = 0; j < classes; j++) {
            const double count = count_at(confusion, k, j);
            if (j != k && count > 0.0) {
                best[used++] = (struct pair){ count, k, j };
                qsort(best, used, sizeof(best[0]), compare_pairs);
                used = used > MOST_PAIRS ? MOST_PAIRS : used;
            }
        }
    }
    (void)fprintf(to,
                  "<p>%zu classes are too many for a matrix; these were taken for others most "
                  "often:</p>\n<ul>\n",
                  classes);
    for (size_t i = 0; i < used; i++) {
        (void)fputs("<li>", to);
        mien_html_text(to, class_at(evaluation, best[i].truth));
        (void)fputs(" taken for ", to);
        mien_html_text(to, class_at(evaluation, best[i].taken));
        (void)fprintf(to, ": %s</li>\n", mien_html_count(text, best[i].count));
    }
    (void)fputs("</ul>\n", to);
}

void mien_report_confusion(FILE *to, const json_t *report)
{
    const json_t *const evaluation = json_object_get(report, "evaluation");
    const json_t *const confusion = json_object_get(evaluation, "confusion");
    const size_t classes = json_array_size(confusion);
    if (classes == 0) {
        return;
    }
    mien_html_section(to, "confusion", "Confusion",
                      "A row is what the images are, a column what they were taken for: how many, "
                      "and their share of the row.");
    if (classes <= MOST_COLUMNS) {
        write_matrix(to, evaluation, confusion, classes);
    } else {
        write_pairs(to, evaluation, confusion, classes);
    }
    mien_html_section_end(to);
}

static void write_measure(FILE *to, const json_t *row, const char *key)
{
    const double value = mien_part_number(row, key);
    char text[MIEN_HTML_COUNT_BYTES];
    (void)fprintf(to, "<td class=\"bar\" style=\"--s:%.3f\"><span>%s</span></td>",
                  value >= 0.0 && value <= 1.0 ? value : 0.0, mien_html_fixed(text, value, 3));
}

void mien_report_classes(FILE *to, const json_t *report)
{
    const json_t *const rows = json_object_get(json_object_get(report, "evaluation"), "per_class");
    const json_t *row = NULL;
    size_t i = 0;
    char text[MIEN_HTML_COUNT_BYTES];
    if (json_array_size(rows) == 0) {
        return;
    }
    mien_html_section(to, "classes", "Classes",
                      "Precision: how many of the images taken for a class are of it. Recall: how "
                      "many of its images were found. F1: their harmonic mean.");
    (void)fputs("<div class=\"scroll\"><table class=\"classes\"><thead><tr>"
                "<th class=\"left\">class</th><th>images</th><th class=\"measure\">precision</th>"
                "<th class=\"measure\">recall</th><th class=\"measure\">F1</th></tr></thead>\n"
                "<tbody>\n",
                to);
    json_array_foreach(rows, i, row)
    {
        (void)fputs("<tr><th scope=\"row\" class=\"left\">", to);
        mien_html_text(to, mien_part_text(row, "class"));
        (void)fprintf(to, "</th><td>%s</td>",
                      mien_html_count(text, mien_part_number(row, "support")));
        write_measure(to, row, "precision");
        write_measure(to, row, "recall");
        write_measure(to, row, "f1");
        (void)fputs("</tr>\n", to);
    }
    (void)fputs("</tbody></table></div>\n", to);
    mien_html_section_end(to);
}

/* Units of the SVG: a square of accuracy over confidence, and a strip of how many images below. */
enum { LEFT = 58, TOP = 12, SQUARE = 250, STRIP = 46, GAP = 42, RIGHT = 14 };

static void draw_bin(FILE *to, const json_t *bin, double most)
{
    const double from = mien_part_number(bin, "from");
    const double width = mien_part_number(bin, "to") - from;
    const double images = mien_part_number(bin, "images");
    const double accuracy = mien_part_number(bin, "accuracy");
    const double confidence = mien_part_number(bin, "confidence");
    if (!(from >= 0.0 && width > 0.0 && from + width < 1.0001 && images > 0.0 && accuracy >= 0.0 &&
          accuracy <= 1.0 && confidence >= 0.0 && confidence <= 1.0)) {
        return;
    }
    const double x = LEFT + SQUARE * from + 1.0;
    const double wide = SQUARE * width - 2.0;
    const double y = TOP + SQUARE * (1.0 - accuracy);
    const double middle = TOP + SQUARE * (1.0 - confidence);
    const double high = STRIP * images / most;
    (void)fprintf(to,
                  "<g class=\"bin\"><title>%.0f images, confidence %.1f %%, accuracy %.1f %%"
                  "</title><rect class=\"accuracy\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                  "height=\"%.1f\"/>",
                  images, 100.0 * confidence, 100.0 * accuracy, x, y, wide, SQUARE * accuracy);
    (void)fprintf(to, "<rect class=\"gap\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                  x, fmin(y, middle), wide, fabs(y - middle));
    (void)fprintf(to,
                  "<rect class=\"images\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                  "height=\"%.1f\"/></g>\n",
                  x, TOP + SQUARE + GAP + STRIP - high, wide, high);
}

static void draw_calibration(FILE *to, const json_t *bins)
{
    const json_t *bin = NULL;
    size_t i = 0;
    double most = 1.0;
    json_array_foreach(bins, i, bin)
    {
        most = fmax(most, mien_part_number(bin, "images"));
    }
    (void)fprintf(to,
                  "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"accuracy over "
                  "confidence\">\n",
                  LEFT + SQUARE + RIGHT, TOP + SQUARE + GAP + STRIP + 4);
    for (int mark = 0; mark <= 100; mark += 20) {
        const double y = TOP + SQUARE * (1.0 - mark / 100.0);
        (void)fprintf(to,
                      "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text class=\"end\" x=\"%d\" y=\"%.1f\">%d %%</text>"
                      "<text class=\"middle\" x=\"%.1f\" y=\"%d\">%d</text>\n",
                      LEFT, LEFT + SQUARE, y, y, LEFT - 7, y + 4.0, mark,
                      LEFT + SQUARE * mark / 100.0, TOP + SQUARE + 17, mark);
    }
    json_array_foreach(bins, i, bin)
    {
        draw_bin(to, bin, most);
    }
    (void)fprintf(to,
                  "<line class=\"ideal\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n"
                  "<text class=\"middle\" x=\"%d\" y=\"%d\">confidence, %%</text>\n"
                  "<text class=\"end\" x=\"%d\" y=\"%d\">accuracy</text>\n"
                  "<text class=\"end\" x=\"%d\" y=\"%d\">images</text></svg>\n",
                  LEFT, TOP + SQUARE, LEFT + SQUARE, TOP, LEFT + SQUARE / 2, TOP + SQUARE + 33,
                  LEFT - 7, TOP + SQUARE / 10 + 4, LEFT - 7, TOP + SQUARE + GAP + STRIP);
}

void mien_report_calibration(FILE *to, const json_t *report)
{
    const json_t *const evaluation = json_object_get(report, "evaluation");
    const json_t *const bins = json_object_get(evaluation, "calibration");
    char text[MIEN_HTML_COUNT_BYTES];
    if (json_array_size(bins) == 0) {
        return;
    }
    mien_html_section(to, "calibration", "Calibration",
                      "Of the images that the network was so sure of, how many did it get right? "
                      "On the dashed line it is as good as it says; below it, too sure of itself.");
    (void)fputs("<div class=\"beside-text\"><figure class=\"calibration\">\n", to);
    draw_calibration(to, bins);
    (void)fputs("</figure>\n<dl class=\"notes\"><dt><span class=\"key accuracy\"></span>accuracy"
                "</dt><dd>of the images in a bin of confidence</dd>"
                "<dt><span class=\"key gap\"></span>gap</dt><dd>between it and their mean "
                "confidence</dd>"
                "<dt><span class=\"key images\"></span>images</dt><dd>in the bin</dd>"
                "<dt>expected calibration error</dt><dd>",
                to);
    (void)fprintf(to, "%s: the mean gap, each image counting the same</dd></dl></div>\n",
                  mien_html_fixed(text, mien_part_number(evaluation, "ece"), 4));
    mien_html_section_end(to);
}
