/** text.h - names from files, made fit for a table, and other texts */
#ifndef MIEN_CLI_TEXT_H
#define MIEN_CLI_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** How many columns a UTF-8 text takes, one for each character. */
int text_columns(const char *text);

/** Of a name or a path that text_cell() is to leave as long as it is: more of it is cut. */
enum { TEXT_LINE_BYTES = 4096 };

/**
 * Copy a text without its control characters, cut or padded on the right to `columns`; 0 leaves its
 * length as it is.  `out` gets as much as fits.  Returns `out`.
 */
char *text_cell(char *out, size_t bytes, const char *text, int columns);

/** A bar of up to `columns` for `part` (0..1), in eighths of a block or, without `blocks`, in '#'.
 */
char *text_bar(char *out, size_t bytes, double part, int columns, bool blocks);

/** A copy of the text that a JSON object has under a key, to free(); NULL where there is none, or
 * no memory. */
char *text_of_key(const json_t *object, const char *key);

enum { TEXT_RATE_BYTES = 32 };

/** Things a second as a plain number of at least three digits: "1435", "52.1", "0.50"; "?" for NaN.
 */
char *text_rate(char out[TEXT_RATE_BYTES], double per_second);

#endif
