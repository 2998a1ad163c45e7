/* test_trainer.c - whole epochs by a recipe's method against PyTorch */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights.h"
#include "support/layout.h"
#include "support/oracle.h"
#include "support/scratch.h"
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
    if (mien_safetensors_find(oracle, "targets") != NULL) {
        set->targets = oracle_floats(oracle, "targets");
    }
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
        const float *const got = file->weights + param->offset;
        if (strstr(param->name, "running_mean") != NULL) { /* close to 0, of values around 1 */
            assert_all_close(got, want + param->offset, param->count, 1e-6f, 1e-5f);
        } else {
            assert_close_to_scale(got, want + param->offset, param->count, 1e-5f);
        }
    }
    free(want);
}

/* Every step's rate and loss, and the weights behind the last. */
static void check_training(struct mien_cl *cl, const char *name)
{
    struct mien_error err = { "" };
    struct mien_trainer trainer;
    struct mien_softmax_stats stats = { .loss = 0.0 };
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
    for (int i = 0; i < 8; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "training_%02d", i);
        check_training(cl, name);
    }
    check_training(cl, "training_weighted");
    check_training(cl, "training_sharp");
    check_training(cl, "training_sharp_accumulated");
    check_training(cl, "training_targets");
    check_training(cl, "training_targets_weighted");
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

static void test_trainer__weighs_classes_by_name(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct set_sizes sizes = { 12, 4, 1, 8, 8, 4 };
    static const struct {
        const char *weights;
        float want[4];
        const char *why;
    } rows[] = {
        { "c2 4; c0 0.5", { 0.5f, 1.0f, 4.0f, 1.0f }, NULL },
        { "anger 3;c1 2", { 1.0f, 2.0f, 1.0f, 3.0f }, NULL },
        { "c2 4; c7 1", { 0 }, "the data has no class 'c7'" },
        { "c2 4; happy 1", { 0 }, "the data has no class 'happy'" },
        { "angry 1; mad 2", { 0 }, "a second weight for the class 'angry'" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char recipe[256];
        struct mien_dataset *const set = set_make(&sizes, 1);
        free(set->classes[3]);
        set->classes[3] = strdup("angry");
        (void)snprintf(recipe, sizeof(recipe),
                       "input: { channels: 1, height: 8, width: 8 }\n"
                       "layers: [ flatten, dense classes ]\ntrain: { class_weights: \"%s\" }",
                       rows[i].weights);
        struct mien_model_file file = model_for(recipe, set);
        struct mien_trainer trainer;
        const struct mien_trainer_options options = { .shuffle = false };
        const enum mien_status st = mien_trainer_init(&trainer, cl, &file, set, &options, &err);
        if (rows[i].why == NULL) {
            float weights[4];
            assert_ok(st, &err);
            assert_ok(mien_cl_read(cl, weights, trainer.class_weights, 0, sizeof(weights), &err),
                      &err);
            assert_all_close(weights, rows[i].want, 4, 0.0f, 0.0f);
        } else {
            must_fail(st, MIEN_ERR_FORMAT, &err, rows[i].why);
        }
        mien_trainer_finish(&trainer);
        mien_model_file_finish(&file);
        set_free(set);
    }
    assert_int_equal(mien_cl_live(cl), 0);
}

#define PLAIN                                                                                      \
    "input: { channels: 1, height: 9, width: 9 }\n"                                                \
    "layers: [ conv 6 3x3 pad 1, relu, flatten, dense classes ]\n"

/* Two epochs; the losses of all steps are written to `losses`.  Release the file. */
static struct mien_model_file train(double *losses, size_t *steps, struct mien_cl *cl,
                                    const char *recipe, const struct mien_dataset *set)
{
    struct mien_error err = { "" };
    struct mien_trainer trainer;
    struct mien_softmax_stats stats;
    const struct mien_trainer_options shuffled = { .shuffle = true };
    struct mien_model_file file = model_for(recipe, set);
    assert_ok(mien_trainer_init(&trainer, cl, &file, set, &shuffled, &err), &err);
    *steps = mien_trainer_steps(&trainer);
    for (size_t k = 0; k < 2 * *steps; k++) {
        trainer.position.epoch = (int)(k / *steps);
        trainer.position.step = k % *steps;
        if (trainer.position.step == 0) {
            assert_ok(mien_trainer_begin_epoch(&trainer, &err), &err);
        }
        assert_ok(mien_trainer_step(&trainer, &err), &err);
        assert_ok(mien_trainer_stats(&stats, &trainer, &err), &err);
        losses[k] = stats.loss / stats.weight;
    }
    assert_int_equal(mien_optimizer_steps(trainer.optimizer), 2 * *steps);
    assert_ok(mien_trainer_download(&trainer, &err), &err);
    mien_trainer_finish(&trainer);
    return file;
}

/* 38 images in steps of 15, 15 and 8: the last one of a whole batch and a part of one. */
static void test_trainer__accumulated_batches_are_one_large_batch(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const methods[] = {
        "epochs: 2, clip_norm: 0.3, optimizer: { rate: 0.1, momentum: 0.9 },"
        " schedule: { kind: cosine, warmup: 0.5 } }",
        "epochs: 2, ema: 0.5, optimizer: { kind: adamw, rate: 0.01, weight_decay: 0.1 } }",
    };
    const struct set_sizes sizes = { 38, 0, 1, 9, 9, 7 };
    struct mien_dataset *const set = set_make(&sizes, 4);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char large[512];
        char small[512];
        double want[6];
        double got[6];
        size_t steps = 0;
        (void)snprintf(large, sizeof(large), "%strain: { batch: 15, %s", PLAIN, methods[i]);
        (void)snprintf(small, sizeof(small), "%strain: { batch: 5, accumulate: 3, %s", PLAIN,
                       methods[i]);
        struct mien_model_file a = train(want, &steps, cl, large, set);
        assert_int_equal(steps, 3);
        struct mien_model_file b = train(got, &steps, cl, small, set);
        assert_int_equal(steps, 3);
        for (size_t k = 0; k < 6; k++) {
            assert_true(fabs(got[k] - want[k]) <= 1e-6 * want[k]);
        }
        assert_close_to_scale(b.weights, a.weights, a.network->flat_floats, 2e-6f);
        mien_model_file_finish(&a);
        mien_model_file_finish(&b);
    }
    set_free(set);
    assert_int_equal(mien_cl_live(cl), 0);
}

