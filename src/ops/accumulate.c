/* accumulate.c - sums of the gradients of several batches on the device */
#include "ops/accumulate.h"

#include "ops/grid.h"
#include "ops/optimizer.h"
#include "ops/tensor.h"

enum mien_status mien_accumulate(struct mien_cl *cl, struct mien_cl_buffer *sum,
                                 const struct mien_cl_buffer *grads, size_t count, bool begins,
                                 struct mien_error *err)
{
    const enum mien_status st = mien_flat_check("accumulate", count, err);
    if (st != MIEN_OK) {
        return st;
    }
    const cl_int lanes = mien_device_lanes(mien_cl_device(cl));
    const cl_int vectors = (cl_int)(count / (size_t)lanes);
    const cl_int first = begins;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "accumulate", "accumulate", lanes, (size_t)vectors, 1);
    const struct mien_cl_arg args[] = { ARG_BUF(sum), ARG_BUF(grads), ARG_I32(vectors),
                                        ARG_I32(first), ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
