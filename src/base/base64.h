/** base64.h - bytes as text (internal) */
#ifndef MIEN_BASE_BASE64_H
#define MIEN_BASE_BASE64_H

#include "base/error.h"

/**
 * Bytes in base64, padded, on one line.
 *
 * Ownership  the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_MEMORY
 * Source     RFC 4648, section 4
 */
MIEN_CHECK_RESULT
char *mien_base64(const unsigned char *data, size_t bytes, struct mien_error *err);

#endif
