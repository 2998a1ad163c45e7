/* test_batchnorm_pool.c - batch norm with its max-pooling against the two references in a row */
// oclgrind
#include <math.h>
#include <stdlib.h>

#include "ops/batchnorm_pool.h"
#include "ref/batchnorm.h"
#include "ref/pool.h"
#include "support/layout.h"

/* n, c, h, w and the edge of the window; sizes that it does not divide leave pixels out. */
static const struct {
    int n, c, h, w, window;
} shapes[] = {
    { 2, 1, 1, 1, 1 },   { 3, 2, 5, 7, 2 },  { 1, 5, 9, 9, 3 },
    { 150, 3, 6, 5, 2 }, { 17, 7, 3, 5, 3 }, { 9, 2, 44, 44, 2 },
    { 5, 3, 11, 10, 4 }, { 4, 2, 5, 5, 5 },  { 150, 33, 11, 11, 2 },
};
static const cl_int lane_counts[] = { 1, 4, 8, 16 };

struct fixture {
    struct mien_batchnorm op;
    struct mien_pool pool;
    struct mien_act out;
    struct mien_ref_batchnorm ref;
    struct mien_ref_pool ref_pool;
    size_t c, count, pooled; /* channels, floats of x and of y */
    float *x, *dy, *params[4], *want_params[4];
    float *between, *want_y; /* what the references have between the two operations, and give */
    uint8_t *want_winner;
    struct mien_cl_buffer *bx, *bdy, *by, *bdx, *bwinner;
    struct mien_cl_buffer *bparams[4], *bsaved, *bdweight, *bdbias, *bwork;
    struct mien_batchnorm_buffers buffers;
};

static void fill_params(struct fixture *f)
{
    for (int i = 0; i < 4; i++) {
        f->params[i] = random_floats(f->c, (uint32_t)(3 + i));
        for (size_t k = 0; k < f->c; k++) {
            f->params[i][k] += i == 3 ? 1.0f : 0.0f;
        }
        f->want_params[i] = malloc(f->c * sizeof(float));
        assert_non_null(f->want_params[i]);
        for (size_t k = 0; k < f->c; k++) {
            f->want_params[i][k] = f->params[i][k];
        }
    }
}

static void set_up(struct fixture *f, struct mien_cl *cl, size_t s, cl_int lanes, bool relu)
{
    struct mien_error err = { "" };
    const int window = shapes[s].window;
    const struct mien_act in = { shapes[s].n, shapes[s].c, shapes[s].h, shapes[s].w, lanes };
    f->op = (struct mien_batchnorm){ in, 1e-5f, 0.1f, relu, relu };
    assert_ok(mien_pool_init(&f->pool, MIEN_POOL_MAX, &in, window, window, window, 0, &err), &err);
    assert_true(mien_batchnorm_pool_fits(&f->pool));
    f->out = mien_pool_output(&f->pool);
    f->ref = (struct mien_ref_batchnorm){ in.n, in.c, in.h * in.w, 1e-5f, 0.1f, relu, relu };
    f->ref_pool = (struct mien_ref_pool){ in.n,   in.c,   in.h, in.w,       window,
                                          window, window, 0,    f->pool.ho, f->pool.wo };
    f->c = (size_t)in.c;
    f->count = plain_floats(&in);
    f->pooled = plain_floats(&f->out);
    f->x = random_floats(f->count, 1);
    f->dy = random_floats(f->pooled, 2);
    f->between = random_floats(f->count, 7);
    f->want_y = random_floats(f->pooled, 8);
    f->want_winner = malloc(f->pooled);
    assert_non_null(f->want_winner);
    fill_params(f);
    f->bx = upload_act(cl, f->x, &in, 3.5f); /* unused lanes must not count */
    f->by = poisoned_act(cl, &f->out);
    f->bdx = poisoned_act(cl, &in);
    f->bwinner = guarded_buffer(cl, mien_pool_winner_bytes(&f->pool));
    for (int i = 0; i < 4; i++) {
        f->bparams[i] = guarded_copy(cl, f->params[i], f->c * sizeof(float));
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
    struct mien_cl_buffer *const buffers[] = { f->bx,    f->bdy,      f->by,
                                               f->bdx,   f->bwinner,  f->bsaved,
                                               f->bwork, f->bdweight, f->bdbias };
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        mien_cl_buffer_destroy(buffers[i]);
    }
    for (int i = 0; i < 4; i++) {
        mien_cl_buffer_destroy(f->bparams[i]);
        free(f->params[i]);
        free(f->want_params[i]);
    }
    free(f->x);
    free(f->dy);
    free(f->between);
    free(f->want_y);
    free(f->want_winner);
}

