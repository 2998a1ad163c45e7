/* conv2d_batched.c - Winograd convolution for GPUs: transforms and products as launches of their
 * own
 */
#include "ops/conv2d_batched.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

#include "ops/conv2d_winograd.h"
#include "ops/grid.h"

enum { KIB_FLOATS = 256, DEFAULT_KIB = 65536, MOST_KIB = 65536 };
enum { MOST_CHANNELS = 65535 };            /* work-groups that every GPU's second dimension takes */
enum { MOST_POINTS = 49, LEAST_SIDE = 2 }; /* of a tile */
/* Parts of the filter's sums, and the tiles of each at most: errors grow with them. */
enum { MOST_SPLITS = 8, MOST_SPLIT_TILES = 2048 };

static const struct mien_conv2d_param batched_params[MIEN_CONV2D_PARAMS] = {
    MIEN_TILE_PARAM_LIST,
    [MIEN_BATCHED_POINTS] = { "points", { 6, 7 }, false },
    [MIEN_BATCHED_KIB] = { "kib", { 4096, 16384, MOST_KIB }, false },
};

static int default_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index)
{
    const bool data = pass == MIEN_CONV2D_BWD_DATA;
    switch (index) {
    case MIEN_BATCHED_POINTS:
        return mien_winograd_points(data ? op->h : op->ho, data ? op->w : op->wo, op->kh, 7);
    case MIEN_BATCHED_KIB: return DEFAULT_KIB;
    default: return mien_tile_default(index);
    }
}

size_t mien_batched_image_floats(const struct mien_batched *plan, cl_int images)
{
    const size_t tiles = (size_t)images * (size_t)plan->down * (size_t)plan->across;
    return tiles * ((size_t)plan->points * ((size_t)plan->in + (size_t)plan->out) +
                    (size_t)(plan->filter ? plan->out : 0));
}

static size_t weight_floats(const struct mien_batched *plan)
{
    return (size_t)plan->points * (size_t)plan->in * (size_t)plan->out;
}

/* As many parts of a sum as keep a device busy, whatever the number of images. */
static cl_int splits_of(const struct mien_batched *plan)
{
    const size_t groups = mien_tile_count(plan->tile.down, plan->out) *
                          mien_tile_count(plan->tile.across, plan->in) * (size_t)plan->points;
    const size_t splits = (MIEN_TILE_WANTED_GROUPS + groups - 1) / groups;
    return mien_at_most((int)splits, MOST_SPLITS);
}

/* Images that may be computed at once. */
static cl_int most_images(const struct mien_batched *plan, int kib)
{
    const size_t images = (size_t)kib * KIB_FLOATS / mien_batched_image_floats(plan, 1);
    const size_t most = plan->filter ? (size_t)plan->splits * MOST_SPLIT_TILES /
                                           ((size_t)plan->down * (size_t)plan->across)
                                     : images;
    const size_t least = images < most ? images : most;
    return least < 1 ? 1 : least > INT_MAX ? INT_MAX : (cl_int)least;
}

struct mien_batched mien_batched_plan(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const bool data = pass == MIEN_CONV2D_BWD_DATA;
    const int edge = mien_conv2d_value(op, pass, MIEN_BATCHED_POINTS);
    struct mien_batched plan = {
        .filter = pass == MIEN_CONV2D_BWD_FILTER,
        .in = data ? op->oc : op->c,
        .out = data ? op->c : op->oc,
        .h = data ? op->ho : op->h,
        .w = data ? op->wo : op->w,
        .ho = data ? op->h : op->ho,
        .wo = data ? op->w : op->wo,
        .pad = data ? op->kh - 1 - op->pad : op->pad,
        .side = edge + 1 - op->kh,
        .points = edge * edge,
        .tile = mien_tile_of(op, pass),
    };
    plan.down = mien_divide_up(plan.ho, plan.side);
    plan.across = mien_divide_up(plan.wo, plan.side);
    plan.splits = plan.filter ? splits_of(&plan) : 1;
    plan.most_images = most_images(&plan, mien_conv2d_value(op, pass, MIEN_BATCHED_KIB));
    const int rounds = mien_divide_up(op->n, mien_at_most(plan.most_images, op->n));
    plan.images = mien_divide_up(op->n, rounds);
    (void)snprintf(plan.options, sizeof(plan.options), "-DLANES=1 -DP=%d -DR=%d -DPOOL=%d", edge,
                   op->kh, pass == MIEN_CONV2D_FWD && op->pool > 0 ? (int)op->pool : 1);
    return plan;
}

