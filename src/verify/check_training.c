/* check_training.c - the rows of the loss, the optimisers, clipping and the averaged weights */
#include <math.h>
#include <string.h>

#include "ops/accumulate.h"
#include "ops/average.h"
#include "ops/clip.h"
#include "ops/guard.h"
#include "ops/optimizer.h"
#include "ops/sam.h"
#include "ref/accumulate.h"
#include "ref/average.h"
#include "ref/clip.h"
#include "ref/guard.h"
#include "ref/optimizer.h"
#include "ref/sam.h"
#include "ref/softmax.h"
#include "verify/check_internal.h"

/* Of the loss: with labels and gradient, with probabilities, with the shares of all classes. */
enum { LOSS, EVALUATION, SOFT_LOSS };
enum { LOGITS, LABELS, SHARES, CLASS_WEIGHTS, DLOGITS, SOFT_DLOGITS, STATS, PROBABILITIES, SUMS };
enum { SUM_LOSS, SUM_WEIGHT, SUM_MEAN, SUM_HITS, SUM_IMAGES, SUM_COUNT };
#define SMOOTHING  0.1f
#define SECOND     0.3f /* of mixed images */
#define LOGIT_SIZE 12.0f

/* Make shares of an image's classes of what noise there is. */
static void fill_shares(float *shares, size_t classes)
{
    float sum = 0.0f;
    for (size_t c = 0; c < classes; c++) {
        shares[c] *= shares[c];
        sum += shares[c];
    }
    for (size_t c = 0; c < classes; c++) {
        shares[c] = sum > 0.0f ? shares[c] / sum : 1.0f / (float)classes;
    }
}

static enum mien_status prepare_softmax(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = k->shape;
    const struct mien_act act = { s->n, s->width, 1, 1, k->lanes };
    const size_t n = (size_t)s->n;
    const size_t classes = (size_t)s->width;
    const size_t stats = mien_softmax_stats_bytes(s->n) / sizeof(cl_int);
    TRY(mien_act_check(&act, "softmax", err));
    k->op.softmax = (struct mien_softmax){ .n = s->n,
                                           .classes = s->width,
                                           .lanes = k->lanes,
                                           .smoothing = SMOOTHING,
                                           .second = SECOND,
                                           .scale = 1.0f };
    TRY(mien_verify_act(k, LOGITS, CHECK_INPUT, 0, "logits", &act, 0.0, err));
    TRY(mien_verify_whole(k, LABELS, CHECK_INPUT, 0, "labels", CHECK_I32, 2 * n, err));
    TRY(mien_verify_flat(k, CLASS_WEIGHTS, CHECK_INPUT, 0, "class weights", classes, 0.0, err));
    TRY(mien_verify_flat(k, SHARES, CHECK_INPUT, 0, "shares", n * classes, 0.0, err));
    TRY(mien_verify_act(k, DLOGITS, CHECK_RESULT, LOSS, "dlogits", &act, 1e-5, err));
    TRY(mien_verify_act(k, SOFT_DLOGITS, CHECK_RESULT, SOFT_LOSS, "dlogits", &act, 1e-5, err));
    TRY(mien_verify_whole(k, STATS, CHECK_STATE, -1, "stats", CHECK_I32, stats, err));
    TRY(mien_verify_flat(k, PROBABILITIES, CHECK_RESULT, EVALUATION, "probabilities", n * classes,
                         1e-5, err));
    TRY(mien_verify_flat(k, SUMS, CHECK_DERIVED, -1, "sums", SUM_COUNT, 1e-5, err));
    k->t[DLOGITS].zero = k->t[SOFT_DLOGITS].zero = true;
    for (size_t i = 0; i < n * classes; i++) {
        k->t[LOGITS].plain[i] *= LOGIT_SIZE;
    }
    int32_t *const labels = k->t[LABELS].raw;
    for (size_t i = 0; i < 2 * n; i++) {
        labels[i] = (int32_t)((i * 5 + i / 7) % classes);
    }
    for (size_t i = 0; i < classes; i++) {
        k->t[CLASS_WEIGHTS].plain[i] += 1.0f;
    }
    for (size_t i = 0; i < n; i++) {
        fill_shares(k->t[SHARES].plain + i * classes, classes);
    }

done:
    return st;
}

