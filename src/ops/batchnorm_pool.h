/** batchnorm_pool.h - batch normalisation and the max-pooling behind it in one pass (internal) */
#ifndef MIEN_OPS_BATCHNORM_POOL_H
#define MIEN_OPS_BATCHNORM_POOL_H

#include "ops/batchnorm.h"
#include "ops/pool.h"

/** Whether the windows are such as these kernels take: beside each other, without padding. */
bool mien_batchnorm_pool_fits(const struct mien_pool *pool);

/**
 * Training: as mien_batchnorm_fwd() and then mien_pool_max_fwd(), but what is between them is not
 * stored.
 *
 * Shapes    y, winner as pool's output, overwritten; x as op->act, which is pool's input
 * Buffers   as mien_batchnorm_fwd()
 * Errors    MIEN_ERR_SHAPE, MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  those of the two
 */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_pool_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                         struct mien_cl_buffer *winner,
                                         const struct mien_cl_buffer *x,
                                         const struct mien_batchnorm_buffers *buffers,
                                         const struct mien_batchnorm *op,
                                         const struct mien_pool *pool, struct mien_error *err);

/** Evaluation: as mien_batchnorm_eval() and then mien_pool_max_fwd(), without winners. */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_pool_eval(struct mien_cl *cl, struct mien_cl_buffer *y,
                                          const struct mien_cl_buffer *x,
                                          const struct mien_batchnorm_buffers *buffers,
                                          const struct mien_batchnorm *op,
                                          const struct mien_pool *pool, struct mien_error *err);

/**
 * Gradients of the training form; dy as pool's output, with the gradient of op->relu applied.
 *
 * Shapes    dx as op->act, overwritten, zero in unused lanes; NULL: only the parameters' gradients
 * Buffers   as mien_batchnorm_bwd()
 */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_pool_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                         const struct mien_cl_buffer *dy,
                                         const struct mien_cl_buffer *winner,
                                         const struct mien_cl_buffer *x,
                                         const struct mien_batchnorm_buffers *buffers,
                                         const struct mien_batchnorm *op,
                                         const struct mien_pool *pool, struct mien_error *err);

#endif
