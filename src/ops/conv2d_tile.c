/* conv2d_tile.c - convolution for GPUs over local-memory tiles */
#include <limits.h>
#include <stdio.h>

#include "ops/conv2d_variants.h"
#include "ops/grid.h"

/* As in kernels/conv2d_tile.cl. */
enum { TILE = 64, SIDE = 16 };
/* Work-groups that keep a large GPU busy, and the group of the summing kernel. */
enum { WANTED_GROUPS = 256, SUM_GROUP = 64 };

struct options {
    char text[64];
};

static struct options build_options(const struct mien_conv2d *op)
{
    struct options out;
    (void)snprintf(out.text, sizeof(out.text), "-DKH=%d -DKW=%d -DSTRIDE=%d -DPAD=%d", op->kh,
                   op->kw, op->stride, op->pad);
    return out;
}

static size_t tiles(cl_int count)
{
    return ((size_t)count + TILE - 1) / TILE;
}

/* A grid of tiles over a matrix of rows x columns, `depth` times. */
static struct mien_cl_launch tile_grid(const char *kernel, const struct options *options,
                                       const struct mien_conv2d *op, cl_int rows, cl_int columns,
                                       cl_int depth)
{
    return (struct mien_cl_launch){
        .source = "conv2d_tile",
        .kernel = kernel,
        .options = options->text,
        .global = { tiles(columns) * SIDE, tiles(rows) * SIDE, (size_t)depth },
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
    const size_t groups = tiles(op->oc) * tiles(filter_columns(op));
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

/* A work-item has four columns of the product: the pixels of a window. */
static bool pools(const struct mien_conv2d *op, int edge)
{
    (void)op;
    return edge == 2;
}

static enum mien_status forward(struct mien_cl *cl, const struct mien_conv2d_out *result,
                                const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                                const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                                const struct mien_conv2d *op, struct mien_error *err)
{
    (void)work;
    const struct options options = build_options(op);
    const cl_int relu_on = op->relu;
    const cl_int pool_on = op->pool > 0;
    const cl_int pixels =
        pool_on ? op->ho / op->pool * op->pool * (op->wo / op->pool * op->pool) : op->ho * op->wo;
    const struct mien_cl_launch launch =
        tile_grid("conv2d_tile_fwd", &options, op, op->oc, op->n * pixels, 1);
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
    const struct options options = build_options(op);
    const struct mien_cl_launch launch =
        tile_grid("conv2d_tile_bwd_data", &options, op, op->c, op->n * op->h * op->w, 1);
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
    const struct options options = build_options(op);
    const cl_int images = split_images(op);
    const cl_int splits = count_splits(op);
    const cl_int columns = filter_columns(op);
    const struct mien_cl_launch parts =
        tile_grid("conv2d_tile_bwd_filter", &options, op, op->oc, columns, splits);
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
    .work_bytes = work_bytes,
    .pools = pools,
    .fwd = forward,
    .bwd_data = backward_data,
    .bwd_filter = backward_filter,
};
