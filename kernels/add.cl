/*
 * add.cl - the sum of two tensors, forward with ReLU, backward with the mask of a ReLU
 *
 * Pairs with   src/ops/add.c (host), src/ref/add.c (plain C)
 * Layout       any, as `count` vectors
 * Mapping      one work-item per `chunk` vectors
 * NaN          forward lets it through; backward gives zero where the mask is NaN
 * Determinism  elementwise
 */
#include "vec.h"

/* No restrict: a may be b. */
__kernel void add_fwd(__global float *y, __global const float *a, __global const float *b,
                      const int relu_on, const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        const vec sum = VLOAD(i, a) + VLOAD(i, b);
        VSTORE(relu_on ? relu(sum) : sum, i, y);
    }
}

/* `mask`: x of the forward pass when a ReLU made it, or null. */
__kernel void add_bwd(__global float *dx, __global const float *da, __global const float *db,
                      __global const float *mask, const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        const vec sum = VLOAD(i, da) + VLOAD(i, db);
        VSTORE(mask ? relu_mask(sum, VLOAD(i, mask)) : sum, i, dx);
    }
}
