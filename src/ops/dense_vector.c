/* dense_vector.c - host side of kernels/dense_vector.cl: dense layers for CPU devices */
#include <stdio.h>

#include "ops/arith.h"
#include "ops/dense_families.h"
#include "ops/grid.h"

enum {
    OPTION_BYTES = 128,
    TILE_OUTPUTS = 4,
    FORWARD_PIECE = 512, /* inputs whose activations stay in a core's cache */
    FORWARD_PART = 256,  /* fewest inputs of a part of the sum */
    FORWARD_SPLITS = 32, /* most parts of the sum over the inputs */
    FORWARD_GROUP = 32,  /* fewest outputs of a group when parts are few */
    DATA_PIECE = 64,     /* inputs a work-item of the backward pass makes */
    WEIGHT_COLUMNS = 2,  /* vectors of inputs a work-item makes, as in the kernel */
    WEIGHT_BLOCKS = 256, /* images turned at once */
    BIAS_OUTPUTS = 16,   /* outputs a work-item sums, as in the kernel */
};

static int blocks_of(const struct mien_dense *op)
{
    return mien_divide_up(op->n, op->lanes);
}

/* Register tiles: 16 lanes are AVX-512 with 32 registers, fewer mean 16 registers. */
static void write_options(char out[OPTION_BYTES], const struct mien_dense *op)
{
    const bool many = op->lanes == 16;
    (void)snprintf(out, OPTION_BYTES,
                   "-DLANES=%d -DOT=%d -DBT=%d -DWT=%d -DFORWARD_PIECE=%d -DDATA_PIECE=%d "
                   "-DWEIGHT_PIECE=%d",
                   op->lanes, TILE_OUTPUTS, many ? 5 : 3, many ? 8 : 4, FORWARD_PIECE, DATA_PIECE,
                   WEIGHT_BLOCKS / op->lanes);
}

static int forward_splits(const struct mien_dense *op)
{
    return mien_at_most(FORWARD_SPLITS, mien_divide_up(op->in, FORWARD_PART));
}

static int forward_groups(const struct mien_dense *op)
{
    return forward_splits(op) >= FORWARD_SPLITS / 2 ? 1 : mien_divide_up(op->out, FORWARD_GROUP);
}

static size_t work_bytes(const struct mien_dense *op)
{
    return (size_t)forward_splits(op) * (size_t)blocks_of(op) * (size_t)op->lanes *
           (size_t)op->out * sizeof(cl_float);
}

static enum mien_status fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_dense *op, struct mien_error *err)
{
    const cl_int blocks = blocks_of(op);
    const cl_int splits = forward_splits(op);
    const cl_int groups = forward_groups(op);
    const cl_int relu_on = op->relu;
    char options[OPTION_BYTES];
    write_options(options, op);
    const struct mien_cl_launch parts = {
        .source = "dense_vector",
        .kernel = "dense_vector_fwd",
        .options = options,
        .global = { (size_t)groups, (size_t)splits },
        .flop = 2.0 * op->n * (double)op->in * op->out,
    };
    const struct mien_cl_arg part_args[] = { ARG_BUF(work),   ARG_BUF(x),      ARG_BUF(weight),
                                             ARG_I32(blocks), ARG_I32(op->in), ARG_I32(op->out),
                                             ARG_I32(splits), ARG_I32(groups) };
    const enum mien_status st = mien_cl_launch(cl, &parts, part_args, ARG_COUNT(part_args), err);
    if (st != MIEN_OK) {
        return st;
    }
    const struct mien_cl_launch sum = {
        .source = "dense_vector",
        .kernel = "dense_vector_fwd_sum",
        .options = options,
        .global = { (size_t)blocks },
        .flop = (double)op->n * op->out * splits * MIEN_GRID_FLOAT_FLOP,
    };
    const struct mien_cl_arg sum_args[] = {
        ARG_BUF(y),       ARG_BUF(work),   mien_grid_optional(bias), ARG_I32(blocks),
        ARG_I32(op->out), ARG_I32(splits), ARG_I32(relu_on),
    };
    return mien_cl_launch(cl, &sum, sum_args, ARG_COUNT(sum_args), err);
}

static enum mien_status bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_dense *op, struct mien_error *err)
{
    (void)work;
    const cl_int blocks = blocks_of(op);
    char options[OPTION_BYTES];
    write_options(options, op);
    const struct mien_cl_launch launch = {
        .source = "dense_vector",
        .kernel = "dense_vector_bwd_data",
        .options = options,
        .global = { (size_t)mien_divide_up(op->in, DATA_PIECE) },
        .flop = 2.0 * op->n * (double)op->in * op->out,
    };
    const struct mien_cl_arg args[] = {
        ARG_BUF(dx),     ARG_BUF(dy),     ARG_BUF(weight),  mien_grid_optional(mask),
        ARG_I32(blocks), ARG_I32(op->in), ARG_I32(op->out),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status bwd_weight(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias, const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_dense *op, struct mien_error *err)
{
    (void)work;
    const cl_int blocks = blocks_of(op);
    char options[OPTION_BYTES];
    write_options(options, op);
    const struct mien_cl_launch launch = {
        .source = "dense_vector",
        .kernel = "dense_vector_bwd_weight",
        .options = options,
        .global = { (size_t)mien_divide_up(op->in, WEIGHT_COLUMNS * op->lanes) },
        .flop = 2.0 * op->n * (double)op->in * op->out,
    };
    const struct mien_cl_arg args[] = { ARG_BUF(dweight), ARG_BUF(dy),     ARG_BUF(x),
                                        ARG_I32(blocks),  ARG_I32(op->in), ARG_I32(op->out) };
    const enum mien_status st = mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
    if (st != MIEN_OK || dbias == NULL) {
        return st;
    }
    const struct mien_cl_launch bias = {
        .source = "dense_vector",
        .kernel = "dense_vector_bwd_bias",
        .options = options,
        .global = { (size_t)mien_divide_up(op->out, BIAS_OUTPUTS) },
        .flop = (double)op->n * op->out * MIEN_GRID_FLOAT_FLOP,
    };
    const struct mien_cl_arg bias_args[] = { ARG_BUF(dbias), ARG_BUF(dy), ARG_I32(blocks),
                                             ARG_I32(op->out) };
    return mien_cl_launch(cl, &bias, bias_args, ARG_COUNT(bias_args), err);
}

const struct mien_dense_family mien_dense_vector = {
    .work_bytes = work_bytes,
    .fwd = fwd,
    .bwd_data = bwd_data,
    .bwd_weight = bwd_weight,
};
