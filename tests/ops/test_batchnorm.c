/* test_batchnorm.c - batch normalisation against the reference, that against PyTorch */
// oclgrind
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/batchnorm.h"
#include "ref/batchnorm.h"
#include "support/layout.h"
#include "support/oracle.h"

/* n, c, h, w and how far the mean is from zero. */
static const struct {
    int n, c, h, w;
    float offset;
} shapes[] = {
    { 2, 1, 1, 1, 0.0f },   { 3, 2, 5, 7, 0.0f },   { 1, 5, 9, 9, 0.3f },
    { 150, 3, 6, 5, 1.0f }, { 17, 7, 3, 5, 10.0f }, { 150, 17, 1, 1, -0.5f },
    { 9, 2, 44, 44, 0.5f },
};
static const cl_int lane_counts[] = { 1, 4, 8, 16 };

struct fixture {
    struct mien_batchnorm op;
    struct mien_ref_batchnorm ref;
    size_t c, count;
    float *x, *dy, *params[4]; /* weight, bias, running mean, running variance */
    struct mien_cl_buffer *bx, *bdy, *by, *bdx, *bparams[4], *bsaved, *bdweight, *bdbias, *bwork;
    struct mien_batchnorm_buffers buffers;
};

/* Takes over x, dy and params; f->op is set. */
static void set_up(struct fixture *f, struct mien_cl *cl, float *x, float *dy,
                   float *const params[4])
{
    const struct mien_act *const act = &f->op.act;
    f->ref = (struct mien_ref_batchnorm){ act->n,         act->c,     act->h * act->w, f->op.eps,
                                          f->op.momentum, f->op.relu, f->op.after_relu };
    f->c = (size_t)act->c;
    f->count = plain_floats(act);
    f->x = x;
    f->dy = dy;
    f->bx = upload_act(cl, x, act, 3.5f); /* unused lanes must not count */
    f->bdy = upload_act(cl, dy, act, 0.0f);
    f->by = poisoned_act(cl, act);
    f->bdx = poisoned_act(cl, act);
    for (int i = 0; i < 4; i++) {
        f->params[i] = params[i];
        f->bparams[i] = guarded_copy(cl, params[i], f->c * sizeof(float));
    }
    f->bsaved = guarded_buffer(cl, mien_batchnorm_saved_bytes(&f->op));
    f->bwork = guarded_buffer(cl, mien_batchnorm_work_bytes(&f->op));
    f->bdweight = guarded_buffer(cl, f->c * sizeof(float));
    f->bdbias = guarded_buffer(cl, f->c * sizeof(float));
    f->buffers = (struct mien_batchnorm_buffers){
        f->bparams[0], f->bparams[1], f->bparams[2], f->bparams[3],
        f->bsaved,     f->bdweight,   f->bdbias,     f->bwork,
    };
}

static void tear_down(struct fixture *f)
{
    mien_cl_buffer_destroy(f->bx);
    mien_cl_buffer_destroy(f->bdy);
    mien_cl_buffer_destroy(f->by);
    mien_cl_buffer_destroy(f->bdx);
    mien_cl_buffer_destroy(f->bsaved);
    mien_cl_buffer_destroy(f->bwork);
    mien_cl_buffer_destroy(f->bdweight);
    mien_cl_buffer_destroy(f->bdbias);
    for (int i = 0; i < 4; i++) {
        mien_cl_buffer_destroy(f->bparams[i]);
        free(f->params[i]);
    }
    free(f->x);
    free(f->dy);
}

static float largest(const float *values, size_t count)
{
    float most = 0.0f;
    for (size_t i = 0; i < count; i++) {
        most = fmaxf(most, fabsf(values[i]));
    }
    return most;
}

/* Within 1e-5 of the largest term: what is left of terms that cancel has no better precision. */
static void check_act(struct mien_cl *cl, const struct mien_cl_buffer *buffer, const float *want,
                      const struct mien_act *act, float term)
{
    float *const got = download_act(cl, buffer, act);
    const float scale = fmaxf(term, largest(want, plain_floats(act)));
    assert_all_close(got, want, plain_floats(act), 1e-5f * scale, 0.0f);
    free(got);
}

static void check_y(struct mien_cl *cl, const struct fixture *f, const float *want)
{
    check_act(cl, f->by, want, &f->op.act,
              fmaxf(largest(f->params[0], f->c), largest(f->params[1], f->c)));
    assert_unused_lanes(cl, f->by, &f->op.act, false);
}

