/* conv2d_tile.c - convolution for GPUs over local-memory tiles */
#include <limits.h>
#include <stdio.h>

#include "ops/conv2d_variants.h"
#include "ops/grid.h"

enum { SIDE = 16 }; /* of a work-group, as in kernels/conv2d_tile.cl */
enum { OPTION_BYTES = 96 };
/* Work-groups that keep a large GPU busy, and the group of the summing kernel. */
enum { WANTED_GROUPS = 256, SUM_GROUP = 64 };

/* Rows and columns of the product that a work-item has, and terms of a tile in local memory. */
enum { PARAM_DOWN, PARAM_ACROSS, PARAM_TERMS };
static const struct mien_conv2d_param tile_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_DOWN] = { "down", { 2, 4, 8 } },
    [PARAM_ACROSS] = { "across", { 2, 4, 8 } },
    [PARAM_TERMS] = { "terms", { 8, 16, 32 } },
};

static int default_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index)
{
    static const int values[] = { [PARAM_DOWN] = 4, [PARAM_ACROSS] = 4, [PARAM_TERMS] = 16 };
    (void)op;
    (void)pass;
    return index <= PARAM_TERMS ? values[index] : 0;
}

struct options {
    char text[OPTION_BYTES];
};

static struct options build_options(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    struct options out;
    (void)snprintf(out.text, sizeof(out.text),
                   "-DKH=%d -DKW=%d -DSTRIDE=%d -DPAD=%d -DDOWN=%d -DACROSS=%d -DTERMS=%d", op->kh,
                   op->kw, op->stride, op->pad, mien_conv2d_value(op, pass, PARAM_DOWN),
                   mien_conv2d_value(op, pass, PARAM_ACROSS),
                   mien_conv2d_value(op, pass, PARAM_TERMS));
    return out;
}

/* Tiles over so many rows, or columns. */
static size_t tiles(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int param,
                    cl_int count)
{
    const size_t side = (size_t)SIDE * (size_t)mien_conv2d_value(op, pass, param);
    return ((size_t)count + side - 1) / side;
}

/* A term of both tiles has a number more than they have rows and columns. */
static size_t local_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const int down = mien_conv2d_value(op, pass, PARAM_DOWN);
    const int across = mien_conv2d_value(op, pass, PARAM_ACROSS);
    const size_t numbers = (size_t)SIDE * (size_t)(down + across) + 2;
    return (size_t)mien_conv2d_value(op, pass, PARAM_TERMS) * numbers * sizeof(cl_float);
}

/* A grid of tiles over a matrix of rows x columns, `depth` times. */
static struct mien_cl_launch tile_grid(enum mien_conv2d_pass pass, const struct options *options,
                                       const struct mien_conv2d *op, cl_int rows, cl_int columns,
                                       cl_int depth)
{
    static const char *const kernels[MIEN_CONV2D_PASSES] = { "conv2d_tile_fwd",
                                                             "conv2d_tile_bwd_data",
                                                             "conv2d_tile_bwd_filter" };
    return (struct mien_cl_launch){
        .source = "conv2d_tile",
        .kernel = kernels[pass],
        .options = options->text,
        .global = { tiles(op, pass, PARAM_ACROSS, columns) * SIDE,
                    tiles(op, pass, PARAM_DOWN, rows) * SIDE, (size_t)depth },
        .local = { SIDE, SIDE, 1 },
        .flop = mien_conv2d_flop(op),
    };
}

/* Columns of the filter's product: the taps, and one for the bias. */
static cl_int filter_columns(const struct mien_conv2d *op)
{
    return op->c * op->kh * op->kw + 1;
}

/* Parts of the filter's sum, at most: as many as keep the device busy; no more for fewer images. */
static size_t most_splits(const struct mien_conv2d *op)
{
    const enum mien_conv2d_pass pass = MIEN_CONV2D_BWD_FILTER;
    const size_t groups =
        tiles(op, pass, PARAM_DOWN, op->oc) * tiles(op, pass, PARAM_ACROSS, filter_columns(op));
    const size_t wanted = (WANTED_GROUPS + groups - 1) / groups;
    return wanted < (size_t)op->n ? wanted : (size_t)op->n;
}

/* Images of one part. */
static cl_int split_images(const struct mien_conv2d *op)
{
    const size_t splits = most_splits(op);
    return (cl_int)(((size_t)op->n + splits - 1) / splits);
}

static cl_int count_splits(const struct mien_conv2d *op)
{
    const cl_int each = split_images(op);
    return (op->n + each - 1) / each;
}

static bool takes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    (void)pass;
    const double weights = (double)op->oc * (double)filter_columns(op);
    return op->lanes == 1 && weights <= (double)INT_MAX;
}