static enum mien_status enqueue_softmax(struct check *k, int pass, struct mien_error *err)
{
    static const cl_int
        zeros[8]; /* nothing summed, as after a reset, which would fill the guards */
    const struct check_tensor *const t = k->t;
    struct mien_cl_buffer *const stats = t[STATS].device.buffer;
    const struct mien_softmax_target target = {
        .labels = t[LABELS].device.buffer,
        .shares = pass == SOFT_LOSS ? t[SHARES].device.buffer : NULL,
        .weights = t[CLASS_WEIGHTS].device.buffer,
    };
    const enum mien_status st = mien_cl_write(k->cl, stats, 0, zeros, sizeof(zeros), err);
    if (st != MIEN_OK) {
        return st;
    }
    return pass == EVALUATION
               ? mien_softmax_eval(k->cl, t[PROBABILITIES].device.buffer, stats,
                                   t[LOGITS].device.buffer, &target, &k->op.softmax, err)
               : mien_softmax_loss(k->cl, t[pass == LOSS ? DLOGITS : SOFT_DLOGITS].device.buffer,
                                   stats, t[LOGITS].device.buffer, &target, &k->op.softmax, err);
}

static void expect_softmax(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const struct mien_softmax *const op = &k->op.softmax;
    const struct mien_ref_softmax ref = {
        .n = op->n,
        .classes = op->classes,
        .smoothing = op->smoothing,
        .second = op->second,
        .scale = op->scale,
    };
    const struct mien_ref_softmax_target target = {
        .labels = t[LABELS].raw,
        .shares = pass == SOFT_LOSS ? t[SHARES].plain : NULL,
        .weights = t[CLASS_WEIGHTS].plain,
    };
    float *const dlogits[] = { t[DLOGITS].want, NULL, t[SOFT_DLOGITS].want };
    struct mien_ref_softmax_sums sums;
    mien_ref_softmax_loss(dlogits[pass], pass == EVALUATION ? t[PROBABILITIES].want : NULL, &sums,
                          t[LOGITS].plain, &target, &ref);
    t[SUMS].want[SUM_LOSS] = (float)sums.loss;
    t[SUMS].want[SUM_WEIGHT] = (float)sums.weight;
    t[SUMS].want[SUM_MEAN] = (float)(sums.loss / sums.weight);
    t[SUMS].want[SUM_HITS] = (float)sums.hits;
    t[SUMS].want[SUM_IMAGES] = (float)op->n;
}

/* Each sum is as exact as it is large: in parts of what it must be. */
static enum mien_status collect_softmax(struct check *k, int pass, struct mien_error *err)
{
    (void)pass;
    struct mien_softmax_stats stats;
    struct check_tensor *const sums = &k->t[SUMS];
    const enum mien_status st =
        mien_softmax_stats_read(k->cl, &stats, k->t[STATS].device.buffer, err);
    if (st != MIEN_OK) {
        return st;
    }
    const double got[SUM_COUNT] = { [SUM_LOSS] = stats.loss,
                                    [SUM_WEIGHT] = stats.weight,
                                    [SUM_MEAN] = (double)stats.last_mean,
                                    [SUM_HITS] = (double)stats.hits,
                                    [SUM_IMAGES] = (double)stats.images };
    for (int i = 0; i < SUM_COUNT; i++) {
        const double size = fmax(fabs((double)sums->want[i]), 0.1);
        sums->got[i] = (float)(got[i] / size);
        sums->want[i] = (float)((double)sums->want[i] / size);
    }
    return MIEN_OK;
}

const struct check_op mien_verify_softmax = {
    .passes = { "loss", "evaluation", "soft loss" },
    .prepare = prepare_softmax,
    .enqueue = enqueue_softmax,
    .expect = expect_softmax,
    .collect = collect_softmax,
};

/* Of the optimisers and what goes with them; a shape's c is the blocks of parameters. */
enum { PARAMS, GRADS, DECAYED, CLIP, MOMENTUM, SQUARE, NORM };
#define RATE      0.05f
#define CLIP_NORM 3.0f

static size_t count_of(const struct check *k)
{
    return (size_t)k->shape->c * MIEN_DECAY_BLOCK;
}

