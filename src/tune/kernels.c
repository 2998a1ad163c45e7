/* kernels.c - measuring operations: the way of one shape, convolutions and dense layers */
#include "tune/kernels.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "tune/kernels_internal.h"

enum { NOISE_FLOATS = 1 << 18 };

/*
 * Numbers from 0.1 to 1.1, as a variance or a mean of squares may be too; equal ones would flatter
 * a GPU, whose clock follows its power.
 */
static enum mien_status fill(struct mien_cl *cl, struct mien_cl_buffer *buffer, size_t bytes,
                             struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    float *const noise = mien_calloc(NOISE_FLOATS, sizeof(*noise), err);
    if (noise == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < NOISE_FLOATS; i += 4) {
        uint32_t block[4];
        mien_random_block(block, 1, MIEN_STREAM_SYNTH, 0, i / 4);
        for (size_t k = 0; k < 4; k++) {
            noise[i + k] = mien_random_unit(block[k]) + 0.1f;
        }
    }
    for (size_t at = 0; at < bytes; at += NOISE_FLOATS * sizeof(*noise)) {
        const size_t left = bytes - at;
        TRY(mien_cl_write(
            cl, buffer, at, noise,
            left < NOISE_FLOATS * sizeof(*noise) ? left : NOISE_FLOATS * sizeof(*noise), err));
    }

done:
    free(noise);
    return st;
}

static enum mien_status prepare(struct kernel_shape *shape, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (int i = 0; i < KERNEL_BUFFERS; i++) {
        if (shape->bytes[i] > 0 && shape->buffers[i] == NULL) {
            TRY(mien_cl_buffer_create(&shape->buffers[i], shape->cl, shape->bytes[i], err));
            TRY(fill(shape->cl, shape->buffers[i], shape->bytes[i], err));
        }
    }

done:
    return st;
}

enum mien_status mien_kernel_measure(struct kernel_shape *shape, const struct kernel_pass *pass,
                                     struct mien_error *err, const char *fmt, ...)
{
    const struct mien_kernels_options *const options = shape->options;
    struct mien_kernel_result result = { .kind = shape->kind,
                                         .flop = pass->flop,
                                         .bytes = pass->bytes };
    const struct mien_work work = { pass->enqueue, shape };
    char what[80];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    (void)snprintf(result.name, sizeof(result.name), "%s %s, batch %d", shape->kind, what,
                   options->batch);
    if (options->filter != NULL && strstr(result.name, options->filter) == NULL) {
        return MIEN_OK;
    }
    struct mien_error refused = { "" };
    enum mien_status st = prepare(shape, &refused);
    if (st == MIEN_ERR_MEMORY) {
        mien_log_line(options->log, "left out: %s: %s", result.name, refused.text);
        return MIEN_OK;
    }
    if (st != MIEN_OK) {
        return mien_fail(err, st, "%s: %.800s", result.name, refused.text);
    }
    mien_cl_label(shape->cl, shape->kind);
    st = mien_measure(&result.times, shape->cl, &work, options->warmup, options->repeat, err);
    if (st != MIEN_OK) {
        return mien_wrap(err, st, "%s", result.name);
    }
    return options->result(options->user, &result, err);
}

void mien_kernel_shape_finish(struct kernel_shape *shape)
{
    mien_cl_drain(shape->cl);
    for (int i = 0; i < KERNEL_BUFFERS; i++) {
        mien_cl_buffer_destroy(shape->buffers[i]);
        shape->buffers[i] = NULL;
    }
}

/* Of convolutions and dense layers; y and dx are only written, dy only read. */
enum { X, Y, WEIGHT, BIAS, DX, DY, DWEIGHT, DBIAS, WORK, WINNER };

