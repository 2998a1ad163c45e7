/** batchnorm.h - batch normalisation on the device (internal) */
#ifndef MIEN_OPS_BATCHNORM_H
#define MIEN_OPS_BATCHNORM_H

#include <stdbool.h>

#include "ops/tensor.h"

/** One batch normalisation; plain data, filled by its user. */
struct mien_batchnorm {
    struct mien_act act; /**< of x and y; fewer images than planned are fine */
    cl_float eps;        /**< added to the variance: 1e-5 in PyTorch */
    cl_float momentum;   /**< of the running values: 0.1 in PyTorch */
    bool relu;           /**< forward: y = max(y, 0); then dy comes with that ReLU's gradient
                              applied, as the mask of the next operation does */
    bool after_relu;     /**< backward: dx is zero where x is not above zero: the gradient of a
                              ReLU that made x, fused */
};

/** Buffers of float32; each function says which it uses. */
struct mien_batchnorm_buffers {
    const struct mien_cl_buffer *weight, *bias;        /**< [c] */
    struct mien_cl_buffer *running_mean, *running_var; /**< [c] */
    struct mien_cl_buffer *saved;                      /**< from forward to backward */
    struct mien_cl_buffer *dweight, *dbias;            /**< [c] */
    struct mien_cl_buffer *work;                       /**< scratch */
};

/** Bytes of `saved`: mean and 1 / sqrt(variance + eps) of each channel. */
size_t mien_batchnorm_saved_bytes(const struct mien_batchnorm *op);
/** Bytes of `work`. */
size_t mien_batchnorm_work_bytes(const struct mien_batchnorm *op);

/**
 * Training: normalise with the mean and biased variance over the n images and all pixels.
 *
 * Shapes    y as op->act, overwritten; x likewise; unused lanes count nowhere
 * Buffers   weight, bias; running_mean and running_var are updated, the latter with the unbiased
 *           variance (with one value a channel, where there is none, with the biased); saved and
 *           work are overwritten
 * Errors    MIEN_ERR_SHAPE, MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  docs/numerics.md; the variance is summed around the mean; the same bits every time
 */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                    const struct mien_cl_buffer *x,
                                    const struct mien_batchnorm_buffers *buffers,
                                    const struct mien_batchnorm *op, struct mien_error *err);

/** Evaluation: normalise with the running values.  Uses weight, bias, running_mean, running_var. */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_eval(struct mien_cl *cl, struct mien_cl_buffer *y,
                                     const struct mien_cl_buffer *x,
                                     const struct mien_batchnorm_buffers *buffers,
                                     const struct mien_batchnorm *op, struct mien_error *err);

/** Weights and bias of the layer in front, `each` weights to every channel: before and after. */
struct mien_batchnorm_fold {
    struct mien_cl_buffer *weight, *bias;                 /**< [c][each], [c]; overwritten */
    const struct mien_cl_buffer *from_weight, *from_bias; /**< the same; from_bias may be NULL */
    cl_int each;
};

/**
 * Evaluation, as part of the convolution or dense layer in front: with weight and bias that one
 * gives what it and mien_batchnorm_eval() give otherwise.
 *
 * Buffers   weight, bias, running_mean, running_var
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  elementwise, within 1e-6 of the reference; of op, act.c, act.lanes and eps count
 */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_fold(struct mien_cl *cl, const struct mien_batchnorm_fold *fold,
                                     const struct mien_batchnorm_buffers *buffers,
                                     const struct mien_batchnorm *op, struct mien_error *err);

/**
 * Gradients of the training form.
 *
 * Shapes    dx as op->act, overwritten, zero in unused lanes; NULL: only the parameters' gradients
 *           dy, x as op->act
 * Buffers   weight, saved; dweight, dbias and work are overwritten
 */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                    const struct mien_cl_buffer *dy, const struct mien_cl_buffer *x,
                                    const struct mien_batchnorm_buffers *buffers,
                                    const struct mien_batchnorm *op, struct mien_error *err);

/**
 * Gradient of x in evaluation: the running values are constants.
 *
 * Shapes    dx as op->act, overwritten, zero in unused lanes; dy likewise; x too, read with
 *           op->after_relu alone, else it may be NULL
 * Buffers   weight, running_var
 */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_eval_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                         const struct mien_cl_buffer *dy,
                                         const struct mien_cl_buffer *x,
                                         const struct mien_batchnorm_buffers *buffers,
                                         const struct mien_batchnorm *op, struct mien_error *err);

#endif
