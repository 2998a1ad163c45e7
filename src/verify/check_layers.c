/* check_layers.c - the rows of pooling, batch normalisation, ReLU, additions and dropout */
#include <math.h>
#include <string.h>

#include "ops/add.h"
#include "ops/dropout.h"
#include "ops/relu.h"
#include "ref/add.h"
#include "ref/batchnorm.h"
#include "ref/dropout.h"
#include "ref/pool.h"
#include "ref/relu.h"
#include "verify/check_internal.h"

enum { FORWARD, BACKWARD, EVALUATION, EVALUATION_BACKWARD };

/* Of pooling and ReLU. */
enum { X, Y, DX, DY, WINNER };

static enum mien_status prepare_pool(struct check *k, enum mien_pool_kind kind, double backward,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = k->shape;
    const struct mien_act x = mien_verify_input(k);
    const bool mean = kind == MIEN_POOL_AVG;
    TRY(mien_pool_init(&k->op.pool, kind, &x, s->kh, s->kw, s->stride, s->pad, err));
    const struct mien_act y = mien_pool_output(&k->op.pool);
    TRY(mien_verify_act(k, X, CHECK_INPUT, 0, "x", &x, 0.0, err));
    TRY(mien_verify_act(k, DY, CHECK_INPUT, 0, "dy", &y, 0.0, err));
    TRY(mien_verify_act(k, Y, CHECK_RESULT, FORWARD, "y", &y, mean ? 1e-6 : 0.0, err));
    TRY(mien_verify_act(k, DX, CHECK_RESULT, BACKWARD, "dx", &x, backward, err));
    k->t[DX].zero = k->t[DY].zero = true;

done:
    return st;
}

static struct mien_ref_pool ref_pool(const struct mien_pool *op)
{
    return (struct mien_ref_pool){ op->n,  op->c,      op->h,   op->w,  op->kh,
                                   op->kw, op->stride, op->pad, op->ho, op->wo };
}

/* Windows that overlap are summed up. */
static enum mien_status prepare_maxpool(struct check *k, struct mien_error *err)
{
    const struct mien_verify_shape *const s = k->shape;
    const bool overlap = s->kh > s->stride || s->kw > s->stride;
    enum mien_status st = prepare_pool(k, MIEN_POOL_MAX, overlap ? 1e-6 : 0.0, err);
    if (st == MIEN_OK) {
        st = mien_verify_whole(k, WINNER, CHECK_STATE, FORWARD, "winner", CHECK_U8,
                               mien_pool_winner_bytes(&k->op.pool), err);
    }
    return st;
}

static enum mien_status enqueue_maxpool(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    if (pass == FORWARD) {
        return mien_pool_max_fwd(k->cl, t[Y].device.buffer, t[WINNER].device.buffer,
                                 t[X].device.buffer, &k->op.pool, k->shape->relu, err);
    }
    return mien_pool_max_bwd(k->cl, t[DX].device.buffer, t[DY].device.buffer,
                             t[WINNER].device.buffer, k->shape->mask ? t[Y].device.buffer : NULL,
                             &k->op.pool, err);
}

/* The reference's winners, which need no more room than the device's; those have their layout. */
static void expect_maxpool(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const struct mien_ref_pool ref = ref_pool(&k->op.pool);
    mien_ref_pool_max_fwd(t[Y].want, t[WINNER].raw, t[X].plain, &ref, k->shape->relu);
    if (pass == BACKWARD) {
        mien_ref_pool_max_bwd(t[DX].want, t[DY].plain, t[WINNER].raw,
                              k->shape->mask ? t[Y].want : NULL, &ref);
    }
}

const struct check_op mien_verify_maxpool = {
    .passes = { "forward", "backward" },
    .prepare = prepare_maxpool,
    .enqueue = enqueue_maxpool,
    .expect = expect_maxpool,
};

static enum mien_status prepare_avgpool(struct check *k, struct mien_error *err)
{
    return prepare_pool(k, MIEN_POOL_AVG, 1e-6, err);
}

static enum mien_status enqueue_avgpool(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    if (pass == FORWARD) {
        return mien_pool_avg_fwd(k->cl, t[Y].device.buffer, t[X].device.buffer, &k->op.pool,
                                 k->shape->relu, err);
    }
    return mien_pool_avg_bwd(k->cl, t[DX].device.buffer, t[DY].device.buffer,
                             k->shape->mask ? t[X].device.buffer : NULL, &k->op.pool, err);
}

