/*
 * dense_vector.cl - dense layers for CPU devices: the three matrix products on blocked activations
 *
 * Pairs with   src/ops/dense_vector.c (host), src/ref/dense.c (plain C)
 * Layout       x [blocks][IN][LANES], y [blocks][OUT][LANES], weight [OUT][IN]; LANES > 1
 * Mapping      forward: a work-item sums one of SPLIT parts of the inputs for one of GROUPS groups
 * of outputs, in pieces of PIECE inputs that stay in its cache; backward data: a work-item makes
 * PIECE inputs' gradients; backward weight: 2 LANES columns of the weight's gradient. Work-groups
 * are single work-items (see conv2d_vector.cl). Determinism  every sum has one fixed order; parts
 * are added in order
 *
 * Build options: IN OUT LANES, the tile OT (outputs or inputs) x BT (blocks), PIECE, SPLIT, GROUPS,
 * and BIAS, RELU, MASK as 0 or 1.
 */
#include "vec.h"

#ifdef FORWARD

/* acc[a][b] += weight * x over inputs [0, count); rows and blocks beyond the end are repeats. */
static inline void add_inputs(vec acc[OT][BT], __global const float *const weight[OT],
                              __global const float *const x[BT], const int count)
{
    for (int k = 0; k < count; k++) {
        vec v[BT];
#pragma unroll
        for (int b = 0; b < BT; b++) {
            v[b] = VLOAD(k, x[b]);
        }
#pragma unroll
        for (int a = 0; a < OT; a++) {
            const vec w = (vec)(weight[a][k]);
#pragma unroll
            for (int b = 0; b < BT; b++) {
                acc[a][b] = fma(w, v[b], acc[a][b]);
            }
        }
    }
}

/* One tile of outputs and blocks over one piece of the inputs; `sums` is [blocks][OUT][LANES]. */
static inline void add_tile(__global float *restrict sums, __global const float *restrict x,
                            __global const float *restrict weight, const int o0, const int b0,
                            const int blocks, const int first, const int end, const bool start)
{
    vec acc[OT][BT];
    __global const float *w[OT];
    __global const float *v[BT];
#pragma unroll
    for (int b = 0; b < BT; b++) {
        v[b] = x + (min(b0 + b, blocks - 1) * IN + first) * LANES;
    }
#pragma unroll
    for (int a = 0; a < OT; a++) {
        const int o = min(o0 + a, OUT - 1);
        w[a] = weight + o * IN + first;
#pragma unroll
        for (int b = 0; b < BT; b++) {
            acc[a][b] = start ? (vec)(0.0f) : VLOAD(min(b0 + b, blocks - 1) * OUT + o, sums);
        }
    }
    add_inputs(acc, w, v, end - first);
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int b = 0; b < BT; b++) {
            if (o0 + a < OUT && b0 + b < blocks) {
                VSTORE(acc[a][b], (b0 + b) * OUT + o0 + a, sums);
            }
        }
    }
}

/* part is [SPLIT][blocks][OUT][LANES]. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_fwd(
    __global float *restrict part, __global const float *restrict x,
    __global const float *restrict weight, const int blocks)
{
    const int group = (int)get_global_id(0);
    const int split = (int)get_global_id(1);
    const int o_first = group * ((OUT + GROUPS * OT - 1) / (GROUPS * OT)) * OT;
    const int o_end = min(OUT, o_first + (OUT + GROUPS * OT - 1) / (GROUPS * OT) * OT);
    const int k_first = (int)((long)IN * split / SPLIT);
    const int k_end = (int)((long)IN * (split + 1) / SPLIT);
    __global float *const sums = part + split * blocks * OUT * LANES;
    for (int k = k_first; k < k_end; k += PIECE) {
        for (int b0 = 0; b0 < blocks; b0 += BT) {
            for (int o0 = o_first; o0 < o_end; o0 += OT) {
                add_tile(sums, x, weight, o0, b0, blocks, k, min(k + PIECE, k_end), k == k_first);
            }
        }
    }
}

/* y = sum of the parts, in order, + bias, then ReLU; a work-item takes one block. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_fwd_sum(
    __global float *restrict y, __global const float *restrict part,
    __global const float *restrict bias, const int blocks)
{
    const int block = (int)get_global_id(0);
    for (int o = 0; o < OUT; o++) {
        vec sum = (vec)(BIAS ? bias[o] : 0.0f);
        for (int s = 0; s < SPLIT; s++) {
            sum += VLOAD((s * blocks + block) * OUT + o, part);
        }
        VSTORE(RELU ? relu(sum) : sum, block * OUT + o, y);
    }
}
#endif

#ifdef BACKWARD_DATA

/* OT inputs of BT blocks: dx = sum over the outputs of weight * dy. */
static inline void make_tile(__global float *restrict dx, __global const float *restrict dy,
                             __global const float *restrict weight,
                             __global const float *restrict mask, const int k0, const int b0,
                             const int blocks)
{
    vec acc[OT][BT];
    __global const float *v[BT];
#pragma unroll
    for (int b = 0; b < BT; b++) {
        v[b] = dy + min(b0 + b, blocks - 1) * OUT * LANES;
#pragma unroll
        for (int a = 0; a < OT; a++) {
            acc[a][b] = (vec)(0.0f);
        }
    }
    for (int o = 0; o < OUT; o++) {
#pragma unroll
        for (int a = 0; a < OT; a++) {
            const vec w = (vec)(weight[o * IN + min(k0 + a, IN - 1)]);
#pragma unroll
            for (int b = 0; b < BT; b++) {
                acc[a][b] = fma(w, VLOAD(o, v[b]), acc[a][b]);
            }
        }
    }
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int b = 0; b < BT; b++) {
            if (k0 + a < IN && b0 + b < blocks) {
                const int at = (b0 + b) * IN + k0 + a;
                VSTORE(MASK ? relu_mask(acc[a][b], VLOAD(at, mask)) : acc[a][b], at, dx);
            }
        }
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_bwd_data(
    __global float *restrict dx, __global const float *restrict dy,
    __global const float *restrict weight, __global const float *restrict mask, const int blocks)
{
    const int first = (int)get_global_id(0) * PIECE;
    for (int b0 = 0; b0 < blocks; b0 += BT) {
        for (int k0 = first; k0 < min(first + PIECE, IN); k0 += OT) {
            make_tile(dx, dy, weight, mask, k0, b0, blocks);
        }
    }
}
#endif

