/* softmax.c - softmax cross-entropy on logits on the device */
#include "ops/softmax.h"

#include <assert.h>

#include "ops/grid.h"

/* Words at the start of `stats`, as in kernels/softmax.cl, and words for each image. */
enum { HEADER_WORDS = 8, IMAGE_WORDS = 3, TOTAL_GROUP = 64 };

size_t mien_softmax_stats_bytes(cl_int n)
{
    return (HEADER_WORDS + IMAGE_WORDS * (size_t)n) * sizeof(cl_int);
}

enum mien_status mien_softmax_stats_reset(struct mien_cl *cl, struct mien_cl_buffer *stats,
                                          struct mien_error *err)
{
    return mien_cl_fill(cl, stats, 0, err);
}

enum mien_status mien_softmax_stats_read(struct mien_cl *cl, struct mien_softmax_stats *out,
                                         const struct mien_cl_buffer *stats, struct mien_error *err)
{
    /* The header of kernels/softmax.cl. */
    struct {
        float loss[2], weight[2];
        cl_int hits, images;
        float last_mean;
        cl_int unused;
    } header;
    const enum mien_status st = mien_cl_read(cl, &header, stats, 0, sizeof(header), err);
    if (st == MIEN_OK) {
        *out = (struct mien_softmax_stats){
            .loss = (double)header.loss[0] + (double)header.loss[1],
            .weight = (double)header.weight[0] + (double)header.weight[1],
            .images = header.images,
            .hits = header.hits,
            .last_mean = header.last_mean,
        };
    }
    return st;
}

static enum mien_status check_sizes(const struct mien_softmax *op, struct mien_error *err)
{
    const struct mien_act act = { op->n, op->classes, 1, 1, op->lanes };
    if (!(op->smoothing >= 0.0f && op->smoothing <= 1.0f) ||
        !(op->second >= 0.0f && op->second <= 1.0f) || op->first_row < 0) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "loss: label smoothing %g and share %g of a second label from row %d: "
                         "smoothing and share go from 0 to 1, rows from 0",
                         (double)op->smoothing, (double)op->second, op->first_row);
    }
    return mien_act_check(&act, "logits", err);
}

/* dlogits, probabilities, stats, and the target without stats may be NULL. */
static enum mien_status launch_loss(struct mien_cl *cl, const struct mien_cl_buffer *const out[2],
                                    const struct mien_cl_buffer *stats,
                                    const struct mien_cl_buffer *logits,
                                    const struct mien_softmax_target *target,
                                    const struct mien_softmax *op, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t blocks = (size_t)((op->n + op->lanes - 1) / op->lanes);
    static const struct mien_softmax_target unknown = { .labels = NULL };
    const struct mien_softmax_target *const right = target != NULL ? target : &unknown;
    assert(right->labels != NULL || (stats == NULL && right->shares == NULL));
    TRY(check_sizes(op, err));
    /* An exponential costs as much as some ten vectors of other kernels. */
    cl_int chunk;
    struct mien_cl_launch loss =
        mien_grid_flat(&chunk, "softmax", "softmax_loss", op->lanes, blocks,
                       (size_t)op->classes * (size_t)op->lanes * 10);
    if (right->weights != NULL && out[0] != NULL) { /* each sums those of all images */
        const double each = right->shares != NULL ? (double)op->classes : 1.0;
        loss.flop += 2.0 * MIEN_GRID_FLOAT_FLOP * (double)loss.global[0] * (double)op->n * each;
    }
    const struct mien_cl_arg args[] = {
        mien_grid_optional(out[0]),
        mien_grid_optional(out[1]),
        mien_grid_optional(stats),
        ARG_BUF(logits),
        mien_grid_optional(right->labels),
        mien_grid_optional(right->shares),
        mien_grid_optional(right->weights),
        ARG_I32(op->n),
        ARG_I32(op->classes),
        ARG_I32(op->first_row),
        ARG_F32(op->smoothing),
        ARG_F32(op->second),
        ARG_F32(op->scale),
        ARG_I32(chunk),
    };
    TRY(mien_cl_launch(cl, &loss, args, ARG_COUNT(args), err));
    if (stats != NULL) {
        const size_t group = op->lanes == 1 ? TOTAL_GROUP : 1;
        const struct mien_cl_launch total = {
            /* one work-group: never in slices */
            .source = "softmax", .kernel = "softmax_total", .options = mien_grid_lanes(op->lanes),
            .global = { group }, .local = { group },
        };
        const struct mien_cl_arg total_args[] = { ARG_BUF(stats), ARG_I32(op->n) };
        TRY(mien_cl_launch(cl, &total, total_args, ARG_COUNT(total_args), err));
    }

done:
    return st;
}

enum mien_status mien_softmax_loss(struct mien_cl *cl, struct mien_cl_buffer *dlogits,
                                   struct mien_cl_buffer *stats,
                                   const struct mien_cl_buffer *logits,
                                   const struct mien_softmax_target *target,
                                   const struct mien_softmax *op, struct mien_error *err)
{
    const struct mien_cl_buffer *const out[2] = { dlogits, NULL };
    return launch_loss(cl, out, stats, logits, target, op, err);
}

enum mien_status mien_softmax_eval(struct mien_cl *cl, struct mien_cl_buffer *probabilities,
                                   struct mien_cl_buffer *stats,
                                   const struct mien_cl_buffer *logits,
                                   const struct mien_softmax_target *target,
                                   const struct mien_softmax *op, struct mien_error *err)
{
    const struct mien_cl_buffer *const out[2] = { NULL, probabilities };
    return launch_loss(cl, out, stats, logits, target, op, err);
}
