/* batchnorm.c - batch normalisation on the device */
#include "ops/batchnorm.h"

#include "ops/batchnorm_sums.h"
#include "ops/grid.h"

/* Work-items of a group that shares a sum with one lane, as in kernels/batchnorm.cl. */
enum { GROUP = 64 };

struct mien_batchnorm_sizes mien_batchnorm_sizes(const struct mien_batchnorm *op)
{
    const cl_int blocks = mien_act_blocks(&op->act);
    return (struct mien_batchnorm_sizes){ op->act.n, op->act.c, op->act.h * op->act.w, blocks,
                                          blocks * op->act.c };
}

struct mien_cl_launch mien_batchnorm_sum_grid(cl_int *chunk, const char *source, const char *kernel,
                                              cl_int lanes, cl_int count, cl_int work)
{
    struct mien_cl_launch launch =
        mien_grid_flat(chunk, source, kernel, lanes, (size_t)count, (size_t)work);
    launch.global[0] = lanes == 1 ? (size_t)count * GROUP : launch.global[0];
    return launch;
}

size_t mien_batchnorm_saved_bytes(const struct mien_batchnorm *op)
{
    return 2 * (size_t)op->act.c * sizeof(cl_float);
}

size_t mien_batchnorm_work_bytes(const struct mien_batchnorm *op)
{
    return 2 * (size_t)op->act.c * (size_t)mien_act_blocks(&op->act) * sizeof(cl_float);
}

static enum mien_status apply(struct mien_cl *cl, struct mien_cl_buffer *y,
                              const struct mien_cl_buffer *x,
                              const struct mien_batchnorm_buffers *buffers, bool running,
                              const struct mien_batchnorm *op, struct mien_error *err)
{
    const struct mien_batchnorm_sizes s = mien_batchnorm_sizes(op);
    const cl_int spread_at = running ? 0 : s.c;
    const cl_int running_on = running;
    const cl_int relu_on = op->relu;
    cl_int cols;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_rows(&cols, &chunk, "batchnorm", "batchnorm_apply", op->act.lanes,
                       (size_t)s.planes, (size_t)s.pixels, (size_t)s.pixels);
    const struct mien_cl_arg args[] = {
        ARG_BUF(y),
        ARG_BUF(x),
        ARG_BUF(buffers->weight),
        ARG_BUF(buffers->bias),
        ARG_BUF(running ? buffers->running_mean : buffers->saved),
        ARG_BUF(running ? buffers->running_var : buffers->saved),
        ARG_I32(spread_at),
        ARG_I32(running_on),
        ARG_F32(op->eps),
        ARG_I32(relu_on),
        ARG_I32(s.planes),
        ARG_I32(s.c),
        ARG_I32(s.pixels),
        ARG_I32(cols),
        ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_batchnorm_measure(struct mien_cl *cl, const struct mien_cl_buffer *x,
                                        const struct mien_batchnorm_buffers *buffers,
                                        const struct mien_batchnorm *op, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_batchnorm_sizes s = mien_batchnorm_sizes(op);
    const double values = (double)s.n * (double)s.pixels;
    const cl_float grow = (cl_float)(values > 1.0 ? values / (values - 1.0) : 1.0);
    cl_int chunk;
    const struct mien_cl_launch parts = mien_batchnorm_sum_grid(
        &chunk, "batchnorm", "batchnorm_parts", op->act.lanes, s.planes, s.pixels);
    const struct mien_cl_arg part_args[] = { ARG_BUF(buffers->work), ARG_BUF(x),
                                             ARG_I32(s.n),           ARG_I32(s.c),
                                             ARG_I32(s.pixels),      ARG_I32(s.planes),
                                             ARG_I32(chunk) };
    TRY(mien_cl_launch(cl, &parts, part_args, ARG_COUNT(part_args), err));

    cl_int channels;
    const struct mien_cl_launch stats = mien_batchnorm_sum_grid(
        &channels, "batchnorm", "batchnorm_stats", op->act.lanes, s.c, s.blocks);
    const struct mien_cl_arg stats_args[] = {
        ARG_BUF(buffers->saved),
        ARG_BUF(buffers->running_mean),
        ARG_BUF(buffers->running_var),
        ARG_BUF(buffers->work),
        ARG_I32(s.n),
        ARG_I32(s.c),
        ARG_I32(s.pixels),
        ARG_I32(s.blocks),
        ARG_F32(op->momentum),
        ARG_F32(grow),
        ARG_F32(op->eps),
        ARG_I32(channels),
    };
    TRY(mien_cl_launch(cl, &stats, stats_args, ARG_COUNT(stats_args), err));

done:
    return st;
}

enum mien_status mien_batchnorm_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                    const struct mien_cl_buffer *x,
                                    const struct mien_batchnorm_buffers *buffers,
                                    const struct mien_batchnorm *op, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_act_check(&op->act, "batch norm", err));
    TRY(mien_batchnorm_measure(cl, x, buffers, op, err));
    TRY(apply(cl, y, x, buffers, false, op, err));

done:
    return st;
}

enum mien_status mien_batchnorm_eval(struct mien_cl *cl, struct mien_cl_buffer *y,
                                     const struct mien_cl_buffer *x,
                                     const struct mien_batchnorm_buffers *buffers,
                                     const struct mien_batchnorm *op, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_act_check(&op->act, "batch norm", err));
    TRY(apply(cl, y, x, buffers, true, op, err));

done:
    return st;
}

