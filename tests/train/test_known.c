/* test_known.c - the training run whose losses are known, and the shapes of a network */
// wrap: mien_sgd_step
#include "train/known.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/optimizer.h"
#include "support/oracle.h"
#include "support/training.h"
#include "train/selftest.h"

static float momentum_factor = 1.0f; /* what the optimiser makes of the momentum */

enum mien_status __real_mien_sgd_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                                      struct mien_cl_buffer *state,
                                      const struct mien_cl_buffer *grads,
                                      const struct mien_cl_buffer *decayed, size_t count,
                                      const struct mien_sgd *op, struct mien_error *err);
enum mien_status __wrap_mien_sgd_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                                      struct mien_cl_buffer *state,
                                      const struct mien_cl_buffer *grads,
                                      const struct mien_cl_buffer *decayed, size_t count,
                                      const struct mien_sgd *op, struct mien_error *err);
enum mien_status __wrap_mien_sgd_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                                      struct mien_cl_buffer *state,
                                      const struct mien_cl_buffer *grads,
                                      const struct mien_cl_buffer *decayed, size_t count,
                                      const struct mien_sgd *op, struct mien_error *err)
{
    struct mien_sgd changed = *op;
    changed.momentum *= momentum_factor;
    return __real_mien_sgd_step(cl, params, state, grads, decayed, count, &changed, err);
}

static void test_known__has_the_losses_that_pytorch_gives(void **state)
{
    (void)state;
    struct mien_safetensors *const oracle = oracle_open("known");
    float *const losses = oracle_floats(oracle, "losses");
    assert_int_equal(oracle_tensor(oracle, "losses")->shape[0], MIEN_KNOWN_STEPS);
    for (size_t i = 0; i < MIEN_KNOWN_STEPS; i++) {
        assert_true(fabs(mien_known_losses[i] - (double)losses[i]) <= 1e-7 * (double)losses[i]);
    }
    free(losses);
    mien_safetensors_close(oracle);
}

static struct mien_verdict run_known(struct mien_cl *cl)
{
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    assert_ok(mien_known_run(&verdicts, cl, NULL, &err), &err);
    assert_int_equal(verdicts.count, 1);
    const struct mien_verdict verdict = verdicts.items[0];
    assert_string_equal(verdict.kernel, "training run");
    assert_true(verdict.ms > 0.0);
    mien_verdicts_finish(&verdicts);
    assert_int_equal(mien_cl_live(cl), 0);
    return verdict;
}

static void test_known__is_what_this_device_trains(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_verdict verdict = run_known(cl);
    print_message("  %.1e of %.1e\n", verdict.worst.error, verdict.worst.tolerance);
    assert_int_equal(verdict.failed, 0);
    assert_true(verdict.worst.error > 0.0 && verdict.worst.error <= verdict.worst.tolerance);
}

static void test_known__tells_a_step_that_is_a_thousandth_off(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    momentum_factor = 0.999f;
    const struct mien_verdict verdict = run_known(cl);
    momentum_factor = 1.0f;
    assert_int_equal(verdict.failed, 1);
    assert_int_equal(verdict.worst.fault, MIEN_FAULT_WRONG);
    assert_non_null(strstr(verdict.worst.text, "loss of step"));
}

static bool says(const struct mien_verdicts *verdicts, const char *kernel, const char *where)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        if (strcmp(verdicts->items[i].kernel, kernel) == 0) {
            return where == NULL || strcmp(verdicts->items[i].where, where) == 0;
        }
    }
    return false;
}

static size_t checks_of(const struct mien_verdicts *verdicts, const char *kernel)
{
    size_t checks = 0;
    for (size_t i = 0; i < verdicts->count; i++) {
        checks += strcmp(verdicts->items[i].kernel, kernel) == 0 ? verdicts->items[i].checks : 0;
    }
    return checks;
}

