/* conv2d_vector.c - host side of kernels/conv2d_vector.cl: convolution for CPU devices */
#include <stdio.h>

#include "ops/arith.h"
#include "ops/conv2d_variants.h"
#include "ops/grid.h"

enum { OPTION_BYTES = 320, WORK_ITEMS_WANTED = 256, SUMS = 64 };
enum { ROW_BYTES = 32768 }; /* of the gradient, see unpools() */

/* Channels and columns of a register tile. */
struct tile {
    int channels, columns;
};

/* Parameters of a register tile; the backward filter pass has whole kernel rows instead of columns.
 */
enum { PARAM_CHANNELS, PARAM_COLUMNS };
static const struct mien_conv2d_param tile_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_CHANNELS] = { "channels", { 2, 4, 8 }, false },
    [PARAM_COLUMNS] = { "columns", { 1, 2, 3, 4, 6 }, false },
};
static const struct mien_conv2d_param filter_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_CHANNELS] = { "channels", { 1, 2, 4, 6, 8 }, false },
};

/*
 * 16 lanes are AVX-512 with 32 registers, fewer mean 16 registers: beyond these sums the compiler
 * spills. Measured: docs/kernels.md.
 */
static int default_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index)
{
    if (pass == MIEN_CONV2D_BWD_FILTER) {
        const int channels = (op->lanes == 16 ? 20 : 12) / op->kw;
        return index == PARAM_CHANNELS ? mien_at_most(channels > 0 ? channels : 1, 8) : 0;
    }
    if (index == PARAM_CHANNELS) {
        return 4;
    }
    return index == PARAM_COLUMNS ? (op->lanes == 16 ? 6 : 3) : 0;
}

static struct tile choose_tile(const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                               int channels, int columns)
{
    return (struct tile){
        mien_at_most(mien_conv2d_value(op, pass, PARAM_CHANNELS), channels),
        mien_at_most(mien_conv2d_value(op, pass, PARAM_COLUMNS), columns),
    };
}

/* Whole windows next to each other, where a max-pooling takes them. */
static struct tile forward_tile(const struct mien_conv2d *op)
{
    const int edge = op->pool > 0 ? op->pool : 1;
    struct tile tile = choose_tile(op, MIEN_CONV2D_FWD, op->oc, op->wo / edge * edge);
    tile.columns = tile.columns < edge ? edge : tile.columns / edge * edge;
    return tile;
}

/* More pixels of a window than the usual tile has columns are too many for the registers. */
static bool pools(const struct mien_conv2d *op, int edge)
{
    (void)op;
    return edge <= 3;
}

static void write_options(char out[OPTION_BYTES], const struct mien_conv2d *op, struct tile tile,
                          const char *pass)
{
    (void)snprintf(out, OPTION_BYTES,
                   "-DLANES=%d -DC=%d -DH=%d -DW=%d -DOC=%d -DKH=%d -DKW=%d -DSTRIDE=%d -DPAD=%d "
                   "-DHO=%d -DWO=%d -DOT=%d -DXT=%d %s",
                   op->lanes, op->c, op->h, op->w, op->oc, op->kh, op->kw, op->stride, op->pad,
                   op->ho, op->wo, tile.channels, tile.columns, pass);
}

static bool takes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    (void)pass;
    return op->lanes > 1;
}

