/* test_conv2d_pool.c - convolutions that end in max-pooling, against one reference behind the other
 */
// oclgrind
#include <math.h>
#include <stdlib.h>

#include "ref/pool.h"
#include "support/conv2d.h"

/* Edges without a window, several tiles and blocks, windows of 2, 3 and 4. */
static const struct shape {
    enum mien_conv2d_variant variant;
    int lanes, n, c, h, w, oc, k, stride, pad, edge;
    bool small;
    int param, value; /* one that is not the default */
} shapes[] = {
    { MIEN_CONV2D_VECTOR, 4, 5, 3, 7, 9, 5, 3, 1, 1, 2, true, 0, 0 },
    { MIEN_CONV2D_VECTOR, 8, 150, 1, 13, 21, 6, 4, 1, 0, 2, false, 0, 0 },
    { MIEN_CONV2D_VECTOR, 8, 9, 2, 11, 10, 4, 3, 1, 0, 3, false, 0, 0 },
    { MIEN_CONV2D_VECTOR, 4, 1, 1, 4, 4, 1, 3, 1, 0, 2, true, 0, 0 },
    { MIEN_CONV2D_WINOGRAD, 4, 5, 3, 11, 12, 5, 3, 1, 1, 2, true, 0, 0 },
    { MIEN_CONV2D_WINOGRAD, 8, 17, 9, 16, 13, 19, 3, 1, 1, 4, false, 0, 0 },
    { MIEN_CONV2D_WINOGRAD, 8, 3, 8, 19, 22, 9, 4, 1, 0, 2, false, 0, 0 },
    { MIEN_CONV2D_TILE, 1, 3, 3, 7, 9, 5, 3, 1, 1, 2, true, 0, 0 },
    { MIEN_CONV2D_TILE, 1, 2, 5, 13, 24, 70, 4, 1, 0, 2, false, 0, 0 },
    { MIEN_CONV2D_TILE, 1, 3, 2, 9, 12, 5, 3, 1, 1, 2, true, 1, 8 }, /* two windows each */
    { MIEN_CONV2D_BATCHED, 1, 3, 3, 7, 9, 5, 3, 1, 1, 2, true, 3, 6 },
    { MIEN_CONV2D_BATCHED, 1, 2, 5, 13, 24, 70, 4, 1, 0, 3, false, 3, 6 },
    { MIEN_CONV2D_BATCHED, 1, 3, 2, 10, 11, 5, 3, 1, 1, 5, false, 3, 7 },
    { MIEN_CONV2D_VECTOR, 16, 19, 3, 9, 8, 6, 3, 2, 1, 2, false, 0, 0 },
    { MIEN_CONV2D_VECTOR, 8, 3, 2, 7, 13, 5, 3, 1, 1, 3, false, 1, 4 }, /* columns of 4: 3 */
    { MIEN_CONV2D_VECTOR, 8, 3, 2, 7, 13, 5, 3, 1, 1, 2, false, 1, 1 }, /* of 1: 2 */
    { MIEN_CONV2D_WINOGRAD, 16, 3, 8, 13, 13, 9, 5, 1, 0, 3, false, 0, 0 },
    { MIEN_CONV2D_WINOGRAD, 8, 3, 8, 13, 13, 9, 5, 1, 0, 2, false, 4, 6 },
    { MIEN_CONV2D_WINOGRAD, 8, 3, 8, 10, 10, 9, 3, 1, 1, 5, false, 4, 7 },
    { MIEN_CONV2D_WINOGRAD, 8, 3, 8, 13, 14, 9, 3, 1, 1, 3, false, 4, 8 },
};

/* Sums of tiles are rounded, and what is not a number fills a tile. */
static bool has_tiles(const struct shape *s)
{
    return s->variant == MIEN_CONV2D_WINOGRAD || s->variant == MIEN_CONV2D_BATCHED;
}

static struct mien_conv2d op_of(const struct shape *s)
{
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { s->n, s->c, s->h, s->w, s->lanes };
    assert_ok(mien_conv2d_init(&op, &x, s->oc, s->k, s->k, s->stride, s->pad, &err), &err);
    assert_true(conv2d_choose(&op, s->variant));
    op.param[MIEN_CONV2D_FWD][s->param] = s->value;
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, s->edge));
    return op;
}

