/** relayout.h - blocked activations to plain rows and back on the device (internal) */
#ifndef MIEN_OPS_RELAYOUT_H
#define MIEN_OPS_RELAYOUT_H

#include "ops/tensor.h"

/**
 * rows[i][k] = feature k of image i, features in the order c, h, w.
 *
 * Shapes    rows [n][c h w] float32, overwritten;  blocked as `act`
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  copies
 */
MIEN_CHECK_RESULT
enum mien_status mien_relayout_to_rows(struct mien_cl *cl, struct mien_cl_buffer *rows,
                                       const struct mien_cl_buffer *blocked,
                                       const struct mien_act *act, struct mien_error *err);

/** The way back; unused lanes of `blocked` become zero. */
MIEN_CHECK_RESULT
enum mien_status mien_relayout_from_rows(struct mien_cl *cl, struct mien_cl_buffer *blocked,
                                         const struct mien_cl_buffer *rows,
                                         const struct mien_act *act, struct mien_error *err);

#endif
