/* dropout.c - zeroes a random share of the numbers and scales the others, on the device */
#include "ops/dropout.h"

#include <math.h>

#include "base/random.h"
#include "ops/arith.h"
#include "ops/grid.h"

/* Numbers that one block of random bits serves. */
enum { QUAD = 4 };

enum mien_status mien_dropout(struct mien_cl *cl, struct mien_cl_buffer *y,
                              const struct mien_cl_buffer *x, const struct mien_dropout *op,
                              struct mien_error *err)
{
    const struct mien_act *const act = &op->act;
    if (!(op->rate >= 0.0f && op->rate < 1.0f)) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "dropout: rate %g: must be at least 0 and less than 1", (double)op->rate);
    }
    const cl_int blocks = mien_act_blocks(act);
    const cl_int pixels = act->c * act->h * act->w;
    const cl_uint seed_low = (cl_uint)op->seed;
    const cl_uint seed_high = (cl_uint)(op->seed >> 32);
    const cl_uint stream = MIEN_STREAM_DROPOUT;
    /* mien_random_unit() of these 24 bits is below the rate where they are below this. */
    const cl_uint threshold = (cl_uint)ceil((double)op->rate * 0x1p24);
    const cl_float scale = (cl_float)(1.0 / (1.0 - (double)op->rate));
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "dropout", "dropout", act->lanes,
                       (size_t)blocks * (size_t)mien_divide_up(pixels, QUAD), QUAD);
    const struct mien_cl_arg args[] = {
        ARG_BUF(y),         ARG_BUF(x),         ARG_I32(blocks), ARG_I32(pixels),
        ARG_U32(seed_low),  ARG_U32(seed_high), ARG_U32(stream), ARG_U32(op->step),
        ARG_U32(op->layer), ARG_U32(threshold), ARG_F32(scale),  ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
