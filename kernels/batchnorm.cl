/*
 * batchnorm.cl - batch normalisation over images and pixels, forward and backward
 *
 * Pairs with   src/ops/batchnorm.c (host), src/ref/batchnorm.c (plain C)
 * Layout       planes (block, channel) of `pixels` vectors; parts [channel][block][2]; saved: mean
 *              [c], then 1 / sqrt(variance + eps) [c]
 * Mapping      two stages: a work-group sums `chunk` planes, then one adds up the blocks of `chunk`
 *              channels; see group_sum.h.  The elementwise kernels: dimension 0 takes `cols`
 *              pixels, 1 `chunk` planes
 * Border       lanes beyond n count nowhere; their dx is zero
 * NaN          goes through, but for the ReLU mask, which gives zero where x is NaN
 * Determinism  fixed order of sums
 */
#include "group_sum.h"
#include "vec.h"

/* Mean and sum of squared deviations of each plane. */
__kernel void batchnorm_parts(__global float *restrict parts, __global const float *restrict x,
                              const int n, const int c, const int pixels, const int planes,
                              const int chunk)
{
    SHARED
    const int k0 = (int)get_local_id(0);
    const int first = (int)(get_global_id(0) / GROUP) * chunk;
    for (int plane = first; plane < min(first + chunk, planes); plane++) {
        const int block = plane / c;
        const int valid = min(LANES, n - block * LANES);
        const float count = (float)valid * (float)pixels;
        vec sum = (vec)(0.0f);
        for (int k = k0; k < pixels; k += GROUP) {
            sum += VLOAD(plane * pixels + k, x);
        }
        const float rough = GROUP_SUM(VSUM(keep_lanes(sum, valid))) / count;
        /* What the rough mean misses is summed as well: it corrects mean and squares. */
        vec rest = (vec)(0.0f);
        vec squares = (vec)(0.0f);
        for (int k = k0; k < pixels; k += GROUP) {
            const vec d = VLOAD(plane * pixels + k, x) - rough;
            rest += d;
            squares += d * d;
        }
        const float missed = GROUP_SUM(VSUM(keep_lanes(rest, valid)));
        const float around = GROUP_SUM(VSUM(keep_lanes(squares, valid)));
        if (k0 == 0) {
            const int at = (plane % c * (planes / c) + block) * 2;
            parts[at] = rough + missed / count;
            parts[at + 1] = around - missed * missed / count;
        }
    }
}

/* saved, and the running values, of each channel.  grow = N / (N - 1), for the unbiased variance */
__kernel void batchnorm_stats(__global float *restrict saved, __global float *restrict running_mean,
                              __global float *restrict running_var,
                              __global const float *restrict parts, const int n, const int c,
                              const int pixels, const int blocks, const float momentum,
                              const float grow, const float eps, const int chunk)
{
    SHARED
    const int k0 = (int)get_local_id(0);
    const int first = (int)(get_global_id(0) / GROUP) * chunk;
    const float all = (float)n * (float)pixels;
    for (int channel = first; channel < min(first + chunk, c); channel++) {
        __global const float *const part = parts + channel * blocks * 2;
        const float base = part[0];
        float shift = 0.0f;
        for (int b = k0; b < blocks; b += GROUP) {
            const float count = (float)min(LANES, n - b * LANES) * (float)pixels;
            shift += (part[2 * b] - base) * (count / all);
        }
        const float mean = base + GROUP_SUM(shift);
        float squares = 0.0f;
        for (int b = k0; b < blocks; b += GROUP) {
            const float count = (float)min(LANES, n - b * LANES) * (float)pixels;
            const float d = part[2 * b] - mean;
            squares += part[2 * b + 1] + count * d * d;
        }
        const float var = GROUP_SUM(squares) / all;
        if (k0 == 0) {
            saved[channel] = mean;
            saved[c + channel] = 1.0f / sqrt(var + eps);
            running_mean[channel] += momentum * (mean - running_mean[channel]);
            running_var[channel] += momentum * (var * grow - running_var[channel]);
        }
    }
}

/* y from mean and 1/sqrt(variance + eps) ("saved"), or from running values with running_on. */
__kernel void batchnorm_apply(__global float *restrict y, __global const float *restrict x,
                              __global const float *restrict weight,
                              __global const float *restrict bias,
                              __global const float *restrict mean,
                              __global const float *restrict spread, const int spread_at,
                              const int running_on, const float eps, const int relu_on,
                              const int planes, const int c, const int pixels, const int cols,
                              const int chunk)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int plane = first; plane < min(first + chunk, planes); plane++) {
        const int channel = plane % c;
        const float raw = spread[spread_at + channel];
        const float scale = weight[channel] * (running_on ? 1.0f / sqrt(raw + eps) : raw);
        const float centre = mean[channel];
        const float shift = bias[channel];
        for (int k = left; k < min(left + cols, pixels); k++) {
            const vec v = (VLOAD(plane * pixels + k, x) - centre) * scale + shift;
            VSTREAM(relu_on ? relu(v) : v, plane * pixels + k, y);
        }
    }
}

