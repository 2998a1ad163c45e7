/* conv2d_channel.c - host side of kernels/conv2d_channel.cl: the filter's gradient by channel
 * vectors */
#include <stdio.h>

#include "ops/arith.h"
#include "ops/conv2d_variants.h"

enum {
    OPTION_BYTES = 320,
    ITEMS_WANTED = 32,       /* work-items, so that every core has some */
    CACHE_BYTES = 512 << 10, /* of turned inputs and sums, that a core's cache should hold */
    FEWEST_CHANNELS = 8,     /* below, most of a vector of channels would be empty */
};

/* Vectors of input channels of the register tile, outputs of it, outputs of a work-item. */
enum { PARAM_VECTORS, PARAM_REGISTERS, PARAM_OUTPUTS };
static const struct mien_conv2d_param filter_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_VECTORS] = { "vectors", { 1, 2, 4 }, false },
    [PARAM_REGISTERS] = { "registers", { 4, 6, 8 }, false },
    [PARAM_OUTPUTS] = { "outputs", { 16, 32, 64 }, false },
};

static int default_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index)
{
    (void)pass;
    switch (index) {
    case PARAM_VECTORS: return 2;
    case PARAM_REGISTERS: return op->lanes == 16 ? 8 : 4;
    case PARAM_OUTPUTS: return 32;
    default: return 0;
    }
}

static int value_of(const struct mien_conv2d *op, int index)
{
    return mien_conv2d_value(op, MIEN_CONV2D_BWD_FILTER, index);
}

static int inputs_of(const struct mien_conv2d *op)
{
    return value_of(op, PARAM_VECTORS) * op->lanes;
}

static int outputs_of(const struct mien_conv2d *op)
{
    const int registers = value_of(op, PARAM_REGISTERS);
    const int outputs = mien_at_most(value_of(op, PARAM_OUTPUTS), op->oc);
    return mien_divide_up(outputs, registers) * registers;
}

static bool takes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return pass == MIEN_CONV2D_BWD_FILTER && op->lanes > 1;
}

static size_t local_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    (void)pass;
    const size_t vectors = (size_t)value_of(op, PARAM_VECTORS);
    const size_t outputs = (size_t)outputs_of(op);
    const size_t turned = (size_t)op->h * (size_t)op->w * (size_t)op->lanes * vectors;
    const size_t sums = (size_t)op->kh * (size_t)op->kw * outputs * vectors;
    return (turned + sums + outputs) * (size_t)op->lanes * sizeof(cl_float);
}

static bool suits(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    struct mien_conv2d tried = *op;
    tried.variant[pass] = MIEN_CONV2D_CHANNEL;
    return takes(op, pass) && op->c >= FEWEST_CHANNELS && op->oc >= FEWEST_CHANNELS &&
           local_bytes(&tried, pass) <= CACHE_BYTES;
}

/* Parts of the sum over image blocks: a function of the network's sizes alone, as in
 * conv2d_vector.c. */
static int split_of(const struct mien_conv2d *op)
{
    const int items = mien_divide_up(op->c, inputs_of(op)) * mien_divide_up(op->oc, outputs_of(op));
    return mien_divide_up(ITEMS_WANTED, items);
}

static size_t work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    (void)pass;
    return (size_t)split_of(op) * mien_conv2d_part_floats(op) * sizeof(cl_float);
}

static enum mien_status bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias, const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_conv2d *op, struct mien_error *err)
{
    const cl_int blocks = mien_divide_up(op->n, op->lanes);
    const int split = split_of(op);
    char options[OPTION_BYTES];
    (void)snprintf(options, sizeof(options),
                   "-DLANES=%d -DC=%d -DH=%d -DW=%d -DOC=%d -DKH=%d -DKW=%d -DSTRIDE=%d -DPAD=%d "
                   "-DHO=%d -DWO=%d -DCC=%d -DOG=%d -DOT=%d -DBIAS=%d -DSPLIT=%d",
                   op->lanes, op->c, op->h, op->w, op->oc, op->kh, op->kw, op->stride, op->pad,
                   op->ho, op->wo, inputs_of(op), outputs_of(op), value_of(op, PARAM_REGISTERS),
                   dbias != NULL, split);
    const struct mien_cl_launch launch = {
        .source = "conv2d_channel",
        .kernel = "conv2d_channel_filter",
        .options = options,
        .global = { (size_t)mien_divide_up(op->c, inputs_of(op)),
                    (size_t)mien_divide_up(op->oc, outputs_of(op)), (size_t)split },
        .flop = mien_conv2d_flop(op),
    };
    const struct mien_cl_arg args[] = { ARG_BUF(work), ARG_BUF(dy), ARG_BUF(x), ARG_I32(blocks) };
    const enum mien_status st = mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
    return st == MIEN_OK ? mien_conv2d_add_parts(cl, dweight, dbias, work, op, split, err) : st;
}

const struct mien_conv2d_family mien_conv2d_channel = {
    .name = "channel",
    .takes = takes,
    .suits = suits,
    .params = { NULL, NULL, filter_params },
    .default_value = default_value,
    .local_bytes = local_bytes,
    .work_bytes = work_bytes,
    .bwd_filter = bwd_filter,
};
