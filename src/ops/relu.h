/** relu.h - max(x, 0) on the device (internal) */
#ifndef MIEN_OPS_RELU_H
#define MIEN_OPS_RELU_H

#include "ops/tensor.h"

/**
 * y = max(x, 0); NaN stays NaN.
 *
 * Shapes  y, x  as `act`, y overwritten; y may be x
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_relu_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                               const struct mien_cl_buffer *x, const struct mien_act *act,
                               struct mien_error *err);

/** dx = dy where the output y is above zero, else 0 (also where y is NaN); dx may be dy. */
MIEN_CHECK_RESULT
enum mien_status mien_relu_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                               const struct mien_cl_buffer *dy, const struct mien_cl_buffer *y,
                               const struct mien_act *act, struct mien_error *err);

#endif
