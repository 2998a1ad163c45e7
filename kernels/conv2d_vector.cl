/*
 * conv2d_vector.cl - 2-d convolution for CPU devices: register tiles of explicit vectors
 *
 * Pairs with   src/ops/conv2d_vector.c (host), src/ref/conv2d.c (plain C)
 * Layout       activations [blocks][c][h][w][LANES], weights [oc][c][kh][kw]; LANES > 1
 * Mapping      forward: a work-item makes OT channels of one output row, or of one row of windows
 *              of POOL x POOL of it; backward data: OT channels of one input row; backward filter:
 *              OT output channels of one input channel, summed over one of SPLIT parts of all
 *              (image block, output row) pairs.  A work-group is one work-item: a CPU device runs
 *              it as one function on one core, so barriers would only cost, and local memory is a
 *              piece of that core's cache
 * Border       padding counts as zero; rows are clipped by loop bounds, columns by checked loads
 *              that only the tiles at the ends of a row pay for
 * Determinism  every sum has one fixed order; the parts of the backward filter are added in order
 *
 * Build options: the sizes C H W OC KH KW STRIDE PAD HO WO, LANES, the tile OT (channels) x XT
 * (columns), one of FORWARD with POOL (1: no max-pooling), BACKWARD_DATA, BACKWARD_FILTER with
 * POOL, BIAS (0, 1) and SPLIT.  bias, mask and winner may be null.
 */
#include "vec.h"

/* Row `a` of a tile of OT channels that starts at `first` of `count`: the last tile may reach
 * beyond. */
#define TILE_CHANNEL(a, first, count) ((count) % OT == 0 ? (a) : min((a), (count)-1 - (first)))

/* The vector at column `x` of a row of `width`, zero outside. */
static inline vec load_column(__global const float *restrict row, const int x, const int width,
                              const bool checked)
{
    if (checked && (x < 0 || x >= width)) {
        return (vec)(0.0f);
    }
    return VLOAD(x, row);
}

#ifdef FORWARD

/* acc[a][b] += weight * x for one input row and all kx; the window of column b starts at x0 + b
 * STRIDE. */
static inline void add_row(vec acc[OT][XT], __global const float *restrict row, const int x0,
                           __global const float *restrict weight, const int o0, const bool checked)
{
#pragma unroll
    for (int kx = 0; kx < KW; kx++) {
#pragma unroll
        for (int b = 0; b < XT; b++) {
            const vec v = load_column(row, x0 + b * STRIDE + kx, W, checked);
#pragma unroll
            for (int a = 0; a < OT; a++) {
                const float w = weight[TILE_CHANNEL(a, o0, OC) * C * KH * KW + kx];
                acc[a][b] = fma(v, (vec)(w), acc[a][b]);
            }
        }
    }
}

/* acc = OT channels from o0 on of XT columns from col0 on of one output row. */
INLINED void sum_tile(vec acc[OT][XT], __global const float *restrict x,
                      __global const float *restrict weight, __global const float *restrict bias,
                      const int block, const int o0, const int row, const int col0)
{
    const int top = row * STRIDE - PAD;
    const int x0 = col0 * STRIDE - PAD;
    const int ky_first = max(0, -top);
    const int ky_end = min(KH, H - top);
    const bool inside = x0 >= 0 && x0 + (XT - 1) * STRIDE + KW <= W;
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int b = 0; b < XT; b++) {
            acc[a][b] = (vec)(bias ? bias[o0 + TILE_CHANNEL(a, o0, OC)] : 0.0f);
        }
    }
    for (int c = 0; c < C; c++) {
        for (int ky = ky_first; ky < ky_end; ky++) {
            __global const float *const line = x + ((block * C + c) * H + top + ky) * W * LANES;
            __global const float *const w = weight + ((o0 * C + c) * KH + ky) * KW;
            if (inside) {
                add_row(acc, line, x0, w, o0, false);
            } else {
                add_row(acc, line, x0, w, o0, true);
            }
        }
    }
}

#if POOL > 1
#define ROWS    (HO / POOL) /* of the result */
#define COLUMNS (WO / POOL)

