/* gather.c - a batch of images and labels from a uint8 set on the device */
#include "ops/gather.h"

#include "ops/grid.h"

enum { LABEL_GROUP = 64 };

static enum mien_status check_sizes(const struct mien_gather *op, struct mien_error *err)
{
    if (op->count < 1 || op->first < 0 || !(op->std > 0.0f)) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "gather: a set of %d images from index %d with std %g: there must be an "
                         "image, and std above 0",
                         op->count, op->first, (double)op->std);
    }
    return mien_act_check(&op->act, "batch", err);
}

enum mien_status mien_gather_images(struct mien_cl *cl, struct mien_cl_buffer *x,
                                    const struct mien_cl_buffer *set,
                                    const struct mien_cl_buffer *indices,
                                    const struct mien_gather *op, struct mien_error *err)
{
    const struct mien_act *const act = &op->act;
    const enum mien_status st = check_sizes(op, err);
    if (st != MIEN_OK) {
        return st;
    }
    const cl_int rows = mien_act_blocks(act) * act->c * act->h;
    const cl_float scale = (cl_float)(1.0 / (255.0 * (double)op->std));
    const cl_float shift = (cl_float)(-(double)op->mean / (double)op->std);
    cl_int cols;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_rows(&cols, &chunk, "gather", "gather_images", act->lanes, (size_t)rows,
                       (size_t)act->w, (size_t)act->w * (size_t)act->lanes);
    const struct mien_cl_arg args[] = {
        ARG_BUF(x),      ARG_BUF(set),   ARG_BUF(indices), ARG_I32(op->first), ARG_I32(op->count),
        ARG_I32(act->n), ARG_I32(rows),  ARG_I32(act->c),  ARG_I32(act->h),    ARG_I32(act->w),
        ARG_F32(scale),  ARG_F32(shift), ARG_I32(cols),    ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_gather_labels(struct mien_cl *cl, struct mien_cl_buffer *out,
                                    const struct mien_cl_buffer *labels,
                                    const struct mien_cl_buffer *indices,
                                    const struct mien_gather *op, struct mien_error *err)
{
    const enum mien_status st = check_sizes(op, err);
    if (st != MIEN_OK) {
        return st;
    }
    const struct mien_cl_launch launch = {
        .source = "gather",
        .kernel = "gather_labels",
        .options = mien_grid_lanes(op->act.lanes),
        .global = { (size_t)op->act.n },
        .local = { LABEL_GROUP },
    };
    const struct mien_cl_arg args[] = {
        ARG_BUF(out),       ARG_BUF(labels),    ARG_BUF(indices),
        ARG_I32(op->first), ARG_I32(op->count), ARG_I32(op->act.n)
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
