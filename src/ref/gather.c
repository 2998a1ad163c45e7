/* gather.c - a batch of images and labels in plain C */
#include "ref/gather.h"

#include <stddef.h>

void mien_ref_gather_images(float *x, const uint8_t *set, const int32_t *indices,
                            const struct mien_ref_gather *op)
{
    const size_t channels = (size_t)op->c;
    const size_t pixels = (size_t)op->h * (size_t)op->w;
    for (size_t i = 0; i < (size_t)op->n; i++) {
        const int32_t index = indices[(size_t)op->first + i];
        for (size_t k = 0; k < channels * pixels; k++) {
            const size_t at = k % pixels * channels + k / pixels;
            double value = 0.0;
            if (index >= 0 && index < op->count) {
                value = set[(size_t)index * channels * pixels + at] / 255.0;
                value = (value - (double)op->mean) / (double)op->std;
            }
            x[i * channels * pixels + k] = (float)value;
        }
    }
}

void mien_ref_gather_labels(int32_t *out, const int32_t *labels, const int32_t *indices,
                            const struct mien_ref_gather *op)
{
    for (int i = 0; i < op->n; i++) {
        const int32_t index = indices[op->first + i];
        out[i] = index >= 0 && index < op->count ? labels[index] : -1;
    }
}
