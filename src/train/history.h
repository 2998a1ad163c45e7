/** history.h - history.csv: a row for each epoch of a run (internal) */
#ifndef MIEN_TRAIN_HISTORY_H
#define MIEN_TRAIN_HISTORY_H

#include <stdbool.h>

#include "base/error.h"

/** The rows of a run, as the text of its file. */
struct mien_history {
    char *path; /**< owned */
    char *text; /**< owned: the header and the rows so far */
    size_t bytes, room;
};

/**
 * Start with an empty file's text, or, to go on, with the first `rows` rows of the one that is
 * there.
 *
 * Ownership  release with mien_history_finish(), also after an error
 * Errors     MIEN_ERR_MEMORY; MIEN_ERR_IO, MIEN_ERR_FORMAT: the file is missing or has fewer rows
 */
MIEN_CHECK_RESULT
enum mien_status mien_history_init(struct mien_history *history, const char *path, int rows,
                                   struct mien_error *err);
void mien_history_finish(struct mien_history *history);

/** Add a row and replace the file. */
MIEN_CHECK_RESULT
enum mien_status mien_history_add(struct mien_history *history, const struct mien_epoch *row,
                                  struct mien_error *err);

/**
 * Read a history.csv; a last line that is not whole is left out.
 *
 * Ownership  *rows is the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: a line that is not mien's
 */
MIEN_CHECK_RESULT
enum mien_status mien_history_load(struct mien_epoch **rows, size_t *count, const char *path,
                                   struct mien_error *err);

#endif
