/* test_trainer_memory.c - a network that the device has room for, but not for its training */
// wrap: mien_cl_bytes
#include <stdint.h>
#include <string.h>

#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
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
                            mien_loader_least_bytes(file.recipe, 8) +
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trainer_memory__images_that_may_but_cannot_be_there_stay_on_the_host),
        cmocka_unit_test(test_trainer_memory__counts_optimiser_and_images),
    };
    return cmocka_run_group_tests_name("train/trainer_memory", tests, device_setup,
                                       device_teardown);
}
