/* pool.c - max and average pooling on the device */
#include "ops/pool.h"

#include <stdio.h>

#include "ops/grid.h"

/* A winner is a byte. */
enum { MAX_WINNERS = 256 };

/* The size arguments of every kernel, in their order; `rows`, `cols`, `chunk` are locals. */
#define SIZE_ARGS(op)                                                                              \
    ARG_I32(rows), ARG_I32((op)->h), ARG_I32((op)->w), ARG_I32((op)->ho), ARG_I32((op)->wo),       \
        ARG_I32(cols), ARG_I32(chunk)

struct options {
    char text[80];
};

static struct options build_options(const struct mien_pool *op)
{
    struct options out;
    (void)snprintf(out.text, sizeof(out.text), "%s -DKH=%d -DKW=%d -DSTRIDE=%d -DPAD=%d",
                   mien_grid_lanes(op->lanes), op->kh, op->kw, op->stride, op->pad);
    return out;
}

enum mien_status mien_pool_init(struct mien_pool *out, enum mien_pool_kind kind,
                                const struct mien_act *x, int kh, int kw, int stride, int pad,
                                struct mien_error *err)
{
    const enum mien_status st = mien_act_check(x, "pool input", err);
    if (st != MIEN_OK) {
        return st;
    }
    if (kh < 1 || kw < 1 || stride < 1 || pad < 0 || pad > kh / 2 || pad > kw / 2) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "pool: window %dx%d, stride %d, pad %d: window and stride go from 1, pad "
                         "from 0 to half the window",
                         kh, kw, stride, pad);
    }
    if (kh - 2 * pad > x->h || kw - 2 * pad > x->w) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "pool: window %dx%d with pad %d does not fit in a %dx%d image", kh, kw,
                         pad, x->h, x->w);
    }
    if (kind == MIEN_POOL_MAX && (kh > MAX_WINNERS || kw > MAX_WINNERS / kh)) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "pool: window %dx%d: max-pooling takes at most %d pixels", kh, kw,
                         MAX_WINNERS);
    }
    *out = (struct mien_pool){
        .n = x->n,
        .c = x->c,
        .h = x->h,
        .w = x->w,
        .kh = kh,
        .kw = kw,
        .stride = stride,
        .pad = pad,
        .ho = (x->h + 2 * pad - kh) / stride + 1,
        .wo = (x->w + 2 * pad - kw) / stride + 1,
        .lanes = x->lanes,
    };
    const struct mien_act y = mien_pool_output(out);
    return mien_act_check(&y, "pool output", err);
}

struct mien_act mien_pool_output(const struct mien_pool *op)
{
    return (struct mien_act){ op->n, op->c, op->ho, op->wo, op->lanes };
}

size_t mien_pool_winner_bytes(const struct mien_pool *op)
{
    const struct mien_act y = mien_pool_output(op);
    return mien_act_floats(&y);
}

/* Vectors of x that a row of the output looks at. */
static size_t touched(const struct mien_pool *op)
{
    return (size_t)op->wo * (size_t)op->kh * (size_t)op->kw;
}

static cl_int planes_of(const struct mien_pool *op)
{
    return (op->n + op->lanes - 1) / op->lanes * op->c;
}

enum mien_status mien_pool_max_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                   struct mien_cl_buffer *winner, const struct mien_cl_buffer *x,
                                   const struct mien_pool *op, bool relu, struct mien_error *err)
{
    const cl_int rows = planes_of(op) * op->ho;
    const cl_int relu_on = relu;
    cl_int cols;
    cl_int chunk;
    const struct options options = build_options(op);
    struct mien_cl_launch launch = mien_grid_rows(&cols, &chunk, "pool", "pool_max_fwd", op->lanes,
                                                  (size_t)rows, (size_t)op->wo, touched(op));
    launch.options = options.text;
    const struct mien_cl_arg args[] = { ARG_BUF(y), mien_grid_optional(winner), ARG_BUF(x),
                                        ARG_I32(relu_on), SIZE_ARGS(op) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_pool_max_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                   const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *winner,
                                   const struct mien_cl_buffer *mask, const struct mien_pool *op,
                                   struct mien_error *err)
{
    const bool cells = op->stride == op->kh && op->stride == op->kw && op->pad == 0;
    const cl_int rows = planes_of(op) * (cells ? (op->h + op->kh - 1) / op->kh : op->h);
    const cl_int width = cells ? (op->w + op->kw - 1) / op->kw : op->w;
    cl_int cols;
    cl_int chunk;
    const struct options options = build_options(op);
    struct mien_cl_launch launch = mien_grid_rows(
        &cols, &chunk, "pool", cells ? "pool_max_bwd_cells" : "pool_max_bwd", op->lanes,
        (size_t)rows, (size_t)width, (size_t)op->w * (size_t)(cells ? op->kh : 2));
    launch.options = options.text;
    const struct mien_cl_arg args[] = { ARG_BUF(dx), ARG_BUF(dy), ARG_BUF(winner),
                                        mien_grid_optional(mask), SIZE_ARGS(op) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_pool_avg_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                   const struct mien_cl_buffer *x, const struct mien_pool *op,
                                   bool relu, struct mien_error *err)
{
    const cl_int rows = planes_of(op) * op->ho;
    const cl_int relu_on = relu;
    cl_int cols;
    cl_int chunk;
    const struct options options = build_options(op);
    struct mien_cl_launch launch = mien_grid_rows(&cols, &chunk, "pool", "pool_avg_fwd", op->lanes,
                                                  (size_t)rows, (size_t)op->wo, touched(op));
    launch.options = options.text;
    const struct mien_cl_arg args[] = { ARG_BUF(y), ARG_BUF(x), ARG_I32(relu_on), SIZE_ARGS(op) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_pool_avg_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                   const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *mask, const struct mien_pool *op,
                                   struct mien_error *err)
{
    const cl_int rows = planes_of(op) * op->h;
    cl_int cols;
    cl_int chunk;
    const struct options options = build_options(op);
    struct mien_cl_launch launch = mien_grid_rows(&cols, &chunk, "pool", "pool_avg_bwd", op->lanes,
                                                  (size_t)rows, (size_t)op->w, (size_t)op->w * 2);
    launch.options = options.text;
    const struct mien_cl_arg args[] = { ARG_BUF(dx), ARG_BUF(dy), mien_grid_optional(mask),
                                        SIZE_ARGS(op) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
