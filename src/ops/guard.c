/* guard.c - whether a step's loss and gradients are finite, found on the device */
#include "ops/guard.h"

#include <assert.h>

#include "ops/grid.h"
#include "ops/optimizer.h"
#include "ops/tensor.h"

enum mien_status mien_guard_step(struct mien_cl *cl, struct mien_cl_buffer *guard,
                                 const struct mien_cl_buffer *grads,
                                 const struct mien_cl_buffer *stats, size_t count, cl_int step,
                                 struct mien_error *err)
{
    const enum mien_status st = mien_flat_check("guard", count, err);
    if (st != MIEN_OK) {
        return st;
    }
    assert(step != 0);
    const cl_int lanes = mien_device_lanes(mien_cl_device(cl));
    const cl_int vectors = (cl_int)(count / (size_t)lanes);
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "guard", "guard_step", lanes, (size_t)vectors, 1);
    const struct mien_cl_arg args[] = { ARG_BUF(guard),   ARG_BUF(grads), ARG_BUF(stats),
                                        ARG_I32(vectors), ARG_I32(step),  ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
