/* average.c - moving averages of flat numbers on the device */
#include "ops/average.h"

#include "ops/grid.h"
#include "ops/tensor.h"

static enum mien_status check_count(size_t count, struct mien_error *err)
{
    if (count == 0 || count > MIEN_MOST_FLOATS) {
        return mien_fail(err, MIEN_ERR_SHAPE, "average: %zu numbers: must be from 1 to %d", count,
                         MIEN_MOST_FLOATS);
    }
    return MIEN_OK;
}

/* Vectors where the numbers fill whole ones: parameters do, logits of CLBlast's need not. */
static cl_int choose_lanes(const struct mien_cl *cl, size_t count)
{
    const int lanes = mien_device_lanes(mien_cl_device(cl));
    return count % (size_t)lanes == 0 ? lanes : 1;
}

enum mien_status mien_average_update(struct mien_cl *cl, struct mien_cl_buffer *average,
                                     const struct mien_cl_buffer *params, size_t count, float share,
                                     struct mien_error *err)
{
    const enum mien_status st = check_count(count, err);
    if (st != MIEN_OK) {
        return st;
    }
    const cl_int lanes = choose_lanes(cl, count);
    const cl_int vectors = (cl_int)(count / (size_t)lanes);
    const cl_float part = share;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "average", "average_update", lanes, (size_t)vectors, 1);
    const struct mien_cl_arg args[] = { ARG_BUF(average), ARG_BUF(params), ARG_I32(vectors),
                                        ARG_F32(part), ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_average_swap(struct mien_cl *cl, struct mien_cl_buffer *average,
                                   struct mien_cl_buffer *params, size_t count,
                                   struct mien_error *err)
{
    const enum mien_status st = check_count(count, err);
    if (st != MIEN_OK) {
        return st;
    }
    const cl_int lanes = choose_lanes(cl, count);
    const cl_int vectors = (cl_int)(count / (size_t)lanes);
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "average", "average_swap", lanes, (size_t)vectors, 1);
    const struct mien_cl_arg args[] = { ARG_BUF(average), ARG_BUF(params), ARG_I32(vectors),
                                        ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
