/* page.c - a report as one HTML page */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/print.h"
#include "report/parts.h"
#include "report/report.h"

/* One number, large, with what it is and what stands beside it. */
static void write_tile(FILE *to, const char *name, const char *value, const char *beside)
{
    (void)fprintf(to, "<div class=\"tile\"><div class=\"name\">%s</div><div class=\"value\">",
                  name);
    mien_html_text(to, value);
    (void)fputs("</div><div class=\"beside\">", to);
    mien_html_text(to, beside);
    (void)fputs("</div></div>\n", to);
}

static void write_quality(FILE *to, const json_t *evaluation)
{
    char value[64];
    char beside[160];
    char number[MIEN_HTML_COUNT_BYTES];
    char hits[MIEN_HTML_COUNT_BYTES];
    char all[MIEN_HTML_COUNT_BYTES];
    const double accuracy = mien_part_number(evaluation, "accuracy");
    const double images = mien_part_number(evaluation, "images");
    (void)snprintf(value, sizeof(value), "%s %%", mien_html_fixed(number, 100.0 * accuracy, 2));
    (void)snprintf(beside, sizeof(beside), "%s of %s %.20s images",
                   mien_html_count(hits, accuracy * images), mien_html_count(all, images),
                   mien_part_text(evaluation, "split"));
    write_tile(to, "accuracy", value, beside);
    write_tile(to, "macro F1", mien_html_fixed(number, mien_part_number(evaluation, "macro_f1"), 3),
               "mean of the classes' F1");
    (void)snprintf(value, sizeof(value), "%s %%",
                   mien_html_fixed(number, 100.0 * mien_part_number(evaluation, "top2"), 2));
    write_tile(to, "top 2", value, "right with the first or second guess");
    write_tile(to, "loss", mien_html_fixed(number, mien_part_number(evaluation, "loss"), 4),
               "mean cross-entropy");
    write_tile(to, "calibration error",
               mien_html_fixed(number, mien_part_number(evaluation, "ece"), 4), "ECE, 0 is best");
}

/* The best epoch of a history, by validation accuracy where there is one; NULL: none. */
static const json_t *best_row(const json_t *history, const char **key)
{
    const json_t *best = NULL;
    const json_t *row = NULL;
    size_t i = 0;
    *key = "train_accuracy";
    json_array_foreach(history, i, row)
    {
        *key = json_is_number(json_object_get(row, "validation_accuracy")) ? "validation_accuracy"
                                                                           : *key;
    }
    json_array_foreach(history, i, row)
    {
        const double value = mien_part_number(row, *key);
        best = best == NULL || value > mien_part_number(best, *key) ? row : best;
    }
    return best;
}

static void write_training(FILE *to, const json_t *report, bool evaluated)
{
    char value[64];
    char beside[160];
    char time[MIEN_HTML_TIME_BYTES];
    char number[MIEN_HTML_COUNT_BYTES];
    const char *key = NULL;
    const json_t *const run = json_object_get(report, "run");
    const json_t *const history = json_object_get(report, "history");
    const json_t *const best = best_row(history, &key);
    const size_t epochs = json_array_size(history);
    if (best == NULL) {
        return;
    }
    if (!evaluated) {
        (void)snprintf(value, sizeof(value), "%s %%",
                       mien_html_fixed(number, 100.0 * mien_part_number(best, key), 2));
        write_tile(to, "best accuracy", value,
                   strcmp(key, "train_accuracy") == 0 ? "training" : "validation");
    }
    (void)snprintf(beside, sizeof(beside), "of %zu%s", epochs,
                   strcmp(mien_part_text(run, "state"), "running") == 0 ? " so far" : "");
    write_tile(to, "best epoch", mien_html_fixed(number, mien_part_number(best, "epoch"), 0),
               beside);
    double seconds = 0.0;
    size_t i = 0;
    const json_t *row = NULL;
    json_array_foreach(history, i, row)
    {
        seconds += mien_part_number(row, "seconds");
    }
    (void)snprintf(value, sizeof(value), "%s", mien_html_time(time, seconds));
    (void)snprintf(beside, sizeof(beside), "%s an epoch",
                   mien_html_time(time, seconds / (double)epochs));
    write_tile(to, "training time", value, beside);
}

