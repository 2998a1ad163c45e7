/*
 * conv2d_grouped.cl - 2-d convolution in groups of channels, depthwise where a group is one
 *
 * Pairs with   src/ops/conv2d_grouped.c (host), src/ref/conv2d.c (plain C)
 * Layout       activations [blocks][c][h][w][LANES], weights [oc][CG][kh][kw]; any LANES
 * Mapping      forward and backward data: SPAN work-items, whole groups, have OT channels of one
 *              group in a block of images; ITEMS of them stride over tiles of XT columns: GPUs have
 *              one for each, CPU devices one for all, as starting it costs more than some tiles.
 *              Backward filter: a work-group of GROUP work-items for an (output, input) pair and a
 *              part of the blocks, dimension 1, with all taps in registers
 * Border       padding counts as zero; rows are skipped, columns checked in tiles at the border
 * Determinism  every sum has one fixed order; the parts of the backward filter are added in order
 *
 * Build options: LANES, the sizes H W KH KW STRIDE PAD HO WO, groups GROUPS of CG input and OG
 * output channels, the tile OT (channels of a group, divides them) x XT (columns, at most those of
 * a row), GROUP work-items of a work-group, one of FORWARD, BACKWARD_DATA, BACKWARD_FILTER, and
 * ITEMS, BIAS, RELU, MASK.
 */
#include "vec.h"

#define TAPS (KH * KW)
#define C    (GROUPS * CG)
#define OC   (GROUPS * OG)
#define SPAN ((ITEMS + GROUP - 1) / GROUP * GROUP)

#ifdef FORWARD

/* acc[a][b] += weight * x for one input channel; the window of column b starts at x0 + b STRIDE. */
INLINED void add_channel(vec acc[OT][XT], __global const float *restrict plane, const int top,
                         const int x0, __global const float *restrict weight, const int checked)
{
    for (int ky = max(0, -top); ky < min(KH, H - top); ky++) {
#pragma unroll
        for (int kx = 0; kx < KW; kx++) {
#pragma unroll
            for (int b = 0; b < XT; b++) {
                const int column = x0 + b * STRIDE + kx;
                const vec v = checked && (column < 0 || column >= W)
                                  ? (vec)(0.0f)
                                  : VLOAD((top + ky) * W + column, plane);
#pragma unroll
                for (int a = 0; a < OT; a++) {
                    acc[a][b] = fma(v, (vec)(weight[a * CG * TAPS + ky * KW + kx]), acc[a][b]);
                }
            }
        }
    }
}

__kernel void conv2d_grouped_fwd(__global float *restrict y, __global const float *restrict x,
                                 __global const float *restrict weight,
                                 __global const float *restrict bias)
{
    const int tiles = (WO + XT - 1) / XT;
    const int part = (int)(get_global_id(0) / SPAN);
    const int o0 = part % (OC / OT) * OT;
    const int block = part / (OC / OT);
    const int c0 = o0 / OG * CG;
    for (int t = (int)(get_global_id(0) % SPAN); t < HO * tiles; t += ITEMS) {
        const int row = t / tiles;
        const int col = min(t % tiles * XT, WO - XT); /* the last tile repeats columns */
        const int x0 = col * STRIDE - PAD;
        const int inside = x0 >= 0 && x0 + (XT - 1) * STRIDE + KW <= W;
        vec acc[OT][XT];
#pragma unroll
        for (int i = 0; i < OT * XT; i++) {
            acc[i / XT][i % XT] = (vec)(BIAS ? bias[o0 + i / XT] : 0.0f);
        }
        for (int c = 0; c < CG; c++) {
            __global const float *const plane = x + (size_t)(block * C + c0 + c) * H * W * LANES;
            __global const float *const taps = weight + (o0 * CG + c) * TAPS;
            if (inside) {
                add_channel(acc, plane, row * STRIDE - PAD, x0, taps, 0);
            } else {
                add_channel(acc, plane, row * STRIDE - PAD, x0, taps, 1);
            }
        }
#pragma unroll
        for (int i = 0; i < OT * XT; i++) {
            const vec v = RELU ? relu(acc[i / XT][i % XT]) : acc[i / XT][i % XT];
            VSTORE(v, ((block * OC + o0 + i / XT) * HO + row) * WO + col + i % XT, y);
        }
    }
}
#endif

#ifdef BACKWARD_DATA

/* acc[a][b] += weight * dy for one output channel; column b of the tile is right - PAD + b. */
INLINED void add_channel(vec acc[OT][XT], __global const float *restrict plane, const int bottom,
                         const int right, __global const float *restrict weight, const int checked)
{
    for (int ky = 0; ky < KH; ky++) {
        const int ys = bottom - ky; /* STRIDE times the output's row */
        if (ys < 0 || ys % STRIDE != 0 || ys / STRIDE >= HO) {
            continue;
        }
#pragma unroll
        for (int kx = 0; kx < KW; kx++) {
#pragma unroll
            for (int b = 0; b < XT; b++) {
                const int xs = right + b - kx;
                if (checked && (xs < 0 || xs % STRIDE != 0 || xs / STRIDE >= WO)) {
                    continue;
                }
                const vec v = VLOAD(ys / STRIDE * WO + xs / STRIDE, plane);
#pragma unroll
                for (int a = 0; a < OT; a++) {
                    acc[a][b] = fma(v, (vec)(weight[a * TAPS + ky * KW + kx]), acc[a][b]);
                }
            }
        }
    }
}

