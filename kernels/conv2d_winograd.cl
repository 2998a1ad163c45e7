/*
 * conv2d_winograd.cl - Winograd convolution for CPU devices, forward and backward data: kernels of
 * 3x3, 4x4, 5x5
 *
 * Pairs with   src/ops/conv2d_winograd.c (host), src/ref/conv2d.c (plain C); transforms in
 *              winograd.h
 * Layout       activations [blocks][c][h][w][LANES], weights [oc][c][R][R]; LANES > 1; stride 1
 * Mapping      a work-item takes NT tiles and makes OW output channels of them.  It transforms CC
 *              input channels at a time, then makes OG output channels after the other from them,
 *              with the points and products in local memory (a core's cache).  More than CC input
 *              channels add up in y.  Work-groups are single work-items (see conv2d_vector.cl)
 * Epilogue     bias, mask and winner may be null: one program for forward, backward data of the
 *              same sizes, and evaluation with a batch norm in the weights
 * Pooling      with POOL > 1, which divides M and wants IC <= CC: y is the largest of each window
 *              of POOL x POOL, `winner` which one
 * Border       tiles at the border read zeros outside and store what lies inside
 * Determinism  every sum has one fixed order; each output is stored by one work-item
 *
 * Build options: P R LANES OT; CONVOLVE with CC OG OW NT IC OC H W HO WO PAD POOL; WEIGHTS with
 * LANES=OT.
 */
#include "vec.h"
#include "winograd.h"

/*
 * Transformed weights, in the order in which they are read: [chunks of CC inputs][groups of OG
 * outputs][P P][PLANE_FLOATS], of which [OG / OT][CC][OT] is used.  A line of a cache lies between
 * the points: a power of two apart they would all meet in a few lines of it.
 */
#define PP                         (P * P)
#define PLANE_FLOATS(group, chunk) ((group) * (chunk) + 16)
#define GROUP_FLOATS(group, chunk) (PP * PLANE_FLOATS(group, chunk))
#define GROUPS_OF(group, outputs)  (((outputs) + (group)-1) / (group))

#ifdef WEIGHTS

/* One weight of each of the OT outputs from `o0` on; zero beyond the last. */
static inline vec load_outputs(__global const float *restrict weight, const int o0, const int i,
                               const int outputs, const int inputs, const int ky, const int kx,
                               const int flip)
{
    float each[OT];
#pragma unroll
    for (int a = 0; a < OT; a++) {
        const int o = o0 + a;
        const int at = flip ? ((i * outputs + o) * R + R - 1 - ky) * R + R - 1 - kx
                            : ((o * inputs + i) * R + ky) * R + kx;
        each[a] = o < outputs ? weight[at] : 0.0f;
    }
    return VLOAD(0, each);
}

/*
 * A work-item takes OT outputs and 16 inputs; outputs beyond the last get zeros.  With `flip`, for
 * backward data, input and output channels change places, and the kernel is turned by 180 degrees.
 * Sizes are arguments: one program for all layers, since little time goes here.
 */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_winograd_weights(
    __global float *restrict points, __global const float *restrict weight, const int inputs,
    const int outputs, const int chunk, const int group, const int flip)
{
    const int tile = (int)get_global_id(0);
    const int first = (int)get_global_id(1) * 16;
    const int tiles = group / OT; /* of a group */
    const int groups = GROUPS_OF(group, outputs);
    const int plane = PLANE_FLOATS(group, chunk) / OT;
    for (int i = first; i < min(first + 16, inputs); i++) {
        const int at =
            (i / chunk * groups + tile / tiles) * PP * plane + tile % tiles * chunk + i % chunk;
        vec rows[R][P];
#pragma unroll
        for (int ky = 0; ky < R; ky++) {
            vec line[R];
#pragma unroll
            for (int kx = 0; kx < R; kx++) {
                line[kx] = load_outputs(weight, tile * OT, i, outputs, inputs, ky, kx, flip);
            }
            kernel_to_points(rows[ky], line, R);
        }
#pragma unroll
        for (int k = 0; k < P; k++) {
            vec column[R];
            vec out[P];
#pragma unroll
            for (int ky = 0; ky < R; ky++) {
                column[ky] = rows[ky][k];
            }
            kernel_to_points(out, column, R);
#pragma unroll
            for (int r = 0; r < P; r++) {
                VSTORE(out[r], at + (k * P + r) * plane, points);
            }
        }
    }
}
#endif

#ifdef CONVOLVE

#define TILES_X ((WO + M - 1) / M)
#define TILES_Y ((HO + M - 1) / M)
#define TILES   (TILES_X * TILES_Y)

