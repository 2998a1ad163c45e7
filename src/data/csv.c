/* csv.c - fer2013.csv: emotion, pixels, Usage */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/letters.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/build.h"
#include "data/image.h"

/* A piece of the mapped file. */
struct span {
    const char *text;
    size_t length;
};

enum column { COLUMN_EMOTION, COLUMN_PIXELS, COLUMN_USAGE, COLUMNS, MAX_FIELDS = 64 };
enum { ROW_NAME_BYTES = 24 };

struct row {
    struct span line;
    size_t number; /* of the line in the file, from 1 */
    size_t index;  /* of the row, from 0 */
    struct span pixels;
    size_t place; /* in the data set */
    int label, split;
    bool bad; /* it could not be cut */
};

struct csv {
    const struct mien_load *load;
    const char *path;
    int fields[COLUMNS]; /* which field of a line holds the column; -1: none */
    size_t count, capacity;
    struct row *rows;
    int side; /* of the images in the file, pixels */
    struct mien_dataset *set;
    uint8_t *images;
};

static const char *const column_names[COLUMNS] = { "emotion", "pixels", "Usage" };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '"';
}

/* Without blanks and quotes at both ends. */
static struct span trim(struct span span)
{
    while (span.length > 0 && is_blank(span.text[0])) {
        span.text++;
        span.length--;
    }
    while (span.length > 0 && is_blank(span.text[span.length - 1])) {
        span.length--;
    }
    return span;
}

static bool is_word(struct span span, const char *word)
{
    return span.length == strlen(word) && mien_same_letters(span.text, word, span.length);
}

/* How much of a span an error shows. */
static int shown(struct span span)
{
    return span.length > 40 ? 40 : (int)span.length;
}

/* Split a line at its commas; the number of fields, at most MAX_FIELDS. */
static int cut_fields(struct span fields[MAX_FIELDS], struct span line)
{
    int count = 0;
    const char *const end = line.text + line.length;
    const char *next = line.text;
    while (count < MAX_FIELDS) {
        const char *comma = memchr(next, ',', (size_t)(end - next));
        const char *const stop = comma == NULL ? end : comma;
        fields[count++] = trim((struct span){ next, (size_t)(stop - next) });
        if (comma == NULL) {
            break;
        }
        next = comma + 1;
    }
    return count;
}

static enum mien_status read_header(struct csv *csv, struct span line, struct mien_error *err)
{
    struct span fields[MAX_FIELDS];
    if (line.length >= 3 && memcmp(line.text, "\xef\xbb\xbf", 3) == 0) {
        line.text += 3;
        line.length -= 3;
    }
    const int count = cut_fields(fields, line);
    for (int c = 0; c < COLUMNS; c++) {
        csv->fields[c] = -1;
        for (int f = 0; f < count; f++) {
            if (!is_word(fields[f], column_names[c])) {
                continue;
            }
            if (csv->fields[c] >= 0) {
                return mien_fail(err, MIEN_ERR_FORMAT, "%.800s:1: two columns named \"%s\"",
                                 csv->path, column_names[c]);
            }
            csv->fields[c] = f;
        }
        if (csv->fields[c] < 0 && c != COLUMN_USAGE) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "%.800s:1: no column \"%s\"; expected the header "
                             "emotion,pixels,Usage, got \"%.*s\"",
                             csv->path, column_names[c], shown(line), line.text);
        }
    }
    return MIEN_OK;
}

static enum mien_status add_row(struct csv *csv, struct span line, size_t number,
                                struct mien_error *err)
{
    if (csv->count == csv->capacity) {
        const size_t capacity = 2 * csv->capacity + 4096;
        struct row *const rows = mien_realloc(csv->rows, capacity, sizeof(*rows), err);
        if (rows == NULL) {
            return MIEN_ERR_MEMORY;
        }
        csv->rows = rows;
        csv->capacity = capacity;
    }
    csv->rows[csv->count] = (struct row){ .line = line, .number = number, .index = csv->count };
    csv->count++;
    return MIEN_OK;
}

