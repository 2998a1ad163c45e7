/** noise.h - the numbers that operations under test are fed: the same on every machine (internal)
 */
#ifndef MIEN_VERIFY_NOISE_H
#define MIEN_VERIFY_NOISE_H

#include <stddef.h>

#include "base/error.h"

/** Prime, so that no row, image or block of a shape begins with the numbers of another. */
enum { MIEN_NOISE_FLOATS = 262139 };

/**
 * MIEN_NOISE_FLOATS numbers in [-0.5, 0.5), twice, so that as many can be copied from any place.
 *
 * Ownership  *out is the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_noise_create(float **out, struct mien_error *err);

/** Where tensor `which` of an operation begins in the noise. */
static inline size_t mien_noise_start(int which)
{
    enum { APART = 9973 };
    return (size_t)which * APART % MIEN_NOISE_FLOATS;
}

/** Number `index` of tensor `which`, which repeats the noise. */
static inline float mien_noise_at(const float *noise, int which, size_t index)
{
    return noise[(index + mien_noise_start(which)) % MIEN_NOISE_FLOATS];
}

#endif
