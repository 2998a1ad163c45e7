/* conv2d_product.c - host side of kernels/conv2d_product.cl: convolutions of 1x1 as matrix products
 */
#include <stdio.h>

#include "ops/arith.h"
#include "ops/conv2d_variants.h"

enum {
    OPTION_BYTES = 320,
    NEIGHBOURS = 3,          /* pixels of a register tile */
    ITEMS_WANTED = 32,       /* work-items, so that every core has some */
    CACHE_BYTES = 256 << 10, /* of inputs, that a core's cache should hold beside the rest */
    FEWEST_CHANNELS = 8,     /* below, there is little to share */
    MOST_REGISTERS = 8,
    LARGEST_GROUP = 66, /* input channels of a work-item of the sums, at most */
};

/* Forward and backward data: pixels of a work-item, output channels of a register tile. */
enum { PARAM_PIXELS, PARAM_REGISTERS };
static const struct mien_conv2d_param convolve_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_PIXELS] = { "pixels", { 3, 6, 12, 24, 48 }, false },
    [PARAM_REGISTERS] = { "registers", { 4, 8 }, false },
};

/* Backward filter: pixels at a time, output channels of a work-item. */
enum { PARAM_OUTPUTS = 1 };
static const struct mien_conv2d_param filter_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_PIXELS] = { "pixels", { 8, 16, 32, 64 }, false },
    [PARAM_OUTPUTS] = { "outputs", { 12, 24, 48 }, false },
};

static size_t vector_bytes(const struct mien_conv2d *op)
{
    return (size_t)op->lanes * sizeof(cl_float);
}

static int inputs_of(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return pass == MIEN_CONV2D_BWD_DATA ? op->oc : op->c;
}

/* Of a register tile of the sums: 16 lanes are AVX-512 with 32 registers, fewer mean 16. */
static int tile_outputs(const struct mien_conv2d *op)
{
    return op->lanes == 16 ? 4 : 3;
}

static int tile_inputs(const struct mien_conv2d *op)
{
    return op->lanes == 16 ? 6 : 3;
}

/* Input channels of a work-item of the sums: as many as there are, in groups of equal size. */
static int group_inputs(const struct mien_conv2d *op)
{
    const int groups = mien_divide_up(op->c, LARGEST_GROUP);
    return mien_round_up(mien_divide_up(op->c, groups), tile_inputs(op));
}

static int group_outputs(const struct mien_conv2d *op, int outputs)
{
    const int groups = mien_divide_up(op->oc, outputs);
    return mien_round_up(mien_divide_up(op->oc, groups), tile_outputs(op));
}

/* Local memory of the sums with these values: both tiles, the sums, the biases. */
static size_t sum_bytes(const struct mien_conv2d *op, int pixels, int outputs)
{
    const size_t o = (size_t)group_outputs(op, outputs);
    const size_t c = (size_t)group_inputs(op);
    return ((o + c) * (size_t)pixels + o * c + o) * vector_bytes(op);
}

/* Local memory of the other passes: inputs, and the weights of at most so many outputs. */
static size_t copy_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int pixels)
{
    const size_t each = (size_t)pixels * vector_bytes(op) + MOST_REGISTERS * sizeof(cl_float);
    return (size_t)inputs_of(op, pass) * each;
}

/* Measured on PoCL with 16 lanes: docs/performance.md.  Less where there is less local memory. */
static int default_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index)
{
    if (pass != MIEN_CONV2D_BWD_FILTER) {
        int pixels = 48;
        size_t most = CACHE_BYTES;
        most = op->local_bytes > 0 && op->local_bytes < most ? op->local_bytes : most;
        while (pixels > NEIGHBOURS && copy_bytes(op, pass, pixels) > most) {
            pixels /= 2;
        }
        return index == PARAM_PIXELS ? pixels : op->lanes == 16 ? 8 : 4;
    }
    int pixels = 32;
    int outputs = 48;
    while (op->local_bytes > 0 && sum_bytes(op, pixels, outputs) > op->local_bytes && pixels > 8) {
        pixels /= 2;
    }
    while (op->local_bytes > 0 && sum_bytes(op, pixels, outputs) > op->local_bytes &&
           outputs > 12) {
        outputs /= 2;
    }
    return index == PARAM_PIXELS ? pixels : outputs;
}

static size_t local_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const int pixels = mien_conv2d_value(op, pass, PARAM_PIXELS);
    return pass == MIEN_CONV2D_BWD_FILTER
               ? sum_bytes(op, pixels, mien_conv2d_value(op, pass, PARAM_OUTPUTS))
               : copy_bytes(op, pass, pixels);
}

static bool takes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    (void)pass;
    return op->lanes > 1 && op->kh == 1 && op->kw == 1 && op->stride == 1 && op->pad == 0;
}

static bool suits(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return takes(op, pass) && op->c >= FEWEST_CHANNELS && op->oc >= FEWEST_CHANNELS;
}

