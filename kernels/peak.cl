/*
 * peak.cl - how fast a device multiplies and adds, and how fast it copies: what shares are taken of
 *
 * Pairs with   src/tune/peak.c
 * Layout       out [work-items] vectors; copies: `count` vectors
 * Mapping      peak_fma: a work-item computes ROWS independent chains of `rounds` multiply-adds;
 *              peak_copy: a work-item copies `chunk` vectors in a row
 * NaN          none: the chains converge
 * Determinism  elementwise
 */
#include "vec.h"

/* Chains in registers: enough to hide the latency of a multiply-add where two start at a time. */
#define ROWS 12

__kernel void peak_fma(__global float *restrict out, const float a, const float b, const int rounds)
{
    vec acc[ROWS];
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        acc[i] = (vec)(b * (float)i);
    }
    const vec va = (vec)(a);
    const vec vb = (vec)(b);
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            acc[i] = fma(acc[i], va, vb);
        }
    }
    vec sum = acc[0];
#pragma unroll
    for (int i = 1; i < ROWS; i++) {
        sum += acc[i];
    }
    VSTORE(sum, (int)get_global_id(0), out);
}

__kernel void peak_copy(__global float *restrict y, __global const float *restrict x,
                        const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        VSTORE(VLOAD(i, x), i, y);
    }
}
