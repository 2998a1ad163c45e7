/*
 * conv2d_winograd.cl - Winograd convolution for CPU devices: 6x6 tiles, kernels of 3x3, 4x4 and 5x5
 *
 * Pairs with   src/ops/conv2d_winograd.c (host), src/ref/conv2d.c (plain C)
 * Layout       activations [blocks][c][h][w][LANES], weights [oc][c][R][R]; LANES > 1; stride 1
 * Method       Lavin & Gray, "Fast algorithms for convolutional neural networks", 2016, with the
 * points 0, 1, -1, 2, -2 and infinity: F(7 - R, R) for outputs, F(R, 7 - R) for the filter's
 * gradient. 36 products stand for (7 - R)^2 R^2: 144 for R 3 and 4, 100 for R 5. Mapping forward
 * and backward data: a work-item takes NT tiles of one image block and makes OG output channels, CC
 * input channels at a time, its transformed tiles in local memory (a core's cache).  Backward
 * filter: a work-item sums CC x OG channel pairs over one of SPLIT parts of all tiles, NT at a
 * time.  Work-groups are single work-items (see conv2d_vector.cl). Border       tiles at the border
 * read zeros outside and store what lies inside Determinism  every sum has one fixed order; each
 * output is stored by one work-item
 *
 * Build options: R, LANES, CC, OG, NT, OT; CONVOLVE with IC OC H W HO WO PAD BIAS RELU MASK, or
 * FILTER with C OC H W HO WO PAD BIAS SPLIT; WEIGHTS with C OC FLIP.
 */
#include "vec.h"

#define P 6           /* points: a tile is P x P */
#define M (P + 1 - R) /* outputs of a tile, along one side */

/* B^T: six pixels to six points. */
static inline void to_points(vec out[P], const vec in[P])
{
    const vec even1 = fma((vec)(-4.0f), in[2], in[4]);
    const vec odd1 = fma((vec)(-4.0f), in[1], in[3]);
    const vec even2 = in[4] - in[2];
    const vec odd2 = 2.0f * (in[3] - in[1]);
    out[0] = fma((vec)(4.0f), in[0], fma((vec)(-5.0f), in[2], in[4]));
    out[1] = even1 + odd1;
    out[2] = even1 - odd1;
    out[3] = even2 + odd2;
    out[4] = even2 - odd2;
    out[5] = fma((vec)(4.0f), in[1], fma((vec)(-5.0f), in[3], in[5]));
}

/* Macros below serve both vectors of images and single numbers, so they name the type. */

/* A^T: six points to `count` sums (2 to 5). */
#define FROM_POINTS(type, out, in, count)                                                          \
    do {                                                                                           \
        const type s1 = (in)[1] + (in)[2], d1 = (in)[1] - (in)[2];                                 \
        const type s2 = (in)[3] + (in)[4], d2 = (in)[3] - (in)[4];                                 \
        (out)[0] = (in)[0] + s1 + s2;                                                              \
        (out)[1] = d1 + 2.0f * d2;                                                                 \
        if ((count) > 2) {                                                                         \
            (out)[2] = s1 + 4.0f * s2;                                                             \
        }                                                                                          \
        if ((count) > 3) {                                                                         \
            (out)[3] = d1 + 8.0f * d2;                                                             \
        }                                                                                          \
        if ((count) > 4) {                                                                         \
            (out)[4] = s1 + 16.0f * s2;                                                            \
        }                                                                                          \
        (out)[(count)-1] += (in)[5];                                                               \
    } while (0)

/* G: `count` (2 to 5) weights or gradients to six points. */
#define KERNEL_POINTS(type, out, in, count)                                                        \
    do {                                                                                           \
        type e1 = (in)[0], o1 = (in)[1], e2 = (in)[0], o2 = 2.0f * (in)[1];                        \
        if ((count) > 2) {                                                                         \
            e1 += (in)[2];                                                                         \
            e2 += 4.0f * (in)[2];                                                                  \
        }                                                                                          \
        if ((count) > 3) {                                                                         \
            o1 += (in)[3];                                                                         \
            o2 += 8.0f * (in)[3];                                                                  \
        }                                                                                          \
        if ((count) > 4) {                                                                         \
            e1 += (in)[4];                                                                         \
            e2 += 16.0f * (in)[4];                                                                 \
        }                                                                                          \
        (out)[0] = 0.25f * (in)[0];                                                                \
        (out)[1] = (-1.0f / 6.0f) * (e1 + o1);                                                     \
        (out)[2] = (-1.0f / 6.0f) * (e1 - o1);                                                     \
        (out)[3] = (1.0f / 24.0f) * (e2 + o2);                                                     \
        (out)[4] = (1.0f / 24.0f) * (e2 - o2);                                                     \
        (out)[5] = (in)[(count)-1];                                                                \
    } while (0)

/* The P x P pixels at (top, left) of a plane of h x w, zero outside, as points. */
static inline void tile_to_points(vec points[P][P], __global const float *restrict plane,
                                  const int top, const int left, const int h, const int w)
{
    vec rows[P][P];
    const bool inside = top >= 0 && left >= 0 && top + P <= h && left + P <= w;
#pragma unroll
    for (int r = 0; r < P; r++) {
        vec line[P];
        const int y = top + r;
#pragma unroll
        for (int k = 0; k < P; k++) {
            const int x = left + k;
            line[k] = (vec)(0.0f);
            if (inside || (y >= 0 && y < h && x >= 0 && x < w)) {
                line[k] = VLOAD(y * w + x, plane);
            }
        }
        to_points(rows[r], line);
    }
#pragma unroll
    for (int k = 0; k < P; k++) {
        vec column[P];
        vec out[P];
#pragma unroll
        for (int r = 0; r < P; r++) {
            column[r] = rows[r][k];
        }
        to_points(out, column);
#pragma unroll
        for (int r = 0; r < P; r++) {
            points[r][k] = out[r];
        }
    }
}

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

#ifdef FILTER

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
#endif
