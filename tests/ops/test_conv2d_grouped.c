/* test_conv2d_grouped.c - convolution in groups of channels against the reference and PyTorch */
// oclgrind
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/conv2d.h"
#include "ref/conv2d.h"
#include "support/layout.h"
#include "support/oracle.h"

/*
 * Depthwise, with a multiplier, tiles of 4, 2 and 1 channels, strides, pads up to k - 1, one pixel.
 * Each is a program of its own for each width of vectors: few of them.
 */
static const struct {
    int n, c, h, w, oc, k, stride, pad, groups, lanes;
} shapes[] = {
    { 5, 4, 7, 6, 8, 3, 2, 1, 4, 1 },   { 5, 6, 5, 7, 6, 3, 1, 2, 6, 4 },
    { 150, 2, 9, 8, 2, 3, 1, 1, 2, 8 }, { 7, 8, 11, 19, 12, 5, 1, 4, 2, 16 },
    { 3, 6, 1, 1, 4, 1, 3, 0, 2, 8 },   { 150, 3, 13, 10, 6, 4, 3, 1, 3, 1 },
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]), SMALL_SHAPES = 2, ON_DEVICE = 2 };

struct numbers {
    float *x, *dy, *weight, *bias;   /* what goes in; bias may be NULL */
    float *y, *dx, *dweight, *dbias; /* what must come out */
};

static void free_numbers(struct numbers *k)
{
    float *const all[] = { k->x, k->dy, k->weight, k->bias, k->y, k->dx, k->dweight, k->dbias };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
}

static struct mien_ref_conv2d ref_of(const struct mien_conv2d *op)
{
    return (struct mien_ref_conv2d){ op->n,  op->c,    op->h,      op->w,   op->oc,
                                     op->kh, op->kw,   op->stride, op->pad, op->ho,
                                     op->wo, op->relu, op->groups };
}

static size_t weights_of(const struct mien_conv2d *op)
{
    return (size_t)op->oc * (size_t)(op->c / op->groups) * (size_t)op->kh * (size_t)op->kw;
}

static void check_act(struct mien_cl *cl, struct mien_cl_buffer *buffer, const struct mien_act *act,
                      const float *want, bool zero)
{
    float *const got = download_act(cl, buffer, act);
    assert_close_to_scale(got, want, plain_floats(act), 1e-5f);
    assert_unused_lanes(cl, buffer, act, zero);
    free(got);
    mien_cl_buffer_destroy(buffer);
}

static void check_flat(struct mien_cl *cl, struct mien_cl_buffer *buffer, const float *want,
                       size_t count)
{
    float *const got = guarded_read(cl, buffer, count * sizeof(float));
    assert_close_to_scale(got, want, count, 1e-5f);
    free(got);
    mien_cl_buffer_destroy(buffer);
}

static void check_passes(struct mien_cl *cl, const struct mien_conv2d *op, const struct numbers *k,
                         bool masked)
{
    struct mien_error err = { "" };
    const struct mien_act in = { op->n, op->c, op->h, op->w, op->lanes };
    const struct mien_act out = mien_conv2d_output(op);
    const size_t biases = (size_t)op->oc * sizeof(float);
    const size_t weights = weights_of(op) * sizeof(float);
    struct mien_cl_buffer *const x = upload_act(cl, k->x, &in, 0.25f);
    struct mien_cl_buffer *const dy = upload_act(cl, k->dy, &out, 0.0f);
    struct mien_cl_buffer *const weight = guarded_copy(cl, k->weight, weights);
    struct mien_cl_buffer *const bias = k->bias ? guarded_copy(cl, k->bias, biases) : NULL;
    struct mien_cl_buffer *const y = poisoned_act(cl, &out);
    struct mien_cl_buffer *const dx = poisoned_act(cl, &in);
    struct mien_cl_buffer *const dweight = guarded_buffer(cl, weights);
    struct mien_cl_buffer *const dbias = k->bias ? guarded_buffer(cl, biases) : NULL;
    struct mien_cl_buffer *const work = guarded_buffer(cl, mien_conv2d_work_bytes(op));
    assert_ok(mien_conv2d_fwd(cl, y, x, weight, bias, work, op, &err), &err);
    assert_ok(mien_conv2d_bwd_data(cl, dx, dy, weight, masked ? x : NULL, work, op, &err), &err);
    assert_ok(mien_conv2d_bwd_filter(cl, dweight, dbias, dy, x, work, op, &err), &err);
    assert_guard_intact(cl, work, mien_conv2d_work_bytes(op));
    check_act(cl, y, &out, k->y, false);
    check_act(cl, dx, &in, k->dx, true);
    check_flat(cl, dweight, k->dweight, weights_of(op));
    if (k->bias != NULL) {
        check_flat(cl, dbias, k->dbias, (size_t)op->oc);
    }
    mien_cl_buffer_destroy(x);
    mien_cl_buffer_destroy(dy);
    mien_cl_buffer_destroy(weight);
    mien_cl_buffer_destroy(bias);
    mien_cl_buffer_destroy(work);
}

