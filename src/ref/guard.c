/* guard.c - whether a step is finite in plain C */
#include "ref/guard.h"

#include <math.h>

void mien_ref_guard_step(int32_t guard[2], const float *grads, const float loss[2], size_t count,
                         int32_t step)
{
    int32_t faults = isfinite(loss[0]) && isfinite(loss[1]) ? 0 : 1;
    for (size_t i = 0; i < count; i++) {
        faults |= isfinite(grads[i]) ? 0 : 2;
    }
    if (faults != 0 && (guard[1] == 0 || guard[1] == step)) {
        guard[0] |= faults;
        guard[1] = step;
    }
}