/*
 * What a convolution or dense layer in front becomes in evaluation: to[c][each] and bias[c] make
 * what from and from_bias (or null: zeros) and this made of it.  Dimension 1 takes `chunk`
 * channels, 0 `cols` weights of each.
 */
__kernel void batchnorm_fold(__global float *restrict to, __global float *restrict to_bias,
                             __global const float *restrict from,
                             __global const float *restrict from_bias,
                             __global const float *restrict weight,
                             __global const float *restrict bias,
                             __global const float *restrict running_mean,
                             __global const float *restrict running_var, const float eps,
                             const int c, const int each, const int cols, const int chunk)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int channel = first; channel < min(first + chunk, c); channel++) {
        const float scale = weight[channel] * (1.0f / sqrt(running_var[channel] + eps));
        for (int k = left; k < min(left + cols, each); k++) {
            to[channel * each + k] = from[channel * each + k] * scale;
        }
        if (left == 0) {
            const float before = from_bias ? from_bias[channel] : 0.0f;
            to_bias[channel] = (before - running_mean[channel]) * scale + bias[channel];
        }
    }
}

/* Sums of dy and of dy times the normalised x, of each plane. */
__kernel void batchnorm_bwd_parts(__global float *restrict parts, __global const float *restrict dy,
                                  __global const float *restrict x,
                                  __global const float *restrict saved, const int n, const int c,
                                  const int pixels, const int planes, const int chunk)
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
        for (int k = k0; k < pixels; k += GROUP) {
            const vec g = VLOAD(plane * pixels + k, dy);
            sum += g;
            product += g * (VLOAD(plane * pixels + k, x) - centre);
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

__kernel void batchnorm_bwd_params(__global float *restrict dweight, __global float *restrict dbias,
                                   __global const float *restrict parts, const int c,
                                   const int blocks, const int chunk)
{
    SHARED
    const int k0 = (int)get_local_id(0);
    const int first = (int)(get_global_id(0) / GROUP) * chunk;
    for (int channel = first; channel < min(first + chunk, c); channel++) {
        __global const float *const part = parts + channel * blocks * 2;
        float sum = 0.0f;
        float moment = 0.0f;
        for (int b = k0; b < blocks; b += GROUP) {
            sum += part[2 * b];
            moment += part[2 * b + 1];
        }
        const float total = GROUP_SUM(sum);
        const float total_moment = GROUP_SUM(moment);
        if (k0 == 0) {
            dbias[channel] = total;
            dweight[channel] = total_moment;
        }
    }
}

/* share = 1 / N; masked: x is the output of a ReLU, whose gradient this is as well. */
__kernel void batchnorm_bwd_data(__global float *restrict dx, __global const float *restrict dy,
                                 __global const float *restrict x,
                                 __global const float *restrict saved,
                                 __global const float *restrict weight,
                                 __global const float *restrict dweight,
                                 __global const float *restrict dbias, const float share,
                                 const int masked, const int n, const int planes, const int c,
                                 const int pixels, const int cols, const int chunk)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int plane = first; plane < min(first + chunk, planes); plane++) {
        const int channel = plane % c;
        const int valid = min(LANES, n - plane / c * LANES);
        const float centre = saved[channel];
        const float spread = saved[c + channel];
        const float scale = weight[channel] * spread;
        const float offset = dbias[channel] * share;
        const float slope = dweight[channel] * share * spread;
        for (int k = left; k < min(left + cols, pixels); k++) {
            const vec v = VLOAD(plane * pixels + k, x);
            const vec g = VLOAD(plane * pixels + k, dy) - offset - (v - centre) * slope;
            const vec kept = keep_lanes(g * scale, valid);
            VSTREAM(masked ? relu_mask(kept, v) : kept, plane * pixels + k, dx);
        }
    }
}

/* dx of the evaluation form; x, where it is given, is the output of a ReLU, whose gradient this is
 * as well. */
__kernel void batchnorm_eval_bwd(__global float *restrict dx, __global const float *restrict dy,
                                 __global const float *restrict x,
                                 __global const float *restrict weight,
                                 __global const float *restrict running_var, const float eps,
                                 const int n, const int planes, const int c, const int pixels,
                                 const int cols, const int chunk)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    for (int plane = first; plane < min(first + chunk, planes); plane++) {
        const int channel = plane % c;
        const int valid = min(LANES, n - plane / c * LANES);
        const float scale = weight[channel] * (1.0f / sqrt(running_var[channel] + eps));
        for (int k = left; k < min(left + cols, pixels); k++) {
            const int at = plane * pixels + k;
            const vec g = keep_lanes(VLOAD(at, dy) * scale, valid);
            VSTORE(x != 0 ? relu_mask(g, VLOAD(at, x)) : g, at, dx);
        }
    }
}