/* The header and where each row lies; empty lines are passed over. */
static enum mien_status cut_lines(struct csv *csv, struct span file, struct mien_error *err)
{
    if (file.length == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%.800s: empty; expected a header and rows of emotion,pixels,Usage",
                         csv->path);
    }
    const char *const end = file.text + file.length;
    const char *next = file.text;
    size_t number = 0;
    while (next < end) {
        const char *const newline = memchr(next, '\n', (size_t)(end - next));
        const char *const stop = newline == NULL ? end : newline;
        const struct span line = { next, (size_t)(stop - next) };
        enum mien_status st = MIEN_OK;
        number++;
        if (number == 1) {
            st = read_header(csv, line, err);
        } else if (trim(line).length > 0) {
            st = add_row(csv, line, number, err);
        }
        if (st != MIEN_OK) {
            return st;
        }
        next = stop + 1;
    }
    if (csv->count == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%.800s: no rows behind the header; expected at least one", csv->path);
    }
    return MIEN_OK;
}

/* A row's label, its split, where its pixels are. */
static enum mien_status cut_row_fields(const struct csv *csv, struct row *row,
                                       struct mien_error *err)
{
    struct span fields[MAX_FIELDS];
    const int count = cut_fields(fields, row->line);
    for (int c = 0; c < COLUMNS; c++) {
        if (csv->fields[c] >= count) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "%.800s:%zu: %d fields, the column \"%s\" is missing", csv->path,
                             row->number, count, column_names[c]);
        }
    }
    const struct span label = fields[csv->fields[COLUMN_EMOTION]];
    if (label.length != 1 || label.text[0] < '0' || label.text[0] > '6') {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%.800s:%zu: the emotion is \"%.*s\"; expected 0 to 6", csv->path,
                         row->number, shown(label), label.text);
    }
    row->label = label.text[0] - '0';
    row->split = MIEN_SPLIT_TRAIN;
    if (csv->fields[COLUMN_USAGE] >= 0) {
        const struct span usage = fields[csv->fields[COLUMN_USAGE]];
        row->split = mien_split_of(usage.text, usage.length);
        if (row->split < 0) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "%.800s:%zu: the Usage is \"%.*s\"; expected Training, PublicTest or "
                             "PrivateTest",
                             csv->path, row->number, shown(usage), usage.text);
        }
    }
    row->pixels = fields[csv->fields[COLUMN_PIXELS]];
    return MIEN_OK;
}

/* First pass over a row. */
static enum mien_status cut_row(void *user, size_t index, struct mien_error *err)
{
    const struct csv *const csv = user;
    struct row *const row = &csv->rows[index];
    const enum mien_status st = cut_row_fields(csv, row, err);
    row->bad = st != MIEN_OK;
    return csv->load->inspector == NULL ? st : MIEN_OK;
}

static const char *name_row(char out[ROW_NAME_BYTES], const struct row *row)
{
    (void)snprintf(out, ROW_NAME_BYTES, "%zu", row->index);
    return out;
}

static size_t count_values(struct span pixels)
{
    size_t count = 0;
    bool inside = false;
    for (size_t i = 0; i < pixels.length; i++) {
        const bool blank = is_blank(pixels.text[i]);
        count += !blank && !inside ? 1 : 0;
        inside = !blank;
    }
    return count;
}

static struct span first_word(const char *start, const char *end)
{
    struct span word = { start, 0 };
    while (start + word.length < end && !is_blank(start[word.length])) {
        word.length++;
    }
    return word;
}

/* Exactly `count` numbers 0 to 255 with blanks between. */
static enum mien_status parse_pixels(uint8_t *out, size_t count, const struct csv *csv,
                                     const struct row *row, struct mien_error *err)
{
    const char *p = row->pixels.text;
    const char *const end = p + row->pixels.length;
    for (size_t i = 0; i < count; i++) {
        while (p < end && is_blank(*p)) {
            p++;
        }
        const char *const start = p;
        unsigned value = 0;
        while (p < end && *p >= '0' && *p <= '9' && value < 256) {
            value = value * 10 + (unsigned)(*p++ - '0');
        }
        if (start == end) {
            return mien_fail(err, MIEN_ERR_FORMAT, "%.800s:%zu: %zu pixel values; expected %zu",
                             csv->path, row->number, i, count);
        }
        if (p == start || value > 255 || (p < end && !is_blank(*p))) {
            const struct span word = first_word(start, end);
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "%.800s:%zu: pixel value %zu is \"%.*s\"; expected 0 to 255",
                             csv->path, row->number, i + 1, shown(word), word.text);
        }
        out[i] = (uint8_t)value;
    }
    if (p != end) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%.800s:%zu: %zu pixel values; expected %zu",
                         csv->path, row->number, count_values(row->pixels), count);
    }
    return MIEN_OK;
}