static size_t work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const struct mien_batched plan = mien_batched_plan(op, pass);
    const cl_int images = mien_at_most(plan.most_images, op->n);
    return (mien_batched_image_floats(&plan, images) + weight_floats(&plan) * (size_t)plan.splits) *
           sizeof(cl_float);
}

/* Square kernels of 3 to 5 with stride 1, and sizes whose floats the kernels' integers can count:
 * outputs of up to h + 4 rows, the last tile's beyond the border. */
static bool takes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const bool filter = pass == MIEN_CONV2D_BWD_FILTER;
    const double weights =
        (double)MOST_POINTS * (filter ? MOST_SPLITS : 1) * (double)op->c * (double)op->oc;
    const double tiles = ceil((op->h + 4.0) / LEAST_SIDE) * ceil((op->w + 4.0) / LEAST_SIDE);
    const double image = tiles * MOST_POINTS * ((double)op->c + op->oc + 1.0);
    const double several = (double)MOST_KIB * KIB_FLOATS;
    return op->lanes == 1 && op->kh == op->kw && op->kh >= 3 && op->kh <= 5 && op->stride == 1 &&
           op->c <= MOST_CHANNELS && op->oc <= MOST_CHANNELS &&
           weights + (image > several ? image : several) <= INT_MAX;
}

/* Only measured, or where there is nothing else: what it gains depends on how a device's memory and
 * arithmetic compare. */
static bool suits(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    (void)op;
    (void)pass;
    return false;
}

static bool pools(const struct mien_conv2d *op, int edge)
{
    return (mien_conv2d_value(op, MIEN_CONV2D_FWD, MIEN_BATCHED_POINTS) + 1 - op->kh) % edge == 0;
}

struct mien_batched_images mien_batched_images(const struct mien_batched *plan, cl_int first,
                                               cl_int n)
{
    const cl_int images = mien_at_most(plan->images, n - first);
    return (struct mien_batched_images){ first, images * plan->down * plan->across };
}

struct mien_cl_launch mien_batched_grid(const struct mien_batched *plan, const char *kernel,
                                        cl_int across, cl_int down, double floats)
{
    cl_int cols = 0;
    cl_int chunk = 0;
    struct mien_cl_launch launch =
        mien_grid_rows(&cols, &chunk, "conv2d_batched", kernel, 1, (size_t)down, (size_t)across, 1);
    assert(cols == 1 && chunk == 1); /* see MOST_CHANNELS */
    launch.options = plan->options;
    launch.flop = (double)across * down * floats * MIEN_GRID_FLOAT_FLOP;
    return launch;
}

