/** optimizer.h - one step of an optimiser over flat parameters on the device (internal) */
#ifndef MIEN_OPS_OPTIMIZER_H
#define MIEN_OPS_OPTIMIZER_H

#include <stdbool.h>

#include "cl/cl.h"

/** Floats of a block of parameters that share one weight decay decision. */
enum { MIEN_DECAY_BLOCK = 128 };

/**
 * Refuse a count of flat numbers that are not whole blocks.
 *
 * what    operation, for errors
 * Errors  MIEN_ERR_SHAPE
 */
MIEN_CHECK_RESULT
enum mien_status mien_flat_check(const char *what, size_t count, struct mien_error *err);

struct mien_sgd {
    float rate, momentum, decay; /**< learning rate, 0..1, weight decay */
    bool nesterov;
    const struct mien_cl_buffer *clip;  /**< of mien_clip_factor(), whose factor the gradients are
                                             multiplied by; NULL: as they are */
    const struct mien_cl_buffer *guard; /**< of mien_guard_step(): once it has seen a number that is
                                             not finite nothing is updated; NULL: always */
};

struct mien_adam {
    float rate, beta1, beta2, epsilon, decay;
    bool decoupled; /**< AdamW: p *= 1 - rate * decay, instead of g += decay * p */
    long step;      /**< from 1 */
    const struct mien_cl_buffer *clip, *guard; /**< as in struct mien_sgd */
};

/**
 * One step of SGD: g = factor g; g += decay p; b = momentum b + g; p -= rate (g + momentum b | b).
 *
 * Shapes    params   [count] float32, updated
 *           state    [count] float32, updated; zeros before the first step; NULL where momentum
 *                    is 0
 *           grads    [count] float32
 *           decayed  [count / 128] uint8: whether decay applies to this block of 128 parameters
 *           count    a multiple of 128
 * Errors    MIEN_ERR_SHAPE, MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  PyTorch's order of operations; within 1e-6 of it a step
 */
MIEN_CHECK_RESULT
enum mien_status mien_sgd_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                               struct mien_cl_buffer *state, const struct mien_cl_buffer *grads,
                               const struct mien_cl_buffer *decayed, size_t count,
                               const struct mien_sgd *op, struct mien_error *err);

/** The state of Adam: running means of the gradient and of its square, [count] float32 from zeros.
 */
struct mien_adam_state {
    struct mien_cl_buffer *mean, *square;
};

/** One step of Adam or AdamW; buffers as in mien_sgd_step(). */
MIEN_CHECK_RESULT
enum mien_status mien_adam_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                                const struct mien_adam_state *state,
                                const struct mien_cl_buffer *grads,
                                const struct mien_cl_buffer *decayed, size_t count,
                                const struct mien_adam *op, struct mien_error *err);

#endif
