/*
 * pool.cl - max and average pooling, forward and backward, any window, stride and padding
 *
 * Pairs with   src/ops/pool.c (host), src/ref/pool.c (plain C)
 * Layout       planes = blocks * channels of [h][w][LANES]; `winner` [ho][wo][LANES] bytes
 * Mapping      rows of the output (forward), of the input (backward) or of cells (backward of
 *              windows that do not overlap); dimension 0 takes `cols` vectors of a row,
 *              dimension 1 `chunk` rows
 * Border       max: windows are clipped, which is padding with -infinity; average: the padding
 *              counts as zeros.  The host checks that every window has a pixel of the image
 * NaN          the first NaN of a window wins it
 * Determinism  backward gathers: no atomics
 */
#include "vec.h"

/* What all kernels need to know, unpacked from the arguments by the macro below. */
#define POOL_SIZES                                                                                 \
    const int rows, const int h, const int w, const int ho, const int wo, const int kh,            \
        const int kw, const int stride, const int pad, const int cols, const int chunk

__kernel void pool_max_fwd(__global float *restrict y, __global uchar *restrict winner,
                           __global const float *restrict x, const int relu_on, POOL_SIZES)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / ho;
        const int y0 = row % ho * stride - pad;
        for (int xo = left; xo < min(left + cols, wo); xo++) {
            const int x0 = xo * stride - pad;
            ivec which = (ivec)(max(-y0, 0) * kw + max(-x0, 0));
            vec best = VLOAD((plane * h + max(y0, 0)) * w + max(x0, 0), x);
            for (int r = max(y0, 0); r < min(y0 + kh, h); r++) {
                for (int c = max(x0, 0); c < min(x0 + kw, w); c++) {
                    const vec v = VLOAD((plane * h + r) * w + c, x);
                    /* v > best, or v is the first NaN */
                    const ivec wins = isequal(best, best) & ~islessequal(v, best);
                    best = select(best, v, wins);
                    which = select(which, (ivec)((r - y0) * kw + c - x0), wins);
                }
            }
            VSTORE(relu_on ? relu(best) : best, row * wo + xo, y);
            VSTORE_BYTES(which, row * wo + xo, winner);
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
        const int yi = row % h + pad;
        const int top = max(0, (yi - kh + stride) / stride);
        for (int c = left; c < min(left + cols, w); c++) {
            const int xi = c + pad;
            vec sum = (vec)(0.0f);
            for (int r = top; r < ho && r * stride <= yi; r++) {
                for (int q = max(0, (xi - kw + stride) / stride); q < wo && q * stride <= xi; q++) {
                    const int o = (plane * ho + r) * wo + q;
                    const ivec own = (ivec)((yi - r * stride) * kw + xi - q * stride);
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
 * cells at the right and lower edge may have no output, and are zero.  rows = planes * ceil(h / kh)
 */
__kernel void pool_max_bwd_cells(__global float *restrict dx, __global const float *restrict dy,
                                 __global const uchar *restrict winner,
                                 __global const float *restrict mask, POOL_SIZES)
{
    const int cells = (h + kh - 1) / kh;
    const int across = (w + kw - 1) / kw;
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / cells;
        const int yo = row % cells;
        for (int xo = left; xo < min(left + cols, across); xo++) {
            const int o = (plane * ho + min(yo, ho - 1)) * wo + min(xo, wo - 1);
            const int inside = yo < ho && xo < wo;
            const ivec which = inside ? VBYTES(o, winner) : (ivec)(-1);
            const vec g = VLOAD(o, dy);
            const vec passed = mask ? relu_mask(g, VLOAD(o, mask)) : g;
            for (int r = yo * kh; r < min(yo * kh + kh, h); r++) {
                for (int c = xo * kw; c < min(xo * kw + kw, w); c++) {
                    const ivec own = (ivec)((r - yo * kh) * kw + c - xo * kw);
                    VSTORE(select((vec)(0.0f), passed, which == own), (plane * h + r) * w + c, dx);
                }
            }
        }
    }
}

__kernel void pool_avg_fwd(__global float *restrict y, __global const float *restrict x,
                           const int relu_on, POOL_SIZES)
{
    const float share = 1.0f / (float)(kh * kw);
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / ho;
        const int y0 = row % ho * stride - pad;
        for (int xo = left; xo < min(left + cols, wo); xo++) {
            const int x0 = xo * stride - pad;
            vec sum = (vec)(0.0f);
            for (int r = max(y0, 0); r < min(y0 + kh, h); r++) {
                vec line = (vec)(0.0f); /* row sums first: shorter chains of rounding */
                for (int c = max(x0, 0); c < min(x0 + kw, w); c++) {
                    line += VLOAD((plane * h + r) * w + c, x);
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
    const float share = 1.0f / (float)(kh * kw);
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / h;
        const int yi = row % h + pad;
        const int top = max(0, (yi - kh + stride) / stride);
        for (int c = left; c < min(left + cols, w); c++) {
            const int xi = c + pad;
            vec sum = (vec)(0.0f);
            for (int r = top; r < ho && r * stride <= yi; r++) {
                for (int q = max(0, (xi - kw + stride) / stride); q < wo && q * stride <= xi; q++) {
                    sum += VLOAD((plane * ho + r) * wo + q, dy);
                }
            }
            sum *= share;
            VSTORE(mask ? relu_mask(sum, VLOAD(row * w + c, mask)) : sum, row * w + c, dx);
        }
    }
}