/* After the forward pass: the terms of dx are weight / std * dy. */
static void check_dx(struct mien_cl *cl, const struct fixture *f, const float *want)
{
    float *const saved = guarded_read(cl, f->bsaved, mien_batchnorm_saved_bytes(&f->op));
    const float term =
        largest(f->params[0], f->c) * largest(saved + f->c, f->c) * largest(f->dy, f->count);
    check_act(cl, f->bdx, want, &f->op.act, term);
    assert_unused_lanes(cl, f->bdx, &f->op.act, true);
    free(saved);
}

static void check_channels(struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                           const float *want, size_t c, float term)
{
    float *const got = guarded_read(cl, buffer, c * sizeof(float));
    assert_all_close(got, want, c, 1e-5f * fmaxf(term, largest(want, c)), 0.0f);
    free(got);
}

/* The parameters' gradients are sums of N terms of both signs: of the size of sqrt(N) terms. */
static void check_sums(struct mien_cl *cl, const struct fixture *f, const float *dweight,
                       const float *dbias)
{
    const size_t values = f->count / f->c;
    const float term = sqrtf((float)values) * largest(f->dy, f->count);
    check_channels(cl, f->bdweight, dweight, f->c, term);
    check_channels(cl, f->bdbias, dbias, f->c, term);
}

static void check_guards(struct mien_cl *cl, const struct fixture *f)
{
    assert_guard_intact(cl, f->bsaved, mien_batchnorm_saved_bytes(&f->op));
    assert_guard_intact(cl, f->bwork, mien_batchnorm_work_bytes(&f->op));
}

static void check_one(struct mien_cl *cl, size_t s, cl_int lanes, bool fused)
{
    struct mien_error err = { "" };
    struct fixture f;
    f.op = (struct mien_batchnorm){
        { shapes[s].n, shapes[s].c, shapes[s].h, shapes[s].w, lanes }, 1e-5f, 0.1f, fused, fused
    };
    const size_t count = plain_floats(&f.op.act);
    const size_t c = (size_t)shapes[s].c;
    float *const x = random_floats(count, 1);
    for (size_t i = 0; i < count; i++) {
        x[i] += shapes[s].offset;
    }
    float *const params[4] = { random_floats(c, 3), random_floats(c, 4), random_floats(c, 5),
                               random_floats(c, 6) };
    for (size_t i = 0; i < c; i++) {
        params[3][i] += 1.0f;
    }
    set_up(&f, cl, x, random_floats(count, 2), params);
    const struct mien_ref_batchnorm_params ref = { params[0], params[1], params[2], params[3] };
    float *const want = random_floats(count, 7);
    float *const dweight = random_floats(c, 7);
    float *const dbias = random_floats(c, 7);

    assert_ok(mien_batchnorm_eval(cl, f.by, f.bx, &f.buffers, &f.op, &err), &err);
    mien_ref_batchnorm_eval(want, x, &ref, &f.ref);
    check_y(cl, &f, want);

    assert_ok(
        mien_batchnorm_eval_bwd(cl, f.bdx, f.bdy, fused ? f.bx : NULL, &f.buffers, &f.op, &err),
        &err);
    mien_ref_batchnorm_eval_bwd(want, f.dy, fused ? x : NULL, &ref, &f.ref);
    check_act(cl, f.bdx, want, &f.op.act, 0.0f);
    assert_unused_lanes(cl, f.bdx, &f.op.act, true);

    assert_ok(mien_batchnorm_fwd(cl, f.by, f.bx, &f.buffers, &f.op, &err), &err);
    mien_ref_batchnorm_fwd(want, x, &ref, &f.ref);
    check_y(cl, &f, want);
    check_channels(cl, f.bparams[2], params[2], c, 0.0f);
    check_channels(cl, f.bparams[3], params[3], c, 0.0f);

    assert_ok(mien_batchnorm_bwd(cl, f.bdx, f.bdy, f.bx, &f.buffers, &f.op, &err), &err);
    mien_ref_batchnorm_bwd(want, dweight, dbias, f.dy, x, params[0], &f.ref);
    check_dx(cl, &f, want);
    check_sums(cl, &f, dweight, dbias);
    check_guards(cl, &f);
    free(want);
    free(dweight);
    free(dbias);
    tear_down(&f);
}

static void test_batchnorm__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        for (size_t i = 0; i < sizeof(lane_counts) / sizeof(lane_counts[0]); i++) {
            const int values = shapes[s].n * shapes[s].h * shapes[s].w;
            if (!small_only() || (values < 130 && lane_counts[i] % 8 <= 1)) {
                check_one(cl, s, lane_counts[i], false);
                check_one(cl, s, lane_counts[i], true);
            }
        }
    }
}

