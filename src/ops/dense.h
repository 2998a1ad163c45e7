/** dense.h - dense layers (y = x weight^T + bias) on the device, all three products (internal) */
#ifndef MIEN_OPS_DENSE_H
#define MIEN_OPS_DENSE_H

#include <stdbool.h>

#include "ops/tensor.h"

/**
 * One dense layer.  The layout decides who computes it: lanes 1 (plain rows) goes through CLBlast,
 * lanes above 1 through the vector kernels for CPU devices.  Fill with mien_dense_init().
 */
struct mien_dense {
    cl_int n;       /**< images */
    cl_int in, out; /**< features */
    cl_int lanes;   /**< of both activations, see tensor.h */
    bool relu;      /**< forward: y = max(y, 0) */
};

/** Errors  MIEN_ERR_SHAPE: x is not n x in x 1 x 1, or sizes beyond 32-bit indices. */
MIEN_CHECK_RESULT
enum mien_status mien_dense_init(struct mien_dense *op, const struct mien_act *x, int out,
                                 struct mien_error *err);

/** Bytes of scratch that the three products need at most; 0: none. */
size_t mien_dense_work_bytes(const struct mien_dense *op);

/**
 * y = x weight^T + bias, then ReLU where op->relu.
 *
 * Shapes    y [blocks][out][lanes] float32, overwritten;  x [blocks][in][lanes]
 *           weight [out][in];  bias [out] or NULL
 *           work at least mien_dense_work_bytes(), overwritten; NULL where that is 0
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  docs/numerics.md; the same bits every time for one device
 */
MIEN_CHECK_RESULT
enum mien_status mien_dense_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                                const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                                const struct mien_dense *op, struct mien_error *err);

/** dx = dy weight, zero where `mask` (the input x, when a ReLU made it; may be NULL) is not above
 * zero. */
MIEN_CHECK_RESULT
enum mien_status mien_dense_bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                     const struct mien_cl_buffer *dy,
                                     const struct mien_cl_buffer *weight,
                                     const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                     const struct mien_dense *op, struct mien_error *err);

/** dweight [out][in] and dbias [out] (or NULL) are overwritten with the sums over all images. */
MIEN_CHECK_RESULT
enum mien_status mien_dense_bwd_weight(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                       struct mien_cl_buffer *dbias,
                                       const struct mien_cl_buffer *dy,
                                       const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                       const struct mien_dense *op, struct mien_error *err);

#endif
