/* check_products.c - the rows of convolutions and dense layers, in every variant */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "verify/check_internal.h"
#include "verify/product.h"

#define USUAL_WORK 2e7

/* A shape on the device, and the verdict that it goes to. */
struct subject {
    const struct check_call *call;
    struct mien_product product;
    const char *kernel;
};

static struct mien_product_care care_of(const struct check_call *call)
{
    return (struct mien_product_care){
        .work = call->care->work > 0.0 ? call->care->work : USUAL_WORK,
        .whole = true,
    };
}

/* Whether a pass has other parameters than the default ones; a device may refuse some of them. */
static bool has_params(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    bool has = false;
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        has = has || op->param[pass][i] != 0;
    }
    return has;
}

/* Check one way, and take its time where it runs; `may_refuse`: the device is right not to run it.
 */
static enum mien_status check_way(struct subject *subject, const char *variant, bool may_refuse,
                                  const struct mien_product_way *way, const char *where,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct check_call *const call = subject->call;
    const struct mien_product_care care = care_of(call);
    struct mien_finding finding;
    double ms = 0.0;
    TRY(mien_verify_go_on(call->wish, err));
    TRY(mien_product_check(&finding, &subject->product, way, &care, err));
    if (finding.fault == MIEN_FAULT_REFUSED && may_refuse) {
        return MIEN_OK;
    }
    if (finding.fault != MIEN_FAULT_REFUSED) {
        const double start_ms = mien_now_ms();
        TRY(mien_product_run(&subject->product, way, err));
        TRY(mien_cl_finish(call->cl, err));
        ms = mien_now_ms() - start_ms;
    }
    TRY(mien_verdicts_add(call->out, subject->kernel, variant, &finding, where, ms, err));

done:
    return st;
}

/* The shape, and parameters that are not the default ones. */
static void describe(char *out, size_t bytes, const struct check_call *call,
                     const struct mien_product_way *way, enum mien_conv2d_pass pass)
{
    const struct mien_conv2d *const op = &way->conv;
    char shape[CHECK_SHAPE_BYTES];
    mien_verify_describe(shape, call->shape);
    int length = snprintf(out, bytes, "%s", shape);
    if (op->pool > 0 && (size_t)length < bytes) {
        length += snprintf(out + length, bytes - (size_t)length, ", max-pooling %dx%d%s", op->pool,
                           op->pool, way->unasked ? " without winners" : "");
    }
    const struct mien_conv2d_param *const params = mien_conv2d_params(op->variant[pass], pass);
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        if (params[i].name != NULL && op->param[pass][i] != 0 && (size_t)length < bytes) {
            length += snprintf(out + length, bytes - (size_t)length, ", %s %d", params[i].name,
                               op->param[pass][i]);
        }
    }
}

/* A pooling also without its winners, as evaluation runs it. */
static enum mien_status check_conv_way(struct subject *subject, const struct mien_conv2d *op,
                                       enum mien_conv2d_pass pass, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char variant[sizeof(((struct mien_verdict *)NULL)->variant)];
    (void)snprintf(variant, sizeof(variant), "%s%s", mien_conv2d_variant_name(op->variant[pass]),
                   has_params(op, pass) ? MIEN_VERIFY_TUNED : "");
    const bool both = op->pool > 0 && pass == MIEN_CONV2D_FWD;
    for (int unasked = 0; unasked < (both ? 2 : 1); unasked++) {
        const struct mien_product_way way = { .conv = *op, .unasked = unasked != 0 };
        char where[sizeof(((struct mien_verdict *)NULL)->where)];
        describe(where, sizeof(where), subject->call, &way, pass);
        TRY(check_way(subject, variant, has_params(op, pass), &way, where, err));
    }

done:
    return st;
}

/* Whether a variant is to be tried with its other parameters: once, with the first shape it takes.
 */
static bool take_turn(const struct check_call *call, enum mien_conv2d_pass pass,
                      enum mien_conv2d_variant variant, bool pooled)
{
    unsigned *const tried = call->care->tried;
    const unsigned bit = (unsigned)variant + (pooled ? MIEN_CONV2D_VARIANTS : 0u);
    if (tried == NULL || (tried[pass] >> bit & 1u) != 0) {
        return false;
    }
    tried[pass] |= 1u << bit;
    return true;
}

/* Whether a variant computes a pass of `op`, with its pooling where it has one. */
static bool computes(const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                     enum mien_conv2d_variant variant)
{
    struct mien_conv2d tried = *op;
    tried.variant[pass] = variant;
    return mien_conv2d_takes(op, pass, variant) && mien_conv2d_fits(&tried, pass) &&
           (op->pool == 0 || mien_conv2d_pools(&tried, pass, op->pool));
}

