/** sam.h - sharpness-aware minimisation in plain C: the oracle of the kernel (internal) */
#ifndef MIEN_REF_SAM_H
#define MIEN_REF_SAM_H

#include <stddef.h>

/** saved = params, params += radius / (norm + 1e-12) grads; saved may be NULL. */
void mien_ref_sam_climb(float *params, float *saved, const float *grads, float norm, size_t count,
                        float radius);

#endif
