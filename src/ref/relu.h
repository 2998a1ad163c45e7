/** relu.h - max(x, 0) in plain C: the oracle of the kernel (internal) */
#ifndef MIEN_REF_RELU_H
#define MIEN_REF_RELU_H

#include <stddef.h>

/** y = max(x, 0); NaN stays NaN. */
void mien_ref_relu_fwd(float *y, const float *x, size_t count);

/** dx = dy where the output y is above zero, else 0. */
void mien_ref_relu_bwd(float *dx, const float *dy, const float *y, size_t count);

#endif