/* Rows of a window follow one another: best and which of those before row `r` go on with it. */
INLINED void take_row(vec best[OT][XT / POOL], ivec which[OT][XT / POOL], const vec acc[OT][XT],
                      const int r)
{
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int b = 0; b < XT; b++) {
            take_pixel(&best[a][b / POOL], &which[a][b / POOL], acc[a][b], r * POOL + b % POOL);
        }
    }
}
#else
#define ROWS    HO
#define COLUMNS WO
#endif

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_vector_fwd(
    __global float *restrict y, __global uchar *restrict winner, __global const float *restrict x,
    __global const float *restrict weight, __global const float *restrict bias, const int relu_on)
{
    const int row = (int)get_global_id(0);
    const int o0 = (int)get_global_id(1) * OT;
    const int block = (int)get_global_id(2);

    for (int col = 0; col < COLUMNS; col += XT / POOL) {
        const int col0 =
            min(col, COLUMNS - XT / POOL); /* the last repeats columns of its own row */
        vec acc[OT][XT];
#if POOL > 1
        vec best[OT][XT / POOL];
        ivec which[OT][XT / POOL];
#pragma unroll
        for (int i = 0; i < OT * (XT / POOL); i++) {
            best[i / (XT / POOL)][i % (XT / POOL)] = (vec)(-INFINITY);
            which[i / (XT / POOL)][i % (XT / POOL)] = (ivec)(0);
        }
#pragma unroll 1
        for (int r = 0; r < POOL; r++) {
            sum_tile(acc, x, weight, bias, block, o0, row * POOL + r, col0 * POOL);
            take_row(best, which, acc, r);
        }
#else
        sum_tile(acc, x, weight, bias, block, o0, row, col0);
#endif
#pragma unroll
        for (int a = 0; a < OT; a++) {
#pragma unroll
            for (int b = 0; b < XT / POOL; b++) {
                if (OC % OT == 0 || o0 + a < OC) {
                    const int at = ((block * OC + o0 + a) * ROWS + row) * COLUMNS + col0 + b;
#if POOL > 1
                    const vec v = best[a][b];
                    if (winner) {
                        VSTORE_BYTES(which[a][b], at, winner);
                    }
#else
                    const vec v = acc[a][b];
#endif
                    VSTORE(at_least(v, least_of(relu_on)), at, y);
                }
            }
        }
    }
}
#endif

#ifdef BACKWARD_DATA

/*
 * acc[a][b] += weight * dy for one output row and all kx that meet the columns of this phase.
 * `right` is column + PAD of the tile's first column; the columns of a tile are STRIDE apart.
 */
static inline void add_row(vec acc[OT][XT], __global const float *restrict row, const int right,
                           __global const float *restrict weight, const int c0, const bool checked)
{
#pragma unroll
    for (int kx = 0; kx < KW; kx++) {
        if ((right - kx + KW * STRIDE) % STRIDE == 0) {
            const int x0 = (right - kx + KW * STRIDE) / STRIDE - KW; /* floors below zero too */
#pragma unroll
            for (int b = 0; b < XT; b++) {
                const vec v = load_column(row, x0 + b, WO, checked);
#pragma unroll
                for (int a = 0; a < OT; a++) {
                    const float w = weight[TILE_CHANNEL(a, c0, C) * KH * KW + kx];
                    acc[a][b] = fma(v, (vec)(w), acc[a][b]);
                }
            }
        }
    }
}

