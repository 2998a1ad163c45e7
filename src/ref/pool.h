/** pool.h - max and average pooling in plain C: the oracle of the kernels (internal) */
#ifndef MIEN_REF_POOL_H
#define MIEN_REF_POOL_H

#include <stdbool.h>
#include <stdint.h>

/** Sizes as in ops/pool.h, for plain NCHW. */
struct mien_ref_pool {
    int n, c, h, w;
    int kh, kw;
    int stride, pad;
    int ho, wo;
};

/** y, winner [n][c][ho][wo] from x [n][c][h][w]; see mien_pool_max_fwd(). */
void mien_ref_pool_max_fwd(float *y, uint8_t *winner, const float *x,
                           const struct mien_ref_pool *op, bool relu);
/** `mask` is y or NULL. */
void mien_ref_pool_max_bwd(float *dx, const float *dy, const uint8_t *winner, const float *mask,
                           const struct mien_ref_pool *op);

void mien_ref_pool_avg_fwd(float *y, const float *x, const struct mien_ref_pool *op, bool relu);
/** `mask` is x or NULL. */
void mien_ref_pool_avg_bwd(float *dx, const float *dy, const float *mask,
                           const struct mien_ref_pool *op);

#endif