static float largest(const float *values, size_t count)
{
    float most = 0.0f;
    for (size_t i = 0; i < count; i++) {
        most = fmaxf(most, fabsf(values[i]));
    }
    return most;
}

/* Tolerances are those of batch norm: pooling is exact. */
static void check_y(struct mien_cl *cl, const struct fixture *f)
{
    float *const got = download_act(cl, f->by, &f->out);
    const float term = fmaxf(largest(f->params[0], f->c), largest(f->params[1], f->c));
    const float scale = fmaxf(term, largest(f->want_y, f->pooled));
    assert_all_close(got, f->want_y, f->pooled, 1e-5f * scale, 0.0f);
    assert_unused_lanes(cl, f->by, &f->out, false);
    free(got);
}

static void check_channels(struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                           const float *want, size_t c, float term)
{
    float *const got = guarded_read(cl, buffer, c * sizeof(float));
    assert_all_close(got, want, c, 1e-5f * fmaxf(term, largest(want, c)), 0.0f);
    free(got);
}

static void check_forward(struct mien_cl *cl, struct fixture *f)
{
    struct mien_error err = { "" };
    const struct mien_ref_batchnorm_params ref = { f->want_params[0], f->want_params[1],
                                                   f->want_params[2], f->want_params[3] };
    assert_ok(mien_batchnorm_pool_eval(cl, f->by, f->bx, &f->buffers, &f->op, &f->pool, &err),
              &err);
    mien_ref_batchnorm_eval(f->between, f->x, &ref, &f->ref);
    mien_ref_pool_max_fwd(f->want_y, f->want_winner, f->between, &f->ref_pool, false);
    check_y(cl, f);

    assert_ok(
        mien_batchnorm_pool_fwd(cl, f->by, f->bwinner, f->bx, &f->buffers, &f->op, &f->pool, &err),
        &err);
    mien_ref_batchnorm_fwd(f->between, f->x, &ref, &f->ref);
    mien_ref_pool_max_fwd(f->want_y, f->want_winner, f->between, &f->ref_pool, false);
    check_y(cl, f);
    check_channels(cl, f->bparams[2], f->want_params[2], f->c, 0.0f);
    check_channels(cl, f->bparams[3], f->want_params[3], f->c, 0.0f);
    assert_guard_intact(cl, f->bwinner, mien_pool_winner_bytes(&f->pool));
}

static void check_backward(struct mien_cl *cl, struct fixture *f)
{
    struct mien_error err = { "" };
    float *const dx = random_floats(f->count, 9);
    float *const dweight = random_floats(f->c, 9);
    float *const dbias = random_floats(f->c, 9);
    for (size_t i = 0; i < f->pooled; i++) { /* as the mask of the next operation does */
        f->dy[i] = f->op.relu && f->want_y[i] <= 0.0f ? 0.0f : f->dy[i];
    }
    f->bdy = upload_act(cl, f->dy, &f->out, 0.0f);
    assert_ok(mien_batchnorm_pool_bwd(cl, f->bdx, f->bdy, f->bwinner, f->bx, &f->buffers, &f->op,
                                      &f->pool, &err),
              &err);
    mien_ref_pool_max_bwd(f->between, f->dy, f->want_winner, NULL, &f->ref_pool);
    mien_ref_batchnorm_bwd(dx, dweight, dbias, f->between, f->x, f->params[0], &f->ref);
    float *const saved = guarded_read(cl, f->bsaved, mien_batchnorm_saved_bytes(&f->op));
    const float dy = largest(f->dy, f->pooled);
    const float term = largest(f->params[0], f->c) * largest(saved + f->c, f->c) * dy;
    float *const got = download_act(cl, f->bdx, &f->op.act);
    assert_all_close(got, dx, f->count, 1e-5f * fmaxf(term, largest(dx, f->count)), 0.0f);
    assert_unused_lanes(cl, f->bdx, &f->op.act, true);
    const size_t of_channel = f->count / f->c;
    const float sums = sqrtf((float)of_channel) * dy;
    check_channels(cl, f->bdweight, dweight, f->c, sums);
    check_channels(cl, f->bdbias, dbias, f->c, sums);
    assert_guard_intact(cl, f->bsaved, mien_batchnorm_saved_bytes(&f->op));
    assert_guard_intact(cl, f->bwork, mien_batchnorm_work_bytes(&f->op));
    free(saved);
    free(got);
    free(dx);
    free(dweight);
    free(dbias);
}

