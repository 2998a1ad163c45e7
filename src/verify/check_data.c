/* check_data.c - the rows of gathering a batch, and of plain rows for CLBlast */
#include <math.h>
#include <string.h>

#include "ops/relayout.h"
#include "ops/rows.h"
#include "ref/gather.h"
#include "ref/rows.h"
#include "verify/check_internal.h"

/* Of gathering: images, labels and shares, by indices of which one is outside of the set. */
enum { SET, INDICES, SET_LABELS, SET_SHARES, CHANGES, BATCH, CHANGED, LABELS, SHARES };
enum { IMAGES_PASS, CHANGED_PASS, LABELS_PASS, SHARES_PASS };
enum { FIRST = 2, CLASSES = 7 };

/* Half of the images turned a little, brighter and with a hole; the others only moved. */
static void fill_changes(struct check *k)
{
    struct mien_gather_change *const changes = k->t[CHANGES].raw;
    for (int i = 0; i < k->shape->n; i++) {
        changes[i] = i % 2 == 0
                         ? (struct mien_gather_change){ { 0.98f, 0.11f, 0.3f, -0.11f, 0.98f, 0.7f },
                                                        0.8f,
                                                        0.1f,
                                                        { 1, 1, 3, 4 } }
                         : (struct mien_gather_change){
                               { 1.0f, 0.0f, 2.0f, 0.0f, 1.0f, -1.0f }, 1.0f, 0.0f, { 0, 0, 0, 0 }
                           };
    }
}

static void fill_set(struct check *k)
{
    uint8_t *const set = k->t[SET].raw;
    int32_t *const indices = k->t[INDICES].raw;
    int32_t *const labels = k->t[SET_LABELS].raw;
    const size_t images = k->t[SET_LABELS].count;
    const size_t listed = k->t[INDICES].count;
    for (size_t i = 0; i < k->t[SET].count; i++) {
        set[i] = (uint8_t)(i * 97 + i / 251);
    }
    for (size_t i = 0; i < listed; i++) {
        indices[i] = (int32_t)(i * 7919 % images);
    }
    indices[listed - 1] = k->shape->n > 1 ? -1 : 0; /* outside of the set */
    for (size_t i = 0; i < images; i++) {
        labels[i] = (int32_t)(i % CLASSES);
    }
}

static enum mien_status prepare_gather(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = k->shape;
    const struct mien_act x = mien_verify_input(k);
    const size_t image = (size_t)s->c * (size_t)(s->h + 2 * s->pad) * (size_t)(s->w + 2 * s->pad);
    const size_t n = (size_t)s->n;
    TRY(mien_act_check(&x, "gather", err));
    k->op.gather = (struct mien_gather){ .act = x,
                                         .count = s->n + 1,
                                         .first = FIRST,
                                         .mean = 0.5077f,
                                         .std = 0.2551f,
                                         .margin = s->pad,
                                         .second = 0.3f };
    TRY(mien_verify_whole(k, SET, CHECK_INPUT, 0, "set", CHECK_U8, (n + 1) * image, err));
    TRY(mien_verify_whole(k, INDICES, CHECK_INPUT, 0, "indices", CHECK_I32, n + FIRST, err));
    TRY(mien_verify_whole(k, SET_LABELS, CHECK_INPUT, 0, "set's labels", CHECK_I32, n + 1, err));
    TRY(mien_verify_whole(k, CHANGES, CHECK_INPUT, 0, "changes", CHECK_U8,
                          n * sizeof(struct mien_gather_change), err));
    TRY(mien_verify_act(k, BATCH, CHECK_RESULT, IMAGES_PASS, "x", &x, 1e-6, err));
    TRY(mien_verify_act(k, CHANGED, CHECK_RESULT, CHANGED_PASS, "x", &x, 1e-4, err));
    TRY(mien_verify_flat(k, SET_SHARES, CHECK_INPUT, 0, "set's shares", (n + 1) * CLASSES, 0.0,
                         err));
    TRY(mien_verify_flat(k, SHARES, CHECK_RESULT, SHARES_PASS, "shares", n * CLASSES, 1e-6, err));
    TRY(mien_verify_whole(k, LABELS, CHECK_RESULT, LABELS_PASS, "labels", CHECK_I32, 2 * n, err));
    k->t[BATCH].zero = k->t[CHANGED].zero = true;
    k->t[BATCH].scale = 1.0f;
    fill_set(k);
    fill_changes(k);

done:
    return st;
}

static enum mien_status enqueue_gather(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    const struct mien_cl_buffer *const set = t[SET].device.buffer;
    const struct mien_cl_buffer *const indices = t[INDICES].device.buffer;
    switch (pass) {
    case IMAGES_PASS:
        return mien_gather_images(k->cl, t[BATCH].device.buffer, set, indices, &k->op.gather, err);
    case CHANGED_PASS:
        return mien_gather_changed(k->cl, t[CHANGED].device.buffer, set, indices,
                                   t[CHANGES].device.buffer, &k->op.gather, err);
    case SHARES_PASS:
        return mien_gather_shares(k->cl, t[SHARES].device.buffer, t[SET_SHARES].device.buffer,
                                  indices, CLASSES, &k->op.gather, err);
    default:
        return mien_gather_labels(k->cl, t[LABELS].device.buffer, t[SET_LABELS].device.buffer,
                                  indices, &k->op.gather, err);
    }
}

