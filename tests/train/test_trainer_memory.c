/* test_trainer_memory.c - a network that the device has room for, but not for its training */
// wrap: mien_cl_bytes
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/replay.h"
#include "train/trainer.h"

static const char recipe[] = "input: { channels: 1, height: 9, width: 9 }\n"
                             "layers: [ conv 6 3x3, relu, flatten, dense 40, dense classes ]\n"
                             "train: { batch: 8, optimizer: { kind: adam } }\n";
static const struct set_sizes sizes = { 21, 9, 1, 9, 9, 3 };

/* Bytes that others hold already; 0: as it is. */
static size_t pretend_taken;

size_t __real_mien_cl_bytes(const struct mien_cl *cl);
size_t __wrap_mien_cl_bytes(const struct mien_cl *cl);

size_t __wrap_mien_cl_bytes(const struct mien_cl *cl)
{
    return pretend_taken > 0 ? pretend_taken : __real_mien_cl_bytes(cl);
}

static enum mien_status start(struct mien_cl *cl, struct mien_model_file *file,
                              const struct mien_dataset *set, struct mien_error *err)
{
    const struct mien_trainer_options options = { .shuffle = true };
    struct mien_trainer trainer;
    const enum mien_status st = mien_trainer_init(&trainer, cl, file, set, &options, err);
    mien_trainer_finish(&trainer);
    assert_int_equal(mien_cl_live(cl), 0);
    return st;
}

static void test_trainer_memory__counts_optimiser_and_images(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const size_t device = (size_t)mien_cl_device(cl)->global_bytes;
    struct mien_error err = { "" };
    struct mien_dataset *const set = set_make(&sizes, 3);
    struct mien_model_file file = model_for(recipe, set);
    struct mien_model_memory memory;
    const struct mien_model_options plan = { .batch = 8,
                                             .train = true,
                                             .lanes = mien_device_lanes(mien_cl_device(cl)) };
    assert_ok(mien_model_plan(&memory, file.network, &plan, &err), &err);
    const size_t model = mien_model_memory_bytes(&memory);
    const size_t training = mien_optimizer_bytes(&file.recipe->train, file.network->flat_floats) +
                            mien_loader_least_bytes(file.recipe, 3, 8) +
                            2 * mien_softmax_stats_bytes(8) + sizeof(struct mien_guard);
    assert_ok(start(cl, &file, set, &err), &err);
    pretend_taken = device - model; /* room for the network alone */
    must_fail(start(cl, &file, set, &err), MIEN_ERR_MEMORY, &err, "batches of 8 need ");
    assert_non_null(strstr(err.text, " (the network "));
    pretend_taken = device - model - training + 1;
    must_fail(start(cl, &file, set, &err), MIEN_ERR_MEMORY, &err, ", its training ");
    pretend_taken = device - model - training;
    assert_ok(start(cl, &file, set, &err), &err);
    pretend_taken = 0;
    mien_model_file_finish(&file);
    set_free(set);
}

/* So does the replay of a step, which has no optimiser and no data set. */
static void test_trainer_memory__counts_what_a_replay_needs(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const size_t device = (size_t)mien_cl_device(cl)->global_bytes;
    struct mien_error err = { "" };
    struct mien_dataset *const set = set_make(&sizes, 3);
    struct mien_model_file file =
        model_for("input: { channels: 1, height: 9, width: 9 }\n"
                  "layers: [ conv 6 3x3, relu, flatten, dense 40, dense classes ]\n"
                  "train: { batch: 8, sam: 0.1, class_weights: balanced, soft_targets: 0.5 }\n",
                  set);
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "replay.safetensors");
    set_add_targets(set, 5);
    const struct mien_replay_place place = { 1, 1, 2, 0.01 };
    const struct mien_trainer_options options = { .shuffle = true };
    struct mien_nonfinite found;
    struct mien_trainer trainer;
    struct mien_replay replay;
    assert_ok(mien_trainer_init(&trainer, cl, &file, set, &options, &err), &err);
    assert_ok(mien_trainer_begin_epoch(&trainer, &err), &err);
    assert_ok(mien_replay_write(&found, path, &trainer, &place, &err), &err);
    mien_trainer_finish(&trainer);
    assert_ok(mien_replay_read(&replay, path, &err), &err);
    struct mien_model_memory memory;
    const struct mien_model_options plan = {
        .batch = 8, .train = true, .again = true, .lanes = mien_device_lanes(mien_cl_device(cl))
    };
    assert_ok(mien_model_plan(&memory, file.network, &plan, &err), &err);
    const size_t needed = mien_model_memory_bytes(&memory) +
                          mien_sharpness_bytes(0.1f, file.network->flat_floats) +
                          2 * 8 * sizeof(int32_t) + 3 * sizeof(float) +
                          (size_t)8 * 3 * sizeof(float) + mien_softmax_stats_bytes(8);
    pretend_taken = device - needed + 1;
    must_fail(mien_replay_run(&found, &replay, cl, replay.blas, NULL, &err), MIEN_ERR_MEMORY, &err,
              ", its training ");
    pretend_taken = device - needed;
    assert_ok(mien_replay_run(&found, &replay, cl, replay.blas, NULL, &err), &err);
    pretend_taken = 0;
    mien_replay_finish(&replay);
    mien_model_file_finish(&file);
    set_free(set);
    scratch_remove(folder);
    free(path);
    assert_int_equal(mien_cl_live(cl), 0);
}

