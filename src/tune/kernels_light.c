/* kernels_light.c - measuring pooling, batch norm, loss, gathering and optimisers */
#include <stdlib.h>

#include "base/memory.h"
#include "ops/accumulate.h"
#include "ops/average.h"
#include "ops/clip.h"
#include "ops/guard.h"
#include "ops/sam.h"
#include "tune/kernels_internal.h"

/* Tensors of pooling and batch normalisation. */
enum { X, Y, DX, DY, WINNER, WEIGHT, BIAS, MEAN, VARIANCE, SAVED, WORK, GRADIENT, BIAS_GRADIENT };

static enum mien_status enqueue_pool(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    const struct mien_pool *const op = &s->op.pool;
    switch (s->pass) {
    case 0: return mien_pool_max_fwd(s->cl, b[Y], b[WINNER], b[X], op, false, err);
    case 1: return mien_pool_max_bwd(s->cl, b[DX], b[DY], b[WINNER], NULL, op, err);
    case 2: return mien_pool_avg_fwd(s->cl, b[Y], b[X], op, false, err);
    default: return mien_pool_avg_bwd(s->cl, b[DX], b[DY], NULL, op, err);
    }
}

/* Windows of 2 x 2 with their maximum, or, for `mean`, the whole image's mean. */
static enum mien_status measure_pool(const struct kernel_shape *blank, const struct mien_act *x,
                                     bool mean, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = *blank;
    struct mien_pool *const op = &shape.op.pool;
    shape.kind = mean ? "avgpool" : "maxpool";
    TRY(mien_pool_init(op, mean ? MIEN_POOL_AVG : MIEN_POOL_MAX, x, mean ? x->h : 2,
                       mean ? x->w : 2, mean ? 1 : 2, 0, err));
    const struct mien_act y = mien_pool_output(op);
    shape.bytes[X] = shape.bytes[DX] = kernel_act_bytes(x);
    shape.bytes[Y] = shape.bytes[DY] = kernel_act_bytes(&y);
    shape.bytes[WINNER] = mean ? 0 : mien_pool_winner_bytes(op);
    const struct kernel_pass pass = {
        .enqueue = enqueue_pool,
        .flop = (double)mien_act_floats(x),
        .bytes = (double)(shape.bytes[X] + shape.bytes[Y] + shape.bytes[WINNER]),
    };
    for (int i = 0; i < 2; i++) {
        shape.pass = (mean ? 2 : 0) + i;
        TRY(mien_kernel_measure(&shape, &pass, err, "%dx%dx%d to %dx%d, %s", op->c, op->h, op->w,
                                op->ho, op->wo, i == 0 ? "forward" : "backward"));
    }

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

static const char *const norm_passes[] = { "forward", "backward", "evaluation" };

static struct mien_batchnorm_buffers norm_buffers(const struct kernel_shape *shape)
{
    struct mien_cl_buffer *const *const b = shape->buffers;
    return (struct mien_batchnorm_buffers){
        .weight = b[WEIGHT],
        .bias = b[BIAS],
        .running_mean = b[MEAN],
        .running_var = b[VARIANCE],
        .saved = b[SAVED],
        .dweight = b[GRADIENT],
        .dbias = b[BIAS_GRADIENT],
        .work = b[WORK],
    };
}

static void set_norm_bytes(struct kernel_shape *shape, const struct mien_act *x,
                           const struct mien_act *y, const struct mien_batchnorm *op)
{
    const size_t channels = (size_t)x->c * sizeof(cl_float);
    shape->bytes[X] = shape->bytes[DX] = kernel_act_bytes(x);
    shape->bytes[Y] = shape->bytes[DY] = kernel_act_bytes(y);
    shape->bytes[WEIGHT] = shape->bytes[BIAS] = channels;
    shape->bytes[MEAN] = shape->bytes[VARIANCE] = channels;
    shape->bytes[GRADIENT] = shape->bytes[BIAS_GRADIENT] = channels;
    shape->bytes[SAVED] = mien_batchnorm_saved_bytes(op);
    shape->bytes[WORK] = mien_batchnorm_work_bytes(op);
}

static enum mien_status enqueue_batchnorm(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    const struct mien_batchnorm_buffers buffers = norm_buffers(s);
    switch (s->pass) {
    case 0: return mien_batchnorm_fwd(s->cl, b[Y], b[X], &buffers, &s->op.batchnorm, err);
    case 1: return mien_batchnorm_bwd(s->cl, b[DX], b[DY], b[X], &buffers, &s->op.batchnorm, err);
    default: return mien_batchnorm_eval(s->cl, b[Y], b[X], &buffers, &s->op.batchnorm, err);
    }
}

static enum mien_status measure_batchnorm(const struct kernel_shape *blank,
                                          const struct mien_act *x, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = *blank;
    shape.kind = "batchnorm";
    shape.op.batchnorm = (struct mien_batchnorm){ .act = *x, .eps = 1e-5f, .momentum = 0.1f };
    set_norm_bytes(&shape, x, x, &shape.op.batchnorm);
    for (shape.pass = 0; shape.pass < 3; shape.pass++) {
        const struct kernel_pass pass = {
            .enqueue = enqueue_batchnorm,
            .flop = (double)mien_act_floats(x),
            .bytes = (double)shape.bytes[X] * (shape.pass == 1 ? 3.0 : 2.0),
        };
        TRY(mien_kernel_measure(&shape, &pass, err, "%dx%dx%d, %s", x->c, x->h, x->w,
                                norm_passes[shape.pass]));
    }

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

/* Batch norm with the max-pooling behind it. */
static enum mien_status enqueue_norm_pool(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    const struct mien_batchnorm_buffers buffers = norm_buffers(s);
    const struct mien_batchnorm *const op = &s->op.pooled_norm.batchnorm;
    const struct mien_pool *const pool = &s->op.pooled_norm.pool;
    switch (s->pass) {
    case 0: return mien_batchnorm_pool_fwd(s->cl, b[Y], b[WINNER], b[X], &buffers, op, pool, err);
    case 1:
        return mien_batchnorm_pool_bwd(s->cl, b[DX], b[DY], b[WINNER], b[X], &buffers, op, pool,
                                       err);
    default: return mien_batchnorm_pool_eval(s->cl, b[Y], b[X], &buffers, op, pool, err);
    }
}

static enum mien_status measure_norm_pool(const struct kernel_shape *blank,
                                          const struct mien_act *x, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = *blank;
    struct mien_batchnorm *const op = &shape.op.pooled_norm.batchnorm;
    struct mien_pool *const pool = &shape.op.pooled_norm.pool;
    shape.kind = "batchnorm maxpool";
    *op = (struct mien_batchnorm){ .act = *x, .eps = 1e-5f, .momentum = 0.1f };
    TRY(mien_pool_init(pool, MIEN_POOL_MAX, x, 2, 2, 2, 0, err));
    const struct mien_act y = mien_pool_output(pool);
    set_norm_bytes(&shape, x, &y, op);
    shape.bytes[WINNER] = mien_pool_winner_bytes(pool);
    for (shape.pass = 0; shape.pass < 3; shape.pass++) {
        const bool backward = shape.pass == 1;
        const struct kernel_pass pass = {
            .enqueue = enqueue_norm_pool,
            .flop = (double)mien_act_floats(x),
            .bytes = (double)shape.bytes[X] * (backward ? 2.0 : 1.0) + (double)shape.bytes[Y] +
                     (double)(shape.pass < 2 ? shape.bytes[WINNER] : 0),
        };
        TRY(mien_kernel_measure(&shape, &pass, err, "%dx%dx%d to %dx%d, %s", x->c, x->h, x->w, y.h,
                                y.w, norm_passes[shape.pass]));
    }

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

/* Batch norm into `each` weights of each of x's channels: WEIGHT and BIAS of the norm, Y and DY the
 * weights before and after, DX the bias. */
static enum mien_status enqueue_fold(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    const struct mien_batchnorm_buffers buffers = norm_buffers(s);
    const struct mien_batchnorm *const op = &s->op.pooled_norm.batchnorm;
    const struct mien_batchnorm_fold fold = {
        .weight = s->buffers[DY],
        .bias = s->buffers[DX],
        .from_weight = s->buffers[Y],
        .each = (cl_int)(s->bytes[Y] / sizeof(cl_float)) / op->act.c,
    };
    return mien_batchnorm_fold(s->cl, &fold, &buffers, op, err);
}

static enum mien_status measure_fold(const struct kernel_shape *blank, int inputs, int channels,
                                     int lanes, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = *blank;
    struct mien_batchnorm *const op = &shape.op.pooled_norm.batchnorm;
    const size_t each = (size_t)channels * sizeof(cl_float);
    const size_t weights = each * (size_t)inputs * 9;
    shape.kind = "batchnorm fold";
    *op = (struct mien_batchnorm){ .act = { 1, channels, 1, 1, lanes }, .eps = 1e-5f };
    shape.bytes[WEIGHT] = shape.bytes[BIAS] = shape.bytes[MEAN] = shape.bytes[VARIANCE] = each;
    shape.bytes[Y] = shape.bytes[DY] = weights;
    shape.bytes[DX] = each;
    const struct kernel_pass pass = {
        .enqueue = enqueue_fold,
        .flop = (double)weights / sizeof(cl_float),
        .bytes = 2.0 * (double)weights,
    };
    TRY(mien_kernel_measure(&shape, &pass, err, "into %d to %d channels by 3x3", inputs, channels));

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

/* Buffer `index` as `n` numbers from 0 to below - 1, mixed. */
static enum mien_status add_numbers(struct kernel_shape *shape, int index, int n, int below,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t bytes = (size_t)n * sizeof(cl_int);
    cl_int *const numbers = mien_calloc((size_t)n, sizeof(*numbers), err);
    if (numbers == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int i = 0; i < n; i++) {
        numbers[i] = (cl_int)((int64_t)i * 7919 % below);
    }
    TRY(mien_cl_buffer_create(&shape->buffers[index], shape->cl, bytes, err));
    TRY(mien_cl_write(shape->cl, shape->buffers[index], 0, numbers, bytes, err));

done:
    free(numbers);
    return st;
}

/* Tensors of the loss and of the gathering. */
enum { LOGITS, DLOGITS, STATS, LABELS, SET, INDICES, BATCH, CHANGES };

static enum mien_status enqueue_softmax(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    const struct mien_softmax_target target = { .labels = b[LABELS] };
    return mien_softmax_loss(s->cl, b[DLOGITS], b[STATS], b[LOGITS], &target, &s->op.softmax, err);
}

static enum mien_status measure_softmax(const struct kernel_shape *blank, int classes,
                                        struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = *blank;
    const int n = blank->options->batch;
    const struct mien_act act = { n, classes, 1, 1, mien_device_lanes(mien_cl_device(blank->cl)) };
    shape.kind = "softmax";
    shape.op.softmax =
        (struct mien_softmax){ .n = n, .classes = classes, .lanes = act.lanes, .scale = 1.0f };
    shape.bytes[LOGITS] = shape.bytes[DLOGITS] = kernel_act_bytes(&act);
    const struct kernel_pass pass = { .enqueue = enqueue_softmax,
                                      .bytes = (double)shape.bytes[LOGITS] * 2.0 };
    TRY(mien_cl_buffer_create(&shape.buffers[STATS], shape.cl, mien_softmax_stats_bytes(n), err));
    TRY(mien_softmax_stats_reset(shape.cl, shape.buffers[STATS], err));
    TRY(add_numbers(&shape, LABELS, n, classes, err));
    TRY(mien_kernel_measure(&shape, &pass, err, "loss and gradient, %d classes", classes));

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

enum { PLAIN, AUGMENTED };

static enum mien_status enqueue_gather(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    return s->pass == AUGMENTED
               ? mien_gather_changed(s->cl, b[BATCH], b[SET], b[INDICES], b[CHANGES], &s->op.gather,
                                     err)
               : mien_gather_images(s->cl, b[BATCH], b[SET], b[INDICES], &s->op.gather, err);
}

/* Every image turned a little: what is sampled matters less than that neighbours lie askew. */
static enum mien_status add_changes(struct kernel_shape *shape, const struct mien_act *x,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t bytes = (size_t)x->n * sizeof(struct mien_gather_change);
    struct mien_gather_change *const changes = mien_calloc((size_t)x->n, sizeof(*changes), err);
    if (changes == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int i = 0; i < x->n; i++) {
        const float turn = 0.2f * (float)i / (float)x->n - 0.1f;
        changes[i] = (struct mien_gather_change){
            .map = { 1.0f, -turn, turn * (float)x->h / 2.0f, turn, 1.0f,
                     -turn * (float)x->w / 2.0f },
            .gain = 1.1f,
            .offset = 0.1f,
        };
    }
    TRY(mien_cl_buffer_create(&shape->buffers[CHANGES], shape->cl, bytes, err));
    TRY(mien_cl_write(shape->cl, shape->buffers[CHANGES], 0, changes, bytes, err));

done:
    free(changes);
    return st;
}

static enum mien_status measure_gather(const struct kernel_shape *blank, const struct mien_act *x,
                                       struct mien_error *err)
{
    enum { SETS = 8 };
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = *blank;
    const size_t image = (size_t)x->c * (size_t)x->h * (size_t)x->w;
    const cl_int count = x->n * SETS;
    shape.kind = "gather";
    shape.op.gather = (struct mien_gather){ .act = *x, .count = count, .mean = 0.5f, .std = 0.25f };
    shape.bytes[SET] = image * (size_t)count;
    shape.bytes[BATCH] = kernel_act_bytes(x);
    const struct kernel_pass pass = {
        .enqueue = enqueue_gather,
        .bytes = (double)image * x->n + (double)shape.bytes[BATCH],
    };
    TRY(add_numbers(&shape, INDICES, x->n, count, err));
    TRY(add_changes(&shape, x, err));
    TRY(mien_kernel_measure(&shape, &pass, err, "%dx%dx%d", x->c, x->h, x->w));
    shape.pass = AUGMENTED;
    TRY(mien_kernel_measure(&shape, &pass, err, "%dx%dx%d augmented", x->c, x->h, x->w));

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

enum { PARAMS, GRADIENTS, STATE, STATE2, DECAYED, CLIP, GUARD };
enum { SGD, MOMENTUM, ADAM, AVERAGE, CLIPPING, SUM, GUARDING, CLIMBING, OPTIMIZERS };

static enum mien_status enqueue_optimizer(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    const struct mien_sgd sgd = { .rate = 1e-3f, .momentum = s->pass == MOMENTUM ? 0.9f : 0.0f };
    const struct mien_adam adam = {
        .rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .step = 1
    };
    const struct mien_adam_state state = { b[STATE], b[STATE2] };
    if (s->pass == AVERAGE) {
        return mien_average_update(s->cl, b[STATE], b[PARAMS], s->op.count, 1e-3f, err);
    }
    if (s->pass == CLIPPING) {
        return mien_clip_factor(s->cl, b[CLIP], b[GRADIENTS], s->op.count, 1.0f, err);
    }
    if (s->pass == GUARDING) { /* a state stands for sums of losses */
        return mien_guard_step(s->cl, b[GUARD], b[GRADIENTS], b[STATE2], s->op.count, 1, err);
    }
    if (s->pass == CLIMBING) {
        return mien_sam_climb(s->cl, b[PARAMS], b[STATE], b[GRADIENTS], b[CLIP], s->op.count, 1e-9f,
                              err);
    }
    if (s->pass == SUM) {
        return mien_accumulate(s->cl, b[STATE], b[GRADIENTS], s->op.count, false, err);
    }
    if (s->pass == ADAM) {
        return mien_adam_step(s->cl, b[PARAMS], &state, b[GRADIENTS], b[DECAYED], s->op.count,
                              &adam, err);
    }
    return mien_sgd_step(s->cl, b[PARAMS], s->pass == MOMENTUM ? b[STATE] : NULL, b[GRADIENTS],
                         b[DECAYED], s->op.count, &sgd, err);
}

static enum mien_status measure_optimizers(const struct kernel_shape *blank, size_t parameters,
                                           struct mien_error *err)
{
    static const char *const names[OPTIMIZERS] = { "sgd",  "sgd with momentum", "adam",  "average",
                                                   "clip", "accumulate",        "guard", "sam" };
    static const double buffers[OPTIMIZERS] = {
        3.0, 5.0, 7.0, 3.0, 1.0, 3.0, 1.0, 4.0
    }; /* read or written */
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = *blank;
    const size_t blocks = (parameters + MIEN_DECAY_BLOCK - 1) / MIEN_DECAY_BLOCK;
    shape.kind = "optimizer";
    shape.op.count = blocks * MIEN_DECAY_BLOCK;
    for (int i = PARAMS; i <= STATE2; i++) {
        shape.bytes[i] = shape.op.count * sizeof(cl_float);
    }
    shape.bytes[DECAYED] = blocks;
    shape.bytes[CLIP] = mien_clip_bytes(shape.op.count);
    shape.bytes[GUARD] = sizeof(struct mien_guard);
    for (shape.pass = 0; shape.pass < OPTIMIZERS; shape.pass++) {
        const struct kernel_pass pass = {
            .enqueue = enqueue_optimizer,
            .bytes = (double)shape.bytes[PARAMS] * buffers[shape.pass],
        };
        TRY(mien_kernel_measure(&shape, &pass, err, "%s, %zu parameters", names[shape.pass],
                                parameters));
    }

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

enum mien_status mien_kernels_measure_light(struct mien_cl *cl,
                                            const struct mien_kernels_options *options,
                                            struct mien_error *err)
{
    /* Channels and side of report, report-pooled and both VGGs. */
    static const struct {
        int c, side;
        bool maxpool, avgpool, batchnorm;
    } shapes[] = {
        { .c = 64, .side = 44, .maxpool = true, .batchnorm = true },
        { .c = 32, .side = 19, .maxpool = true },
        { .c = 32, .side = 44, .maxpool = true, .batchnorm = true },
        { .c = 64, .side = 22, .maxpool = true, .batchnorm = true },
        { .c = 128, .side = 22, .maxpool = true, .batchnorm = true },
        { .c = 128, .side = 11, .maxpool = true, .batchnorm = true },
        { .c = 256, .side = 11, .maxpool = true, .batchnorm = true },
        { .c = 256, .side = 5, .avgpool = true, .batchnorm = true },
        { .c = 512, .side = 5, .avgpool = true, .batchnorm = true },
    };
    static const size_t parameters[] = { 6500383, 356383, 1174439, 4689735 };
    enum mien_status st = MIEN_OK;
    const struct kernel_shape blank = { .cl = cl, .options = options };
    const int lanes = mien_device_lanes(mien_cl_device(cl));
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const struct mien_act x = { options->batch, shapes[i].c, shapes[i].side, shapes[i].side,
                                    lanes };
        TRY(mien_act_check(&x, "activation", err));
        st = shapes[i].maxpool ? measure_pool(&blank, &x, false, err) : MIEN_OK;
        st = st == MIEN_OK && shapes[i].avgpool ? measure_pool(&blank, &x, true, err) : st;
        st = st == MIEN_OK && shapes[i].batchnorm ? measure_batchnorm(&blank, &x, err) : st;
        TRY(st == MIEN_OK && shapes[i].batchnorm && shapes[i].maxpool
                ? measure_norm_pool(&blank, &x, err)
                : st);
    }
    TRY(measure_fold(&blank, 32, 32, lanes, err));
    TRY(measure_fold(&blank, 256, 256, lanes, err));
    const struct mien_act image = { options->batch, 1, 48, 48, lanes };
    TRY(measure_softmax(&blank, 7, err));
    TRY(measure_gather(&blank, &image, err));
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        TRY(measure_optimizers(&blank, parameters[i], err));
    }

done:
    return st;
}
