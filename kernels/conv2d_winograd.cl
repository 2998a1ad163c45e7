/*
 * conv2d_winograd.cl - Winograd convolution for CPU devices, forward and backward data: kernels of
 * 3x3, 4x4, 5x5
 *
 * Pairs with   src/ops/conv2d_winograd.c (host), src/ref/conv2d.c (plain C); transforms in
 * winograd.h Layout       activations [blocks][c][h][w][LANES], weights [oc][c][R][R]; LANES > 1;
 * stride 1 Mapping      a work-item takes NT tiles of one image block and makes OG output channels,
 * CC input channels at a time, its transformed tiles in local memory (a core's cache).  Work-groups
 * are single work-items (see conv2d_vector.cl). Border       tiles at the border read zeros outside
 * and store what lies inside Determinism  every sum has one fixed order; each output is stored by
 * one work-item
 *
 * Build options: R, LANES, OT; CONVOLVE with CC OG NT IC OC H W HO WO PAD BIAS RELU MASK; WEIGHTS
 * with C OC FLIP.
 */
#include "vec.h"
#include "winograd.h"

#ifdef WEIGHTS

#if FLIP /* backward data: input and output channels change places, the kernel is turned by 180    \
            degrees */
#define OUTPUTS C
#define INPUTS  OC
#else
#define OUTPUTS OC
#define INPUTS  C
#endif
#define TILES ((OUTPUTS + OT - 1) / OT)

#if OT == 8
typedef float8 outs;
#define OUTS_LOAD  vload8
#define OUTS_STORE vstore8
#else
typedef float4 outs;
#define OUTS_LOAD  vload4
#define OUTS_STORE vstore4
#endif

/* One weight of each of the OT outputs from `o0` on; zero beyond the last. */
static inline outs load_outputs(__global const float *restrict weight, const int o0, const int i,
                                const int ky, const int kx)
{
    float each[OT];
#pragma unroll
    for (int a = 0; a < OT; a++) {
        const int o = o0 + a;
        const int at = FLIP ? ((i * C + o) * R + R - 1 - ky) * R + R - 1 - kx
                            : ((o * C + i) * R + ky) * R + kx;
        each[a] = o < OUTPUTS ? weight[at] : 0.0f;
    }
    return OUTS_LOAD(0, each);
}

/*
 * points is [P P][TILES][INPUTS][OT], zero for outputs beyond the last; a work-item takes a tile of
 * OT outputs and 16 inputs.
 */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_winograd_weights(
    __global float *restrict points, __global const float *restrict weight)
{
    const int tile = (int)get_global_id(0);
    const int first = (int)get_global_id(1) * 16;
    for (int i = first; i < min(first + 16, INPUTS); i++) {
        outs rows[R][P];
#pragma unroll
        for (int ky = 0; ky < R; ky++) {
            outs line[R];
#pragma unroll
            for (int kx = 0; kx < R; kx++) {
                line[kx] = load_outputs(weight, tile * OT, i, ky, kx);
            }
            KERNEL_POINTS(outs, rows[ky], line, R);
        }
#pragma unroll
        for (int k = 0; k < P; k++) {
            outs column[R];
            outs out[P];
#pragma unroll
            for (int ky = 0; ky < R; ky++) {
                column[ky] = rows[ky][k];
            }
            KERNEL_POINTS(outs, out, column, R);
#pragma unroll
            for (int r = 0; r < P; r++) {
                OUTS_STORE(out[r], ((r * P + k) * TILES + tile) * INPUTS + i, points);
            }
        }
    }
}
#endif

#ifdef CONVOLVE

#define TILES_X ((WO + M - 1) / M)
#define TILES_Y ((HO + M - 1) / M)
#define O_TILES ((OC + OT - 1) / OT)

/* Points of CC input channels, from c0 on, of NT tiles: v is [P P][CC][NT]. */
static inline void load_tiles(__local vec *restrict v, __global const float *restrict x,
                              const int block, const int tile0, const int c0)
{
    for (int t = 0; t < NT; t++) {
        const int tile = min(tile0 + t, TILES_X * TILES_Y - 1);
        const int top = tile / TILES_X * M - PAD;
        const int left = tile % TILES_X * M - PAD;
        for (int c = 0; c < min(CC, IC - c0); c++) {
            vec points[P][P];
            tile_to_points(points, x + (block * IC + c0 + c) * H * W * LANES, top, left, H, W);
#pragma unroll
            for (int i = 0; i < P * P; i++) {
                v[(i * CC + c) * NT + t] = points[i / P][i % P];
            }
        }
    }
}

