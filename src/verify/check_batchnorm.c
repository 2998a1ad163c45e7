/* check_batchnorm.c - the rows of batch normalisation, alone and with max-pooling behind it */
#include <math.h>
#include <string.h>

#include "ref/batchnorm.h"
#include "ref/pool.h"
#include "verify/check_internal.h"

enum { FORWARD, BACKWARD, EVALUATION, EVALUATION_BACKWARD };

enum {
    X,
    Y,
    DX,
    DY,
    EVALUATED,
    EVALUATED_DX,
    SAVED,
    WORK,
    WEIGHT,
    BIAS,
    MEAN,
    VARIANCE,
    DWEIGHT,
    DBIAS,
    WINNER
};
#define OFFSET 0.3f /* of x from zero, so that variances do not come out right by luck */

/* What there is with and without pooling; `y` is the shape of what comes out. */
static enum mien_status prepare(struct check *k, const struct mien_act *y, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = k->shape;
    const struct mien_act x = mien_verify_input(k);
    const size_t c = (size_t)s->c;
    struct mien_batchnorm *const op = &k->op.pooled_norm.batchnorm;
    TRY(mien_act_check(&x, "batchnorm", err));
    *op = (struct mien_batchnorm){
        .act = x, .eps = 1e-5f, .momentum = 0.1f, .relu = s->relu, .after_relu = s->mask
    };
    TRY(mien_verify_act(k, X, CHECK_INPUT, 0, "x", &x, 0.0, err));
    TRY(mien_verify_act(k, DY, CHECK_INPUT, 0, "dy", y, 0.0, err));
    TRY(mien_verify_act(k, Y, CHECK_RESULT, FORWARD, "y", y, 1e-5, err));
    TRY(mien_verify_act(k, EVALUATED, CHECK_RESULT, EVALUATION, "y", y, 1e-5, err));
    TRY(mien_verify_act(k, DX, CHECK_RESULT, BACKWARD, "dx", &x, 1e-5, err));
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
    k->t[DX].zero = k->t[DY].zero = true;
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

static enum mien_status prepare_batchnorm(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act x = mien_verify_input(k);
    TRY(prepare(k, &x, err));
    TRY(mien_verify_act(k, EVALUATED_DX, CHECK_RESULT, EVALUATION_BACKWARD, "dx", &x, 1e-5, err));
    k->t[EVALUATED_DX].zero = true;

done:
    return st;
}

static struct mien_batchnorm_buffers buffers_of(const struct check *k)
{
    const struct check_tensor *const t = k->t;
    return (struct mien_batchnorm_buffers){
        .weight = t[WEIGHT].device.buffer,
        .bias = t[BIAS].device.buffer,
        .running_mean = t[MEAN].device.buffer,
        .running_var = t[VARIANCE].device.buffer,
        .saved = t[SAVED].device.buffer,
        .dweight = t[DWEIGHT].device.buffer,
        .dbias = t[DBIAS].device.buffer,
        .work = t[WORK].device.buffer,
    };
}

static enum mien_status enqueue_batchnorm(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    const struct mien_batchnorm_buffers buffers = buffers_of(k);
    const struct mien_batchnorm *const op = &k->op.pooled_norm.batchnorm;
    switch (pass) {
    case FORWARD:
        return mien_batchnorm_fwd(k->cl, t[Y].device.buffer, t[X].device.buffer, &buffers, op, err);
    case BACKWARD:
        return mien_batchnorm_bwd(k->cl, t[DX].device.buffer, t[DY].device.buffer,
                                  t[X].device.buffer, &buffers, op, err);
    case EVALUATION_BACKWARD:
        return mien_batchnorm_eval_bwd(k->cl, t[EVALUATED_DX].device.buffer, t[DY].device.buffer,
                                       t[X].device.buffer, &buffers, op, err);
    default:
        return mien_batchnorm_eval(k->cl, t[EVALUATED].device.buffer, t[X].device.buffer, &buffers,
                                   op, err);
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
        const double root =
            sqrt((variance > 0.0 ? variance : 0.0) + (double)k->op.pooled_norm.batchnorm.eps);
        const float factor = (float)((double)fabsf(k->t[WEIGHT].plain[c]) / root);
        most = factor > most ? factor : most;
    }
    return most;
}

/* Sizes and parameters for the reference, and scales: where terms cancel, errors are relative to
 * the terms (docs/numerics.md). */
static struct mien_ref_batchnorm begin_expecting(struct check *k,
                                                 struct mien_ref_batchnorm_params *params)
{
    struct check_tensor *const t = k->t;
    const struct mien_verify_shape *const s = k->shape;
    const struct mien_batchnorm *const op = &k->op.pooled_norm.batchnorm;
    const size_t c = t[MEAN].count;
    const float dy = mien_verify_largest(t[DY].plain, t[DY].count);
    memcpy(t[MEAN].want, t[MEAN].plain, c * sizeof(float)); /* only the forward pass changes them */
    memcpy(t[VARIANCE].want, t[VARIANCE].plain, c * sizeof(float));
    t[Y].scale = mien_verify_largest(t[WEIGHT].plain, c) + mien_verify_largest(t[BIAS].plain, c);
    t[EVALUATED].scale = t[Y].scale;
    t[DX].scale = largest_factor(k) * dy;
    const size_t of_channel = t[X].count / c;
    t[DWEIGHT].scale = sqrtf((float)of_channel) * dy;
    t[DBIAS].scale = t[DWEIGHT].scale;
    *params = (struct mien_ref_batchnorm_params){ t[WEIGHT].plain, t[BIAS].plain, t[MEAN].want,
                                                  t[VARIANCE].want };
    return (struct mien_ref_batchnorm){ s->n,         s->c,     s->h * s->w,   op->eps,
                                        op->momentum, op->relu, op->after_relu };
}

static void expect_batchnorm(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    struct mien_ref_batchnorm_params params;
    const struct mien_ref_batchnorm ref = begin_expecting(k, &params);
    switch (pass) {
    case FORWARD: mien_ref_batchnorm_fwd(t[Y].want, t[X].plain, &params, &ref); break;
    case BACKWARD:
        mien_ref_batchnorm_bwd(t[DX].want, t[DWEIGHT].want, t[DBIAS].want, t[DY].plain, t[X].plain,
                               t[WEIGHT].plain, &ref);
        break;
    case EVALUATION_BACKWARD:
        mien_ref_batchnorm_eval_bwd(t[EVALUATED_DX].want, t[DY].plain, t[X].plain, &params, &ref);
        break;
    default: mien_ref_batchnorm_eval(t[EVALUATED].want, t[X].plain, &params, &ref);
    }
}

const struct check_op mien_verify_batchnorm = {
    .passes = { "forward", "backward", "evaluation", "evaluation backward" },
    .prepare = prepare_batchnorm,
    .enqueue = enqueue_batchnorm,
    .expect = expect_batchnorm,
};

static enum mien_status prepare_pooled(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = k->shape;
    const struct mien_act x = mien_verify_input(k);
    struct mien_pool *const pool = &k->op.pooled_norm.pool;
    TRY(mien_pool_init(pool, MIEN_POOL_MAX, &x, s->kh, s->kw, s->stride, s->pad, err));
    const struct mien_act y = mien_pool_output(pool);
    TRY(prepare(k, &y, err));
    TRY(mien_verify_whole(k, WINNER, CHECK_STATE, FORWARD, "winner", CHECK_U8,
                          mien_pool_winner_bytes(pool), err));

done:
    return st;
}

static enum mien_status enqueue_pooled(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    const struct mien_batchnorm_buffers buffers = buffers_of(k);
    const struct mien_batchnorm *const op = &k->op.pooled_norm.batchnorm;
    const struct mien_pool *const pool = &k->op.pooled_norm.pool;
    switch (pass) {
    case FORWARD:
        return mien_batchnorm_pool_fwd(k->cl, t[Y].device.buffer, t[WINNER].device.buffer,
                                       t[X].device.buffer, &buffers, op, pool, err);
    case BACKWARD:
        return mien_batchnorm_pool_bwd(k->cl, t[DX].device.buffer, t[DY].device.buffer,
                                       t[WINNER].device.buffer, t[X].device.buffer, &buffers, op,
                                       pool, err);
    default:
        return mien_batchnorm_pool_eval(k->cl, t[EVALUATED].device.buffer, t[X].device.buffer,
                                        &buffers, op, pool, err);
    }
}

/* The two references in a row; what is between them takes the place of dx. */
static void expect_pooled(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const struct mien_pool *const op = &k->op.pooled_norm.pool;
    struct mien_ref_batchnorm_params params;
    const struct mien_ref_batchnorm ref = begin_expecting(k, &params);
    const struct mien_ref_pool pool = { op->n,  op->c,      op->h,   op->w,  op->kh,
                                        op->kw, op->stride, op->pad, op->ho, op->wo };
    float *const between = t[DX].want;
    if (pass == EVALUATION) {
        mien_ref_batchnorm_eval(between, t[X].plain, &params, &ref);
        mien_ref_pool_max_fwd(t[EVALUATED].want, t[WINNER].raw, between, &pool, false);
        return;
    }
    mien_ref_batchnorm_fwd(between, t[X].plain, &params, &ref);
    mien_ref_pool_max_fwd(t[Y].want, t[WINNER].raw, between, &pool, false);
    if (pass == BACKWARD) {
        (void)begin_expecting(k, &params); /* the running values as they were */
        mien_ref_pool_max_bwd(between, t[DY].plain, t[WINNER].raw, NULL, &pool);
        mien_ref_batchnorm_bwd(t[DX].want, t[DWEIGHT].want, t[DBIAS].want, between, t[X].plain,
                               t[WEIGHT].plain, &ref);
    }
}

const struct check_op mien_verify_batchnorm_pool = {
    .passes = { "forward", "backward", "evaluation" },
    .prepare = prepare_pooled,
    .enqueue = enqueue_pooled,
    .expect = expect_pooled,
};
