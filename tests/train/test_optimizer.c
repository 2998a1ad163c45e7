/* test_optimizer.c - the averaged weights of a trainer: what they are, and where they are used */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/average.h"
#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/evaluate.h"
#include "train/run.h"

#define LAYERS                                                                                     \
    "input: { channels: 1, height: 9, width: 9 }\n"                                                \
    "layers: [ conv 6 3x3 pad 1, batchnorm, relu, flatten, dense classes ]\n"

static const char averaged[] =
    LAYERS "train: { batch: 8, epochs: 2, ema: 0.3, optimizer: { kind: sgd, rate: 0.05 } }";

static const struct set_sizes sizes = { 21, 9, 1, 9, 9, 7 };
static const struct mien_trainer_options shuffled = { .shuffle = true };

static void read_flat(float *out, const struct mien_trainer *trainer,
                      const struct mien_cl_buffer *from)
{
    struct mien_error err = { "" };
    assert_ok(mien_cl_read(trainer->cl, out, from, 0,
                           trainer->file->network->flat_floats * sizeof(*out), &err),
              &err);
}

static void test_optimizer__average_begins_fast_and_keeps_its_share_in_the_end(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const double keeps[] = { 2.0 / 11.0, 3.0 / 12.0, 0.3 };
    struct mien_error err = { "" };
    struct mien_trainer trainer;
    struct mien_dataset *const set = set_make(&sizes, 2);
    struct mien_model_file file = model_for(averaged, set);
    const size_t count = file.network->flat_floats;
    float *const want = malloc(count * sizeof(*want));
    float *const weights = malloc(count * sizeof(*weights));
    float *const got = malloc(count * sizeof(*got));
    assert_non_null(want);
    assert_non_null(weights);
    assert_non_null(got);
    memcpy(want, file.weights, count * sizeof(*want));
    assert_ok(mien_trainer_init(&trainer, cl, &file, set, &shuffled, &err), &err);
    assert_ok(mien_trainer_begin_epoch(&trainer, &err), &err);
    for (int step = 0; step < 3; step++) {
        assert_ok(mien_trainer_step(&trainer, &err), &err);
        read_flat(weights, &trainer, mien_model_values(trainer.model));
        mien_ref_average_update(want, weights, count, (float)(1.0 - keeps[step]));
        read_flat(got, &trainer, mien_optimizer_average(trainer.optimizer));
        assert_all_close(got, want, count, 1e-6f, 1e-6f);
    }
    /* Running values take part. */
    const size_t mean = param_offset(file.network, "batchnorm1.running_mean", NULL);
    assert_true(got[mean] != weights[mean]);

    /* They change places and back, and what is saved are they. */
    assert_ok(mien_optimizer_swap(trainer.optimizer, &err), &err);
    float *const placed = malloc(count * sizeof(*placed));
    assert_non_null(placed);
    read_flat(placed, &trainer, mien_model_values(trainer.model));
    assert_memory_equal(placed, got, count * sizeof(*got));
    assert_ok(mien_optimizer_swap(trainer.optimizer, &err), &err);
    read_flat(placed, &trainer, mien_model_values(trainer.model));
    assert_memory_equal(placed, weights, count * sizeof(*got));
    assert_ok(mien_trainer_download(&trainer, &err), &err);
    assert_memory_equal(file.weights, got, count * sizeof(*got));
    free(placed);
    mien_trainer_finish(&trainer);
    mien_model_file_finish(&file);
    set_free(set);
    free(want);
    free(weights);
    free(got);
    assert_int_equal(mien_cl_live(cl), 0);
}

/* The validation loss of the last row of history.csv. */
static double last_validation_loss(const char *folder)
{
    size_t bytes = 0;
    char *const path = scratch_path(folder, "history.csv");
    char *const text = (char *)scratch_read(path, &bytes);
    const char *row = text;
    for (const char *next = strchr(row, '\n'); next != NULL && next[1] != '\0';
         next = strchr(row, '\n')) {
        row = next + 1;
    }
    for (int column = 0; column < 3; column++) {
        row = strchr(row, ',');
        assert_non_null(row);
        row++;
    }
    const double loss = strtod(row, NULL);
    free(path);
    free(text);
    return loss;
}

