/* conv2d_winograd_filter.c - host side of kernels/conv2d_winograd_filter.cl: the filter's gradient
 */
#include <stdio.h>

#include "ops/arith.h"
#include "ops/conv2d_winograd.h"
#include "ops/grid.h"

enum {
    OPTION_BYTES = 320,
    ITEMS = 32,         /* work-items wanted */
    MANY_CHANNELS = 96, /* see mien_winograd_filter_default() */
    FEW_CHANNELS = 32,  /* the same */
};

/*
 * Parameters: tiles added at once; vectors of input channels, output channels and columns of points
 * whose sums a work-item has; output channels of a register tile; points along one side of a tile.
 */
enum { PARAM_TILES, PARAM_VECTORS, PARAM_OUTPUTS, PARAM_REGISTERS, PARAM_POINTS, PARAM_COLUMNS };
const struct mien_conv2d_param mien_winograd_filter_params[MIEN_CONV2D_PARAMS] = {
    [PARAM_TILES] = { "tiles", { 1, 2, 4, 8 }, true },
    [PARAM_VECTORS] = { "vectors", { 1, 2, 3, 4, 8, 16 }, true },
    [PARAM_OUTPUTS] = { "outputs", { 16, 32, 64, 128 }, true },
    [PARAM_REGISTERS] = { "registers", { 4, 8 }, false },
    [PARAM_POINTS] = { "points", { 6, 7, 8 }, false },
    [PARAM_COLUMNS] = { "columns", { 1, 2, 3, 4, 6, 7, 8 }, true },
};

static int value_of(const struct mien_conv2d *op, int index)
{
    return mien_conv2d_value(op, MIEN_CONV2D_BWD_FILTER, index);
}

/* Local memory with these values: points of turned inputs, of gradients and of sums, and biases.
 * The first two have a vector to spare at each point, as in the kernel. */
static size_t bytes_of(const struct mien_conv2d *op, const int values[MIEN_CONV2D_PARAMS])
{
    const size_t columns = (size_t)mien_at_most(values[PARAM_COLUMNS], values[PARAM_POINTS]);
    const size_t points = (size_t)values[PARAM_POINTS] * columns;
    const size_t tiles = (size_t)values[PARAM_TILES];
    const size_t inputs = (size_t)values[PARAM_VECTORS];
    const size_t outputs = (size_t)mien_round_up(values[PARAM_OUTPUTS], values[PARAM_REGISTERS]);
    const size_t turned = tiles * (size_t)op->lanes * inputs + 1;
    const size_t vectors = points * (turned + tiles * outputs + 1 + outputs * inputs) + outputs;
    return vectors * (size_t)op->lanes * sizeof(cl_float);
}

/*
 * With all columns at once no tile is transformed twice, but then the sums of few channels alone
 * fit a core's cache.  Measured on PoCL, 16 lanes and 1 to 2 MB of cache: docs/performance.md.
 */
static int default_columns(const struct mien_conv2d *op, int points)
{
    const bool large = op->local_bytes >= MIEN_WINOGRAD_LARGE_CACHE;
    const bool many = op->c >= MANY_CHANNELS && op->oc >= MANY_CHANNELS;
    const bool few = op->c <= FEW_CHANNELS && op->oc <= FEW_CHANNELS;
    switch (points) {
    case 6: return few || large ? 6 : many ? 2 : 3;
    case 7: return many && !large ? 1 : 4;
    default: return 4;
    }
}

/* As many at a time as leave no group nearly empty: `most` or fewer of `count`. */
static int balanced(int count, int most)
{
    return mien_divide_up(count, mien_divide_up(count, most));
}

int mien_winograd_filter_default(const struct mien_conv2d *op, int index)
{
    const int points = mien_winograd_points(op->ho, op->wo, op->kh, 8);
    const bool large = op->local_bytes >= MIEN_WINOGRAD_LARGE_CACHE;
    const bool many = op->c >= MANY_CHANNELS && op->oc >= MANY_CHANNELS;
    const int inputs = many && points == 7 && !large ? 128 : 64;
    const int outputs = many && (points < 8 || large) ? 128 : points == 7 ? 32 : 64;
    const int vectors = balanced(mien_divide_up(op->c, op->lanes), inputs / op->lanes);
    const int registers = op->lanes == 16 && vectors % 4 > 0 ? 8 : 4;
    int values[MIEN_CONV2D_PARAMS] = {
        [PARAM_TILES] = many && points == 6 && !large ? 4 : 2,
        [PARAM_VECTORS] = vectors,
        [PARAM_OUTPUTS] = balanced(op->oc, outputs),
        [PARAM_REGISTERS] = registers,
        [PARAM_POINTS] = points,
        [PARAM_COLUMNS] = default_columns(op, points),
    };
    const int order[] = { PARAM_TILES, PARAM_VECTORS, PARAM_OUTPUTS, PARAM_COLUMNS };
    const int least[] = { 1, 1, 16, 1 };
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        while (op->local_bytes > 0 && bytes_of(op, values) > op->local_bytes &&
               values[order[i]] > least[i]) {
            values[order[i]] /= 2;
        }
    }
    return values[index];
}

