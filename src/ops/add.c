/* add.c - the sum of two tensors on the device */
#include "ops/add.h"

#include "ops/grid.h"

enum mien_status mien_add_fwd(struct mien_cl *cl, struct mien_cl_buffer *y,
                              const struct mien_cl_buffer *a, const struct mien_cl_buffer *b,
                              const struct mien_act *act, bool relu, struct mien_error *err)
{
    const cl_int count = (cl_int)(mien_act_floats(act) / (size_t)act->lanes);
    const cl_int relu_on = relu;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "add", "add_fwd", act->lanes, (size_t)count, 1);
    const struct mien_cl_arg args[] = { ARG_BUF(y),       ARG_BUF(a),     ARG_BUF(b),
                                        ARG_I32(relu_on), ARG_I32(count), ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_add_bwd(struct mien_cl *cl, struct mien_cl_buffer *dx,
                              const struct mien_cl_buffer *da, const struct mien_cl_buffer *db,
                              const struct mien_cl_buffer *mask, const struct mien_act *act,
                              struct mien_error *err)
{
    const cl_int count = (cl_int)(mien_act_floats(act) / (size_t)act->lanes);
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "add", "add_bwd", act->lanes, (size_t)count, 1);
    const struct mien_cl_arg args[] = {
        ARG_BUF(dx),    ARG_BUF(da),    ARG_BUF(db), mien_grid_optional(mask),
        ARG_I32(count), ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