/* m [P P][OG][NT] (+)= the products of `count` channels at each point, for the output tiles of a
 * group. */
static inline void multiply(__local vec *restrict m, __local const vec *restrict v,
                            __global const float *restrict weights, const int first_tile,
                            const int tiles, const int c0)
{
    const int count = min(CC, IC - c0);
    for (int i = 0; i < P * P; i++) {
        for (int ob = 0; ob < tiles; ob++) {
            __local vec *const out = m + (i * OG + ob * OT) * NT;
            __local const vec *const in = v + i * CC * NT;
            __global const float *const u =
                weights + ((i * O_TILES + first_tile + ob) * IC + c0) * OT;
            vec acc[OT][NT];
#pragma unroll
            for (int a = 0; a < OT; a++) {
#pragma unroll
                for (int t = 0; t < NT; t++) {
                    acc[a][t] = c0 == 0 ? (vec)(0.0f) : out[a * NT + t];
                }
            }
            for (int c = 0; c < count; c++) {
                vec value[NT];
#pragma unroll
                for (int t = 0; t < NT; t++) {
                    value[t] = in[c * NT + t];
                }
#pragma unroll
                for (int a = 0; a < OT; a++) {
                    const vec w = (vec)(u[c * OT + a]);
#pragma unroll
                    for (int t = 0; t < NT; t++) {
                        acc[a][t] = fma(value[t], w, acc[a][t]);
                    }
                }
            }
#pragma unroll
            for (int a = 0; a < OT; a++) {
#pragma unroll
                for (int t = 0; t < NT; t++) {
                    out[a * NT + t] = acc[a][t];
                }
            }
        }
    }
}

/* One output channel of one tile: points to pixels, epilogue, store what lies inside. */
static inline void store_tile(__global float *restrict plane, __local const vec *restrict m,
                              const float bias, __global const float *restrict mask, const int top,
                              const int left)
{
    vec rows[P][M];
    const bool inside = top + M <= HO && left + M <= WO;
#pragma unroll
    for (int r = 0; r < P; r++) {
        vec line[P];
#pragma unroll
        for (int k = 0; k < P; k++) {
            line[k] = m[(r * P + k) * OG * NT];
        }
        FROM_POINTS(vec, rows[r], line, M);
    }
#pragma unroll
    for (int k = 0; k < M; k++) {
        vec column[P];
        vec out[M];
#pragma unroll
        for (int r = 0; r < P; r++) {
            column[r] = rows[r][k];
        }
        FROM_POINTS(vec, out, column, M);
#pragma unroll
        for (int r = 0; r < M; r++) {
            if (inside || (top + r < HO && left + k < WO)) {
                const int at = (top + r) * WO + left + k;
                const vec v = out[r] + bias;
                VSTORE(RELU ? relu(v) : MASK ? relu_mask(v, VLOAD(at, mask)) : v, at, plane);
            }
        }
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_winograd_convolve(
    __global float *restrict y, __global const float *restrict x,
    __global const float *restrict weights, __global const float *restrict bias,
    __global const float *restrict mask)
{
    __local vec v[P * P * CC * NT];
    __local vec m[P * P * OG * NT];
    const int tile0 = (int)get_global_id(0) * NT;
    const int group = (int)get_global_id(1);
    const int block = (int)get_global_id(2);
    const int first_tile = group * (OG / OT);
    for (int c0 = 0; c0 < IC; c0 += CC) {
        load_tiles(v, x, block, tile0, c0);
        multiply(m, v, weights, first_tile, min(OG / OT, O_TILES - first_tile), c0);
    }
    for (int t = 0; t < NT && tile0 + t < TILES_X * TILES_Y; t++) {
        const int top = (tile0 + t) / TILES_X * M;
        const int left = (tile0 + t) % TILES_X * M;
        for (int o = 0; o < min(OG, OC - group * OG); o++) {
            const int plane = (block * OC + group * OG + o) * HO * WO * LANES;
            store_tile(y + plane, m + o * NT + t, BIAS ? bias[group * OG + o] : 0.0f, mask + plane,
                       top, left);
        }
    }
}
#endif
