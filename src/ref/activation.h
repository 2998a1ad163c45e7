/** activation.h - leaky ReLU, sigmoid, SiLU and GELU in plain C (internal) */
#ifndef MIEN_REF_ACTIVATION_H
#define MIEN_REF_ACTIVATION_H

#include <stddef.h>

/** What is computed; the numbers are those of enum mien_activation_kind. */
enum mien_ref_activation { MIEN_REF_LEAKYRELU, MIEN_REF_SIGMOID, MIEN_REF_SILU, MIEN_REF_GELU };

/** y = f(x); the slope is that of leaky ReLU below zero. */
void mien_ref_activation_fwd(float *y, const float *x, size_t count, enum mien_ref_activation kind,
                             float slope);

/** dx = dy f'(x). */
void mien_ref_activation_bwd(float *dx, const float *dy, const float *x, size_t count,
                             enum mien_ref_activation kind, float slope);

#endif