/* Vectors of a point: one more than needed, since points a power of two apart would all meet in a
 * few lines of a cache. */
#define V_PLANE (CC * NT + 1)

/* Points of `count` input channels from c0 on, of NT tiles from tile0 on: v is [P P][V_PLANE], of
 * which [CC][NT] is used. */
INLINED void load_tiles(__local vec *restrict v, __global const float *restrict x, const int tile0,
                        const int last, const int c0, const int count)
{
    for (int c = 0; c < count; c++) {
        for (int t = 0; t < NT; t++) {
            const int tile = min(tile0 + t, last);
            const int top = tile % TILES / TILES_X * M - PAD;
            const int left = tile % TILES_X * M - PAD;
            vec points[P][P];
            tile_to_points(points, x + (tile / TILES * IC + c0 + c) * H * W * LANES, 0, top, left,
                           H, W, 0, P);
#pragma unroll
            for (int i = 0; i < PP; i++) {
                v[i * V_PLANE + c * NT + t] = points[i / P][i % P];
            }
        }
    }
}

/* What will be loaded next: the pixel where NT neighbouring tiles begin, of their first channel. */
struct ahead {
    __global const float *pixel;
    int row, each; /* the next row to ask for, of P rows a channel; rows to ask for at a time */
    __global const float *outputs; /* what the tiles' outputs are put together with, or null */
    int output_row;                /* of M rows a channel: one at a time is enough */
};

/* Rows to ask for with each product of a register tile, so that all of CC channels' come. */
#define AHEAD_ROWS ((CC * P * OT + PP * OW - 1) / (PP * OW))

/* Memory works on what comes next while the core multiplies. */
INLINED void ask_for_rows(struct ahead *ahead)
{
    for (int i = 0; i < ahead->each; i++, ahead->row++) {
        __global const float *const line =
            ahead->pixel + (ahead->row / P * H + ahead->row % P) * W * LANES;
#pragma unroll
        for (int k = 0; k < (NT - 1) * M + P; k += LINE_VECTORS) {
            PREFETCH(line + k * LANES);
        }
    }
    if (ahead->outputs && ahead->output_row < OG * M) {
        __global const float *const line =
            ahead->outputs + (ahead->output_row / M * HO + ahead->output_row % M) * WO * LANES;
#pragma unroll
        for (int k = 0; k < NT * M; k += LINE_VECTORS) {
            PREFETCH(line + k * LANES);
        }
        ahead->output_row++;
    }
}

/* m [OG / OT][P P][OT][NT] = the products of `count` channels at each point, for `tiles` times OT
 * outputs. */
