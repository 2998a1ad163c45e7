/* accumulate.c - sums of gradients in plain C */
#include "ref/accumulate.h"

void mien_ref_accumulate(float *sum, const float *grads, size_t count, bool begins)
{
    for (size_t i = 0; i < count; i++) {
        sum[i] = begins ? grads[i] : sum[i] + grads[i];
    }
}
