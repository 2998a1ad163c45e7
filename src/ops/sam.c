/* sam.c - sharpness-aware minimisation on the device: up the slope */
#include "ops/sam.h"

#include "ops/grid.h"
#include "ops/optimizer.h"
#include "ops/tensor.h"

enum mien_status mien_sam_climb(struct mien_cl *cl, struct mien_cl_buffer *params,
                                struct mien_cl_buffer *saved, const struct mien_cl_buffer *grads,
                                const struct mien_cl_buffer *clip, size_t count, float radius,
                                struct mien_error *err)
{
    const enum mien_status st = mien_flat_check("sam", count, err);
    if (st != MIEN_OK) {
        return st;
    }
    const cl_int lanes = mien_device_lanes(mien_cl_device(cl));
    const cl_int vectors = (cl_int)(count / (size_t)lanes);
    const cl_float far = radius;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "sam", "sam_climb", lanes, (size_t)vectors, 1);
    const struct mien_cl_arg args[] = {
        ARG_BUF(params),  ARG_BUF(saved), ARG_BUF(grads), ARG_BUF(clip),
        ARG_I32(vectors), ARG_F32(far),   ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
