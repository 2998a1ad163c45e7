/* history.c - history.csv: a row for each epoch of a run */
#include "train/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"

enum { ROW_BYTES = 256, LIMIT_BYTES = 64 << 20 };

static const char header[] =
    "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,rate,"
    "images_per_s,seconds\n";

static enum mien_status append(struct mien_history *history, const char *text, size_t bytes,
                               struct mien_error *err)
{
    if (history->bytes + bytes > history->room) {
        const size_t room = history->room * 2 + bytes + ROW_BYTES;
        char *const grown = mien_realloc(history->text, room, 1, err);
        if (grown == NULL) {
            return MIEN_ERR_MEMORY;
        }
        history->text = grown;
        history->room = room;
    }
    memcpy(history->text + history->bytes, text, bytes);
    history->bytes += bytes;
    return MIEN_OK;
}

static bool is_row(const char *line, int row)
{
    char *end = NULL;
    if (row == 0) {
        return strncmp(line, header, strlen(header)) == 0;
    }
    /* strtol() alone would go over the end of an empty line. */
    return line[0] >= '0' && line[0] <= '9' && strtol(line, &end, 10) == row && *end == ',';
}

/* Keep the header and `rows` rows of the file that is there; rows behind them were never saved. */
static enum mien_status keep_rows(struct mien_history *history, int rows, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    unsigned char *data = NULL;
    size_t bytes = 0;
    if (!mien_path_is_file(history->path)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s is missing: %d epochs are wanted", history->path,
                         rows);
    }
    TRY(mien_file_read(&data, &bytes, history->path, LIMIT_BYTES, err));
    const char *at = (const char *)data;
    for (int row = 0; row < rows + 1; row++) {
        const char *const end = memchr(at, '\n', bytes - (size_t)(at - (const char *)data));
        if (end == NULL || !is_row(at, row)) {
            st = mien_fail(err, MIEN_ERR_FORMAT,
                           "%s: line %d is missing or not mien's: %d epochs are wanted",
                           history->path, row + 1, rows);
            goto done;
        }
        at = end + 1;
    }
    TRY(append(history, (const char *)data, (size_t)(at - (const char *)data), err));

done:
    free(data);
    return st;
}

enum mien_status mien_history_init(struct mien_history *history, const char *path, int rows,
                                   struct mien_error *err)
{
    *history = (struct mien_history){ .path = mien_strdup(path, err) };
    if (history->path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    return rows > 0 ? keep_rows(history, rows, err) : append(history, header, strlen(header), err);
}

void mien_history_finish(struct mien_history *history)
{
    free(history->path);
    free(history->text);
    *history = (struct mien_history){ 0 };
}

enum mien_status mien_history_add(struct mien_history *history, const struct mien_epoch *row,
                                  struct mien_error *err)
{
    char validation[64] = ",";
    char line[ROW_BYTES];
    struct mien_plain_numbers numbers;
    enum mien_status st = mien_plain_numbers_begin(&numbers, err);
    if (st != MIEN_OK) {
        return st;
    }
    if (row->validated) {
        (void)snprintf(validation, sizeof(validation), "%.6f,%.6f", row->validation_loss,
                       row->validation_accuracy);
    }
    const int length = snprintf(line, sizeof(line), "%d,%.6f,%.6f,%s,%.9g,%.1f,%.2f\n", row->epoch,
                                row->train_loss, row->train_accuracy, validation, row->rate,
                                row->images_per_s, row->seconds);
    mien_plain_numbers_end(&numbers);
    st = append(history, line, (size_t)length, err);
    return st == MIEN_OK ? mien_file_replace(history->path, history->text, history->bytes, err)
                         : st;
}

/* "1.25," and so on; where the field is empty *given says so.  NULL: it is no number. */
static const char *read_field(double *out, bool *given, const char *at, char end)
{
    char *behind = NULL;
    *given = *at != end;
    *out = 0.0;
    if (!*given) {
        return at + 1;
    }
    if (*at != '-' && (*at < '0' || *at > '9')) { /* strtod() would go on to the next line */
        return NULL;
    }
    *out = strtod(at, &behind);
    return *behind == end ? behind + 1 : NULL;
}

static bool read_row(struct mien_epoch *row, const char *line, int number)
{
    enum { FIELDS = 7 };
    double values[FIELDS];
    bool given[FIELDS];
    if (!is_row(line, number)) {
        return false;
    }
    const char *at = strchr(line, ',') + 1;
    for (int i = 0; i < FIELDS; i++) {
        at = read_field(&values[i], &given[i], at, i < FIELDS - 1 ? ',' : '\n');
        if (at == NULL) {
            return false;
        }
    }
    *row = (struct mien_epoch){
        .epoch = number,
        .train_loss = values[0],
        .train_accuracy = values[1],
        .validated = given[2] && given[3],
        .validation_loss = values[2],
        .validation_accuracy = values[3],
        .rate = values[4],
        .images_per_s = values[5],
        .seconds = values[6],
    };
    return true;
}

static enum mien_status parse_rows(struct mien_epoch **rows, size_t *count, const char *text,
                                   size_t bytes, const char *path, struct mien_error *err)
{
    size_t lines = 0;
    for (size_t i = 0; i < bytes; i++) {
        lines += text[i] == '\n' ? 1 : 0;
    }
    *rows = mien_calloc(lines + 1, sizeof(**rows), err);
    if (*rows == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const char *at = text;
    for (size_t line = 0; line < lines; line++) {
        const bool good = line == 0
                              ? is_row(at, 0)
                              : line <= INT32_MAX && read_row(&(*rows)[line - 1], at, (int)line);
        if (!good) {
            return mien_fail(err, MIEN_ERR_FORMAT, "%s: line %zu is not mien's", path, line + 1);
        }
        at = strchr(at, '\n') + 1; /* the file is followed by a zero byte, and has no other */
    }
    *count = lines > 0 ? lines - 1 : 0;
    return MIEN_OK;
}

enum mien_status mien_history_load(struct mien_epoch **rows, size_t *count, const char *path,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_plain_numbers numbers;
    unsigned char *data = NULL;
    size_t bytes = 0;
    *rows = NULL;
    *count = 0;
    TRY(mien_file_read(&data, &bytes, path, LIMIT_BYTES, err));
    if (memchr(data, '\0', bytes) != NULL) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "%s is no text", path);
        goto done;
    }
    TRY(mien_plain_numbers_begin(&numbers, err));
    st = parse_rows(rows, count, (const char *)data, bytes, path, err);
    mien_plain_numbers_end(&numbers);

done:
    if (st != MIEN_OK) {
        free(*rows);
        *rows = NULL;
    }
    free(data);
    return st;
}
