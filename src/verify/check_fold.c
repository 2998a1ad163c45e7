/* check_fold.c - the row of batch normalisation in the weights of the layer in front of it */
#include <string.h>

#include "ref/batchnorm.h"
#include "verify/check_internal.h"

enum { TO, TO_BIAS, FROM, FROM_BIAS, WEIGHT, BIAS, MEAN, VARIANCE };

/* c channels with h x w weights each. */
static enum mien_status prepare(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act x = mien_verify_input(k);
    const size_t c = (size_t)x.c;
    const size_t weights = c * (size_t)x.h * (size_t)x.w;
    TRY(mien_act_check(&x, "batchnorm", err));
    k->op.pooled_norm.batchnorm = (struct mien_batchnorm){ .act = x, .eps = 1e-5f };
    TRY(mien_verify_flat(k, TO, CHECK_RESULT, 0, "weight", weights, 1e-6, err));
    TRY(mien_verify_flat(k, TO_BIAS, CHECK_RESULT, 0, "bias", c, 1e-6, err));
    TRY(mien_verify_flat(k, FROM, CHECK_INPUT, 0, "from_weight", weights, 0.0, err));
    TRY(mien_verify_flat(k, FROM_BIAS, CHECK_INPUT, 0, "from_bias", c, 0.0, err));
    TRY(mien_verify_flat(k, WEIGHT, CHECK_INPUT, 0, "norm_weight", c, 0.0, err));
    TRY(mien_verify_flat(k, BIAS, CHECK_INPUT, 0, "norm_bias", c, 0.0, err));
    TRY(mien_verify_flat(k, MEAN, CHECK_INPUT, 0, "running_mean", c, 0.0, err));
    TRY(mien_verify_flat(k, VARIANCE, CHECK_INPUT, 0, "running_var", c, 0.0, err));
    for (size_t i = 0; i < c; i++) {
        k->t[WEIGHT].plain[i] += 1.0f;
        k->t[VARIANCE].plain[i] += 1.0f;
    }

done:
    return st;
}

static enum mien_status enqueue(struct check *k, int pass, struct mien_error *err)
{
    (void)pass;
    const struct check_tensor *const t = k->t;
    const struct mien_act x = mien_verify_input(k);
    const struct mien_batchnorm_fold fold = {
        .weight = t[TO].device.buffer,
        .bias = t[TO_BIAS].device.buffer,
        .from_weight = t[FROM].device.buffer,
        .from_bias = k->shape->bias ? t[FROM_BIAS].device.buffer : NULL,
        .each = x.h * x.w,
    };
    const struct mien_batchnorm_buffers buffers = {
        .weight = t[WEIGHT].device.buffer,
        .bias = t[BIAS].device.buffer,
        .running_mean = t[MEAN].device.buffer,
        .running_var = t[VARIANCE].device.buffer,
    };
    return mien_batchnorm_fold(k->cl, &fold, &buffers, &k->op.pooled_norm.batchnorm, err);
}

static void expect(struct check *k, int pass)
{
    (void)pass;
    struct check_tensor *const t = k->t;
    const struct mien_act x = mien_verify_input(k);
    const struct mien_ref_batchnorm_params params = { t[WEIGHT].plain, t[BIAS].plain, t[MEAN].plain,
                                                      t[VARIANCE].plain };
    const struct mien_ref_batchnorm ref = { .c = x.c, .eps = k->op.pooled_norm.batchnorm.eps };
    mien_ref_batchnorm_fold(t[TO].want, t[TO_BIAS].want, t[FROM].plain,
                            k->shape->bias ? t[FROM_BIAS].plain : NULL, x.h * x.w, &params, &ref);
    t[TO].scale = 2.0f * mien_verify_largest(t[FROM].plain, t[FROM].count);
    t[TO_BIAS].scale = 2.0f; /* of terms that may cancel */
}

const struct check_op mien_verify_batchnorm_fold = {
    .passes = { "" },
    .prepare = prepare,
    .enqueue = enqueue,
    .expect = expect,
};