/* What all of them have: parameters, gradients, and the factor by which these are clipped. */
static enum mien_status prepare_step(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t count = count_of(k);
    TRY(mien_verify_flat(k, PARAMS, CHECK_UPDATED, 0, "params", count, 2e-6, err));
    TRY(mien_verify_flat(k, GRADS, CHECK_INPUT, 0, "grads", count, 0.0, err));
    TRY(mien_verify_whole(k, DECAYED, CHECK_INPUT, 0, "decayed", CHECK_U8, count / MIEN_DECAY_BLOCK,
                          err));
    TRY(mien_verify_flat(k, CLIP, CHECK_INPUT, 0, "clip", 2, 0.0, err));
    TRY(mien_verify_flat(k, MOMENTUM, CHECK_UPDATED, 0, "momentum", count, 2e-6, err));
    k->t[CLIP].plain[0] = 0.75f;
    k->t[PARAMS].scale = k->t[MOMENTUM].scale = 1.0f;
    uint8_t *const decayed = k->t[DECAYED].raw;
    for (size_t i = 0; i < count / MIEN_DECAY_BLOCK; i++) {
        decayed[i] = i % 3 != 1;
    }

done:
    return st;
}

static const struct mien_ref_sgd sgd = { RATE, 0.9f, 0.01f, true, 0.75f };
static const struct mien_ref_adam adam = { RATE, 0.9f, 0.999f, 1e-8f, 0.1f, true, 3, 0.75f };

static enum mien_status enqueue_sgd(struct check *k, int pass, struct mien_error *err)
{
    (void)pass;
    const struct check_tensor *const t = k->t;
    const struct mien_sgd op = { sgd.rate,     sgd.momentum,          sgd.decay,
                                 sgd.nesterov, t[CLIP].device.buffer, NULL };
    return mien_sgd_step(k->cl, t[PARAMS].device.buffer, t[MOMENTUM].device.buffer,
                         t[GRADS].device.buffer, t[DECAYED].device.buffer, count_of(k), &op, err);
}

static void expect_sgd(struct check *k, int pass)
{
    (void)pass;
    struct check_tensor *const t = k->t;
    memcpy(t[PARAMS].want, t[PARAMS].plain, count_of(k) * sizeof(float));
    memcpy(t[MOMENTUM].want, t[MOMENTUM].plain, count_of(k) * sizeof(float));
    mien_ref_sgd_step(t[PARAMS].want, t[MOMENTUM].want, t[GRADS].plain, t[DECAYED].raw, count_of(k),
                      &sgd);
}

const struct check_op mien_verify_sgd = {
    .passes = { "" },
    .prepare = prepare_step,
    .enqueue = enqueue_sgd,
    .expect = expect_sgd,
};

static enum mien_status prepare_adam(struct check *k, struct mien_error *err)
{
    enum mien_status st = prepare_step(k, err);
    st = st != MIEN_OK
             ? st
             : mien_verify_flat(k, SQUARE, CHECK_UPDATED, 0, "square", count_of(k), 2e-6, err);
    k->t[SQUARE].scale = 1.0f;
    for (size_t i = 0; st == MIEN_OK && i < count_of(k); i++) {
        k->t[SQUARE].plain[i] += 0.51f; /* a mean of squares */
    }
    return st;
}

static enum mien_status enqueue_adam(struct check *k, int pass, struct mien_error *err)
{
    (void)pass;
    const struct check_tensor *const t = k->t;
    const struct mien_adam op = {
        adam.rate,  adam.beta1,     adam.beta2, adam.epsilon,
        adam.decay, adam.decoupled, adam.step,  t[CLIP].device.buffer,
        NULL,
    };
    const struct mien_adam_state state = { t[MOMENTUM].device.buffer, t[SQUARE].device.buffer };
    return mien_adam_step(k->cl, t[PARAMS].device.buffer, &state, t[GRADS].device.buffer,
                          t[DECAYED].device.buffer, count_of(k), &op, err);
}

static void expect_adam(struct check *k, int pass)
{
    (void)pass;
    struct check_tensor *const t = k->t;
    const size_t bytes = count_of(k) * sizeof(float);
    memcpy(t[PARAMS].want, t[PARAMS].plain, bytes);
    memcpy(t[MOMENTUM].want, t[MOMENTUM].plain, bytes);
    memcpy(t[SQUARE].want, t[SQUARE].plain, bytes);
    mien_ref_adam_step(t[PARAMS].want, t[MOMENTUM].want, t[SQUARE].want, t[GRADS].plain,
                       t[DECAYED].raw, count_of(k), &adam);
}

const struct check_op mien_verify_adam = {
    .passes = { "" },
    .prepare = prepare_adam,
    .enqueue = enqueue_adam,
    .expect = expect_adam,
};

static enum mien_status prepare_clip(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_verify_flat(k, GRADS, CHECK_INPUT, 0, "grads", count_of(k), 0.0, err));
    TRY(mien_verify_whole(k, CLIP, CHECK_STATE, 0, "clip", CHECK_U8, mien_clip_bytes(count_of(k)),
                          err));
    TRY(mien_verify_flat(k, NORM, CHECK_DERIVED, 0, "factor and norm", 2, 2e-6, err));

