/** dropout.h - dropout in plain C: the oracle of the kernel (internal) */
#ifndef MIEN_REF_DROPOUT_H
#define MIEN_REF_DROPOUT_H

#include <stdint.h>

struct mien_ref_dropout {
    int n, c, h, w;
    float rate; /**< share that is dropped, 0 <= rate < 1 */
    uint64_t seed;
    uint32_t step, layer;
};

/** y [n][c][h][w] = x / (1 - rate) where the mask keeps it, else x * 0; y may be x. */
void mien_ref_dropout(float *y, const float *x, const struct mien_ref_dropout *op);

#endif