/* More batches than an epoch has: a step is the epoch. */
static void test_trainer__takes_no_more_than_an_epoch_for_a_step(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct set_sizes sizes = { 11, 0, 1, 9, 9, 7 };
    struct mien_dataset *const set = set_make(&sizes, 4);
    double losses[2];
    size_t steps = 0;
    struct mien_model_file file =
        train(losses, &steps, cl, PLAIN "train: { batch: 4, accumulate: 65536 }", set);
    assert_int_equal(steps, 1);
    assert_true(losses[1] < losses[0]);
    mien_model_file_finish(&file);
    set_free(set);
}

/* Euclidean. */
static double norm_of(const float *x, size_t count)
{
    double squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        squares += (double)x[i] * (double)x[i];
    }
    return sqrt(squares);
}

/* What sam does, by hand: dropout and mixture are the batch's in both passes. */
static void test_trainer__sam_is_two_passes_of_one_batch(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct set_sizes sizes = { 21, 4, 1, 9, 9, 3 };
    struct mien_dataset *const set = set_make(&sizes, 2);
    struct mien_model_file file = model_for(
        "input: { channels: 1, height: 7, width: 7, margin: 1 }\n"
        "augment: { mirror: yes, rotate: 15, erase: 0.3, mixup: 0.4 }\n"
        "layers: [ conv 4 3x3 pad 1, batchnorm, relu, dropout 0.3, flatten, dense classes ]\n"
        "train: { batch: 7, sam: 0.5 }",
        set);
    const size_t count = file.network->flat_floats;
    const size_t bytes = count * sizeof(float);
    float *const home = malloc(bytes);
    float *const grads = malloc(bytes);
    float *const want = malloc(bytes);
    assert_true(home != NULL && grads != NULL && want != NULL);
    struct mien_trainer trainer;
    struct mien_batch batch;
    const struct mien_trainer_options options = { .shuffle = true };
    assert_ok(mien_trainer_init(&trainer, cl, &file, set, &options, &err), &err);
    assert_ok(mien_trainer_begin_epoch(&trainer, &err), &err);
    assert_ok(mien_trainer_load(&batch, &trainer, 1, 0, &err), &err);
    assert_true(batch.second > 0.0f);
    struct mien_cl_buffer *const values = mien_model_values(trainer.model);
    const struct mien_cl_buffer *const gradients = mien_model_gradients(trainer.model);
    batch.sharpness = NULL;
    assert_ok(mien_cl_read(cl, home, values, 0, bytes, &err), &err);
    assert_ok(mien_batch_run(trainer.model, &batch, &err), &err);
    assert_ok(mien_cl_read(cl, grads, gradients, 0, bytes, &err), &err);
    const double scale = 0.5 / norm_of(grads, count);
    for (size_t i = 0; i < count; i++) {
        grads[i] = (float)((double)home[i] + scale * (double)grads[i]);
    }
    assert_ok(mien_cl_write(cl, values, 0, grads, bytes, &err), &err);
    assert_ok(mien_batch_run(trainer.model, &batch, &err), &err);
    assert_ok(mien_cl_read(cl, want, gradients, 0, bytes, &err), &err);
    assert_ok(mien_cl_write(cl, values, 0, home, bytes, &err), &err);
    batch.sharpness = &trainer.sharpness;
    assert_ok(mien_batch_run(trainer.model, &batch, &err), &err);
    assert_ok(mien_cl_read(cl, grads, gradients, 0, bytes, &err), &err);
    assert_close_to_scale(grads, want, count, 1e-5f);
    free(home);
    free(grads);
    free(want);
    mien_trainer_finish(&trainer);
    mien_model_file_finish(&file);
    set_free(set);
    assert_int_equal(mien_cl_live(cl), 0);
}