static double loss_of(struct mien_cl *cl, const struct mien_model_file *file,
                      const struct mien_dataset *set)
{
    struct mien_error err = { "" };
    struct mien_trainer trainer;
    struct mien_softmax_stats stats;
    struct mien_model_file copy = *file; /* borrowed by the trainer, which writes nothing to it */
    assert_ok(mien_trainer_init(&trainer, cl, &copy, set, &shuffled, &err), &err);
    const struct mien_evaluation_options options = { MIEN_SPLIT_VALIDATION, 1, NULL };
    assert_ok(mien_evaluate(&stats, NULL, trainer.model, trainer.loader, &options, &err), &err);
    mien_trainer_finish(&trainer);
    return stats.loss / stats.weight;
}

static void test_optimizer__average_is_what_a_run_validates_and_hands_back(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_run_result result;
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const folder = scratch_make();
    char *const last = scratch_path(folder, "last.safetensors");
    struct mien_model_file file = model_for(averaged, set);
    struct mien_model_file saved;
    const struct mien_run_options options = { .folder = folder, .trainer = shuffled };
    assert_ok(mien_run(&result, cl, &file, set, &options, &err), &err);
    assert_ok(mien_model_file_load(&saved, last, &err), &err);
    assert_memory_equal(saved.weights, file.weights,
                        file.network->flat_floats * sizeof(*file.weights));
    assert_true(fabs(loss_of(cl, &saved, set) - last_validation_loss(folder)) < 1e-6);

    /* The weights in training are kept beside them, and are others. */
    struct mien_safetensors *raw = NULL;
    assert_ok(mien_safetensors_open(&raw, last, &err), &err);
    const struct mien_tensor *const trained = mien_safetensors_find(raw, "state.weights");
    assert_non_null(trained);
    assert_int_equal(trained->bytes, file.network->flat_floats * sizeof(float));
    assert_true(memcmp(trained->data, file.weights, trained->bytes) != 0);
    mien_safetensors_close(raw);
    mien_model_file_finish(&saved);
    mien_model_file_finish(&file);
    set_free(set);
    scratch_remove(folder);
    free(last);
}

static void test_optimizer__takes_the_bytes_that_it_says(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const methods[] = {
        "{ batch: 8 }",
        "{ batch: 8, optimizer: { momentum: 0.9 } }",
        "{ batch: 8, ema: 0.9, optimizer: { kind: adam } }",
        "{ batch: 8, accumulate: 2 }",
        "{ batch: 8, accumulate: 2, clip_norm: 1, ema: 0.9, optimizer: { kind: adamw } }",
    };
    struct mien_error err = { "" };
    struct mien_dataset *const set = set_make(&sizes, 2);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char text[512];
        struct mien_model *model = NULL;
        struct mien_optimizer *optimizer = NULL;
        (void)snprintf(text, sizeof(text), "%strain: %s", LAYERS, methods[i]);
        struct mien_model_file file = model_for(text, set);
        const struct mien_model_options options = { .batch = 8, .train = true };
        assert_ok(mien_model_create(&model, cl, file.network, &options, &err), &err);
        const size_t before = mien_cl_bytes(cl);
        assert_ok(mien_optimizer_create(&optimizer, model, &file.recipe->train, &err), &err);
        assert_int_equal(mien_cl_bytes(cl) - before,
                         mien_optimizer_bytes(&file.recipe->train, file.network->flat_floats));
        mien_optimizer_destroy(optimizer);
        mien_model_destroy(model);
        mien_model_file_finish(&file);
    }
    set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimizer__average_begins_fast_and_keeps_its_share_in_the_end),
        cmocka_unit_test(test_optimizer__average_is_what_a_run_validates_and_hands_back),
        cmocka_unit_test(test_optimizer__takes_the_bytes_that_it_says),
    };
    return cmocka_run_group_tests_name("train/optimizer", tests, device_setup, device_teardown);
}
