/** memory.h - checked host allocation: every size product is verified (internal) */
#ifndef MIEN_BASE_MEMORY_H
#define MIEN_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/** a * b into *out; false, with *out unchanged, when the product does not fit. */
MIEN_CHECK_RESULT
bool mien_size_mul(size_t *out, size_t a, size_t b);

/**
 * Allocate `count` zeroed elements of `size` bytes (never NULL for a count of 0).
 *
 * Ownership  the caller's, release with free()
 * Errors     NULL, and `err` says how many bytes were refused; the status is MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
void *mien_calloc(size_t count, size_t size, struct mien_error *err);

/** Grow or shrink an array; on failure NULL is returned and `old` is still the caller's. */
MIEN_CHECK_RESULT
void *mien_realloc(void *old, size_t count, size_t size, struct mien_error *err);

/** Bytes from which on mien_alloc_large() is worth it: a huge page. */
enum { MIEN_LARGE_BYTES = 2 << 20 };

/**
 * Allocate `bytes`, at least MIEN_LARGE_BYTES, aligned to that and in huge pages where the system
 * has them: what walks through all of it misses fewer translations of addresses.  Not zeroed.
 *
 * Ownership  the caller's, release with free(); NULL where there is no memory
 */
MIEN_CHECK_RESULT
void *mien_alloc_large(size_t bytes);

/** A copy of `text`; release with free().  NULL as in mien_calloc(). */
MIEN_CHECK_RESULT
char *mien_strdup(const char *text, struct mien_error *err);

#endif