/* Behind a pooling nobody reads the images any more, and their memory is wanted. */
static void test_trainer__the_second_pass_of_sam_has_the_same_images(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct set_sizes sizes = { 14, 4, 1, 12, 12, 3 };
    struct mien_dataset *const set = set_make(&sizes, 2);
    struct mien_model_file file =
        model_for("input: { channels: 1, height: 12, width: 12 }\n"
                  "layers: [ avgpool 2, conv 4 3x3 pad 1, relu, conv 4 3x3 pad 1, relu, flatten,\n"
                  "          dense classes ]\ntrain: { batch: 7, sam: 0.1 }",
                  set);
    struct mien_trainer trainer;
    struct mien_batch batch;
    const struct mien_trainer_options options = { .shuffle = true };
    assert_ok(mien_trainer_init(&trainer, cl, &file, set, &options, &err), &err);
    assert_ok(mien_trainer_begin_epoch(&trainer, &err), &err);
    assert_ok(mien_trainer_load(&batch, &trainer, 0, 0, &err), &err);
    const struct mien_act in = mien_model_input_act(trainer.model, batch.n);
    const size_t bytes = mien_act_floats(&in) * sizeof(float);
    float *const before = malloc(bytes);
    float *const after = malloc(bytes);
    assert_true(before != NULL && after != NULL);
    struct mien_cl_buffer *const input = mien_model_input(trainer.model);
    assert_ok(mien_cl_read(cl, before, input, 0, bytes, &err), &err);
    assert_ok(mien_batch_run(trainer.model, &batch, &err), &err);
    assert_ok(mien_cl_read(cl, after, input, 0, bytes, &err), &err);
    assert_memory_equal(after, before, bytes);
    free(before);
    free(after);
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
        cmocka_unit_test(test_trainer__weighs_classes_by_name),
        cmocka_unit_test(test_trainer__accumulated_batches_are_one_large_batch),
        cmocka_unit_test(test_trainer__sam_is_two_passes_of_one_batch),
        cmocka_unit_test(test_trainer__the_second_pass_of_sam_has_the_same_images),
        cmocka_unit_test(test_trainer__takes_no_more_than_an_epoch_for_a_step),
    };
    return cmocka_run_group_tests_name("train/trainer", tests, device_setup, device_teardown);
}
