/* eval_predictions.c - what `mien eval` found of each image, as a CSV file */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "cli/cmd_eval.h"

enum { NUMBER_BYTES = 32 };

/* A line in the making, and room for its longest value. */
struct line {
    struct mien_atomic_file *file;
    char *value;
    size_t value_bytes;
};

/* Write a text as a value, with a comma behind it or, as the last one, the line's end. */
static enum mien_status put(struct line *line, const char *text, bool last, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t most = mien_csv_value_bytes(text) + 1;
    if (most > line->value_bytes) {
        free(line->value);
        line->value_bytes = 0;
        line->value = mien_calloc(2, most, err);
        if (line->value == NULL) {
            return MIEN_ERR_MEMORY;
        }
        line->value_bytes = 2 * most;
    }
    const size_t length = mien_csv_value(line->value, text);
    line->value[length] = last ? '\n' : ',';
    TRY(mien_atomic_write(line->file, line->value, length + 1, err));

done:
    return st;
}

static size_t most_probable(const float *probabilities, size_t classes)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++) {
        best = probabilities[c] > probabilities[best] ? c : best;
    }
    return best;
}

static enum mien_status put_all(struct line *line, const struct eval_predictions *found,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t classes = (size_t)found->class_count;
    TRY(put(line, "image", false, err));
    TRY(put(line, "label", false, err));
    TRY(put(line, "predicted", false, err));
    for (size_t c = 0; c < classes; c++) {
        TRY(put(line, found->classes[c], c + 1 == classes, err));
    }
    for (size_t i = 0; i < found->count; i++) {
        char number[MIEN_DATASET_NAME_BYTES];
        const float *const row = found->probabilities + i * classes;
        TRY(put(line, mien_dataset_name(number, found->set, found->first + i), false, err));
        TRY(put(line, found->classes[found->labels[i]], false, err));
        TRY(put(line, found->classes[most_probable(row, classes)], false, err));
        for (size_t c = 0; c < classes; c++) {
            char text[NUMBER_BYTES];
            (void)snprintf(text, sizeof(text), "%.9g", (double)row[c]);
            TRY(put(line, text, c + 1 == classes, err));
        }
    }

done:
    return st;
}

enum mien_status eval_write_predictions(const char *path, const struct eval_predictions *found,
                                        struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct line line = { .file = NULL };
    struct mien_plain_numbers numbers;
    TRY(mien_atomic_open(&line.file, path, err));
    TRY(mien_plain_numbers_begin(&numbers, err));
    st = put_all(&line, found, err);
    mien_plain_numbers_end(&numbers);
    TRY(st);
    struct mien_atomic_file *const file = line.file;
    line.file = NULL;
    TRY(mien_atomic_commit(file, err));

done:
    mien_atomic_abort(line.file);
    free(line.value);
    return st;
}