static enum mien_status enqueue_conv(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    const struct mien_conv2d_out out = { b[Y], b[WINNER] };
    switch ((enum mien_conv2d_pass)s->pass) {
    case MIEN_CONV2D_FWD:
        return mien_conv2d_fwd(s->cl, &out, b[X], b[WEIGHT], b[BIAS], b[WORK], &s->op.conv, err);
    case MIEN_CONV2D_BWD_DATA:
        return mien_conv2d_bwd_data(s->cl, b[DX], b[DY], b[WEIGHT], NULL, b[WORK], &s->op.conv,
                                    err);
    case MIEN_CONV2D_BWD_FILTER: break;
    }
    const struct mien_conv2d_pooled pooled = { b[DY], b[WINNER] };
    if (s->op.conv.pool > 0) {
        return mien_conv2d_bwd_filter_pooled(s->cl, b[DWEIGHT], b[DBIAS], &pooled, b[X], b[WORK],
                                             &s->op.conv, err);
    }
    return mien_conv2d_bwd_filter(s->cl, b[DWEIGHT], b[DBIAS], b[DY], b[X], b[WORK], &s->op.conv,
                                  err);
}

/* Scratch of the hungriest pass and variant. */
static size_t most_work(const struct mien_conv2d *op)
{
    struct mien_conv2d other = *op;
    size_t most = mien_conv2d_work_bytes(op);
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
            if (mien_conv2d_takes(op, (enum mien_conv2d_pass)pass, (enum mien_conv2d_variant)v)) {
                other.variant[pass] = (enum mien_conv2d_variant)v;
                const size_t bytes = mien_conv2d_work_bytes(&other);
                most = bytes > most ? bytes : most;
            }
        }
    }
    return most;
}

struct conv_case {
    int c, h, w, oc, kernel, pad;
    bool pooled; /* max-pooling of 2x2 comes behind it in a network */
    int groups;  /* of channels; 0: none */
};

/* Forward passes that end in the pooling, and backward filter passes that begin behind it, of the
 * variants that can. */
static enum mien_status measure_pooled(struct kernel_shape *shape, enum mien_conv2d_pass p,
                                       struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_conv2d *const op = &shape->op.conv;
    const double weights = (double)shape->bytes[WEIGHT] / sizeof(cl_float);
    const double outputs = (double)shape->bytes[WINNER]; /* a byte each */
    const int rows = op->ho / 2 * 2;
    const int columns = op->wo / 2 * 2;
    const struct kernel_pass pass = {
        .enqueue = enqueue_conv,
        .flop = 2.0 * weights * (double)rows * (double)columns * op->n,
        .bytes = (double)(shape->bytes[X] + shape->bytes[WEIGHT]) +
                 outputs * (double)(sizeof(cl_float) + 1),
    };
    shape->pass = (int)p;
    for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
        op->pool = 0;
        op->variant[p] = (enum mien_conv2d_variant)v;
        if (!mien_conv2d_takes(op, p, (enum mien_conv2d_variant)v) || !mien_conv2d_fits(op, p) ||
            !mien_conv2d_pools(op, p, 2)) {
            continue;
        }
        op->pool = 2;
        TRY(mien_kernel_measure(
            shape, &pass, err, "%dx%dx%d to %dx%dx%d by %dx%d, %s with maxpool 2, %s", op->c, op->h,
            op->w, op->oc, op->ho / 2, op->wo / 2, op->kh, op->kw, mien_conv2d_pass_name(p),
            mien_conv2d_variant_name((enum mien_conv2d_variant)v)));
    }

done:
    return st;
}

