/*
 * multiply.cl - a tensor times one number for each image and channel, and the gradient of these
 *
 * Pairs with   src/ops/multiply.c (host), src/ref/multiply.c (plain C)
 * Layout       x, y, dy [blocks][c][h][w] of vectors, `rows` planes; gates, dgates [blocks][c]
 * Mapping      multiply: dimension 0 takes `cols` vectors of a plane, dimension 1 `chunk` planes;
 *              multiply_gates_bwd: one work-item per `chunk` planes
 * NaN          goes through; the gates' gradient is zero where the mask is NaN
 * Determinism  a plane is summed by one work-item, line by line
 */
#include "vec.h"

__kernel void multiply(__global float *restrict y, __global const float *restrict x,
                       __global const float *restrict gates, const int rows, const int width,
                       const int cols, const int chunk)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const vec gate = VLOAD(row, gates);
        for (int i = row * width + left; i < row * width + min(left + cols, width); i++) {
            VSTORE(VLOAD(i, x) * gate, i, y);
        }
    }
}

/* `mask`: the gates when a ReLU made them, or null. */
__kernel void multiply_gates_bwd(__global float *restrict dgates, __global const float *restrict dy,
                                 __global const float *restrict x,
                                 __global const float *restrict mask, const int rows, const int h,
                                 const int w, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int row = first; row < min(first + chunk, rows); row++) {
        vec sum = (vec)(0.0f);
        for (int line = row * h; line < (row + 1) * h; line++) {
            vec part = (vec)(0.0f); /* sums of lines first: shorter chains of rounding */
            for (int i = line * w; i < (line + 1) * w; i++) {
                part = fma(VLOAD(i, dy), VLOAD(i, x), part);
            }
            sum += part;
        }
        VSTORE(mask ? relu_mask(sum, VLOAD(row, mask)) : sum, row, dgates);
    }
}
