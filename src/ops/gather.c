/* gather.c - a batch of images and labels from a uint8 set on the device */
#include "ops/gather.h"

#include "ops/grid.h"

enum { LABEL_GROUP = 64, MOST_MARGIN = 1 << 16 };

static enum mien_status check_sizes(const struct mien_gather *op, struct mien_error *err)
{
    const struct mien_act *const act = &op->act;
    if (op->count < 1 || op->first < 0 || !(op->std > 0.0f) || op->margin < 0 ||
        op->margin > MOST_MARGIN || !(op->second >= 0.0f && op->second <= 1.0f)) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "gather: a set of %d images with margin %d from index %d with std %g, "
                         "mixed to a share of %g: there must be an image, a margin of 0 to %d, std "
                         "above 0, and a share of 0 to 1",
                         op->count, op->margin, op->first, (double)op->std, (double)op->second,
                         MOST_MARGIN);
    }
    const struct mien_act image = { 1, act->c, act->h + 2 * op->margin, act->w + 2 * op->margin,
                                    1 };
    const enum mien_status st = mien_act_check(act, "batch", err);
    if (op->view.down < -op->margin || op->view.down > op->margin || op->view.right < -op->margin ||
        op->view.right > op->margin) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "gather: a view %d down and %d to the right: there is a margin of %d",
                         op->view.down, op->view.right, op->margin);
    }
    return st == MIEN_OK ? mien_act_check(&image, "image of the set", err) : st;
}

/* Normalising as one multiply-add. */
static cl_float scale_of(const struct mien_gather *op)
{
    return (cl_float)(1.0 / (255.0 * (double)op->std));
}

static cl_float shift_of(const struct mien_gather *op)
{
    return (cl_float)(-(double)op->mean / (double)op->std);
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
    const cl_int top = op->margin + op->view.down;
    const cl_int step = op->view.mirror ? -1 : 1;
    const cl_int left = op->margin + op->view.right + (op->view.mirror ? act->w - 1 : 0);
    const cl_float scale = scale_of(op);
    const cl_float shift = shift_of(op);
    cl_int cols;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_rows(&cols, &chunk, "gather", "gather_images", act->lanes, (size_t)rows,
                       (size_t)act->w, (size_t)act->w * (size_t)act->lanes);
    const struct mien_cl_arg args[] = {
        ARG_BUF(x),         ARG_BUF(set),    ARG_BUF(indices),    ARG_I32(op->first),
        ARG_I32(op->count), ARG_I32(act->n), ARG_I32(rows),       ARG_I32(act->c),
        ARG_I32(act->h),    ARG_I32(act->w), ARG_I32(op->margin), ARG_I32(top),
        ARG_I32(left),      ARG_I32(step),   ARG_F32(scale),      ARG_F32(shift),
        ARG_I32(cols),      ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_gather_changed(struct mien_cl *cl, struct mien_cl_buffer *x,
                                     const struct mien_cl_buffer *set,
                                     const struct mien_cl_buffer *indices,
                                     const struct mien_cl_buffer *changes,
                                     const struct mien_gather *op, struct mien_error *err)
{
    const struct mien_act *const act = &op->act;
    const enum mien_status st = check_sizes(op, err);
    if (st != MIEN_OK) {
        return st;
    }
    const cl_int rows = mien_act_blocks(act) * act->c * act->h;
    const cl_float scale = scale_of(op);
    const cl_float shift = shift_of(op);
    cl_int cols;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_rows(&cols, &chunk, "gather", "gather_changed", act->lanes, (size_t)rows,
                       (size_t)act->w, (size_t)act->w * (size_t)act->lanes);
    const struct mien_cl_arg args[] = {
        ARG_BUF(x),         ARG_BUF(set),       ARG_BUF(indices),    ARG_BUF(changes),
        ARG_I32(op->first), ARG_I32(op->count), ARG_I32(act->n),     ARG_I32(rows),
        ARG_I32(act->c),    ARG_I32(act->h),    ARG_I32(act->w),     ARG_I32(op->margin),
        ARG_F32(scale),     ARG_F32(shift),     ARG_F32(op->second), ARG_I32(cols),
        ARG_I32(chunk),
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
        .flop = 4.0 * MIEN_GRID_FLOAT_FLOP * op->act.n,
    };
    const struct mien_cl_arg args[] = { ARG_BUF(out),       ARG_BUF(labels),    ARG_BUF(indices),
                                        ARG_I32(op->first), ARG_I32(op->count), ARG_I32(op->act.n),
                                        ARG_F32(op->second) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_gather_shares(struct mien_cl *cl, struct mien_cl_buffer *out,
                                    const struct mien_cl_buffer *shares,
                                    const struct mien_cl_buffer *indices, cl_int classes,
                                    const struct mien_gather *op, struct mien_error *err)
{
    const enum mien_status st = check_sizes(op, err);
    if (st != MIEN_OK || classes < 1) {
        return st != MIEN_OK
                   ? st
                   : mien_fail(err, MIEN_ERR_SHAPE, "gather: shares of %d classes", classes);
    }
    const struct mien_cl_launch launch = {
        .source = "gather",
        .kernel = "gather_shares",
        .options = mien_grid_lanes(op->act.lanes),
        .global = { (size_t)op->act.n },
        .local = { LABEL_GROUP },
        .flop = 4.0 * MIEN_GRID_FLOAT_FLOP * op->act.n * classes,
    };
    const struct mien_cl_arg args[] = {
        ARG_BUF(out),       ARG_BUF(shares),    ARG_BUF(indices), ARG_I32(op->first),
        ARG_I32(op->count), ARG_I32(op->act.n), ARG_I32(classes), ARG_F32(op->second),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
