/*
 * conv2d_winograd_filter.cl - Winograd convolution for CPU devices, backward filter: kernels of
 * 3x3, 4x4, 5x5
 *
 * Pairs with   src/ops/conv2d_winograd.c (host), src/ref/conv2d.c (plain C); transforms in
 * winograd.h Layout       activations [blocks][c][h][w][LANES], weights [oc][c][R][R]; LANES > 1;
 * stride 1 Mapping      a work-item sums CC x OG channel pairs over one of SPLIT parts of all
 * tiles, NT at a time, with inputs turned so that channels are the lanes; its tiles and sums live
 * in local memory (a core's cache).  Work-groups are single work-items (see conv2d_vector.cl).
 * Border       tiles at the border read zeros outside
 * Determinism  every sum has one fixed order; conv2d_add_parts adds the parts in order
 *
 * Build options: R, LANES, CC, OG, NT, OT, C OC H W HO WO PAD BIAS SPLIT
 */
#include "vec.h"
#include "winograd.h"

#define TILES_X ((WO + M - 1) / M)
#define TILES_Y ((HO + M - 1) / M)
#define CV      (CC / LANES) /* vectors of channels */

/*
 * Points of CC input channels of one tile, turned so that a vector holds LANES channels of one
 * image: v is [P P][NT LANES][CV].
 */
static inline void load_input(__local vec *restrict v, __global const float *restrict x,
                              const int block, const int tile, const int slot, const int c0)
{
    const int top = tile / TILES_X * M - PAD;
    const int left = tile % TILES_X * M - PAD;
    for (int cv = 0; cv < CV; cv++) {
        vec all[LANES][P][P];
        for (int c = 0; c < LANES; c++) {
            const int channel = c0 + cv * LANES + c;
            if (channel < C) {
                tile_to_points(all[c], x + (block * C + channel) * H * W * LANES, top, left, H, W);
            } else {
                for (int i = 0; i < P * P; i++) {
                    all[c][i / P][i % P] = (vec)(0.0f);
                }
            }
        }
        for (int i = 0; i < P * P; i++) {
            vec square[LANES];
#pragma unroll
            for (int c = 0; c < LANES; c++) {
                square[c] = all[c][i / P][i % P];
            }
            transpose(square);
#pragma unroll
            for (int n = 0; n < LANES; n++) {
                v[((i * NT + slot) * LANES + n) * CV + cv] = square[n];
            }
        }
    }
}

/* Points of OG output channels' gradients of one tile: g is [P P][NT][OG]; bias [OG] gets their
 * sums. */
static inline void load_gradient(__local vec *restrict g, __local vec *restrict bias,
                                 __global const float *restrict dy, const int block, const int tile,
                                 const int slot, const int o0)
{
    const int top = tile / TILES_X * M;
    const int left = tile % TILES_X * M;
    for (int o = 0; o < min(OG, OC - o0); o++) {
        __global const float *const plane = dy + (block * OC + o0 + o) * HO * WO * LANES;
        vec rows[M][P];
        vec sum = (vec)(0.0f);
#pragma unroll
        for (int r = 0; r < M; r++) {
            vec line[M];
#pragma unroll
            for (int k = 0; k < M; k++) {
                line[k] = (vec)(0.0f);
                if (top + r < HO && left + k < WO) {
                    line[k] = VLOAD((top + r) * WO + left + k, plane);
                }
                sum += line[k];
            }
            KERNEL_POINTS(vec, rows[r], line, M);
        }
#pragma unroll
        for (int k = 0; k < P; k++) {
            vec column[M];
            vec out[P];
#pragma unroll
            for (int r = 0; r < M; r++) {
                column[r] = rows[r][k];
            }
            KERNEL_POINTS(vec, out, column, M);
#pragma unroll
            for (int r = 0; r < P; r++) {
                g[((r * P + k) * NT + slot) * OG + o] = out[r];
            }
        }
        bias[o] += sum;
    }
}

