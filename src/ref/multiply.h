/** multiply.h - products with one number for each channel in plain C (internal) */
#ifndef MIEN_REF_MULTIPLY_H
#define MIEN_REF_MULTIPLY_H

#include <stddef.h>

/** y = x gates: `planes` planes (of all images and channels) of `pixels`, gates [planes]. */
void mien_ref_multiply(float *y, const float *x, const float *gates, size_t planes, size_t pixels);

/** dgates [planes]: the sum of dy x over each plane, in double; 0 where `mask` (may be NULL) is not
 * above 0. */
void mien_ref_multiply_gates_bwd(float *dgates, const float *dy, const float *x, const float *mask,
                                 size_t planes, size_t pixels);

#endif