/* Whole numbers, of which every sum is exact, so that many pixels are equal. */
static float *whole_numbers(size_t count, uint32_t seed)
{
    float *const out = random_floats(count, seed);
    for (size_t i = 0; i < count; i++) {
        out[i] = rintf(out[i] * 5.0f);
    }
    return out;
}

struct fixture {
    struct mien_conv2d op;
    struct mien_act in, out;
    float *x, *weight, *bias;
    float *unpooled, *want;
    uint8_t *winner;
};

static void set_up(struct fixture *f, const struct shape *s, bool relu)
{
    f->op = op_of(s);
    f->op.relu = relu;
    f->op.pool = s->edge;
    const struct mien_ref_pool pool = {
        s->n,    s->oc,   f->op.ho, f->op.wo,           s->edge,
        s->edge, s->edge, 0,        f->op.ho / s->edge, f->op.wo / s->edge
    };
    struct mien_ref_conv2d ref = conv2d_ref(&f->op);
    ref.relu = false;
    f->in = (struct mien_act){ s->n, s->c, s->h, s->w, s->lanes };
    f->out = (struct mien_act){ s->n, s->oc, pool.ho, pool.wo, s->lanes };
    const struct mien_act unpooled = mien_conv2d_output(&f->op);
    f->x = whole_numbers(plain_floats(&f->in), 1);
    f->weight = whole_numbers(conv2d_weights(&f->op), 2);
    f->bias = relu ? whole_numbers((size_t)s->oc, 3) : NULL;
    if (!has_tiles(s)) {
        f->x[plain_floats(&f->in) / 2] = NAN;
    }
    f->unpooled = random_floats(plain_floats(&unpooled), 4);
    f->want = random_floats(plain_floats(&f->out), 4);
    f->winner = calloc(plain_floats(&f->out), 1);
    mien_ref_conv2d_fwd(f->unpooled, f->x, f->weight, f->bias, &ref);
    mien_ref_pool_max_fwd(f->want, f->winner, f->unpooled, &pool, relu);
}

static void tear_down(struct fixture *f)
{
    free(f->x);
    free(f->weight);
    free(f->bias);
    free(f->unpooled);
    free(f->want);
    free(f->winner);
}

/* Where a blocked activation has number i of the plain order. */
static size_t blocked(const struct mien_act *act, size_t i)
{
    const size_t each = (size_t)act->c * (size_t)act->h * (size_t)act->w;
    const size_t lanes = (size_t)act->lanes;
    const size_t image = i / each;
    return (image / lanes * each + i % each) * lanes + image % lanes;
}

/* The pixel before the pooling that a window's winner is. */
static float pixel_of(const struct fixture *f, size_t i, int winner)
{
    const size_t wo = (size_t)f->out.w;
    const size_t ho = (size_t)f->out.h;
    const size_t edge = (size_t)f->op.pool;
    const size_t row = i / wo % ho * edge + (size_t)winner / edge;
    const size_t column = i % wo * edge + (size_t)winner % edge;
    return f->unpooled[(i / wo / ho * (size_t)f->op.ho + row) * (size_t)f->op.wo + column];
}

static void check_numbers(const struct fixture *f, const float *y, const uint8_t *winner,
                          bool exact)
{
    float largest = 0.0f;
    for (size_t i = 0; i < plain_floats(&f->out); i++) {
        largest = fmaxf(largest, fabsf(f->want[i]));
    }
    const float tolerance =
        exact ? 0.0f : (float)mien_conv2d_tolerance(&f->op, MIEN_CONV2D_FWD) * largest;
    for (size_t i = 0; i < plain_floats(&f->out); i++) {
        const int won = winner[blocked(&f->out, i)];
        const bool both_nan = isnan(y[i]) && isnan(f->want[i]);
        if (!both_nan && !(fabsf(y[i] - f->want[i]) <= tolerance)) {
            fail_msg("number %zu is %.9g, must be %.9g", i, (double)y[i], (double)f->want[i]);
        }
        if (exact && won != f->winner[i]) {
            fail_msg("number %zu: pixel %d won, must be %d", i, won, f->winner[i]);
        }
        assert_true(won < f->op.pool * f->op.pool);
        const float lost_by = pixel_of(f, i, f->winner[i]) - pixel_of(f, i, won);
        assert_true(exact || (lost_by >= 0.0f && lost_by <= 2.0f * tolerance));
    }
}