static void check_shape(struct mien_cl *cl, size_t s, bool fused)
{
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { shapes[s].n, shapes[s].c, shapes[s].h, shapes[s].w,
                                shapes[s].lanes };
    assert_ok(mien_conv2d_init(&op, &x, shapes[s].oc, shapes[s].k, shapes[s].k, shapes[s].stride,
                               shapes[s].pad, &err),
              &err);
    assert_ok(mien_conv2d_group(&op, shapes[s].groups, &err), &err);
    op.relu = fused;
    const struct mien_act out = mien_conv2d_output(&op);
    const struct mien_ref_conv2d ref = ref_of(&op);
    struct numbers k = {
        .x = random_floats(plain_floats(&x), 1),
        .dy = random_floats(plain_floats(&out), 2),
        .weight = random_floats(weights_of(&op), 3),
        .bias = fused ? random_floats((size_t)op.oc, 4) : NULL,
        .y = random_floats(plain_floats(&out), 5),
        .dx = random_floats(plain_floats(&x), 5),
        .dweight = random_floats(weights_of(&op), 5),
        .dbias = random_floats((size_t)op.oc, 5),
    };
    mien_ref_conv2d_fwd(k.y, k.x, k.weight, k.bias, &ref);
    mien_ref_conv2d_bwd_data(k.dx, k.dy, k.weight, fused ? k.x : NULL, &ref);
    mien_ref_conv2d_bwd_filter(k.dweight, k.dbias, k.dy, k.x, &ref);
    check_passes(cl, &op, &k, fused);
    free_numbers(&k);
}

static void test_conv2d_grouped__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < (small_only() ? SMALL_SHAPES : SHAPES); s++) {
        check_shape(cl, s, s % 2 == 0);
    }
}

/* The reference must give what PyTorch gave. */
static void check_ref(const struct mien_conv2d *op, const struct numbers *k)
{
    const struct mien_ref_conv2d ref = ref_of(op);
    const struct mien_act in = { op->n, op->c, op->h, op->w, 1 };
    const struct mien_act out = { op->n, op->oc, op->ho, op->wo, 1 };
    float *const y = random_floats(plain_floats(&out), 1);
    float *const dx = random_floats(plain_floats(&in), 1);
    float *const dweight = random_floats(weights_of(op), 1);
    float *const dbias = random_floats((size_t)op->oc, 1);
    mien_ref_conv2d_fwd(y, k->x, k->weight, k->bias, &ref);
    mien_ref_conv2d_bwd_data(dx, k->dy, k->weight, NULL, &ref);
    mien_ref_conv2d_bwd_filter(dweight, dbias, k->dy, k->x, &ref);
    assert_close_to_scale(y, k->y, plain_floats(&out), 1e-6f);
    assert_close_to_scale(dx, k->dx, plain_floats(&in), 1e-6f);
    assert_close_to_scale(dweight, k->dweight, weights_of(op), 1e-6f);
    if (k->dbias != NULL) {
        assert_close_to_scale(dbias, k->dbias, (size_t)op->oc, 1e-6f);
    }
    free(y);
    free(dx);
    free(dweight);
    free(dbias);
}

