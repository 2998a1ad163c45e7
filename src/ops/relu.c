/* relu.c - max(x, 0) on the device */
#include "ops/relu.h"

#include "ops/grid.h"

enum mien_status mien_relu_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                               const struct mien_cl_buffer *x, const struct mien_act *act,
                               struct mien_error *err)
{
    const cl_int count = (cl_int)(mien_act_floats(act) / (size_t)act->lanes);
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "relu", "relu_fwd", act->lanes, (size_t)count, 1);
    const struct mien_cl_arg args[] = { ARG_BUF(y), ARG_BUF(x), ARG_I32(count), ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_relu_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                               const struct mien_cl_buffer *dy, const struct mien_cl_buffer *y,
                               const struct mien_act *act, struct mien_error *err)
{
    const cl_int count = (cl_int)(mien_act_floats(act) / (size_t)act->lanes);
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "relu", "relu_bwd", act->lanes, (size_t)count, 1);
    const struct mien_cl_arg args[] = { ARG_BUF(dx), ARG_BUF(dy), ARG_BUF(y), ARG_I32(count),
                                        ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
