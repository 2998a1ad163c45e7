/** clip.h - clipping of gradients by their global norm in plain C: the oracle of the kernel
 * (internal) */
#ifndef MIEN_REF_CLIP_H
#define MIEN_REF_CLIP_H

#include <stddef.h>

/** clip[0] = min(1, most / (norm + 1e-6)), clip[1] = norm, of all `count` gradients. */
void mien_ref_clip_factor(float clip[2], const float *grads, size_t count, float most);

#endif