static void check_oracle(struct mien_cl *cl, const struct mien_safetensors *file, cl_int lanes)
{
    struct mien_error err = { "" };
    struct fixture f;
    const size_t *const shape = oracle_tensor(file, "x")->shape;
    f.op = (struct mien_batchnorm){
        { (cl_int)shape[0], (cl_int)shape[1], (cl_int)shape[2], (cl_int)shape[3], lanes },
        (float)oracle_number(file, "eps", 0.0),
        (float)oracle_number(file, "momentum", 0.0),
        false,
        false,
    };
    float *const params[4] = { oracle_floats(file, "weight"), oracle_floats(file, "bias"),
                               oracle_floats(file, "running_mean"),
                               oracle_floats(file, "running_var") };
    set_up(&f, cl, oracle_floats(file, "x"), oracle_floats(file, "dy"), params);
    static const char *const names[] = {
        "y_eval",  "y_train", "dx",     "running_mean_after", "running_var_after",
        "dweight", "dbias",   "dx_eval"
    };
    float *want[8];
    for (size_t i = 0; i < 8; i++) {
        want[i] = oracle_floats(file, names[i]);
    }
    assert_ok(mien_batchnorm_eval(cl, f.by, f.bx, &f.buffers, &f.op, &err), &err);
    check_y(cl, &f, want[0]);
    assert_ok(mien_batchnorm_eval_bwd(cl, f.bdx, f.bdy, NULL, &f.buffers, &f.op, &err), &err);
    check_act(cl, f.bdx, want[7], &f.op.act, 0.0f);
    assert_ok(mien_batchnorm_fwd(cl, f.by, f.bx, &f.buffers, &f.op, &err), &err);
    check_y(cl, &f, want[1]);
    assert_ok(mien_batchnorm_bwd(cl, f.bdx, f.bdy, f.bx, &f.buffers, &f.op, &err), &err);
    check_dx(cl, &f, want[2]);
    check_channels(cl, f.bparams[2], want[3], f.c, 0.0f);
    check_channels(cl, f.bparams[3], want[4], f.c, 0.0f);
    check_sums(cl, &f, want[5], want[6]);
    for (size_t i = 0; i < 8; i++) {
        free(want[i]);
    }
    tear_down(&f);
}

static void test_batchnorm__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < (small_only() ? 1 : 3); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "batchnorm_%02d", i);
        struct mien_safetensors *const file = oracle_open(name);
        check_oracle(cl, file, 1);
        check_oracle(cl, file, 8);
        mien_safetensors_close(file);
    }
}

/* sum(y * dy) of the training form, with scratch running values. */
static double loss_of(const float *x, const float *dy, const float *weight, const float *bias,
                      const struct mien_ref_batchnorm *op)
{
    float mean[3] = { 0.0f, 0.0f, 0.0f };
    float var[3] = { 1.0f, 1.0f, 1.0f };
    float y[3 * 4 * 6];
    const struct mien_ref_batchnorm_params params = { weight, bias, mean, var };
    double loss = 0.0;
    mien_ref_batchnorm_fwd(y, x, &params, op);
    for (size_t i = 0; i < 72; i++) {
        loss += (double)y[i] * (double)dy[i];
    }
    return loss;
}

static void test_ref_batchnorm__gradients_are_central_differences(void **state)
{
    (void)state;
    const struct mien_ref_batchnorm op = { 4, 3, 6, 1e-5f, 0.1f, false, false };
    const double step = 1.0 / 256.0;
    float *const x = random_floats(72, 1);
    float *const dy = random_floats(72, 2);
    float weight[3] = { 0.5f, -1.5f, 2.0f };
    float bias[3] = { 0.1f, 0.2f, -0.3f };
    float got[78]; /* dx, dweight, dbias */
    mien_ref_batchnorm_bwd(got, got + 72, got + 75, dy, x, weight, &op);
    for (size_t i = 0; i < 78; i++) {
        float *const at = i < 72 ? &x[i] : i < 75 ? &weight[i - 72] : &bias[i - 75];
        const float keep = *at;
        *at = keep + (float)step;
        const double above = loss_of(x, dy, weight, bias, &op);
        *at = keep - (float)step;
        const double below = loss_of(x, dy, weight, bias, &op);
        *at = keep;
        assert_true(fabs((above - below) / (2.0 * step) - (double)got[i]) < 2e-3);
    }
    free(x);
    free(dy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_batchnorm__gradients_are_central_differences),
        cmocka_unit_test(test_batchnorm__matches_reference_on_all_shapes),
        cmocka_unit_test(test_batchnorm__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/batchnorm", tests, device_setup, device_teardown);
}
