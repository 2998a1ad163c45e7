/* test_dense.c - dense layers by own kernels and CLBlast against the reference and PyTorch */
// oclgrind
#include <stdio.h>
#include <stdlib.h>

#include "ops/dense.h"
#include "ref/dense.h"
#include "support/layout.h"
#include "support/oracle.h"

static const struct {
    int n, in, out;
    bool small;
} shapes[] = {
    { 1, 1, 1, true },     { 3, 5, 2, true },      { 9, 17, 19, true },       { 5, 130, 7, true },
    { 150, 33, 7, false }, { 17, 257, 65, false }, { 150, 1031, 120, false }, { 33, 3, 129, false },
};
static const int lane_counts[] = { 1, 4, 8, 16 };

/* One layer with what goes in; the results are poisoned before each pass. */
struct fixture {
    struct mien_dense op;
    struct mien_act in, out;
    size_t weights, work_bytes;
    float *x, *weight, *bias, *dy;
    struct mien_cl_buffer *bx, *bweight, *bbias, *bdy, *by, *bdx, *bdweight, *bdbias, *bwork;
};

/* Takes over x, weight, bias (or NULL) and dy. */
static void set_up(struct fixture *f, struct mien_cl *cl, float *x, float *weight, float *bias,
                   float *dy)
{
    const struct mien_dense *const op = &f->op;
    const size_t outs = (size_t)op->out * sizeof(float);
    f->in = (struct mien_act){ op->n, op->in, 1, 1, op->lanes };
    f->out = (struct mien_act){ op->n, op->out, 1, 1, op->lanes };
    f->weights = (size_t)op->in * (size_t)op->out;
    f->work_bytes = mien_dense_work_bytes(op);
    f->x = x;
    f->weight = weight;
    f->bias = bias;
    f->dy = dy;
    f->bx = upload_act(cl, x, &f->in, 0.25f);
    f->bweight = guarded_copy(cl, weight, f->weights * sizeof(float));
    f->bbias = bias != NULL ? guarded_copy(cl, bias, outs) : NULL;
    f->bdy = upload_act(cl, dy, &f->out, 0.0f);
    f->by = poisoned_act(cl, &f->out);
    f->bdx = poisoned_act(cl, &f->in);
    f->bdweight = guarded_buffer(cl, f->weights * sizeof(float));
    f->bdbias = bias != NULL ? guarded_buffer(cl, outs) : NULL;
    f->bwork = guarded_buffer(cl, f->work_bytes);
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

static void run(struct fixture *f, struct mien_cl *cl, bool masked)
{
    struct mien_error err = { "" };
    assert_ok(mien_dense_fwd(cl, f->by, f->bx, f->bweight, f->bbias, f->bwork, &f->op, &err), &err);
    assert_ok(mien_dense_bwd_data(cl, f->bdx, f->bdy, f->bweight, masked ? f->bx : NULL, f->bwork,
                                  &f->op, &err),
              &err);
    assert_ok(
        mien_dense_bwd_weight(cl, f->bdweight, f->bdbias, f->bdy, f->bx, f->bwork, &f->op, &err),
        &err);
    assert_guard_intact(cl, f->bwork, f->work_bytes);
}

static void check_act(struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                      const struct mien_act *act, const float *want)
{
    float *const got = download_act(cl, buffer, act);
    assert_close_to_scale(got, want, plain_floats(act), 1e-5f);
    assert_unused_lanes(cl, buffer, act, false);
    free(got);
}

static void check_flat(struct mien_cl *cl, const struct mien_cl_buffer *buffer, const float *want,
                       size_t count)
{
    float *const got = guarded_read(cl, buffer, count * sizeof(float));
    assert_close_to_scale(got, want, count, 1e-5f);
    free(got);
}

/* fused: with bias, ReLU forward and the mask backward; else without any. */
static void check_shape(struct mien_cl *cl, size_t s, int lanes, bool fused)
{
    struct fixture f = { .op = { shapes[s].n, shapes[s].in, shapes[s].out, lanes, fused } };
    const struct mien_ref_dense ref = { f.op.n, f.op.in, f.op.out, fused };
    const size_t ins = (size_t)f.op.n * (size_t)f.op.in;
    const size_t outs = (size_t)f.op.n * (size_t)f.op.out;
    const size_t weights = (size_t)f.op.in * (size_t)f.op.out;
    set_up(&f, cl, random_floats(ins, 1), random_floats(weights, 2),
           fused ? random_floats((size_t)f.op.out, 3) : NULL, random_floats(outs, 4));
    run(&f, cl, fused);
    float *const y = random_floats(outs, 5);
    float *const dx = random_floats(ins, 5);
    float *const dweight = random_floats(weights, 5);
    float *const dbias = random_floats((size_t)f.op.out, 5);
    mien_ref_dense_fwd(y, f.x, f.weight, f.bias, &ref);
    mien_ref_dense_bwd_data(dx, f.dy, f.weight, fused ? f.x : NULL, &ref);
    mien_ref_dense_bwd_filter(dweight, dbias, f.dy, f.x, &ref);
    check_act(cl, f.by, &f.out, y);
    check_act(cl, f.bdx, &f.in, dx);
    assert_unused_lanes(cl, f.bdx, &f.in, true);
    check_flat(cl, f.bdweight, dweight, weights);
    if (fused) {
        check_flat(cl, f.bdbias, dbias, (size_t)f.op.out);
    }
    free(y);
    free(dx);
    free(dweight);
    free(dbias);
    tear_down(&f);
}

static void check_lanes(struct mien_cl *cl, int lanes)
{
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        /* Each shape is a program of its own to a CPU device: all of them for one width of vectors.
         */
        const bool taken = lanes == 1 || lanes == 8 || s == 2 || s == 4;
        if (taken && (shapes[s].small || !small_only())) {
            check_shape(cl, s, lanes, false);
            check_shape(cl, s, lanes, true);
        }
    }
}