static void expect_avgpool(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const struct mien_ref_pool ref = ref_pool(&k->op.pool);
    if (pass == FORWARD) {
        mien_ref_pool_avg_fwd(t[Y].want, t[X].plain, &ref, k->shape->relu);
    } else {
        mien_ref_pool_avg_bwd(t[DX].want, t[DY].plain, k->shape->mask ? t[X].plain : NULL, &ref);
    }
}

const struct check_op mien_verify_avgpool = {
    .passes = { "forward", "backward" },
    .prepare = prepare_avgpool,
    .enqueue = enqueue_avgpool,
    .expect = expect_avgpool,
};

static enum mien_status prepare_relu(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act x = mien_verify_input(k);
    TRY(mien_act_check(&x, "relu", err));
    TRY(mien_verify_act(k, X, CHECK_INPUT, 0, "x", &x, 0.0, err));
    TRY(mien_verify_act(k, DY, CHECK_INPUT, 0, "dy", &x, 0.0, err));
    TRY(mien_verify_act(k, Y, CHECK_RESULT, FORWARD, "y", &x, 0.0, err));
    TRY(mien_verify_act(k, DX, CHECK_RESULT, BACKWARD, "dx", &x, 0.0, err));

done:
    return st;
}

/* Backward by x, which is above zero where y is. */
static enum mien_status enqueue_relu(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    const struct mien_act act = mien_verify_input(k);
    return pass == FORWARD ? mien_relu_fwd(k->cl, t[Y].device.buffer, t[X].device.buffer, &act, err)
                           : mien_relu_bwd(k->cl, t[DX].device.buffer, t[DY].device.buffer,
                                           t[X].device.buffer, &act, err);
}

static void expect_relu(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    if (pass == FORWARD) {
        mien_ref_relu_fwd(t[Y].want, t[X].plain, t[X].count);
    } else {
        mien_ref_relu_bwd(t[DX].want, t[DY].plain, t[X].plain, t[X].count);
    }
}

const struct check_op mien_verify_relu = {
    .passes = { "forward", "backward" },
    .prepare = prepare_relu,
    .enqueue = enqueue_relu,
    .expect = expect_relu,
};

/* Of an addition, behind X, Y, DX: what is added, and its gradient is DY. */
enum { ADDED = DY + 1, DSUM };

static enum mien_status prepare_add(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act x = mien_verify_input(k);
    TRY(mien_act_check(&x, "add", err));
    TRY(mien_verify_act(k, X, CHECK_INPUT, 0, "a", &x, 0.0, err));
    TRY(mien_verify_act(k, ADDED, CHECK_INPUT, 0, "b", &x, 0.0, err));
    TRY(mien_verify_act(k, DSUM, CHECK_INPUT, 0, "da", &x, 0.0, err));
    TRY(mien_verify_act(k, DY, CHECK_INPUT, 0, "db", &x, 0.0, err));
    TRY(mien_verify_act(k, Y, CHECK_RESULT, FORWARD, "y", &x, 0.0, err));
    TRY(mien_verify_act(k, DX, CHECK_RESULT, BACKWARD, "dx", &x, 0.0, err));

done:
    return st;
}

static enum mien_status enqueue_add(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    const struct mien_act act = mien_verify_input(k);
    if (pass == FORWARD) {
        return mien_add_fwd(k->cl, t[Y].device.buffer, t[X].device.buffer, t[ADDED].device.buffer,
                            &act, k->shape->relu, err);
    }
    return mien_add_bwd(k->cl, t[DX].device.buffer, t[DSUM].device.buffer, t[DY].device.buffer,
                        k->shape->mask ? t[X].device.buffer : NULL, &act, err);
}

static void expect_add(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    if (pass == FORWARD) {
        mien_ref_add_fwd(t[Y].want, t[X].plain, t[ADDED].plain, t[X].count, k->shape->relu);
    } else {
        mien_ref_add_bwd(t[DX].want, t[DSUM].plain, t[DY].plain, k->shape->mask ? t[X].plain : NULL,
                         t[X].count);
    }
}

const struct check_op mien_verify_add = {
    .passes = { "forward", "backward" },
    .prepare = prepare_add,
    .enqueue = enqueue_add,
    .expect = expect_add,
};

/* Of batch normalisation, behind X, Y, DX, DY. */
enum {
    EVALUATED = DY + 1,
    EVALUATED_DX,
    SAVED,
    WORK,
    WEIGHT,
    BIAS,
    MEAN,
    VARIANCE,
    DWEIGHT,
    DBIAS
};
#define OFFSET 0.3f /* of x from zero, so that variances do not come out right by luck */