static void expect_gather(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const struct mien_gather *const op = &k->op.gather;
    const struct mien_ref_gather ref = {
        .n = op->act.n,
        .c = op->act.c,
        .h = op->act.h,
        .w = op->act.w,
        .count = op->count,
        .first = op->first,
        .mean = op->mean,
        .std = op->std,
        .margin = op->margin,
        .second = op->second,
    };
    int32_t *const labels = t[LABELS].raw;
    _Static_assert(sizeof(struct mien_gather_change) == sizeof(struct mien_ref_gather_change),
                   "the same fields");
    switch (pass) {
    case IMAGES_PASS:
        mien_ref_gather_images(t[BATCH].want, t[SET].raw, t[INDICES].raw, &ref);
        break;
    case CHANGED_PASS:
        mien_ref_gather_changed(t[CHANGED].want, t[SET].raw, t[INDICES].raw, t[CHANGES].raw, &ref);
        break;
    case SHARES_PASS:
        mien_ref_gather_shares(t[SHARES].want, t[SET_SHARES].plain, t[INDICES].raw, CLASSES, &ref);
        break;
    default:
        mien_ref_gather_labels(labels, t[SET_LABELS].raw, t[INDICES].raw, &ref);
        for (size_t i = 0; i < t[LABELS].count; i++) {
            t[LABELS].want[i] = (float)labels[i];
        }
    }
}

const struct check_op mien_verify_gather = {
    .passes = { "images", "changed", "labels", "shares" },
    .prepare = prepare_gather,
    .enqueue = enqueue_gather,
    .expect = expect_gather,
};

/* Blocked activations, and the same as rows. */
enum { BLOCKED, ROWS, TO_ROWS, FROM_ROWS };
enum { TO_PASS, FROM_PASS };

static enum mien_status prepare_relayout(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act x = mien_verify_input(k);
    const struct mien_act rows = { x.n, x.c, x.h, x.w, 1 };
    TRY(mien_act_check(&x, "relayout", err));
    TRY(mien_verify_act(k, BLOCKED, CHECK_INPUT, 0, "blocked", &x, 0.0, err));
    TRY(mien_verify_act(k, ROWS, CHECK_INPUT, 0, "rows", &rows, 0.0, err));
    TRY(mien_verify_act(k, TO_ROWS, CHECK_RESULT, TO_PASS, "rows", &rows, 0.0, err));
    TRY(mien_verify_act(k, FROM_ROWS, CHECK_RESULT, FROM_PASS, "blocked", &x, 0.0, err));
    k->t[FROM_ROWS].zero = true;

done:
    return st;
}

static enum mien_status enqueue_relayout(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    const struct mien_act act = mien_verify_input(k);
    return pass == TO_PASS ? mien_relayout_to_rows(k->cl, t[TO_ROWS].device.buffer,
                                                   t[BLOCKED].device.buffer, &act, err)
                           : mien_relayout_from_rows(k->cl, t[FROM_ROWS].device.buffer,
                                                     t[ROWS].device.buffer, &act, err);
}

/* In the plain order that tensors have on the host both ways are copies. */
static void expect_relayout(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const struct check_tensor *const from = &t[pass == TO_PASS ? BLOCKED : ROWS];
    struct check_tensor *const to = &t[pass == TO_PASS ? TO_ROWS : FROM_ROWS];
    memcpy(to->want, from->plain, to->count * sizeof(*to->want));
}

const struct check_op mien_verify_relayout = {
    .passes = { "to rows", "from rows" },
    .prepare = prepare_relayout,
    .enqueue = enqueue_relayout,
    .expect = expect_relayout,
};

/* What CLBlast leaves to do on rows of c features. */
enum { Y, BIAS, SUM };
enum { BIAS_PASS, SUM_PASS };

static enum mien_status prepare_rows(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = k->shape;
    const struct mien_act y = { s->n, s->c, 1, 1, 1 };
    TRY(mien_act_check(&y, "rows", err));
    TRY(mien_verify_act(k, Y, CHECK_UPDATED, -1, "y", &y, 0.0, err));
    TRY(mien_verify_flat(k, BIAS, CHECK_INPUT, 0, "bias", (size_t)s->c, 0.0, err));
    TRY(mien_verify_flat(k, SUM, CHECK_RESULT, SUM_PASS, "sum", (size_t)s->c, 1e-5, err));

done:
    return st;
}

static enum mien_status enqueue_rows(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    const struct mien_verify_shape *const s = k->shape;
    return pass == BIAS_PASS
               ? mien_rows_bias(k->cl, t[Y].device.buffer, t[BIAS].device.buffer, s->n, s->c, true,
                                err)
               : mien_rows_sum(k->cl, t[SUM].device.buffer, t[Y].device.buffer, s->n, s->c, err);
}

static void expect_rows(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const struct mien_verify_shape *const s = k->shape;
    memcpy(t[Y].want, t[Y].plain, t[Y].count * sizeof(float));
    if (pass == BIAS_PASS) {
        mien_ref_rows_bias(t[Y].want, t[BIAS].plain, s->n, s->c, true);
    } else {
        t[SUM].scale = sqrtf((float)s->n);
        mien_ref_rows_sum(t[SUM].want, t[Y].plain, s->n, s->c);
    }
}

const struct check_op mien_verify_rows = {
    .passes = { "bias", "sum" },
    .prepare = prepare_rows,
    .enqueue = enqueue_rows,
    .expect = expect_rows,
};
