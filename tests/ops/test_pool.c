/* test_pool.c - pooling on the device against the reference, the reference against PyTorch */
// oclgrind
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/pool.h"
#include "ref/pool.h"
#include "support/layout.h"
#include "support/oracle.h"

/* n, c, h, w, window, stride, pad: overlap, gaps, padding, edges without output, one pixel. */
static const struct {
    int n, c, h, w, kh, kw, stride, pad;
    bool small;
} shapes[] = {
    { 1, 1, 1, 1, 1, 1, 1, 0, true },     { 3, 2, 7, 5, 2, 2, 2, 0, true },
    { 2, 3, 9, 9, 3, 3, 2, 1, true },     { 5, 1, 6, 7, 2, 3, 1, 1, true },
    { 1, 4, 5, 5, 5, 5, 5, 0, true },     { 2, 2, 8, 11, 2, 2, 3, 0, true },
    { 1, 2, 8, 8, 4, 4, 4, 2, true },     { 150, 2, 10, 9, 2, 2, 2, 0, false },
    { 17, 3, 13, 70, 3, 3, 3, 0, false }, { 150, 3, 11, 11, 11, 11, 1, 0, false },
    { 9, 5, 44, 44, 2, 2, 2, 0, false },
};
static const cl_int lane_counts[] = { 1, 4, 8, 16 };

static struct mien_ref_pool ref_of(const struct mien_pool *op)
{
    return (struct mien_ref_pool){ op->n,  op->c,      op->h,   op->w,  op->kh,
                                   op->kw, op->stride, op->pad, op->ho, op->wo };
}

struct fixture {
    struct mien_act in, out;
    struct mien_pool op;
    struct mien_ref_pool ref;
    float *x, *dy, *want_y, *want_dx;
    uint8_t *want_winner;
    struct mien_cl_buffer *bx, *by, *bdy, *bdx, *bwinner;
};

static void set_up(struct fixture *f, struct mien_cl *cl, size_t shape, cl_int lanes,
                   enum mien_pool_kind kind)
{
    struct mien_error err = { "" };
    f->in = (struct mien_act){ shapes[shape].n, shapes[shape].c, shapes[shape].h, shapes[shape].w,
                               lanes };
    assert_ok(mien_pool_init(&f->op, kind, &f->in, shapes[shape].kh, shapes[shape].kw,
                             shapes[shape].stride, shapes[shape].pad, &err),
              &err);
    f->out = mien_pool_output(&f->op);
    f->ref = ref_of(&f->op);
    f->x = random_floats(plain_floats(&f->in), 1);
    for (size_t i = 0; i < plain_floats(&f->in); i += 5) {
        f->x[i] = 0.25f; /* ties */
    }
    f->dy = random_floats(plain_floats(&f->out), 2);
    f->want_y = random_floats(plain_floats(&f->out), 3);
    f->want_dx = random_floats(plain_floats(&f->in), 3);
    f->want_winner = calloc(plain_floats(&f->out), 1);
    f->bx = upload_act(cl, f->x, &f->in, 0.0f);
    f->by = poisoned_act(cl, &f->out);
    f->bdy = upload_act(cl, f->dy, &f->out, 0.0f);
    f->bdx = poisoned_act(cl, &f->in);
    f->bwinner = guarded_buffer(cl, mien_pool_winner_bytes(&f->op));
}

static void tear_down(struct fixture *f)
{
    mien_cl_buffer_destroy(f->bx);
    mien_cl_buffer_destroy(f->by);
    mien_cl_buffer_destroy(f->bdy);
    mien_cl_buffer_destroy(f->bdx);
    mien_cl_buffer_destroy(f->bwinner);
    free(f->x);
    free(f->dy);
    free(f->want_y);
    free(f->want_dx);
    free(f->want_winner);
}

static void check_act(struct mien_cl *cl, const struct mien_cl_buffer *buffer, const float *want,
                      const struct mien_act *act, float tolerance)
{
    float *const got = download_act(cl, buffer, act);
    assert_all_close(got, want, plain_floats(act), tolerance, tolerance);
    assert_unused_lanes(cl, buffer, act, true);
    free(got);
}

static void check_max(struct mien_cl *cl, size_t shape, cl_int lanes, bool relu)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, cl, shape, lanes, MIEN_POOL_MAX);
    assert_ok(mien_pool_max_fwd(cl, f.by, f.bwinner, f.bx, &f.op, relu, &err), &err);
    assert_ok(mien_pool_max_bwd(cl, f.bdx, f.bdy, f.bwinner, relu ? f.by : NULL, &f.op, &err),
              &err);
    mien_ref_pool_max_fwd(f.want_y, f.want_winner, f.x, &f.ref, relu);
    mien_ref_pool_max_bwd(f.want_dx, f.dy, f.want_winner, relu ? f.want_y : NULL, &f.ref);
    check_act(cl, f.by, f.want_y, &f.out, 0.0f);
    check_act(cl, f.bdx, f.want_dx, &f.in, 1e-6f);
    assert_guard_intact(cl, f.bwinner, mien_pool_winner_bytes(&f.op));
    tear_down(&f);
}

