/*
 * optimizer.cl - one step of SGD, Adam or AdamW over flat parameters
 *
 * Pairs with   src/ops/optimizer.c (host), src/ref/optimizer.c (plain C)
 * Layout       flat float32 in blocks of 128; `decayed` has a byte for each block: whether weight
 *              decay applies.  LANES is only the vector width here
 * Mapping      one work-item per `chunk` vectors of the `count`
 * NaN          goes through; nothing is written once `guard` (kernels/guard.cl) has seen one
 * Determinism  elementwise
 */
#include "vec.h"

enum { DECAY_BLOCK = 128 };

/* Times the factor of clip.cl, where there is one. */
static inline vec scale_gradient(const vec g, __global const float *factor)
{
    return factor ? g * factor[0] : g;
}

/* Whether this step's numbers, or an earlier one's, are not finite: then weights stay as they are.
 */
static inline bool has_tripped(__global const int *guard)
{
    return guard && guard[0] != 0;
}

/* g + decay * p where the block is decayed. */
static inline vec decay_gradient(const vec g, const vec p, __global const uchar *decayed,
                                 const int i, const float decay)
{
    return decay != 0.0f && decayed[i / (DECAY_BLOCK / LANES)] ? g + decay * p : g;
}

/*
 * `momentum_state` may be null: no momentum; `factor` may be: the gradients as they are; `guard`:
 * whatever they are.
 */
__kernel void sgd_step(__global float *restrict params, __global float *restrict momentum_state,
                       __global const float *restrict grads, __global const uchar *restrict decayed,
                       __global const float *restrict factor, __global const int *restrict guard,
                       const int count, const float rate, const float momentum, const float decay,
                       const int nesterov, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    if (has_tripped(guard)) {
        return;
    }
    for (int i = first; i < min(first + chunk, count); i++) {
        const vec p = VLOAD(i, params);
        const vec g = decay_gradient(scale_gradient(VLOAD(i, grads), factor), p, decayed, i, decay);
        vec step = g;
        if (momentum_state) {
            const vec b = momentum * VLOAD(i, momentum_state) + g;
            VSTORE(b, i, momentum_state);
            step = nesterov ? g + momentum * b : b;
        }
        VSTORE(p - rate * step, i, params);
    }
}

/*
 * rate_now = rate / (1 - beta1^t), root_scale = 1 / sqrt(1 - beta2^t), from the host in double.
 * decoupled: AdamW, which shrinks p by rate * decay instead of adding decay * p to g.
 */
__kernel void adam_step(__global float *restrict params, __global float *restrict mean,
                        __global float *restrict square, __global const float *restrict grads,
                        __global const uchar *restrict decayed,
                        __global const float *restrict factor, __global const int *restrict guard,
                        const int count, const float rate_now, const float root_scale,
                        const float beta1, const float beta2, const float rest1, const float rest2,
                        const float epsilon, const float decay, const float shrink,
                        const int decoupled, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    if (has_tripped(guard)) {
        return;
    }
    for (int i = first; i < min(first + chunk, count); i++) {
        vec p = VLOAD(i, params);
        vec g = scale_gradient(VLOAD(i, grads), factor);
        if (decoupled) {
            p *= decayed[i / (DECAY_BLOCK / LANES)] ? shrink : 1.0f;
        } else {
            g = decay_gradient(g, p, decayed, i, decay);
        }
        const vec m = beta1 * VLOAD(i, mean) + rest1 * g;
        const vec s = beta2 * VLOAD(i, square) + rest2 * g * g;
        VSTORE(m, i, mean);
        VSTORE(s, i, square);
        VSTORE(p - rate_now * m / (sqrt(s) * root_scale + epsilon), i, params);
    }
}
