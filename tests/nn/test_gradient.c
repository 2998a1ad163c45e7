/* test_gradient.c - a network with every kind of layer: its gradients are central differences */
// unoptimised
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights.h"
#include "ops/softmax.h"
#include "support/device.h"
#include "support/layout.h"

enum { IMAGES = 5, BATCH = 6, CLASSES = 3, TRIED = 7 };

/*
 * Weights move by STEP both ways.  The loss is near 1 in float, 1e-7 exact, so a difference is
 * exact to 1e-7 / STEP; the curvature of the loss, and ReLUs that change sides, add some more.
 */
static const float step = 1e-3f;
static const double tolerance_abs = 1e-3, tolerance_rel = 2e-2;

static const char *const recipes[] = {
    "input: { channels: 3, height: 11, width: 9 }\n"
    "layers:\n"
    "  - conv 9 3x3 pad 1 bias no\n"
    "  - batchnorm\n"
    "  - relu\n"
    "  - avgpool 2\n"
    "  - conv 8 4x4 pad 2\n"
    "  - relu\n"
    "  - maxpool 2 stride 1\n"
    "  - dropout 0.25\n"
    "  - conv 5 3x2 stride 2 pad 1\n"
    "  - batchnorm\n"
    "  - globalavgpool\n"
    "  - flatten\n"
    "  - dense 6\n"
    "  - relu\n"
    "  - dropout 0.5\n"
    "  - dense classes\n",
    "input: { channels: 1, height: 12, width: 12 }\n"
    "layers:\n"
    "  - conv 8 5x5\n"
    "  - relu\n"
    "  - conv 10 3x3\n"
    "  - maxpool 2\n"
    "  - relu\n"
    "  - avgpool 3\n"
    "  - relu\n"
    "  - relu\n"
    "  - flatten\n"
    "  - dense 7 bias no\n"
    "  - dense classes\n",
    /* Additions: of a mark behind a ReLU and behind none, projected, twice, at once, over dense. */
    "input: { channels: 3, height: 9, width: 9 }\n"
    "layers:\n"
    "  - mark input\n"
    "  - conv 6 3x3 pad 1\n"
    "  - relu\n"
    "  - add input conv 6 1x1 bias no\n"
    "  - mark a\n"
    "  - batchnorm\n"
    "  - relu\n"
    "  - mark b\n"
    "  - add b\n"
    "  - conv 6 3x3 pad 1 bias no\n"
    "  - batchnorm\n"
    "  - add a\n"
    "  - relu\n"
    "  - mark c\n"
    "  - conv 8 3x3 stride 2 pad 1\n"
    "  - relu\n"
    "  - add c conv 8 1x1 stride 2 bias no batchnorm\n"
    "  - relu\n"
    "  - add c conv 8 3x3 stride 2 pad 1\n"
    "  - relu\n"
    "  - globalavgpool\n"
    "  - mark d\n"
    "  - dense 8\n"
    "  - relu\n"
    "  - dropout 0.2\n"
    "  - add d\n"
    "  - dense classes\n",
    /* Groups, depthwise with a multiplier, and activations, one behind a ReLU that is not fused. */
    "input: { channels: 3, height: 9, width: 9 }\n"
    "layers:\n"
    "  - conv 8 3x3 pad 1 bias no\n"
    "  - batchnorm\n"
    "  - silu\n"
    "  - conv 16 3x3 stride 2 pad 1 groups 8\n"
    "  - gelu\n"
    "  - conv 6 1x1 groups 2 bias no\n"
    "  - leakyrelu 0.3\n"
    "  - mark a\n"
    "  - conv 6 3x3 pad 1 groups 6\n"
    "  - relu\n"
    "  - silu\n"
    "  - conv 6 1x1\n"
    "  - add a conv 6 3x3 pad 1 groups 3\n"
    "  - globalavgpool\n"
    "  - flatten\n"
    "  - dense 6\n"
    "  - gelu\n"
    "  - dense classes\n",
    /* Squeeze and excitation; gates that a ReLU cuts off, of features, and of what has no weights.
     */
    "input: { channels: 3, height: 9, width: 9 }\n"
    "layers:\n"
    "  - mark image\n"
    "  - globalavgpool\n"
    "  - sigmoid\n"
    "  - multiply image\n"
    "  - conv 8 3x3 pad 1 bias no\n"
    "  - batchnorm\n"
    "  - relu\n"
    "  - mark a\n"
    "  - globalavgpool\n"
    "  - conv 4 1x1\n"
    "  - relu\n"
    "  - conv 8 1x1\n"
    "  - sigmoid\n"
    "  - multiply a\n"
    "  - relu\n"
    "  - mark b\n"
    "  - avgpool 3\n"
    "  - flatten\n"
    "  - dense 8\n"
    "  - relu\n"
    "  - multiply b\n"
    "  - add b\n"
    "  - flatten\n"
    "  - mark c\n"
    "  - sigmoid\n"
    "  - multiply c\n"
    "  - dense classes\n",
};

struct fixture {
    struct mien_error err;
    struct mien_cl *cl;
    struct mien_recipe *recipe;
    struct mien_network *network;
    struct mien_model *model;
    struct mien_cl_buffer *labels, *stats;
    float *flat;
};

