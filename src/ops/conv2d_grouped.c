/* conv2d_grouped.c - host side of kernels/conv2d_grouped.cl: convolution in groups of channels */
#include <stdio.h>

#include "ops/conv2d_variants.h"
#include "ops/grid.h"

enum { OPTION_BYTES = 320, GPU_GROUP = 64 };
/* Of the filter's gradient: work-groups that keep a device busy, terms that one number sums up. */
enum { GROUPS_WANTED = 256, MOST_TERMS = 4096 };
/* Of the other passes on CPU devices: work-items that keep its cores busy. */
enum { ITEMS_WANTED = 64 };

/* Channels and columns of a register tile. */
struct tile {
    int channels, columns;
};

/* The channels divide those of a group; GPUs have a work-item for each column, side by side. */
static struct tile choose_tile(const struct mien_conv2d *op, int group, int columns)
{
    struct tile tile = { group % 4 == 0 ? 4 : group % 2 == 0 ? 2 : 1, 1 };
    if (op->lanes > 1) {
        const int sums = op->lanes == 16 ? 24 : 12; /* more registers than that spill */
        tile.columns = mien_at_most(mien_at_most(sums / tile.channels, 8), columns);
    }
    return tile;
}

/* Work-items of a group. */
static int group_of(const struct mien_conv2d *op)
{
    return op->lanes == 1 ? GPU_GROUP : 1;
}

static void write_options(char out[OPTION_BYTES], const struct mien_conv2d *op, struct tile tile,
                          const char *pass)
{
    (void)snprintf(out, OPTION_BYTES,
                   "-DLANES=%d -DGROUPS=%d -DCG=%d -DOG=%d -DH=%d -DW=%d -DKH=%d -DKW=%d "
                   "-DSTRIDE=%d -DPAD=%d -DHO=%d -DWO=%d -DOT=%d -DXT=%d -DGROUP=%d %s",
                   op->lanes, op->groups, op->c / op->groups, op->oc / op->groups, op->h, op->w,
                   op->kh, op->kw, op->stride, op->pad, op->ho, op->wo, tile.channels, tile.columns,
                   group_of(op), pass);
}

static bool takes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    (void)pass;
    return op->groups > 1;
}

/* Work-items that share the tiles of `rows` x `columns` pixels of `channels` channels. */
static int count_items(const struct mien_conv2d *op, struct tile tile, int channels, int rows,
                       int columns)
{
    const int tiles = rows * mien_divide_up(columns, tile.columns);
    const int others = channels / tile.channels * mien_conv2d_blocks(op);
    return op->lanes == 1 ? tiles : mien_at_most(mien_divide_up(ITEMS_WANTED, others), tiles);
}

/*
 * A launch of so many items for every tile of `channels` channels in every block, all of them in
 * dimension 0: channels and blocks can be more than the work-groups that GPUs take in the others.
 */
static struct mien_cl_launch tile_grid(const struct mien_conv2d *op, const char *kernel,
                                       const char *options, struct tile tile, int channels,
                                       int items)
{
    const size_t group = (size_t)group_of(op);
    const size_t span = ((size_t)items + group - 1) / group * group;
    const size_t tiles = (size_t)(channels / tile.channels) * (size_t)mien_conv2d_blocks(op);
    return (struct mien_cl_launch){
        .source = "conv2d_grouped",
        .kernel = kernel,
        .options = options,
        .global = { span * tiles },
        .local = { group },
        .flop = mien_conv2d_flop(op),
    };
}

