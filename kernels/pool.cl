/*
 * pool.cl - max and average pooling, forward and backward, any window, stride and padding
 *
 * Pairs with   src/ops/pool.c (host), src/ref/pool.c (plain C)
 * Layout       planes = blocks * channels of [h][w][LANES]; `winner` [ho][wo][LANES] bytes,
 *              forward it may be null.  Built
 *              with -DLANES -DKH -DKW -DSTRIDE -DPAD
 * Mapping      rows of the output (forward), of the input (backward) or of cells (backward of
 *              windows that do not overlap); dimension 0 takes `cols` vectors of a row,
 *              dimension 1 `chunk` rows
 * Border       max: windows are clipped, which is padding with -infinity; average: the padding
 *              counts as zeros.  The host checks that every window has a pixel of the image
 * NaN          the first NaN of a window wins it
 * Determinism  backward gathers: no atomics
 */
#include "vec.h"

/* What all kernels need to know beside the window, which is built in. */
#define POOL_SIZES                                                                                 \
    const int rows, const int h, const int w, const int ho, const int wo, const int cols,          \
        const int chunk

/* Without padding every window lies inside, and the compiler drops these tests. */
static inline int inside(const int at, const int size)
{
    return PAD == 0 || (at >= 0 && at < size);
}

__kernel void pool_max_fwd(__global float *restrict y, __global uchar *restrict winner,
                           __global const float *restrict x, const int relu_on, POOL_SIZES)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / ho;
        const int y0 = row % ho * STRIDE - PAD;
        for (int xo = left; xo < min(left + cols, wo); xo++) {
            const int x0 = xo * STRIDE - PAD;
            ivec which = (ivec)(max(-y0, 0) * KW + max(-x0, 0));
            vec best = VLOAD((plane * h + max(y0, 0)) * w + max(x0, 0), x);
#pragma unroll 4
            for (int k = 0; k < KH * KW; k++) {
                const int r = y0 + k / KW;
                const int c = x0 + k % KW;
                if (inside(r, h) && inside(c, w)) {
                    take_pixel(&best, &which, VLOAD((plane * h + r) * w + c, x), k);
                }
            }
            VSTORE(relu_on ? relu(best) : best, row * wo + xo, y);
            if (winner) {
                VSTORE_BYTES(which, row * wo + xo, winner);
            }
        }
    }
}

/* `mask`: y of the forward pass, or null.  A gradient passes where it is above zero. */
__kernel void pool_max_bwd(__global float *restrict dx, __global const float *restrict dy,
                           __global const uchar *restrict winner,
                           __global const float *restrict mask, POOL_SIZES)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / h;
        const int yi = row % h + PAD;
        const int top = max(0, (yi - KH + STRIDE) / STRIDE);
        for (int c = left; c < min(left + cols, w); c++) {
            const int xi = c + PAD;
            vec sum = (vec)(0.0f);
            for (int r = top; r < ho && r * STRIDE <= yi; r++) {
                for (int q = max(0, (xi - KW + STRIDE) / STRIDE); q < wo && q * STRIDE <= xi; q++) {
                    const int o = (plane * ho + r) * wo + q;
                    const ivec own = (ivec)((yi - r * STRIDE) * KW + xi - q * STRIDE);
                    const vec g = VLOAD(o, dy);
                    const vec passed = mask ? relu_mask(g, VLOAD(o, mask)) : g;
                    sum += select((vec)(0.0f), passed, VBYTES(o, winner) == own);
                }
            }
            VSTORE(sum, row * w + c, dx);
        }
    }
}

/*
 * The same where stride equals the window and pad is 0.  A cell is a window's place in the input;
 * cells at the right and lower edge may have no output, and are zero.  rows = planes * ceil(h / KH)
 */
__kernel void pool_max_bwd_cells(__global float *restrict dx, __global const float *restrict dy,
                                 __global const uchar *restrict winner,
                                 __global const float *restrict mask, POOL_SIZES)
{
    const int cells = (h + KH - 1) / KH;
    const int across = (w + KW - 1) / KW;
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / cells;
        const int yo = row % cells;
        for (int xo = left; xo < min(left + cols, across); xo++) {
            const int o = (plane * ho + min(yo, ho - 1)) * wo + min(xo, wo - 1);
            const int used = yo < ho && xo < wo;
            const ivec which = used ? VBYTES(o, winner) : (ivec)(-1);
            const vec g = VLOAD(o, dy);
            const vec passed = mask ? relu_mask(g, VLOAD(o, mask)) : g;
            for (int r = yo * KH; r < min(yo * KH + KH, h); r++) {
                for (int c = xo * KW; c < min(xo * KW + KW, w); c++) {
                    const ivec own = (ivec)((r - yo * KH) * KW + c - xo * KW);
                    VSTREAM(which == own ? passed : (vec)(0.0f), (plane * h + r) * w + c, dx);
                }
            }
        }
    }
}

__kernel void pool_avg_fwd(__global float *restrict y, __global const float *restrict x,
                           const int relu_on, POOL_SIZES)
{
    const float share = 1.0f / (float)(KH * KW);
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / ho;
        const int y0 = row % ho * STRIDE - PAD;
        for (int xo = left; xo < min(left + cols, wo); xo++) {
            const int x0 = xo * STRIDE - PAD;
            vec sum = (vec)(0.0f);
            for (int r = y0; r < y0 + KH; r++) {
                vec line = (vec)(0.0f); /* row sums first: shorter chains of rounding */
                for (int c = x0; c < x0 + KW; c++) {
                    if (inside(r, h) && inside(c, w)) {
                        line += VLOAD((plane * h + r) * w + c, x);
                    }
                }
                sum += line;
            }
            sum *= share;
            VSTORE(relu_on ? relu(sum) : sum, row * wo + xo, y);
        }
    }
}

/* `mask`: x of the forward pass when a ReLU made it, or null. */
__kernel void pool_avg_bwd(__global float *restrict dx, __global const float *restrict dy,
                           __global const float *restrict mask, POOL_SIZES)
{
    const float share = 1.0f / (float)(KH * KW);
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / h;
        const int yi = row % h + PAD;
        const int top = max(0, (yi - KH + STRIDE) / STRIDE);
        for (int c = left; c < min(left + cols, w); c++) {
            const int xi = c + PAD;
            vec sum = (vec)(0.0f);
            for (int r = top; r < ho && r * STRIDE <= yi; r++) {
                for (int q = max(0, (xi - KW + STRIDE) / STRIDE); q < wo && q * STRIDE <= xi; q++) {
                    sum += VLOAD((plane * ho + r) * wo + q, dy);
                }
            }
            sum *= share;
            VSTORE(mask ? relu_mask(sum, VLOAD(row * w + c, mask)) : sum, row * w + c, dx);
        }
    }
}