/* sums [P P][OG][CV] += over the `count` images of the tiles: gradient * input at each point. */
static inline void multiply(__local vec *restrict sums, __local const vec *restrict v,
                            __local const vec *restrict g, const int count, const int outputs)
{
    for (int i = 0; i < P * P; i++) {
        __local const float *const gradient = (__local const float *)(g + i * NT * OG);
        __local const vec *const input = v + i * NT * LANES * CV;
        for (int o = 0; o < outputs; o += OT) {
            vec acc[OT][CV];
#pragma unroll
            for (int a = 0; a < OT; a++) {
#pragma unroll
                for (int j = 0; j < CV; j++) {
                    acc[a][j] = sums[(i * OG + o + a) * CV + j];
                }
            }
            for (int n = 0; n < count; n++) {
#pragma unroll
                for (int a = 0; a < OT; a++) {
                    const vec d = (vec)(gradient[(n / LANES * OG + o + a) * LANES + n % LANES]);
#pragma unroll
                    for (int j = 0; j < CV; j++) {
                        acc[a][j] = fma(d, input[n * CV + j], acc[a][j]);
                    }
                }
            }
#pragma unroll
            for (int a = 0; a < OT; a++) {
#pragma unroll
                for (int j = 0; j < CV; j++) {
                    sums[(i * OG + o + a) * CV + j] = acc[a][j];
                }
            }
        }
    }
}

/* The R x R gradient of LANES channels of one output: points to weights, each lane to its channel.
 */
static inline void store_weights(__global float *restrict part, __local const vec *restrict sums,
                                 const int o, const int c0)
{
    vec rows[P][R];
    for (int r = 0; r < P; r++) {
        vec line[P];
        for (int k = 0; k < P; k++) {
            line[k] = sums[(r * P + k) * OG * CV];
        }
        FROM_POINTS(vec, rows[r], line, R);
    }
    for (int k = 0; k < R; k++) {
        vec column[P];
        vec out[R];
        for (int r = 0; r < P; r++) {
            column[r] = rows[r][k];
        }
        FROM_POINTS(vec, out, column, R);
        for (int r = 0; r < R; r++) {
            float lanes[LANES];
            VSTORE(out[r], 0, lanes);
            for (int c = 0; c < min(LANES, C - c0); c++) {
                part[((o * C + c0 + c) * R + r) * R + k] = lanes[c];
            }
        }
    }
}

/* part is [SPLIT][OC C R R + OC]: the sums of one part, weights then biases. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_winograd_filter(
    __global float *restrict part, __global const float *restrict dy,
    __global const float *restrict x, const int blocks)
{
    __local vec v[P * P * NT * LANES * CV];
    __local vec g[P * P * NT * OG];
    __local vec sums[P * P * OG * CV];
    __local vec bias[OG];
    const int c0 = (int)get_global_id(0) * CC;
    const int o0 = (int)get_global_id(1) * OG;
    const int split = (int)get_global_id(2);
    const int per_block = TILES_X * TILES_Y;
    const int all = blocks * per_block;
    const int end = (int)((long)all * (split + 1) / SPLIT);
    const int outputs = min(OG, OC - o0);
    for (int i = 0; i < P * P * OG * CV; i++) {
        sums[i] = (vec)(0.0f);
    }
    for (int i = 0; i < P * P * NT * OG; i++) {
        g[i] = (vec)(0.0f); /* channels beyond the last stay zero */
    }
    for (int o = 0; o < OG; o++) {
        bias[o] = (vec)(0.0f);
    }
    for (int first = (int)((long)all * split / SPLIT); first < end; first += NT) {
        const int count = min(NT, end - first);
        for (int t = 0; t < count; t++) {
            const int block = (first + t) / per_block;
            const int tile = (first + t) % per_block;
            load_input(v, x, block, tile, t, c0);
            load_gradient(g, bias, dy, block, tile, t, o0);
        }
        multiply(sums, v, g, count * LANES, outputs);
    }
    __global float *const out = part + split * (OC * C * R * R + OC);
    for (int o = 0; o < outputs; o++) {
        for (int j = 0; j < CV && c0 + j * LANES < C; j++) {
            store_weights(out, sums + o * CV + j, o0 + o, c0 + j * LANES);
        }
        if (BIAS != 0 && c0 == 0) {
            out[OC * C * R * R + o0 + o] = VSUM(bias[o]);
        }
    }
}