static void test_conv2d_grouped__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 5 && !small_only(); i++) {
        struct mien_error err = { "" };
        char name[32];
        (void)snprintf(name, sizeof(name), "conv2d_grouped_%02d", i);
        struct mien_safetensors *const file = oracle_open(name);
        const size_t *const xs = oracle_tensor(file, "x")->shape;
        const size_t *const ws = oracle_tensor(file, "weight")->shape;
        const bool biased = oracle_number(file, "bias", 0.0) > 0.0;
        const struct mien_act x = { (int)xs[0], (int)xs[1], (int)xs[2], (int)xs[3], 8 };
        struct mien_conv2d op;
        assert_ok(mien_conv2d_init(&op, &x, (int)ws[0], (int)ws[2], (int)ws[3],
                                   (int)oracle_number(file, "stride", 0.0),
                                   (int)oracle_number(file, "pad", 0.0), &err),
                  &err);
        assert_ok(mien_conv2d_group(&op, (int)oracle_number(file, "groups", 0.0), &err), &err);
        struct numbers k = {
            .x = oracle_floats(file, "x"),
            .dy = oracle_floats(file, "dy"),
            .weight = oracle_floats(file, "weight"),
            .bias = biased ? oracle_floats(file, "bias") : NULL,
            .y = oracle_floats(file, "y"),
            .dx = oracle_floats(file, "dx"),
            .dweight = oracle_floats(file, "dweight"),
            .dbias = biased ? oracle_floats(file, "dbias") : NULL,
        };
        check_ref(&op, &k);
        if (i < ON_DEVICE) {
            check_passes(cl, &op, &k, false);
        }
        free_numbers(&k);
        mien_safetensors_close(file);
    }
}

/* sum(y * dy) is linear in x and in the weights, so a step of any size is exact. */
static void test_ref_conv2d__gradients_in_groups_are_central_differences(void **state)
{
    (void)state;
    enum { X = 2 * 4 * 5 * 6, W = 6 * 2 * 3 * 2, Y = 2 * 6 * 3 * 4 };
    const struct mien_ref_conv2d op = { 2, 4, 5, 6, 6, 3, 2, 2, 1, 3, 4, false, 2 };
    float *const x = random_floats(X, 1);
    float *const weight = random_floats(W, 2);
    float *const dy = random_floats(Y, 3);
    float y[Y];
    float dx[X];
    float dweight[W];
    mien_ref_conv2d_bwd_data(dx, dy, weight, NULL, &op);
    mien_ref_conv2d_bwd_filter(dweight, NULL, dy, x, &op);
    for (size_t i = 0; i < X + W; i++) {
        float *const at = i < X ? &x[i] : &weight[i - X];
        const float keep = *at;
        double change = 0.0;
        for (int side = -1; side <= 1; side += 2) {
            *at = keep + (float)side;
            mien_ref_conv2d_fwd(y, x, weight, NULL, &op);
            for (size_t o = 0; o < Y; o++) {
                change += side * (double)y[o] * (double)dy[o];
            }
        }
        *at = keep;
        assert_true(fabs(change / 2.0 - (double)(i < X ? dx[i] : dweight[i - X])) < 1e-5);
    }
    free(x);
    free(weight);
    free(dy);
}

static void test_conv2d_group__has_one_variant_and_refuses_a_remainder(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { 2, 6, 5, 5, 8 };
    assert_ok(mien_conv2d_init(&op, &x, 9, 3, 3, 1, 1, &err), &err);
    assert_int_equal(mien_conv2d_group(&op, 2, &err), MIEN_ERR_SHAPE);
    assert_string_equal(err.text, "conv: 6 channels in and 9 out do not divide into 2 groups");
    assert_int_equal(mien_conv2d_group(&op, 0, &err), MIEN_ERR_SHAPE);
    assert_false(mien_conv2d_takes(&op, MIEN_CONV2D_FWD, MIEN_CONV2D_GROUPED));
    assert_ok(mien_conv2d_group(&op, 3, &err), &err);
    for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
        assert_true(mien_conv2d_takes(&op, MIEN_CONV2D_FWD, (enum mien_conv2d_variant)v) ==
                    (v == MIEN_CONV2D_GROUPED));
    }
    assert_int_equal(op.variant[MIEN_CONV2D_BWD_FILTER], MIEN_CONV2D_GROUPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_conv2d__gradients_in_groups_are_central_differences),
        cmocka_unit_test(test_conv2d_group__has_one_variant_and_refuses_a_remainder),
        cmocka_unit_test(test_conv2d_grouped__matches_reference_on_all_shapes),
        cmocka_unit_test(test_conv2d_grouped__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/conv2d_grouped", tests, device_setup, device_teardown);
}
