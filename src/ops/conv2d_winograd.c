/* conv2d_winograd.c - host side of kernels/conv2d_winograd*.cl: Winograd convolution on CPUs
 */
#include <stdio.h>

#include "ops/arith.h"
#include "ops/conv2d_variants.h"

enum {
    OPTION_BYTES = 320,
    POINTS = 36, /* of a 6 x 6 tile */
    TILE = 6,
    FILTER_ITEMS = 32,   /* work-items wanted of the backward filter pass */
    WEIGHT_INPUTS = 16,  /* inputs a work-item of the weights' transform takes, as in the kernel */
    FEWEST_CHANNELS = 8, /* below, transforming costs more than it saves */
    FEWEST_TILES = 9,    /* of an image: below, its share of the weights' points costs more */
    SUMS_PER_ITEM = 64,  /* as in conv2d_vector.cl, whose kernel adds the parts */
};

/*
 * Parameters.  Forward and backward data: tiles of a work-item, which share a pass over the
 * transformed weights; input channels whose points fill a part of a core's cache; output channels
 * of a work-item, and of a register tile.  Backward filter: tiles added at once; vectors of input
 * channels of the register tile; the rest alike.
 */
enum { PARAM_TILES, PARAM_INPUTS, PARAM_OUTPUTS, PARAM_REGISTERS };
static const struct mien_conv2d_param convolve_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_TILES] = { "tiles", { 1, 2, 3, 4 } },
    [PARAM_INPUTS] = { "inputs", { 16, 32, 64 } },
    [PARAM_OUTPUTS] = { "outputs", { 32, 64 } },
    [PARAM_REGISTERS] = { "registers", { 4, 8 } },
};
static const struct mien_conv2d_param filter_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_TILES] = { "tiles", { 1, 2, 4 } },
    [PARAM_INPUTS] = { "vectors", { 1, 2, 4 } },
    [PARAM_OUTPUTS] = { "outputs", { 16, 32, 64 } },
    [PARAM_REGISTERS] = { "registers", { 4, 8 } },
};

/* Local memory of a pass with these values: points of inputs and of sums, and of gradients or
 * biases. */
static size_t bytes_of(const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                       const int values[MIEN_CONV2D_PARAMS])
{
    const size_t tiles = (size_t)values[PARAM_TILES];
    const size_t inputs = (size_t)values[PARAM_INPUTS];
    const size_t outputs = (size_t)values[PARAM_OUTPUTS];
    const size_t vector = (size_t)op->lanes * sizeof(cl_float);
    if (pass == MIEN_CONV2D_BWD_FILTER) {
        const size_t turned = tiles * (size_t)op->lanes * inputs;
        return (POINTS * (turned + tiles * outputs + outputs * inputs) + outputs) * vector;
    }
    return POINTS * (inputs + outputs) * tiles * vector;
}

/*
 * 16 lanes are AVX-512 with 32 registers, fewer mean 16.  Measured on PoCL: bench/results.  Where
 * the device has too little local memory, fewer input channels, then outputs, then tiles at once.
 */
static int default_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index)
{
    const bool filter = pass == MIEN_CONV2D_BWD_FILTER;
    const int registers = op->lanes == 16 ? 8 : 4;
    int values[MIEN_CONV2D_PARAMS] = {
        [PARAM_TILES] = filter ? 2 : 3,
        [PARAM_INPUTS] = filter ? 2 : 32,
        [PARAM_OUTPUTS] = 64,
        [PARAM_REGISTERS] = registers,
    };
    const int order[] = { PARAM_INPUTS, PARAM_OUTPUTS, PARAM_TILES };
    const int least[] = { filter ? 1 : 8, 16, 1 };
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        while (op->local_bytes > 0 && bytes_of(op, pass, values) > op->local_bytes &&
               values[order[i]] > least[i]) {
            values[order[i]] /= 2;
        }
    }
    return values[index];
}

static size_t local_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    int values[MIEN_CONV2D_PARAMS];
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        values[i] = mien_conv2d_value(op, pass, i);
    }
    return bytes_of(op, pass, values);
}

