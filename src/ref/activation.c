/* activation.c - leaky ReLU, sigmoid, SiLU and GELU in plain C, in double */
#include "ref/activation.h"

#include <math.h>

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* The share of a normal distribution that is below x. */
static double share_below(double x)
{
    return 0.5 * erfc(x * -0.70710678118654752440);
}

static double value(double x, enum mien_ref_activation kind, double slope)
{
    switch (kind) {
    case MIEN_REF_SIGMOID: return sigmoid(x);
    case MIEN_REF_SILU: return x * sigmoid(x);
    case MIEN_REF_GELU: return x * share_below(x);
    case MIEN_REF_LEAKYRELU: break;
    }
    return x > 0.0 ? x : slope * x;
}

static double derivative(double x, enum mien_ref_activation kind, double slope)
{
    const double density = 0.39894228040143267794 * exp(-0.5 * x * x);
    switch (kind) {
    case MIEN_REF_SIGMOID: return sigmoid(x) * sigmoid(-x);
    case MIEN_REF_SILU: return sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x)));
    case MIEN_REF_GELU: return share_below(x) + x * density;
    case MIEN_REF_LEAKYRELU: break;
    }
    return x > 0.0 ? 1.0 : slope;
}

void mien_ref_activation_fwd(float *y, const float *x, size_t count, enum mien_ref_activation kind,
                             float slope)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = (float)value((double)x[i], kind, (double)slope);
    }
}

void mien_ref_activation_bwd(float *dx, const float *dy, const float *x, size_t count,
                             enum mien_ref_activation kind, float slope)
{
    for (size_t i = 0; i < count; i++) {
        dx[i] = (float)((double)dy[i] * derivative((double)x[i], kind, (double)slope));
    }
}
