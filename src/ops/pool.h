/** pool.h - max and average pooling on the device (internal) */
#ifndef MIEN_OPS_POOL_H
#define MIEN_OPS_POOL_H

#include <stdbool.h>

#include "ops/tensor.h"

/** Sizes of one pooling; fill with mien_pool_init(). */
struct mien_pool {
    cl_int n, c, h, w;  /**< input: images, channels, pixels */
    cl_int kh, kw;      /**< window, pixels */
    cl_int stride, pad; /**< pixels */
    cl_int ho, wo;      /**< output: (h + 2 pad - kh) / stride + 1 */
    cl_int lanes;       /**< of both activations, see tensor.h */
};

enum mien_pool_kind { MIEN_POOL_MAX, MIEN_POOL_AVG };

/**
 * Work out the output size.  Global average pooling is a window of h x w.
 *
 * Errors  MIEN_ERR_SHAPE: a window larger than the padded image, pad beyond half the window, a
 *         max-pooling window of more than 256 pixels (its winner is remembered in a byte)
 */
MIEN_CHECK_RESULT
enum mien_status mien_pool_init(struct mien_pool *out, enum mien_pool_kind kind,
                                const struct mien_act *x, int kh, int kw, int stride, int pad,
                                struct mien_error *err);

/** The output's shape. */
struct mien_act mien_pool_output(const struct mien_pool *op);

/** Bytes of max-pooling's `winner`: one for each float of the output. */
size_t mien_pool_winner_bytes(const struct mien_pool *op);

/**
 * y = the largest pixel of each window, then max(y, 0) where `relu`.
 *
 * Shapes    y      [blocks][c][ho][wo][lanes] float32, overwritten
 *           winner [blocks][c][ho][wo][lanes] uint8, overwritten: which pixel of the window, row by
 *                  row; the first of equals; NULL: nobody asks
 *           x      [blocks][c][h][w][lanes] float32
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  exact; the first NaN of a window wins; padding is -infinity
 */
MIEN_CHECK_RESULT
enum mien_status mien_pool_max_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                   struct mien_cl_buffer *winner, const struct mien_cl_buffer *x,
                                   const struct mien_pool *op, bool relu, struct mien_error *err);

/**
 * dx = dy at each window's winner, summed where windows overlap; 0 elsewhere.
 *
 * `mask` is the *output* y of the forward pass when a ReLU came before or was fused into it (y is
 * above zero exactly where the winning input is, and it is smaller than x), else NULL: dx is zero
 * for windows whose mask is not above zero.
 */
MIEN_CHECK_RESULT
enum mien_status mien_pool_max_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                   const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *winner,
                                   const struct mien_cl_buffer *mask, const struct mien_pool *op,
                                   struct mien_error *err);

/** y = the mean of each window with zeros as padding, then max(y, 0) where `relu`. */
MIEN_CHECK_RESULT
enum mien_status mien_pool_avg_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                   const struct mien_cl_buffer *x, const struct mien_pool *op,
                                   bool relu, struct mien_error *err);

/**
 * dx = dy / (kh kw) summed over the windows of each pixel; zero where `mask` (the *input* x when a
 * ReLU made it, else NULL) is not above zero.
 */
MIEN_CHECK_RESULT
enum mien_status mien_pool_avg_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                   const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *mask, const struct mien_pool *op,
                                   struct mien_error *err);

#endif
