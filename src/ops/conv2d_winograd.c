/* conv2d_winograd.c - host side of kernels/conv2d_winograd.cl: Winograd convolution on CPUs */
#include <stdio.h>

#include "ops/arith.h"
#include "ops/conv2d_winograd.h"
#include "ops/grid.h"

enum {
    OPTION_BYTES = 320,
    ITEMS = 32,          /* work-items wanted */
    WEIGHT_INPUTS = 16,  /* inputs a work-item of the weights' transform takes, as in the kernel */
    PLANE_PAD = 16,      /* floats between the points of transformed weights, as in the kernel */
    FEWEST_CHANNELS = 8, /* below, transforming costs more than it saves */
    FEWEST_PIXELS = 20,  /* of an image: below, most of a tile is empty */
};

/*
 * Parameters of forward and backward data: tiles of a work-item, which share a pass over the
 * transformed weights; input channels whose points fill a part of a core's cache; output channels
 * whose products fill another, and of a register tile; points along one side of a tile.
 */
enum { PARAM_TILES, PARAM_INPUTS, PARAM_OUTPUTS, PARAM_REGISTERS, PARAM_POINTS };
static const struct mien_conv2d_param convolve_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_TILES] = { "tiles", { 1, 2, 3, 4, 5 }, true },
    [PARAM_INPUTS] = { "inputs", { 16, 32, 64, 128 }, true },
    [PARAM_OUTPUTS] = { "outputs", { 8, 16, 32, 64 }, true },
    [PARAM_REGISTERS] = { "registers", { 4, 8 }, false },
    [PARAM_POINTS] = { "points", { 6, 7, 8 }, false },
};

int mien_winograd_points(int height, int width, int kernel, int most)
{
    /* Work for each point, with 6x6 as one: measured on PoCL, docs/performance.md. */
    static const double work[] = { [6] = 1.0, [7] = 1.16, [8] = 1.075 };
    double least = 0.0;
    int best = 0;
    for (int points = 6; points <= most; points++) {
        const int side = points + 1 - kernel;
        const double tiles = (double)mien_divide_up(height, side) * mien_divide_up(width, side);
        const double cost = tiles * points * points * work[points];
        if (best == 0 || cost < least) {
            least = cost;
            best = points;
        }
    }
    return best;
}

/* Local memory with these values: points of inputs and of products. */
static size_t bytes_of(const struct mien_conv2d *op, const int values[MIEN_CONV2D_PARAMS])
{
    const size_t points = (size_t)values[PARAM_POINTS] * (size_t)values[PARAM_POINTS];
    const int outputs = mien_round_up(values[PARAM_OUTPUTS], values[PARAM_REGISTERS]);
    const size_t channels = (size_t)values[PARAM_INPUTS] + (size_t)outputs;
    const size_t tiles = (size_t)values[PARAM_TILES];
    return points * (channels * tiles + 1) * (size_t)op->lanes * sizeof(cl_float);
}

/* Channels in and out of a pass that runs as a convolution: forward, or backward data. */
static void channels_of(int *in, int *out, const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    *in = pass == MIEN_CONV2D_BWD_DATA ? op->oc : op->c;
    *out = pass == MIEN_CONV2D_BWD_DATA ? op->c : op->oc;
}

/*
 * 16 lanes are AVX-512 with 32 registers, fewer mean 16.  Measured on PoCL: docs/performance.md.
 * Where the device has too little local memory, fewer input channels, then outputs, then tiles.
 */
static int default_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index)
{
    if (pass == MIEN_CONV2D_BWD_FILTER) {
        return mien_winograd_filter_default(op, index);
    }
    const bool forward = pass == MIEN_CONV2D_FWD;
    int in = 0;
    int out = 0;
    channels_of(&in, &out, op, pass);
    const bool large = op->local_bytes >= MIEN_WINOGRAD_LARGE_CACHE;
    /* 5x5 outputs of a tile would have no whole windows of 2x2, should a pooling follow. */
    const int most = forward && op->kh == 4 ? 7 : 8;
    const int points =
        mien_winograd_points(forward ? op->ho : op->h, forward ? op->wo : op->w, op->kh, most);
    int values[MIEN_CONV2D_PARAMS] = {
        [PARAM_TILES] = points == 6 ? 3 : 2,
        [PARAM_INPUTS] = large && in <= 128 ? 128 : 64,
        [PARAM_OUTPUTS] = points == 6 || out % 64 > 0 ? 16 : 32, /* whole ones in half of `out` */
        [PARAM_REGISTERS] = op->lanes == 16 ? 8 : 4,
        [PARAM_POINTS] = points,
    };
    const int order[] = { PARAM_INPUTS, PARAM_OUTPUTS, PARAM_TILES };
    const int least[] = { 8, 8, 1 };
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        while (op->local_bytes > 0 && bytes_of(op, values) > op->local_bytes &&
               values[order[i]] > least[i]) {
            values[order[i]] /= 2;
        }
    }
    return values[index];
}

