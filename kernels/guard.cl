/*
 * guard.cl - whether a step's loss and gradients are finite numbers; the first that is not stays
 *
 * Pairs with   src/ops/guard.c (host), src/ref/guard.c (plain C)
 * Layout       flat float32 gradients; guard: faults seen (1: loss, 2: gradient), their step.
 *              LANES is only the vector width here
 * Mapping      one work-item per `chunk` vectors of the `count`; the first looks at the loss too
 * NaN          is what is looked for, and infinity: by their bits, whatever a compiler thinks of
 *              them
 * Determinism  a step's faults are or-ed; another step's are not, once there are any
 */
#include "vec.h"

enum { LOSS = 1, GRADIENT = 2, LARGEST = 0x7f7fffff }; /* the bits of the largest finite number */

/* `stats` as kernels/softmax.cl has them: the sum of losses, what rounding lost of it. */
__kernel void guard_step(volatile __global int *restrict guard,
                         __global const float *restrict grads, __global const int *restrict stats,
                         const int count, const int step, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    ivec bits = (ivec)(0);
    for (int i = first; i < min(first + chunk, count); i++) {
        bits = max(bits, VBITS(VLOAD(i, grads)) & (ivec)(0x7fffffff));
    }
    int faults = any((ivec)(LARGEST)-bits) ? GRADIENT : 0; /* negative where one is larger */
    if (first == 0) {
        const int loss = max(stats[0] & 0x7fffffff, stats[1] & 0x7fffffff);
        faults |= loss > LARGEST ? LOSS : 0;
    }
    if (faults != 0) {
        const int old = atomic_cmpxchg(&guard[1], 0, step);
        if (old == 0 || old == step) {
            (void)atomic_or(&guard[0], faults);
        }
    }
}
