/* test_conv2d_tile.c - the convolution for GPUs against the reference, that against PyTorch */
// oclgrind
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/conv2d_variants.h"
#include "ref/conv2d.h"
#include "support/layout.h"
#include "support/oracle.h"

/*
 * Sizes of 1, odd sizes, strides and paddings, tiles that are not full, several tiles.  Each
 * combination of kernel, stride and padding is a program of its own: few of them.
 */
static const struct {
    int n, c, h, w, oc, kh, kw, stride, pad;
    bool small;
} shapes[] = {
    { 1, 1, 1, 1, 1, 1, 1, 3, 0, true },    { 2, 3, 7, 5, 5, 3, 3, 1, 1, true },
    { 3, 2, 6, 9, 4, 2, 3, 2, 1, true },    { 1, 5, 9, 9, 3, 5, 5, 2, 2, true },
    { 2, 1, 8, 8, 66, 4, 4, 1, 0, true },   { 1, 66, 4, 4, 3, 1, 1, 3, 0, true },
    { 150, 1, 9, 8, 7, 4, 4, 1, 0, false }, { 5, 17, 11, 13, 70, 3, 3, 1, 1, false },
    { 3, 4, 15, 15, 6, 7, 7, 1, 3, false }, { 150, 3, 6, 6, 5, 4, 4, 1, 0, false },
};

struct fixture {
    struct mien_conv2d op;
    struct mien_ref_conv2d ref;
    struct mien_act in, out;
    size_t weights;
    float *x, *weight, *bias, *dy;
    struct mien_cl_buffer *bx, *bweight, *bbias, *bdy, *by, *bdx, *bdweight, *bdbias, *bwork;
};

static struct mien_conv2d make_op(const struct mien_act *x, int oc, int kh, int kw, int stride,
                                  int pad)
{
    return (struct mien_conv2d){
        .n = x->n,
        .c = x->c,
        .h = x->h,
        .w = x->w,
        .oc = oc,
        .groups = 1,
        .kh = kh,
        .kw = kw,
        .stride = stride,
        .pad = pad,
        .ho = (x->h + 2 * pad - kh) / stride + 1,
        .wo = (x->w + 2 * pad - kw) / stride + 1,
        .lanes = 1,
    };
}

/* Takes over x, weight, bias (or NULL) and dy; f->op is set. */
static void set_up(struct fixture *f, struct mien_cl *cl, float *x, float *weight, float *bias,
                   float *dy)
{
    const struct mien_conv2d *const op = &f->op;
    f->ref =
        (struct mien_ref_conv2d){ op->n,      op->c,   op->h,  op->w,  op->oc,   op->kh,    op->kw,
                                  op->stride, op->pad, op->ho, op->wo, op->relu, op->groups };
    f->in = (struct mien_act){ op->n, op->c, op->h, op->w, 1 };
    f->out = (struct mien_act){ op->n, op->oc, op->ho, op->wo, 1 };
    f->weights = (size_t)op->oc * (size_t)op->c * (size_t)op->kh * (size_t)op->kw;
    f->x = x;
    f->weight = weight;
    f->bias = bias;
    f->dy = dy;
    const size_t biases = (size_t)op->oc * sizeof(float);
    f->bx = upload_act(cl, x, &f->in, 0.0f);
    f->bweight = guarded_copy(cl, weight, f->weights * sizeof(float));
    f->bbias = bias != NULL ? guarded_copy(cl, bias, biases) : NULL;
    f->bdy = upload_act(cl, dy, &f->out, 0.0f);
    f->by = poisoned_act(cl, &f->out);
    f->bdx = poisoned_act(cl, &f->in);
    f->bdweight = guarded_buffer(cl, f->weights * sizeof(float));
    f->bdbias = bias != NULL ? guarded_buffer(cl, biases) : NULL;
    f->bwork = guarded_buffer(cl, mien_conv2d_tile.work_bytes(op, MIEN_CONV2D_BWD_FILTER));
}

static void tear_down(struct fixture *f)
{
    mien_cl_buffer_destroy(f->bx);
    mien_cl_buffer_destroy(f->bweight);
    mien_cl_buffer_destroy(f->bbias);
    mien_cl_buffer_destroy(f->bdy);
    mien_cl_buffer_destroy(f->by);
    mien_cl_buffer_destroy(f->bdx);
    mien_cl_buffer_destroy(f->bdweight);
    mien_cl_buffer_destroy(f->bdbias);
    mien_cl_buffer_destroy(f->bwork);
    free(f->x);
    free(f->weight);
    free(f->bias);
    free(f->dy);
}

/* Runs the three passes. */
static void run(struct fixture *f, struct mien_cl *cl, bool masked)
{
    struct mien_error err = { "" };
    const struct mien_conv2d_family *const tile = &mien_conv2d_tile;
    assert_ok(tile->fwd(cl, f->by, f->bx, f->bweight, f->bbias, NULL, &f->op, &err), &err);
    assert_ok(
        tile->bwd_data(cl, f->bdx, f->bdy, f->bweight, masked ? f->bx : NULL, NULL, &f->op, &err),
        &err);
    assert_ok(tile->bwd_filter(cl, f->bdweight, f->bdbias, f->bdy, f->bx, f->bwork, &f->op, &err),
              &err);
    assert_guard_intact(cl, f->bwork, tile->work_bytes(&f->op, MIEN_CONV2D_BWD_FILTER));
}

