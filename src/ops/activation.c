/* activation.c - leaky ReLU, sigmoid, SiLU and GELU on the device */
#include "ops/activation.h"

#include <stdio.h>

#include "ops/grid.h"

enum { WORK = 8 }; /* what an exponential takes, in vectors that are copied */

struct options {
    char text[48];
};

/* A launch over all vectors; `options` must live until it is enqueued. */
static struct mien_cl_launch grid_of(cl_int *chunk, cl_int *count, struct options *options,
                                     const char *kernel, const struct mien_activation *op)
{
    static const char *const names[MIEN_ACTIVATIONS] = { "LEAKYRELU", "SIGMOID", "SILU", "GELU" };
    const cl_int lanes = op->act.lanes;
    *count = (cl_int)(mien_act_floats(&op->act) / (size_t)lanes);
    struct mien_cl_launch launch =
        mien_grid_flat(chunk, "activation", kernel, lanes, (size_t)*count,
                       op->kind == MIEN_ACTIVATION_LEAKYRELU ? 1 : WORK);
    (void)snprintf(options->text, sizeof(options->text), "%s -D%s", launch.options,
                   names[op->kind]);
    launch.options = options->text;
    return launch;
}

enum mien_status mien_activation_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                                     const struct mien_cl_buffer *x,
                                     const struct mien_activation *op, struct mien_error *err)
{
    cl_int chunk;
    cl_int count;
    struct options options;
    const struct mien_cl_launch launch = grid_of(&chunk, &count, &options, "activation_fwd", op);
    const struct mien_cl_arg args[] = { ARG_BUF(y), ARG_BUF(x), ARG_F32(op->slope), ARG_I32(count),
                                        ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_activation_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                     const struct mien_cl_buffer *dy,
                                     const struct mien_cl_buffer *x,
                                     const struct mien_activation *op, struct mien_error *err)
{
    cl_int chunk;
    cl_int count;
    struct options options;
    const cl_int masked = op->after_relu;
    const struct mien_cl_launch launch = grid_of(&chunk, &count, &options, "activation_bwd", op);
    const struct mien_cl_arg args[] = { ARG_BUF(dx),        ARG_BUF(dy),     ARG_BUF(x),
                                        ARG_F32(op->slope), ARG_I32(masked), ARG_I32(count),
                                        ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