static enum mien_status prepare_batchnorm(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = k->shape;
    const struct mien_act x = mien_verify_input(k);
    const size_t c = (size_t)s->c;
    struct mien_batchnorm *const op = &k->op.batchnorm;
    TRY(mien_act_check(&x, "batchnorm", err));
    *op = (struct mien_batchnorm){
        .act = x, .eps = 1e-5f, .momentum = 0.1f, .relu = s->relu, .after_relu = s->mask
    };
    TRY(mien_verify_act(k, X, CHECK_INPUT, 0, "x", &x, 0.0, err));
    TRY(mien_verify_act(k, DY, CHECK_INPUT, 0, "dy", &x, 0.0, err));
    TRY(mien_verify_act(k, Y, CHECK_RESULT, FORWARD, "y", &x, 1e-5, err));
    TRY(mien_verify_act(k, EVALUATED, CHECK_RESULT, EVALUATION, "y", &x, 1e-5, err));
    TRY(mien_verify_act(k, DX, CHECK_RESULT, BACKWARD, "dx", &x, 1e-5, err));
    TRY(mien_verify_act(k, EVALUATED_DX, CHECK_RESULT, EVALUATION_BACKWARD, "dx", &x, 1e-5, err));
    TRY(mien_verify_flat(k, WEIGHT, CHECK_INPUT, 0, "weight", c, 0.0, err));
    TRY(mien_verify_flat(k, BIAS, CHECK_INPUT, 0, "bias", c, 0.0, err));
    TRY(mien_verify_flat(k, MEAN, CHECK_UPDATED, -1, "running_mean", c, 1e-5, err));
    TRY(mien_verify_flat(k, VARIANCE, CHECK_UPDATED, -1, "running_var", c, 1e-5, err));
    TRY(mien_verify_flat(k, DWEIGHT, CHECK_RESULT, BACKWARD, "dweight", c, 1e-5, err));
    TRY(mien_verify_flat(k, DBIAS, CHECK_RESULT, BACKWARD, "dbias", c, 1e-5, err));
    TRY(mien_verify_whole(k, SAVED, CHECK_STATE, FORWARD, "saved", CHECK_U8,
                          mien_batchnorm_saved_bytes(op), err));
    TRY(mien_verify_whole(k, WORK, CHECK_SCRATCH, -1, "work", CHECK_U8,
                          mien_batchnorm_work_bytes(op), err));
    k->t[DX].zero = k->t[EVALUATED_DX].zero = k->t[DY].zero = true;
    for (size_t i = 0; i < k->t[X].count; i++) {
        k->t[X].plain[i] += OFFSET;
    }
    for (size_t i = 0; i < c; i++) {
        k->t[WEIGHT].plain[i] += 1.0f;
        k->t[VARIANCE].plain[i] += 1.0f;
    }

done:
    return st;
}

static enum mien_status enqueue_batchnorm(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    const struct mien_batchnorm_buffers buffers = {
        .weight = t[WEIGHT].device.buffer,
        .bias = t[BIAS].device.buffer,
        .running_mean = t[MEAN].device.buffer,
        .running_var = t[VARIANCE].device.buffer,
        .saved = t[SAVED].device.buffer,
        .dweight = t[DWEIGHT].device.buffer,
        .dbias = t[DBIAS].device.buffer,
        .work = t[WORK].device.buffer,
    };
    switch (pass) {
    case FORWARD:
        return mien_batchnorm_fwd(k->cl, t[Y].device.buffer, t[X].device.buffer, &buffers,
                                  &k->op.batchnorm, err);
    case BACKWARD:
        return mien_batchnorm_bwd(k->cl, t[DX].device.buffer, t[DY].device.buffer,
                                  t[X].device.buffer, &buffers, &k->op.batchnorm, err);
    case EVALUATION_BACKWARD:
        return mien_batchnorm_eval_bwd(k->cl, t[EVALUATED_DX].device.buffer, t[DY].device.buffer,
                                       t[X].device.buffer, &buffers, &k->op.batchnorm, err);
    default:
        return mien_batchnorm_eval(k->cl, t[EVALUATED].device.buffer, t[X].device.buffer, &buffers,
                                   &k->op.batchnorm, err);
    }
}