done:
    return st;
}

static enum mien_status enqueue_clip(struct check *k, int pass, struct mien_error *err)
{
    (void)pass;
    return mien_clip_factor(k->cl, k->t[CLIP].device.buffer, k->t[GRADS].device.buffer, count_of(k),
                            CLIP_NORM, err);
}

static void expect_clip(struct check *k, int pass)
{
    (void)pass;
    mien_ref_clip_factor(k->t[NORM].want, k->t[GRADS].plain, count_of(k), CLIP_NORM);
}

/* In parts of what they must be. */
static enum mien_status collect_clip(struct check *k, int pass, struct mien_error *err)
{
    (void)pass;
    struct check_tensor *const t = &k->t[NORM];
    const enum mien_status st =
        mien_cl_read(k->cl, t->got, k->t[CLIP].device.buffer, 0, t->count * sizeof(*t->got), err);
    for (size_t i = 0; i < t->count; i++) {
        t->got[i] /= t->want[i];
        t->want[i] = 1.0f;
    }
    return st;
}

const struct check_op mien_verify_clip = {
    .passes = { "" },
    .prepare = prepare_clip,
    .enqueue = enqueue_clip,
    .expect = expect_clip,
    .collect = collect_clip,
};

/* What was seen and when is read into NORM, of gradients that are finite and others. */
enum { FINITE, INFINITE };
enum { GUARD = CLIP, ODD_GRADS = SQUARE, SUM_OF_LOSSES = DECAYED, GUARD_STEP = 7 };

static enum mien_status prepare_guard(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_verify_flat(k, GRADS, CHECK_INPUT, 0, "grads", count_of(k), 0.0, err));
    TRY(mien_verify_flat(k, ODD_GRADS, CHECK_INPUT, 0, "grads", count_of(k), 0.0, err));
    TRY(mien_verify_flat(k, SUM_OF_LOSSES, CHECK_INPUT, 0, "stats", 2, 0.0, err));
    TRY(mien_verify_whole(k, GUARD, CHECK_STATE, -1, "guard", CHECK_U8, sizeof(struct mien_guard),
                          err));
    TRY(mien_verify_flat(k, NORM, CHECK_DERIVED, -1, "faults and step", 2, 0.0, err));
    k->t[ODD_GRADS].plain[count_of(k) - 1] = INFINITY;

done:
    return st;
}

static enum mien_status enqueue_guard(struct check *k, int pass, struct mien_error *err)
{
    static const cl_int none[2] = { 0, 0 };
    const struct check_tensor *const t = k->t;
    const enum mien_status st =
        mien_cl_write(k->cl, t[GUARD].device.buffer, 0, none, sizeof(none), err);
    return st != MIEN_OK
               ? st
               : mien_guard_step(k->cl, t[GUARD].device.buffer,
                                 t[pass == INFINITE ? ODD_GRADS : GRADS].device.buffer,
                                 t[SUM_OF_LOSSES].device.buffer, count_of(k), GUARD_STEP, err);
}

static void expect_guard(struct check *k, int pass)
{
    int32_t guard[2] = { 0, 0 };
    mien_ref_guard_step(guard, k->t[pass == INFINITE ? ODD_GRADS : GRADS].plain,
                        k->t[SUM_OF_LOSSES].plain, count_of(k), GUARD_STEP);
    k->t[NORM].want[0] = (float)guard[0];
    k->t[NORM].want[1] = (float)guard[1];
}

static enum mien_status collect_guard(struct check *k, int pass, struct mien_error *err)
{
    (void)pass;
    struct mien_guard guard;
    const enum mien_status st =
        mien_cl_read(k->cl, &guard, k->t[GUARD].device.buffer, 0, sizeof(guard), err);
    if (st == MIEN_OK) {
        k->t[NORM].got[0] = (float)guard.faults;
        k->t[NORM].got[1] = (float)guard.step;
    }
    return st;
}

const struct check_op mien_verify_guard = {
    .passes = { "finite", "infinite" },
    .prepare = prepare_guard,
    .enqueue = enqueue_guard,
    .expect = expect_guard,
    .collect = collect_guard,
};

/* The sum of several batches' gradients stands where an optimiser's momentum does. */
enum { BEGIN, ADD };