/* Second pass: the pixels into their place. */
static enum mien_status read_row(void *user, size_t index, struct mien_error *err)
{
    const struct csv *const csv = user;
    const struct row *const row = &csv->rows[index];
    const struct mien_dataset *const set = csv->set;
    const size_t image = (size_t)set->channels * (size_t)set->height * (size_t)set->width;
    const size_t values = (size_t)csv->side * (size_t)csv->side;
    uint8_t *const to = csv->images + row->place * image;
    if (csv->load->inspector == NULL && set->channels == 1 && set->height == csv->side &&
        set->width == csv->side) {
        return parse_pixels(to, values, csv, row, err);
    }
    struct mien_bitmap bitmap = { 0 };
    enum mien_status st =
        mien_bitmap_allocate(&bitmap, (size_t)csv->side, (size_t)csv->side, 1, err);
    if (st == MIEN_OK) {
        bitmap.channels = 1;
        st = parse_pixels(bitmap.pixels, values, csv, row, err);
    }
    const bool parsed = st == MIEN_OK;
    st = mien_load_inspect(csv->load, row->place, &bitmap, st, err);
    if (parsed && st == MIEN_OK) {
        st = mien_bitmap_fit(to, &bitmap, set->channels, set->height, set->width, err);
    }
    mien_bitmap_finish(&bitmap);
    return st;
}

/* The side of the images, from the row at `index`. */
static enum mien_status find_side(struct csv *csv, size_t index, struct mien_error *err)
{
    const size_t count = count_values(csv->rows[index].pixels);
    size_t side = 0;
    while (side < MIEN_IMAGE_MAX_SIDE && side * side < count) {
        side++;
    }
    if (count == 0 || side * side != count || count > MIEN_IMAGE_MAX_PIXELS) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%.800s:%zu: %zu pixel values; expected those of a square image (48 x 48 "
                         "= 2304)",
                         csv->path, csv->rows[index].number, count);
    }
    csv->side = (int)side;
    return MIEN_OK;
}

/* From the first row; with an inspector, who is to hear of bad ones, from the first good one. */
static enum mien_status choose_side(struct csv *csv, struct mien_error *err)
{
    const enum mien_status st = find_side(csv, 0, err);
    if (st == MIEN_OK || csv->load->inspector == NULL) {
        return st;
    }
    for (size_t i = 1; i < csv->count; i++) {
        if (find_side(csv, i, NULL) == MIEN_OK) {
            return MIEN_OK;
        }
    }
    return st;
}

/* Drop the rows that the list of exclusions names. */
static enum mien_status leave_out(struct csv *csv, struct mien_error *err)
{
    const size_t count = csv->count;
    char number[ROW_NAME_BYTES];
    csv->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!mien_exclusion_has(csv->load->exclusion, name_row(number, &csv->rows[i]))) {
            csv->rows[csv->count++] = csv->rows[i];
        }
    }
    return mien_exclusion_settle(csv->load->exclusion, count, csv->count, csv->load->options->log,
                                 err);
}