/* Work-items of the sums that share nothing. */
static int groups_of(const struct mien_conv2d *op, int *inputs, int *outputs)
{
    *inputs = group_inputs(op);
    *outputs = group_outputs(op, mien_conv2d_value(op, MIEN_CONV2D_BWD_FILTER, PARAM_OUTPUTS));
    return mien_divide_up(op->c, *inputs) * mien_divide_up(op->oc, *outputs);
}

/* Parts of the sum over pixels: a function of the network's sizes alone, as in conv2d_vector.c. */
static int split_of(const struct mien_conv2d *op)
{
    int inputs = 0;
    int outputs = 0;
    return mien_divide_up(ITEMS_WANTED, groups_of(op, &inputs, &outputs));
}

static size_t work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return pass == MIEN_CONV2D_BWD_FILTER
               ? (size_t)split_of(op) * mien_conv2d_part_floats(op) * sizeof(cl_float)
               : 0;
}

/* A pass that runs as a convolution; `epilogue` is its options for bias, ReLU and mask. */
static enum mien_status convolve(struct mien_cl *cl, const struct mien_cl_arg args[5],
                                 const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                                 const char *epilogue, struct mien_error *err)
{
    const bool turned = pass == MIEN_CONV2D_BWD_DATA;
    const int tile = mien_conv2d_value(op, pass, PARAM_PIXELS);
    char options[OPTION_BYTES];
    (void)snprintf(options, sizeof(options),
                   "-DCONVOLVE -DLANES=%d -DPIXELS=%d -DNT=%d -DNX=%d -DOT=%d -DIC=%d -DOC=%d "
                   "-DTURNED=%d %s",
                   op->lanes, op->h * op->w, tile, NEIGHBOURS,
                   mien_conv2d_value(op, pass, PARAM_REGISTERS), inputs_of(op, pass),
                   turned ? op->c : op->oc, turned, epilogue);
    const struct mien_cl_launch launch = {
        .source = "conv2d_product",
        .kernel = "conv2d_product_convolve",
        .options = options,
        .global = { (size_t)mien_divide_up(op->h * op->w, tile), (size_t)mien_conv2d_blocks(op) },
        .flop = mien_conv2d_flop(op),
    };
    return mien_cl_launch(cl, &launch, args, 5, err);
}

static enum mien_status fwd(struct mien_cl *cl, const struct mien_conv2d_out *result,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_conv2d *op, struct mien_error *err)
{
    (void)work;
    char epilogue[64];
    (void)snprintf(epilogue, sizeof(epilogue), "-DBIAS=%d -DRELU=%d -DMASK=0", bias != NULL,
                   op->relu);
    const struct mien_cl_arg args[] = { ARG_BUF(result->y), ARG_BUF(x), ARG_BUF(weight),
                                        ARG_BUF(bias != NULL ? bias : weight), ARG_BUF(x) };
    return convolve(cl, args, op, MIEN_CONV2D_FWD, epilogue, err);
}

static enum mien_status bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, struct mien_error *err)
{
    (void)work;
    char epilogue[64];
    (void)snprintf(epilogue, sizeof(epilogue), "-DBIAS=0 -DRELU=0 -DMASK=%d", mask != NULL);
    const struct mien_cl_arg args[] = { ARG_BUF(dx), ARG_BUF(dy), ARG_BUF(weight), ARG_BUF(weight),
                                        ARG_BUF(mask != NULL ? mask : dy) };
    return convolve(cl, args, op, MIEN_CONV2D_BWD_DATA, epilogue, err);
}

static enum mien_status bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias, const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_conv2d *op, struct mien_error *err)
{
    const cl_int blocks = mien_conv2d_blocks(op);
    const int split = split_of(op);
    int inputs = 0;
    int outputs = 0;
    (void)groups_of(op, &inputs, &outputs);
    char options[OPTION_BYTES];
    (void)snprintf(options, sizeof(options),
                   "-DSUM -DLANES=%d -DPIXELS=%d -DNT=%d -DOT=%d -DCT=%d -DC=%d -DOC=%d -DCG=%d "
                   "-DOG=%d -DBIAS=%d -DSPLIT=%d",
                   op->lanes, op->h * op->w,
                   mien_conv2d_value(op, MIEN_CONV2D_BWD_FILTER, PARAM_PIXELS), tile_outputs(op),
                   tile_inputs(op), op->c, op->oc, inputs, outputs, dbias != NULL, split);
    const struct mien_cl_launch launch = {
        .source = "conv2d_product",
        .kernel = "conv2d_product_filter",
        .options = options,
        .global = { (size_t)mien_divide_up(op->c, inputs), (size_t)mien_divide_up(op->oc, outputs),
                    (size_t)split },
        .flop = mien_conv2d_flop(op),
    };
    const struct mien_cl_arg args[] = { ARG_BUF(work), ARG_BUF(dy), ARG_BUF(x), ARG_I32(blocks) };
    const enum mien_status st = mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
    return st == MIEN_OK ? mien_conv2d_add_parts(cl, dweight, dbias, work, op, split, err) : st;
}

const struct mien_conv2d_family mien_conv2d_product = {
    .name = "product",
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
