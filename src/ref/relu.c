/* relu.c - max(x, 0) in plain C */
#include "ref/relu.h"

void mien_ref_relu_fwd(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] <= 0.0f ? 0.0f : x[i];
    }
}

void mien_ref_relu_bwd(float *dx, const float *dy, const float *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dx[i] = y[i] > 0.0f ? dy[i] : 0.0f;
    }
}
