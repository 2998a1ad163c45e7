/*
 * conv2d_tile.cl - convolution for GPUs: three implicit matrix products over local-memory tiles
 *
 * Pairs with   src/ops/conv2d_tile.c (host), src/ref/conv2d.c (plain C)
 * Layout       plain NCHW (one lane); weights [oc][c][KH][KW].  Built with -DKH -DKW -DSTRIDE
 *              -DPAD, and -DDOWN -DACROSS -DTERMS for tile.h
 * Mapping      tile.h's, of a product whose rows and columns are
 *                forward          rows: output channels, columns: output pixels of all images
 *                backward data    rows: input channels,  columns: input pixels of all images
 *                backward filter  rows: output channels, columns: taps of all channels, and one
 *                                 column of ones for the bias; dimension 2 splits the images
 * Pooling      with pool_on, each four columns that a work-item has of forward are the pixels of a
 *              window of 2 x 2, of which it keeps the largest: the same sums for other pixels
 * Border       loads outside of image, matrix or split give 0; stores are guarded, barriers are not
 * NaN          goes through, but for the ReLU mask, which gives zero where mask is NaN
 * Determinism  fixed order of sums; the splits of the filter are added in order by a second kernel
 */
#include "tile.h"

enum {
    WINDOW = 4, /* pixels */
    RUN = 1024, /* terms that are summed up at once where there are many */
    TAPS = KH * KW
};

/* The output pixel of a column of forward's product, [image][row][column] from 0; a column of no
 * image gives one behind the last. */
static inline int pixel_of(const int column, const int n, const int ho, const int wo,
                           const int pool_on)
{
    if (!pool_on) {
        return column;
    }
    const int across = wo / 2;
    const int windows = ho / 2 * across;
    const int j = column % COLS / SIDE; /* of the work-item's columns */
    const int window = column / COLS * (COLS / WINDOW) + j / WINDOW * SIDE + column % SIDE;
    const int k = j % WINDOW; /* the pixel of the window */
    const int y = window % windows / across * 2 + k / 2;
    const int x = window % across * 2 + k % 2;
    return window < n * windows ? (window / windows * ho + y) * wo + x : n * ho * wo;
}

/* The largest of a window's pixels; the first of equals wins, and the first NaN. */
static inline int winner_of(float *best, const float *v)
{
    int which = 0;
    *best = v[0];
#pragma unroll
    for (int k = 1; k < WINDOW; k++) {
        if (*best == *best && !(v[k] <= *best)) {
            *best = v[k];
            which = k;
        }
    }
    return which;
}

__kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void conv2d_tile_fwd(
    __global float *restrict y, __global uchar *restrict winner, __global const float *restrict x,
    __global const float *restrict weight, __global const float *restrict bias, const int n,
    const int c, const int h, const int w, const int oc, const int ho, const int wo,
    const int relu_on, const int pool_on)
{
    __local float left[TERMS * LEFT];
    __local float right[TERMS * RIGHT];
    const int lx = (int)get_local_id(0);
    const int ly = (int)get_local_id(1);
    const int me = ly * SIDE + lx;
    const int pixels = ho * wo;
    const int columns = n * pixels;
    const int terms = c * TAPS;
    const int row0 = (int)get_global_id(1) / SIDE * ROWS;
    const int col0 = (int)get_global_id(0) / SIDE * COLS;

    /* The column this work-item loads, some terms of it. */
    const int col = pixel_of(col0 + me % COLS, n, ho, wo, pool_on);
    const int top = col % pixels / wo * STRIDE - PAD;
    const int lft = col % wo * STRIDE - PAD;
    __global const float *const image = x + (col < columns ? col / pixels : 0) * c * h * w;

    float acc[DOWN][ACROSS];
    clear(acc);
    for (int k0 = 0; k0 < terms; k0 += TERMS) {
#pragma unroll
        for (int i = 0; i < LOADS_LEFT; i++) {
            const int k = k0 + me % TERMS;
            const int at = me / TERMS + ITEMS / TERMS * i;
            const int row = row0 + at;
            left[me % TERMS * LEFT + at] = row < oc && k < terms ? weight[row * terms + k] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < LOADS_RIGHT; i++) {
            const int at = me / COLS + ITEMS / COLS * i;
            const int t = k0 + at;
            const int r = top + t % TAPS / KW;
            const int q = lft + t % KW;
            const int inside = col < columns && t < terms && r >= 0 && r < h && q >= 0 && q < w;
            right[at * RIGHT + me % COLS] = inside ? image[(t / TAPS * h + r) * w + q] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        multiply(acc, left, right, lx, ly);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#pragma unroll
    for (int i = 0; i < DOWN; i++) {
        const int row = row0 + ly + SIDE * i;
#pragma unroll
        for (int j = 0; j < ACROSS; j++) {
            const int out = col0 + lx + SIDE * j;
            acc[i][j] += bias && row < oc ? bias[row] : 0.0f;
            if (!pool_on && row < oc && out < columns) {
                y[(out / pixels * oc + row) * pixels + out % pixels] =
                    relu_on && acc[i][j] <= 0.0f ? 0.0f : acc[i][j];
            }
        }
        const int windows = ho / 2 * (wo / 2);
#pragma unroll
        for (int g = 0; g < ACROSS / WINDOW; g++) {
            const int window = col0 / WINDOW + g * SIDE + lx;
            if (pool_on && row < oc && window < n * windows) {
                const int at = (window / windows * oc + row) * windows + window % windows;
                float best;
                const int which = winner_of(&best, acc[i] + g * WINDOW);
                y[at] = relu_on && best <= 0.0f ? 0.0f : best;
                if (winner) {
                    winner[at] = (uchar)which;
                }
            }
        }
    }
}

__kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void conv2d_tile_bwd_data(
    __global float *restrict dx, __global const float *restrict dy,
    __global const float *restrict weight, __global const float *restrict mask, const int n,
    const int c, const int h, const int w, const int oc, const int ho, const int wo)
{
    __local float left[TERMS * LEFT];
    __local float right[TERMS * RIGHT];
    const int lx = (int)get_local_id(0);
    const int ly = (int)get_local_id(1);
    const int me = ly * SIDE + lx;
    const int pixels = h * w;
    const int columns = n * pixels;
    const int terms = oc * TAPS;
    const int row0 = (int)get_global_id(1) / SIDE * ROWS;
    const int col0 = (int)get_global_id(0) / SIDE * COLS;

    const int col = col0 + me % COLS;
    const int bottom = col % pixels / w + PAD;
    const int rgt = col % w + PAD;
    __global const float *const image = dy + (col < columns ? col / pixels : 0) * oc * ho * wo;

    float acc[DOWN][ACROSS];
    clear(acc);
    for (int k0 = 0; k0 < terms; k0 += TERMS) {
#pragma unroll
        for (int i = 0; i < LOADS_LEFT; i++) {
            const int k = k0 + me % TERMS;
            const int at = me / TERMS + ITEMS / TERMS * i;
            const int row = row0 + at;
            left[me % TERMS * LEFT + at] =
                row < c && k < terms ? weight[(k / TAPS * c + row) * TAPS + k % TAPS] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < LOADS_RIGHT; i++) {
            const int at = me / COLS + ITEMS / COLS * i;
            const int t = k0 + at;
            const int r = bottom - t % TAPS / KW; /* STRIDE times the output's row */
            const int q = rgt - t % KW;
            const int inside = col < columns && t < terms && r >= 0 && q >= 0 && r % STRIDE == 0 &&
                               q % STRIDE == 0 && r / STRIDE < ho && q / STRIDE < wo;
            right[at * RIGHT + me % COLS] =
                inside ? image[(t / TAPS * ho + r / STRIDE) * wo + q / STRIDE] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        multiply(acc, left, right, lx, ly);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#pragma unroll
    for (int j = 0; j < ACROSS; j++) {
        const int in = col0 + lx + SIDE * j;
#pragma unroll
        for (int i = 0; i < DOWN; i++) {
            const int row = row0 + ly + SIDE * i;
            if (row < c && in < columns) {
                const int at = (in / pixels * c + row) * pixels + in % pixels;
                dx[at] = !mask || mask[at] > 0.0f ? acc[i][j] : 0.0f;
            }
        }
    }
}

/* Sums over the images of split get_global_id(2) go to parts[split][oc][c * TAPS + 1]. */
__kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void conv2d_tile_bwd_filter(
    __global float *restrict parts, __global const float *restrict dy,
    __global const float *restrict x, const int n, const int c, const int h, const int w,
    const int oc, const int ho, const int wo, const int split_images)
{
    __local float left[TERMS * LEFT];
    __local float right[TERMS * RIGHT];
    const int lx = (int)get_local_id(0);
    const int ly = (int)get_local_id(1);
    const int me = ly * SIDE + lx;
    const int pixels = ho * wo;
    const int columns = c * TAPS + 1;
    const int split = (int)get_global_id(2);
    const int first = split * split_images;
    const int terms = (min(first + split_images, n) - first) * pixels;
    const int row0 = (int)get_global_id(1) / SIDE * ROWS;
    const int col0 = (int)get_global_id(0) / SIDE * COLS;

    float total[DOWN][ACROSS];
    float acc[DOWN][ACROSS];
    clear(total);
    clear(acc);
    for (int k0 = 0; k0 < terms; k0 += TERMS) {
        const int k = k0 + me % TERMS;
        const int image = first + k / pixels;
        const int pixel = k % pixels;
        const int top = pixel / wo * STRIDE - PAD;
        const int lft = pixel % wo * STRIDE - PAD;
#pragma unroll
        for (int i = 0; i < LOADS_LEFT; i++) {
            const int at = me / TERMS + ITEMS / TERMS * i;
            const int row = row0 + at;
            left[me % TERMS * LEFT + at] =
                row < oc && k < terms ? dy[(image * oc + row) * pixels + pixel] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < LOADS_RIGHT; i++) {
            const int at = me / TERMS + ITEMS / TERMS * i;
            const int t = col0 + at;
            const int r = top + t % TAPS / KW;
            const int q = lft + t % KW;
            const int inside = k < terms && t < columns - 1 && r >= 0 && r < h && q >= 0 && q < w;
            const float v = inside ? x[((image * c + t / TAPS) * h + r) * w + q] : 0.0f;
            right[me % TERMS * RIGHT + at] = t == columns - 1 ? 1.0f : v;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        multiply(acc, left, right, lx, ly);
        barrier(CLK_LOCAL_MEM_FENCE);
        if ((k0 + TERMS) % RUN == 0 || k0 + TERMS >= terms) {
            move_sums(total, acc);
        }
    }
#pragma unroll
    for (int i = 0; i < DOWN; i++) {
        const int row = row0 + ly + SIDE * i;
#pragma unroll
        for (int j = 0; j < ACROSS; j++) {
            const int out = col0 + lx + SIDE * j;
            if (row < oc && out < columns) {
                parts[((size_t)split * oc + row) * columns + out] = total[i][j];
            }
        }
    }
}

/* One work-item per number: the splits in order. `dbias` may be null. */
__kernel void conv2d_tile_sum_filter(__global float *restrict dweight,
                                     __global float *restrict dbias,
                                     __global const float *restrict parts, const int oc,
                                     const int columns, const int splits)
{
    const int i = (int)get_global_id(0);
    if (i < oc * columns) {
        float sum = 0.0f;
        for (int split = 0; split < splits; split++) {
            sum += parts[(size_t)split * oc * columns + i];
        }
        if (i % columns < columns - 1) {
            dweight[i / columns * (columns - 1) + i % columns] = sum;
        } else if (dbias) {
            dbias[i / columns] = sum;
        }
    }
}
