/* conv2d_batched_filter.c - batched Winograd convolution for GPUs: the filter's gradient */
#include "ops/conv2d_batched.h"
#include "ops/grid.h"

enum { GROUP = 64 };        /* of the sums of a bias, as in kernels/group_sum.h */
enum { FEWEST_TERMS = 64 }; /* of a part of a sum */

/* Where things lie in the scratch, in floats: x's points, dy's, its sums, the parts. */
struct places {
    cl_int inputs, gradient, sums, parts;
};

static struct places place(const struct mien_batched *plan, cl_int columns)
{
    struct places at = { .inputs = 0 };
    at.gradient = plan->points * plan->in * columns;
    at.sums = at.gradient + plan->points * plan->out * columns;
    at.parts = (cl_int)mien_batched_image_floats(plan, plan->images);
    return at;
}

/* Terms of a part of the sums over tiles. */
static cl_int split_terms(const struct mien_batched *plan)
{
    const int columns = plan->images * plan->down * plan->across;
    const int splits = mien_at_most(plan->splits, mien_divide_up(columns, FEWEST_TERMS));
    return mien_round_up(mien_divide_up(columns, splits), plan->tile.terms);
}

cl_int mien_batched_splits(const struct mien_batched *plan)
{
    return mien_divide_up(plan->images * plan->down * plan->across, split_terms(plan));
}

static enum mien_status transform_gradient(struct mien_cl *cl, struct mien_cl_buffer *work,
                                           const struct mien_cl_buffer *dy, const struct places *at,
                                           const struct mien_batched *plan,
                                           const struct mien_batched_images *images,
                                           struct mien_error *err)
{
    const struct mien_cl_launch launch = mien_batched_grid(
        plan, "conv2d_batched_gradient", images->columns, plan->out, 2.0 * plan->points);
    const struct mien_cl_arg args[] = {
        ARG_BUF(work),          ARG_I32(at->gradient), ARG_I32(at->sums),        ARG_BUF(dy),
        ARG_I32(images->first), ARG_I32(plan->out),    ARG_I32(plan->ho),        ARG_I32(plan->wo),
        ARG_I32(plan->down),    ARG_I32(plan->across), ARG_I32(images->columns),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status add_bias(struct mien_cl *cl, struct mien_cl_buffer *dbias,
                                 const struct mien_cl_buffer *work, const struct places *at,
                                 const struct mien_batched *plan,
                                 const struct mien_batched_images *images, struct mien_error *err)
{
    const cl_int adding = images->first > 0;
    const struct mien_cl_launch launch = {
        .source = "conv2d_batched",
        .kernel = "conv2d_batched_bias",
        .options = plan->options,
        .global = { (size_t)plan->out * GROUP },
        .local = { GROUP },
        .flop = (double)images->columns * plan->out * MIEN_GRID_FLOAT_FLOP,
    };
    const struct mien_cl_arg args[] = { ARG_BUF(dbias), ARG_BUF(work), ARG_I32(at->sums),
                                        ARG_I32(images->columns), ARG_I32(adding) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status add_parts(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                  const struct mien_cl_buffer *work, const struct places *at,
                                  const struct mien_batched *plan, struct mien_error *err)
{
    const cl_int splits = mien_batched_splits(plan);
    const struct mien_cl_launch launch = mien_batched_grid(
        plan, "conv2d_batched_add", plan->in, plan->out, (double)plan->points * splits);
    const struct mien_cl_arg args[] = { ARG_BUF(dweight),  ARG_BUF(work),      ARG_I32(at->parts),
                                        ARG_I32(plan->in), ARG_I32(plan->out), ARG_I32(splits) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_batched_bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                         struct mien_cl_buffer *dbias,
                                         const struct mien_cl_buffer *dy,
                                         const struct mien_cl_buffer *x,
                                         struct mien_cl_buffer *work, const struct mien_conv2d *op,
                                         struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_batched plan = mien_batched_plan(op, MIEN_CONV2D_BWD_FILTER);
    for (cl_int first = 0; first < op->n; first += plan.images) {
        const struct mien_batched_images images = mien_batched_images(&plan, first, op->n);
        const struct places at = place(&plan, images.columns);
        const struct mien_batched_product product = {
            .left_at = at.gradient,
            .right_at = at.inputs,
            .result_at = at.parts,
            .rows = plan.out,
            .columns = plan.in,
            .terms = images.columns,
            .split_terms = split_terms(&plan),
            .adding = first > 0,
            .deep = true,
        };
        TRY(mien_batched_tiles(cl, work, at.inputs, x, &plan, &images, err));
        TRY(transform_gradient(cl, work, dy, &at, &plan, &images, err));
        TRY(mien_batched_multiply(cl, work, &product, &plan, err));
        TRY(dbias != NULL ? add_bias(cl, dbias, work, &at, &plan, &images, err) : MIEN_OK);
    }
    const struct places at = place(&plan, 0);
    TRY(add_parts(cl, dweight, work, &at, &plan, err));

done:
    return st;
}
