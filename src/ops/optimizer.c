/* optimizer.c - one step of an optimiser over flat parameters on the device */
#include "ops/optimizer.h"

#include <assert.h>
#include <limits.h>
#include <math.h>

#include "ops/grid.h"
#include "ops/tensor.h"

enum mien_status mien_flat_check(const char *what, size_t count, struct mien_error *err)
{
    if (count == 0 || count % MIEN_DECAY_BLOCK != 0 || count > INT_MAX) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "%s: %zu numbers: must be a multiple of %d, at most %d", what, count,
                         MIEN_DECAY_BLOCK, INT_MAX);
    }
    return MIEN_OK;
}

enum mien_status mien_sgd_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                               struct mien_cl_buffer *state, const struct mien_cl_buffer *grads,
                               const struct mien_cl_buffer *decayed, size_t count,
                               const struct mien_sgd *op, struct mien_error *err)
{
    const enum mien_status st = mien_flat_check("optimizer", count, err);
    if (st != MIEN_OK) {
        return st;
    }
    assert(state != NULL || op->momentum == 0.0f);
    const cl_int lanes = mien_device_lanes(mien_cl_device(cl));
    const cl_int vectors = (cl_int)(count / (size_t)lanes);
    const cl_int nesterov = op->nesterov;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "optimizer", "sgd_step", lanes, (size_t)vectors, 1);
    const struct mien_cl_arg args[] = {
        ARG_BUF(params),
        mien_grid_optional(state),
        ARG_BUF(grads),
        ARG_BUF(decayed),
        mien_grid_optional(op->clip),
        mien_grid_optional(op->guard),
        ARG_I32(vectors),
        ARG_F32(op->rate),
        ARG_F32(op->momentum),
        ARG_F32(op->decay),
        ARG_I32(nesterov),
        ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_adam_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                                const struct mien_adam_state *state,
                                const struct mien_cl_buffer *grads,
                                const struct mien_cl_buffer *decayed, size_t count,
                                const struct mien_adam *op, struct mien_error *err)
{
    const enum mien_status st = mien_flat_check("optimizer", count, err);
    if (st != MIEN_OK) {
        return st;
    }
    assert(op->step >= 1);
    const cl_int lanes = mien_device_lanes(mien_cl_device(cl));
    const cl_int vectors = (cl_int)(count / (size_t)lanes);
    const cl_int decoupled = op->decoupled;
    const double t = (double)op->step;
    const cl_float rate_now = (cl_float)((double)op->rate / (1.0 - pow((double)op->beta1, t)));
    const cl_float root_scale = (cl_float)(1.0 / sqrt(1.0 - pow((double)op->beta2, t)));
    const cl_float rest1 = (cl_float)(1.0 - (double)op->beta1);
    const cl_float rest2 = (cl_float)(1.0 - (double)op->beta2);
    const cl_float shrink = (cl_float)(1.0 - (double)op->rate * (double)op->decay);
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "optimizer", "adam_step", lanes, (size_t)vectors, 1);
    const struct mien_cl_arg args[] = {
        ARG_BUF(params),
        ARG_BUF(state->mean),
        ARG_BUF(state->square),
        ARG_BUF(grads),
        ARG_BUF(decayed),
        mien_grid_optional(op->clip),
        mien_grid_optional(op->guard),
        ARG_I32(vectors),
        ARG_F32(rate_now),
        ARG_F32(root_scale),
        ARG_F32(op->beta1),
        ARG_F32(op->beta2),
        ARG_F32(rest1),
        ARG_F32(rest2),
        ARG_F32(op->epsilon),
        ARG_F32(op->decay),
        ARG_F32(shrink),
        ARG_I32(decoupled),
        ARG_I32(chunk),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
