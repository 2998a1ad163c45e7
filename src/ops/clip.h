/** clip.h - the factor that clips gradients by their global norm, on the device (internal) */
#ifndef MIEN_OPS_CLIP_H
#define MIEN_OPS_CLIP_H

#include "cl/cl.h"

/** Bytes of a `clip` buffer for `count` gradients. */
size_t mien_clip_bytes(size_t count);

/**
 * Enqueue: factor = min(1, most / (norm + 1e-6)), norm being that of all gradients together.  The
 * optimisers multiply the gradients by it (struct mien_sgd, struct mien_adam), so that no pass
 * over them is needed for that.
 *
 * Shapes    clip   mien_clip_bytes(count) bytes, overwritten: factor, norm, working memory; float32
 *           grads  [count] float32; count a multiple of MIEN_DECAY_BLOCK
 * Errors    MIEN_ERR_SHAPE, MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  norm within 1e-6 of itself; summed in a fixed order.  NaN among the gradients gives
 *           NaN; squares overflow from 1.8e19 on, and the factor is then 0
 * Source    PyTorch's clip_grad_norm_
 */
MIEN_CHECK_RESULT
enum mien_status mien_clip_factor(struct mien_cl *cl, struct mien_cl_buffer *clip,
                                  const struct mien_cl_buffer *grads, size_t count, float most,
                                  struct mien_error *err);

#endif