static void set_up(struct fixture *f, struct mien_cl *cl, const char *text, int lanes,
                   enum mien_blas blas)
{
    *f = (struct fixture){ .cl = cl };
    struct mien_error *const err = &f->err;
    const struct mien_model_options options = { BATCH, true, blas, .lanes = lanes };
    const int32_t labels[BATCH] = { 0, 2, 1, 1, 0, 0 };
    assert_ok(mien_recipe_parse(&f->recipe, text, strlen(text), "test", NULL, 0, err), err);
    assert_ok(mien_network_create(&f->network, f->recipe, CLASSES, err), err);
    assert_ok(mien_model_create(&f->model, cl, f->network, &options, err), err);
    assert_ok(mien_cl_buffer_create(&f->labels, cl, sizeof(labels), err), err);
    assert_ok(mien_cl_write(cl, f->labels, 0, labels, sizeof(labels), err), err);
    assert_ok(mien_cl_buffer_create(&f->stats, cl, mien_softmax_stats_bytes(BATCH), err), err);
    f->flat = calloc(f->network->flat_floats, sizeof(*f->flat));
    assert_non_null(f->flat);
    mien_weights_init(f->flat, f->network, 3);

    const struct mien_act act = mien_model_input_act(f->model, IMAGES);
    float *const images =
        random_floats((size_t)IMAGES * (size_t)act.c * (size_t)act.h * (size_t)act.w, 5);
    float *const blocked = blocked_from_plain(images, &act, 0.0f);
    assert_ok(mien_cl_write(cl, mien_model_input(f->model), 0, blocked,
                            mien_act_floats(&act) * sizeof(float), err),
              err);
    free(images);
    free(blocked);
}

static void tear_down(struct fixture *f)
{
    mien_cl_buffer_destroy(f->labels);
    mien_cl_buffer_destroy(f->stats);
    mien_model_destroy(f->model);
    mien_network_destroy(f->network);
    mien_recipe_destroy(f->recipe);
    free(f->flat);
}

/* The loss with the weights as they are in f->flat; leaves the gradient of the logits behind. */
static double loss_of(struct fixture *f)
{
    struct mien_error *const err = &f->err;
    const struct mien_act out = mien_model_output_act(f->model, IMAGES);
    const struct mien_softmax op = {
        .n = IMAGES, .classes = out.c, .lanes = out.lanes, .scale = 1.0f
    };
    const struct mien_softmax_target target = { .labels = f->labels };
    struct mien_softmax_stats stats;
    const struct mien_draw draw = { .seed = 11, .step = 4 }; /* the same mask every time */
    assert_ok(mien_weights_upload(f->model, f->flat, err), err);
    assert_ok(mien_model_forward(f->model, IMAGES, &draw, err), err);
    assert_ok(mien_softmax_stats_reset(f->cl, f->stats, err), err);
    assert_ok(mien_softmax_loss(f->cl, mien_model_logits_gradient(f->model), f->stats,
                                mien_model_logits(f->model), &target, &op, err),
              err);
    assert_ok(mien_softmax_stats_read(f->cl, &stats, f->stats, err), err);
    return stats.loss / stats.weight;
}

/* Some numbers of each trainable tensor, the first and the last among them. */
static void check_param(struct fixture *f, const struct mien_param *param, const float *gradient)
{
    const size_t tried = param->count < TRIED ? param->count : TRIED;
    for (size_t i = 0; i < tried; i++) {
        const size_t at = param->offset + (tried == 1 ? 0 : i * (param->count - 1) / (tried - 1));
        const float was = f->flat[at];
        f->flat[at] = was + step;
        const double above = loss_of(f);
        f->flat[at] = was - step;
        const double below = loss_of(f);
        f->flat[at] = was;
        const double want = (above - below) / (2.0 * (double)step);
        const double got = (double)gradient[at];
        if (!(fabs(got - want) <= tolerance_abs + tolerance_rel * fabs(want))) {
            fail_msg("%s[%zu]: gradient %.6f, central difference %.6f", param->name,
                     at - param->offset, got, want);
        }
    }
}

static void check_network(struct mien_cl *cl, const char *text, int lanes, enum mien_blas blas)
{
    struct fixture f;
    set_up(&f, cl, text, lanes, blas);
    float *const gradient = calloc(f.network->flat_floats, sizeof(*gradient));
    assert_non_null(gradient);
    (void)loss_of(&f);
    assert_ok(mien_model_backward(f.model, IMAGES, &f.err), &f.err);
    assert_ok(mien_cl_read(cl, gradient, mien_model_gradients(f.model), 0,
                           f.network->flat_floats * sizeof(float), &f.err),
              &f.err);
    for (size_t i = 0; i < f.network->param_count; i++) {
        if (f.network->params[i].trainable) {
            check_param(&f, &f.network->params[i], gradient);
        }
    }
    free(gradient);
    tear_down(&f);
}

static void test_gradient__is_the_central_difference_in_blocks(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const int native = mien_device_lanes(mien_cl_device(cl));
    for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
        check_network(cl, recipes[i], native > 1 ? native : 8, MIEN_BLAS_OWN);
    }
}

static void test_gradient__is_the_central_difference_in_rows(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
        check_network(cl, recipes[i], 1, MIEN_BLAS_CLBLAST);
    }
}

static void test_gradient__is_the_central_difference_through_a_change_of_layout(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const int native = mien_device_lanes(mien_cl_device(cl));
    check_network(cl, recipes[1], native > 1 ? native : 8, MIEN_BLAS_CLBLAST);
    check_network(cl, recipes[2], native > 1 ? native : 8, MIEN_BLAS_CLBLAST);
    check_network(cl, recipes[4], native > 1 ? native : 8, MIEN_BLAS_CLBLAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient__is_the_central_difference_in_blocks),
        cmocka_unit_test(test_gradient__is_the_central_difference_in_rows),
        cmocka_unit_test(test_gradient__is_the_central_difference_through_a_change_of_layout),
    };
    return cmocka_run_group_tests_name("nn/gradient", tests, device_setup, device_teardown);
}
