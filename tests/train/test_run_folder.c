/* test_run_folder.c - which folders a run takes, and which it leaves alone */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "support/device.h"
#include "support/runs.h"
#include "support/scratch.h"

/* Three steps an epoch. */
static const char recipe[] =
    "input: { channels: 1, height: 9, width: 9 }\n"
    "layers: [ flatten, dense 12, relu, dense classes ]\n"
    "train: { batch: 8, epochs: 3, optimizer: { rate: 0.05, momentum: 0.9 } }";
static const struct set_sizes sizes = { 21, 9, 1, 9, 9, 7 };

static void test_run_folder__takes_a_folder_without_a_checkpoint(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const left[] = { "history.csv", "best.safetensors", "steps.csv" };
    static const char begun[] = "{\"mien\": \"0.1.0\", \"state\": \"running\"}";
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const folder = scratch_make();
    char *const info = scratch_path(folder, "run.json");
    scratch_write(info, begun, sizeof(begun) - 1);
    free(info);
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        char *const path = scratch_path(folder, left[i]);
        scratch_write(path, "left", 4);
        free(path);
    }
    /* Stopped inside its first epoch: what it has not written itself is gone. */
    (void)run_must(cl, set,
                   &(struct test_run){ .recipe = recipe, .folder = folder, .max_steps = 2 });
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        char *const path = scratch_path(folder, left[i]);
        assert_false(mien_path_is_file(path));
        free(path);
    }
    (void)run_must(cl, set,
                   &(struct test_run){ .recipe = recipe, .folder = folder, .resume = true });
    scratch_remove(folder);
    set_free(set);
}

static void test_run_folder__refuses_a_folder_that_is_in_use_or_not_its_own(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_run_result result;
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const folder = scratch_make();
    char *const thesis = scratch_path(folder, "thesis.tex");
    struct test_run plan = { .recipe = recipe, .folder = folder, .max_steps = 2 };
    const int other = open(folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(other, LOCK_EX), 0);
    must_fail(run_try(&result, cl, set, &plan, &err), MIEN_ERR_IO, &err,
              "is in use by another run");
    assert_int_equal(scratch_count(folder), 0);
    assert_int_equal(flock(other, LOCK_UN), 0);
    scratch_write(thesis, "x", 1);
    must_fail(run_try(&result, cl, set, &plan, &err), MIEN_ERR_IO, &err,
              "other files (thesis.tex)");
    assert_int_equal(scratch_count(folder), 1);
    assert_int_equal(remove(thesis), 0);
    (void)run_must(cl, set, &plan);
    plan.resume = true;
    assert_int_equal(flock(other, LOCK_EX), 0);
    must_fail(run_try(&result, cl, set, &plan, &err), MIEN_ERR_IO, &err,
              "is in use by another run");
    assert_int_equal(close(other), 0);
    (void)run_must(cl, set, &plan);
    free(thesis);
    scratch_remove(folder);
    set_free(set);
}

/* Names alone do not make files a run's: nothing of somebody else's is written over or deleted. */
static void test_run_folder__leaves_alone_what_no_run_has_left(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const names[] = { "recipe.yaml", "best.safetensors", "run.json" };
    struct mien_dataset *const set = set_make(&sizes, 3);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct mien_error err = { "" };
        struct mien_run_result result;
        char *const folder = scratch_make();
        char *const hidden = scratch_path(folder, ".hidden");
        char *const path = scratch_path(folder, names[i]);
        const struct test_run plan = { .recipe = recipe, .folder = folder, .max_steps = 2 };
        scratch_write(path, "{}", 2);
        must_fail(run_try(&result, cl, set, &plan, &err), MIEN_ERR_IO, &err,
                  "no run.json says that a run left it");
        assert_int_equal(scratch_count(folder), 1);
        assert_int_equal(remove(path), 0);
        scratch_write(hidden, "x", 1); /* nobody's */
        (void)run_must(cl, set, &plan);
        free(hidden);
        free(path);
        scratch_remove(folder);
    }
    set_free(set);
}

/* One without its history, say. */
static void test_run_folder__keeps_what_a_run_says_that_cannot_go_on(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_run_result result;
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const folder = scratch_make();
    char *const info = scratch_path(folder, "run.json");
    char *const history = scratch_path(folder, "history.csv");
    struct test_run plan = { .recipe = recipe, .folder = folder };
    size_t bytes = 0;
    size_t bytes_after = 0;
    (void)run_must(cl, set, &plan);
    unsigned char *const before = scratch_read(info, &bytes);
    assert_int_equal(remove(history), 0);
    plan.resume = true;
    must_fail(run_try(&result, cl, set, &plan, &err), MIEN_ERR_FORMAT, &err, "history.csv");
    unsigned char *const after = scratch_read(info, &bytes_after);
    assert_int_equal(bytes_after, bytes);
    assert_memory_equal(after, before, bytes);
    free(before);
    free(after);
    free(info);
    free(history);
    scratch_remove(folder);
    set_free(set);
}

static void test_run_folder__refuses_a_folder_that_holds_a_run(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_run_result result;
    struct mien_dataset *const set = set_make(&sizes, 3);
    struct mien_dataset *const other = set_make(&sizes, 4);
    char *const folder = scratch_make();
    struct test_run plan = { .recipe = recipe, .folder = folder, .max_steps = 2 };
    (void)run_must(cl, set, &plan);
    must_fail(run_try(&result, cl, set, &plan, &err), MIEN_ERR_IO, &err, "holds a run already");
    plan.resume = true;
    must_fail(run_try(&result, cl, other, &plan, &err), MIEN_ERR_FORMAT, &err, "other data");
    plan.in_order = true;
    must_fail(run_try(&result, cl, set, &plan, &err), MIEN_ERR_USAGE, &err, "shuffled");
    scratch_remove(folder);
    set_free(set);
    set_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_folder__takes_a_folder_without_a_checkpoint),
        cmocka_unit_test(test_run_folder__refuses_a_folder_that_is_in_use_or_not_its_own),
        cmocka_unit_test(test_run_folder__leaves_alone_what_no_run_has_left),
        cmocka_unit_test(test_run_folder__keeps_what_a_run_says_that_cannot_go_on),
        cmocka_unit_test(test_run_folder__refuses_a_folder_that_holds_a_run),
    };
    return cmocka_run_group_tests_name("train/run_folder", tests, device_setup, device_teardown);
}
