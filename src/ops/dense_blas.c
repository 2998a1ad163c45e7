/* dense_blas.c - dense layers on plain rows: CLBlast's products, and the little it leaves to do */
#include "cl/blas.h"
#include "ops/dense_families.h"
#include "ops/relu.h"
#include "ops/rows.h"

/* The three products, each [m][k] by [k][n]. */
static struct mien_gemm fwd_size(const struct mien_dense *op)
{
    return (struct mien_gemm){ (size_t)op->n, (size_t)op->out, (size_t)op->in, 0.0f };
}

static struct mien_gemm bwd_data_size(const struct mien_dense *op)
{
    return (struct mien_gemm){ (size_t)op->n, (size_t)op->in, (size_t)op->out, 0.0f };
}

static struct mien_gemm bwd_weight_size(const struct mien_dense *op)
{
    return (struct mien_gemm){ (size_t)op->out, (size_t)op->in, (size_t)op->n, 0.0f };
}

static size_t work_bytes(const struct mien_dense *op)
{
    const struct mien_gemm sizes[] = { fwd_size(op), bwd_data_size(op), bwd_weight_size(op) };
    size_t most = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const size_t bytes = mien_blas_work_bytes(&sizes[i]);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static struct mien_matrix matrix(const struct mien_cl_buffer *buffer, cl_int columns,
                                 bool transposed)
{
    return (struct mien_matrix){ buffer, 0, (size_t)columns, transposed };
}

static enum mien_status fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_dense *op, struct mien_error *err)
{
    const struct mien_gemm size = fwd_size(op);
    const struct mien_matrix out = matrix(y, op->out, false);
    const struct mien_matrix in = matrix(x, op->in, false);
    const struct mien_matrix w = matrix(weight, op->in, true);
    const enum mien_status st = mien_blas_gemm(cl, &out, &in, &w, work, &size, err);
    if (st != MIEN_OK || (bias == NULL && !op->relu)) {
        return st;
    }
    return mien_rows_bias(cl, y, bias, op->n, op->out, op->relu, err);
}

static enum mien_status bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_dense *op, struct mien_error *err)
{
    const struct mien_gemm size = bwd_data_size(op);
    const struct mien_matrix out = matrix(dx, op->in, false);
    const struct mien_matrix in = matrix(dy, op->out, false);
    const struct mien_matrix w = matrix(weight, op->in, false);
    const enum mien_status st = mien_blas_gemm(cl, &out, &in, &w, work, &size, err);
    if (st != MIEN_OK || mask == NULL) {
        return st;
    }
    const struct mien_act act = { op->n, op->in, 1, 1, 1 };
    return mien_relu_bwd(cl, dx, dx, mask, &act, err);
}

static enum mien_status bwd_weight(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias, const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_dense *op, struct mien_error *err)
{
    const struct mien_gemm size = bwd_weight_size(op);
    const struct mien_matrix out = matrix(dweight, op->in, false);
    const struct mien_matrix gradient = matrix(dy, op->out, true);
    const struct mien_matrix in = matrix(x, op->in, false);
    const enum mien_status st = mien_blas_gemm(cl, &out, &gradient, &in, work, &size, err);
    if (st != MIEN_OK || dbias == NULL) {
        return st;
    }
    return mien_rows_sum(cl, dbias, dy, op->n, op->out, err);
}

const struct mien_dense_family mien_dense_blas = {
    .work_bytes = work_bytes,
    .fwd = fwd,
    .bwd_data = bwd_data,
    .bwd_weight = bwd_weight,
};