__kernel void conv2d_grouped_bwd_data(__global float *restrict dx,
                                      __global const float *restrict dy,
                                      __global const float *restrict weight,
                                      __global const float *restrict mask)
{
    const int tiles = (W + XT - 1) / XT;
    const int part = (int)(get_global_id(0) / SPAN);
    const int c0 = part % (C / OT) * OT;
    const int block = part / (C / OT);
    const int first = c0 / CG * OG; /* output channel of the group */
    for (int t = (int)(get_global_id(0) % SPAN); t < H * tiles; t += ITEMS) {
        const int row = t / tiles;
        const int col = min(t % tiles * XT, W - XT);
        const int right = col + PAD;
        const int inside = STRIDE == 1 && right - KW + 1 >= 0 && right + XT <= WO;
        vec acc[OT][XT];
#pragma unroll
        for (int i = 0; i < OT * XT; i++) {
            acc[i / XT][i % XT] = (vec)(0.0f);
        }
        for (int o = first; o < first + OG; o++) {
            __global const float *const plane = dy + (size_t)(block * OC + o) * HO * WO * LANES;
            __global const float *const taps = weight + (o * CG + c0 % CG) * TAPS;
            if (inside) {
                add_channel(acc, plane, row + PAD, right, taps, 0);
            } else {
                add_channel(acc, plane, row + PAD, right, taps, 1);
            }
        }
#pragma unroll
        for (int i = 0; i < OT * XT; i++) {
            const int at = ((block * C + c0 + i / XT) * H + row) * W + col + i % XT;
            const vec v = acc[i / XT][i % XT];
            VSTORE(MASK ? relu_mask(v, VLOAD(at, mask)) : v, at, dx);
        }
    }
}
#endif

#ifdef BACKWARD_FILTER

/* acc[tap] += dy * x of one output pixel. */
INLINED void add_pixel(vec acc[TAPS], const vec g, __global const float *restrict plane,
                       const int top, const int left, const int checked)
{
#pragma unroll
    for (int tap = 0; tap < TAPS; tap++) {
        const int row = top + tap / KW;
        const int column = left + tap % KW;
        if (!checked || (row >= 0 && row < H && column >= 0 && column < W)) {
            acc[tap] = fma(g, VLOAD(row * W + column, plane), acc[tap]);
        }
    }
}

#if GROUP > 1
/* The sum of a number of each work-item, in a fixed order; `sums` is free behind it. */
INLINED float sum_group(const float own, __local float *sums)
{
    const int me = (int)get_local_id(0);
    sums[me] = own;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_count = GROUP / 2; half_count > 0; half_count /= 2) {
        if (me < half_count) {
            sums[me] += sums[me + half_count];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float all = sums[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return all;
}
#define SUM_GROUP(own) sum_group(own, sums)
#else
#define SUM_GROUP(own) (own)
#endif

/* Part s of parts[s][OC CG TAPS weights, OC biases] sums the blocks from s * each on. */
__attribute__((reqd_work_group_size(GROUP, 1, 1))) __kernel void conv2d_grouped_bwd_filter(
    __global float *restrict parts, __global const float *restrict dy,
    __global const float *restrict x, const int blocks, const int each)
{
#if GROUP > 1
    __local float sums[GROUP];
#endif
    const int me = (int)get_local_id(0);
    const int pair = (int)(get_global_id(0) / GROUP);
    const int o = pair / CG;
    const int c = pair % CG;
    const int split = (int)get_global_id(1);
    __global float *const out = parts + (size_t)split * (OC * CG * TAPS + OC);
    vec acc[TAPS];
    vec total = (vec)(0.0f);
#pragma unroll
    for (int tap = 0; tap < TAPS; tap++) {
        acc[tap] = (vec)(0.0f);
    }
    for (int block = split * each; block < min(split * each + each, blocks); block++) {
        __global const float *const plane =
            x + (size_t)(block * C + o / OG * CG + c) * H * W * LANES;
        __global const float *const gradient = dy + (size_t)(block * OC + o) * HO * WO * LANES;
        for (int p = me; p < HO * WO; p += GROUP) {
            const vec g = VLOAD(p, gradient);
            const int top = p / WO * STRIDE - PAD;
            const int left = p % WO * STRIDE - PAD;
            total += g;
            if (top >= 0 && top + KH <= H && left >= 0 && left + KW <= W) {
                add_pixel(acc, g, plane, top, left, 0);
            } else {
                add_pixel(acc, g, plane, top, left, 1);
            }
        }
    }
    for (int tap = 0; tap < TAPS; tap++) {
        const float sum = SUM_GROUP(VSUM(acc[tap]));
        if (me == 0) {
            out[(o * CG + c) * TAPS + tap] = sum;
        }
    }
    const float bias = SUM_GROUP(VSUM(total));
    if (me == 0 && c == 0) {
        out[OC * CG * TAPS + o] = bias;
    }
}
#endif
