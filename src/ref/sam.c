/* sam.c - sharpness-aware minimisation in plain C */
#include "ref/sam.h"

void mien_ref_sam_climb(float *params, float *saved, const float *grads, float norm, size_t count,
                        float radius)
{
    const double scale = (double)radius / ((double)norm + 1e-12);
    for (size_t i = 0; i < count; i++) {
        if (saved != NULL) {
            saved[i] = params[i];
        }
        params[i] = (float)((double)params[i] + scale * (double)grads[i]);
    }
}
