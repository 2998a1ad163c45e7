/** add.h - the sum of two tensors on the device (internal) */
#ifndef MIEN_OPS_ADD_H
#define MIEN_OPS_ADD_H

#include "ops/tensor.h"

/**
 * y = a + b, then max(y, 0) where `relu` is set; NaN stays NaN.
 *
 * Shapes    y, a, b  as `act`, y overwritten; a may be b
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  exact
 */
MIEN_CHECK_RESULT
enum mien_status mien_add_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                              const struct mien_cl_buffer *a, const struct mien_cl_buffer *b,
                              const struct mien_act *act, bool relu, struct mien_error *err);

/**
 * The gradient of a tensor that two read: dx = da + db, 0 where `mask` is not above 0.
 *
 * Shapes  dx, da, db, mask  as `act`, dx overwritten; da may be db; mask may be NULL: no mask
 */
MIEN_CHECK_RESULT
enum mien_status mien_add_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                              const struct mien_cl_buffer *da, const struct mien_cl_buffer *db,
                              const struct mien_cl_buffer *mask, const struct mien_act *act,
                              struct mien_error *err);

#endif
