/** evaluate.h - a model over a whole split (internal) */
#ifndef MIEN_TRAIN_EVALUATE_H
#define MIEN_TRAIN_EVALUATE_H

#include "ops/softmax.h"
#include "train/loader.h"

/**
 * Run a split in its own order through the model.
 *
 * Shapes   probabilities [split count][classes] float32 in host memory, overwritten, or NULL
 * Errors   MIEN_ERR_CL, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT when the split is empty
 */
MIEN_CHECK_RESULT
enum mien_status mien_evaluate(struct mien_softmax_stats *out, float *probabilities,
                               struct mien_model *model, struct mien_loader *loader,
                               enum mien_split split, const struct mien_log *log,
                               struct mien_error *err);

#endif