static enum mien_status measure_conv(struct mien_cl *cl, const struct mien_kernels_options *options,
                                     const struct conv_case *sizes, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = { .cl = cl, .options = options, .kind = "conv2d" };
    struct mien_conv2d *const op = &shape.op.conv;
    const struct mien_act x = { options->batch, sizes->c, sizes->h, sizes->w,
                                mien_device_lanes(mien_cl_device(cl)) };
    TRY(mien_conv2d_init(op, &x, sizes->oc, sizes->kernel, sizes->kernel, 1, sizes->pad, err));
    TRY(sizes->groups > 0 ? mien_conv2d_group(op, sizes->groups, err) : MIEN_OK);
    mien_conv2d_fit(op, (size_t)mien_cl_device(cl)->local_bytes);
    const struct mien_act y = mien_conv2d_output(op);
    const size_t taps = (size_t)sizes->kernel * (size_t)sizes->kernel;
    const size_t weights = (size_t)op->oc * (size_t)(op->c / op->groups) * taps;
    char groups[32] = "";
    if (sizes->groups > 0) {
        (void)snprintf(groups, sizeof(groups), " in %d groups", sizes->groups);
    }
    shape.bytes[X] = shape.bytes[DX] = kernel_act_bytes(&x);
    shape.bytes[Y] = shape.bytes[DY] = kernel_act_bytes(&y);
    shape.bytes[WEIGHT] = shape.bytes[DWEIGHT] = weights * sizeof(cl_float);
    shape.bytes[BIAS] = shape.bytes[DBIAS] = (size_t)op->oc * sizeof(cl_float);
    shape.bytes[WORK] = most_work(op);
    const struct mien_act pooled = { y.n, y.c, y.h / 2, y.w / 2, y.lanes };
    shape.bytes[WINNER] = sizes->pooled ? mien_act_floats(&pooled) : 0;
    const struct kernel_pass pass = {
        .enqueue = enqueue_conv,
        .flop = 2.0 * (double)weights * op->ho * op->wo * op->n,
        .bytes = (double)(shape.bytes[X] + shape.bytes[Y] + shape.bytes[WEIGHT]),
    };
    for (int p = 0; p < MIEN_CONV2D_PASSES; p++) {
        for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
            if (!mien_conv2d_takes(op, (enum mien_conv2d_pass)p, (enum mien_conv2d_variant)v)) {
                continue;
            }
            shape.pass = p;
            op->variant[p] = (enum mien_conv2d_variant)v;
            if (!mien_conv2d_fits(op, (enum mien_conv2d_pass)p)) {
                continue; /* the device's local memory is less than it wants */
            }
            TRY(mien_kernel_measure(&shape, &pass, err, "%dx%dx%d to %dx%dx%d by %dx%d%s, %s, %s",
                                    op->c, op->h, op->w, op->oc, op->ho, op->wo, op->kh, op->kw,
                                    groups, mien_conv2d_pass_name((enum mien_conv2d_pass)p),
                                    mien_conv2d_variant_name((enum mien_conv2d_variant)v)));
        }
    }
    TRY(sizes->pooled ? measure_pooled(&shape, MIEN_CONV2D_FWD, err) : MIEN_OK);
    TRY(sizes->pooled ? measure_pooled(&shape, MIEN_CONV2D_BWD_FILTER, err) : MIEN_OK);

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

static enum mien_status enqueue_dense(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    switch (s->pass) {
    case 0:
        return mien_dense_fwd(s->cl, b[Y], b[X], b[WEIGHT], b[BIAS], b[WORK], &s->op.dense, err);
    case 1:
        return mien_dense_bwd_data(s->cl, b[DX], b[DY], b[WEIGHT], NULL, b[WORK], &s->op.dense,
                                   err);
    default:
        return mien_dense_bwd_weight(s->cl, b[DWEIGHT], b[DBIAS], b[DY], b[X], b[WORK],
                                     &s->op.dense, err);
    }
}

