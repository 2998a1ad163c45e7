/* dropout.c - dropout in plain C */
#include "ref/dropout.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/random.h"

void mien_ref_dropout(float *y, const float *x, const struct mien_ref_dropout *op)
{
    const size_t pixels = (size_t)op->c * (size_t)op->h * (size_t)op->w;
    const size_t quads = (pixels + 3) / 4;
    const float scale = (float)(1.0 / (1.0 - (double)op->rate));
    for (size_t i = 0; i < (size_t)op->n; i++) {
        for (size_t p = 0; p < pixels; p++) {
            uint32_t bits[4];
            const uint64_t index = (uint64_t)op->layer << 32 | (i * quads + p / 4);
            mien_random_block(bits, op->seed, MIEN_STREAM_DROPOUT, op->step, index);
            const bool kept = mien_random_unit(bits[p % 4]) >= op->rate;
            y[i * pixels + p] = x[i * pixels + p] * (kept ? scale : 0.0f);
        }
    }
}
