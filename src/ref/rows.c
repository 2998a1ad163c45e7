/* rows.c - bias, ReLU and column sums of plain rows in plain C */
#include "ref/rows.h"

#include <stddef.h>

void mien_ref_rows_bias(float *y, const float *bias, int n, int f, bool relu)
{
    for (size_t i = 0; i < (size_t)n * (size_t)f; i++) {
        const float v = y[i] + (bias != NULL ? bias[i % (size_t)f] : 0.0f);
        y[i] = relu && v <= 0.0f ? 0.0f : v;
    }
}

void mien_ref_rows_sum(float *sum, const float *rows, int n, int f)
{
    for (size_t k = 0; k < (size_t)f; k++) {
        double total = 0.0;
        for (size_t i = 0; i < (size_t)n; i++) {
            total += (double)rows[i * (size_t)f + k];
        }
        sum[k] = (float)total;
    }
}
