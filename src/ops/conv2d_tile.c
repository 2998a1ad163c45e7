/* conv2d_tile.c - convolution for GPUs over local-memory tiles */
#include <limits.h>
#include <stdio.h>

#include "ops/conv2d_tile.h"
#include "ops/grid.h"

enum { OPTION_BYTES = 96, SUM_GROUP = 64 }; /* the latter of the summing kernel */

static const struct mien_conv2d_param tile_params[MIEN_CONV2D_PARAMS] = { MIEN_TILE_PARAM_LIST };

int mien_tile_default(int index)
{
    static const int values[MIEN_TILE_PARAMS] = {
        [MIEN_TILE_DOWN] = 4, [MIEN_TILE_ACROSS] = 4, [MIEN_TILE_TERMS] = 16
    };
    return index < MIEN_TILE_PARAMS ? values[index] : 0;
}

static int default_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index)
{
    (void)op;
    (void)pass;
    return mien_tile_default(index);
}

struct mien_tile mien_tile_of(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return (struct mien_tile){ mien_conv2d_value(op, pass, MIEN_TILE_DOWN),
                               mien_conv2d_value(op, pass, MIEN_TILE_ACROSS),
                               mien_conv2d_value(op, pass, MIEN_TILE_TERMS) };
}

size_t mien_tile_count(int each, cl_int count)
{
    const size_t side = (size_t)MIEN_TILE_SIDE * (size_t)each;
    return ((size_t)count + side - 1) / side;
}

/* A term of both tiles has a number more than they have rows and columns. */
size_t mien_tile_local_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const struct mien_tile tile = mien_tile_of(op, pass);
    const size_t numbers = (size_t)MIEN_TILE_SIDE * (size_t)(tile.down + tile.across) + 2;
    return (size_t)tile.terms * numbers * sizeof(cl_float);
}

struct mien_cl_launch mien_tile_grid(const struct mien_tile *tile, cl_int rows, cl_int columns,
                                     size_t depth, double terms)
{
    const size_t across = mien_tile_count(tile->across, columns) * MIEN_TILE_SIDE;
    const size_t down = mien_tile_count(tile->down, rows) * MIEN_TILE_SIDE;
    return (struct mien_cl_launch){
        .global = { across, down, depth },
        .local = { MIEN_TILE_SIDE, MIEN_TILE_SIDE, 1 },
        .flop = 2.0 * (double)across * tile->across * (double)down * tile->down * terms,
    };
}

struct options {
    char text[OPTION_BYTES];
};

static struct options build_options(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const struct mien_tile tile = mien_tile_of(op, pass);
    struct options out;
    (void)snprintf(out.text, sizeof(out.text),
                   "-DKH=%d -DKW=%d -DSTRIDE=%d -DPAD=%d -DDOWN=%d -DACROSS=%d -DTERMS=%d", op->kh,
                   op->kw, op->stride, op->pad, tile.down, tile.across, tile.terms);
    return out;
}

/* A grid of tiles over a matrix of rows x columns, `depth` times. */
static struct mien_cl_launch tile_grid(enum mien_conv2d_pass pass, const struct options *options,
                                       const struct mien_conv2d *op, cl_int rows, cl_int columns,
                                       cl_int depth, double terms)
{
    static const char *const kernels[MIEN_CONV2D_PASSES] = { "conv2d_tile_fwd",
                                                             "conv2d_tile_bwd_data",
                                                             "conv2d_tile_bwd_filter" };
    const struct mien_tile tile = mien_tile_of(op, pass);
    struct mien_cl_launch launch = mien_tile_grid(&tile, rows, columns, (size_t)depth, terms);
    launch.source = "conv2d_tile";
    launch.kernel = kernels[pass];
    launch.options = options->text;
    return launch;
}

/* Columns of the filter's product: the taps, and one for the bias. */
static cl_int filter_columns(const struct mien_conv2d *op)
{
    return op->c * op->kh * op->kw + 1;
}

/* Parts of the filter's sum, at most: as many as keep the device busy; no more for fewer images. */
static size_t most_splits(const struct mien_conv2d *op)
{
    const struct mien_tile tile = mien_tile_of(op, MIEN_CONV2D_BWD_FILTER);
    const size_t groups =
        mien_tile_count(tile.down, op->oc) * mien_tile_count(tile.across, filter_columns(op));
    const size_t wanted = (MIEN_TILE_WANTED_GROUPS + groups - 1) / groups;
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
    return edge == 2 && mien_conv2d_value(op, MIEN_CONV2D_FWD, MIEN_TILE_ACROSS) % 4 == 0;
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
    const struct mien_cl_launch launch = tile_grid(
        MIEN_CONV2D_FWD, &options, op, op->oc, op->n * pixels, 1, (double)op->c * op->kh * op->kw);
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
        tile_grid(MIEN_CONV2D_BWD_DATA, &options, op, op->c, op->n * op->h * op->w, 1,
                  (double)op->oc * op->kh * op->kw);
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
    const struct mien_cl_launch parts = tile_grid(MIEN_CONV2D_BWD_FILTER, &options, op, op->oc,
                                                  columns, splits, (double)op->n * op->ho * op->wo);
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
    .local_bytes = mien_tile_local_bytes,
    .work_bytes = work_bytes,
    .pools = { [MIEN_CONV2D_FWD] = pools },
    .fwd = forward,
    .bwd_data = backward_data,
    .bwd_filter = backward_filter,
};