/* A variant with its defaults, and with one parameter after the other at its other values. */
static enum mien_status check_variant(struct subject *subject, const struct mien_conv2d *sizes,
                                      enum mien_conv2d_pass pass, enum mien_conv2d_variant variant,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_conv2d op = *sizes;
    const struct mien_conv2d_param *const params = mien_conv2d_params(variant, pass);
    const int values = (int)(sizeof(params->values) / sizeof(params->values[0]));
    op.variant[pass] = variant;
    TRY(check_conv_way(subject, &op, pass, err));
    const bool others = take_turn(subject->call, pass, variant, op.pool > 0);
    for (int i = 0; others && i < MIEN_CONV2D_PARAMS; i++) {
        const int usual = mien_conv2d_value(&op, pass, i);
        for (int k = 0; params[i].name != NULL && k < values && params[i].values[k] != 0; k++) {
            if (params[i].values[k] != usual) {
                struct mien_conv2d other = op;
                other.param[pass][i] = params[i].values[k];
                TRY(computes(&other, pass, variant) ? check_conv_way(subject, &other, pass, err)
                                                    : MIEN_OK);
            }
        }
    }

done:
    return st;
}

static enum mien_status check_pass(const struct check_call *call, const struct mien_conv2d *op,
                                   enum mien_conv2d_pass pass, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = call->shape;
    char kernel[48];
    struct subject subject = { .call = call, .product = { .cl = NULL }, .kernel = kernel };
    struct mien_product_shape shape = {
        .conv = *op, .bias = s->bias, .relu = s->relu, .mask = s->mask
    };
    shape.passes[pass] = true;
    (void)snprintf(kernel, sizeof(kernel), "%s%s",
                   op->pool > 0 ? MIEN_VERIFY_CONV2D_POOL : MIEN_VERIFY_CONV2D,
                   mien_conv2d_pass_name(pass));
    TRY(mien_product_init(&subject.product, call->cl, &shape, err));
    if (call->way != NULL) {
        TRY(check_conv_way(&subject, call->way, pass, err));
        goto done;
    }
    for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
        const enum mien_conv2d_variant variant = (enum mien_conv2d_variant)v;
        if (computes(op, pass, variant)) {
            TRY(check_variant(&subject, op, pass, variant, err));
        }
    }

done:
    mien_product_finish(&subject.product);
    return st;
}

enum mien_status mien_verify_conv2d(const struct check_call *call, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = call->shape;
    const struct mien_act x = { s->n, s->c, s->h, s->w, call->lanes };
    struct mien_conv2d op;
    TRY(mien_conv2d_init(&op, &x, s->width, s->kh, s->kw, s->stride, s->pad, err));
    TRY(s->groups > 1 ? mien_conv2d_group(&op, s->groups, err) : MIEN_OK);
    mien_conv2d_fit(&op, (size_t)mien_cl_device(call->cl)->local_bytes);
    for (int p = 0; p < MIEN_CONV2D_PASSES; p++) {
        if (call->way == NULL || (int)call->pass == p) {
            TRY(check_pass(call, &op, (enum mien_conv2d_pass)p, err));
        }
    }
    if (call->way == NULL && s->pool > 0) {
        op.pool = s->pool;
        TRY(check_pass(call, &op, MIEN_CONV2D_FWD, err));
        TRY(check_pass(call, &op, MIEN_CONV2D_BWD_FILTER, err));
    }

done:
    return st;
}

enum mien_status mien_verify_dense(const struct check_call *call, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape *const s = call->shape;
    const struct mien_act x = { s->n, s->c, 1, 1, call->lanes };
    char where[CHECK_SHAPE_BYTES];
    char kernel[48];
    struct subject subject = { .call = call, .product = { .cl = NULL }, .kernel = kernel };
    struct mien_product_shape shape = {
        .dense_layer = true, .bias = s->bias, .relu = s->relu, .mask = s->mask
    };
    const struct mien_blas_params *const blas = call->care->blas;
    const bool has_own = call->lanes > 1;
    const int last = has_own && call->care->own_products ? 0 : 1;
    mien_verify_describe(where, s);
    TRY(mien_dense_init(&shape.dense, &x, s->width, err));
    shape.dense.relu = s->relu;
    for (int p = 0; p < MIEN_CONV2D_PASSES; p++) {
        (void)snprintf(kernel, sizeof(kernel), MIEN_VERIFY_DENSE "%s",
                       mien_conv2d_pass_name((enum mien_conv2d_pass)p));
        memset(shape.passes, 0, sizeof(shape.passes));
        shape.passes[p] = true;
        TRY(mien_product_init(&subject.product, call->cl, &shape, err));
        for (int clblast = has_own && blas == NULL ? 0 : 1; clblast <= last; clblast++) {
            const struct mien_product_way way = { .clblast = clblast != 0, .blas = blas };
            const char *const variant = clblast == 0   ? "own"
                                        : blas == NULL ? "clblast"
                                                       : MIEN_VERIFY_TUNED_BLAS;
            TRY(check_way(&subject, variant, false, &way, where, err));
        }
        mien_product_finish(&subject.product);
    }

done:
    mien_product_finish(&subject.product);
    return st;
}