static size_t local_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    int values[MIEN_CONV2D_PARAMS];
    if (pass == MIEN_CONV2D_BWD_FILTER) {
        return mien_winograd_filter_local_bytes(op);
    }
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        values[i] = mien_conv2d_value(op, pass, i);
    }
    return bytes_of(op, values);
}

/* Output channels of a register tile. */
static int tile_outputs(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return mien_conv2d_value(op, pass, PARAM_REGISTERS);
}

/* Points along one side of a tile. */
static int points_of(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return mien_conv2d_value(op, pass, PARAM_POINTS);
}

/* What 8x8 points lose is made up for in the filter's gradient alone: its sums are in two steps. */
static double tolerance(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return pass != MIEN_CONV2D_BWD_FILTER && points_of(op, pass) == 8 ? 2e-5 : 1e-5;
}

/* Tiles of one image's outputs, which are the inputs of the backward data pass. */
static int image_tiles(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const int side = points_of(op, pass) + 1 - op->kh;
    return pass == MIEN_CONV2D_BWD_DATA
               ? mien_divide_up(op->h, side) * mien_divide_up(op->w, side)
               : mien_divide_up(op->ho, side) * mien_divide_up(op->wo, side);
}

static bool takes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    (void)pass;
    return op->lanes > 1 && op->kh == op->kw && op->kh >= 3 && op->kh <= 5 && op->stride == 1;
}

static bool suits(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return takes(op, pass) && op->c >= FEWEST_CHANNELS && op->oc >= FEWEST_CHANNELS &&
           op->ho * op->wo >= FEWEST_PIXELS;
}

/* Input channels transformed at once, and output channels multiplied at once. */
static int inputs_of(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    int in = 0;
    int out = 0;
    channels_of(&in, &out, op, pass);
    return mien_at_most(mien_conv2d_value(op, pass, PARAM_INPUTS), in);
}

static int outputs_of(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    int in = 0;
    int out = 0;
    channels_of(&in, &out, op, pass);
    return mien_round_up(mien_at_most(mien_conv2d_value(op, pass, PARAM_OUTPUTS), out),
                         tile_outputs(op, pass));
}

static size_t weight_point_floats(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    int in = 0;
    int out = 0;
    channels_of(&in, &out, op, pass);
    const int points = points_of(op, pass);
    const int inputs = inputs_of(op, pass);
    const int outputs = outputs_of(op, pass);
    return (size_t)(points * points) * (size_t)(inputs * outputs + PLANE_PAD) *
           (size_t)mien_divide_up(out, outputs) * (size_t)mien_divide_up(in, inputs);
}

static size_t work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const size_t floats = pass == MIEN_CONV2D_BWD_FILTER ? mien_winograd_filter_floats(op)
                                                         : weight_point_floats(op, pass);
    return floats * sizeof(cl_float);
}