/* The largest weight / std of a channel. */
static float largest_factor(const struct check *k)
{
    const struct mien_verify_shape *const s = k->shape;
    const size_t pixels = (size_t)s->h * (size_t)s->w;
    float most = 0.0f;
    for (int c = 0; c < s->c; c++) {
        double sum = 0.0;
        double squares = 0.0;
        for (int n = 0; n < s->n; n++) {
            const float *const plane =
                k->t[X].plain + ((size_t)n * (size_t)s->c + (size_t)c) * pixels;
            for (size_t i = 0; i < pixels; i++) {
                sum += (double)plane[i];
                squares += (double)plane[i] * (double)plane[i];
            }
        }
        const double count = (double)pixels * s->n;
        const double mean = sum / count;
        const double variance = squares / count - mean * mean;
        const double root = sqrt((variance > 0.0 ? variance : 0.0) + (double)k->op.batchnorm.eps);
        const float factor = (float)((double)fabsf(k->t[WEIGHT].plain[c]) / root);
        most = factor > most ? factor : most;
    }
    return most;
}

/* Where terms cancel, errors are relative to the terms: docs/numerics.md. */
static void expect_batchnorm(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const struct mien_verify_shape *const s = k->shape;
    const struct mien_batchnorm *const op = &k->op.batchnorm;
    const struct mien_ref_batchnorm ref = { s->n,         s->c,     s->h * s->w,   op->eps,
                                            op->momentum, op->relu, op->after_relu };
    const size_t c = t[MEAN].count;
    const float parameters =
        mien_verify_largest(t[WEIGHT].plain, c) + mien_verify_largest(t[BIAS].plain, c);
    const float dy = mien_verify_largest(t[DY].plain, t[DY].count);
    memcpy(t[MEAN].want, t[MEAN].plain, c * sizeof(float)); /* only the forward pass changes them */
    memcpy(t[VARIANCE].want, t[VARIANCE].plain, c * sizeof(float));
    const struct mien_ref_batchnorm_params params = { t[WEIGHT].plain, t[BIAS].plain, t[MEAN].want,
                                                      t[VARIANCE].want };
    switch (pass) {
    case FORWARD:
        t[Y].scale = parameters;
        mien_ref_batchnorm_fwd(t[Y].want, t[X].plain, &params, &ref);
        break;
    case BACKWARD:
        t[DX].scale = largest_factor(k) * dy;
        t[DWEIGHT].scale = sqrtf((float)(t[X].count / c)) * dy;
        t[DBIAS].scale = t[DWEIGHT].scale;
        mien_ref_batchnorm_bwd(t[DX].want, t[DWEIGHT].want, t[DBIAS].want, t[DY].plain, t[X].plain,
                               t[WEIGHT].plain, &ref);
        break;
    case EVALUATION_BACKWARD:
        mien_ref_batchnorm_eval_bwd(t[EVALUATED_DX].want, t[DY].plain, t[X].plain, &params, &ref);
        break;
    default:
        t[EVALUATED].scale = parameters;
        mien_ref_batchnorm_eval(t[EVALUATED].want, t[X].plain, &params, &ref);
    }
}

const struct check_op mien_verify_batchnorm = {
    .passes = { "forward", "backward", "evaluation", "evaluation backward" },
    .prepare = prepare_batchnorm,
    .enqueue = enqueue_batchnorm,
    .expect = expect_batchnorm,
};

/* Of dropout, whose backward pass is the same call. */
static const struct mien_ref_dropout dropout = { .rate = 0.3f, .seed = 5, .step = 7, .layer = 2 };

static enum mien_status prepare_dropout(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act x = mien_verify_input(k);
    TRY(mien_act_check(&x, "dropout", err));
    TRY(mien_verify_act(k, X, CHECK_INPUT, 0, "x", &x, 0.0, err));
    TRY(mien_verify_act(k, Y, CHECK_RESULT, FORWARD, "y", &x, 0.0, err));

done:
    return st;
}

static enum mien_status enqueue_dropout(struct check *k, int pass, struct mien_error *err)
{
    (void)pass;
    const struct mien_dropout op = { .act = mien_verify_input(k),
                                     .rate = dropout.rate,
                                     .seed = dropout.seed,
                                     .step = dropout.step,
                                     .layer = dropout.layer };
    return mien_dropout(k->cl, k->t[Y].device.buffer, k->t[X].device.buffer, &op, err);
}

static void expect_dropout(struct check *k, int pass)
{
    (void)pass;
    const struct mien_verify_shape *const s = k->shape;
    struct mien_ref_dropout ref = dropout;
    ref.n = s->n;
    ref.c = s->c;
    ref.h = s->h;
    ref.w = s->w;
    mien_ref_dropout(k->t[Y].want, k->t[X].plain, &ref);
}

const struct check_op mien_verify_dropout = {
    .passes = { "" },
    .prepare = prepare_dropout,
    .enqueue = enqueue_dropout,
    .expect = expect_dropout,
};
