/** rows.h - what CLBlast leaves to do on plain rows on the device (internal) */
#ifndef MIEN_OPS_ROWS_H
#define MIEN_OPS_ROWS_H

#include <stdbool.h>

#include "cl/cl.h"

/**
 * y[i][k] += bias[k], then max(y, 0) where `relu`.
 *
 * Shapes  y [n][f] float32, updated;  bias [f] or NULL;  n * f fits an int
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_rows_bias(struct mien_cl *cl, struct mien_cl_buffer *y,
                                const struct mien_cl_buffer *bias, cl_int n, cl_int f, bool relu,
                                struct mien_error *err);

/** sum[k] = rows[0][k] + rows[1][k] + ... in this order; sum [f], overwritten. */
MIEN_CHECK_RESULT
enum mien_status mien_rows_sum(struct mien_cl *cl, struct mien_cl_buffer *sum,
                               const struct mien_cl_buffer *rows, cl_int n, cl_int f,
                               struct mien_error *err);

#endif
