/* test_activation.c - leaky ReLU, sigmoid, SiLU and GELU on the device, the reference against
 * PyTorch */
// oclgrind
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/activation.h"
#include "ref/activation.h"
#include "support/layout.h"
#include "support/oracle.h"

static const struct mien_act shapes[] = {
    { 1, 1, 1, 1, 1 },   { 3, 2, 5, 7, 1 },  { 1, 1, 1, 1, 4 },
    { 7, 3, 5, 3, 4 },   { 1, 1, 1, 1, 8 },  { 11, 3, 9, 13, 8 },
    { 150, 2, 6, 5, 8 }, { 5, 2, 3, 3, 16 }, { 150, 3, 7, 11, 16 },
};
enum { SMALL_SHAPES = 4 };

static const float slope = 0.2f;

static void check_act(struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                      const struct mien_act *act, const float *want, bool zero)
{
    float *const got = download_act(cl, buffer, act);
    assert_close_to_scale(got, want, plain_floats(act), 1e-6f);
    assert_unused_lanes(cl, buffer, act, zero);
    free(got);
}

/* Forward, backward, and backward behind a ReLU in place. */
static void check_one(struct mien_cl *cl, const struct mien_act *act,
                      enum mien_activation_kind kind)
{
    struct mien_error err = { "" };
    const size_t count = plain_floats(act);
    float *const x = random_floats(count, 1);
    float *const dy = random_floats(count, 2);
    float *const want = random_floats(count, 3);
    struct mien_activation op = { .kind = kind, .act = *act, .slope = slope };
    for (size_t i = 0; i < count; i++) {
        x[i] *= i % 3 == 0 ? 20.0f : 4.0f;
    }
    x[0] = 0.0f;
    struct mien_cl_buffer *const bx = upload_act(cl, x, act, 0.25f);
    struct mien_cl_buffer *const bdy = upload_act(cl, dy, act, 0.0f);
    struct mien_cl_buffer *const by = poisoned_act(cl, act);
    struct mien_cl_buffer *const bdx = poisoned_act(cl, act);
    assert_ok(mien_activation_fwd(cl, by, bx, &op, &err), &err);
    mien_ref_activation_fwd(want, x, count, (enum mien_ref_activation)kind, slope);
    check_act(cl, by, act, want, false);
    assert_ok(mien_activation_bwd(cl, bdx, bdy, bx, &op, &err), &err);
    mien_ref_activation_bwd(want, dy, x, count, (enum mien_ref_activation)kind, slope);
    check_act(cl, bdx, act, want, true);
    op.after_relu = true;
    assert_ok(mien_activation_bwd(cl, bdy, bdy, bx, &op, &err), &err);
    for (size_t i = 0; i < count; i++) {
        want[i] = x[i] > 0.0f ? want[i] : 0.0f;
    }
    check_act(cl, bdy, act, want, true);
    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(bdy);
    mien_cl_buffer_destroy(by);
    mien_cl_buffer_destroy(bdx);
    free(x);
    free(dy);
    free(want);
}

static void check_all(void **state, enum mien_activation_kind kind)
{
    struct mien_cl *const cl = device_or_skip(state);
    const size_t count = small_only() ? SMALL_SHAPES : sizeof(shapes) / sizeof(shapes[0]);
    for (size_t i = 0; i < count; i++) {
        check_one(cl, &shapes[i], kind);
    }
}

static void test_activation__leakyrelu_matches_reference(void **state)
{
    check_all(state, MIEN_ACTIVATION_LEAKYRELU);
}

static void test_activation__sigmoid_matches_reference(void **state)
{
    check_all(state, MIEN_ACTIVATION_SIGMOID);
}

static void test_activation__silu_matches_reference(void **state)
{
    check_all(state, MIEN_ACTIVATION_SILU);
}

static void test_activation__gelu_matches_reference(void **state)
{
    check_all(state, MIEN_ACTIVATION_GELU);
}

/* Far from zero nothing overflows: x itself above (of sigmoid one), nothing below, and no NaN but
 * that of a NaN. */