static void check(struct mien_cl *cl, const struct mien_cl_buffer *buffer, const float *want,
                  size_t count)
{
    float *const got = guarded_read(cl, buffer, count * sizeof(float));
    assert_close_to_scale(got, want, count, 1e-5f);
    free(got);
}

static void check_shape(struct mien_cl *cl, size_t s, bool fused)
{
    struct fixture f;
    const struct mien_act x = { shapes[s].n, shapes[s].c, shapes[s].h, shapes[s].w, 1 };
    f.op = make_op(&x, shapes[s].oc, shapes[s].kh, shapes[s].kw, shapes[s].stride, shapes[s].pad);
    f.op.relu = fused;
    const size_t out = (size_t)f.op.n * (size_t)f.op.oc * (size_t)f.op.ho * (size_t)f.op.wo;
    const size_t weights = (size_t)f.op.oc * (size_t)f.op.c * (size_t)f.op.kh * (size_t)f.op.kw;
    set_up(&f, cl, random_floats(plain_floats(&x), 1), random_floats(weights, 2),
           fused ? random_floats((size_t)f.op.oc, 3) : NULL, random_floats(out, 4));
    run(&f, cl, fused);
    float *const y = random_floats(out, 5);
    float *const dx = random_floats(plain_floats(&x), 5);
    float *const dweight = random_floats(weights, 5);
    float *const dbias = random_floats((size_t)f.op.oc, 5);
    mien_ref_conv2d_fwd(y, f.x, f.weight, f.bias, &f.ref);
    mien_ref_conv2d_bwd_data(dx, f.dy, f.weight, fused ? f.x : NULL, &f.ref);
    mien_ref_conv2d_bwd_filter(dweight, dbias, f.dy, f.x, &f.ref);
    check(cl, f.by, y, out);
    check(cl, f.bdx, dx, plain_floats(&x));
    check(cl, f.bdweight, dweight, weights);
    if (fused) {
        check(cl, f.bdbias, dbias, (size_t)f.op.oc);
    }
    free(y);
    free(dx);
    free(dweight);
    free(dbias);
    tear_down(&f);
}

static void test_conv2d_tile__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        if (shapes[s].small || !small_only()) {
            check_shape(cl, s, false);
            check_shape(cl, s, true);
        }
    }
}

static void check_floats(const struct mien_safetensors *file, const char *name, const float *got)
{
    float *const want = oracle_floats(file, name);
    assert_close_to_scale(got, want, oracle_tensor(file, name)->bytes / sizeof(float), 1e-5f);
    free(want);
}

/* The reference, and through it the kernels: each combination of sizes would be built anew. */
static void test_ref_conv2d__gives_what_pytorch_gives(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "conv2d_%02d", i);
        struct mien_safetensors *const file = oracle_open(name);
        const size_t *const xs = oracle_tensor(file, "x")->shape;
        const size_t *const ws = oracle_tensor(file, "weight")->shape;
        const size_t *const ys = oracle_tensor(file, "y")->shape;
        const bool biased = oracle_number(file, "bias", 0.0) > 0.0;
        const struct mien_ref_conv2d op = {
            (int)xs[0],
            (int)xs[1],
            (int)xs[2],
            (int)xs[3],
            (int)ws[0],
            (int)ws[2],
            (int)ws[3],
            (int)oracle_number(file, "stride", 0.0),
            (int)oracle_number(file, "pad", 0.0),
            (int)ys[2],
            (int)ys[3],
            false,
            1,
        };
        float *const x = oracle_floats(file, "x");
        float *const weight = oracle_floats(file, "weight");
        float *const bias = biased ? oracle_floats(file, "bias") : NULL;
        float *const dy = oracle_floats(file, "dy");
        float *const y = random_floats(oracle_tensor(file, "y")->bytes / sizeof(float), 1);
        float *const dx = random_floats(oracle_tensor(file, "x")->bytes / sizeof(float), 1);
        float *const dweight = random_floats(oracle_tensor(file, "weight")->bytes / 4, 1);
        float *const dbias = random_floats(ws[0], 1);
        mien_ref_conv2d_fwd(y, x, weight, bias, &op);
        mien_ref_conv2d_bwd_data(dx, dy, weight, NULL, &op);
        mien_ref_conv2d_bwd_filter(dweight, dbias, dy, x, &op);
        check_floats(file, "y", y);
        check_floats(file, "dx", dx);
        check_floats(file, "dweight", dweight);
        if (biased) {
            check_floats(file, "dbias", dbias);
        }
        free(x);
        free(weight);
        free(bias);
        free(dy);
        free(y);
        free(dx);
        free(dweight);
        free(dbias);
        mien_safetensors_close(file);
    }
}

/* sum(y * dy) is linear in x and in the weights, so a step of any size is exact. */
static void test_ref_conv2d__gradients_are_central_differences(void **state)
{
    (void)state;
    enum { X = 2 * 3 * 7 * 6, W = 4 * 3 * 3 * 2, Y = 2 * 4 * 4 * 4 };
    const struct mien_ref_conv2d op = { 2, 3, 7, 6, 4, 3, 2, 2, 1, 4, 4, false, 1 };
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_conv2d__gradients_are_central_differences),
        cmocka_unit_test(test_conv2d_tile__matches_reference_on_all_shapes),
        cmocka_unit_test(test_ref_conv2d__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/conv2d_tile", tests, device_setup, device_teardown);
}
