/*
 * batchnorm_pool.cl - batch normalisation and the max-pooling behind it in one pass over x
 *
 * Pairs with   src/ops/batchnorm_pool.c (host); src/ref/batchnorm.c, then src/ref/pool.c
 * Layout       x, dx planes (block, channel) of [h][w][LANES]; y, dy, `winner` of [ho][wo][LANES];
 *              parts and saved as in batchnorm.cl.  Built with -DLANES -DKH -DKW; windows do not
 *              overlap (stride KH = KW, no padding)
 * Mapping      a cell is a window's place in the input; forward takes rows of windows, backward
 *              rows of cells, those at the right and lower edge that have no window among them;
 *              dimension 0 takes `cols` of a row, dimension 1 `chunk` rows.  The sums: as in
 *              batchnorm.cl
 * Border       lanes beyond n count nowhere; their dx is zero
 * NaN          as batch norm, then max-pooling: the first NaN of a window wins it
 * Determinism  fixed order of sums
 */
#include "group_sum.h"
#include "vec.h"

/* winner may be null: then it is not kept. */
__kernel void batchnorm_pool_fwd(
    __global float *restrict y, __global uchar *restrict winner, __global const float *restrict x,
    __global const float *restrict weight, __global const float *restrict bias,
    __global const float *restrict mean, __global const float *restrict spread, const int spread_at,
    const int running_on, const float eps, const int relu_on, const int c, const int rows,
    const int h, const int w, const int ho, const int wo, const int cols, const int chunk)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / ho;
        const int top = (plane * h + row % ho * KH) * w;
        const int channel = plane % c;
        const float raw = spread[spread_at + channel];
        const float scale = weight[channel] * (running_on ? 1.0f / sqrt(raw + eps) : raw);
        const float centre = mean[channel];
        const float shift = bias[channel];
        for (int xo = left; xo < min(left + cols, wo); xo++) {
            const vec corner = (VLOAD(top + xo * KW, x) - centre) * scale + shift;
            vec best = relu_on ? relu(corner) : corner;
            ivec which = (ivec)(0);
#pragma unroll 4
            for (int k = 1; k < KH * KW; k++) {
                const vec z =
                    (VLOAD(top + k / KW * w + xo * KW + k % KW, x) - centre) * scale + shift;
                take_pixel(&best, &which, relu_on ? relu(z) : z, k);
            }
            VSTORE(best, row * wo + xo, y);
            if (winner) {
                VSTORE_BYTES(which, row * wo + xo, winner);
            }
        }
    }
}

/* Sums of dy and of dy times the normalised x it belongs to, of each plane. */
__kernel void batchnorm_pool_bwd_parts(__global float *restrict parts,
                                       __global const float *restrict dy,
                                       __global const uchar *restrict winner,
                                       __global const float *restrict x,
                                       __global const float *restrict saved, const int n,
                                       const int c, const int h, const int w, const int ho,
                                       const int wo, const int planes, const int chunk)
{
    SHARED
    const int k0 = (int)get_local_id(0);
    const int first = (int)(get_global_id(0) / GROUP) * chunk;
    for (int plane = first; plane < min(first + chunk, planes); plane++) {
        const int block = plane / c;
        const int channel = plane % c;
        const int valid = min(LANES, n - block * LANES);
        const float centre = saved[channel];
        vec sum = (vec)(0.0f);
        vec product = (vec)(0.0f);
        int yo = k0 / wo; /* of window k, without a division for each */
        int xo = k0 % wo;
        for (int k = k0; k < ho * wo; k += GROUP) {
            const int o = plane * ho * wo + k;
            const int top = (plane * h + yo * KH) * w + xo * KW;
            xo += GROUP;
            while (xo >= wo) {
                xo -= wo;
                yo++;
            }
            const ivec which = VBYTES(o, winner);
            const vec g = VLOAD(o, dy);
            vec won = VLOAD(top, x);
#pragma unroll 4
            for (int i = 1; i < KH * KW; i++) {
                won = which == (ivec)(i) ? VLOAD(top + i / KW * w + i % KW, x) : won;
            }
            sum += g;
            product += g * (won - centre);
        }
        const float total = GROUP_SUM(VSUM(keep_lanes(sum, valid)));
        const float moment = GROUP_SUM(VSUM(keep_lanes(product, valid))) * saved[c + channel];
        if (k0 == 0) {
            const int at = (channel * (planes / c) + block) * 2;
            parts[at] = total;
            parts[at + 1] = moment;
        }
    }
}

/* What batchnorm_bwd_data() makes of the gradient `g` where x is `v`. */
#define DX(g, v) keep_lanes(((g)-offset - ((v)-centre) * slope) * scale, valid)

/* rows = planes * ceil(h / KH); share = 1 / N; masked: x is the output of a ReLU, whose gradient
 * this is as well. */
__kernel void batchnorm_pool_bwd_data(
    __global float *restrict dx, __global const float *restrict dy,
    __global const uchar *restrict winner, __global const float *restrict x,
    __global const float *restrict saved, __global const float *restrict weight,
    __global const float *restrict dweight, __global const float *restrict dbias, const float share,
    const int masked, const int n, const int c, const int rows, const int h, const int w,
    const int ho, const int wo, const int cols, const int chunk)
{
    const int cells = (h + KH - 1) / KH;
    const int across = (w + KW - 1) / KW;
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int plane = row / cells;
        const int yo = row % cells;
        const int channel = plane % c;
        const int valid = min(LANES, n - plane / c * LANES);
        const float centre = saved[channel];
        const float spread = saved[c + channel];
        const float scale = weight[channel] * spread;
        const float offset = dbias[channel] * share;
        const float slope = dweight[channel] * share * spread;
        const int top = (plane * h + yo * KH) * w;
        const int windows = yo < ho ? wo : 0;
        for (int xo = left; xo < min(left + cols, windows); xo++) {
            const int o = (plane * ho + yo) * wo + xo;
            const ivec which = VBYTES(o, winner);
            const vec won = VLOAD(o, dy);
#pragma unroll 4
            for (int k = 0; k < KH * KW; k++) {
                const int at = top + k / KW * w + xo * KW + k % KW;
                const vec v = VLOAD(at, x);
                const vec g = DX(which == (ivec)(k) ? won : (vec)(0.0f), v);
                VSTREAM(masked ? relu_mask(g, v) : g, at, dx);
            }
        }
        for (int xo = max(left, windows); xo < min(left + cols, across); xo++) { /* the edge */
            for (int r = 0; r < min(KH, h - yo * KH); r++) {
                for (int k = xo * KW; k < min(xo * KW + KW, w); k++) {
                    const vec v = VLOAD(top + r * w + k, x);
                    const vec g = DX(0.0f, v);
                    VSTREAM(masked ? relu_mask(g, v) : g, top + r * w + k, dx);
                }
            }
        }
    }
}
