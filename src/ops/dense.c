/* dense.c - dense layers: sizes, and the way to who computes them */
#include "ops/dense.h"

#include "ops/dense_families.h"

static const struct mien_dense_family *family_of(const struct mien_dense *op)
{
    return op->lanes > 1 ? &mien_dense_vector : &mien_dense_blas;
}

enum mien_status mien_dense_init(struct mien_dense *op, const struct mien_act *x, int out,
                                 struct mien_error *err)
{
    if (out < 1 || x->h != 1 || x->w != 1) {
        return mien_fail(
            err, MIEN_ERR_SHAPE,
            "dense: %d features from %d x %d x %d: takes features of 1 x 1, gives at least 1", out,
            x->c, x->h, x->w);
    }
    *op = (struct mien_dense){ .n = x->n, .in = x->c, .out = out, .lanes = x->lanes };
    const struct mien_act y = { x->n, out, 1, 1, x->lanes };
    const struct mien_act weight = { out, x->c, 1, 1, 1 };
    enum mien_status st = mien_act_check(x, "dense input", err);
    st = st != MIEN_OK ? st : mien_act_check(&y, "dense output", err);
    return st != MIEN_OK ? st : mien_act_check(&weight, "dense weight", err);
}

size_t mien_dense_work_bytes(const struct mien_dense *op)
{
    return family_of(op)->work_bytes(op);
}

enum mien_status mien_dense_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                                const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                                const struct mien_dense *op, struct mien_error *err)
{
    return family_of(op)->fwd(cl, y, x, weight, bias, work, op, err);
}

enum mien_status mien_dense_bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                     const struct mien_cl_buffer *dy,
                                     const struct mien_cl_buffer *weight,
                                     const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                     const struct mien_dense *op, struct mien_error *err)
{
    return family_of(op)->bwd_data(cl, dx, dy, weight, mask, work, op, err);
}

enum mien_status mien_dense_bwd_weight(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                       struct mien_cl_buffer *dbias,
                                       const struct mien_cl_buffer *dy,
                                       const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                       const struct mien_dense *op, struct mien_error *err)
{
    return family_of(op)->bwd_weight(cl, dweight, dbias, dy, x, work, op, err);
}
