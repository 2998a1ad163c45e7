/* test_trainer.c - whole epochs by a recipe's method against PyTorch */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights.h"
#include "support/layout.h"
#include "support/oracle.h"
#include "support/training.h"
#include "train/trainer.h"

/* The fixture's images and labels as a data set; release with set_free(). */
static struct mien_dataset *set_of(const struct mien_safetensors *oracle)
{
    const struct mien_tensor *const shape = oracle_tensor(oracle, "images");
    int32_t *const pixels = oracle_ints(oracle, "images");
    int32_t *const labels = oracle_ints(oracle, "labels");
    const struct set_sizes sizes = {
        (int)shape->shape[0], 0,
        (int)shape->shape[1], (int)shape->shape[2],
        (int)shape->shape[3], (int)oracle_number(oracle, "classes", 0.0)
    };
    struct mien_dataset *const set = set_make(&sizes, 1);
    uint8_t *const images = (uint8_t *)(uintptr_t)set->images; /* allocated by set_make() */
    for (size_t i = 0; i < shape->bytes / sizeof(int32_t); i++) {
        images[i] = (uint8_t)pixels[i];
    }
    memcpy((void *)(uintptr_t)set->labels, labels, set->count * sizeof(*labels));
    free(pixels);
    free(labels);
    return set;
}

static void check_weights(const struct mien_model_file *file, const struct mien_safetensors *oracle)
{
    struct mien_error err = { "" };
    float *const want = calloc(file->network->flat_floats, sizeof(*want));
    assert_non_null(want);
    assert_ok(mien_weights_from_file(want, file->network, oracle, "after.", &err), &err);
    for (size_t i = 0; i < file->network->param_count; i++) {
        const struct mien_param *const param = &file->network->params[i];
        print_message("  %s\n", param->name);
        assert_close_to_scale(file->weights + param->offset, want + param->offset, param->count,
                              1e-5f);
    }
    free(want);
}

/* Every step's rate and loss, and the weights behind the last. */
static void check_training(struct mien_cl *cl, const char *name)
{
    struct mien_error err = { "" };
    struct mien_trainer trainer;
    struct mien_softmax_stats stats;
    struct mien_softmax_stats before = { .loss = 0.0 };
    struct mien_safetensors *const oracle = oracle_open(name);
    struct mien_dataset *const set = set_of(oracle);
    struct mien_model_file file = model_for(mien_safetensors_metadata(oracle, "recipe"), set);
    const struct mien_trainer_options in_order = { .shuffle = false };
    float *const losses = oracle_floats(oracle, "losses");
    float *const rates = oracle_floats(oracle, "rates");
    print_message("%s: %s", name, strstr(mien_safetensors_metadata(oracle, "recipe"), "train:"));
    assert_ok(mien_weights_from_file(file.weights, file.network, oracle, "before.", &err), &err);
    assert_ok(mien_trainer_init(&trainer, cl, &file, set, &in_order, &err), &err);
    const size_t steps = mien_trainer_steps(&trainer);
    assert_int_equal(steps * (size_t)file.recipe->train.epochs,
                     oracle_tensor(oracle, "losses")->shape[0]);
    for (int epoch = 0; epoch < file.recipe->train.epochs; epoch++) {
        trainer.position.epoch = epoch;
        trainer.position.step = 0;
        before = (struct mien_softmax_stats){ .loss = 0.0 };
        assert_ok(mien_trainer_begin_epoch(&trainer, &err), &err);
        for (size_t step = 0; step < steps; step++) {
            const size_t at = (size_t)epoch * steps + step;
            assert_float_equal(mien_trainer_rate(&trainer), rates[at], 1e-6f * rates[at]);
            assert_ok(mien_trainer_step(&trainer, &err), &err);
            assert_ok(mien_trainer_stats(&stats, &trainer, &err), &err);
            const double loss = (stats.loss - before.loss) / (stats.weight - before.weight);
            assert_float_equal(loss, losses[at], 1e-5f * losses[at]);
            before = stats;
        }
        assert_int_equal(stats.images, set->count);
    }
    assert_ok(mien_trainer_download(&trainer, &err), &err);
    check_weights(&file, oracle);
    mien_trainer_finish(&trainer);
    mien_model_file_finish(&file);
    set_free(set);
    mien_safetensors_close(oracle);
    free(losses);
    free(rates);
}

static void test_trainer__trains_as_pytorch_does(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 5; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "training_%02d", i);
        check_training(cl, name);
    }
    check_training(cl, "training_weighted");
    assert_int_equal(mien_cl_live(cl), 0);
}

static void test_trainer__balances_classes_by_their_images(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct set_sizes sizes = { 12, 4, 1, 8, 8, 4 };
    struct mien_dataset *const set = set_make(&sizes, 1);
    static const int32_t labels[] = { 0, 0, 0, 0, 0, 0, 1, 1, 3, 1, 3, 0, 2, 2, 2, 2 };
    memcpy((void *)(uintptr_t)set->labels, labels, sizeof(labels)); /* the last four validate */
    struct mien_model_file file =
        model_for("input: { channels: 1, height: 8, width: 8 }\n"
                  "layers: [ flatten, dense classes ]\ntrain: { class_weights: balanced }",
                  set);
    struct mien_trainer trainer;
    const struct mien_trainer_options options = { .shuffle = false };
    assert_ok(mien_trainer_init(&trainer, cl, &file, set, &options, &err), &err);
    float weights[4];
    assert_ok(mien_cl_read(cl, weights, trainer.class_weights, 0, sizeof(weights), &err), &err);
    const float want[] = { 12.0f / (3 * 7), 12.0f / (3 * 3), 1.0f, 12.0f / (3 * 2) };
    assert_all_close(weights, want, 4, 1e-6f, 0.0f);
    mien_trainer_finish(&trainer);
    mien_model_file_finish(&file);
    set_free(set);
    assert_int_equal(mien_cl_live(cl), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trainer__trains_as_pytorch_does),
        cmocka_unit_test(test_trainer__balances_classes_by_their_images),
    };
    return cmocka_run_group_tests_name("train/trainer", tests, device_setup, device_teardown);
}
