/*
 * accumulate.cl - sums of the gradients of several batches
 *
 * Pairs with   src/ops/accumulate.c (host), src/ref/accumulate.c (plain C)
 * Layout       flat float32, a multiple of 128.  LANES is only the vector width here
 * Mapping      one work-item per `chunk` vectors of the `count`
 * NaN          goes through
 * Determinism  elementwise, batches in their order
 */
#include "vec.h"

/* `begins`: the sum is the gradients themselves, whatever it was before. */
__kernel void accumulate(__global float *restrict sum, __global const float *restrict grads,
                         const int count, const int begins, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        const vec g = VLOAD(i, grads);
        VSTORE(begins ? g : VLOAD(i, sum) + g, i, sum);
    }
}