INLINED void multiply(__local vec *restrict m, __local const vec *restrict v,
                      __global const float *restrict weights, const int tiles, const int count,
                      struct ahead *ahead)
{
    for (int i = 0; i < PP; i++) {
        for (int ob = 0; ob < tiles; ob++) {
            ask_for_rows(ahead);
            __local vec *const out = m + (ob * PP + i) * OT * NT;
            __local const vec *const in = v + i * V_PLANE;
            __global const float *const u = weights + i * PLANE_FLOATS(OG, CC) + ob * CC * OT;
            vec acc[OT][NT];
#pragma unroll
            for (int a = 0; a < OT; a++) {
#pragma unroll
                for (int t = 0; t < NT; t++) {
                    acc[a][t] = (vec)(0.0f);
                }
            }
#if IC % CC == 0 /* else compilers warn that they cannot */
#pragma unroll 4
#endif
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

/* A^T once: M rows of each of P columns of points. */
INLINED void rows_from_points(vec rows[P][M], __local const vec *restrict m)
{
#pragma unroll
    for (int r = 0; r < P; r++) {
        vec line[P];
#pragma unroll
        for (int k = 0; k < P; k++) {
            line[k] = m[(k * P + r) * OT * NT];
        }
        from_points(rows[r], line, M);
    }
}

/* And again: column k of the tile's pixels. */
INLINED void column_from_rows(vec out[M], const vec rows[P][M], const int k)
{
    vec column[P];
#pragma unroll
    for (int r = 0; r < P; r++) {
        column[r] = rows[r][k];
    }
    from_points(out, column, M);
}

#if POOL > 1
#define OUT_H (HO / POOL)
#define OUT_W (WO / POOL)

/* One output channel of one tile: the largest of each window that lies inside. */
INLINED void store_tile(__global float *restrict plane, __global uchar *restrict winner,
                        __local const vec *restrict m, const float bias, const float least,
                        __global const float *restrict mask, const int top, const int left,
                        const bool first, const bool last)
{
    vec rows[P][M];
    const int y0 = top / POOL;
    const int x0 = left / POOL;
    rows_from_points(rows, m);
#pragma unroll
    for (int k = 0; k < M / POOL; k++) {
        vec out[POOL][M];
#pragma unroll
        for (int i = 0; i < POOL; i++) {
            column_from_rows(out[i], rows, k * POOL + i);
        }
#pragma unroll
        for (int r = 0; r < M / POOL; r++) {
            if (y0 + r < OUT_H && x0 + k < OUT_W) {
                vec best = out[0][r * POOL] + bias;
                ivec which = (ivec)(0);
#pragma unroll
                for (int i = 1; i < POOL * POOL; i++) {
                    take_pixel(&best, &which, out[i % POOL][r * POOL + i / POOL] + bias, i);
                }
                const int at = (y0 + r) * OUT_W + x0 + k;
                VSTORE(at_least(best, least), at, plane);
                if (winner) {
                    VSTORE_BYTES(which, at, winner);
                }
            }
        }
    }
}
#else
#define OUT_H HO
#define OUT_W WO

/*
 * One output channel of one tile: points to pixels, what the input channels before have left in y,
 * and after the last of them the epilogue.  Stores what lies inside.
 */
INLINED void store_tile(__global float *restrict plane, __global uchar *restrict winner,
                        __local const vec *restrict m, const float bias, const float least,
                        __global const float *restrict mask, const int top, const int left,
                        const bool first, const bool last)
{
    vec rows[P][M];
    const bool inside = top + M <= HO && left + M <= WO;
    rows_from_points(rows, m);
#pragma unroll
    for (int k = 0; k < M; k++) {
        vec out[M];
        column_from_rows(out, rows, k);
#pragma unroll
        for (int r = 0; r < M; r++) {
            if (inside || (top + r < HO && left + k < WO)) {
                const int at = (top + r) * WO + left + k;
                const vec v = out[r] + (first ? (vec)(bias) : VLOAD(at, plane));
                const vec above = last ? at_least(v, least) : v;
                const vec done = last && mask ? relu_mask(above, VLOAD(at, mask)) : above;
                if (IC <= CC) {
                    VSTREAM(done, at, plane);
                } else {
                    VSTORE(done, at, plane);
                }
            }
        }
    }
}
#endif

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_winograd_convolve(
    __global float *restrict y, __global uchar *restrict winner, __global const float *restrict x,
    __global const float *restrict weights, __global const float *restrict bias,
    __global const float *restrict mask, const int blocks, const int relu_on)
{
    __local vec v[PP * V_PLANE];
    __local vec m[PP * OG * NT];
    const int tile0 = (int)get_global_id(0) * NT;
    const int o_first = (int)get_global_id(1) * OW;
    const int o_end = min(o_first + OW, OC);
    const int last = blocks * TILES - 1;
    for (int c0 = 0; c0 < IC; c0 += CC) {
        const int count = IC % CC == 0 ? CC : min(CC, IC - c0);
        const bool more = c0 + CC < IC;
        const int next = more ? tile0 : min(tile0 + NT, last); /* most likely of the same core */
        const int pixel = (next % TILES / TILES_X * M - PAD) * W + next % TILES_X * M - PAD;
        const int plane = next / TILES * IC + (more ? c0 + CC : 0);
        struct ahead ahead = { x + (plane * H * W + pixel) * LANES, 0, AHEAD_ROWS, 0, 0 };
        load_tiles(v, x, tile0, last, c0, count);
        for (int o0 = o_first; o0 < o_end; o0 += OG) {
            const int outputs = min(OG, o_end - o0);
            const int corner = tile0 % TILES / TILES_X * M * WO + tile0 % TILES_X * M;
            const int at = ((tile0 / TILES * OC + o0) * HO * WO + corner) * LANES;
            ahead.outputs = c0 > 0 ? y + at : mask && !more ? mask + at : 0;
            ahead.output_row = 0;
            multiply(m, v, weights + (c0 / CC * GROUPS_OF(OG, OC) + o0 / OG) * GROUP_FLOATS(OG, CC),
                     (outputs + OT - 1) / OT, count, &ahead);
            for (int o = 0; o < outputs; o++) {
                for (int tile = tile0; tile < min(tile0 + NT, last + 1); tile++) {
                    const int out = (tile / TILES * OC + o0 + o) * OUT_H * OUT_W * LANES;
                    store_tile(y + out, winner ? winner + out : 0,
                               m + (o / OT * PP * OT + o % OT) * NT + tile - tile0,
                               bias ? bias[o0 + o] : 0.0f, least_of(relu_on), mask ? mask + out : 0,
                               tile % TILES / TILES_X * M, tile % TILES_X * M, c0 == 0, !more);
                }
            }
        }
    }
}
#endif
