/* check_activation.c - the rows of leaky ReLU, sigmoid, SiLU and GELU */
#include "ops/activation.h"
#include "ref/activation.h"
#include "verify/check_internal.h"

enum { FORWARD, BACKWARD };
enum { X, Y, DX, DY };

/* Noise times this reaches to where exponentials are near nothing. */
#define SPREAD 20.0f

static enum mien_status prepare(struct check *k, enum mien_activation_kind kind,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act x = mien_verify_input(k);
    k->op.activation = (struct mien_activation){
        .kind = kind, .act = x, .slope = 0.1f, .after_relu = k->shape->mask
    };
    TRY(mien_act_check(&x, "activation", err));
    TRY(mien_verify_act(k, X, CHECK_INPUT, 0, "x", &x, 0.0, err));
    TRY(mien_verify_act(k, DY, CHECK_INPUT, 0, "dy", &x, 0.0, err));
    TRY(mien_verify_act(k, Y, CHECK_RESULT, FORWARD, "y", &x, 1e-6, err));
    TRY(mien_verify_act(k, DX, CHECK_RESULT, BACKWARD, "dx", &x, 1e-6, err));
    k->t[DX].zero = k->t[DY].zero = true;
    for (size_t i = 0; i < k->t[X].count; i++) {
        k->t[X].plain[i] *= SPREAD;
    }

done:
    return st;
}

static enum mien_status prepare_leakyrelu(struct check *k, struct mien_error *err)
{
    return prepare(k, MIEN_ACTIVATION_LEAKYRELU, err);
}

static enum mien_status prepare_sigmoid(struct check *k, struct mien_error *err)
{
    return prepare(k, MIEN_ACTIVATION_SIGMOID, err);
}

static enum mien_status prepare_silu(struct check *k, struct mien_error *err)
{
    return prepare(k, MIEN_ACTIVATION_SILU, err);
}

static enum mien_status prepare_gelu(struct check *k, struct mien_error *err)
{
    return prepare(k, MIEN_ACTIVATION_GELU, err);
}

static enum mien_status enqueue(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    return pass == FORWARD ? mien_activation_fwd(k->cl, t[Y].device.buffer, t[X].device.buffer,
                                                 &k->op.activation, err)
                           : mien_activation_bwd(k->cl, t[DX].device.buffer, t[DY].device.buffer,
                                                 t[X].device.buffer, &k->op.activation, err);
}

static void expect(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const struct mien_activation *const op = &k->op.activation;
    const enum mien_ref_activation kind = (enum mien_ref_activation)op->kind;
    if (pass == FORWARD) {
        mien_ref_activation_fwd(t[Y].want, t[X].plain, t[X].count, kind, op->slope);
        return;
    }
    mien_ref_activation_bwd(t[DX].want, t[DY].plain, t[X].plain, t[X].count, kind, op->slope);
    for (size_t i = 0; op->after_relu && i < t[X].count; i++) {
        t[DX].want[i] = t[X].plain[i] > 0.0f ? t[DX].want[i] : 0.0f;
    }
}

const struct check_op mien_verify_leakyrelu = {
    .passes = { "forward", "backward" },
    .prepare = prepare_leakyrelu,
    .enqueue = enqueue,
    .expect = expect,
};

const struct check_op mien_verify_sigmoid = {
    .passes = { "forward", "backward" },
    .prepare = prepare_sigmoid,
    .enqueue = enqueue,
    .expect = expect,
};

const struct check_op mien_verify_silu = {
    .passes = { "forward", "backward" },
    .prepare = prepare_silu,
    .enqueue = enqueue,
    .expect = expect,
};

const struct check_op mien_verify_gelu = {
    .passes = { "forward", "backward" },
    .prepare = prepare_gelu,
    .enqueue = enqueue,
    .expect = expect,
};
