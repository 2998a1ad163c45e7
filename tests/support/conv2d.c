/* conv2d.c - a convolution's numbers, by the reference or by PyTorch, and its passes held against
 * them */
#include "support/conv2d.h"

#include <stdlib.h>

struct mien_ref_conv2d conv2d_ref(const struct mien_conv2d *op)
{
    return (struct mien_ref_conv2d){ op->n,  op->c,    op->h,      op->w,   op->oc,
                                     op->kh, op->kw,   op->stride, op->pad, op->ho,
                                     op->wo, op->relu, op->groups };
}

size_t conv2d_weights(const struct mien_conv2d *op)
{
    return (size_t)op->oc * (size_t)(op->c / op->groups) * (size_t)op->kh * (size_t)op->kw;
}

static struct mien_act input_of(const struct mien_conv2d *op)
{
    return (struct mien_act){ op->n, op->c, op->h, op->w, op->lanes };
}

struct conv2d_numbers conv2d_random(const struct mien_conv2d *op, bool fused)
{
    const struct mien_ref_conv2d ref = conv2d_ref(op);
    const struct mien_act in = input_of(op);
    const struct mien_act out = mien_conv2d_output(op);
    const struct conv2d_numbers k = {
        .x = random_floats(plain_floats(&in), 1),
        .dy = random_floats(plain_floats(&out), 2),
        .weight = random_floats(conv2d_weights(op), 3),
        .bias = fused ? random_floats((size_t)op->oc, 4) : NULL,
        .y = random_floats(plain_floats(&out), 5),
        .dx = random_floats(plain_floats(&in), 5),
        .dweight = random_floats(conv2d_weights(op), 5),
        .dbias = random_floats((size_t)op->oc, 5),
    };
    mien_ref_conv2d_fwd(k.y, k.x, k.weight, k.bias, &ref);
    mien_ref_conv2d_bwd_data(k.dx, k.dy, k.weight, fused ? k.x : NULL, &ref);
    mien_ref_conv2d_bwd_filter(k.dweight, k.dbias, k.dy, k.x, &ref);
    return k;
}

struct mien_conv2d conv2d_oracle_op(const struct mien_safetensors *file, int lanes)
{
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const size_t *const xs = oracle_tensor(file, "x")->shape;
    const size_t *const ws = oracle_tensor(file, "weight")->shape;
    const struct mien_act x = { (int)xs[0], (int)xs[1], (int)xs[2], (int)xs[3], lanes };
    assert_ok(mien_conv2d_init(&op, &x, (int)ws[0], (int)ws[2], (int)ws[3],
                               (int)oracle_number(file, "stride", 0.0),
                               (int)oracle_number(file, "pad", 0.0), &err),
              &err);
    assert_ok(mien_conv2d_group(&op, (int)oracle_number(file, "groups", 1.0), &err), &err);
    return op;
}

struct conv2d_numbers conv2d_oracle(const struct mien_safetensors *file)
{
    const bool biased = oracle_number(file, "bias", 0.0) > 0.0;
    return (struct conv2d_numbers){
        .x = oracle_floats(file, "x"),
        .dy = oracle_floats(file, "dy"),
        .weight = oracle_floats(file, "weight"),
        .bias = biased ? oracle_floats(file, "bias") : NULL,
        .y = oracle_floats(file, "y"),
        .dx = oracle_floats(file, "dx"),
        .dweight = oracle_floats(file, "dweight"),
        .dbias = biased ? oracle_floats(file, "dbias") : NULL,
    };
}

void conv2d_free(struct conv2d_numbers *k)
{
    float *const all[] = { k->x, k->dy, k->weight, k->bias, k->y, k->dx, k->dweight, k->dbias };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
}

bool conv2d_choose(struct mien_conv2d *op, enum mien_conv2d_variant variant)
{
    bool any = false;
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        if (mien_conv2d_takes(op, (enum mien_conv2d_pass)pass, variant)) {
            op->variant[pass] = variant;
            any = true;
        }
    }
    return any;
}

static void check_act(struct mien_cl *cl, struct mien_cl_buffer *buffer, const struct mien_act *act,
                      const float *want, bool zero, double tolerance)
{
    float *const got = download_act(cl, buffer, act);
    assert_close_to_scale(got, want, plain_floats(act), (float)tolerance);
    assert_unused_lanes(cl, buffer, act, zero);
    free(got);
    mien_cl_buffer_destroy(buffer);
}

static void check_flat(struct mien_cl *cl, struct mien_cl_buffer *buffer, const float *want,
                       size_t count, double tolerance)
{
    float *const got = guarded_read(cl, buffer, count * sizeof(float));
    assert_close_to_scale(got, want, count, (float)tolerance);
    free(got);
    mien_cl_buffer_destroy(buffer);
}

void conv2d_check(struct mien_cl *cl, const struct mien_conv2d *op, const struct conv2d_numbers *k,
                  bool masked)
{
    struct mien_error err = { "" };
    const struct mien_act in = input_of(op);
    const struct mien_act out = mien_conv2d_output(op);
    const size_t biases = (size_t)op->oc * sizeof(float);
    const size_t weights = conv2d_weights(op) * sizeof(float);
    struct mien_cl_buffer *const x = upload_act(cl, k->x, &in, 0.25f); /* what no lane may count */
    struct mien_cl_buffer *const dy = upload_act(cl, k->dy, &out, 0.0f);
    struct mien_cl_buffer *const weight = guarded_copy(cl, k->weight, weights);
    struct mien_cl_buffer *const bias = k->bias ? guarded_copy(cl, k->bias, biases) : NULL;
    struct mien_cl_buffer *const y = poisoned_act(cl, &out);
    struct mien_cl_buffer *const dx = poisoned_act(cl, &in);
    struct mien_cl_buffer *const dweight = guarded_buffer(cl, weights);
    struct mien_cl_buffer *const dbias = k->bias ? guarded_buffer(cl, biases) : NULL;
    struct mien_cl_buffer *const work = guarded_buffer(cl, mien_conv2d_work_bytes(op));
    const struct mien_conv2d_out made = { y, NULL };
    assert_ok(mien_conv2d_fwd(cl, &made, x, weight, bias, work, op, &err), &err);
    assert_ok(mien_conv2d_bwd_data(cl, dx, dy, weight, masked ? x : NULL, work, op, &err), &err);
    assert_ok(mien_conv2d_bwd_filter(cl, dweight, dbias, dy, x, work, op, &err), &err);
    assert_guard_intact(cl, work, mien_conv2d_work_bytes(op));
    const double filter = mien_conv2d_tolerance(op, MIEN_CONV2D_BWD_FILTER);
    check_act(cl, y, &out, k->y, false, mien_conv2d_tolerance(op, MIEN_CONV2D_FWD));
    check_act(cl, dx, &in, k->dx, true, mien_conv2d_tolerance(op, MIEN_CONV2D_BWD_DATA));
    check_flat(cl, dweight, k->dweight, conv2d_weights(op), filter);
    if (k->bias != NULL) {
        check_flat(cl, dbias, k->dbias, (size_t)op->oc, filter);
    }
    mien_cl_buffer_destroy(x);
    mien_cl_buffer_destroy(dy);
    mien_cl_buffer_destroy(weight);
    mien_cl_buffer_destroy(bias);
    mien_cl_buffer_destroy(work);
}
