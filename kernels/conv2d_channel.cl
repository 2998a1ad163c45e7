/*
 * conv2d_channel.cl - backward filter pass for CPU devices with channels as vectors: small images,
 * many channels, and kernels of 1x1
 *
 * Pairs with   src/ops/conv2d_channel.c (host), src/ref/conv2d.c (plain C)
 * Layout       activations [blocks][c][h][w][LANES], weights [oc][c][kh][kw]; LANES > 1
 * Method       the inputs of one image block are turned once, so that a vector holds LANES channels
 * of one image; then every kernel tap is a matrix product over pixels and images: a number of the
 *              gradient times a vector of inputs, OT x CV sums in registers
 * Mapping      a work-item makes CC x OG channel pairs over one of SPLIT parts of the image blocks;
 * its turned inputs and sums live in local memory (a core's cache).  Work-groups are single
 *              work-items (see conv2d_vector.cl).
 * Border       taps that fall outside are clipped by loop bounds
 * Determinism  every sum has one fixed order; conv2d_add_parts adds the parts in order
 *
 * Build options: C H W OC KH KW STRIDE PAD HO WO LANES, CC, OG, OT, BIAS, SPLIT
 */
#include "vec.h"

#define CV (CC / LANES) /* vectors of channels */

/* turned [H W][LANES][CV]: the inputs of CC channels from c0 on of one image block. */
INLINED void turn_inputs(__local vec *restrict turned, __global const float *restrict x,
                         const int block, const int c0)
{
    for (int pixel = 0; pixel < H * W; pixel++) {
        for (int j = 0; j < CV; j++) {
            vec square[LANES];
#pragma unroll
            for (int c = 0; c < LANES; c++) {
                const int channel = c0 + j * LANES + c;
                square[c] = (vec)(0.0f);
                if (channel < C) {
                    square[c] = VLOAD((block * C + channel) * H * W + pixel, x);
                }
            }
            transpose(square);
#pragma unroll
            for (int n = 0; n < LANES; n++) {
                turned[(pixel * LANES + n) * CV + j] = square[n];
            }
        }
    }
}

/* acc[a][j] += gradient * input over the images of `count` neighbouring outputs of a row. */
INLINED void add_row(vec acc[OT][CV], __global const float *restrict dy,
                     __local const vec *restrict turned, const int o0, const int count)
{
    for (int n = 0; n < count * LANES; n++) {
        const int pixel = n / LANES;
#pragma unroll
        for (int a = 0; a < OT; a++) {
            const vec d = (vec)(dy[min(a, OC - 1 - o0) * HO * WO * LANES + n]);
#pragma unroll
            for (int j = 0; j < CV; j++) {
                const vec v = turned[(pixel * STRIDE * LANES + n % LANES) * CV + j];
                acc[a][j] = fma(d, v, acc[a][j]);
            }
        }
    }
}

/* One tap (ky, kx) of OT outputs over all pixels of a block. */
INLINED void add_tap(__local vec *restrict sums, __global const float *restrict dy,
                     __local const vec *restrict turned, const int o0, const int ky, const int kx)
{
    vec acc[OT][CV];
    const int col_first = max(0, (PAD - kx + STRIDE - 1) / STRIDE);
    const int col_end = W + PAD - kx <= 0 ? 0 : min(WO, (W + PAD - kx - 1) / STRIDE + 1);
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int j = 0; j < CV; j++) {
            acc[a][j] = sums[a * CV + j];
        }
    }
    for (int row = 0; row < HO; row++) {
        const int y = row * STRIDE + ky - PAD;
        if (y >= 0 && y < H && col_first < col_end) {
            const int x = col_first * STRIDE + kx - PAD;
            add_row(acc, dy + (row * WO + col_first) * LANES, turned + (y * W + x) * LANES * CV, o0,
                    col_end - col_first);
        }
    }
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int j = 0; j < CV; j++) {
            sums[a * CV + j] = acc[a][j];
        }
    }
}

/* part is [SPLIT][OC C KH KW + OC]: the sums of one part, weights then biases. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_channel_filter(
    __global float *restrict part, __global const float *restrict dy,
    __global const float *restrict x, const int blocks)
{
    __local vec turned[H * W * LANES * CV];
    __local vec sums[KH * KW * OG * CV];
    __local vec bias[OG];
    const int c0 = (int)get_global_id(0) * CC;
    const int first = (int)get_global_id(1) * OG;
    const int split = (int)get_global_id(2);
    const int outputs = min(OG, OC - first);
    for (int i = 0; i < KH * KW * OG * CV; i++) {
        sums[i] = (vec)(0.0f);
    }
    for (int o = 0; o < OG; o++) {
        bias[o] = (vec)(0.0f);
    }
    const int end = (int)((long)blocks * (split + 1) / SPLIT);
    for (int block = (int)((long)blocks * split / SPLIT); block < end; block++) {
        __global const float *const gradient = dy + (block * OC + first) * HO * WO * LANES;
        turn_inputs(turned, x, block, c0);
        for (int o = 0; o < outputs; o += OT) {
            for (int tap = 0; tap < KH * KW; tap++) {
                add_tap(sums + (tap * OG + o) * CV, gradient + o * HO * WO * LANES, turned,
                        first + o, tap / KW, tap % KW);
            }
        }
        for (int o = 0; o < (BIAS != 0 && c0 == 0 ? outputs : 0); o++) {
            for (int i = 0; i < HO * WO; i++) {
                bias[o] += VLOAD(o * HO * WO + i, gradient);
            }
        }
    }
    __global float *const out = part + split * (OC * C * KH * KW + OC);
    for (int o = 0; o < outputs; o++) {
        for (int j = 0; j < CV; j++) {
            for (int tap = 0; tap < KH * KW; tap++) {
                float lanes[LANES];
                VSTORE_ANY(sums[(tap * OG + o) * CV + j], 0, lanes);
                for (int c = 0; c < min(LANES, C - c0 - j * LANES); c++) {
                    out[((first + o) * C + c0 + j * LANES + c) * KH * KW + tap] = lanes[c];
                }
            }
        }
        if (BIAS != 0 && c0 == 0) {
            out[OC * C * KH * KW + first + o] = VSUM(bias[o]);
        }
    }
}
