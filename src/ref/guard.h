/** guard.h - whether a step is finite in plain C: the oracle of the kernel (internal) */
#ifndef MIEN_REF_GUARD_H
#define MIEN_REF_GUARD_H

#include <stddef.h>
#include <stdint.h>

/** Update faults (1: loss, 2: gradient) and their step; `loss` is a sum and what rounding lost. */
void mien_ref_guard_step(int32_t guard[2], const float *grads, const float loss[2], size_t count,
                         int32_t step);

#endif
