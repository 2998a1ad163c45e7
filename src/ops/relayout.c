/* relayout.c - blocked activations to plain rows and back on the device */
#include "ops/relayout.h"

#include "ops/grid.h"

/* Features of one work-item's piece, as in kernels/relayout.cl. */
enum { PIECE = 64 };

static enum mien_status run(struct mien_cl *cl, const char *kernel, const struct mien_cl_buffer *to,
                            const struct mien_cl_buffer *from, const struct mien_act *act,
                            struct mien_error *err)
{
    const cl_int features = act->c * act->h * act->w;
    const cl_int pieces = (features + PIECE - 1) / PIECE;
    const cl_int count = pieces * mien_act_blocks(act);
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "relayout", kernel, act->lanes, (size_t)count, PIECE);
    const struct mien_cl_arg args[] = { ARG_BUF(to),       ARG_BUF(from),   ARG_I32(act->n),
                                        ARG_I32(features), ARG_I32(pieces), ARG_I32(count),
                                        ARG_I32(chunk) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_relayout_to_rows(struct mien_cl *cl, struct mien_cl_buffer *rows,
                                       const struct mien_cl_buffer *blocked,
                                       const struct mien_act *act, struct mien_error *err)
{
    return run(cl, "relayout_to_rows", rows, blocked, act, err);
}

enum mien_status mien_relayout_from_rows(struct mien_cl *cl, struct mien_cl_buffer *blocked,
                                         const struct mien_cl_buffer *rows,
                                         const struct mien_act *act, struct mien_error *err)
{
    return run(cl, "relayout_from_rows", blocked, rows, act, err);
}
