/*
 * dense_vector.cl - dense layers for CPU devices: the three matrix products on blocked activations
 *
 * Pairs with   src/ops/dense_vector.c (host), src/ref/dense.c (plain C)
 * Layout       x [blocks][in][LANES], y [blocks][out][LANES], weight [out][in]; LANES > 1
 * Mapping      forward: a work-item sums one of `splits` parts of the inputs for one of `groups`
 *              groups of outputs, in pieces of FORWARD_PIECE inputs that stay in its cache;
 *              backward data: a work-item makes DATA_PIECE inputs' gradients; backward weight:
 *              2 LANES columns of the weight's gradient.  Work-groups are single work-items (see
 *              conv2d_vector.cl)
 * Sizes        are arguments: one program for all dense layers
 * Determinism  every sum has one fixed order; parts are added in order
 *
 * Build options: LANES, the tile OT (outputs or inputs) x BT (blocks), WT (outputs) of backward
 * weight, FORWARD_PIECE, DATA_PIECE (inputs) and WEIGHT_PIECE (blocks).
 */
#include "vec.h"

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

/* One tile of outputs and blocks over one piece of the inputs; `sums` is [blocks][out][LANES]. */
static inline void add_tile(__global float *restrict sums, __global const float *restrict x,
                            __global const float *restrict weight, const int o0, const int b0,
                            const int blocks, const int in, const int out, const int first,
                            const int end, const bool start)
{
    vec acc[OT][BT];
    __global const float *w[OT];
    __global const float *v[BT];
#pragma unroll
    for (int b = 0; b < BT; b++) {
        v[b] = x + (min(b0 + b, blocks - 1) * in + first) * LANES;
    }
#pragma unroll
    for (int a = 0; a < OT; a++) {
        const int o = min(o0 + a, out - 1);
        w[a] = weight + o * in + first;
#pragma unroll
        for (int b = 0; b < BT; b++) {
            acc[a][b] = start ? (vec)(0.0f) : VLOAD(min(b0 + b, blocks - 1) * out + o, sums);
        }
    }
    add_inputs(acc, w, v, end - first);
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int b = 0; b < BT; b++) {
            if (o0 + a < out && b0 + b < blocks) {
                VSTORE(acc[a][b], (b0 + b) * out + o0 + a, sums);
            }
        }
    }
}

/* part is [splits][blocks][out][LANES]. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_fwd(
    __global float *restrict part, __global const float *restrict x,
    __global const float *restrict weight, const int blocks, const int in, const int out,
    const int splits, const int groups)
{
    const int group = (int)get_global_id(0);
    const int split = (int)get_global_id(1);
    const int each = (out + groups * OT - 1) / (groups * OT) * OT; /* outputs of a group */
    const int o_first = group * each;
    const int o_end = min(out, o_first + each);
    const int k_first = (int)((long)in * split / splits);
    const int k_end = (int)((long)in * (split + 1) / splits);
    __global float *const sums = part + split * blocks * out * LANES;
    for (int k = k_first; k < k_end; k += FORWARD_PIECE) {
        for (int b0 = 0; b0 < blocks; b0 += BT) {
            for (int o0 = o_first; o0 < o_end; o0 += OT) {
                add_tile(sums, x, weight, o0, b0, blocks, in, out, k, min(k + FORWARD_PIECE, k_end),
                         k == k_first);
            }
        }
    }
}

