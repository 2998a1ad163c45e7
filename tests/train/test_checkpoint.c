/* test_checkpoint.c - a trainer's state to a file and back, and files that are none */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/checkpoint.h"

static const char recipe[] = "input: { channels: 1, height: 6, width: 6 }\n"
                             "layers: [ conv 4 3x3, relu, flatten, dense classes ]\n"
                             "train: { batch: 4, ema: 0.5, optimizer: { kind: adam, rate: 0.01 } }";
static const struct set_sizes sizes = { 10, 0, 1, 6, 6, 3 };
static const struct mien_trainer_options shuffled = { .shuffle = true };

/* A trainer that has made `steps` steps of its first epoch. */
struct fixture {
    struct mien_dataset *set;
    struct mien_model_file file;
    struct mien_trainer trainer;
};

static void set_up(struct fixture *f, struct mien_cl *cl, int steps)
{
    struct mien_error err = { "" };
    f->set = set_make(&sizes, 2);
    f->file = model_for(recipe, f->set);
    assert_ok(mien_trainer_init(&f->trainer, cl, &f->file, f->set, &shuffled, &err), &err);
    assert_ok(mien_trainer_begin_epoch(&f->trainer, &err), &err);
    for (int i = 0; i < steps; i++) {
        assert_ok(mien_trainer_step(&f->trainer, &err), &err);
    }
}

static void tear_down(struct fixture *f, struct mien_cl *cl)
{
    mien_trainer_finish(&f->trainer);
    mien_model_file_finish(&f->file);
    set_free(f->set);
    assert_int_equal(mien_cl_live(cl), 0);
}

static void test_checkpoint__gives_back_the_whole_state(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    char *const folder = scratch_make();
    char *const a = scratch_path(folder, "a.safetensors");
    char *const b = scratch_path(folder, "b.safetensors");
    set_up(&f, cl, 2);
    f.trainer.position.best_epoch = 1;
    f.trainer.position.best_accuracy = 1.0 / 3.0;
    f.trainer.position.plateau = (struct mien_plateau){ 9, 2.0 / 3.0, 3, 2 };
    assert_ok(mien_checkpoint_save(a, &f.trainer, &err), &err);
    tear_down(&f, cl);

    f.set = set_make(&sizes, 2);
    assert_ok(mien_model_file_load(&f.file, a, &err), &err);
    assert_ok(mien_trainer_init(&f.trainer, cl, &f.file, f.set, &shuffled, &err), &err);
    assert_ok(mien_checkpoint_restore(&f.trainer, a, &err), &err);
    assert_int_equal(f.trainer.position.step, 2);
    assert_true(f.trainer.position.best_accuracy == 1.0 / 3.0);
    assert_int_equal(f.trainer.position.plateau.epochs, 9);
    assert_true(f.trainer.position.plateau.best == 2.0 / 3.0);
    assert_int_equal(f.trainer.position.plateau.bad, 3);
    assert_int_equal(f.trainer.position.plateau.drops, 2);
    assert_ok(mien_checkpoint_save(b, &f.trainer, &err), &err);
    scratch_same(a, b);
    tear_down(&f, cl);
    free(a);
    free(b);
    scratch_remove(folder);
}

/* Replace the first `from` in a file by `to` of the same length. */
static void replace_text(const char *path, const char *from, const char *to)
{
    size_t bytes = 0;
    unsigned char *const data = scratch_read(path, &bytes);
    assert_int_equal(strlen(from), strlen(to));
    size_t at = 0;
    while (at + strlen(from) <= bytes && memcmp(data + at, from, strlen(from)) != 0) {
        at++;
    }
    assert_true(at + strlen(from) <= bytes);
    memcpy(data + at, to, strlen(to));
    scratch_write(path, data, bytes);
    free(data);
}

/* As a file from before there were plateaus and accumulated batches. */
static void test_checkpoint__of_an_older_version_goes_on(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.safetensors");
    set_up(&f, cl, 2);
    assert_ok(mien_checkpoint_save(path, &f.trainer, &err), &err);
    replace_text(path, "\"accumulate\"", "\"accumulat_\"");
    replace_text(path, "\"plateau_best\"", "\"plateau_bes_\"");
    f.trainer.position.plateau.best = 0.5;
    assert_ok(mien_checkpoint_restore(&f.trainer, path, &err), &err);
    assert_true(f.trainer.position.plateau.best == 0.0);
    tear_down(&f, cl);
    free(path);
    scratch_remove(folder);
}

