/** average.h - a moving average of flat parameters in plain C: the oracle of the kernel (internal)
 */
#ifndef MIEN_REF_AVERAGE_H
#define MIEN_REF_AVERAGE_H

#include <stddef.h>

/** average += share (params - average). */
void mien_ref_average_update(float *average, const float *params, size_t count, float share);

#endif
