/*
 * sam.cl - sharpness-aware minimisation: up the slope, as far as the radius goes
 *
 * Pairs with   src/ops/sam.c (host), src/ref/sam.c (plain C)
 * Layout       flat float32, a multiple of 128; clip: of clip.cl, whose second number is the
 *              norm of the gradients.  LANES is only the vector width here
 * Mapping      one work-item per `chunk` vectors of the `count`
 * NaN          goes through, into `params` only
 * Determinism  elementwise
 */
#include "vec.h"

/* saved = params, params += radius / norm * grads. */
__kernel void sam_climb(__global float *restrict params, __global float *restrict saved,
                        __global const float *restrict grads, __global const float *restrict clip,
                        const int count, const float radius, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    const float scale = radius / (clip[1] + 1e-12f);
    for (int i = first; i < min(first + chunk, count); i++) {
        const vec p = VLOAD(i, params);
        VSTORE(p, i, saved);
        VSTORE(p + scale * VLOAD(i, grads), i, params);
    }
}
