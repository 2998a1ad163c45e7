/* multiply.c - a tensor times one number for each image and channel on the device */
#include "ops/multiply.h"

#include "ops/grid.h"

static size_t planes_of(const struct mien_act *act)
{
    return mien_act_floats(act) / (size_t)act->lanes / ((size_t)act->h * (size_t)act->w);
}

enum mien_status mien_multiply(struct mien_cl *cl, struct mien_cl_buffer *y,
                               const struct mien_cl_buffer *x, const struct mien_cl_buffer *gates,
                               const struct mien_act *act, struct mien_error *err)
{
    const size_t rows = planes_of(act);
    const cl_int width = (cl_int)(act->h * act->w);
    const cl_int count = (cl_int)rows;
    cl_int cols;
    cl_int chunk;
    const struct mien_cl_launch launch = mien_grid_rows(
        &cols, &chunk, "multiply", "multiply", act->lanes, rows, (size_t)width, (size_t)width);
    const struct mien_cl_arg args[] = {
        ARG_BUF(y),     ARG_BUF(x),    ARG_BUF(gates), ARG_I32(count),
        ARG_I32(width), ARG_I32(cols), ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_multiply_gates_bwd(struct mien_cl *cl, struct mien_cl_buffer *dgates,
                                         const struct mien_cl_buffer *dy,
                                         const struct mien_cl_buffer *x,
                                         const struct mien_cl_buffer *mask,
                                         const struct mien_act *act, struct mien_error *err)
{
    const size_t rows = planes_of(act);
    const cl_int count = (cl_int)rows;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "multiply", "multiply_gates_bwd", act->lanes, rows,
                       (size_t)act->h * (size_t)act->w);
    const struct mien_cl_arg args[] = {
        ARG_BUF(dgates), ARG_BUF(dy),     ARG_BUF(x),      mien_grid_optional(mask),
        ARG_I32(count),  ARG_I32(act->h), ARG_I32(act->w), ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