static void check_avg(struct mien_cl *cl, size_t shape, cl_int lanes, bool relu)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, cl, shape, lanes, MIEN_POOL_AVG);
    assert_ok(mien_pool_avg_fwd(cl, f.by, f.bx, &f.op, relu, &err), &err);
    assert_ok(mien_pool_avg_bwd(cl, f.bdx, f.bdy, relu ? f.bx : NULL, &f.op, &err), &err);
    mien_ref_pool_avg_fwd(f.want_y, f.x, &f.ref, relu);
    mien_ref_pool_avg_bwd(f.want_dx, f.dy, relu ? f.x : NULL, &f.ref);
    check_act(cl, f.by, f.want_y, &f.out, 1e-6f);
    check_act(cl, f.bdx, f.want_dx, &f.in, 1e-6f);
    tear_down(&f);
}

static void for_all_shapes(void **state, void (*check)(struct mien_cl *, size_t, cl_int, bool))
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        for (size_t i = 0; i < sizeof(lane_counts) / sizeof(lane_counts[0]); i++) {
            /* A program for each window and lanes: all lanes only for one shape. */
            if ((shapes[s].small || !small_only()) && (lane_counts[i] % 7 == 1 || s == 2)) {
                check(cl, s, lane_counts[i], false);
                check(cl, s, lane_counts[i], true);
            }
        }
    }
}

static void test_pool_max__matches_reference_on_all_shapes(void **state)
{
    for_all_shapes(state, check_max);
}

static void test_pool_avg__matches_reference_on_all_shapes(void **state)
{
    for_all_shapes(state, check_avg);
}

static void test_pool_max__first_nan_wins_its_window(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    for (cl_int lanes = 1; lanes <= 8; lanes += 7) {
        const struct mien_act in = { 1, 1, 2, 4, lanes };
        const float x[] = { 1.0f, 2.0f, NAN, NAN, NAN, 3.0f, -INFINITY, 4.0f };
        struct mien_pool op;
        assert_ok(mien_pool_init(&op, MIEN_POOL_MAX, &in, 2, 2, 2, 0, &err), &err);
        const struct mien_act out = mien_pool_output(&op);
        struct mien_cl_buffer *const bx = upload_act(cl, x, &in, 0.0f);
        struct mien_cl_buffer *const by = poisoned_act(cl, &out);
        struct mien_cl_buffer *const bw = guarded_buffer(cl, mien_pool_winner_bytes(&op));
        assert_ok(mien_pool_max_fwd(cl, by, bw, bx, &op, false, &err), &err);
        uint8_t *const winner = guarded_read(cl, bw, mien_pool_winner_bytes(&op));
        float *const y = download_act(cl, by, &out);
        assert_true(isnan(y[0]) && isnan(y[1]));
        assert_int_equal(winner[0], 2);
        assert_int_equal(winner[lanes], 0);
        free(winner);
        free(y);
        mien_cl_buffer_destroy(bx);
        mien_cl_buffer_destroy(by);
        mien_cl_buffer_destroy(bw);
    }
}

static void test_pool_init__refuses_what_does_not_fit(void **state)
{
    (void)state;
    const struct mien_act x = { 1, 1, 4, 4, 1 };
    const struct mien_act large = { 1, 1, 64, 64, 1 };
    struct mien_pool op;
    struct mien_error err = { "" };
    assert_int_equal(mien_pool_init(&op, MIEN_POOL_AVG, &x, 5, 5, 1, 0, &err), MIEN_ERR_SHAPE);
    assert_string_equal(err.text, "pool: window 5x5 with pad 0 does not fit in a 4x4 image");
    assert_int_equal(mien_pool_init(&op, MIEN_POOL_AVG, &x, 2, 2, 2, 2, &err), MIEN_ERR_SHAPE);
    assert_int_equal(mien_pool_init(&op, MIEN_POOL_AVG, &x, 2, 2, 0, 0, &err), MIEN_ERR_SHAPE);
    assert_int_equal(mien_pool_init(&op, MIEN_POOL_MAX, &large, 17, 16, 1, 0, &err),
                     MIEN_ERR_SHAPE);
    assert_int_equal(mien_pool_init(&op, MIEN_POOL_MAX, &large, 16, 16, 16, 0, &err), MIEN_OK);
}

enum { DIFF_X = 2 * 2 * 7 * 6, DIFF_Y = 2 * 2 * 4 * 3 };

/* sum(y * dy) of 3x3 windows with stride 2 and pad 1. */
static double loss_of(const float *x, const float *dy, enum mien_pool_kind kind,
                      const struct mien_ref_pool *op)
{
    float y[DIFF_Y];
    uint8_t winner[DIFF_Y];
    double loss = 0.0;
    if (kind == MIEN_POOL_MAX) {
        mien_ref_pool_max_fwd(y, winner, x, op, false);
    } else {
        mien_ref_pool_avg_fwd(y, x, op, false);
    }
    for (size_t o = 0; o < DIFF_Y; o++) {
        loss += (double)y[o] * (double)dy[o];
    }
    return loss;
}