#ifdef BACKWARD_WEIGHT

#define COLUMNS 2 /* vectors of LANES inputs that a work-item makes */

/* The inputs of LANES images, turned so that a vector holds LANES inputs of one image. */
static inline void turn_block(vec turned[][COLUMNS], __global const float *restrict x, const int k0)
{
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
        vec square[LANES];
#pragma unroll
        for (int i = 0; i < LANES; i++) {
            square[i] = VLOAD(min(k0 + j * LANES + i, IN - 1), x);
        }
        transpose(square);
#pragma unroll
        for (int i = 0; i < LANES; i++) {
            turned[i][j] = square[i];
        }
    }
}

/* LANES numbers of a row of the gradient that may end inside them. */
static inline vec load_part(__global const float *restrict row, const int count)
{
    float lanes[LANES];
    for (int i = 0; i < LANES; i++) {
        lanes[i] = i < count ? row[i] : 0.0f;
    }
    return VLOAD(0, lanes);
}

static inline void store_part(const vec v, __global float *restrict row, const int count)
{
    float lanes[LANES];
    VSTORE_ANY(v, 0, lanes);
    for (int i = 0; i < count; i++) {
        row[i] = lanes[i];
    }
}

/*
 * OT rows of the gradient: the sums over `rows` images, added to what an earlier piece of the batch
 * left in dweight unless this is the `start`.
 */
static inline void add_images(__global float *restrict dweight, const vec turned[][COLUMNS],
                              __global const float *restrict dy, const int o0, const int k0,
                              const int rows, const bool start)
{
    vec acc[OT][COLUMNS];
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            const int k = k0 + j * LANES;
            acc[a][j] =
                start ? (vec)(0.0f) : load_part(dweight + min(o0 + a, OUT - 1) * IN + k, IN - k);
        }
    }
    for (int n = 0; n < rows; n++) {
#pragma unroll
        for (int a = 0; a < OT; a++) {
            const int o = min(o0 + a, OUT - 1);
            const vec d = (vec)(dy[(n / LANES * OUT + o) * LANES + n % LANES]);
#pragma unroll
            for (int j = 0; j < COLUMNS; j++) {
                acc[a][j] = fma(d, turned[n][j], acc[a][j]);
            }
        }
    }
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            const int k = k0 + j * LANES;
            __global float *const row = dweight + (o0 + a) * IN + k;
            if (o0 + a < OUT && k + LANES <= IN) {
                VSTORE_ANY(acc[a][j], 0, row);
            } else if (o0 + a < OUT) {
                store_part(acc[a][j], row, IN - k);
            }
        }
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_bwd_weight(
    __global float *restrict dweight, __global const float *restrict dy,
    __global const float *restrict x, const int blocks)
{
    const int k0 = (int)get_global_id(0) * COLUMNS * LANES;
    vec turned[PIECE * LANES][COLUMNS];
    for (int first = 0; first < blocks; first += PIECE) {
        const int count = min(PIECE, blocks - first);
        for (int b = 0; b < count; b++) {
            turn_block(turned + b * LANES, x + (first + b) * IN * LANES, k0);
        }
        for (int o0 = 0; o0 < OUT; o0 += OT) {
            add_images(dweight, turned, dy + first * OUT * LANES, o0, k0, count * LANES,
                       first == 0);
        }
    }
}

/* dbias[o] = sum of dy over all images; a work-item takes 16 outputs. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_bwd_bias(
    __global float *restrict dbias, __global const float *restrict dy, const int blocks)
{
    const int first = (int)get_global_id(0) * 16;
    for (int o = first; o < min(first + 16, OUT); o++) {
        vec sum = VLOAD(o, dy);
        for (int b = 1; b < blocks; b++) {
            sum += VLOAD(b * OUT + o, dy);
        }
        dbias[o] = VSUM(sum);
    }
}
#endif
