/* half.c - 16-bit floating-point numbers by their bits, the same on every compiler */
#include "base/half.h"

#include <string.h>

/* float32 has 8 bits of exponent with bias 127 and 23 of fraction, binary16 has 5, 15 and 10. */
#define SIGN32         0x80000000u
#define INFINITE32     0x7f800000u
#define HIDDEN32       0x00800000u
#define FRACTION32     0x007fffffu
#define SMALLEST16     0x38800000u /* 2^-14, the least normal binary16, as float32 */
#define TOO_LARGE16    0x47800000u /* 2^16 */
#define BIAS_DIFFERS   (112u << 23)
#define INFINITE16     0x7c00u
#define QUIET16        0x0200u
#define FRACTION_DROPS 13

static uint32_t bits_of(float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static float value_of(uint32_t bits)
{
    float value = 0.0f;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* bits / 2^drop to the nearest whole number, ties to even; drop from 1 to 31. */
static uint32_t round_shift(uint32_t bits, unsigned drop)
{
    const uint32_t whole = bits >> drop;
    const uint32_t rest = bits & ((1u << drop) - 1u);
    const uint32_t tie = 1u << (drop - 1u);
    return whole + (rest > tie || (rest == tie && (whole & 1u) != 0u) ? 1u : 0u);
}

uint16_t mien_half_of(float value)
{
    const uint32_t bits = bits_of(value);
    const uint32_t size = bits & ~SIGN32;
    const uint32_t sign = (bits & SIGN32) >> 16;
    uint32_t half = 0;
    if (size > INFINITE32) {
        half = INFINITE16 | QUIET16 | ((size & FRACTION32) >> FRACTION_DROPS);
    } else if (size >= TOO_LARGE16) {
        half = INFINITE16;
    } else if (size >= SMALLEST16) {
        half = round_shift(size - BIAS_DIFFERS, FRACTION_DROPS); /* may carry into infinity */
    } else {
        /* A subnormal counts in units of 2^-24; half of one and less becomes zero. */
        const unsigned drop = 126u - (size >> 23);
        half = drop > 24u ? 0u : round_shift((size & FRACTION32) | HIDDEN32, drop);
    }
    return (uint16_t)(sign | half);
}

float mien_half_value(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t size = half & 0x7fffu;
    if (size >= INFINITE16) {
        return value_of(sign | INFINITE32 | (size & 0x3ffu) << FRACTION_DROPS);
    }
    if (size >= 0x400u) {
        return value_of(sign | ((size << FRACTION_DROPS) + BIAS_DIFFERS));
    }
    const float small = (float)size * 0x1p-24f; /* exact, zero among them */
    return sign != 0u ? -small : small;
}

float mien_bfloat_value(uint16_t bfloat)
{
    return value_of((uint32_t)bfloat << 16);
}
