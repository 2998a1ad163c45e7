/* clip.c - clipping of gradients by their global norm in plain C */
#include "ref/clip.h"

#include <math.h>

void mien_ref_clip_factor(float clip[2], const float *grads, size_t count, float most)
{
    double squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        squares += (double)grads[i] * (double)grads[i];
    }
    const double norm = sqrt(squares);
    const double factor = (double)most / (norm + 1e-6);
    clip[0] = (float)(factor > 1.0 ? 1.0 : factor);
    clip[1] = (float)norm;
}