/* Each shape of a network once, equal layers together. */
static void test_selftest__checks_the_shapes_of_a_network(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_recipe *const recipe = recipe_from(
        "input: { channels: 1, height: 6, width: 5 }\n"
        "layers: [ flatten, dense 30, relu, dense 30, relu, dense 30, relu,\n"
        "          dropout 0.5, dense classes ]\n"
        "train: { batch: 3, optimizer: { kind: adam }, clip_norm: 1, ema: 0.9, sam: 1 }\n");
    struct mien_network *network = NULL;
    assert_ok(mien_network_create(&network, recipe, 4, &err), &err);
    struct mien_verdicts table = { NULL, 0 };
    struct mien_verdicts with = { NULL, 0 };
    struct mien_selftest what = { .wish = { .quick = true } };
    assert_ok(mien_selftest_run(&table, cl, &what, &err), &err);
    what.recipe = recipe;
    what.network = network;
    assert_ok(mien_selftest_run(&with, cl, &what, &err), &err);
    assert_int_equal(with.count, table.count);
    assert_int_equal(mien_verdicts_failed(&with), 0);
    assert_true(says(&with, "training run", NULL));
    const size_t ways = checks_of(&table, "dense forward");
    assert_int_equal(checks_of(&with, "dense forward"), 4 * ways); /* without and with a mask */
    assert_int_equal(checks_of(&with, "relu forward"), 2);
    assert_int_equal(checks_of(&with, "dropout"), 2);
    assert_int_equal(checks_of(&with, "maxpool forward"), checks_of(&table, "maxpool forward"));
    assert_int_equal(checks_of(&with, "softmax loss"), 2);
    assert_int_equal(checks_of(&with, "adam"), 2);
    assert_int_equal(checks_of(&with, "sgd"), 1);
    assert_int_equal(checks_of(&with, "guard finite"), 2);
    assert_int_equal(checks_of(&with, "clip"), 2);
    assert_int_equal(checks_of(&with, "average"), 2);
    assert_int_equal(checks_of(&with, "sam"), 2);
    assert_int_equal(checks_of(&with, "accumulate add"), 1); /* each batch is a step */
    mien_verdicts_finish(&table);
    mien_verdicts_finish(&with);
    mien_network_destroy(network);
    mien_recipe_destroy(recipe);
    assert_int_equal(mien_cl_live(cl), 0);
}

/* Checks of a kernel by the quick table, and with the shapes of a network of these layers that is
 * trained so. */
static size_t checks_with(struct mien_cl *cl, const char *filter, const char *kernel,
                          const char *layers, const char *method)
{
    char text[512];
    struct mien_error err = { "" };
    struct mien_network *network = NULL;
    struct mien_verdicts verdicts = { NULL, 0 };
    (void)snprintf(text, sizeof(text),
                   "input: { channels: 1, height: 14, width: 14 }\n"
                   "layers: [ %s, flatten, dense classes ]\ntrain: { batch: 3%s }\n",
                   layers, method);
    struct mien_recipe *const recipe = recipe_from(text);
    assert_ok(mien_network_create(&network, recipe, 3, &err), &err);
    const struct mien_selftest what = { .wish = { .quick = true, .filter = filter },
                                        .recipe = recipe,
                                        .network = network };
    assert_ok(mien_selftest_run(&verdicts, cl, &what, &err), &err);
    assert_int_equal(mien_verdicts_failed(&verdicts), 0);
    const size_t checks = checks_of(&verdicts, kernel);
    mien_verdicts_finish(&verdicts);
    mien_network_destroy(network);
    mien_recipe_destroy(recipe);
    return checks;
}

/* What a model fuses of a recipe's layers: batch norm with the pooling behind it, in the weights
 * of the layer in front, a convolution with its pooling. */
