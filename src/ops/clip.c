/* clip.c - the factor that clips gradients by their global norm, on the device */
#include "ops/clip.h"

#include "ops/grid.h"
#include "ops/optimizer.h"
#include "ops/tensor.h"

/* Gradients of a part: many enough for a work-group of a CPU device, few enough for float sums. */
enum { PART = 4096, HEADER = 2, GPU_GROUP = 64 };

static size_t count_parts(size_t count)
{
    return (count + PART - 1) / PART;
}

size_t mien_clip_bytes(size_t count)
{
    return (HEADER + count_parts(count)) * sizeof(cl_float);
}

enum mien_status mien_clip_factor(struct mien_cl *cl, struct mien_cl_buffer *clip,
                                  const struct mien_cl_buffer *grads, size_t count, float most,
                                  struct mien_error *err)
{
    enum mien_status st = mien_flat_check("clip", count, err);
    if (st != MIEN_OK) {
        return st;
    }
    const cl_int lanes = mien_device_lanes(mien_cl_device(cl));
    const cl_int vectors = (cl_int)(count / (size_t)lanes);
    const cl_int chunk = PART / lanes;
    const cl_int parts = (cl_int)count_parts(count);
    const cl_float limit = most;
    const size_t group = lanes == 1 ? GPU_GROUP : 1;
    const struct mien_cl_launch sum = {
        .source = "clip",
        .kernel = "clip_parts",
        .options = mien_grid_lanes(lanes),
        .global = { (size_t)parts * group },
        .local = { group },
        .flop = (double)count * MIEN_GRID_FLOAT_FLOP,
    };
    const struct mien_cl_arg sum_args[] = { ARG_BUF(clip), ARG_BUF(grads), ARG_I32(vectors),
                                            ARG_I32(chunk) };
    const struct mien_cl_launch total = {
        /* one work-group: never in slices */
        .source = "clip",    .kernel = "clip_factor", .options = mien_grid_lanes(lanes),
        .global = { group }, .local = { group },
    };
    const struct mien_cl_arg total_args[] = { ARG_BUF(clip), ARG_I32(parts), ARG_F32(limit) };
    TRY(mien_cl_launch(cl, &sum, sum_args, ARG_COUNT(sum_args), err));
    TRY(mien_cl_launch(cl, &total, total_args, ARG_COUNT(total_args), err));

done:
    return st;
}