static void test_activation__is_tame_far_from_zero(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct mien_act act = { 1, 1, 1, 5, 1 };
    const float x[] = { 1e30f, -1e30f, 100.0f, -100.0f, NAN };
    const float dy[] = { 1.0f, 1.0f, 1.0f, 1.0f, 1.0f };
    struct mien_cl_buffer *const bx = upload_act(cl, x, &act, 0.0f);
    struct mien_cl_buffer *const bdy = upload_act(cl, dy, &act, 0.0f);
    for (int kind = MIEN_ACTIVATION_SIGMOID; kind < MIEN_ACTIVATIONS; kind++) {
        const struct mien_activation op = { .kind = (enum mien_activation_kind)kind, .act = act };
        const bool flat = kind == MIEN_ACTIVATION_SIGMOID;
        const float slope_above = flat ? 0.0f : 1.0f;
        struct mien_cl_buffer *const by = poisoned_act(cl, &act);
        struct mien_cl_buffer *const bdx = poisoned_act(cl, &act);
        assert_ok(mien_activation_fwd(cl, by, bx, &op, &err), &err);
        assert_ok(mien_activation_bwd(cl, bdx, bdy, bx, &op, &err), &err);
        float *const y = download_act(cl, by, &act);
        float *const dx = download_act(cl, bdx, &act);
        assert_true(y[0] == (flat ? 1.0f : x[0]) && y[2] == (flat ? 1.0f : x[2]));
        assert_true(y[1] == 0.0f && fabsf(y[3]) < 1e-30f);
        assert_true(dx[0] == slope_above && fabsf(dx[2] - slope_above) < 1e-30f);
        assert_true(dx[1] == 0.0f && fabsf(dx[3]) < 1e-30f);
        assert_true(isnan(y[4]) && isnan(dx[4]));
        mien_cl_buffer_destroy(by);
        mien_cl_buffer_destroy(bdx);
        free(y);
        free(dx);
    }
    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(bdy);
}

static void test_ref_activation__gives_what_pytorch_gives(void **state)
{
    (void)state;
    static const enum mien_ref_activation kinds[] = { MIEN_REF_LEAKYRELU, MIEN_REF_LEAKYRELU,
                                                      MIEN_REF_SILU, MIEN_REF_GELU,
                                                      MIEN_REF_SIGMOID };
    for (int i = 0; i < 5; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "activation_%02d", i);
        struct mien_safetensors *const file = oracle_open(name);
        float *const x = oracle_floats(file, "x");
        float *const dy = oracle_floats(file, "dy");
        float *const y = oracle_floats(file, "y");
        float *const dx = oracle_floats(file, "dx");
        enum { COUNT = 5 * 3 * 4 * 5 };
        float got[COUNT];
        const float at = (float)oracle_number(file, "slope", 0.0);
        mien_ref_activation_fwd(got, x, COUNT, kinds[i], at);
        assert_all_close(got, y, COUNT, 1e-6f, 1e-7f);
        mien_ref_activation_bwd(got, dy, x, COUNT, kinds[i], at);
        assert_all_close(got, dx, COUNT, 1e-6f, 1e-7f);
        free(x);
        free(dy);
        free(y);
        free(dx);
        mien_safetensors_close(file);
    }
}

static void test_ref_activation__derivative_is_the_central_difference(void **state)
{
    (void)state;
    const float h = 1.0f / 256.0f;
    const float one = 1.0f;
    for (int kind = 0; kind < MIEN_ACTIVATIONS; kind++) {
        for (int i = 0; i < 39; i++) {
            const float x = -4.03f + 0.21f * (float)i;
            const float at[] = { x - h, x + h };
            float y[2];
            float dx;
            mien_ref_activation_fwd(y, at, 2, (enum mien_ref_activation)kind, slope);
            mien_ref_activation_bwd(&dx, &one, &x, 1, (enum mien_ref_activation)kind, slope);
            assert_true(fabsf((y[1] - y[0]) / (2.0f * h) - dx) < 1e-4f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_activation__gives_what_pytorch_gives),
        cmocka_unit_test(test_ref_activation__derivative_is_the_central_difference),
        cmocka_unit_test(test_activation__leakyrelu_matches_reference),
        cmocka_unit_test(test_activation__sigmoid_matches_reference),
        cmocka_unit_test(test_activation__silu_matches_reference),
        cmocka_unit_test(test_activation__gelu_matches_reference),
        cmocka_unit_test(test_activation__is_tame_far_from_zero),
    };
    return cmocka_run_group_tests_name("ops/activation", tests, device_setup, device_teardown);
}