static enum mien_status fwd(struct mien_cl *cl, const struct mien_conv2d_out *result,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_conv2d *op, struct mien_error *err)
{
    (void)work;
    const struct tile tile = choose_tile(op, op->oc / op->groups, op->wo);
    char pass[64];
    char options[OPTION_BYTES];
    const int items = count_items(op, tile, op->oc, op->ho, op->wo);
    (void)snprintf(pass, sizeof(pass), "-DFORWARD -DITEMS=%d -DBIAS=%d -DRELU=%d", items,
                   bias != NULL, op->relu);
    write_options(options, op, tile, pass);
    const struct mien_cl_launch launch =
        tile_grid(op, "conv2d_grouped_fwd", options, tile, op->oc, items);
    const struct mien_cl_arg args[] = {
        ARG_BUF(result->y),
        ARG_BUF(x),
        ARG_BUF(weight),
        ARG_BUF(bias != NULL ? bias : weight),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, struct mien_error *err)
{
    (void)work;
    const struct tile tile = choose_tile(op, op->c / op->groups, op->w);
    char pass[64];
    char options[OPTION_BYTES];
    const int items = count_items(op, tile, op->c, op->h, op->w);
    (void)snprintf(pass, sizeof(pass), "-DBACKWARD_DATA -DITEMS=%d -DMASK=%d", items, mask != NULL);
    write_options(options, op, tile, pass);
    const struct mien_cl_launch launch =
        tile_grid(op, "conv2d_grouped_bwd_data", options, tile, op->c, items);
    const struct mien_cl_arg args[] = {
        ARG_BUF(dx),
        ARG_BUF(dy),
        ARG_BUF(weight),
        ARG_BUF(mask != NULL ? mask : dy),
    };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

static int filter_pairs(const struct mien_conv2d *op)
{
    return op->oc * (op->c / op->groups);
}

/* Blocks of a part of the sum: a function of the sizes alone, as its bits depend on it. */
static int filter_blocks(const struct mien_conv2d *op)
{
    const int pixels = mien_divide_up(op->ho * op->wo, op->lanes == 1 ? GPU_GROUP : 1);
    const int busy =
        mien_divide_up(mien_conv2d_blocks(op), mien_divide_up(GROUPS_WANTED, filter_pairs(op)));
    const int exact = pixels < MOST_TERMS ? MOST_TERMS / pixels : 1;
    return mien_at_most(busy, exact);
}

static int filter_split(const struct mien_conv2d *op)
{
    return mien_divide_up(mien_conv2d_blocks(op), filter_blocks(op));
}

/* Enough for fewer images too: whole parts of them can be more than those of a full batch. */
static size_t work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    size_t most = 0;
    struct mien_conv2d fewer = *op;
    for (fewer.n = op->n; pass == MIEN_CONV2D_BWD_FILTER && fewer.n > 0; fewer.n -= op->lanes) {
        const size_t split = (size_t)filter_split(&fewer);
        most = split > most ? split : most;
    }
    return most * mien_conv2d_part_floats(op) * sizeof(cl_float);
}

static enum mien_status bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias, const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_conv2d *op, struct mien_error *err)
{
    const struct tile none = { 1, 1 };
    const cl_int blocks = mien_conv2d_blocks(op);
    const cl_int each = filter_blocks(op);
    const size_t group = (size_t)group_of(op);
    const int split = filter_split(op);
    char options[OPTION_BYTES];
    write_options(options, op, none, "-DBACKWARD_FILTER");
    const struct mien_cl_launch sums = {
        .source = "conv2d_grouped",
        .kernel = "conv2d_grouped_bwd_filter",
        .options = options,
        .global = { group * (size_t)filter_pairs(op), (size_t)split },
        .local = { group, 1 },
        .flop = mien_conv2d_flop(op),
    };
    const struct mien_cl_arg args[] = { ARG_BUF(work), ARG_BUF(dy), ARG_BUF(x), ARG_I32(blocks),
                                        ARG_I32(each) };
    const enum mien_status st = mien_cl_launch(cl, &sums, args, ARG_COUNT(args), err);
    return st == MIEN_OK ? mien_conv2d_add_parts(cl, dweight, dbias, work, op, split, err) : st;
}

const struct mien_conv2d_family mien_conv2d_grouped = {
    .name = "grouped",
    .takes = takes,
    .suits = takes,
    .work_bytes = work_bytes,
    .fwd = fwd,
    .bwd_data = bwd_data,
    .bwd_filter = bwd_filter,
};
