/** dense_families.h - the two ways to compute a dense layer, for dense.c (internal to src/ops) */
#ifndef MIEN_OPS_DENSE_FAMILIES_H
#define MIEN_OPS_DENSE_FAMILIES_H

#include "ops/dense.h"

/** The three products of one family; arguments as in dense.h. */
struct mien_dense_family {
    size_t (*work_bytes)(const struct mien_dense *op);
    enum mien_status (*fwd)(struct mien_cl *cl, struct mien_cl_buffer *y,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_dense *op, struct mien_error *err);
    enum mien_status (*bwd_data)(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_dense *op, struct mien_error *err);
    enum mien_status (*bwd_weight)(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias, const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_dense *op, struct mien_error *err);
};

extern const struct mien_dense_family mien_dense_vector; /* lanes > 1 */
extern const struct mien_dense_family mien_dense_blas;   /* lanes 1: CLBlast and ops/rows.h */

#endif