static void check_shape(struct mien_cl *cl, const struct shape *s, bool relu)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, s, relu);
    const size_t bytes = mien_act_floats(&f.out);
    struct mien_cl_buffer *const x = upload_act(cl, f.x, &f.in, 0.25f);
    struct mien_cl_buffer *const weight =
        guarded_copy(cl, f.weight, conv2d_weights(&f.op) * sizeof(float));
    struct mien_cl_buffer *const bias =
        f.bias != NULL ? guarded_copy(cl, f.bias, (size_t)s->oc * sizeof(float)) : NULL;
    struct mien_cl_buffer *const work = guarded_buffer(cl, mien_conv2d_work_bytes(&f.op));
    struct mien_cl_buffer *const winner = guarded_buffer(cl, bytes);
    struct mien_cl_buffer *const y = poisoned_act(cl, &f.out);
    const struct mien_conv2d_out both = { y, winner };
    const struct mien_conv2d_out alone = { y, NULL };
    assert_ok(mien_conv2d_fwd(cl, &both, x, weight, bias, work, &f.op, &err), &err);
    float *const got = download_act(cl, y, &f.out);
    uint8_t *const won = guarded_read(cl, winner, bytes);
    assert_unused_lanes(cl, y, &f.out, false);
    assert_guard_intact(cl, work, mien_conv2d_work_bytes(&f.op));
    check_numbers(&f, got, won, !has_tiles(s));
    if (s->small) { /* nobody asks who won */
        assert_ok(mien_conv2d_fwd(cl, &alone, x, weight, bias, work, &f.op, &err), &err);
        float *const again = download_act(cl, y, &f.out);
        assert_memory_equal(again, got, plain_floats(&f.out) * sizeof(float));
        free(again);
    }
    free(got);
    free(won);
    struct mien_cl_buffer *const all[] = { x, weight, bias, work, winner, y };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        mien_cl_buffer_destroy(all[i]);
    }
    tear_down(&f);
}

static void test_conv2d_pool__matches_convolution_then_pooling(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        if (shapes[s].small || !small_only()) {
            check_shape(cl, &shapes[s], s % 2 == 0);
        }
    }
}

/* The gradient behind the pooling, random, with the winners that the forward pass had. */
static void check_filter(struct mien_cl *cl, const struct shape *s, bool with_bias)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, s, with_bias);
    f.x[plain_floats(&f.in) / 2] = 0.5f; /* instead of NaN */
    const struct mien_act full = mien_conv2d_output(&f.op);
    const struct mien_ref_conv2d ref = conv2d_ref(&f.op);
    const size_t weights = conv2d_weights(&f.op);
    const size_t count = plain_floats(&f.out);
    float *const dy = random_floats(count, 5);
    float *const unpooled = calloc(plain_floats(&full), sizeof(float));
    float *const dweight = calloc(weights, sizeof(float));
    float *const dbias = calloc((size_t)s->oc, sizeof(float));
    uint8_t *const winner = calloc(mien_act_floats(&f.out), 1);
    for (size_t i = 0; i < count; i++) {
        const size_t row = i / (size_t)f.out.w;
        const size_t y = row % (size_t)f.out.h * (size_t)s->edge + f.winner[i] / (size_t)s->edge;
        const size_t x = i % (size_t)f.out.w * (size_t)s->edge + f.winner[i] % (size_t)s->edge;
        unpooled[(row / (size_t)f.out.h * (size_t)full.h + y) * (size_t)full.w + x] = dy[i];
        winner[blocked(&f.out, i)] = f.winner[i];
    }
    mien_ref_conv2d_bwd_filter(dweight, dbias, unpooled, f.x, &ref);
    struct mien_cl_buffer *const x = upload_act(cl, f.x, &f.in, 0.25f);
    struct mien_cl_buffer *const gradient = upload_act(cl, dy, &f.out, 0.0f);
    struct mien_cl_buffer *const won = guarded_copy(cl, winner, mien_act_floats(&f.out));
    const struct mien_conv2d_pooled behind = { gradient, won };
    struct mien_cl_buffer *const made = guarded_buffer(cl, weights * sizeof(float));
    struct mien_cl_buffer *const biases =
        with_bias ? guarded_buffer(cl, (size_t)s->oc * sizeof(float)) : NULL;
    struct mien_cl_buffer *const work = guarded_buffer(cl, mien_conv2d_work_bytes(&f.op));
    assert_ok(mien_conv2d_bwd_filter_pooled(cl, made, biases, &behind, x, work, &f.op, &err), &err);
    float *const got = guarded_read(cl, made, weights * sizeof(float));
    assert_close_to_scale(got, dweight, weights, 1e-5f);
    free(got);
    if (with_bias) {
        float *const got_bias = guarded_read(cl, biases, (size_t)s->oc * sizeof(float));
        assert_close_to_scale(got_bias, dbias, (size_t)s->oc, 1e-5f);
        free(got_bias);
    }
    assert_guard_intact(cl, work, mien_conv2d_work_bytes(&f.op));
    struct mien_cl_buffer *const all[] = { x, gradient, won, made, biases, work };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        mien_cl_buffer_destroy(all[i]);
    }
    free(dy);
    free(unpooled);
    free(dweight);
    free(dbias);
    free(winner);
    tear_down(&f);
}