/* Output channels of a register tile. */
static int tile_outputs(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return mien_conv2d_value(op, pass, PARAM_REGISTERS);
}

/* Channels in and out of a pass that runs as a convolution: forward, or backward data. */
static void channels_of(int *in, int *out, const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    *in = pass == MIEN_CONV2D_BWD_DATA ? op->oc : op->c;
    *out = pass == MIEN_CONV2D_BWD_DATA ? op->c : op->oc;
}

/* Tiles of one image's outputs, which are the inputs of the backward data pass. */
static int image_tiles(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const int side = TILE + 1 - op->kh;
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
           image_tiles(op, pass) >= FEWEST_TILES;
}

static size_t weight_point_floats(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    int in = 0;
    int out = 0;
    channels_of(&in, &out, op, pass);
    const int outputs = tile_outputs(op, pass);
    return (size_t)POINTS * (size_t)(mien_round_up(out, outputs)) * (size_t)in;
}

/* Channels in and out of a work-item of the backward filter pass. */
static int filter_outputs(const struct mien_conv2d *op)
{
    const int registers = tile_outputs(op, MIEN_CONV2D_BWD_FILTER);
    const int wanted = mien_conv2d_value(op, MIEN_CONV2D_BWD_FILTER, PARAM_OUTPUTS);
    return mien_at_most(wanted, mien_divide_up(op->oc, registers) * registers);
}

static int filter_inputs(const struct mien_conv2d *op)
{
    return mien_conv2d_value(op, MIEN_CONV2D_BWD_FILTER, PARAM_INPUTS) * op->lanes;
}

/* Parts of the sum over tiles: a function of the network's sizes alone, as in conv2d_vector.c. */
static int filter_split(const struct mien_conv2d *op)
{
    const int tiles = image_tiles(op, MIEN_CONV2D_BWD_FILTER);
    const int items =
        mien_divide_up(op->c, filter_inputs(op)) * mien_divide_up(op->oc, filter_outputs(op));
    return mien_at_most(mien_divide_up(FILTER_ITEMS, items), tiles);
}

static size_t work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const size_t floats = pass == MIEN_CONV2D_BWD_FILTER
                              ? (size_t)filter_split(op) * mien_conv2d_part_floats(op)
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
    (void)snprintf(options, sizeof(options),
                   "-DWEIGHTS -DLANES=%d -DR=%d -DC=%d -DOC=%d -DOT=%d -DFLIP=%d", op->lanes,
                   op->kh, op->c, op->oc, tile_outputs(op, pass), pass == MIEN_CONV2D_BWD_DATA);
    const struct mien_cl_launch launch = {
        .source = "conv2d_winograd",
        .kernel = "conv2d_winograd_weights",
        .options = options,
        .global = { (size_t)mien_divide_up(out, tile_outputs(op, pass)),
                    (size_t)mien_divide_up(in, WEIGHT_INPUTS) },
    };
    const struct mien_cl_arg args[] = { ARG_BUF(work), ARG_BUF(weight) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

/* A pass that runs as a convolution; `epilogue` is its options for bias, ReLU and mask. */
static enum mien_status convolve(struct mien_cl *cl, const struct mien_cl_arg args[5],
                                 const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                                 const char *epilogue, struct mien_error *err)
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
    const int outputs = tile_outputs(op, pass);
    const int group =
        mien_at_most(mien_conv2d_value(op, pass, PARAM_OUTPUTS), mien_round_up(out, outputs));
    (void)snprintf(
        options, sizeof(options),
        "-DCONVOLVE -DLANES=%d -DR=%d -DIC=%d -DOC=%d -DH=%d -DW=%d -DHO=%d -DWO=%d -DPAD=%d "
        "-DCC=%d -DOG=%d -DNT=%d -DOT=%d %s",
        op->lanes, op->kh, in, out, h, w, ho, wo, forward ? op->pad : op->kh - 1 - op->pad,
        mien_at_most(mien_conv2d_value(op, pass, PARAM_INPUTS), in), group, tiles, outputs,
        epilogue);
    const struct mien_cl_launch launch = {
        .source = "conv2d_winograd",
        .kernel = "conv2d_winograd_convolve",
        .options = options,
        .global = { (size_t)mien_divide_up(image_tiles(op, pass), tiles),
                    (size_t)mien_divide_up(out, group), (size_t)mien_conv2d_blocks(op) },
    };
    return mien_cl_launch(cl, &launch, args, 5, err);
}