/* y = sum of the parts, in order, + bias, which may be null, then ReLU; a work-item takes one
 * block. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_fwd_sum(
    __global float *restrict y, __global const float *restrict part,
    __global const float *restrict bias, const int blocks, const int out, const int splits,
    const int relu_on)
{
    const int block = (int)get_global_id(0);
    for (int o = 0; o < out; o++) {
        vec sum = (vec)(bias ? bias[o] : 0.0f);
        for (int s = 0; s < splits; s++) {
            sum += VLOAD((s * blocks + block) * out + o, part);
        }
        VSTORE(relu_on ? relu(sum) : sum, block * out + o, y);
    }
}

/* OT inputs of BT blocks: dx = sum over the outputs of weight * dy; mask may be null. */
static inline void make_tile(__global float *restrict dx, __global const float *restrict dy,
                             __global const float *restrict weight,
                             __global const float *restrict mask, const int k0, const int b0,
                             const int blocks, const int in, const int out)
{
    vec acc[OT][BT];
    __global const float *v[BT];
    __global const float *column[OT];
#pragma unroll
    for (int a = 0; a < OT; a++) {
        column[a] = weight + min(k0 + a, in - 1);
#pragma unroll
        for (int b = 0; b < BT; b++) {
            acc[a][b] = (vec)(0.0f);
        }
    }
#pragma unroll
    for (int b = 0; b < BT; b++) {
        v[b] = dy + min(b0 + b, blocks - 1) * out * LANES;
    }
    for (int o = 0; o < out; o++) {
#pragma unroll
        for (int a = 0; a < OT; a++) {
            const vec w = (vec)(*column[a]);
            column[a] += in;
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
            if (k0 + a < in && b0 + b < blocks) {
                const int at = (b0 + b) * in + k0 + a;
                VSTREAM(mask ? relu_mask(acc[a][b], VLOAD(at, mask)) : acc[a][b], at, dx);
            }
        }
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_bwd_data(
    __global float *restrict dx, __global const float *restrict dy,
    __global const float *restrict weight, __global const float *restrict mask, const int blocks,
    const int in, const int out)
{
    const int first = (int)get_global_id(0) * DATA_PIECE;
    for (int b0 = 0; b0 < blocks; b0 += BT) {
        for (int k0 = first; k0 < min(first + DATA_PIECE, in); k0 += OT) {
            make_tile(dx, dy, weight, mask, k0, b0, blocks, in, out);
        }
    }
}

#define COLUMNS 2 /* vectors of LANES inputs that a work-item makes */

/* The inputs of LANES images, turned so that a vector holds LANES inputs of one image. */
static inline void turn_block(vec turned[][COLUMNS], __global const float *restrict x, const int k0,
                              const int in)
{
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
        vec square[LANES];
#pragma unroll
        for (int i = 0; i < LANES; i++) {
            square[i] = VLOAD(min(k0 + j * LANES + i, in - 1), x);
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
 * WT rows of the gradient: the sums over the images of `blocks`, added to what an earlier piece of
 * the batch left in dweight unless this is the `start`.
 *
 * Each row of dy has a pointer of its own that a block moves on: indices made anew for each image
 * are vectorised by the compiler, which costs as much as the sums.
 */
static inline void add_images(__global float *restrict dweight, const vec turned[][COLUMNS],
                              __global const float *restrict dy, const int o0, const int k0,
                              const int blocks, const int in, const int out, const bool start)
{
    vec acc[WT][COLUMNS];
    __global const float *row[WT];
#pragma unroll
    for (int a = 0; a < WT; a++) {
        row[a] = dy + min(o0 + a, out - 1) * LANES;
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            const int k = k0 + j * LANES;
            acc[a][j] =
                start ? (vec)(0.0f) : load_part(dweight + min(o0 + a, out - 1) * in + k, in - k);
        }
    }
    for (int b = 0; b < blocks; b++) {
        for (int i = 0; i < LANES; i++) {
#pragma unroll
            for (int a = 0; a < WT; a++) {
                const vec d = (vec)(row[a][i]);
#pragma unroll
                for (int j = 0; j < COLUMNS; j++) {
                    acc[a][j] = fma(d, turned[b * LANES + i][j], acc[a][j]);
                }
            }
        }
#pragma unroll
        for (int a = 0; a < WT; a++) {
            row[a] += out * LANES;
        }
    }
#pragma unroll
    for (int a = 0; a < WT; a++) {
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            const int k = k0 + j * LANES;
            __global float *const to = dweight + (o0 + a) * in + k;
            if (o0 + a < out && in % LANES == 0 && k < in) {
                VSTREAM(acc[a][j], 0, to);
            } else if (o0 + a < out && k + LANES <= in) {
                VSTORE_ANY(acc[a][j], 0, to);
            } else if (o0 + a < out) {
                store_part(acc[a][j], to, in - k);
            }
        }
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_bwd_weight(
    __global float *restrict dweight, __global const float *restrict dy,
    __global const float *restrict x, const int blocks, const int in, const int out)
{
    const int k0 = (int)get_global_id(0) * COLUMNS * LANES;
    vec turned[WEIGHT_PIECE * LANES][COLUMNS];
    for (int first = 0; first < blocks; first += WEIGHT_PIECE) {
        const int count = min(WEIGHT_PIECE, blocks - first);
        for (int b = 0; b < count; b++) {
            turn_block(turned + b * LANES, x + (first + b) * in * LANES, k0, in);
        }
        for (int o0 = 0; o0 < out; o0 += WT) {
            add_images(dweight, turned, dy + first * out * LANES, o0, k0, count, in, out,
                       first == 0);
        }
    }
}

/* dbias[o] = sum of dy over all images; a work-item takes 16 outputs. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void dense_vector_bwd_bias(
    __global float *restrict dbias, __global const float *restrict dy, const int blocks,
    const int out)
{
    const int first = (int)get_global_id(0) * 16;
    for (int o = first; o < min(first + 16, out); o++) {
        vec sum = VLOAD(o, dy);
        for (int b = 1; b < blocks; b++) {
            sum += VLOAD(b * out + o, dy);
        }
        dbias[o] = VSUM(sum);
    }
}
