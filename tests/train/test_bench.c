/* test_bench.c - steps are measured as they are trained, and their parts add up */
#include "train/bench.h"

#include <math.h>
#include <string.h>

#include "support/device.h"

static const char recipe_text[] =
    "name: small\n"
    "input: { channels: 3, height: 9, width: 7 }\n"
    "layers:\n  - conv 4 3x3\n  - batchnorm\n  - relu\n  - maxpool 2\n  - flatten\n"
    "  - dense 6\n  - relu\n  - dense classes\n"
    "train:\n  batch: 5\n  optimizer: { kind: sgd, rate: 0.01, momentum: 0.9 }\n";

static void make_file(struct mien_model_file *file, float sam)
{
    static char names[3][2] = { "a", "b", "c" };
    char *const classes[] = { names[0], names[1], names[2] };
    struct mien_error err = { "" };
    struct mien_recipe *recipe = NULL;
    assert_ok(mien_recipe_parse(&recipe, recipe_text, strlen(recipe_text), "test", NULL, 0, &err),
              &err);
    recipe->train.sam = sam;
    assert_ok(mien_model_file_create(file, recipe, classes, 3, &err), &err);
}

static void test_bench__measures_steps_and_leaves_nothing(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_model_file file = { 0 };
    struct mien_bench_step step;
    const struct mien_bench_options options = { .warmup = 1, .repeat = 4 };
    make_file(&file, 0.0f);
    const size_t live = mien_cl_live(cl);
    assert_ok(mien_bench_step(&step, cl, &file, &options, &err), &err);
    assert_int_equal(mien_cl_live(cl), live);
    assert_int_equal(step.batch, 5);
    assert_true(step.step.min_ms > 0.0 && step.step.median_ms >= step.step.min_ms);
    assert_true(step.flow_ms > 0.0);
    assert_true(step.loss > 0.0 && isfinite(step.loss));
    assert_true(step.device_bytes > file.network->flat_floats * 3 * sizeof(float));
    double flop = 0.0;
    for (size_t i = 0; i < file.network->layer_count; i++) {
        flop += file.network->layers[i].flop;
    }
    assert_true(step.flop == 3.0 * 5.0 * flop);
    mien_model_file_finish(&file);
}

static const struct mien_bench_pass *find(const struct mien_bench_passes *passes, const char *label)
{
    for (size_t i = 0; i < passes->count; i++) {
        if (strcmp(passes->items[i].label, label) == 0) {
            return &passes->items[i];
        }
    }
    return NULL;
}

static void test_bench__knows_every_pass_of_a_step(void **state)
{
    static const char *const labels[] = {
        "batch",
        "conv1 forward",
        "batchnorm1+maxpool1 forward",
        "dense1 forward",
        "dense2 forward",
        "loss",
        "dense2 backward filter",
        "dense2 backward data",
        "dense1 backward filter",
        "dense1 backward data",
        "batchnorm1+maxpool1 backward",
        "conv1 backward filter",
        "guard",
        "optimizer",
    };
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct mien_model_file file = { 0 };
    struct mien_bench_passes passes;
    const struct mien_cl_options profile = { .profile = true };
    const struct mien_bench_options options = { .warmup = 2, .repeat = 3 };
    make_file(&file, 0.0f);
    assert_ok(mien_cl_open(&cl, &profile, &err), &err);
    assert_ok(mien_bench_passes(&passes, cl, &file, &options, &err), &err);
    double sum_ms = 0.0;
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        const struct mien_bench_pass *const pass = find(&passes, labels[i]);
        if (pass == NULL) {
            fail_msg("no pass is called %s", labels[i]);
            continue;
        }
        assert_true(pass->launches > 0);
        assert_true(pass->bytes > 0.0);
        sum_ms += pass->device.min_ms;
    }
    /* No launch goes without a label, the first convolution's input gets no gradient. */
    for (size_t i = 0; i < passes.count; i++) {
        assert_true(passes.items[i].bytes > 0.0);
    }
    assert_null(find(&passes, "conv1 backward data"));
    assert_true(sum_ms <= passes.device.median_ms * 1.001);
    assert_true(passes.idle.min_ms >= 0.0);
    const struct mien_bench_pass *const conv = find(&passes, "conv1 forward");
    assert_true(conv != NULL && conv->flop == 5.0 * file.network->layers[0].flop);
    mien_bench_passes_finish(&passes);
    mien_cl_close(cl);
    mien_model_file_finish(&file);
}

static void test_bench__counts_both_passes_of_sam(void **state)
{
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct mien_model_file file = { 0 };
    struct mien_bench_passes passes;
    struct mien_bench_step step;
    const struct mien_cl_options profile = { .profile = true };
    const struct mien_bench_options options = { .warmup = 1, .repeat = 1 };
    make_file(&file, 0.1f);
    assert_ok(mien_cl_open(&cl, &profile, &err), &err);
    assert_ok(mien_bench_step(&step, cl, &file, &options, &err), &err);
    assert_ok(mien_bench_passes(&passes, cl, &file, &options, &err), &err);
    double flop = 0.0;
    for (size_t i = 0; i < file.network->layer_count; i++) {
        flop += file.network->layers[i].flop;
    }
    assert_true(step.flop == 2.0 * 3.0 * 5.0 * flop);
    const struct mien_bench_pass *const conv = find(&passes, "conv1 forward");
    assert_true(conv != NULL && conv->flop == 2.0 * 5.0 * file.network->layers[0].flop);
    const struct mien_bench_pass *const sam = find(&passes, "sharpness");
    const double floats = (double)(file.network->flat_floats * sizeof(float));
    assert_true(sam != NULL && sam->launches == 4 && sam->bytes == 9.0 * floats);
    mien_bench_passes_finish(&passes);
    mien_cl_close(cl);
    mien_model_file_finish(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench__measures_steps_and_leaves_nothing),
        cmocka_unit_test(test_bench__knows_every_pass_of_a_step),
        cmocka_unit_test(test_bench__counts_both_passes_of_sam),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