size_t mien_winograd_filter_local_bytes(const struct mien_conv2d *op)
{
    int values[MIEN_CONV2D_PARAMS];
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        values[i] = value_of(op, i);
    }
    return bytes_of(op, values);
}

/* Vectors of input channels of a work-item, and its output channels. */
static int vectors_of(const struct mien_conv2d *op)
{
    return mien_at_most(value_of(op, PARAM_VECTORS), mien_divide_up(op->c, op->lanes));
}

static int outputs_of(const struct mien_conv2d *op)
{
    return mien_round_up(mien_at_most(value_of(op, PARAM_OUTPUTS), op->oc),
                         value_of(op, PARAM_REGISTERS));
}

/* Input channels, as parts have them. */
static int padded_inputs(const struct mien_conv2d *op)
{
    return mien_round_up(op->c, vectors_of(op) * op->lanes);
}

static int columns_of(const struct mien_conv2d *op)
{
    return mien_at_most(value_of(op, PARAM_COLUMNS), value_of(op, PARAM_POINTS));
}

/* Work-items that share nothing: groups of columns, and of channels. */
static int column_groups(const struct mien_conv2d *op)
{
    return mien_divide_up(value_of(op, PARAM_POINTS), columns_of(op));
}

static int channel_groups(const struct mien_conv2d *op)
{
    return padded_inputs(op) / (vectors_of(op) * op->lanes) *
           mien_divide_up(op->oc, outputs_of(op));
}

/* Parts of the sum over tiles: a function of the network's sizes alone, as in conv2d_vector.c. */
static int split_of(const struct mien_conv2d *op)
{
    const int side = value_of(op, PARAM_POINTS) + 1 - op->kh;
    const int tiles = mien_divide_up(op->ho, side) * mien_divide_up(op->wo, side);
    return mien_at_most(mien_divide_up(ITEMS, column_groups(op) * channel_groups(op)), tiles);
}

size_t mien_winograd_filter_floats(const struct mien_conv2d *op)
{
    const size_t part =
        (size_t)(value_of(op, PARAM_POINTS) * op->kh) * (size_t)op->oc * (size_t)padded_inputs(op) +
        (size_t)op->oc;
    return (size_t)split_of(op) * part;
}

enum mien_status mien_winograd_bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                          struct mien_cl_buffer *dbias,
                                          const struct mien_cl_buffer *dy,
                                          const struct mien_cl_buffer *x,
                                          struct mien_cl_buffer *work, const struct mien_conv2d *op,
                                          struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const cl_int blocks = mien_conv2d_blocks(op);
    const int split = split_of(op);
    char options[64];
    const cl_int channels = op->c;
    const cl_int outputs = op->oc;
    const cl_int c_vectors = padded_inputs(op) / op->lanes;
    const cl_int parts = split;
    const int points = value_of(op, PARAM_POINTS);
    (void)snprintf(options, sizeof(options), "-DP=%d -DR=%d -DLANES=%d", points, op->kh, op->lanes);
    const struct mien_cl_launch add = {
        .source = "conv2d_winograd_filter",
        .kernel = "conv2d_winograd_add",
        .options = options,
        .global = { (size_t)op->oc },
        .flop = (double)op->oc * padded_inputs(op) * points * points * split * MIEN_GRID_FLOAT_FLOP,
    };
    const struct mien_cl_arg add_args[] = { ARG_BUF(dweight), mien_grid_optional(dbias),
                                            ARG_BUF(work),    ARG_I32(channels),
                                            ARG_I32(outputs), ARG_I32(c_vectors),
                                            ARG_I32(parts) };
    char sum_options[OPTION_BYTES];
    (void)snprintf(sum_options, sizeof(sum_options),
                   "%s -DSUM -DC=%d -DOC=%d -DCC=%d -DSPLIT=%d -DOG=%d -DNT=%d -DOT=%d -DCOLS=%d "
                   "-DH=%d -DW=%d -DHO=%d -DWO=%d -DPAD=%d -DBIAS=%d",
                   options, op->c, op->oc, vectors_of(op) * op->lanes, split, outputs_of(op),
                   value_of(op, PARAM_TILES), value_of(op, PARAM_REGISTERS), columns_of(op), op->h,
                   op->w, op->ho, op->wo, op->pad, dbias != NULL);
    const struct mien_cl_launch sum = {
        .source = "conv2d_winograd_filter",
        .kernel = "conv2d_winograd_filter",
        .options = sum_options,
        .global = { (size_t)column_groups(op), (size_t)channel_groups(op), (size_t)split },
        .flop = mien_conv2d_flop(op),
    };
    const struct mien_cl_arg sum_args[] = { ARG_BUF(work), ARG_BUF(dy), ARG_BUF(x),
                                            ARG_I32(blocks) };
    TRY(mien_cl_launch(cl, &sum, sum_args, ARG_COUNT(sum_args), err));
    TRY(mien_cl_launch(cl, &add, add_args, ARG_COUNT(add_args), err));

done:
    return st;
}
