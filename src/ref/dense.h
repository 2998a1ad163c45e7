/** dense.h - a fully connected layer in plain C, double sums: the oracle (internal) */
#ifndef MIEN_REF_DENSE_H
#define MIEN_REF_DENSE_H

#include <stdbool.h>
#include <stddef.h>

struct mien_ref_dense {
    int n, in, out; /**< rows, features of a row before and after */
    bool relu;      /**< forward: y = max(y, 0) */
};

/**
 * y = x weight^T + bias, then ReLU where op->relu.
 *
 * Shapes  y [n][out], x [n][in], weight [out][in], bias [out] or NULL
 */
void mien_ref_dense_fwd(float *y, const float *x, const float *weight, const float *bias,
                        const struct mien_ref_dense *op);

/** dx = dy weight, zero where `mask` (the input x, or NULL) is not above zero. */
void mien_ref_dense_bwd_data(float *dx, const float *dy, const float *weight, const float *mask,
                             const struct mien_ref_dense *op);

/** dweight = dy^T x and dbias (or NULL) = the column sums of dy, overwritten. */
void mien_ref_dense_bwd_filter(float *dweight, float *dbias, const float *dy, const float *x,
                               const struct mien_ref_dense *op);

#endif
