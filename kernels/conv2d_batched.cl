/*
 * conv2d_batched.cl - the transforms of a Winograd convolution on GPUs: kernels of 3x3, 4x4, 5x5
 *
 * Pairs with   src/ops/conv2d_batched.c and conv2d_batched_filter.c (host), src/ref/conv2d.c (plain
 *              C); transforms in winograd.h, the products in conv2d_batched_product.cl
 * Layout       activations plain NCHW (one lane), weights [oc][c][R][R]; stride 1.  A column is a
 *              tile of an image: [images][tiles down][tiles across].  Points of tiles are [P P]
 *              [channels][columns], of weights [P P][inputs][outputs]; where a buffer has several
 *              of these, `..._at` is where one begins
 * Mapping      a work-item transforms one tile of one channel, or the weights of one pair of them,
 *              and keeps it in registers: every loop is unrolled, neighbours have neighbouring
 *              columns
 * Pooling      with POOL > 1, which divides M, y is the largest of each window of POOL x POOL,
 *              `winner` which one
 * Border       tiles at the border read zeros outside and store what lies inside
 * Determinism  every sum has one fixed order; each output is stored by one work-item
 *
 * Build options: LANES=1 P R POOL.  Sizes are arguments: one program for all layers.
 */
#include "group_sum.h"
#include "vec.h"
#include "winograd.h"

#define PP (P * P)

/*
 * points [P P][inputs][outputs].  With `flip`, for backward data, input and output channels change
 * places, and the kernel is turned by 180 degrees.
 */
__kernel void conv2d_batched_weights(__global float *restrict points, const int points_at,
                                     __global const float *restrict weight, const int inputs,
                                     const int outputs, const int flip)
{
    const int o = (int)get_global_id(0);
    const int i = (int)get_global_id(1);
    if (o < outputs && i < inputs) {
        __global const float *const from =
            weight + (flip ? (size_t)i * outputs + o : (size_t)o * inputs + i) * R * R;
        __global float *const to = points + points_at + (size_t)i * outputs + o;
        float rows[R][P];
#pragma unroll
        for (int ky = 0; ky < R; ky++) {
            float line[R];
#pragma unroll
            for (int kx = 0; kx < R; kx++) {
                line[kx] = from[flip ? (R - 1 - ky) * R + R - 1 - kx : ky * R + kx];
            }
            kernel_to_points(rows[ky], line, R);
        }
#pragma unroll
        for (int k = 0; k < P; k++) {
            float column[R];
            float out[P];
#pragma unroll
            for (int ky = 0; ky < R; ky++) {
                column[ky] = rows[ky][k];
            }
            kernel_to_points(out, column, R);
#pragma unroll
            for (int r = 0; r < P; r++) {
                to[(size_t)(k * P + r) * inputs * outputs] = out[r];
            }
        }
    }
}

/* Points of input tiles, of the images from `first` on: tiles of `across` x `down` an image. */
__kernel void conv2d_batched_tiles(__global float *restrict points, const int points_at,
                                   __global const float *restrict x, const int first,
                                   const int channels, const int h, const int w, const int down,
                                   const int across, const int pad, const int columns)
{
    const int column = (int)get_global_id(0);
    const int c = (int)get_global_id(1);
    if (column < columns && c < channels) {
        const int tile = column % (down * across);
        const int top = tile / across * M - pad;
        const int left = tile % across * M - pad;
        __global const float *const plane =
            x + ((size_t)(first + column / (down * across)) * channels + c) * h * w;
        __global float *const to = points + points_at + (size_t)c * columns + column;
        float rows[P][P];
#pragma unroll
        for (int r = 0; r < P; r++) {
            float line[P];
            load_cut_row(line, plane, top + r, left, h, w, P);
            to_points(rows[r], line);
        }
#pragma unroll
        for (int k = 0; k < P; k++) {
            float in[P];
            float out[P];
#pragma unroll
            for (int r = 0; r < P; r++) {
                in[r] = rows[r][k];
            }
            to_points(out, in);
#pragma unroll
            for (int r = 0; r < P; r++) {
                to[(size_t)(k * P + r) * channels * columns] = out[r];
            }
        }
    }
}

/* Points of tiles of the output's gradient, dy [n][outputs][ho][wo], and the sum of each tile, for
 * the bias: sums [outputs][columns]. */
__kernel void conv2d_batched_gradient(__global float *restrict points, const int points_at,
                                      const int sums_at, __global const float *restrict dy,
                                      const int first, const int outputs, const int ho,
                                      const int wo, const int down, const int across,
                                      const int columns)
{
    const int column = (int)get_global_id(0);
    const int o = (int)get_global_id(1);
    if (column < columns && o < outputs) {
        const int tile = column % (down * across);
        const int top = tile / across * M;
        const int left = tile % across * M;
        __global const float *const plane =
            dy + ((size_t)(first + column / (down * across)) * outputs + o) * ho * wo;
        __global float *const to = points + points_at + (size_t)o * columns + column;
        float rows[M][P];
        float sum = 0.0f;
#pragma unroll
        for (int r = 0; r < M; r++) {
            float line[M];
            load_cut_row(line, plane, top + r, left, ho, wo, M);
            kernel_to_points(rows[r], line, M);
#pragma unroll
            for (int k = 0; k < M; k++) {
                sum += line[k];
            }
        }
#pragma unroll
        for (int k = 0; k < P; k++) {
            float in[M];
            float out[P];
#pragma unroll
            for (int r = 0; r < M; r++) {
                in[r] = rows[r][k];
            }
            kernel_to_points(out, in, M);
#pragma unroll
            for (int r = 0; r < P; r++) {
                to[(size_t)(k * P + r) * outputs * columns] = out[r];
            }
        }
        points[(size_t)sums_at + (size_t)o * columns + column] = sum;
    }
}

