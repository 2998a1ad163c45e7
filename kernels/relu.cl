/*
 * relu.cl - max(x, 0), forward and backward
 *
 * Pairs with   src/ops/relu.c (host), src/ref/relu.c (plain C)
 * Layout       any, as `count` vectors
 * Mapping      one work-item per `chunk` vectors
 * NaN          forward lets it through; backward gives zero where y is NaN
 * Determinism  elementwise
 */
#include "vec.h"

/* No restrict: y may be x. */
__kernel void relu_fwd(__global float *y, __global const float *x, const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        VSTORE(relu(VLOAD(i, x)), i, y);
    }
}

/* No restrict: dx may be dy. */
__kernel void relu_bwd(__global float *dx, __global const float *dy, __global const float *y,
                       const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        VSTORE(relu_mask(VLOAD(i, dy), VLOAD(i, y)), i, dx);
    }
}
