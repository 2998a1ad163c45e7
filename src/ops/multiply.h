/** multiply.h - a tensor times one number for each image and channel on the device (internal) */
#ifndef MIEN_OPS_MULTIPLY_H
#define MIEN_OPS_MULTIPLY_H

#include "ops/tensor.h"

/**
 * y = x gates, each plane by the number of its image and channel; also the gradient of x from that
 * of y.
 *
 * Shapes    y, x  as `act`, y overwritten;  gates  as `act` with planes of 1x1
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  exact
 */
MIEN_CHECK_RESULT
enum mien_status mien_multiply(struct mien_cl *cl, struct mien_cl_buffer *y,
                               const struct mien_cl_buffer *x, const struct mien_cl_buffer *gates,
                               const struct mien_act *act, struct mien_error *err);

/**
 * The gradient of the gates: the sum of dy x over each plane, 0 where `mask` is not above 0.
 *
 * Shapes    dy, x         as `act`
 *           dgates, mask  as `act` with planes of 1x1, dgates overwritten; mask NULL: no mask
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  docs/numerics.md
 */
MIEN_CHECK_RESULT
enum mien_status mien_multiply_gates_bwd(struct mien_cl *cl, struct mien_cl_buffer *dgates,
                                         const struct mien_cl_buffer *dy,
                                         const struct mien_cl_buffer *x,
                                         const struct mien_cl_buffer *mask,
                                         const struct mien_act *act, struct mien_error *err);

#endif
