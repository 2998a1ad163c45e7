/* add.c - the sum of two tensors in plain C */
#include "ref/add.h"

void mien_ref_add_fwd(float *y, const float *a, const float *b, size_t count, bool relu)
{
    for (size_t i = 0; i < count; i++) {
        const float sum = a[i] + b[i];
        y[i] = relu && sum <= 0.0f ? 0.0f : sum;
    }
}

void mien_ref_add_bwd(float *dx, const float *da, const float *db, const float *mask, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dx[i] = mask == NULL || mask[i] > 0.0f ? da[i] + db[i] : 0.0f;
    }
}