/* Enough for fewer images too: whole parts of them can be more than those of a full batch. */
static size_t work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return pass != MIEN_CONV2D_BWD_FILTER
               ? 0
               : most_splits(op) * (size_t)op->oc * (size_t)filter_columns(op) * sizeof(cl_float);
}

/* Each four columns that a work-item has are the pixels of a window. */
static bool pools(const struct mien_conv2d *op, int edge)
{
    return edge == 2 && mien_conv2d_value(op, MIEN_CONV2D_FWD, PARAM_ACROSS) % 4 == 0;
}

static enum mien_status forward(struct mien_cl *cl, const struct mien_conv2d_out *result,
                                const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                                const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                                const struct mien_conv2d *op, struct mien_error *err)
{
    (void)work;
    const struct options options = build_options(op, MIEN_CONV2D_FWD);
    const cl_int relu_on = op->relu;
    const cl_int pool_on = op->pool > 0;
    const cl_int pixels =
        pool_on ? op->ho / op->pool * op->pool * (op->wo / op->pool * op->pool) : op->ho * op->wo;
    const struct mien_cl_launch launch =
        tile_grid(MIEN_CONV2D_FWD, &options, op, op->oc, op->n * pixels, 1);
    const struct mien_cl_arg args[] = {
        ARG_BUF(result->y),
        mien_grid_optional(result->winner),
        ARG_BUF(x),
        ARG_BUF(weight),
        mien_grid_optional(bias),
        ARG_I32(op->n),
        ARG_I32(op->c),
        ARG_I32(op->h),
        ARG_I32(op->w),
        ARG_I32(op->oc),
        ARG_I32(op->ho),
        ARG_I32(op->wo),
        ARG_I32(relu_on),
        ARG_I32(pool_on),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status backward_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                      const struct mien_cl_buffer *dy,
                                      const struct mien_cl_buffer *weight,
                                      const struct mien_cl_buffer *mask,
                                      struct mien_cl_buffer *work, const struct mien_conv2d *op,
                                      struct mien_error *err)
{
    (void)work;
    const struct options options = build_options(op, MIEN_CONV2D_BWD_DATA);
    const struct mien_cl_launch launch =
        tile_grid(MIEN_CONV2D_BWD_DATA, &options, op, op->c, op->n * op->h * op->w, 1);
    const struct mien_cl_arg args[] = {
        ARG_BUF(dx),     ARG_BUF(dy),     ARG_BUF(weight), mien_grid_optional(mask),
        ARG_I32(op->n),  ARG_I32(op->c),  ARG_I32(op->h),  ARG_I32(op->w),
        ARG_I32(op->oc), ARG_I32(op->ho), ARG_I32(op->wo),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status backward_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                        struct mien_cl_buffer *dbias,
                                        const struct mien_cl_buffer *dy,
                                        const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                        const struct mien_conv2d *op, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct options options = build_options(op, MIEN_CONV2D_BWD_FILTER);
    const cl_int images = split_images(op);
    const cl_int splits = count_splits(op);
    const cl_int columns = filter_columns(op);
    const struct mien_cl_launch parts =
        tile_grid(MIEN_CONV2D_BWD_FILTER, &options, op, op->oc, columns, splits);
    const struct mien_cl_arg part_args[] = {
        ARG_BUF(work),   ARG_BUF(dy),     ARG_BUF(x),      ARG_I32(op->n),
        ARG_I32(op->c),  ARG_I32(op->h),  ARG_I32(op->w),  ARG_I32(op->oc),
        ARG_I32(op->ho), ARG_I32(op->wo), ARG_I32(images),
    };
    const struct mien_cl_launch sum = {
        .source = "conv2d_tile",
        .kernel = "conv2d_tile_sum_filter",
        .options = options.text,
        .global = { (size_t)op->oc * (size_t)columns },
        .local = { SUM_GROUP },
        .flop = (double)op->oc * columns * splits * MIEN_GRID_FLOAT_FLOP,
    };
    const struct mien_cl_arg sum_args[] = { ARG_BUF(dweight), mien_grid_optional(dbias),
                                            ARG_BUF(work),    ARG_I32(op->oc),
                                            ARG_I32(columns), ARG_I32(splits) };
    TRY(mien_cl_launch(cl, &parts, part_args, ARG_COUNT(part_args), err));
    TRY(mien_cl_launch(cl, &sum, sum_args, ARG_COUNT(sum_args), err));

done:
    return st;
}

const struct mien_conv2d_family mien_conv2d_tile = {
    .name = "tile",
    .takes = takes,
    .suits = takes,
    .params = { tile_params, tile_params, tile_params },
    .default_value = default_value,
    .local_bytes = local_bytes,
    .work_bytes = work_bytes,
    .pools = pools,
    .fwd = forward,
    .bwd_data = backward_data,
    .bwd_filter = backward_filter,
};
