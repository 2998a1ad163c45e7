/** accumulate.h - sums of gradients in plain C: the oracle of the kernel (internal) */
#ifndef MIEN_REF_ACCUMULATE_H
#define MIEN_REF_ACCUMULATE_H

#include <stdbool.h>
#include <stddef.h>

/** sum += grads, or sum = grads where it begins. */
void mien_ref_accumulate(float *sum, const float *grads, size_t count, bool begins);

#endif
