/** print.h - texts printed into memory, and from there into files (internal) */
#ifndef MIEN_BASE_PRINT_H
#define MIEN_BASE_PRINT_H

#include <stdio.h>

#include "base/error.h"

/** Prints a text.  It may leave what fails to the stream, which is looked at afterwards. */
typedef void (*mien_print_fn)(FILE *to, const void *user);

/**
 * Print into memory, numbers as the C locale has them.
 *
 * what       the text's name in an error: "the page"
 * *bytes     without the zero that follows; may be NULL
 * Ownership  *out is the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_print(char **out, size_t *bytes, mien_print_fn print, const void *user,
                            const char *what, struct mien_error *err);

/** The same into a file, which is there whole or as it was before.  Errors  MIEN_ERR_MEMORY, those
 * of mien_file_replace() */
MIEN_CHECK_RESULT
enum mien_status mien_print_file(const char *path, mien_print_fn print, const void *user,
                                 struct mien_error *err);

#endif