static void test_batchnorm_pool__matches_the_references_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        for (size_t i = 0; i < sizeof(lane_counts) / sizeof(lane_counts[0]); i++) {
            const int values = shapes[s].n * shapes[s].h * shapes[s].w;
            /* A program for each window and lanes: all lanes only for the usual window. */
            const bool taken = lane_counts[i] % 7 == 1 || shapes[s].window == 2;
            for (int relu = 0; taken && relu < 2; relu++) {
                if (!small_only() || (values < 130 && lane_counts[i] % 8 <= 1)) {
                    struct fixture f;
                    set_up(&f, cl, s, lane_counts[i], relu == 1);
                    check_forward(cl, &f);
                    check_backward(cl, &f);
                    tear_down(&f);
                }
            }
        }
    }
}

/* Bit by bit what the two kernels give: a network may be run either way. */
static void test_batchnorm_pool__gives_the_bits_of_the_two_operations(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, cl, 1, 8, true);
    struct mien_cl_buffer *const between = poisoned_act(cl, &f.op.act);
    struct mien_cl_buffer *const y = poisoned_act(cl, &f.out);
    struct mien_cl_buffer *const winner = guarded_buffer(cl, mien_pool_winner_bytes(&f.pool));
    assert_ok(mien_batchnorm_pool_fwd(cl, f.by, f.bwinner, f.bx, &f.buffers, &f.op, &f.pool, &err),
              &err);
    assert_ok(mien_batchnorm_fwd(cl, between, f.bx, &f.buffers, &f.op, &err), &err);
    assert_ok(mien_pool_max_fwd(cl, y, winner, between, &f.pool, false, &err), &err);
    float *const one = download_act(cl, f.by, &f.out);
    float *const two = download_act(cl, y, &f.out);
    uint8_t *const one_winner = guarded_read(cl, f.bwinner, mien_pool_winner_bytes(&f.pool));
    uint8_t *const two_winner = guarded_read(cl, winner, mien_pool_winner_bytes(&f.pool));
    assert_memory_equal(one, two, f.pooled * sizeof(float));
    for (size_t i = 0; i < mien_pool_winner_bytes(&f.pool); i++) { /* lanes 3 to 7 are unused */
        assert_true(i % 8 >= 3 || one_winner[i] == two_winner[i]);
    }
    free(one);
    free(two);
    free(one_winner);
    free(two_winner);
    mien_cl_buffer_destroy(between);
    mien_cl_buffer_destroy(y);
    mien_cl_buffer_destroy(winner);
    f.bdy = NULL;
    tear_down(&f);
}

static void test_batchnorm_pool__refuses_windows_that_do_not_fit(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct mien_act in = { 2, 3, 8, 8, 1 };
    const struct mien_batchnorm op = { in, 1e-5f, 0.1f, false, false };
    const struct mien_batchnorm_buffers none = { .weight = NULL };
    static const int windows[][4] = { { 3, 3, 2, 0 }, { 2, 2, 2, 1 }, { 2, 3, 3, 0 } };
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        struct mien_pool pool;
        assert_ok(mien_pool_init(&pool, MIEN_POOL_MAX, &in, windows[i][0], windows[i][1],
                                 windows[i][2], windows[i][3], &err),
                  &err);
        assert_false(mien_batchnorm_pool_fits(&pool));
        assert_int_equal(mien_batchnorm_pool_eval(cl, NULL, NULL, &none, &op, &pool, &err),
                         MIEN_ERR_SHAPE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batchnorm_pool__matches_the_references_on_all_shapes),
        cmocka_unit_test(test_batchnorm_pool__gives_the_bits_of_the_two_operations),
        cmocka_unit_test(test_batchnorm_pool__refuses_windows_that_do_not_fit),
    };
    return cmocka_run_group_tests_name("ops/batchnorm_pool", tests, device_setup, device_teardown);
}