static void test_conv2d_unpool__matches_pooling_then_convolution(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    size_t checked = 0;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        const bool vector = shapes[s].variant == MIEN_CONV2D_VECTOR;
        if (vector && (shapes[s].small || !small_only())) {
            check_filter(cl, &shapes[s], s % 2 == 0);
            checked++;
        }
    }
    assert_true(checked >= 2);
}

/* By register tiles, whose rows fit a core's cache, where the pooling is not barred. */
static void test_conv2d_unpools__only_with_register_tiles(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act first = { 4, 1, 20, 20, 8 };
    assert_ok(mien_conv2d_init(&op, &first, 16, 3, 3, 1, 1, &err), &err);
    assert_int_equal(op.variant[MIEN_CONV2D_BWD_FILTER], MIEN_CONV2D_VECTOR);
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_FILTER, 2));
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_FILTER, 7));
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_FILTER, 21)); /* no window */
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_FILTER, 1));
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_DATA, 2));
    op.poolless = 1u << MIEN_CONV2D_VECTOR;
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_FILTER, 2));
    op.poolless = 0;
    op.variant[MIEN_CONV2D_BWD_FILTER] = MIEN_CONV2D_WINOGRAD;
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_FILTER, 2));
    const struct mien_act wide = { 4, 1, 3, 4000, 8 };
    assert_ok(mien_conv2d_init(&op, &wide, 16, 3, 3, 1, 1, &err), &err);
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_FILTER, 2));
}

static void test_conv2d_pools__only_where_windows_fit(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act small = { 4, 1, 3, 4, 8 };
    const struct mien_act deep = { 4, 65, 8, 8, 8 };
    const struct mien_act wide = { 4, 16, 20, 20, 8 };
    assert_ok(mien_conv2d_init(&op, &small, 4, 3, 3, 1, 0, &err), &err); /* 1 x 2 */
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 0));
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 1));
    assert_ok(mien_conv2d_init(&op, &wide, 16, 3, 3, 1, 1, &err), &err);
    assert_int_equal(op.variant[MIEN_CONV2D_FWD], MIEN_CONV2D_WINOGRAD);
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 3)); /* tiles of 4 x 4 or 5 x 5 */
    assert_ok(mien_conv2d_init(&op, &deep, 16, 3, 3, 1, 1, &err), &err);
    assert_int_equal(op.variant[MIEN_CONV2D_FWD], MIEN_CONV2D_WINOGRAD);
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2)); /* 65 channels are two sums */
    op.variant[MIEN_CONV2D_FWD] = MIEN_CONV2D_VECTOR;
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 3));
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 4));
    assert_ok(mien_conv2d_init(&op, &wide, 16, 1, 1, 1, 0, &err), &err);
    assert_int_equal(op.variant[MIEN_CONV2D_FWD], MIEN_CONV2D_PRODUCT);
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    const struct mien_act single = { 4, 65, 10, 10, 1 };
    assert_ok(mien_conv2d_init(&op, &single, 16, 3, 3, 1, 1, &err), &err);
    op.variant[MIEN_CONV2D_FWD] = MIEN_CONV2D_BATCHED;
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2)); /* tiles of 5 x 5 */
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 5));
    op.param[MIEN_CONV2D_FWD][3] = 6;
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d_pool__matches_convolution_then_pooling),
        cmocka_unit_test(test_conv2d_unpool__matches_pooling_then_convolution),
        cmocka_unit_test(test_conv2d_unpools__only_with_register_tiles),
        cmocka_unit_test(test_conv2d_pools__only_where_windows_fit),
    };
    return cmocka_run_group_tests_name("ops/conv2d_pool", tests, device_setup, device_teardown);
}