static enum mien_status transform_weights(struct mien_cl *cl, struct mien_cl_buffer *work,
                                          const struct mien_cl_buffer *weight,
                                          const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                                          struct mien_error *err)
{
    int in = 0;
    int out = 0;
    char options[OPTION_BYTES];
    channels_of(&in, &out, op, pass);
    const int outputs = tile_outputs(op, pass);
    const cl_int in_channels = in;
    const cl_int out_channels = out;
    const cl_int chunk = inputs_of(op, pass);
    const cl_int group = outputs_of(op, pass);
    const cl_int flip = pass == MIEN_CONV2D_BWD_DATA;
    (void)snprintf(options, sizeof(options), "-DWEIGHTS -DLANES=%d -DP=%d -DR=%d -DOT=%d", outputs,
                   points_of(op, pass), op->kh, outputs);
    const struct mien_cl_launch launch = {
        .source = "conv2d_winograd",
        .kernel = "conv2d_winograd_weights",
        .options = options,
        .global = { (size_t)mien_divide_up(out, outputs),
                    (size_t)mien_divide_up(in, WEIGHT_INPUTS) },
        .flop = (double)in * out * points_of(op, pass) * points_of(op, pass) * MIEN_GRID_FLOAT_FLOP,
    };
    const struct mien_cl_arg args[] = { ARG_BUF(work),        ARG_BUF(weight),
                                        ARG_I32(in_channels), ARG_I32(out_channels),
                                        ARG_I32(chunk),       ARG_I32(group),
                                        ARG_I32(flip) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum { CONVOLVE_ARGS = 8 };

/* A pass that runs as a convolution; `pool` is the edge of its windows, 1: none. */
static enum mien_status convolve(struct mien_cl *cl, const struct mien_cl_arg args[CONVOLVE_ARGS],
                                 const struct mien_conv2d *op, enum mien_conv2d_pass pass, int pool,
                                 struct mien_error *err)
{
    const bool forward = pass == MIEN_CONV2D_FWD;
    const int h = forward ? op->h : op->ho;
    const int w = forward ? op->w : op->wo;
    const int ho = forward ? op->ho : op->h;
    const int wo = forward ? op->wo : op->w;
    int in = 0;
    int out = 0;
    char options[OPTION_BYTES];
    channels_of(&in, &out, op, pass);
    const int tiles = mien_conv2d_value(op, pass, PARAM_TILES);
    const int group = outputs_of(op, pass);
    const int items = mien_divide_up(image_tiles(op, pass) * mien_conv2d_blocks(op), tiles);
    const int share =
        mien_divide_up(mien_divide_up(out, mien_divide_up(ITEMS, items)), group) * group;
    (void)snprintf(
        options, sizeof(options),
        "-DCONVOLVE -DLANES=%d -DP=%d -DR=%d -DIC=%d -DOC=%d -DH=%d -DW=%d -DHO=%d -DWO=%d "
        "-DPAD=%d -DCC=%d -DOG=%d -DOW=%d -DNT=%d -DOT=%d -DPOOL=%d",
        op->lanes, points_of(op, pass), op->kh, in, out, h, w, ho, wo,
        forward ? op->pad : op->kh - 1 - op->pad, inputs_of(op, pass), group, share, tiles,
        tile_outputs(op, pass), pool);
    const struct mien_cl_launch launch = {
        .source = "conv2d_winograd",
        .kernel = "conv2d_winograd_convolve",
        .options = options,
        .global = { (size_t)items, (size_t)mien_divide_up(out, share) },
        .flop = mien_conv2d_flop(op),
    };
    return mien_cl_launch(cl, &launch, args, CONVOLVE_ARGS, err);
}

/* Windows must not cross tiles, nor can sums be added up in what only has the largest of them. */
static bool pools(const struct mien_conv2d *op, int edge)
{
    const int side = points_of(op, MIEN_CONV2D_FWD) + 1 - op->kh;
    return side % edge == 0 && inputs_of(op, MIEN_CONV2D_FWD) >= op->c;
}

static enum mien_status fwd(struct mien_cl *cl, const struct mien_conv2d_out *result,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_conv2d *op, struct mien_error *err)
{
    const cl_int blocks = mien_conv2d_blocks(op);
    const cl_int relu_on = op->relu;
    const struct mien_cl_arg args[CONVOLVE_ARGS] = { ARG_BUF(result->y),
                                                     mien_grid_optional(result->winner),
                                                     ARG_BUF(x),
                                                     ARG_BUF(work),
                                                     mien_grid_optional(bias),
                                                     mien_grid_optional(NULL),
                                                     ARG_I32(blocks),
                                                     ARG_I32(relu_on) };
    const enum mien_status st = transform_weights(cl, work, weight, op, MIEN_CONV2D_FWD, err);
    return st == MIEN_OK ? convolve(cl, args, op, MIEN_CONV2D_FWD, op->pool > 0 ? op->pool : 1, err)
                         : st;
}

static enum mien_status bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, struct mien_error *err)
{
    const cl_int blocks = mien_conv2d_blocks(op);
    const cl_int relu_on = 0;
    const struct mien_cl_arg args[CONVOLVE_ARGS] = {
        ARG_BUF(dx),     mien_grid_optional(NULL), ARG_BUF(dy),
        ARG_BUF(work),   mien_grid_optional(NULL), mien_grid_optional(mask),
        ARG_I32(blocks), ARG_I32(relu_on)
    };
    const enum mien_status st = transform_weights(cl, work, weight, op, MIEN_CONV2D_BWD_DATA, err);
    return st == MIEN_OK ? convolve(cl, args, op, MIEN_CONV2D_BWD_DATA, 1, err) : st;
}

const struct mien_conv2d_family mien_conv2d_winograd = {
    .name = "winograd",
    .takes = takes,
    .suits = suits,
    .params = { convolve_params, convolve_params, mien_winograd_filter_params },
    .default_value = default_value,
    .local_bytes = local_bytes,
    .tolerance = tolerance,
    .work_bytes = work_bytes,
    .pools = { [MIEN_CONV2D_FWD] = pools },
    .fwd = fwd,
    .bwd_data = bwd_data,
    .bwd_filter = mien_winograd_bwd_filter,
};
