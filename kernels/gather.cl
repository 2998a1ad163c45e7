/*
 * gather.cl - a batch of images and labels from a uint8 set on the device, normalised
 *
 * Pairs with   src/ops/gather.c (host), src/ref/gather.c (plain C)
 * Layout       set [count][h][w][c] bytes; x [blocks][c][h][w][LANES]
 * Mapping      images: one work-item per `chunk` rows (block, channel, y) of x and `cols` pixels;
 *              labels: one work-item per image
 * Border       lanes beyond n are zero; an index outside the set gives a zero image and label -1
 * Determinism  elementwise
 */
#include "vec.h"

__kernel void gather_images(__global float *restrict x, __global const uchar *restrict set,
                            __global const int *restrict indices, const int first_index,
                            const int count, const int n, const int rows, const int c, const int h,
                            const int w, const float scale, const float shift, const int cols,
                            const int chunk)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int block = row / (c * h);
        const int channel = row / h % c;
        const int y = row % h;
        __global float *const line = x + (size_t)row * w * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            const int i = block * LANES + lane;
            const int index = i < n ? indices[first_index + i] : -1;
            const int known = index >= 0 && index < count;
            __global const uchar *const image = set + (size_t)(known ? index : 0) * h * w * c;
            for (int at = left; at < min(left + cols, w); at++) {
                const float pixel = (float)image[(y * w + at) * c + channel];
                line[at * LANES + lane] = known ? fma(pixel, scale, shift) : 0.0f;
            }
        }
    }
}

__kernel void gather_labels(__global int *restrict out, __global const int *restrict labels,
                            __global const int *restrict indices, const int first_index,
                            const int count, const int n)
{
    const int i = (int)get_global_id(0);
    if (i < n) {
        const int index = indices[first_index + i];
        out[i] = index >= 0 && index < count ? labels[index] : -1;
    }
}
