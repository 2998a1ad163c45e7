/** add.h - the sum of two tensors in plain C: the oracle of the kernels (internal) */
#ifndef MIEN_REF_ADD_H
#define MIEN_REF_ADD_H

#include <stdbool.h>
#include <stddef.h>

/** y = a + b, then max(y, 0) where `relu` is set; NaN stays NaN. */
void mien_ref_add_fwd(float *y, const float *a, const float *b, size_t count, bool relu);

/** dx = da + db, 0 where `mask` (may be NULL) is not above 0. */
void mien_ref_add_bwd(float *dx, const float *da, const float *db, const float *mask, size_t count);

#endif
