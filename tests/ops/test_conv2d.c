/* test_conv2d.c - the convolutions for CPU devices against the reference and PyTorch */
// oclgrind
#include <stdio.h>
#include <stdlib.h>

#include "ops/conv2d.h"
#include "ref/conv2d.h"
#include "support/layout.h"
#include "support/oracle.h"

/*
 * Sizes of 1, odd sizes, strides, paddings up to k - 1, sums and channels off the tiles' sizes.
 * Each is a program of its own, and takes seconds to build: few of them.
 */
static const struct {
    int n, c, h, w, oc, kh, kw, stride, pad;
    bool few; /* also for the widths of vectors that are not the usual one */
} shapes[] = {
    { 1, 1, 1, 1, 1, 1, 1, 3, 0, false },
    { 2, 3, 7, 5, 5, 3, 3, 1, 1, false },
    { 3, 2, 6, 9, 4, 2, 3, 2, 1, false },
    { 1, 5, 9, 9, 3, 5, 5, 2, 2, false },
    { 150, 1, 9, 8, 7, 4, 4, 1, 0, false },
    { 17, 17, 11, 13, 19, 3, 3, 1, 2, true },
    { 9, 3, 13, 10, 17, 5, 5, 1, 4, false },
    { 3, 4, 15, 15, 6, 7, 7, 1, 3, false },
    { 5, 3, 8, 11, 9, 6, 1, 3, 0, false },
    { 33, 2, 12, 12, 18, 4, 4, 1, 3, false },
    /* of 1x1 alone, for the matrix products */
    { 2, 3, 3, 5, 5, 1, 1, 1, 0, false },
    { 19, 70, 7, 9, 53, 1, 1, 1, 0, true },
    { 1, 1, 1, 1, 1, 1, 1, 1, 0, false },
    { 150, 9, 5, 5, 17, 1, 1, 1, 0, false },
};
enum { FIRST_PRODUCT = 10, SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

struct fixture {
    struct mien_conv2d op;
    struct mien_ref_conv2d ref;
    struct mien_act in, out;
    size_t weights;
    float *x, *weight, *bias, *dy;
    struct mien_cl_buffer *bx, *bweight, *bbias, *bdy, *by, *bdx, *bdweight, *bdbias, *bwork;
};

static struct mien_conv2d make_op(const struct mien_act *x, int oc, int kh, int kw, int stride,
                                  int pad, int lanes)
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
        .lanes = lanes,
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
    f->in = (struct mien_act){ op->n, op->c, op->h, op->w, op->lanes };
    f->out = (struct mien_act){ op->n, op->oc, op->ho, op->wo, op->lanes };
    f->weights = (size_t)op->oc * (size_t)op->c * (size_t)op->kh * (size_t)op->kw;
    f->x = x;
    f->weight = weight;
    f->bias = bias;
    f->dy = dy;
    const size_t biases = (size_t)op->oc * sizeof(float);
    f->bx = upload_act(cl, x, &f->in, 0.25f);
    f->bweight = guarded_copy(cl, weight, f->weights * sizeof(float));
    f->bbias = bias != NULL ? guarded_copy(cl, bias, biases) : NULL;
    f->bdy = upload_act(cl, dy, &f->out, 0.0f);
    f->by = poisoned_act(cl, &f->out);
    f->bdx = poisoned_act(cl, &f->in);
    f->bdweight = guarded_buffer(cl, f->weights * sizeof(float));
    f->bdbias = bias != NULL ? guarded_buffer(cl, biases) : NULL;
    f->bwork = guarded_buffer(cl, mien_conv2d_work_bytes(op));
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
    const struct mien_conv2d *const op = &f->op;
    assert_ok(mien_conv2d_fwd(cl, f->by, f->bx, f->bweight, f->bbias, f->bwork, op, &err), &err);
    assert_ok(mien_conv2d_bwd_data(cl, f->bdx, f->bdy, f->bweight, masked ? f->bx : NULL, f->bwork,
                                   op, &err),
              &err);
    assert_ok(mien_conv2d_bwd_filter(cl, f->bdweight, f->bdbias, f->bdy, f->bx, f->bwork, op, &err),
              &err);
    assert_guard_intact(cl, f->bwork, mien_conv2d_work_bytes(op));
}

static void check_act(struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                      const struct mien_act *act, const float *want)
{
    float *const got = download_act(cl, buffer, act);
    assert_close_to_scale(got, want, plain_floats(act), 1e-5f);
    assert_unused_lanes(cl, buffer, act, false);
    free(got);
}

static void check(struct mien_cl *cl, const struct mien_cl_buffer *buffer, const float *want,
                  size_t count)
{
    float *const got = guarded_read(cl, buffer, count * sizeof(float));
    assert_close_to_scale(got, want, count, 1e-5f);
    free(got);
}

/* The variant for the passes that it takes; false when it takes none. */
static bool choose(struct mien_conv2d *op, enum mien_conv2d_variant variant)
{
    bool any = false;
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        const bool takes = mien_conv2d_takes(op, (enum mien_conv2d_pass)pass, variant);
        op->variant[pass] = takes ? variant : MIEN_CONV2D_VECTOR;
        any = any || takes;
    }
    return any;
}

