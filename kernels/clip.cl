/*
 * clip.cl - the factor that brings the norm of all gradients together under a limit
 *
 * Pairs with   src/ops/clip.c (host), src/ref/clip.c (plain C)
 * Layout       flat float32; clip: factor, norm, then a sum of squares for each part of the
 *              gradients.  LANES is only the vector width here
 * Mapping      clip_parts: one work-group per `chunk` vectors; clip_factor: one work-group in all
 * NaN          a NaN gradient makes norm and factor NaN; an infinite one makes the factor 0
 * Determinism  parts have a fixed size, and parts and items are added in a fixed order
 */
#include "vec.h"

enum { HEADER = 2 };

#if LANES == 1
#define GROUP 64
#else
#define GROUP 1
#endif

__kernel void clip_parts(__global float *restrict clip, __global const float *restrict grads,
                         const int count, const int chunk)
{
    const int part = (int)(get_global_id(0) / GROUP);
    const int k = (int)get_local_id(0);
    const int first = part * chunk;
    const int size = min(chunk, count - first);
    vec squares = (vec)(0.0f);
    for (int i = k; i < size; i += GROUP) {
        const vec g = VLOAD(first + i, grads);
        squares += g * g;
    }
    float sum = VSUM(squares);
#if GROUP > 1
    __local float sums[GROUP];
    sums[k] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 1; k == 0 && i < GROUP; i++) {
        sum += sums[i];
    }
#endif
    if (k == 0) {
        clip[HEADER + part] = sum;
    }
}

__kernel void clip_factor(__global float *restrict clip, const int parts, const float most)
{
    const int k = (int)get_local_id(0);
    float sum = 0.0f;
    for (int i = k; i < parts; i += GROUP) {
        sum += clip[HEADER + i];
    }
#if GROUP > 1
    __local float sums[GROUP];
    sums[k] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 1; k == 0 && i < GROUP; i++) {
        sum += sums[i];
    }
#endif
    if (k == 0) {
        const float norm = sqrt(sum);
        const float factor = most / (norm + 1e-6f);
        clip[0] = factor > 1.0f ? 1.0f : factor; /* a NaN goes through */
        clip[1] = norm;
    }
}
