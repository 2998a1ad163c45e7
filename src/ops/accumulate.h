/** accumulate.h - sums of the gradients of several batches on the device (internal) */
#ifndef MIEN_OPS_ACCUMULATE_H
#define MIEN_OPS_ACCUMULATE_H

#include <stdbool.h>

#include "cl/cl.h"

/**
 * Enqueue: sum += grads, or sum = grads where it begins.
 *
 * Shapes    sum, grads [count] float32; count a multiple of MIEN_DECAY_BLOCK
 * Errors    MIEN_ERR_SHAPE, MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  exact: one rounded addition each
 */
MIEN_CHECK_RESULT
enum mien_status mien_accumulate(struct mien_cl *cl, struct mien_cl_buffer *sum,
                                 const struct mien_cl_buffer *grads, size_t count, bool begins,
                                 struct mien_error *err);

#endif
