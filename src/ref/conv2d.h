/** conv2d.h - 2-d convolution in plain C, double sums: the oracle of every variant (internal) */
#ifndef MIEN_REF_CONV2D_H
#define MIEN_REF_CONV2D_H

#include <stdbool.h>
#include <stddef.h>

/** Sizes as in ops/conv2d.h, for plain NCHW. */
struct mien_ref_conv2d {
    int n, c, h, w;  /**< input: images, channels, pixels */
    int oc, kh, kw;  /**< output channels, kernel */
    int stride, pad; /**< pixels */
    int ho, wo;      /**< output: (h + 2 pad - kh) / stride + 1 */
    bool relu;       /**< forward: y = max(y, 0) */
    int groups;      /**< of channels, each output channel sees its own; 0 and 1: one group */
};

/**
 * y = conv(x, weight) + bias, then ReLU where op->relu.
 *
 * Shapes  y [n][oc][ho][wo], x [n][c][h][w], weight [oc][c / groups][kh][kw], bias [oc] or NULL
 */
void mien_ref_conv2d_fwd(float *y, const float *x, const float *weight, const float *bias,
                         const struct mien_ref_conv2d *op);

/** dx, zero where `mask` (the input x, or NULL) is not above zero. */
void mien_ref_conv2d_bwd_data(float *dx, const float *dy, const float *weight, const float *mask,
                              const struct mien_ref_conv2d *op);

/** dweight and dbias (or NULL), overwritten with the sums over all images. */
void mien_ref_conv2d_bwd_filter(float *dweight, float *dbias, const float *dy, const float *x,
                                const struct mien_ref_conv2d *op);

#endif
