/* targets.c - target distributions: what is right for an image, as shares of all classes */
#include "data/targets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/letters.h"
#include "base/memory.h"
#include "base/number.h"
#include "data/build.h"

enum { MAX_BYTES = 1 << 30, COLUMNS = 2 * MIEN_MAX_CLASSES + 16 };
enum { NOT_A_CLASS = -1 }; /* what mien_class_find() says */

/* What rounding may have done to a sum of shares. */
#define SUM_MARGIN 1e-3

enum mien_status mien_targets_check(const struct mien_dataset *set, struct mien_error *err)
{
    const size_t classes = (size_t)set->class_count;
    for (size_t i = 0; i < set->count; i++) {
        double sum = 0.0;
        for (size_t c = 0; c < classes; c++) {
            const double share = (double)set->targets[i * classes + c];
            if (!(share >= 0.0 && share <= 1.0 + SUM_MARGIN)) {
                return mien_fail(err, MIEN_ERR_FORMAT,
                                 "image %zu has the share %g of class %zu; expected 0 to 1", i,
                                 share, c);
            }
            sum += share;
        }
        if (!(fabs(sum - 1.0) <= SUM_MARGIN)) {
            return mien_fail(err, MIEN_ERR_FORMAT, "the shares of image %zu sum to %g; expected 1",
                             i, sum);
        }
    }
    return MIEN_OK;
}

/* A file with target distributions while it is read. */
struct reader {
    const char *path;
    const struct mien_log *log;
    struct mien_dataset *set;
    struct mien_csv csv;
    const char **fields; /* [COLUMNS]: the row read last */
    size_t field_count;

    size_t column_count, image_column;
    int *class_of; /* [column_count]: the class that a column is of, or NOT_A_CLASS */

    struct named {
        const char *name;
        size_t image;
    } * names;      /* [set->count], sorted */
    char *numbers;  /* what they point into where the set has no names */
    double *votes;  /* [classes]: those of the row */
    float *targets; /* [set->count][classes] */
    uint8_t *seen;  /* [set->count] */
    size_t found, blank,
        strange; /* rows: of an image, of these with nothing above 0; of no image */
};

static enum mien_status next_row(struct reader *r, struct mien_error *err)
{
    const enum mien_status st = mien_csv_row(r->fields, COLUMNS, &r->field_count, &r->csv, err);
    return st == MIEN_OK ? st : mien_wrap(err, st, "%.800s:%zu", r->path, r->csv.line);
}

static enum mien_status refuse_twice(const struct reader *r, const char *name,
                                     struct mien_error *err)
{
    return mien_fail(err, MIEN_ERR_FORMAT, "%.800s:%zu: two columns of '%.200s'", r->path,
                     r->csv.line, name);
}

static enum mien_status read_header(struct reader *r, struct mien_error *err)
{
    const enum mien_status st = next_row(r, err);
    size_t classes = 0;
    if (st != MIEN_OK) {
        return st;
    }
    r->column_count = r->field_count;
    r->image_column = r->field_count;
    r->class_of = mien_calloc(r->field_count + 1, sizeof(*r->class_of), err);
    if (r->class_of == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < r->field_count; i++) {
        const bool is_image = mien_same_text(r->fields[i], "image");
        r->class_of[i] = is_image
                             ? NOT_A_CLASS
                             : mien_class_find(r->set->classes, r->set->class_count, r->fields[i]);
        if (is_image && r->image_column < r->field_count) {
            return refuse_twice(r, r->fields[i], err);
        }
        for (size_t k = 0; k < i && r->class_of[i] != NOT_A_CLASS; k++) {
            if (r->class_of[k] == r->class_of[i]) {
                return refuse_twice(r, r->set->classes[r->class_of[i]], err);
            }
        }
        r->image_column = is_image ? i : r->image_column;
        classes += r->class_of[i] != NOT_A_CLASS ? 1 : 0;
        if (!is_image && r->class_of[i] == NOT_A_CLASS) {
            mien_log_line(r->log, "%s: the column '%s' is no class of the data: passed over",
                          r->path, r->fields[i]);
        }
    }
    if (r->image_column == r->field_count || classes == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%.800s:%zu: no column %s; expected a header with image and the names of "
                         "classes",
                         r->path, r->csv.line,
                         classes == 0 ? "of a class of the data" : "\"image\"");
    }
    return MIEN_OK;
}

static int compare_names(const void *a, const void *b)
{
    const struct named *const x = a;
    const struct named *const y = b;
    return strcmp(x->name, y->name);
}

static enum mien_status sort_names(struct reader *r, struct mien_error *err)
{
    const struct mien_dataset *const set = r->set;
    r->names = mien_calloc(set->count, sizeof(*r->names), err);
    r->numbers = mien_calloc(set->count, MIEN_DATASET_NAME_BYTES, err);
    if (r->names == NULL || r->numbers == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < set->count; i++) {
        char *const number = r->numbers + i * MIEN_DATASET_NAME_BYTES;
        r->names[i] = (struct named){ mien_dataset_name(number, set, i), i };
    }
    qsort(r->names, set->count, sizeof(*r->names), compare_names);
    return MIEN_OK;
}

