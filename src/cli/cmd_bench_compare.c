/* cmd_bench_compare.c - `mien bench compare`: what changed between two measurements */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cmd_bench.h"
#include "cli/text.h"

enum { MAX_FILE_BYTES = 64 << 20 };

enum bench_verdict bench_judge(const struct mien_times *before, const struct mien_times *after)
{
    const double least = 1.0 + 1.0 / 30.0;
    if (after->median_ms > before->median_ms * least && after->min_ms > before->min_ms &&
        after->q1_ms > before->q3_ms) {
        return BENCH_SLOWER;
    }
    if (before->median_ms > after->median_ms * least && before->min_ms > after->min_ms &&
        before->q1_ms > after->q3_ms) {
        return BENCH_FASTER;
    }
    return BENCH_SAME;
}

/* A finite positive number under `key`, or under `other` where that is missing. */
static double number(const json_t *line, const char *key, const char *other)
{
    const json_t *value = json_object_get(line, key);
    value = value == NULL && other != NULL ? json_object_get(line, other) : value;
    const double got = json_number_value(value);
    return isfinite(got) && got > 0.0 ? got : (double)NAN;
}

/*
 * The times of a line that `mien bench --json` printed.  A line of another program may have no more
 * than its median: then only the medians are compared.
 */
static bool read_times(struct mien_times *out, const json_t *line)
{
    out->median_ms = number(line, "step_ms", "median_ms");
    out->min_ms =
        json_object_get(line, "min_ms") != NULL ? number(line, "min_ms", NULL) : out->median_ms;
    out->q1_ms =
        json_object_get(line, "q1_ms") != NULL ? number(line, "q1_ms", NULL) : out->median_ms;
    out->q3_ms =
        json_object_get(line, "q3_ms") != NULL ? number(line, "q3_ms", NULL) : out->median_ms;
    return isfinite(out->median_ms) && isfinite(out->min_ms) && isfinite(out->q1_ms) &&
           isfinite(out->q3_ms);
}

/* Its name, or what `mien bench step` would have called it; false when it has neither. */
static bool read_name(char *out, size_t bytes, const json_t *line)
{
    const char *const name = json_string_value(json_object_get(line, "name"));
    const char *const network = json_string_value(json_object_get(line, "network"));
    const json_t *const batch = json_object_get(line, "batch");
    if (name != NULL) {
        return snprintf(out, bytes, "%s", name) < (int)bytes;
    }
    return network != NULL && json_is_integer(batch) &&
           snprintf(out, bytes, "%s batch %lld", network, (long long)json_integer_value(batch)) <
               (int)bytes;
}

enum mien_status bench_read(json_t **out, const char *path, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    unsigned char *data = NULL;
    size_t bytes = 0;
    json_t *const lines = json_array();
    *out = lines;
    TRY(mien_file_read(&data, &bytes, path, MAX_FILE_BYTES, err));
    size_t row = 1;
    for (size_t at = 0; at < bytes; row++) {
        const unsigned char *const end = memchr(data + at, '\n', bytes - at);
        const size_t length = end == NULL ? bytes - at : (size_t)(end - (data + at));
        json_error_t problem;
        json_t *const line = json_loadb((const char *)data + at, length, 0, &problem);
        struct mien_times times;
        char name[512];
        if (!json_is_object(line) || !read_name(name, sizeof(name), line) ||
            !read_times(&times, line)) {
            st = mien_fail(err, MIEN_ERR_FORMAT,
                           "%.500s:%zu: expected a line of mien bench --json, %s", path, row,
                           line == NULL ? "got what is no JSON object"
                                        : "got one without a name or its times");
        }
        if (st == MIEN_OK && json_array_append(lines, line) != 0) {
            st = mien_fail(err, MIEN_ERR_MEMORY, "no memory for %.500s", path);
        }
        json_decref(line);
        if (st != MIEN_OK) {
            goto done;
        }
        at += length + 1;
    }
    if (json_array_size(lines) == 0) {
        st = mien_fail(err, MIEN_ERR_FORMAT,
                       "%.500s: the file is empty, expected lines of mien bench --json", path);
    }

done:
    free(data);
    return st;
}

static const json_t *find_line(const json_t *lines, const char *name)
{
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *const line = json_array_get(lines, i);
        char other[512];
        if (read_name(other, sizeof(other), line) && strcmp(other, name) == 0) {
            return line;
        }
    }
    return NULL;
}

static enum mien_status print_pair(const struct bench_options *o, const char *name,
                                   const struct mien_times *before, const struct mien_times *after,
                                   struct term *term, struct mien_error *err)
{
    static const char *const words[] = { "same", "faster", "slower" };
    const enum bench_verdict verdict = bench_judge(before, after);
    const double ratio = after->median_ms / before->median_ms;
    if (o->common.json) {
        return term_json(term,
                         json_pack("{s:s, s:f, s:f, s:f, s:s}", "name", name, "old_ms",
                                   before->median_ms, "new_ms", after->median_ms, "ratio", ratio,
                                   "verdict", words[verdict]),
                         err);
    }
    char cell[512];
    term_print(term, "%-60s %12.3f %12.3f %8.3f  %s\n", text_cell(cell, sizeof(cell), name, 0),
               before->median_ms, after->median_ms, ratio,
               verdict == BENCH_SAME ? "no difference beyond noise" : words[verdict]);
    return MIEN_OK;
}

/* Lines of `lines` whose name the other file has not. */
static void note_missing(struct term *term, const json_t *lines, const json_t *others,
                         const char *where)
{
    for (size_t i = 0; i < json_array_size(lines); i++) {
        char name[512];
        if (read_name(name, sizeof(name), json_array_get(lines, i)) &&
            find_line(others, name) == NULL) {
            mien_log_line(&term->log, "only in the %s file: %s", where, name);
        }
    }
}

enum mien_status bench_compare(const struct bench_options *o, struct term *term,
                               struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *before = NULL;
    json_t *after = NULL;
    TRY(bench_read(&before, o->files.items[0], err));
    TRY(bench_read(&after, o->files.items[1], err));
    if (!o->common.json) {
        term_print(term, "%-60s %12s %12s %8s\n", "median ms", "old", "new", "new/old");
    }
    for (size_t i = 0; i < json_array_size(after); i++) {
        const json_t *const line = json_array_get(after, i);
        struct mien_times old_times;
        struct mien_times new_times;
        char name[512];
        if (!read_name(name, sizeof(name), line) || !read_times(&new_times, line)) {
            continue; /* bench_read() took only lines that have both */
        }
        const json_t *const old_line = find_line(before, name);
        if (old_line != NULL && read_times(&old_times, old_line)) {
            TRY(print_pair(o, name, &old_times, &new_times, term, err));
        }
    }
    note_missing(term, before, after, "old");
    note_missing(term, after, before, "new");

done:
    json_decref(after);
    json_decref(before);
    return st;
}
