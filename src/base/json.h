/** json.h - files of JSON, which anybody may have written (internal) */
#ifndef MIEN_BASE_JSON_H
#define MIEN_BASE_JSON_H

#include <jansson.h>

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

#endif
