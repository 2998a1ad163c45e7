/*
 * conv2d_batched_product.cl - the products of a Winograd convolution on GPUs: a matrix product for
 * each point
 *
 * Pairs with   src/ops/conv2d_batched.c (host); between the kernels of conv2d_batched.cl
 * Layout       the terms of a convolution are its input channels, and matrices have them one below
 *              the other: left [points][terms][rows], right [points][terms][columns]; with DEEP,
 *              for the filter's gradient, they are tiles, side by side: left [points][rows][terms],
 *              right [points][columns][terms].  Results [splits][points][rows][columns]
 * Mapping      tile.h's; dimension 2 is split * points + point, where a split has `split_terms` of
 *              the terms.  Built with -DDOWN -DACROSS -DTERMS, and -DDEEP=0 or 1
 * Border       loads outside of a matrix or a split give 0; stores are guarded, barriers are not
 * Determinism  fixed order of sums; with `adding` what was there before comes first
 */
#include "tile.h"

/* Terms that are summed up at once where there are many: few, as transforms make errors larger. */
enum { RUN = 32 };

/* Numbers of a tile that this work-item loads: the i-th is term `*term` of row or column `*at`.
 * Neighbours read what lies together. */
static inline void place(int *term, int *at, const int me, const int i, const int side)
{
    if (DEEP) {
        *term = me % TERMS;
        *at = me / TERMS + ITEMS / TERMS * i;
    } else {
        *term = me / side + ITEMS / side * i;
        *at = me % side;
    }
}

/* A number of a matrix of `terms` x `count`, or 0 outside of it and from term `end` on. */
static inline float read_matrix(__global const float *restrict matrix, const int term,
                                const int end, const int terms, const int at, const int count)
{
    const int where = DEEP ? at * terms + term : term * count + at;
    return term < end && at < count ? matrix[where] : 0.0f;
}

__kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void conv2d_batched_product(
    __global float *restrict result, const int result_at, __global const float *restrict operands,
    const int left_at, const int right_at, const int points, const int rows, const int columns,
    const int terms, const int split_terms, const int adding)
{
    __local float left[TERMS * LEFT];
    __local float right[TERMS * RIGHT];
    const int lx = (int)get_local_id(0);
    const int ly = (int)get_local_id(1);
    const int me = ly * SIDE + lx;
    const int row0 = (int)get_global_id(1) / SIDE * ROWS;
    const int col0 = (int)get_global_id(0) / SIDE * COLS;
    const int point = (int)get_global_id(2) % points;
    const int first = (int)get_global_id(2) / points * split_terms;
    const int end = min(first + split_terms, terms);
    __global const float *const from_left = operands + left_at + (size_t)point * rows * terms;
    __global const float *const from_right = operands + right_at + (size_t)point * columns * terms;
    __global float *const out = result + result_at + (size_t)get_global_id(2) * rows * columns;

    float total[DOWN][ACROSS];
    float acc[DOWN][ACROSS];
    clear(total);
    clear(acc);
    for (int k0 = first; k0 < end; k0 += TERMS) {
        int term;
        int at;
#pragma unroll
        for (int i = 0; i < LOADS_LEFT; i++) {
            place(&term, &at, me, i, ROWS);
            left[term * LEFT + at] = read_matrix(from_left, k0 + term, end, terms, row0 + at, rows);
        }
#pragma unroll
        for (int i = 0; i < LOADS_RIGHT; i++) {
            place(&term, &at, me, i, COLS);
            right[term * RIGHT + at] =
                read_matrix(from_right, k0 + term, end, terms, col0 + at, columns);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        multiply(acc, left, right, lx, ly);
        barrier(CLK_LOCAL_MEM_FENCE);
        if ((k0 - first + TERMS) % RUN == 0 || k0 + TERMS >= end) {
            move_sums(total, acc);
        }
    }
#pragma unroll
    for (int i = 0; i < DOWN; i++) {
        const int row = row0 + ly + SIDE * i;
#pragma unroll
        for (int j = 0; j < ACROSS; j++) {
            const int column = col0 + lx + SIDE * j;
            if (row < rows && column < columns) {
                const size_t where = (size_t)row * columns + column;
                out[where] = adding ? out[where] + total[i][j] : total[i][j];
            }
        }
    }
}