/* One tile: all output channels and rows that the input row meets. */
static inline void add_rows(vec acc[OT][XT], __global const float *restrict dy,
                            __global const float *restrict weight, const int block, const int row,
                            const int c0, const int right)
{
    const bool inside = right - (KW - 1) >= 0 && right / STRIDE + XT - 1 < WO;
    for (int o = 0; o < OC; o++) {
        for (int ky = 0; ky < KH; ky++) {
            const int below = row + PAD - ky;
            const int y = below / STRIDE;
            if (below >= 0 && y < HO && below % STRIDE == 0) {
                __global const float *const line = dy + ((block * OC + o) * HO + y) * WO * LANES;
                __global const float *const w = weight + ((o * C + c0) * KH + ky) * KW;
                if (inside) {
                    add_row(acc, line, right, w, c0, false);
                } else {
                    add_row(acc, line, right, w, c0, true);
                }
            }
        }
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_vector_bwd_data(
    __global float *restrict dx, __global const float *restrict dy,
    __global const float *restrict weight, __global const float *restrict mask)
{
    const int row = (int)get_global_id(0);
    const int c0 = (int)get_global_id(1) * OT;
    const int block = (int)get_global_id(2);

    for (int phase = 0; phase < min(STRIDE, W); phase++) {
        const int count = (W - 1 - phase) / STRIDE + 1; /* columns phase, phase + STRIDE, ... */
        for (int first = 0; first < count; first += XT) {
            const int col0 = phase + min(first, count - XT) * STRIDE;
            vec acc[OT][XT];
#pragma unroll
            for (int a = 0; a < OT; a++) {
#pragma unroll
                for (int b = 0; b < XT; b++) {
                    acc[a][b] = (vec)(0.0f);
                }
            }
            add_rows(acc, dy, weight, block, row, c0, col0 + PAD);
#pragma unroll
            for (int a = 0; a < OT; a++) {
#pragma unroll
                for (int b = 0; b < XT; b++) {
                    if (C % OT == 0 || c0 + a < C) {
                        const int at = ((block * C + c0 + a) * H + row) * W + col0 + b * STRIDE;
                        const vec v = mask ? relu_mask(acc[a][b], VLOAD(at, mask)) : acc[a][b];
                        VSTORE(v, at, dx);
                    }
                }
            }
        }
    }
}
#endif

#ifdef BACKWARD_FILTER

/* Rows and columns of the gradient: with a pooling those that its windows have.  A row of it is
 * that of dy, or what is made of a row of windows' dy: OT channels in a core's cache. */
#define GH (HO / POOL * POOL)
#define GW (WO / POOL * POOL)
#if POOL > 1
#define GRADIENT               __local
#define GRADIENT_CHANNEL(a, o) ((a)*GW)
#else
#define GRADIENT               __global
#define GRADIENT_CHANNEL(a, o) (TILE_CHANNEL(a, o, OC) * HO * WO)
#endif

/* First output column whose window lies inside the row, and the one behind the last such. */
#define INSIDE_FIRST min((PAD + STRIDE - 1) / STRIDE, GW)
#define INSIDE_END                                                                                 \
    (W + PAD < KW ? INSIDE_FIRST : max(INSIDE_FIRST, min(GW, (W + PAD - KW) / STRIDE + 1)))

/* acc[a][kx] += dy * x over output columns [first, end) of one row. */
INLINED void add_columns(vec acc[OT][KW], GRADIENT const float *restrict dy,
                         __global const float *restrict row, const int o0, const int first,
                         const int end, const bool checked)
{
    for (int col = first; col < end; col++) {
        vec d[OT];
#pragma unroll
        for (int a = 0; a < OT; a++) {
            d[a] = VLOAD(GRADIENT_CHANNEL(a, o0) + col, dy);
        }
#pragma unroll
        for (int kx = 0; kx < KW; kx++) {
            const vec v = load_column(row, col * STRIDE - PAD + kx, W, checked);
#pragma unroll
            for (int a = 0; a < OT; a++) {
                acc[a][kx] = fma(d[a], v, acc[a][kx]);
            }
        }
    }
}

/* One output row with one input row: the running sums of that kernel row go through registers. */
INLINED void add_row(vec sums[OT][KW], GRADIENT const float *restrict dy,
                     __global const float *restrict row, const int o0)
{
    vec acc[OT][KW];
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int kx = 0; kx < KW; kx++) {
            acc[a][kx] = sums[a][kx];
        }
    }
    if (PAD > 0) {
        add_columns(acc, dy, row, o0, 0, INSIDE_FIRST, true);
    }
    add_columns(acc, dy, row, o0, INSIDE_FIRST, INSIDE_END, false);
    if (PAD > 0) {
        add_columns(acc, dy, row, o0, INSIDE_END, GW, true);
    }
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int kx = 0; kx < KW; kx++) {
            sums[a][kx] = acc[a][kx];
        }
    }
}

#if POOL > 1
/* Row y of the gradient of OT channels, whose windows begin at `at`: what a window's pixel won
 * with, and zero where it lost. */