enum mien_status mien_batchnorm_fold(struct mien_cl *cl, const struct mien_batchnorm_fold *fold,
                                     const struct mien_batchnorm_buffers *buffers,
                                     const struct mien_batchnorm *op, struct mien_error *err)
{
    const size_t vectors = ((size_t)fold->each + (size_t)op->act.lanes - 1) / (size_t)op->act.lanes;
    cl_int cols;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_rows(&cols, &chunk, "batchnorm", "batchnorm_fold", op->act.lanes,
                       (size_t)op->act.c, (size_t)fold->each, vectors);
    const struct mien_cl_arg args[] = {
        ARG_BUF(fold->weight),
        ARG_BUF(fold->bias),
        ARG_BUF(fold->from_weight),
        mien_grid_optional(fold->from_bias),
        ARG_BUF(buffers->weight),
        ARG_BUF(buffers->bias),
        ARG_BUF(buffers->running_mean),
        ARG_BUF(buffers->running_var),
        ARG_F32(op->eps),
        ARG_I32(op->act.c),
        ARG_I32(fold->each),
        ARG_I32(cols),
        ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_batchnorm_add_parts(struct mien_cl *cl,
                                          const struct mien_batchnorm_buffers *buffers,
                                          const struct mien_batchnorm *op, struct mien_error *err)
{
    const struct mien_batchnorm_sizes s = mien_batchnorm_sizes(op);
    cl_int channels;
    const struct mien_cl_launch params = mien_batchnorm_sum_grid(
        &channels, "batchnorm", "batchnorm_bwd_params", op->act.lanes, s.c, s.blocks);
    const struct mien_cl_arg args[] = { ARG_BUF(buffers->dweight), ARG_BUF(buffers->dbias),
                                        ARG_BUF(buffers->work),    ARG_I32(s.c),
                                        ARG_I32(s.blocks),         ARG_I32(channels) };
    return mien_cl_launch(cl, &params, args, ARG_COUNT(args), err);
}

static enum mien_status sum_gradients(struct mien_cl *cl, const struct mien_cl_buffer *dy,
                                      const struct mien_cl_buffer *x,
                                      const struct mien_batchnorm_buffers *buffers,
                                      const struct mien_batchnorm *op, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_batchnorm_sizes s = mien_batchnorm_sizes(op);
    cl_int chunk;
    const struct mien_cl_launch parts = mien_batchnorm_sum_grid(
        &chunk, "batchnorm", "batchnorm_bwd_parts", op->act.lanes, s.planes, s.pixels);
    const struct mien_cl_arg part_args[] = {
        ARG_BUF(buffers->work),  ARG_BUF(dy),       ARG_BUF(x),
        ARG_BUF(buffers->saved), ARG_I32(s.n),      ARG_I32(s.c),
        ARG_I32(s.pixels),       ARG_I32(s.planes), ARG_I32(chunk),
    };
    TRY(mien_cl_launch(cl, &parts, part_args, ARG_COUNT(part_args), err));

    TRY(mien_batchnorm_add_parts(cl, buffers, op, err));

done:
    return st;
}

enum mien_status mien_batchnorm_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                    const struct mien_cl_buffer *dy, const struct mien_cl_buffer *x,
                                    const struct mien_batchnorm_buffers *buffers,
                                    const struct mien_batchnorm *op, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_batchnorm_sizes s = mien_batchnorm_sizes(op);
    TRY(mien_act_check(&op->act, "batch norm", err));
    TRY(sum_gradients(cl, dy, x, buffers, op, err));
    if (dx != NULL) {
        const cl_float share = (cl_float)(1.0 / ((double)s.n * (double)s.pixels));
        const cl_int masked = op->after_relu;
        cl_int cols;
        cl_int chunk;
        const struct mien_cl_launch data =
            mien_grid_rows(&cols, &chunk, "batchnorm", "batchnorm_bwd_data", op->act.lanes,
                           (size_t)s.planes, (size_t)s.pixels, (size_t)s.pixels);
        const struct mien_cl_arg args[] = {
            ARG_BUF(dx),
            ARG_BUF(dy),
            ARG_BUF(x),
            ARG_BUF(buffers->saved),
            ARG_BUF(buffers->weight),
            ARG_BUF(buffers->dweight),
            ARG_BUF(buffers->dbias),
            ARG_F32(share),
            ARG_I32(masked),
            ARG_I32(s.n),
            ARG_I32(s.planes),
            ARG_I32(s.c),
            ARG_I32(s.pixels),
            ARG_I32(cols),
            ARG_I32(chunk),
        };
        TRY(mien_cl_launch(cl, &data, args, ARG_COUNT(args), err));
    }

done:
    return st;
}

enum mien_status mien_batchnorm_eval_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                         const struct mien_cl_buffer *dy,
                                         const struct mien_cl_buffer *x,
                                         const struct mien_batchnorm_buffers *buffers,
                                         const struct mien_batchnorm *op, struct mien_error *err)
{
    const enum mien_status st = mien_act_check(&op->act, "batch norm", err);
    if (st != MIEN_OK) {
        return st;
    }
    const struct mien_batchnorm_sizes s = mien_batchnorm_sizes(op);
    cl_int cols;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_rows(&cols, &chunk, "batchnorm", "batchnorm_eval_bwd", op->act.lanes,
                       (size_t)s.planes, (size_t)s.pixels, (size_t)s.pixels);
    const struct mien_cl_arg args[] = {
        ARG_BUF(dx),
        ARG_BUF(dy),
        mien_grid_optional(op->after_relu ? x : NULL),
        ARG_BUF(buffers->weight),
        ARG_BUF(buffers->running_var),
        ARG_F32(op->eps),
        ARG_I32(s.n),
        ARG_I32(s.planes),
        ARG_I32(s.c),
        ARG_I32(s.pixels),
        ARG_I32(cols),
        ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