static enum mien_status fwd(struct mien_cl *cl, const struct mien_conv2d_out *result,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_conv2d *op, struct mien_error *err)
{
    (void)work;
    const struct tile tile = forward_tile(op);
    const int edge = op->pool > 0 ? op->pool : 1;
    char pass[64];
    char options[OPTION_BYTES];
    const cl_int relu_on = op->relu;
    (void)snprintf(pass, sizeof(pass), "-DFORWARD -DPOOL=%d", edge);
    write_options(options, op, tile, pass);
    const struct mien_cl_launch launch = {
        .source = "conv2d_vector",
        .kernel = "conv2d_vector_fwd",
        .options = options,
        .global = { (size_t)(op->ho / edge), (size_t)mien_divide_up(op->oc, tile.channels),
                    (size_t)mien_conv2d_blocks(op) },
        .flop = mien_conv2d_flop(op),
    };
    const struct mien_cl_arg args[] = {
        ARG_BUF(result->y), mien_grid_optional(result->winner), ARG_BUF(x),
        ARG_BUF(weight),    mien_grid_optional(bias),           ARG_I32(relu_on),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, struct mien_error *err)
{
    (void)work;
    const int columns = op->w / op->stride; /* of the shortest phase */
    const struct tile tile =
        choose_tile(op, MIEN_CONV2D_BWD_DATA, op->c, columns > 0 ? columns : 1);
    char options[OPTION_BYTES];
    write_options(options, op, tile, "-DBACKWARD_DATA");
    const struct mien_cl_launch launch = {
        .source = "conv2d_vector",
        .kernel = "conv2d_vector_bwd_data",
        .options = options,
        .global = { (size_t)op->h, (size_t)mien_divide_up(op->c, tile.channels),
                    (size_t)mien_conv2d_blocks(op) },
        .flop = mien_conv2d_flop(op),
    };
    const struct mien_cl_arg args[] = {
        ARG_BUF(dx),
        ARG_BUF(dy),
        ARG_BUF(weight),
        mien_grid_optional(mask),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static struct tile filter_tile(const struct mien_conv2d *op)
{
    return (struct tile){
        mien_at_most(mien_conv2d_value(op, MIEN_CONV2D_BWD_FILTER, PARAM_CHANNELS), op->oc), 1
    };
}

/*
 * Parts of the sum over images and rows.  A function of the sizes alone, never of the number of
 * cores, so that the result is the same on each machine of one kind.
 */
static int filter_split(const struct mien_conv2d *op)
{
    const int items = mien_divide_up(op->oc, filter_tile(op).channels) * op->c;
    return mien_at_most(mien_divide_up(WORK_ITEMS_WANTED, items), op->ho);
}

enum mien_status mien_conv2d_add_parts(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                       struct mien_cl_buffer *dbias,
                                       const struct mien_cl_buffer *parts,
                                       const struct mien_conv2d *op, int split,
                                       struct mien_error *err)
{
    const size_t weights = mien_conv2d_part_floats(op) - (size_t)op->oc;
    const cl_int count = (cl_int)mien_conv2d_part_floats(op);
    const cl_int kept = (cl_int)(dbias != NULL ? mien_conv2d_part_floats(op) : weights);
    const cl_int weight_count = (cl_int)weights;
    const cl_int each = op->lanes > 1 ? SUMS : 1; /* GPUs make a group of them */
    const struct mien_cl_launch launch = {
        .source = "conv2d_vector",
        .kernel = "conv2d_add_parts",
        .options = "-DLANES=4 -DADD_PARTS",
        .global = { (size_t)mien_divide_up(kept, each) },
        .local = { (size_t)(SUMS / each) },
        .flop = (double)count * split * MIEN_GRID_FLOAT_FLOP,
    };
    const cl_int parts_count = split;
    const struct mien_cl_arg args[] = {
        ARG_BUF(dweight),      ARG_BUF(dbias != NULL ? dbias : dweight),
        ARG_BUF(parts),        ARG_I32(parts_count),
        ARG_I32(count),        ARG_I32(kept),
        ARG_I32(weight_count), ARG_I32(each),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static size_t work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return pass == MIEN_CONV2D_BWD_FILTER
               ? (size_t)filter_split(op) * mien_conv2d_part_floats(op) * sizeof(cl_float)
               : 0;
}

/* Without a winner dy is of no pooling. */
static enum mien_status sum_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias,
                                   const struct mien_conv2d_pooled *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_conv2d *op, struct mien_error *err)
{
    const struct tile tile = filter_tile(op);
    const cl_int blocks = mien_conv2d_blocks(op);
    const int split = filter_split(op);
    char pass[64];
    char options[OPTION_BYTES];
    (void)snprintf(pass, sizeof(pass), "-DBACKWARD_FILTER -DPOOL=%d -DBIAS=%d -DSPLIT=%d",
                   dy->winner != NULL ? (int)op->pool : 1, dbias != NULL, split);
    write_options(options, op, tile, pass);
    const struct mien_cl_launch sums = {
        .source = "conv2d_vector",
        .kernel = "conv2d_vector_bwd_filter",
        .options = options,
        .global = { (size_t)mien_divide_up(op->oc, tile.channels), (size_t)op->c, (size_t)split },
        .flop = mien_conv2d_flop(op),
    };
    const struct mien_cl_arg sum_args[] = { ARG_BUF(work), ARG_BUF(dy->dy),
                                            mien_grid_optional(dy->winner), ARG_BUF(x),
                                            ARG_I32(blocks) };
    const enum mien_status st = mien_cl_launch(cl, &sums, sum_args, ARG_COUNT(sum_args), err);
    return st == MIEN_OK ? mien_conv2d_add_parts(cl, dweight, dbias, work, op, split, err) : st;
}

static enum mien_status bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias, const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_conv2d *op, struct mien_error *err)
{
    const struct mien_conv2d_pooled alone = { dy, NULL };
    return sum_filter(cl, dweight, dbias, &alone, x, work, op, err);
}

/* A row of the gradient is made in a core's cache, in local memory that every device has. */
static bool unpools(const struct mien_conv2d *op, int edge)
{
    (void)edge;
    const size_t vectors = (size_t)filter_tile(op).channels * (size_t)op->wo;
    return vectors * (size_t)op->lanes * sizeof(cl_float) <= ROW_BYTES;
}

const struct mien_conv2d_family mien_conv2d_vector = {
    .name = "vector",
    .takes = takes,
    .suits = takes,
    .params = { tile_params, tile_params, filter_params },
    .default_value = default_value,
    .work_bytes = work_bytes,
    .pools = { [MIEN_CONV2D_FWD] = pools, [MIEN_CONV2D_BWD_FILTER] = unpools },
    .fwd = fwd,
    .bwd_data = bwd_data,
    .bwd_filter = bwd_filter,
    .bwd_filter_pooled = sum_filter,
};
