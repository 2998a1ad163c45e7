/* batchnorm_pool.c - batch normalisation and the max-pooling behind it in one pass */
#include "ops/batchnorm_pool.h"

#include <stdio.h>

#include "ops/arith.h"
#include "ops/batchnorm_sums.h"
#include "ops/grid.h"

struct options {
    char text[48];
};

static struct options build_options(const struct mien_pool *pool)
{
    struct options out;
    (void)snprintf(out.text, sizeof(out.text), "%s -DKH=%d -DKW=%d", mien_grid_lanes(pool->lanes),
                   pool->kh, pool->kw);
    return out;
}

bool mien_batchnorm_pool_fits(const struct mien_pool *pool)
{
    return pool->pad == 0 && pool->stride == pool->kh && pool->stride == pool->kw;
}

static enum mien_status check(const struct mien_batchnorm *op, const struct mien_pool *pool,
                              struct mien_error *err)
{
    const enum mien_status st = mien_act_check(&op->act, "batch norm", err);
    if (st != MIEN_OK) {
        return st;
    }
    if (pool->n != op->act.n || pool->c != op->act.c || pool->h != op->act.h ||
        pool->w != op->act.w || pool->lanes != op->act.lanes || !mien_batchnorm_pool_fits(pool)) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "batch norm of %dx%dx%dx%d does not go with this pooling", op->act.n,
                         op->act.c, op->act.h, op->act.w);
    }
    return MIEN_OK;
}

/* NOLINTNEXTLINE(readability-function-size): nine buffers and shapes, all of one operation */
static enum mien_status apply(struct mien_cl *cl, struct mien_cl_buffer *y,
                              struct mien_cl_buffer *winner, const struct mien_cl_buffer *x,
                              const struct mien_batchnorm_buffers *buffers, bool running,
                              const struct mien_batchnorm *op, const struct mien_pool *pool,
                              struct mien_error *err)
{
    const struct mien_batchnorm_sizes s = mien_batchnorm_sizes(op);
    const struct options options = build_options(pool);
    const cl_int spread_at = running ? 0 : s.c;
    const cl_int running_on = running;
    const cl_int relu_on = op->relu;
    const cl_int rows = s.planes * pool->ho;
    cl_int cols;
    cl_int chunk;
    struct mien_cl_launch launch =
        mien_grid_rows(&cols, &chunk, "batchnorm_pool", "batchnorm_pool_fwd", pool->lanes,
                       (size_t)rows, (size_t)pool->wo, (size_t)pool->w * (size_t)pool->kh);
    launch.options = options.text;
    const struct mien_cl_arg args[] = {
        ARG_BUF(y),
        mien_grid_optional(winner),
        ARG_BUF(x),
        ARG_BUF(buffers->weight),
        ARG_BUF(buffers->bias),
        ARG_BUF(running ? buffers->running_mean : buffers->saved),
        ARG_BUF(running ? buffers->running_var : buffers->saved),
        ARG_I32(spread_at),
        ARG_I32(running_on),
        ARG_F32(op->eps),
        ARG_I32(relu_on),
        ARG_I32(s.c),
        ARG_I32(rows),
        ARG_I32(pool->h),
        ARG_I32(pool->w),
        ARG_I32(pool->ho),
        ARG_I32(pool->wo),
        ARG_I32(cols),
        ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_batchnorm_pool_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                         struct mien_cl_buffer *winner,
                                         const struct mien_cl_buffer *x,
                                         const struct mien_batchnorm_buffers *buffers,
                                         const struct mien_batchnorm *op,
                                         const struct mien_pool *pool, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(check(op, pool, err));
    TRY(mien_batchnorm_measure(cl, x, buffers, op, err));
    TRY(apply(cl, y, winner, x, buffers, false, op, pool, err));

done:
    return st;
}

enum mien_status mien_batchnorm_pool_eval(struct mien_cl *cl, struct mien_cl_buffer *y,
                                          const struct mien_cl_buffer *x,
                                          const struct mien_batchnorm_buffers *buffers,
                                          const struct mien_batchnorm *op,
                                          const struct mien_pool *pool, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(check(op, pool, err));
    TRY(apply(cl, y, NULL, x, buffers, true, op, pool, err));

done:
    return st;
}

static enum mien_status sum_gradients(struct mien_cl *cl, const struct mien_cl_buffer *dy,
                                      const struct mien_cl_buffer *winner,
                                      const struct mien_cl_buffer *x,
                                      const struct mien_batchnorm_buffers *buffers,
                                      const struct mien_batchnorm *op, const struct mien_pool *pool,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_batchnorm_sizes s = mien_batchnorm_sizes(op);
    const struct options options = build_options(pool);
    cl_int chunk;
    struct mien_cl_launch launch = mien_batchnorm_sum_grid(
        &chunk, "batchnorm_pool", "batchnorm_pool_bwd_parts", pool->lanes, s.planes, s.pixels);
    launch.options = options.text;
    const struct mien_cl_arg args[] = {
        ARG_BUF(buffers->work),  ARG_BUF(dy),       ARG_BUF(winner),   ARG_BUF(x),
        ARG_BUF(buffers->saved), ARG_I32(s.n),      ARG_I32(s.c),      ARG_I32(pool->h),
        ARG_I32(pool->w),        ARG_I32(pool->ho), ARG_I32(pool->wo), ARG_I32(s.planes),
        ARG_I32(chunk),
    };
    TRY(mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err));
    TRY(mien_batchnorm_add_parts(cl, buffers, op, err));

done:
    return st;
}

/* NOLINTNEXTLINE(readability-function-size) */
enum mien_status mien_batchnorm_pool_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                         const struct mien_cl_buffer *dy,
                                         const struct mien_cl_buffer *winner,
                                         const struct mien_cl_buffer *x,
                                         const struct mien_batchnorm_buffers *buffers,
                                         const struct mien_batchnorm *op,
                                         const struct mien_pool *pool, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(check(op, pool, err));
    TRY(sum_gradients(cl, dy, winner, x, buffers, op, pool, err));
    if (dx != NULL) {
        const struct mien_batchnorm_sizes s = mien_batchnorm_sizes(op);
        const struct options options = build_options(pool);
        const cl_float share = (cl_float)(1.0 / ((double)s.n * (double)s.pixels));
        const cl_int masked = op->after_relu;
        const cl_int rows = s.planes * mien_divide_up(pool->h, pool->kh);
        cl_int cols;
        cl_int chunk;
        struct mien_cl_launch launch = mien_grid_rows(
            &cols, &chunk, "batchnorm_pool", "batchnorm_pool_bwd_data", pool->lanes, (size_t)rows,
            (size_t)mien_divide_up(pool->w, pool->kw), (size_t)pool->w * (size_t)pool->kh);
        launch.options = options.text;
        const struct mien_cl_arg args[] = {
            ARG_BUF(dx),
            ARG_BUF(dy),
            ARG_BUF(winner),
            ARG_BUF(x),
            ARG_BUF(buffers->saved),
            ARG_BUF(buffers->weight),
            ARG_BUF(buffers->dweight),
            ARG_BUF(buffers->dbias),
            ARG_F32(share),
            ARG_I32(masked),
            ARG_I32(s.n),
            ARG_I32(s.c),
            ARG_I32(rows),
            ARG_I32(pool->h),
            ARG_I32(pool->w),
            ARG_I32(pool->ho),
            ARG_I32(pool->wo),
            ARG_I32(cols),
            ARG_I32(chunk),
        };
        TRY(mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err));
    }

done:
    return st;
}