enum mien_status mien_batched_tiles(struct mien_cl *cl, struct mien_cl_buffer *work, cl_int at,
                                    const struct mien_cl_buffer *x, const struct mien_batched *plan,
                                    const struct mien_batched_images *images,
                                    struct mien_error *err)
{
    const struct mien_cl_launch launch = mien_batched_grid(
        plan, "conv2d_batched_tiles", images->columns, plan->in, 2.0 * plan->points);
    const struct mien_cl_arg args[] = {
        ARG_BUF(work),
        ARG_I32(at),
        ARG_BUF(x),
        ARG_I32(images->first),
        ARG_I32(plan->in),
        ARG_I32(plan->h),
        ARG_I32(plan->w),
        ARG_I32(plan->down),
        ARG_I32(plan->across),
        ARG_I32(plan->pad),
        ARG_I32(images->columns),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_batched_multiply(struct mien_cl *cl, struct mien_cl_buffer *work,
                                       const struct mien_batched_product *product,
                                       const struct mien_batched *plan, struct mien_error *err)
{
    char options[MIEN_BATCHED_OPTION_BYTES];
    const cl_int splits = mien_divide_up(product->terms, product->split_terms);
    struct mien_cl_launch launch = mien_tile_grid(&plan->tile, product->rows, product->columns,
                                                  (size_t)splits * (size_t)plan->points,
                                                  (double)product->terms * plan->points);
    (void)snprintf(options, sizeof(options), "-DDOWN=%d -DACROSS=%d -DTERMS=%d -DDEEP=%d",
                   plan->tile.down, plan->tile.across, plan->tile.terms, product->deep);
    launch.source = "conv2d_batched_product";
    launch.kernel = "conv2d_batched_product";
    launch.options = options;
    const struct mien_cl_arg args[] = {
        ARG_BUF(work),
        ARG_I32(product->result_at),
        ARG_BUF(work),
        ARG_I32(product->left_at),
        ARG_I32(product->right_at),
        ARG_I32(plan->points),
        ARG_I32(product->rows),
        ARG_I32(product->columns),
        ARG_I32(product->terms),
        ARG_I32(product->split_terms),
        ARG_I32(product->adding),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

/* What a pass that runs as a convolution ends in; NULL: without. */
struct ending {
    struct mien_cl_buffer *y, *winner;
    const struct mien_cl_buffer *bias, *mask;
    bool relu;
};

static enum mien_status transform_weights(struct mien_cl *cl, struct mien_cl_buffer *work,
                                          cl_int at, const struct mien_cl_buffer *weight, bool flip,
                                          const struct mien_batched *plan, struct mien_error *err)
{
    const cl_int turned = flip;
    const struct mien_cl_launch launch =
        mien_batched_grid(plan, "conv2d_batched_weights", plan->out, plan->in, plan->points);
    const struct mien_cl_arg args[] = { ARG_BUF(work),     ARG_I32(at),        ARG_BUF(weight),
                                        ARG_I32(plan->in), ARG_I32(plan->out), ARG_I32(turned) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status make_pixels(struct mien_cl *cl, const struct ending *ending,
                                    const struct mien_cl_buffer *work, cl_int at,
                                    const struct mien_batched *plan,
                                    const struct mien_batched_images *images,
                                    struct mien_error *err)
{
    const cl_int relu_on = ending->relu;
    const struct mien_cl_launch launch = mien_batched_grid(
        plan, "conv2d_batched_pixels", images->columns, plan->out, 2.0 * plan->points);
    const struct mien_cl_arg args[] = {
        ARG_BUF(ending->y),
        mien_grid_optional(ending->winner),
        ARG_BUF(work),
        ARG_I32(at),
        mien_grid_optional(ending->bias),
        mien_grid_optional(ending->mask),
        ARG_I32(images->first),
        ARG_I32(plan->out),
        ARG_I32(plan->ho),
        ARG_I32(plan->wo),
        ARG_I32(plan->down),
        ARG_I32(plan->across),
        ARG_I32(images->columns),
        ARG_I32(relu_on),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

/* Of `work` the points of the tiles of a round of images, then the products, then the points of the
 * weights. */
static enum mien_status convolve(struct mien_cl *cl, const struct ending *ending,
                                 const struct mien_cl_buffer *x,
                                 const struct mien_cl_buffer *weight, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_batched plan = mien_batched_plan(op, pass);
    const cl_int weights_at = (cl_int)mien_batched_image_floats(&plan, plan.images);
    const cl_int tiles_at = 0;
    TRY(transform_weights(cl, work, weights_at, weight, pass == MIEN_CONV2D_BWD_DATA, &plan, err));
    for (cl_int first = 0; first < op->n; first += plan.images) {
        const struct mien_batched_images images = mien_batched_images(&plan, first, op->n);
        const struct mien_batched_product product = {
            .left_at = weights_at,
            .right_at = tiles_at,
            .result_at = tiles_at + plan.points * plan.in * images.columns,
            .rows = plan.out,
            .columns = images.columns,
            .terms = plan.in,
            .split_terms = plan.in,
        };
        TRY(mien_batched_tiles(cl, work, tiles_at, x, &plan, &images, err));
        TRY(mien_batched_multiply(cl, work, &product, &plan, err));
        TRY(make_pixels(cl, ending, work, product.result_at, &plan, &images, err));
    }

done:
    return st;
}

static enum mien_status fwd(struct mien_cl *cl, const struct mien_conv2d_out *result,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_conv2d *op, struct mien_error *err)
{
    const struct ending ending = {
        .y = result->y, .winner = result->winner, .bias = bias, .relu = op->relu
    };
    return convolve(cl, &ending, x, weight, work, op, MIEN_CONV2D_FWD, err);
}

static enum mien_status bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, struct mien_error *err)
{
    const struct ending ending = { .y = dx, .mask = mask };
    return convolve(cl, &ending, dy, weight, work, op, MIEN_CONV2D_BWD_DATA, err);
}

const struct mien_conv2d_family mien_conv2d_batched = {
    .name = "batched",
    .takes = takes,
    .suits = suits,
    .params = { batched_params, batched_params, batched_params },
    .default_value = default_value,
    .local_bytes = mien_tile_local_bytes,
    .work_bytes = work_bytes,
    .pools = { [MIEN_CONV2D_FWD] = pools },
    .fwd = fwd,
    .bwd_data = bwd_data,
    .bwd_filter = mien_batched_bwd_filter,
};