static enum mien_status prepare_accumulate(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_verify_flat(k, GRADS, CHECK_INPUT, 0, "grads", count_of(k), 0.0, err));
    TRY(mien_verify_flat(k, MOMENTUM, CHECK_UPDATED, -1, "sum", count_of(k), 0.0, err));

done:
    return st;
}

static enum mien_status enqueue_accumulate(struct check *k, int pass, struct mien_error *err)
{
    return mien_accumulate(k->cl, k->t[MOMENTUM].device.buffer, k->t[GRADS].device.buffer,
                           count_of(k), pass == BEGIN, err);
}

static void expect_accumulate(struct check *k, int pass)
{
    struct check_tensor *const sum = &k->t[MOMENTUM];
    memcpy(sum->want, sum->plain, count_of(k) * sizeof(float));
    mien_ref_accumulate(sum->want, k->t[GRADS].plain, count_of(k), pass == BEGIN);
}

const struct check_op mien_verify_accumulate = {
    .passes = { "begin", "add" },
    .prepare = prepare_accumulate,
    .enqueue = enqueue_accumulate,
    .expect = expect_accumulate,
};

/* The averaged weights stand where an optimiser's momentum does. */
enum { UPDATE, SWAP };

static enum mien_status prepare_average(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_verify_flat(k, PARAMS, CHECK_UPDATED, -1, "params", count_of(k), 0.0, err));
    TRY(mien_verify_flat(k, MOMENTUM, CHECK_UPDATED, -1, "average", count_of(k), 1e-6, err));
    k->t[MOMENTUM].scale = 1.0f;

done:
    return st;
}

static enum mien_status enqueue_average(struct check *k, int pass, struct mien_error *err)
{
    struct mien_cl_buffer *const average = k->t[MOMENTUM].device.buffer;
    struct mien_cl_buffer *const params = k->t[PARAMS].device.buffer;
    return pass == UPDATE ? mien_average_update(k->cl, average, params, count_of(k), RATE, err)
                          : mien_average_swap(k->cl, average, params, count_of(k), err);
}

static void expect_average(struct check *k, int pass)
{
    struct check_tensor *const params = &k->t[PARAMS];
    struct check_tensor *const average = &k->t[MOMENTUM];
    const size_t bytes = count_of(k) * sizeof(float);
    memcpy(params->want, pass == SWAP ? average->plain : params->plain, bytes);
    memcpy(average->want, pass == SWAP ? params->plain : average->plain, bytes);
    if (pass == UPDATE) {
        mien_ref_average_update(average->want, params->plain, count_of(k), RATE);
    }
}

const struct check_op mien_verify_average = {
    .passes = { "", "swap" },
    .prepare = prepare_average,
    .enqueue = enqueue_average,
    .expect = expect_average,
};

/* Where the parameters were is kept where an optimiser's momentum stands. */
#define SAM_RADIUS 0.5f

static enum mien_status prepare_sam(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_verify_flat(k, PARAMS, CHECK_UPDATED, 0, "params", count_of(k), 2e-6, err));
    TRY(mien_verify_flat(k, MOMENTUM, CHECK_RESULT, 0, "saved", count_of(k), 0.0, err));
    TRY(mien_verify_flat(k, GRADS, CHECK_INPUT, 0, "grads", count_of(k), 0.0, err));
    TRY(mien_verify_flat(k, CLIP, CHECK_INPUT, 0, "clip", 2, 0.0, err));
    k->t[CLIP].plain[1] = 0.75f;
    k->t[PARAMS].scale = 1.0f;

done:
    return st;
}

static enum mien_status enqueue_sam(struct check *k, int pass, struct mien_error *err)
{
    (void)pass;
    const struct check_tensor *const t = k->t;
    return mien_sam_climb(k->cl, t[PARAMS].device.buffer, t[MOMENTUM].device.buffer,
                          t[GRADS].device.buffer, t[CLIP].device.buffer, count_of(k), SAM_RADIUS,
                          err);
}

static void expect_sam(struct check *k, int pass)
{
    (void)pass;
    struct check_tensor *const t = k->t;
    memcpy(t[PARAMS].want, t[PARAMS].plain, count_of(k) * sizeof(float));
    mien_ref_sam_climb(t[PARAMS].want, t[MOMENTUM].want, t[GRADS].plain, t[CLIP].plain[1],
                       count_of(k), SAM_RADIUS);
}

const struct check_op mien_verify_sam = {
    .passes = { "" },
    .prepare = prepare_sam,
    .enqueue = enqueue_sam,
    .expect = expect_sam,
};