/* The loss is linear in x wherever the winners stay the same. */
static void check_differences(enum mien_pool_kind kind)
{
    const struct mien_ref_pool op = { 2, 2, 7, 6, 3, 3, 2, 1, 4, 3 };
    float *const dy = random_floats(DIFF_Y, 5);
    float x[DIFF_X];
    float dx[DIFF_X];
    float y[DIFF_Y];
    uint8_t winner[DIFF_Y];
    for (size_t i = 0; i < DIFF_X; i++) {
        x[i] = (float)(i * 37 % DIFF_X) / 64.0f; /* all differ by more than a step */
    }
    if (kind == MIEN_POOL_MAX) {
        mien_ref_pool_max_fwd(y, winner, x, &op, false);
        mien_ref_pool_max_bwd(dx, dy, winner, NULL, &op);
    } else {
        mien_ref_pool_avg_bwd(dx, dy, NULL, &op);
    }
    for (size_t i = 0; i < DIFF_X; i++) {
        const float keep = x[i];
        x[i] = keep + 1.0f / 256.0f;
        const double above = loss_of(x, dy, kind, &op);
        x[i] = keep - 1.0f / 256.0f;
        const double below = loss_of(x, dy, kind, &op);
        x[i] = keep;
        assert_true(fabs((above - below) * 128.0 - (double)dx[i]) < 1e-4);
    }
    free(dy);
}

static void test_ref_pool__gradients_are_central_differences(void **state)
{
    (void)state;
    check_differences(MIEN_POOL_MAX);
    check_differences(MIEN_POOL_AVG);
}

static void check_oracle(struct mien_cl *cl, const struct mien_safetensors *file, cl_int lanes)
{
    struct mien_error err = { "" };
    const bool max = oracle_says(file, "op", "max_pool2d");
    const size_t *const s = oracle_tensor(file, "x")->shape;
    const int k = (int)oracle_number(file, "kernel", 0);
    const struct mien_act in = { (cl_int)s[0], (cl_int)s[1], (cl_int)s[2], (cl_int)s[3], lanes };
    struct mien_pool op;
    assert_ok(mien_pool_init(&op, max ? MIEN_POOL_MAX : MIEN_POOL_AVG, &in, k, k,
                             (int)oracle_number(file, "stride", 0),
                             (int)oracle_number(file, "pad", 0), &err),
              &err);
    const struct mien_act out = mien_pool_output(&op);
    float *const x = oracle_floats(file, "x");
    float *const y = oracle_floats(file, "y");
    float *const dy = oracle_floats(file, "dy");
    float *const dx = oracle_floats(file, "dx");
    assert_int_equal(oracle_tensor(file, "y")->bytes, plain_floats(&out) * sizeof(float));
    struct mien_cl_buffer *const bx = upload_act(cl, x, &in, 0.0f);
    struct mien_cl_buffer *const by = poisoned_act(cl, &out);
    struct mien_cl_buffer *const bdy = upload_act(cl, dy, &out, 0.0f);
    struct mien_cl_buffer *const bdx = poisoned_act(cl, &in);
    struct mien_cl_buffer *const bw = guarded_buffer(cl, mien_pool_winner_bytes(&op));
    if (max) {
        assert_ok(mien_pool_max_fwd(cl, by, bw, bx, &op, false, &err), &err);
        assert_ok(mien_pool_max_bwd(cl, bdx, bdy, bw, NULL, &op, &err), &err);
    } else {
        assert_ok(mien_pool_avg_fwd(cl, by, bx, &op, false, &err), &err);
        assert_ok(mien_pool_avg_bwd(cl, bdx, bdy, NULL, &op, &err), &err);
    }
    check_act(cl, by, y, &out, 1e-6f);
    check_act(cl, bdx, dx, &in, 1e-6f);
    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(by);
    mien_cl_buffer_destroy(bdy);
    mien_cl_buffer_destroy(bdx);
    mien_cl_buffer_destroy(bw);
    free(x);
    free(y);
    free(dy);
    free(dx);
}

static void test_pool__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 6; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "pool_%02d", i);
        struct mien_safetensors *const file = oracle_open(name);
        check_oracle(cl, file, 1);
        check_oracle(cl, file, 8);
        mien_safetensors_close(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_init__refuses_what_does_not_fit),
        cmocka_unit_test(test_ref_pool__gradients_are_central_differences),
        cmocka_unit_test(test_pool_max__matches_reference_on_all_shapes),
        cmocka_unit_test(test_pool_avg__matches_reference_on_all_shapes),
        cmocka_unit_test(test_pool_max__first_nan_wins_its_window),
        cmocka_unit_test(test_pool__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/pool", tests, device_setup, device_teardown);
}