INLINED void unpool_row(__local vec *restrict row, __global const float *restrict dy,
                        __global const uchar *restrict winner, const int at, const int y,
                        const int o0)
{
    for (int a = 0; a < OT; a++) {
        const int plane = at + TILE_CHANNEL(a, o0, OC) * (HO / POOL) * (WO / POOL);
        for (int col = 0; col < WO / POOL; col++) {
            const vec g = VLOAD(plane + col, dy);
            const ivec which = VBYTES(plane + col, winner);
#pragma unroll
            for (int k = 0; k < POOL; k++) {
                row[a * GW + col * POOL + k] = which == y % POOL * POOL + k ? g : (vec)(0.0f);
            }
        }
    }
}
#endif

/* part is [SPLIT][OC * C * KH * KW + OC]: the sums of one part, weights then biases.  With a
 * pooling dy and `winner` are of its output; else nobody looks at `winner`. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_vector_bwd_filter(
    __global float *restrict part, __global const float *restrict dy,
    __global const uchar *restrict winner, __global const float *restrict x, const int blocks)
{
#if POOL > 1
    __local vec line[OT * GW];
#endif
    const int o0 = (int)get_global_id(0) * OT;
    const int c = (int)get_global_id(1);
    const int split = (int)get_global_id(2);
    const int rows = blocks * GH;
    vec sums[KH][OT][KW];
    vec bias[OT];
    for (int a = 0; a < OT; a++) {
        bias[a] = (vec)(0.0f);
        for (int k = 0; k < KH * KW; k++) {
            sums[k / KW][a][k % KW] = (vec)(0.0f);
        }
    }
    for (int r = (int)((long)rows * split / SPLIT); r < (int)((long)rows * (split + 1) / SPLIT);
         r++) {
        const int block = r / GH;
        const int y = r % GH;
        const int at = ((block * OC + o0) * (HO / POOL) + y / POOL) * (WO / POOL); /* of windows */
#if POOL > 1
        unpool_row(line, dy, winner, at, y, o0);
        __local const float *const gradient = (__local const float *)line;
#else
        __global const float *const gradient = dy + at * LANES;
#endif
        for (int ky = 0; ky < KH; ky++) {
            const int below = y * STRIDE - PAD + ky;
            if (below >= 0 && below < H) {
                add_row(sums[ky], gradient, x + ((block * C + c) * H + below) * W * LANES, o0);
            }
        }
        const bool first = BIAS != 0 && c == 0 && y % POOL == 0; /* of a row of windows */
        for (int col = 0; col < (first ? WO / POOL : 0); col++) {
#pragma unroll
            for (int a = 0; a < OT; a++) {
                bias[a] +=
                    VLOAD(at + TILE_CHANNEL(a, o0, OC) * (HO / POOL) * (WO / POOL) + col, dy);
            }
        }
    }
    __global float *const out = part + split * (OC * C * KH * KW + OC);
    for (int a = 0; a < OT && o0 + a < OC; a++) {
        for (int k = 0; k < KH * KW; k++) {
            out[((o0 + a) * C + c) * KH * KW + k] = VSUM(sums[k / KW][a][k % KW]);
        }
        if (BIAS != 0 && c == 0) {
            out[OC * C * KH * KW + o0 + a] = VSUM(bias[a]);
        }
    }
}
#endif

#ifdef ADD_PARTS

/*
 * Second stage of the backward filter pass: adds `parts` parts of `size` numbers each, in order.
 * The first `weights` numbers are weights, those behind them up to `kept` biases; a work-item
 * takes `each`.
 */
__kernel void conv2d_add_parts(__global float *restrict dweight, __global float *restrict dbias,
                               __global const float *restrict part, const int parts, const int size,
                               const int kept, const int weights, const int each)
{
    const int first = (int)get_global_id(0) * each;
    for (int i = first; i < min(first + each, kept); i++) {
        float sum = part[i];
        for (int s = 1; s < parts; s++) {
            sum += part[s * size + i];
        }
        if (i < weights) {
            dweight[i] = sum;
        } else {
            dbias[i - weights] = sum;
        }
    }
}
#endif