static void check_shape(struct mien_cl *cl, size_t s, int lanes, enum mien_conv2d_variant variant,
                        bool fused)
{
    struct fixture f;
    const struct mien_act x = { shapes[s].n, shapes[s].c, shapes[s].h, shapes[s].w, lanes };
    f.op = make_op(&x, shapes[s].oc, shapes[s].kh, shapes[s].kw, shapes[s].stride, shapes[s].pad,
                   lanes);
    f.op.relu = fused;
    if (!choose(&f.op, variant)) {
        return;
    }
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
    check_act(cl, f.by, &f.out, y);
    check_act(cl, f.bdx, &f.in, dx);
    assert_unused_lanes(cl, f.bdx, &f.in, true);
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

static void check_variant(struct mien_cl *cl, enum mien_conv2d_variant variant)
{
    static const int lane_counts[] = { 8, 4, 16 };
    if (small_only()) { /* borders, strides, several tiles; all three passes */
        for (size_t s = 0; s < 3; s++) {
            check_shape(cl, s, 4, variant, true);
        }
        return;
    }
    for (size_t l = 0; l < 3; l++) {
        for (size_t s = 0; s < FIRST_PRODUCT; s++) {
            if (l == 0 || shapes[s].few) {
                check_shape(cl, s, lane_counts[l], variant, s % 2 != 0);
            }
        }
    }
}

static void test_conv2d__vector_matches_reference_on_all_shapes(void **state)
{
    check_variant(device_or_skip(state), MIEN_CONV2D_VECTOR);
}

static void test_conv2d__winograd_matches_reference_on_all_shapes(void **state)
{
    check_variant(device_or_skip(state), MIEN_CONV2D_WINOGRAD);
}

/* Only the filter's gradient: the other passes are the vector kernels, which have their own test.
 */
static void test_conv2d__channel_matches_reference_on_some_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    if (small_only()) {
        check_shape(cl, 1, 4, MIEN_CONV2D_CHANNEL, true);
        return;
    }
    check_shape(cl, 0, 8, MIEN_CONV2D_CHANNEL, false);
    check_shape(cl, 2, 8, MIEN_CONV2D_CHANNEL, true);
    check_shape(cl, 5, 16, MIEN_CONV2D_CHANNEL, true);
    check_shape(cl, 5, 4, MIEN_CONV2D_CHANNEL, false);
    check_shape(cl, 8, 8, MIEN_CONV2D_CHANNEL, true);
    check_shape(cl, 9, 8, MIEN_CONV2D_CHANNEL, false);
}

static void test_conv2d__product_matches_reference_on_shapes_of_1x1(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const int lane_counts[] = { 8, 4, 16 };
    for (size_t s = FIRST_PRODUCT; s < (small_only() ? FIRST_PRODUCT + 1 : SHAPES); s++) {
        for (size_t l = 0; l < (small_only() ? 1 : 3); l++) {
            if (l == 0 || shapes[s].few) {
                check_shape(cl, s, lane_counts[l], MIEN_CONV2D_PRODUCT, s % 2 == 0);
                check_shape(cl, s, lane_counts[l], MIEN_CONV2D_PRODUCT, s % 2 != 0);
            }
        }
    }
}

/* Winograd where it takes the pass, else register tiles. */
static void check_oracle(struct mien_cl *cl, const char *name)
{
    struct mien_safetensors *const file = oracle_open(name);
    const size_t *const xs = oracle_tensor(file, "x")->shape;
    const size_t *const ws = oracle_tensor(file, "weight")->shape;
    const bool biased = oracle_number(file, "bias", 0.0) > 0.0;
    const struct mien_act x = { (int)xs[0], (int)xs[1], (int)xs[2], (int)xs[3], 8 };
    struct fixture f;
    f.op = make_op(&x, (int)ws[0], (int)ws[2], (int)ws[3], (int)oracle_number(file, "stride", 0.0),
                   (int)oracle_number(file, "pad", 0.0), 8);
    (void)choose(&f.op, MIEN_CONV2D_WINOGRAD);
    set_up(&f, cl, oracle_floats(file, "x"), oracle_floats(file, "weight"),
           biased ? oracle_floats(file, "bias") : NULL, oracle_floats(file, "dy"));
    run(&f, cl, false);
    float *const y = oracle_floats(file, "y");
    float *const dx = oracle_floats(file, "dx");
    float *const dweight = oracle_floats(file, "dweight");
    float *const dbias = biased ? oracle_floats(file, "dbias") : NULL;
    check_act(cl, f.by, &f.out, y);
    check_act(cl, f.bdx, &f.in, dx);
    check(cl, f.bdweight, dweight, f.weights);
    if (biased) {
        check(cl, f.bdbias, dbias, ws[0]);
    }
    free(y);
    free(dx);
    free(dweight);
    free(dbias);
    tear_down(&f);
    mien_safetensors_close(file);
}

static void test_conv2d__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 10 && !small_only(); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "conv2d_%02d", i);
        check_oracle(cl, name);
    }
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d__vector_matches_reference_on_all_shapes),
        cmocka_unit_test(test_conv2d__winograd_matches_reference_on_all_shapes),
        cmocka_unit_test(test_conv2d__product_matches_reference_on_shapes_of_1x1),
        cmocka_unit_test(test_conv2d__channel_matches_reference_on_some_shapes),
        cmocka_unit_test(test_conv2d__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/conv2d", tests, device_setup, device_teardown);
}
