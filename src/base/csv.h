/** csv.h - rows of comma-separated values, as RFC 4180 has them (internal) */
#ifndef MIEN_BASE_CSV_H
#define MIEN_BASE_CSV_H

#include <stdio.h>

#include "base/error.h"

/** Where a text is read, which is cut to pieces on the way. */
struct mien_csv {
    char *next;
    size_t line; /**< of the row read last, from 1; quoted values may go over several */
    size_t next_line;
};

/** A reader of `text`, which it writes into; a byte order mark is passed over. */
struct mien_csv mien_csv_begin(char *text);

/**
 * Read a row that is not empty.
 *
 * fields, most  filled with the row's values, without quotes; they point into the text
 * *count        values; 0: the text has ended
 * Errors        MIEN_ERR_FORMAT: more values than `most`, a quote that is not closed or that
 *               something other than a comma follows; the row is that of csv->line
 */
MIEN_CHECK_RESULT
enum mien_status mien_csv_row(const char **fields, size_t most, size_t *count, struct mien_csv *csv,
                              struct mien_error *err);

/** Write a text as a value, in quotes where it needs them; whether that went well the stream knows.
 */
void mien_csv_put(FILE *to, const char *text);

#endif
