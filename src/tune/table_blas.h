/** table_blas.h - CLBlast's parameters as an entry of a table that is JSON (internal) */
#ifndef MIEN_TUNE_TABLE_BLAS_H
#define MIEN_TUNE_TABLE_BLAS_H

#include <jansson.h>

#include "tune/table.h"

/** By MIEN_TUNED_USUAL ... */
extern const char *const mien_tuned_blas_variants[2];

/** Put CLBlast's version, and the parameters where the entry has some, into an object. */
void mien_tuned_blas_describe(json_t **object, const struct mien_tuned *entry);

/**
 * The way back, for an entry whose variant is known.
 *
 * Errors  MIEN_ERR_FORMAT: a version that is none, a parameter that is missing, unknown to mien or
 *         out of bounds, or ones that do not go together
 */
MIEN_CHECK_RESULT
enum mien_status mien_tuned_blas_read(struct mien_tuned *out, const json_t *object,
                                      struct mien_error *err);

#endif