/* Drop the rows that could not be cut, and tell the inspector why. */
static enum mien_status tell_strays(struct csv *csv, struct mien_error *err)
{
    const struct mien_inspector *const inspector = csv->load->inspector;
    const size_t count = csv->count;
    char number[ROW_NAME_BYTES];
    struct mien_error cause = { "" };
    csv->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct row *const row = &csv->rows[i];
        if (!row->bad) {
            csv->rows[csv->count++] = *row;
            continue;
        }
        (void)cut_row_fields(csv, row, &cause);
        const enum mien_status st =
            inspector->stray(inspector->user, name_row(number, row), cause.text, err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    if (csv->count == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s, and no other row is any better", cause.text);
    }
    return MIEN_OK;
}

/* A row's number from 0 is its name, as in the image files that Kaggle's copies have of it. */
static enum mien_status name_rows(struct mien_dataset *set, const struct csv *csv,
                                  struct mien_error *err)
{
    struct mien_data_storage *const storage = mien_dataset_storage(set);
    storage->text = mien_calloc(csv->count, ROW_NAME_BYTES, err);
    set->names = mien_calloc(csv->count, sizeof(*set->names), err);
    if (storage->text == NULL || set->names == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < csv->count; i++) {
        char *const name = storage->text + i * ROW_NAME_BYTES;
        set->names[csv->rows[i].place] = name;
        (void)name_row(name, &csv->rows[i]);
    }
    return MIEN_OK;
}

/* Splits one after another, rows in file order inside each; labels by name, not by number. */
static void place_rows(struct csv *csv)
{
    struct mien_dataset *const set = csv->set;
    int32_t *const labels = mien_dataset_storage(set)->labels;
    size_t counts[MIEN_SPLITS] = { 0 };
    for (size_t i = 0; i < csv->count; i++) {
        counts[csv->rows[i].split]++;
    }
    mien_dataset_set_splits(set, counts);
    const struct mien_class_list classes = { .count = (size_t)set->class_count,
                                             .names = set->classes };
    int label_of[MIEN_EMOTIONS];
    for (int i = 0; i < MIEN_EMOTIONS; i++) {
        label_of[i] = mien_class_list_find(&classes, mien_fer2013_names[i]);
    }
    size_t next[MIEN_SPLITS];
    for (int s = 0; s < MIEN_SPLITS; s++) {
        next[s] = set->splits[s].first;
    }
    for (size_t i = 0; i < csv->count; i++) {
        struct row *const row = &csv->rows[i];
        row->place = next[row->split]++;
        labels[row->place] = label_of[row->label];
    }
}

static enum mien_status make_set(struct csv *csv, struct mien_error *err)
{
    const struct mien_data_options *const options = csv->load->options;
    struct mien_class_list classes = { 0 };
    enum mien_status st = MIEN_OK;
    const int height = options->height != 0 ? options->height : csv->side;
    const int width = options->width != 0 ? options->width : csv->side;
    TRY(mien_dataset_create(&csv->set, csv->count, options->channels, height, width, true, err));
    for (int i = 0; i < MIEN_EMOTIONS; i++) {
        TRY(mien_class_list_add(&classes, mien_fer2013_names[i], err));
    }
    mien_class_list_sort(&classes);
    mien_dataset_take_classes(csv->set, &classes);
    place_rows(csv);
    TRY(name_rows(csv->set, csv, err));
    csv->images = mien_dataset_storage(csv->set)->images;
    csv->set->resized = height != csv->side || width != csv->side ? csv->count : 0;
    csv->set->converted = options->channels != 1 ? csv->count : 0;
done:
    mien_class_list_finish(&classes);
    return st;
}

static enum mien_status load_rows(struct csv *csv, struct mien_error *err)
{
    const struct mien_data_options *const options = csv->load->options;
    const struct mien_inspector *const inspector = csv->load->inspector;
    enum mien_status st = MIEN_OK;
    TRY(leave_out(csv, err));
    TRY(mien_parallel_for(csv->count, options->threads, cut_row, csv, NULL, "", err));
    if (inspector != NULL) {
        TRY(tell_strays(csv, err));
    }
    TRY(choose_side(csv, err));
    TRY(make_set(csv, err));
    if (inspector != NULL) {
        TRY(inspector->begin(inspector->user, csv->set, err));
    }
    TRY(mien_parallel_for(csv->count, options->threads, read_row, csv, options->log, "reading",
                          err));
    TRY(mien_dataset_settle(csv->set, options, err));
done:
    return st;
}

enum mien_status mien_csv_load(struct mien_dataset **out, const struct mien_load *load,
                               struct mien_error *err)
{
    struct csv csv = { .load = load, .path = load->path };
    struct mien_file_map map = { 0 };
    enum mien_status st = MIEN_OK;
    *out = NULL;
    TRY(mien_file_map(&map, load->path, err));
    TRY(cut_lines(&csv, (struct span){ (const char *)map.data, map.bytes }, err));
    TRY(load_rows(&csv, err));
    *out = csv.set;
    csv.set = NULL;
done:
    mien_dataset_destroy(csv.set);
    free(csv.rows);
    mien_file_unmap(&map);
    return st;
}