static enum mien_status measure_dense(struct mien_cl *cl,
                                      const struct mien_kernels_options *options, int in, int out,
                                      int lanes, struct mien_error *err)
{
    static const char *const passes[] = { "forward", "backward data", "backward filter" };
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = { .cl = cl, .options = options, .kind = "dense" };
    const struct mien_act x = { options->batch, in, 1, 1, lanes };
    const struct mien_act y = { options->batch, out, 1, 1, lanes };
    TRY(mien_dense_init(&shape.op.dense, &x, out, err));
    shape.bytes[X] = shape.bytes[DX] = kernel_act_bytes(&x);
    shape.bytes[Y] = shape.bytes[DY] = kernel_act_bytes(&y);
    shape.bytes[WEIGHT] = shape.bytes[DWEIGHT] = (size_t)in * (size_t)out * sizeof(cl_float);
    shape.bytes[BIAS] = shape.bytes[DBIAS] = (size_t)out * sizeof(cl_float);
    shape.bytes[WORK] = mien_dense_work_bytes(&shape.op.dense);
    const struct kernel_pass pass = {
        .enqueue = enqueue_dense,
        .flop = 2.0 * in * out * (double)options->batch,
        .bytes = (double)(shape.bytes[X] + shape.bytes[Y] + shape.bytes[WEIGHT]),
    };
    for (shape.pass = 0; shape.pass < 3; shape.pass++) {
        TRY(mien_kernel_measure(&shape, &pass, err, "%d to %d, %s, %s", in, out, passes[shape.pass],
                                lanes > 1 ? "own" : "clblast"));
    }

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

enum mien_status mien_kernels_measure(struct mien_cl *cl,
                                      const struct mien_kernels_options *options,
                                      struct mien_error *err)
{
    /* report, report-pooled, both VGGs; what two of them share stands here once.  Then in groups:
     * depthwise, in four, and the 1x1 that goes with them. */
    static const struct conv_case convs[] = {
        { 1, 48, 48, 64, 5, 0, true, 0 },    { 64, 44, 44, 32, 4, 0, false, 0 },
        { 64, 22, 22, 32, 4, 0, true, 0 },   { 1, 44, 44, 32, 3, 1, false, 0 },
        { 1, 44, 44, 64, 3, 1, false, 0 },   { 32, 44, 44, 32, 3, 1, true, 0 },
        { 64, 44, 44, 64, 3, 1, true, 0 },   { 32, 22, 22, 64, 3, 1, false, 0 },
        { 64, 22, 22, 64, 3, 1, true, 0 },   { 64, 22, 22, 128, 3, 1, false, 0 },
        { 128, 22, 22, 128, 3, 1, true, 0 }, { 64, 11, 11, 128, 3, 1, false, 0 },
        { 128, 11, 11, 128, 3, 1, true, 0 }, { 128, 11, 11, 256, 3, 1, false, 0 },
        { 256, 11, 11, 256, 3, 1, true, 0 }, { 128, 5, 5, 256, 3, 1, false, 0 },
        { 256, 5, 5, 256, 3, 1, false, 0 },  { 256, 5, 5, 512, 3, 1, false, 0 },
        { 512, 5, 5, 512, 3, 1, false, 0 },  { 64, 22, 22, 64, 3, 1, false, 64 },
        { 64, 22, 22, 64, 3, 1, false, 4 },  { 64, 22, 22, 64, 1, 0, false, 0 },
    };
    static const struct {
        int in, out;
    } denses[] = { { 53792, 120 }, { 2592, 120 }, { 120, 84 }, { 84, 7 }, { 256, 7 }, { 512, 7 } };
    enum mien_status st = MIEN_OK;
    const int lanes = mien_device_lanes(mien_cl_device(cl));
    for (size_t i = 0; i < sizeof(convs) / sizeof(convs[0]); i++) {
        TRY(measure_conv(cl, options, &convs[i], err));
    }
    for (size_t i = 0; i < sizeof(denses) / sizeof(denses[0]); i++) {
        if (lanes > 1) {
            TRY(measure_dense(cl, options, denses[i].in, denses[i].out, lanes, err));
        }
        TRY(measure_dense(cl, options, denses[i].in, denses[i].out, 1, err));
    }
    TRY(mien_kernels_measure_pointwise(cl, options, err));
    TRY(mien_kernels_measure_light(cl, options, err));

done:
    mien_cl_label(cl, "");
    return st;
}
