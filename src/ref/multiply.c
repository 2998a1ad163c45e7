/* multiply.c - a tensor times one number for each channel in plain C */
#include "ref/multiply.h"

void mien_ref_multiply(float *y, const float *x, const float *gates, size_t planes, size_t pixels)
{
    for (size_t i = 0; i < planes * pixels; i++) {
        y[i] = x[i] * gates[i / pixels];
    }
}

void mien_ref_multiply_gates_bwd(float *dgates, const float *dy, const float *x, const float *mask,
                                 size_t planes, size_t pixels)
{
    for (size_t p = 0; p < planes; p++) {
        double sum = 0.0;
        for (size_t i = p * pixels; i < (p + 1) * pixels; i++) {
            sum += (double)dy[i] * (double)x[i];
        }
        dgates[p] = mask == NULL || mask[p] > 0.0f ? (float)sum : 0.0f;
    }
}
