/*
 * average.cl - a moving average of flat numbers, and the change of places with them
 *
 * Pairs with   src/ops/average.c (host), src/ref/average.c (plain C)
 * Layout       flat float32, a multiple of LANES, which is only the vector width here
 * Mapping      one work-item per `chunk` vectors of the `count`
 * NaN          goes through
 * Determinism  elementwise
 */
#include "vec.h"

__kernel void average_update(__global float *restrict average,
                             __global const float *restrict params, const int count,
                             const float share, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        const vec a = VLOAD(i, average);
        VSTORE(a + share * (VLOAD(i, params) - a), i, average);
    }
}

__kernel void average_swap(__global float *restrict average, __global float *restrict params,
                           const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        const vec a = VLOAD(i, average);
        VSTORE(VLOAD(i, params), i, average);
        VSTORE(a, i, params);
    }
}