static void test_dense__own_kernels_match_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 1; i < 4; i++) {
        check_lanes(cl, lane_counts[i]);
    }
}

static void test_dense__clblast_matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    if (small_only()) { /* CLBlast's own kernels are not ours to check */
        skip();
    }
    check_lanes(cl, 1);
}

static void check_oracle(struct mien_cl *cl, const char *name, int lanes)
{
    struct mien_safetensors *const file = oracle_open(name);
    const size_t *const xs = oracle_tensor(file, "x")->shape;
    const size_t outs = oracle_tensor(file, "weight")->shape[0];
    struct fixture f = { .op = { (int)xs[0], (int)xs[1], (int)outs, lanes, false } };
    set_up(&f, cl, oracle_floats(file, "x"), oracle_floats(file, "weight"),
           oracle_floats(file, "bias"), oracle_floats(file, "dy"));
    run(&f, cl, false);
    float *const y = oracle_floats(file, "y");
    float *const dx = oracle_floats(file, "dx");
    float *const dweight = oracle_floats(file, "dweight");
    float *const dbias = oracle_floats(file, "dbias");
    check_act(cl, f.by, &f.out, y);
    check_act(cl, f.bdx, &f.in, dx);
    check_flat(cl, f.bdweight, dweight, f.weights);
    check_flat(cl, f.bdbias, dbias, outs);
    free(y);
    free(dx);
    free(dweight);
    free(dbias);
    tear_down(&f);
    mien_safetensors_close(file);
}

static void test_dense__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 4 && !small_only(); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "dense_%02d", i);
        check_oracle(cl, name, 1);
        check_oracle(cl, name, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense__own_kernels_match_reference_on_all_shapes),
        cmocka_unit_test(test_dense__clblast_matches_reference_on_all_shapes),
        cmocka_unit_test(test_dense__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/dense", tests, device_setup, device_teardown);
}
