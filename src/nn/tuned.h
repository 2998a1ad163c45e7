/** tuned.h - what of a network can be tuned, and what a model uses (internal) */
#ifndef MIEN_NN_TUNED_H
#define MIEN_NN_TUNED_H

#include "nn/model.h"
#include "tune/search.h"

/**
 * The passes of a network's training step that can be computed in several ways, each shape once;
 * no device is needed.
 *
 * lanes      as in struct mien_model_options, resolved
 * tuning     what is barred there is no default; its entries play no part
 * Ownership  *out is the caller's, release with free(); NULL on error
 * Errors     as mien_model_plan()
 */
MIEN_CHECK_RESULT
enum mien_status mien_network_tasks(struct mien_search_task **out, size_t *count,
                                    const struct mien_network *network,
                                    const struct mien_model_options *options,
                                    struct mien_error *err);

/**
 * What a model uses: each variant with its parameters, defaults too, so that another model made
 * with it gives the same bits.
 *
 * Ownership  release with mien_tuning_finish(), also after an error
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_tuning(struct mien_tuning *out, const struct mien_model *model,
                                   struct mien_error *err);

#endif