static void test_trainer_memory__images_that_may_but_cannot_be_there_stay_on_the_host(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_dataset *const set = set_make(&sizes, 3);
    const size_t images = set->count * 9 * 9;
    struct mien_recipe *const loaded = recipe_from(recipe);
    const struct mien_loader_options options = { .batch = 8,
                                                 .recipe = loaded,
                                                 .device_bytes = 2 * images };
    for (size_t missing = 0; missing < 2; missing++) {
        struct mien_loader *loader = NULL;
        pretend_taken = (size_t)mien_cl_device(cl)->global_bytes - images + missing;
        assert_ok(mien_loader_create(&loader, cl, set, &options, &err), &err);
        assert_int_equal(mien_loader_resident(loader), missing == 0);
        mien_loader_destroy(loader);
    }
    pretend_taken = 0;
    mien_recipe_destroy(loaded);
    set_free(set);
}

/* What mien summary prints: nothing more and nothing less is allocated. */
static void test_trainer_memory__is_what_was_planned(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const names[] = { "tiny",  "report",   "report-pooled",
                                         "small", "resnet-9", "medium" };
    static const char *const settings[][7] = {
        { "train.batch=5" },
        { "train.batch=5", "train.class_weights=balanced", "train.clip_norm=1",
          "train.accumulate=2", "train.ema=0.9", "train.sam=0.1", "train.soft_targets=0.5" },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) * 2; i++) {
        struct mien_error err = { "" };
        struct mien_recipe *loaded = NULL;
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/recipes/%s.yaml", MIEN_SOURCE_DIR, names[i / 2]);
        assert_ok(mien_recipe_load(&loaded, path, settings[i % 2], i % 2 == 0 ? 1 : 7, &err), &err);
        const struct mien_data_options image = mien_recipe_data_options(loaded);
        const struct set_sizes images = { 21, 9, image.channels, image.height, image.width, 3 };
        struct mien_dataset *const set = set_make(&images, 3);
        set_add_targets(set, 4);
        struct mien_model_file file;
        assert_ok(mien_model_file_create(&file, loaded, set->classes, set->class_count, &err),
                  &err);
        const struct mien_device_info *const device = mien_cl_device(cl);
        const struct mien_model_options options = { .batch = 5,
                                                    .train = true,
                                                    .again = i % 2 == 1,
                                                    .lanes = mien_device_lanes(device),
                                                    .local_bytes = (size_t)device->local_bytes };
        struct mien_model_memory model;
        assert_ok(mien_model_plan(&model, file.network, &options, &err), &err);
        const struct mien_trainer_memory plan = mien_trainer_plan(file.network, file.recipe, 5);
        const struct mien_trainer_options training = { .shuffle = true };
        struct mien_trainer trainer;
        assert_ok(mien_trainer_init(&trainer, cl, &file, set, &training, &err), &err);
        assert_true(mien_loader_resident(trainer.loader));
        assert_int_equal(mien_cl_bytes(cl),
                         mien_model_memory_bytes(&model) + plan.optimizer + plan.batches +
                             set->count * mien_loader_image_bytes(file.recipe, 3));
        mien_trainer_finish(&trainer);
        mien_model_file_finish(&file);
        set_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trainer_memory__images_that_may_but_cannot_be_there_stay_on_the_host),
        cmocka_unit_test(test_trainer_memory__counts_optimiser_and_images),
        cmocka_unit_test(test_trainer_memory__counts_what_a_replay_needs),
        cmocka_unit_test(test_trainer_memory__is_what_was_planned),
    };
    return cmocka_run_group_tests_name("train/trainer_memory", tests, device_setup,
                                       device_teardown);
}
