/* average.c - a moving average of flat parameters in plain C */
#include "ref/average.h"

void mien_ref_average_update(float *average, const float *params, size_t count, float share)
{
    for (size_t i = 0; i < count; i++) {
        const double a = (double)average[i];
        average[i] = (float)(a + (double)share * ((double)params[i] - a));
    }
}