static enum mien_status fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_conv2d *op, struct mien_error *err)
{
    char epilogue[64];
    (void)snprintf(epilogue, sizeof(epilogue), "-DBIAS=%d -DRELU=%d -DMASK=0", bias != NULL,
                   op->relu);
    const struct mien_cl_arg args[] = { ARG_BUF(y), ARG_BUF(x), ARG_BUF(work),
                                        ARG_BUF(bias != NULL ? bias : weight), ARG_BUF(x) };
    const enum mien_status st = transform_weights(cl, work, weight, op, MIEN_CONV2D_FWD, err);
    return st == MIEN_OK ? convolve(cl, args, op, MIEN_CONV2D_FWD, epilogue, err) : st;
}

static enum mien_status bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, struct mien_error *err)
{
    char epilogue[64];
    (void)snprintf(epilogue, sizeof(epilogue), "-DBIAS=0 -DRELU=0 -DMASK=%d", mask != NULL);
    const struct mien_cl_arg args[] = { ARG_BUF(dx), ARG_BUF(dy), ARG_BUF(work), ARG_BUF(weight),
                                        ARG_BUF(mask != NULL ? mask : dy) };
    const enum mien_status st = transform_weights(cl, work, weight, op, MIEN_CONV2D_BWD_DATA, err);
    return st == MIEN_OK ? convolve(cl, args, op, MIEN_CONV2D_BWD_DATA, epilogue, err) : st;
}

static enum mien_status bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias, const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_conv2d *op, struct mien_error *err)
{
    const cl_int blocks = mien_conv2d_blocks(op);
    const int split = filter_split(op);
    char options[OPTION_BYTES];
    (void)snprintf(options, sizeof(options),
                   "-DLANES=%d -DR=%d -DC=%d -DOC=%d -DH=%d -DW=%d -DHO=%d -DWO=%d -DPAD=%d "
                   "-DCC=%d -DOG=%d -DNT=%d -DOT=%d -DBIAS=%d -DSPLIT=%d",
                   op->lanes, op->kh, op->c, op->oc, op->h, op->w, op->ho, op->wo, op->pad,
                   filter_inputs(op), filter_outputs(op),
                   mien_conv2d_value(op, MIEN_CONV2D_BWD_FILTER, PARAM_TILES),
                   tile_outputs(op, MIEN_CONV2D_BWD_FILTER), dbias != NULL, split);
    const struct mien_cl_launch launch = {
        .source = "conv2d_winograd_filter",
        .kernel = "conv2d_winograd_filter",
        .options = options,
        .global = { (size_t)mien_divide_up(op->c, filter_inputs(op)),
                    (size_t)mien_divide_up(op->oc, filter_outputs(op)), (size_t)split },
    };
    const struct mien_cl_arg args[] = { ARG_BUF(work), ARG_BUF(dy), ARG_BUF(x), ARG_I32(blocks) };
    const enum mien_status st = mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
    return st == MIEN_OK ? mien_conv2d_add_parts(cl, dweight, dbias, work, op, split, err) : st;
}

const struct mien_conv2d_family mien_conv2d_winograd = {
    .name = "winograd",
    .takes = takes,
    .suits = suits,
    .params = { convolve_params, convolve_params, filter_params },
    .default_value = default_value,
    .local_bytes = local_bytes,
    .work_bytes = work_bytes,
    .fwd = fwd,
    .bwd_data = bwd_data,
    .bwd_filter = bwd_filter,
};
