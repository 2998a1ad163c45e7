/** half.h - 16-bit floating-point numbers and float32 (internal) */
#ifndef MIEN_BASE_HALF_H
#define MIEN_BASE_HALF_H

#include <stdint.h>

/**
 * The nearest IEEE 754 binary16 number, ties to even; what rounds beyond 65504 becomes infinite, a
 * NaN stays one.
 */
uint16_t mien_half_of(float value);

/** A binary16 number as float32, exactly. */
float mien_half_value(uint16_t half);

/** A bfloat16 number, the upper half of a float32, exactly. */
float mien_bfloat_value(uint16_t bfloat);

#endif
