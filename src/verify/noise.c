/* noise.c - the numbers that operations under test are fed */
#include "verify/noise.h"

#include "base/memory.h"
#include "base/random.h"

enum mien_status mien_noise_create(float **out, struct mien_error *err)
{
    *out = mien_calloc((size_t)MIEN_NOISE_FLOATS * 2, sizeof(**out), err);
    if (*out == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < MIEN_NOISE_FLOATS; i += 4) {
        uint32_t block[4];
        mien_random_block(block, 1, MIEN_STREAM_SYNTH, 0, i / 4);
        for (size_t k = 0; k < 4 && i + k < MIEN_NOISE_FLOATS; k++) {
            (*out)[i + k] = mien_random_unit(block[k]) - 0.5f;
            (*out)[i + k + MIEN_NOISE_FLOATS] = (*out)[i + k];
        }
    }
    return MIEN_OK;
}
