/* test_run_best.c - best.safetensors is of the epoch that the checkpoint counts as the best */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/safetensors.h"
#include "support/device.h"
#include "support/runs.h"
#include "support/scratch.h"

/* Three steps an epoch. */
static const char recipe[] =
    "input: { channels: 1, height: 9, width: 9 }\n"
    "layers: [ flatten, dense 12, relu, dense classes ]\n"
    "train: { batch: 8, epochs: 3, optimizer: { rate: 0.05, momentum: 0.9 } }";
static const struct set_sizes sizes = { 21, 9, 1, 9, 9, 7 };

/* Begin a run, or go on with it, for so many steps; 0: to its end. */
static struct mien_run_result run(struct mien_cl *cl, const struct mien_dataset *set,
                                  const char *folder, bool resume, size_t steps)
{
    return run_must(cl, set,
                    &(struct test_run){
                        .recipe = recipe, .folder = folder, .resume = resume, .max_steps = steps });
}

static void assert_same_best(const char *a, const char *b)
{
    char *const one = scratch_path(a, "best.safetensors");
    char *const other = scratch_path(b, "best.safetensors");
    scratch_same(one, other);
    free(one);
    free(other);
}

/* Another file in the place of best.safetensors; `epoch` NULL: of an earlier version. */
static void put_best(const char *folder, const char *epoch)
{
    struct mien_error err = { "" };
    struct mien_model_file file;
    const struct mien_metadata says[] = { { "best_epoch", epoch }, { "best_accuracy", "1" } };
    char *const last = scratch_path(folder, "last.safetensors");
    char *const best = scratch_path(folder, "best.safetensors");
    assert_ok(mien_model_file_load(&file, last, &err), &err);
    file.weights[0] = 0.125f;
    assert_ok(mien_model_file_save(best, &file, NULL, 0, says, epoch != NULL ? 2 : 0, &err), &err);
    mien_model_file_finish(&file);
    free(last);
    free(best);
}

/* The epoch that best.safetensors says it is of. */
static int epoch_of_best(const char *folder)
{
    struct mien_error err = { "" };
    struct mien_safetensors *file = NULL;
    char *const path = scratch_path(folder, "best.safetensors");
    assert_ok(mien_safetensors_open(&file, path, &err), &err);
    const char *const text = mien_safetensors_metadata(file, "best_epoch");
    const int epoch = text != NULL ? (int)strtol(text, NULL, 10) : 0;
    mien_safetensors_close(file);
    free(path);
    return epoch;
}

/* As when the best weights were written and the checkpoint behind them could not be. */
static void test_run_best__is_not_of_an_epoch_that_does_not_count(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const folder = scratch_make();
    char *const whole = scratch_make();
    (void)run(cl, set, whole, false, 3);
    (void)run(cl, set, folder, false, 3);
    assert_int_equal(epoch_of_best(folder), 1);
    put_best(folder, "2"); /* the checkpoint's weights are those of its best epoch */
    assert_int_equal(run(cl, set, folder, true, 1).best_epoch, 1);
    assert_same_best(whole, folder);
    put_best(folder, "1"); /* the epoch, with another accuracy; its weights are nowhere else */
    const struct mien_run_result result = run(cl, set, folder, true, 0);
    assert_true(result.best_epoch >= 2);
    assert_int_equal(epoch_of_best(folder), result.best_epoch);
    scratch_remove(folder);
    scratch_remove(whole);
    set_free(set);
}

static void test_run_best__believes_files_that_do_not_say(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const folder = scratch_make();
    (void)run(cl, set, folder, false, 3);
    put_best(folder, NULL);
    assert_int_equal(run(cl, set, folder, true, 1).best_epoch, 1);
    assert_int_equal(epoch_of_best(folder), 0);
    char *const best = scratch_path(folder, "best.safetensors");
    scratch_write(best, "cut", 3); /* one that nothing can be made of is no better than none */
    assert_int_equal(run(cl, set, folder, true, 1).best_epoch, 0);
    free(best);
    scratch_remove(folder);
    set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_best__is_not_of_an_epoch_that_does_not_count),
        cmocka_unit_test(test_run_best__believes_files_that_do_not_say),
    };
    return cmocka_run_group_tests_name("train/run_best", tests, device_setup, device_teardown);
}
