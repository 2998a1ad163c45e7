/** rows.h - bias, ReLU and column sums of plain rows in plain C (internal) */
#ifndef MIEN_REF_ROWS_H
#define MIEN_REF_ROWS_H

#include <stdbool.h>

/** y [n][f] += bias [f] (or NULL), then max(y, 0) where `relu`. */
void mien_ref_rows_bias(float *y, const float *bias, int n, int f, bool relu);

/** sum [f] of the columns of rows [n][f]. */
void mien_ref_rows_sum(float *sum, const float *rows, int n, int f);

#endif
