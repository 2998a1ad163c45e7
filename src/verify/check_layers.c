/* check_layers.c - the rows of pooling, ReLU, additions and dropout */
#include "ops/add.h"
#include "ops/dropout.h"
#include "ops/relu.h"
#include "ref/add.h"
#include "ref/dropout.h"
#include "ref/pool.h"
#include "ref/relu.h"
#include "verify/check_internal.h"

enum { FORWARD, BACKWARD, EVALUATION }; /* the last of max-pooling: nobody asks who won */

/* Of pooling and ReLU. */
enum { X, Y, DX, DY, WINNER, EVALUATED };

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
    if (st == MIEN_OK) {
        const struct mien_act y = mien_pool_output(&k->op.pool);
        st = mien_verify_act(k, EVALUATED, CHECK_RESULT, EVALUATION, "y", &y, 0.0, err);
    }
    return st;
}

static enum mien_status enqueue_maxpool(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    if (pass != BACKWARD) {
        const bool train = pass == FORWARD;
        return mien_pool_max_fwd(k->cl, t[train ? Y : EVALUATED].device.buffer,
                                 train ? t[WINNER].device.buffer : NULL, t[X].device.buffer,
                                 &k->op.pool, k->shape->relu, err);
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
    mien_ref_pool_max_fwd(t[pass == EVALUATION ? EVALUATED : Y].want, t[WINNER].raw, t[X].plain,
                          &ref, k->shape->relu);
    if (pass == BACKWARD) {
        mien_ref_pool_max_bwd(t[DX].want, t[DY].plain, t[WINNER].raw,
                              k->shape->mask ? t[Y].want : NULL, &ref);
    }
}

const struct check_op mien_verify_maxpool = {
    .passes = { "forward", "backward", "evaluation" },
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
