/*
 * activation.cl - leaky ReLU, sigmoid, SiLU and GELU, forward and backward
 *
 * Pairs with   src/ops/activation.c (host), src/ref/activation.c (plain C)
 * Layout       any, as `count` vectors
 * Mapping      one work-item per `chunk` vectors
 * Build        -DLEAKYRELU, -DSIGMOID, -DSILU or -DGELU: what f is
 * NaN          goes through; backward gives zero where the mask is NaN
 * Determinism  elementwise
 */
#include "vec.h"

#if defined(LEAKYRELU)
static inline vec value(const vec x, const float slope)
{
    return select(x * slope, x, isgreater(x, (vec)(0.0f)));
}

static inline vec derivative(const vec x, const float slope)
{
    return select((vec)(slope), (vec)(1.0f), isgreater(x, (vec)(0.0f)));
}
#elif defined(SIGMOID)
static inline vec value(const vec x, const float slope)
{
    return 1.0f / (1.0f + exp(-x));
}

/* s (1 - s) with s = 1 / (1 + exp(-x)); above 0, where 1 - s cancels, as below. */
static inline vec derivative(const vec x, const float slope)
{
    const vec below = exp(-fabs(x));
    const vec s = 1.0f / (1.0f + below);
    return below * s * s;
}
#elif defined(SILU)
static inline vec value(const vec x, const float slope)
{
    return x / (1.0f + exp(-x));
}

/* s (1 + x (1 - s)) with s = 1 / (1 + exp(-x)). */
static inline vec derivative(const vec x, const float slope)
{
    const vec s = 1.0f / (1.0f + exp(-x));
    return s * (1.0f + x * (1.0f - s));
}
#elif defined(GELU)
#define ROOT_TAU 0.398942280401432678f /* 1 / sqrt(2 pi) */

/*
 * The share of a normal distribution below x, from `bell` = exp(-x x / 2): erfc to 1.5e-7 by the
 * rational form 7.1.26 of Abramowitz and Stegun, "Handbook of Mathematical Functions", as erfc()
 * itself is ten times as slow on PoCL.
 */
static inline vec share_below(const vec x, const vec bell)
{
    const vec t = 1.0f / (1.0f + fabs(x) * (0.3275911f * 0.707106781186547524f));
    vec tail = fma(t, (vec)(1.061405429f), (vec)(-1.453152027f));
    tail = fma(tail, t, (vec)(1.421413741f));
    tail = fma(tail, t, (vec)(-0.284496736f));
    tail = fma(tail, t, (vec)(0.254829592f)) * t * bell * 0.5f;
    return select(1.0f - tail, tail, isless(x, (vec)(0.0f)));
}

static inline vec value(const vec x, const float slope)
{
    return x * share_below(x, exp(-0.5f * x * x));
}

static inline vec derivative(const vec x, const float slope)
{
    const vec bell = exp(-0.5f * x * x);
    return share_below(x, bell) + x * ROOT_TAU * bell;
}
#endif

__kernel void activation_fwd(__global float *restrict y, __global const float *restrict x,
                             const float slope, const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        VSTORE(value(VLOAD(i, x), slope), i, y);
    }
}

/* `masked`: a ReLU made x.  No restrict: dx may be dy. */
__kernel void activation_bwd(__global float *dx, __global const float *dy, __global const float *x,
                             const float slope, const int masked, const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, count); i++) {
        const vec at = VLOAD(i, x);
        const vec v = VLOAD(i, dy) * derivative(at, slope);
        VSTORE(masked ? relu_mask(v, at) : v, i, dx);
    }
}
