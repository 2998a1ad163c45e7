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
    return row == 0 ? strncmp(line, header, strlen(header)) == 0
                    : strtol(line, &end, 10) == row && *end == ',';
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