static void test_checkpoint__refuses_what_does_not_fit(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct {
        const char *from, *to, *part;
        enum mien_status status;
    } cases[] = {
        { "\"step\":\"2\"", "\"step\":\"9\"", "an epoch has 3 steps", MIEN_ERR_FORMAT },
        { "\"step\":\"2\"", "\"step\":\"-\"", "metadata 'step' is '-'", MIEN_ERR_FORMAT },
        { "\"epoch\":\"0\"", "\"epoch\":\"x\"", "metadata 'epoch' is 'x'", MIEN_ERR_FORMAT },
        { "\"epoch\":\"0\"", "\"epocx\":\"0\"", "no 'epoch'", MIEN_ERR_FORMAT },
        { "\"best_accuracy\":\"0\"", "\"best_accuracy\":\"7\"", "not an accuracy",
          MIEN_ERR_FORMAT },
        { "\"train_accuracy\":\"0\"", "\"train_accuracy\":\"n\"", "not an accuracy",
          MIEN_ERR_FORMAT },
        { "\"plateau_drops\":\"0\"", "\"plateau_drops\":\"-\"", "metadata 'plateau_drops' is '-'",
          MIEN_ERR_FORMAT },
        { "\"plateau_best\":\"0\"", "\"plateau_best\":\"2\"", "not an accuracy", MIEN_ERR_FORMAT },
        { "\"data_fingerprint\":\"1", "\"data_fingerprint\":\"2", "other data", MIEN_ERR_FORMAT },
        { "\"batch\":\"4\"", "\"batch\":\"5\"", "batches of 5", MIEN_ERR_USAGE },
        { "\"accumulate\":\"1\"", "\"accumulate\":\"2\"", "steps of 2 batches", MIEN_ERR_USAGE },
        { "\"shuffle\":\"1\"", "\"shuffle\":\"0\"", "not shuffled", MIEN_ERR_USAGE },
        { "state.adam_mean", "state.adam_mexn", "state.adam_mean is missing", MIEN_ERR_FORMAT },
        { "state.weights", "state.weighty", "state.weights is missing", MIEN_ERR_FORMAT },
        { "state.epoch_sums", "state.epoch_sumx", "state.epoch_sums is missing", MIEN_ERR_FORMAT },
    };
    struct mien_error err = { "" };
    struct fixture f;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "last.safetensors");
    set_up(&f, cl, 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f.trainer.position = (struct mien_position){ .step = 2 };
        assert_ok(mien_checkpoint_save(path, &f.trainer, &err), &err);
        replace_text(path, cases[i].from, cases[i].to);
        must_fail(mien_checkpoint_restore(&f.trainer, path, &err), cases[i].status, &err,
                  cases[i].part);
        assert_non_null(strstr(err.text, path));
    }
    tear_down(&f, cl);
    free(path);
    scratch_remove(folder);
}

/* Before there were averages no checkpoint said whether it has one. */
static void test_checkpoint__reads_one_that_knows_no_averages(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "last.safetensors");
    set_up(&f, cl, 2);
    assert_ok(mien_checkpoint_save(path, &f.trainer, &err), &err);
    replace_text(path, "averaged", "averagex");
    replace_text(path, "state.weights", "state.weighty");
    f.trainer.position = (struct mien_position){ .step = 0 };
    assert_ok(mien_checkpoint_restore(&f.trainer, path, &err), &err);
    assert_int_equal(f.trainer.position.step, 2);
    tear_down(&f, cl);
    free(path);
    scratch_remove(folder);
}

static void test_checkpoint__tells_weights_from_a_checkpoint(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "best.safetensors");
    set_up(&f, cl, 0);
    assert_ok(mien_model_file_save(path, &f.file, NULL, 0, NULL, 0, &err), &err);
    must_fail(mien_checkpoint_restore(&f.trainer, path, &err), MIEN_ERR_FORMAT, &err,
              "weights only");
    must_fail(mien_checkpoint_restore(&f.trainer, "/nonexistent", &err), MIEN_ERR_IO, &err,
              "/nonexistent");
    tear_down(&f, cl);
    free(path);
    scratch_remove(folder);
}

static void test_checkpoint__does_not_put_lost_weights_over_good_ones(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "last.safetensors");
    set_up(&f, cl, 1);
    scratch_write(path, "good", 4);
    const float nan[] = { 0.0f / 1.0f, strtof("nan", NULL) };
    assert_ok(mien_cl_write(cl, mien_model_values(f.trainer.model), 0, nan, sizeof(nan), &err),
              &err);
    must_fail(mien_checkpoint_save(path, &f.trainer, &err), MIEN_ERR_NOT_FINITE, &err,
              "conv1.weight is not finite");
    size_t bytes = 0;
    unsigned char *const data = scratch_read(path, &bytes);
    assert_string_equal((const char *)data, "good");
    free(data);
    tear_down(&f, cl);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint__gives_back_the_whole_state),
        cmocka_unit_test(test_checkpoint__of_an_older_version_goes_on),
        cmocka_unit_test(test_checkpoint__refuses_what_does_not_fit),
        cmocka_unit_test(test_checkpoint__reads_one_that_knows_no_averages),
        cmocka_unit_test(test_checkpoint__tells_weights_from_a_checkpoint),
        cmocka_unit_test(test_checkpoint__does_not_put_lost_weights_over_good_ones),
    };
    return cmocka_run_group_tests_name("train/checkpoint", tests, device_setup, device_teardown);
}