void mien_report_headline(FILE *to, const json_t *report)
{
    char count[MIEN_HTML_COUNT_BYTES];
    char beside[64];
    const json_t *const evaluation = json_object_get(report, "evaluation");
    const json_t *const network = json_object_get(json_object_get(report, "model"), "network");
    const double parameters = mien_part_number(network, "parameters");
    (void)fputs("<div class=\"tiles\">\n", to);
    if (json_is_object(evaluation)) {
        write_quality(to, evaluation);
    }
    write_training(to, report, json_is_object(evaluation));
    if (isfinite(parameters)) {
        (void)snprintf(beside, sizeof(beside), "%.3g MFLOP an image",
                       mien_part_number(network, "flop") / 1e6);
        write_tile(to, "parameters", mien_html_count(count, parameters), beside);
    }
    (void)fputs("</div>\n", to);
}

static void write_head(FILE *to, const json_t *report)
{
    const double reload = mien_part_number(report, "reload_seconds");
    const char *const name = mien_part_text(report, "name");
    (void)fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                /* Whatever a file may have brought in: it loads nothing and sends nothing. */
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n",
                to);
    if (reload >= 1.0 && reload <= 3600.0) {
        (void)fprintf(to, "<meta http-equiv=\"refresh\" content=\"%.0f\">\n", reload);
    }
    (void)fputs("<title>", to);
    mien_html_text(to, name);
    (void)fprintf(to,
                  " - mien report</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>",
                  mien_report_style);
    mien_html_text(to, name);
    (void)fputs("</h1>\n<p class=\"lead\">", to);
    const json_t *const run = json_object_get(report, "run");
    const char *const state = mien_part_text(run, "state");
    if (*state != '\0') {
        (void)fputs("<span class=\"state ", to);
        mien_html_text(to, state);
        (void)fputs("\">", to);
        mien_html_text(to,
                       strcmp(state, "ended") == 0 ? mien_part_text(run, "ended_because") : state);
        (void)fputs("</span> ", to);
    }
    if (strcmp(state, "failed") == 0) {
        mien_html_text(to, mien_part_text(run, "error"));
    }
    mien_html_text(to, mien_part_text(json_object_get(report, "model"), "file"));
    (void)fputs("</p>\n</header>\n", to);
}

/* Links to the sections that there are. */
static void write_contents(FILE *to, const json_t *report)
{
    static const struct {
        const char *key, *id, *title;
    } parts[] = {
        { "history", "curves", "Curves" },      { "samples", "samples", "Images" },
        { "model", "network", "Network" },      { "evaluation", "confusion", "Quality" },
        { "mistakes", "mistakes", "Mistakes" }, { "filters", "filters", "Filters" },
        { "maps", "maps", "Feature maps" },     { "format", "origin", "Origin" },
    };
    (void)fputs("<nav>", to);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (mien_report_has(report, parts[i].key) || strcmp(parts[i].key, "format") == 0) {
            (void)fprintf(to, "<a href=\"#%s\">%s</a>\n", parts[i].id, parts[i].title);
        }
    }
    (void)fputs("</nav>\n", to);
}

static void write_page(FILE *to, const void *user)
{
    const json_t *const report = user;
    write_head(to, report);
    write_contents(to, report);
    (void)fputs("<main>\n", to);
    mien_report_headline(to, report);
    mien_report_curves(to, report);
    mien_report_samples(to, report);
    mien_report_network(to, report);
    if (mien_report_has(report, "evaluation")) {
        mien_report_confusion(to, report);
        mien_report_classes(to, report);
        mien_report_calibration(to, report);
    }
    mien_report_mistakes(to, report);
    mien_report_filters(to, report);
    mien_report_maps(to, report);
    mien_report_origin(to, report);
    (void)fprintf(to, "</main>\n<script>\n%s</script>\n</body>\n</html>\n", mien_report_script);
}

enum mien_status mien_report_page(char **out, size_t *bytes, const json_t *report,
                                  struct mien_error *err)
{
    *out = NULL;
    *bytes = 0;
    if (strcmp(mien_part_text(report, "format"), MIEN_REPORT_FORMAT) != 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "no report: its format is '%.40s', expected '%s'",
                         mien_part_text(report, "format"), MIEN_REPORT_FORMAT);
    }
    return mien_print(out, bytes, write_page, report, "the page", err);
}
