/** cost.h - the arithmetic and the memory traffic that each pass of a model cannot do without
 * (internal) */
#ifndef MIEN_NN_COST_H
#define MIEN_NN_COST_H

#include "nn/model.h"

/** One pass of one node, for a whole batch. */
struct mien_cost {
    const char *label; /**< what its launches are labelled as, borrowed from the model */
    double flop;       /**< of the direct form, a multiply-add counts 2: Winograd does fewer */
    double bytes; /**< every tensor read or written, once: what is read again, and scratch, is on
                       top of that */
};

/**
 * The passes of a training step in their order; those that the model leaves out are left out.
 *
 * Ownership  *out is the caller's, release with free(); NULL on error; the labels are the model's
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_costs(struct mien_cost **out, size_t *count,
                                  const struct mien_model *model, struct mien_error *err);

#endif
