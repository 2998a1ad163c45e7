/** json.h - files of JSON, which anybody may have written, and JSON that is whole or not at all
 * (internal) */
#ifndef MIEN_BASE_JSON_H
#define MIEN_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/**
 * Read a file that is one JSON value.  What jansson makes of a file may take thirty times its
 * bytes: `limit` is to be what mien itself writes at most.
 *
 * limit      bytes
 * Ownership  *out is the caller's, release with json_decref(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: no JSON, a key twice, larger than
 *            `limit`, no regular file; the path is in the text, and the line of what is no JSON
 */
MIEN_CHECK_RESULT
enum mien_status mien_json_read(json_t **out, const char *path, size_t limit,
                                struct mien_error *err);

/**
 * Write a value as the text of a file, which is there whole or as it was before.
 *
 * value   borrowed; NULL: there was no memory for it
 * flags   jansson's, JSON_INDENT() and so on
 * Errors  MIEN_ERR_MEMORY, those of mien_file_replace()
 */
MIEN_CHECK_RESULT
enum mien_status mien_json_write(const char *path, const json_t *value, size_t flags,
                                 struct mien_error *err);

/**
 * Whether jansson made nothing of a text for want of memory.  It has a code for that and mostly
 * does not set it, nor any text.  Where the memory of a single token lacks, it speaks of a bad
 * token: no caller can tell that from one.
 */
bool mien_json_lacks_memory(const json_error_t *problem);

/**
 * A text as JSON.
 *
 * Ownership  *out is the caller's, release with json_decref(); NULL where it is none or has a key
 *            twice, which is no error here
 * Errors     MIEN_ERR_MEMORY; *out is NULL
 */
MIEN_CHECK_RESULT
enum mien_status mien_json_parse(json_t **out, const char *text, struct mien_error *err);

/**
 * Put a value, which it takes, under a key or at the end.
 *
 * Where there is no memory for that, or was none for the value (NULL), *object is released and
 * NULL.  So nothing is written that lacks something: what it is put into becomes NULL in turn, and
 * jansson makes no text of that.
 */
void mien_json_set(json_t **object, const char *key, json_t *value);
void mien_json_append(json_t **array, json_t *value);

/** A text from outside; bytes that are no UTF-8, as file names may have, become '?'.  NULL: no
 * memory. */
json_t *mien_json_text(const char *text);

/** A list of such texts.  NULL: no memory. */
json_t *mien_json_texts(char *const *texts, int count);

/** A number: null where it is not finite, which JSON cannot say.  NULL: no memory. */
json_t *mien_json_real(double value);

#endif
