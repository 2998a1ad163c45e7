/* test_conv2d.c - the convolution in plain C against PyTorch and central differences */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/conv2d.h"

static void check_oracle(const char *name)
{
    struct mien_safetensors *const file = oracle_open(name);
    const struct mien_conv2d op = conv2d_oracle_op(file, 1);
    const struct mien_ref_conv2d ref = conv2d_ref(&op);
    const struct mien_act in = { op.n, op.c, op.h, op.w, 1 };
    const struct mien_act out = { op.n, op.oc, op.ho, op.wo, 1 };
    struct conv2d_numbers k = conv2d_oracle(file);
    float *const y = random_floats(plain_floats(&out), 1);
    float *const dx = random_floats(plain_floats(&in), 1);
    float *const dweight = random_floats(conv2d_weights(&op), 1);
    float *const dbias = random_floats((size_t)op.oc, 1);
    print_message("  %s\n", name);
    mien_ref_conv2d_fwd(y, k.x, k.weight, k.bias, &ref);
    mien_ref_conv2d_bwd_data(dx, k.dy, k.weight, NULL, &ref);
    mien_ref_conv2d_bwd_filter(dweight, dbias, k.dy, k.x, &ref);
    assert_close_to_scale(y, k.y, plain_floats(&out), 1e-6f);
    assert_close_to_scale(dx, k.dx, plain_floats(&in), 1e-6f);
    assert_close_to_scale(dweight, k.dweight, conv2d_weights(&op), 1e-6f);
    if (k.dbias != NULL) {
        assert_close_to_scale(dbias, k.dbias, (size_t)op.oc, 1e-6f);
    }
    free(y);
    free(dx);
    free(dweight);
    free(dbias);
    conv2d_free(&k);
    mien_safetensors_close(file);
}

static void test_ref_conv2d__gives_what_pytorch_gives(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        int count;
    } cases[] = { { "conv2d", 10 }, { "conv2d_grouped", 5 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int k = 0; k < cases[i].count; k++) {
            char name[32];
            (void)snprintf(name, sizeof(name), "%s_%02d", cases[i].kind, k);
            check_oracle(name);
        }
    }
}

/* sum(y * dy) is linear in x and in the weights, so a step of any size is exact. */
static void check_differences(const struct mien_ref_conv2d *op)
{
    const size_t n = (size_t)op->n;
    const size_t oc = (size_t)op->oc;
    const size_t x_count = n * (size_t)op->c * (size_t)op->h * (size_t)op->w;
    const size_t weights = oc * (size_t)(op->c / op->groups) * (size_t)op->kh * (size_t)op->kw;
    const size_t y_count = n * oc * (size_t)op->ho * (size_t)op->wo;
    float *const x = random_floats(x_count, 1);
    float *const weight = random_floats(weights, 2);
    float *const dy = random_floats(y_count, 3);
    float *const y = random_floats(y_count, 4);
    float *const dx = random_floats(x_count, 4);
    float *const dweight = random_floats(weights, 4);
    mien_ref_conv2d_bwd_data(dx, dy, weight, NULL, op);
    mien_ref_conv2d_bwd_filter(dweight, NULL, dy, x, op);
    for (size_t i = 0; i < x_count + weights; i++) {
        float *const at = i < x_count ? &x[i] : &weight[i - x_count];
        const float keep = *at;
        double change = 0.0;
        for (int side = -1; side <= 1; side += 2) {
            *at = keep + (float)side;
            mien_ref_conv2d_fwd(y, x, weight, NULL, op);
            for (size_t o = 0; o < y_count; o++) {
                change += side * (double)y[o] * (double)dy[o];
            }
        }
        *at = keep;
        const float gradient = i < x_count ? dx[i] : dweight[i - x_count];
        assert_true(fabs(change / 2.0 - (double)gradient) < 1e-5);
    }
    free(x);
    free(weight);
    free(dy);
    free(y);
    free(dx);
    free(dweight);
}

static void test_ref_conv2d__gradients_are_central_differences(void **state)
{
    (void)state;
    check_differences(&(struct mien_ref_conv2d){ 2, 3, 7, 6, 4, 3, 2, 2, 1, 4, 4, false, 1 });
    check_differences(&(struct mien_ref_conv2d){ 2, 4, 5, 6, 6, 3, 2, 2, 1, 3, 4, false, 2 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_conv2d__gives_what_pytorch_gives),
        cmocka_unit_test(test_ref_conv2d__gradients_are_central_differences),
    };
    return cmocka_run_group_tests_name("ref/conv2d", tests, NULL, NULL);
}
