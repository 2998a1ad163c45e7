/* test_multiply.c - products with one number for each channel against the reference */
// oclgrind
#include <math.h>
#include <stdlib.h>

#include "ops/multiply.h"
#include "ref/multiply.h"
#include "support/layout.h"

static const struct mien_act shapes[] = {
    { 1, 1, 1, 1, 1 },  { 3, 2, 5, 7, 1 }, { 150, 3, 4, 5, 1 }, { 2, 70, 1, 1, 1 },
    { 7, 3, 5, 3, 4 },  { 1, 1, 1, 1, 8 }, { 11, 3, 9, 13, 8 }, { 150, 2, 6, 5, 8 },
    { 17, 1, 3, 5, 8 }, { 9, 5, 1, 1, 8 }, { 5, 2, 3, 3, 16 },  { 150, 3, 7, 11, 16 },
};

struct fixture {
    struct mien_cl *cl;
    struct mien_act act, gate_act;
    size_t planes, pixels;
    float *x, *dy, *gates;
    struct mien_cl_buffer *bx, *bdy, *bgates;
    struct mien_error err;
};

static void set_up(struct fixture *f, struct mien_cl *cl, const struct mien_act *act)
{
    *f = (struct fixture){ .cl = cl, .act = *act };
    f->gate_act = (struct mien_act){ act->n, act->c, 1, 1, act->lanes };
    f->planes = plain_floats(&f->gate_act);
    f->pixels = (size_t)act->h * (size_t)act->w;
    f->x = random_floats(f->planes * f->pixels, 1);
    f->dy = random_floats(f->planes * f->pixels, 2);
    f->gates = random_floats(f->planes, 3);
    f->bx = upload_act(cl, f->x, act, 0.25f);
    f->bdy = upload_act(cl, f->dy, act, 0.0f);
    f->bgates = upload_act(cl, f->gates, &f->gate_act, 0.5f);
}

static void tear_down(struct fixture *f)
{
    mien_cl_buffer_destroy(f->bx);
    mien_cl_buffer_destroy(f->bdy);
    mien_cl_buffer_destroy(f->bgates);
    free(f->x);
    free(f->dy);
    free(f->gates);
}

static bool same(float a, float b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_product(struct fixture *f)
{
    float *const want = random_floats(f->planes * f->pixels, 4);
    struct mien_cl_buffer *const by = poisoned_act(f->cl, &f->act);
    assert_ok(mien_multiply(f->cl, by, f->bx, f->bgates, &f->act, &f->err), &f->err);
    mien_ref_multiply(want, f->x, f->gates, f->planes, f->pixels);
    float *const y = download_act(f->cl, by, &f->act);
    for (size_t i = 0; i < f->planes * f->pixels; i++) {
        if (!same(y[i], want[i])) {
            fail_msg("[%zu]: got %.9g, expected %.9g", i, (double)y[i], (double)want[i]);
        }
    }
    assert_unused_lanes(f->cl, by, &f->act, false);
    mien_cl_buffer_destroy(by);
    free(y);
    free(want);
}

static void check_gradient(struct fixture *f)
{
    float *const want = random_floats(f->planes, 4);
    for (int masked = 0; masked < 2; masked++) {
        struct mien_cl_buffer *const bd = poisoned_act(f->cl, &f->gate_act);
        assert_ok(mien_multiply_gates_bwd(f->cl, bd, f->bdy, f->bx, masked == 1 ? f->bgates : NULL,
                                          &f->act, &f->err),
                  &f->err);
        mien_ref_multiply_gates_bwd(want, f->dy, f->x, masked == 1 ? f->gates : NULL, f->planes,
                                    f->pixels);
        float *const got = download_act(f->cl, bd, &f->gate_act);
        assert_close_to_scale(got, want, f->planes, 1e-5f);
        assert_unused_lanes(f->cl, bd, &f->gate_act, true);
        mien_cl_buffer_destroy(bd);
        free(got);
    }
    free(want);
}

static void test_multiply__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct fixture f;
        set_up(&f, cl, &shapes[i]);
        check_product(&f);
        check_gradient(&f);
        tear_down(&f);
    }
}

/* One plane a case: a NaN in x, in dy, in the gates, infinity times 0, and gates of 0 as masks. */
static void test_multiply__lets_nan_through_but_for_masks(void **state)
{
    static const int lanes[] = { 1, 8 };
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t k = 0; k < 2; k++) {
        const struct mien_act act = { 2, 3, 2, 3, lanes[k] };
        struct fixture f;
        set_up(&f, cl, &act);
        f.x[1] = NAN;
        f.dy[f.pixels + 2] = NAN;
        f.gates[2] = NAN;
        f.gates[3] = 0.0f;
        f.x[3 * f.pixels] = INFINITY;
        f.gates[4] = -0.0f;
        mien_cl_buffer_destroy(f.bx);
        mien_cl_buffer_destroy(f.bdy);
        mien_cl_buffer_destroy(f.bgates);
        f.bx = upload_act(cl, f.x, &act, 0.25f);
        f.bdy = upload_act(cl, f.dy, &act, 0.0f);
        f.bgates = upload_act(cl, f.gates, &f.gate_act, 0.5f);
        check_product(&f);
        for (int masked = 0; masked < 2; masked++) {
            struct mien_cl_buffer *const bd = poisoned_act(cl, &f.gate_act);
            assert_ok(mien_multiply_gates_bwd(cl, bd, f.bdy, f.bx, masked == 1 ? f.bgates : NULL,
                                              &act, &f.err),
                      &f.err);
            float *const got = download_act(cl, bd, &f.gate_act);
            assert_true(isnan(got[0]) == (masked == 0 || f.gates[0] > 0.0f));
            assert_true(isnan(got[1]) == (masked == 0 || f.gates[1] > 0.0f));
            assert_true(masked == 0 ? isfinite(got[2]) : got[2] == 0.0f);
            assert_true(masked == 0 ? isinf(got[3]) : got[3] == 0.0f);
            assert_true(masked == 0 ? got[4] != 0.0f : got[4] == 0.0f);
            mien_cl_buffer_destroy(bd);
            free(got);
        }
        tear_down(&f);
    }
}

static void test_ref_multiply__products_and_sums_by_hand(void **state)
{
    (void)state;
    const float x[] = { 1.0f, -3.0f, 5.0f, 2.0f, NAN, 1.0f };
    const float dy[] = { 2.0f, 1.0f, 1.0f, -2.0f, 1.0f, 0.5f };
    const float gates[] = { 2.0f, 0.0f, -1.0f };
    float y[6];
    float dgates[3];
    mien_ref_multiply(y, x, gates, 3, 2);
    assert_true(y[0] == 2.0f && y[1] == -6.0f && y[2] == 0.0f && y[3] == 0.0f && isnan(y[4]) &&
                y[5] == -1.0f);
    mien_ref_multiply_gates_bwd(dgates, dy, x, NULL, 3, 2);
    assert_true(dgates[0] == -1.0f && dgates[1] == 1.0f && isnan(dgates[2]));
    mien_ref_multiply_gates_bwd(dgates, dy, x, gates, 3, 2);
    assert_true(dgates[0] == -1.0f && dgates[1] == 0.0f && dgates[2] == 0.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_multiply__products_and_sums_by_hand),
        cmocka_unit_test(test_multiply__matches_reference_on_all_shapes),
        cmocka_unit_test(test_multiply__lets_nan_through_but_for_masks),
    };
    return cmocka_run_group_tests_name("ops/multiply", tests, device_setup, device_teardown);
}