static void test_selftest__checks_what_a_model_fuses(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct {
        const char *layers;
        size_t pools, folds; /* shapes; the table has one of each */
    } cases[] = {
        { "conv 3 3x3 bias no, batchnorm, relu, maxpool 2, conv 3 3x3, batchnorm, maxpool 2, "
          "flatten, dense 5, batchnorm, relu",
          2, 3 },
        { "conv 3 3x3, batchnorm, relu, conv 3 3x3 pad 1, batchnorm, relu, conv 3 3x3 pad 1, "
          "batchnorm, relu, maxpool 3x3 stride 2",
          0, 2 }, /* its windows overlap; two folds are of one shape */
        { "conv 4 3x3, relu, maxpool 2, batchnorm, conv 4 3x3 groups 2, batchnorm", 0,
          1 }, /* a batch norm behind a pooling is in nobody's weights */
        { "batchnorm, maxpool 2", 1, 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static const char filter[] = "batchnorm ";
        const char *const layers = cases[i].layers;
        print_message("  %s\n", layers);
        assert_int_equal(checks_with(cl, filter, "batchnorm maxpool forward", layers, ""),
                         1 + cases[i].pools);
        assert_int_equal(checks_with(cl, filter, "batchnorm fold", layers, ""), 1 + cases[i].folds);
    }
    static const char pooled[] = "conv2d maxpool forward";
    const size_t none = checks_with(cl, "conv2d", pooled, "conv 3 3x3, relu", "");
    assert_true(checks_with(cl, "conv2d", pooled, "conv 3 3x3, relu, maxpool 2", "") > none);
    assert_true(checks_with(cl, "conv2d", pooled, "conv 3 3x3, batchnorm, maxpool 2", "") > none);
}

/* Sharpness-aware minimisation takes the norm from the one and comes back by the other. */
static void test_selftest__checks_what_sam_launches(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const kernels[][2] = { { "sam", "sam" },
                                              { "clip", "clip" },
                                              { "average", "average swap" } };
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        const char *const *const k = kernels[i];
        assert_int_equal(checks_with(cl, k[0], k[1], "relu", ""), 1);
        assert_int_equal(checks_with(cl, k[0], k[1], "relu", ", sam: 0.1"), 2);
    }
}

static void test_selftest__takes_operations_by_their_name(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    struct mien_selftest what = { .wish = { .quick = true, .filter = "relayout" } };
    assert_ok(mien_selftest_run(&verdicts, cl, &what, &err), &err);
    assert_int_equal(verdicts.count, 2);
    assert_true(says(&verdicts, "relayout to rows", NULL));
    assert_true(says(&verdicts, "relayout from rows", NULL));
    mien_verdicts_finish(&verdicts);
    what.wish.filter = "poodle";
    assert_int_equal(mien_selftest_run(&verdicts, cl, &what, &err), MIEN_ERR_USAGE);
    assert_non_null(strstr(err.text, "'poodle'"));
    mien_verdicts_finish(&verdicts);
}

static bool stop_at_third(void *user)
{
    int *const asked = user;
    return ++*asked == 3;
}

static void test_selftest__stops_between_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    int asked = 0;
    const struct mien_selftest what = {
        .wish = { .quick = true, .stop = stop_at_third, .user = &asked }
    };
    assert_int_equal(mien_selftest_run(&verdicts, cl, &what, &err), MIEN_ERR_INTERRUPTED);
    assert_int_equal(asked, 3);
    mien_verdicts_finish(&verdicts);
    assert_int_equal(mien_cl_live(cl), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known__has_the_losses_that_pytorch_gives),
        cmocka_unit_test(test_known__is_what_this_device_trains),
        cmocka_unit_test(test_known__tells_a_step_that_is_a_thousandth_off),
        cmocka_unit_test(test_selftest__checks_the_shapes_of_a_network),
        cmocka_unit_test(test_selftest__checks_what_sam_launches),
        cmocka_unit_test(test_selftest__checks_what_a_model_fuses),
        cmocka_unit_test(test_selftest__takes_operations_by_their_name),
        cmocka_unit_test(test_selftest__stops_between_shapes),
    };
    return cmocka_run_group_tests_name("train/known", tests, device_setup, device_teardown);
}
