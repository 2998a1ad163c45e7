/** guard.h - whether a step's loss and gradients are finite, found on the device (internal) */
#ifndef MIEN_OPS_GUARD_H
#define MIEN_OPS_GUARD_H

#include "cl/cl.h"

/** What was not finite. */
enum { MIEN_GUARD_LOSS = 1, MIEN_GUARD_GRADIENT = 2 };

/** What the device keeps: the layout of a `guard` buffer. */
struct mien_guard {
    cl_int faults; /**< of the first step that had any, or-ed; 0: none so far */
    cl_int step;   /**< that one */
};

/**
 * Enqueue: note where the sum of losses or a gradient of this step is NaN or infinite, unless an
 * earlier step's was.  The optimisers leave everything as it is from then on (struct mien_sgd,
 * struct mien_adam), so that the weights of before that step are still there however late the host
 * looks.
 *
 * Shapes       guard  sizeof(struct mien_guard) bytes, updated; zeros before the first step
 *              grads  [count] float32; count a multiple of MIEN_DECAY_BLOCK
 *              stats  of mien_softmax_loss()
 *              step   not 0
 * Errors       MIEN_ERR_SHAPE, MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics     exact: by the bits of the numbers
 */
MIEN_CHECK_RESULT
enum mien_status mien_guard_step(struct mien_cl *cl, struct mien_cl_buffer *guard,
                                 const struct mien_cl_buffer *grads,
                                 const struct mien_cl_buffer *stats, size_t count, cl_int step,
                                 struct mien_error *err);

#endif
