/** number.h - numbers in files, in the C locale whatever the program around us has, and in messages
 * (internal)
 */
#ifndef MIEN_BASE_NUMBER_H
#define MIEN_BASE_NUMBER_H

#include <locale.h>
#include <stdint.h>

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

enum { MIEN_MIB_BYTES = 24 };

/** "12.3 MiB": every amount of memory is told like this.  Returns `out`. */
const char *mien_mib(char out[MIEN_MIB_BYTES], uint64_t bytes);

#endif