/* The row's proportions as shares; an image that nobody has a word on keeps its label. */
static enum mien_status take_shares(struct reader *r, size_t image, struct mien_error *err)
{
    const size_t classes = (size_t)r->set->class_count;
    double sum = 0.0;
    memset(r->votes, 0, classes * sizeof(*r->votes));
    for (size_t i = 0; i < r->column_count; i++) {
        char *end = NULL;
        if (r->class_of[i] == NOT_A_CLASS) {
            continue;
        }
        const double vote = strtod(r->fields[i], &end);
        if (end == r->fields[i] || end[strspn(end, " \t")] != '\0' ||
            !(vote >= 0.0 && vote <= 1e30)) {
            return mien_fail(
                err, MIEN_ERR_FORMAT,
                "%.800s:%zu: '%.60s' for the class %.200s; expected a number from 0 to 1e30",
                r->path, r->csv.line, r->fields[i], r->set->classes[r->class_of[i]]);
        }
        r->votes[r->class_of[i]] = vote;
        sum += vote;
    }
    for (size_t c = 0; c < classes && sum > 0.0; c++) {
        r->targets[image * classes + c] = (float)(r->votes[c] / sum);
    }
    r->blank += sum > 0.0 ? 0 : 1;
    return MIEN_OK;
}

static enum mien_status read_row(struct reader *r, struct mien_error *err)
{
    if (r->field_count != r->column_count) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%.800s:%zu: %zu values; expected %zu", r->path,
                         r->csv.line, r->field_count, r->column_count);
    }
    const struct named wanted = { r->fields[r->image_column], 0 };
    const struct named *const named =
        bsearch(&wanted, r->names, r->set->count, sizeof(*r->names), compare_names);
    if (named == NULL) {
        r->strange++;
        return MIEN_OK;
    }
    if (r->seen[named->image] != 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%.800s:%zu: %.400s comes a second time", r->path,
                         r->csv.line, wanted.name);
    }
    r->seen[named->image] = 1;
    r->found++;
    return take_shares(r, named->image, err);
}

/* Every image has its label until a row says more. */
static enum mien_status begin_targets(struct reader *r, struct mien_error *err)
{
    const size_t classes = (size_t)r->set->class_count;
    r->votes = mien_calloc(classes, sizeof(*r->votes), err);
    r->targets = mien_calloc(r->set->count, classes * sizeof(*r->targets), err);
    r->seen = mien_calloc(r->set->count, 1, err);
    if (r->votes == NULL || r->targets == NULL || r->seen == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < r->set->count; i++) {
        r->targets[i * classes + (size_t)r->set->labels[i]] = 1.0f;
    }
    return MIEN_OK;
}

static enum mien_status settle(struct reader *r, struct mien_error *err)
{
    struct mien_data_storage *const storage = mien_dataset_storage(r->set);
    if (r->found == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%.800s: none of its %zu images is in the data",
                         r->path, r->strange);
    }
    mien_log_line(r->log,
                  "%s: target distributions of %zu of %zu images; the others have their label",
                  r->path, r->found - r->blank, r->set->count);
    if (r->strange > 0) {
        mien_log_line(r->log, "%s: %zu of its images are not in the data", r->path, r->strange);
    }
    free(storage->targets);
    storage->targets = r->targets;
    r->set->targets = r->targets;
    r->targets = NULL;
    mien_dataset_identify(r->set);
    return MIEN_OK;
}

static enum mien_status read_rows(struct reader *r, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_plain_numbers numbers;
    TRY(read_header(r, err));
    TRY(sort_names(r, err));
    TRY(begin_targets(r, err));
    TRY(mien_plain_numbers_begin(&numbers, err));
    for (st = next_row(r, err); st == MIEN_OK && r->field_count > 0; st = next_row(r, err)) {
        st = read_row(r, err);
        if (st != MIEN_OK) {
            break;
        }
    }
    mien_plain_numbers_end(&numbers);
    TRY(st);
    TRY(settle(r, err));

done:
    return st;
}

enum mien_status mien_targets_read(struct mien_dataset *set, const char *path,
                                   const struct mien_log *log, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    unsigned char *data = NULL;
    size_t bytes = 0;
    struct reader r = { .path = path, .log = log, .set = set };
    r.fields = mien_calloc(COLUMNS, sizeof(*r.fields), err);
    if (r.fields == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_file_read(&data, &bytes, path, MAX_BYTES, err));
    if (strlen((char *)data) != bytes) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "%.800s: it holds a zero byte; expected a CSV file",
                       path);
        goto done;
    }
    r.csv = mien_csv_begin((char *)data);
    TRY(read_rows(&r, err));

done:
    free(data);
    free((void *)r.fields);
    free(r.class_of);
    free(r.names);
    free(r.numbers);
    free(r.votes);
    free(r.targets);
    free(r.seen);
    return st;
}
