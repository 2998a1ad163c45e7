/** number.h - numbers in files have a point, whatever the locale of the program around us
 * (internal)
 */
#ifndef MIEN_BASE_NUMBER_H
#define MIEN_BASE_NUMBER_H

#include <locale.h>

#include "base/error.h"

/** What the calling thread goes back to. */
struct mien_plain_numbers {
    locale_t plain, before;
};

/**
 * Read and write numbers in this thread as the C locale does, until mien_plain_numbers_end().  No
 * function of the library's user may be called in between.
 *
 * Errors  MIEN_ERR_MEMORY: nothing to end then
 */
MIEN_CHECK_RESULT
enum mien_status mien_plain_numbers_begin(struct mien_plain_numbers *numbers,
                                          struct mien_error *err);
void mien_plain_numbers_end(const struct mien_plain_numbers *numbers);

#endif
