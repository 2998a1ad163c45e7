/** activation.h - leaky ReLU, sigmoid, SiLU and GELU on the device (internal) */
#ifndef MIEN_OPS_ACTIVATION_H
#define MIEN_OPS_ACTIVATION_H

#include <stdbool.h>

#include "ops/tensor.h"

enum mien_activation_kind {
    MIEN_ACTIVATION_LEAKYRELU, /**< x, below zero slope x */
    MIEN_ACTIVATION_SIGMOID,   /**< 1 / (1 + exp(-x)) */
    MIEN_ACTIVATION_SILU,      /**< x / (1 + exp(-x)) */
    MIEN_ACTIVATION_GELU,      /**< x P(X <= x) of a normal X, the exact form */
};
enum { MIEN_ACTIVATIONS = 4 };

struct mien_activation {
    enum mien_activation_kind kind;
    struct mien_act act; /**< of x and y */
    cl_float slope;      /**< leaky ReLU */
    bool after_relu;     /**< a ReLU made x: backward masks dx by it */
};

/**
 * y = f(x), elementwise.
 *
 * Shapes    y, x  as op->act, y overwritten
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  docs/numerics.md
 */
MIEN_CHECK_RESULT
enum mien_status mien_activation_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                     const struct mien_cl_buffer *x,
                                     const struct mien_activation *op, struct mien_error *err);

/** dx = dy f'(x), at zero that of leaky ReLU is the slope as in PyTorch; dx may be dy. */
MIEN_CHECK_RESULT
enum mien_status mien_activation_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                     const struct mien_cl_buffer *dy,
                                     const struct mien_cl_buffer *x,
                                     const struct mien_activation *op, struct mien_error *err);

#endif
