/** c_plan.h - which buffer each layer of a network in C reads and writes (internal to src/export)
 */
#ifndef MIEN_EXPORT_C_PLAN_H
#define MIEN_EXPORT_C_PLAN_H

#include "nn/network.h"

/** One call in the network's function. */
struct mien_c_step {
    const struct mien_layer *layer; /**< borrowed */
    int from, to;                   /**< buffers, from 0; equal: in place */
    int skip; /**< of what takes a mark: the buffer that is added or multiplied; else -1 */
};

struct mien_c_plan {
    struct mien_c_step *steps;
    size_t step_count;
    size_t *buffers; /**< [buffer_count], floats of each */
    int buffer_count;
    int input, output; /**< buffers of the image and of the logits */
};

/**
 * Give every tensor a buffer; one is used again when nothing will read what is in it.
 *
 * Ownership  release with mien_c_plan_finish(), also after an error
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_c_plan_make(struct mien_c_plan *plan, const struct mien_network *network,
                                  struct mien_error *err);
void mien_c_plan_finish(struct mien_c_plan *plan); /* zeroed is allowed */

#endif