/* M rows and columns of pixels of the points that lie `plane` apart. */
static inline void to_pixels(float pixels[M][M], __global const float *restrict from,
                             const size_t plane)
{
    float rows[P][M];
#pragma unroll
    for (int r = 0; r < P; r++) {
        float line[P];
#pragma unroll
        for (int k = 0; k < P; k++) {
            line[k] = from[(size_t)(k * P + r) * plane];
        }
        from_points(rows[r], line, M);
    }
#pragma unroll
    for (int k = 0; k < M; k++) {
        float in[P];
        float out[M];
#pragma unroll
        for (int r = 0; r < P; r++) {
            in[r] = rows[r][k];
        }
        from_points(out, in, M);
#pragma unroll
        for (int r = 0; r < M; r++) {
            pixels[r][k] = out[r];
        }
    }
}

/* The pixels of a tile that lie inside, with bias, ReLU and mask; of a pooling the largest of each
 * window.  ho x wo is y before a pooling; bias, mask and winner may be null. */
__kernel void conv2d_batched_pixels(__global float *restrict y, __global uchar *restrict winner,
                                    __global const float *restrict points, const int points_at,
                                    __global const float *restrict bias,
                                    __global const float *restrict mask, const int first,
                                    const int outputs, const int ho, const int wo, const int down,
                                    const int across, const int columns, const int relu_on)
{
    const int column = (int)get_global_id(0);
    const int o = (int)get_global_id(1);
    if (column < columns && o < outputs) {
        const int tile = column % (down * across);
        const int height = ho / POOL;
        const int width = wo / POOL;
        const int top = tile / across * (M / POOL);
        const int left = tile % across * (M / POOL);
        const size_t plane =
            ((size_t)(first + column / (down * across)) * outputs + o) * height * width;
        const float more = bias ? bias[o] : 0.0f;
        float pixels[M][M];
        to_pixels(pixels, points + points_at + (size_t)o * columns + column,
                  (size_t)outputs * columns);
#pragma unroll
        for (int r = 0; r < M / POOL; r++) {
#pragma unroll
            for (int k = 0; k < M / POOL; k++) {
                float best = pixels[r * POOL][k * POOL] + more;
                int which = 0;
#pragma unroll
                for (int i = 1; i < POOL * POOL; i++) {
                    take_pixel(&best, &which,
                               pixels[r * POOL + i / POOL][k * POOL + i % POOL] + more, i);
                }
                if (top + r < height && left + k < width) {
                    const size_t at = plane + (top + r) * width + left + k;
                    const float above = at_least(best, least_of(relu_on));
                    y[at] = mask ? relu_mask(above, mask[at]) : above;
                    if (POOL > 1 && winner) {
                        winner[at] = (uchar)which;
                    }
                }
            }
        }
    }
}

/* dweight [outputs][inputs][R][R] from [splits][P P][outputs][inputs]: the splits added in order,
 * then points to weights. */
__kernel void conv2d_batched_add(__global float *restrict dweight,
                                 __global const float *restrict parts, const int parts_at,
                                 const int inputs, const int outputs, const int splits)
{
    const int i = (int)get_global_id(0);
    const int o = (int)get_global_id(1);
    if (i < inputs && o < outputs) {
        const size_t plane = (size_t)inputs * outputs;
        __global const float *const from = parts + parts_at + (size_t)o * inputs + i;
        __global float *const to = dweight + ((size_t)o * inputs + i) * R * R;
        float rows[P][R];
#pragma unroll
        for (int r = 0; r < P; r++) {
            float line[P];
#pragma unroll
            for (int k = 0; k < P; k++) {
                line[k] = from[(k * P + r) * plane];
                for (int s = 1; s < splits; s++) {
                    line[k] += from[(s * PP + k * P + r) * plane];
                }
            }
            from_points(rows[r], line, R);
        }
#pragma unroll
        for (int k = 0; k < R; k++) {
            float in[P];
            float out[R];
#pragma unroll
            for (int r = 0; r < P; r++) {
                in[r] = rows[r][k];
            }
            from_points(out, in, R);
#pragma unroll
            for (int r = 0; r < R; r++) {
                to[r * R + k] = out[r];
            }
        }
    }
}

/* dbias [outputs], the sums of sums [outputs][columns], a work-group each; with `adding` to what is
 * there. */
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void conv2d_batched_bias(
    __global float *restrict dbias, __global const float *restrict sums, const int sums_at,
    const int columns, const int adding)
{
    SHARED
    const int o = (int)get_global_id(0) / GROUP;
    __global const float *const row = sums + sums_at + (size_t)o * columns;
    float sum = 0.0f;
    for (int i = (int)get_local_id(0); i < columns; i += GROUP) {
        sum += row[i];
    }
    const float all = GROUP_SUM(sum);
    if (get_local_id(0) == 0) {
        dbias[o] = adding ? dbias[o] + all : all;
    }
}
