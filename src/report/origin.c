/* origin.c - where the results come from: commands, data, device, time */
#include <math.h>
#include <string.h>

#include "report/parts.h"

static void write_row(FILE *to, const char *name, const char *value)
{
    if (*value != '\0') {
        (void)fprintf(to, "<dt>%s</dt><dd>", name);
        mien_html_text(to, value);
        (void)fputs("</dd>\n", to);
    }
}

static void write_command(FILE *to, const char *command)
{
    if (*command != '\0') {
        (void)fputs("<pre>", to);
        mien_html_text(to, command);
        (void)fputs("</pre>\n", to);
    }
}

static void write_device(FILE *to, const char *what, const json_t *device)
{
    char text[512];
    if (!json_is_object(device)) {
        return;
    }
    (void)snprintf(text, sizeof(text), "%.200s (%.20s)", mien_part_text(device, "name"),
                   mien_part_text(device, "kind"));
    write_row(to, what, text);
    write_row(to, "driver", mien_part_text(device, "driver"));
    write_row(to, "platform", mien_part_text(device, "platform"));
    write_row(to, "OpenCL", mien_part_text(device, "opencl"));
}

static void write_data(FILE *to, const json_t *data)
{
    static const char *const splits[] = { "train", "validation", "test" };
    char text[160] = "";
    char count[MIEN_HTML_COUNT_BYTES];
    if (!json_is_object(data)) {
        return;
    }
    write_row(to, "data", mien_part_text(data, "path"));
    write_row(to, "fingerprint", mien_part_text(data, "fingerprint"));
    for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
        const double images = mien_part_number(data, splits[i]);
        const size_t used = strlen(text);
        if (images > 0.0) {
            (void)snprintf(text + used, sizeof(text) - used, "%s%s %s", used > 0 ? ", " : "",
                           mien_html_count(count, images), splits[i]);
        }
    }
    write_row(to, "images", text);
}

/* Fastest, usual and slowest epoch. */
static void write_times(FILE *to, const json_t *history)
{
    double low = (double)INFINITY;
    double high = 0.0;
    double sum = 0.0;
    double rate = 0.0;
    size_t i = 0;
    const json_t *row = NULL;
    char text[256];
    char times[3][MIEN_HTML_TIME_BYTES];
    const double count = (double)json_array_size(history);
    json_array_foreach(history, i, row)
    {
        const double seconds = mien_part_number(row, "seconds");
        low = fmin(low, seconds);
        high = fmax(high, seconds);
        sum += seconds;
        rate += mien_part_number(row, "images_per_s");
    }
    if (count > 0.0 && isfinite(sum)) {
        (void)snprintf(text, sizeof(text), "%s, from %s to %s",
                       mien_html_time(times[0], sum / count), mien_html_time(times[1], low),
                       mien_html_time(times[2], high));
        write_row(to, "time an epoch", text);
        (void)snprintf(text, sizeof(text), "%.0f images a second on average", rate / count);
        write_row(to, "training", text);
    }
}

void mien_report_origin(FILE *to, const json_t *report)
{
    const json_t *const run = json_object_get(report, "run");
    const json_t *const evaluation = json_object_get(report, "evaluation");
    const json_t *resumed = NULL;
    size_t i = 0;
    mien_html_section(to, "origin", "Origin", NULL);
    write_command(to, mien_part_text(run, "command"));
    json_array_foreach(json_object_get(run, "resumed_by"), i, resumed)
    {
        write_command(to, json_is_string(resumed) ? json_string_value(resumed) : "");
    }
    write_command(to, mien_part_text(report, "command"));
    (void)fputs("<dl>\n", to);
    write_row(to, "model", mien_part_text(json_object_get(report, "model"), "file"));
    write_data(to, json_object_get(run, "data"));
    write_device(to, "trained on", json_object_get(run, "device"));
    write_times(to, json_object_get(report, "history"));
    if (json_is_object(evaluation)) {
        const json_t *const data = json_object_get(evaluation, "data");
        if (strcmp(mien_part_text(data, "fingerprint"),
                   mien_part_text(json_object_get(run, "data"), "fingerprint")) != 0) {
            write_data(to, data);
        }
        write_row(to, "evaluated on", mien_part_text(evaluation, "device"));
        write_row(to, "driver", mien_part_text(evaluation, "driver"));
    }
    write_row(to, "mien", mien_part_text(report, "version"));
    (void)fputs("</dl>\n", to);
    mien_html_section_end(to);
}
