/* check_multiply.c - the row of products with one number for each channel */
#include "ops/multiply.h"
#include "ref/multiply.h"
#include "verify/check_internal.h"

enum { FORWARD, BACKWARD };
enum { X, GATES, DY, Y, DGATES };

static enum mien_status prepare(struct check *k, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act x = mien_verify_input(k);
    const struct mien_act gates = { x.n, x.c, 1, 1, x.lanes };
    TRY(mien_act_check(&x, "multiply", err));
    TRY(mien_verify_act(k, X, CHECK_INPUT, 0, "x", &x, 0.0, err));
    TRY(mien_verify_act(k, GATES, CHECK_INPUT, 0, "gates", &gates, 0.0, err));
    TRY(mien_verify_act(k, DY, CHECK_INPUT, 0, "dy", &x, 0.0, err));
    TRY(mien_verify_act(k, Y, CHECK_RESULT, FORWARD, "y", &x, 0.0, err));
    TRY(mien_verify_act(k, DGATES, CHECK_RESULT, BACKWARD, "dgates", &gates, 1e-5, err));

done:
    return st;
}

static enum mien_status enqueue(struct check *k, int pass, struct mien_error *err)
{
    const struct check_tensor *const t = k->t;
    const struct mien_act act = mien_verify_input(k);
    if (pass == FORWARD) {
        return mien_multiply(k->cl, t[Y].device.buffer, t[X].device.buffer, t[GATES].device.buffer,
                             &act, err);
    }
    return mien_multiply_gates_bwd(k->cl, t[DGATES].device.buffer, t[DY].device.buffer,
                                   t[X].device.buffer,
                                   k->shape->mask ? t[GATES].device.buffer : NULL, &act, err);
}

static void expect(struct check *k, int pass)
{
    struct check_tensor *const t = k->t;
    const size_t planes = t[GATES].count;
    const size_t pixels = t[X].count / planes;
    if (pass == FORWARD) {
        mien_ref_multiply(t[Y].want, t[X].plain, t[GATES].plain, planes, pixels);
    } else {
        mien_ref_multiply_gates_bwd(t[DGATES].want, t[DY].plain, t[X].plain,
                                    k->shape->mask ? t[GATES].plain : NULL, planes, pixels);
    }
}

const struct check_op mien_verify_multiply = {
    .passes = { "forward", "backward" },
    .prepare = prepare,
    .enqueue = enqueue,
    .expect = expect,
};
