/** weights.h - what the exports share (internal to src/export) */
#ifndef MIEN_EXPORT_WEIGHTS_H
#define MIEN_EXPORT_WEIGHTS_H

#include "train/model_file.h"

/** Errors  MIEN_ERR_NOT_FINITE: a weight is not, by its name */
MIEN_CHECK_RESULT
enum mien_status mien_export_check(const struct mien_model_file *file, struct mien_error *err);

/** The parameter of a layer by the end of its name ("weight"); NULL when it has none. */
const struct mien_param *mien_export_param(const struct mien_network *network,
                                           const struct mien_layer *layer, const char *end);

#endif
