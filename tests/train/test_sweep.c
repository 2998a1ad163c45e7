/* test_sweep.c - all combinations, halved by what they come to, and the same after every stop */
#include "train/sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "tune/table.h"

static const char recipe[] =
    "name: swept\n"
    "input: { channels: 1, height: 9, width: 9 }\n"
    "normalize: { mean: 0.4, std: 0.3 }\n"
    "layers: [ flatten, dense 12, relu, dense classes ]\n"
    "train: { batch: 8, epochs: 6, seed: 5, optimizer: { momentum: 0.9, weight_decay: 10 },\n"
    "  schedule: { kind: cosine } }\n";

struct fixture {
    struct mien_cl *cl;
    char *folder, *recipe, *data;
};

static struct fixture set_up(struct mien_cl *cl)
{
    struct mien_error err = { "" };
    const struct set_sizes sizes = { 40, 16, 1, 9, 9, 4 };
    struct fixture f = { .cl = cl, .folder = scratch_make() };
    f.recipe = scratch_path(f.folder, "recipe.yaml");
    f.data = scratch_path(f.folder, "data.safetensors");
    struct mien_dataset *const set = set_make(&sizes, 3);
    scratch_write(f.recipe, recipe, strlen(recipe));
    must(mien_dataset_pack(set, f.data, &err), &err);
    set_free(set);
    return f;
}

static void tear_down(struct fixture *f)
{
    free(f->recipe);
    free(f->data);
    scratch_remove(f->folder);
    assert_int_equal(f->cl != NULL ? mien_cl_live(f->cl) : 0, 0);
}

static struct mien_sweep plan(const struct fixture *f, const char *const *settings, size_t count,
                              int epochs, double keep)
{
    struct mien_error err = { "" };
    struct mien_sweep sweep;
    must(mien_sweep_plan(&sweep, f->recipe, settings, count, epochs, keep, &err), &err);
    return sweep;
}

static void test_sweep_plan__combines_and_halves(void **state)
{
    (void)state;
    struct fixture f = set_up(NULL);
    static const char *const settings[] = { "train.optimizer.rate=0.1,0.01,0.001",
                                            "train.label_smoothing=0.1", "train.batch=8,20,40" };
    struct mien_sweep sweep = plan(&f, settings, 3, 1, 1.0 / 3.0);
    assert_int_equal(sweep.trial_count, 9);
    assert_string_equal(sweep.trials[0].settings[0], "train.optimizer.rate=0.1");
    assert_string_equal(sweep.trials[0].settings[2], "train.batch=8");
    assert_string_equal(sweep.trials[1].settings[2], "train.batch=20");
    assert_string_equal(sweep.trials[3].settings[0], "train.optimizer.rate=0.01");
    assert_string_equal(sweep.trials[8].settings[1], "train.label_smoothing=0.1");
    static const int epochs[] = { 1, 3 };
    static const size_t trials[] = { 9, 3 };
    assert_int_equal(sweep.rung_count, 2);
    assert_memory_equal(sweep.rung_epochs, epochs, sizeof(epochs));
    assert_memory_equal(sweep.rung_trials, trials, sizeof(trials));
    mien_sweep_finish(&sweep);

    sweep = plan(&f, settings, 1, 4, 0.5); /* no further than the recipe's 6 epochs */
    assert_int_equal(sweep.rung_count, 2);
    assert_int_equal(sweep.rung_epochs[1], 6);
    assert_int_equal(sweep.rung_trials[1], 2);
    mien_sweep_finish(&sweep);

    sweep = plan(&f, settings, 1, 1, 0.9); /* one less each time, and an epoch more */
    assert_int_equal(sweep.rung_count, 2);
    assert_int_equal(sweep.rung_epochs[1], 2);
    assert_int_equal(sweep.rung_trials[1], 2);
    mien_sweep_finish(&sweep);
    tear_down(&f);
}

static void test_sweep_plan__refuses_what_says_nothing(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_sweep sweep;
    struct fixture f = set_up(NULL);
    static const struct {
        const char *settings[2], *part;
    } cases[] = {
        { { "train.batch" }, "'train.batch' is not KEY=VALUE" },
        { { "=3,4" }, "is not KEY=VALUE" },
        { { "train.batch=8" }, "nothing to compare" },
        { { "train.batch=" }, "an empty value in 'train.batch='" },
        { { "train.batch=8,,9" }, "an empty value" },
        { { "train.batch=8,9," }, "an empty value" },
        { { "train.batch=8,9", "train.batch=10" }, "train.batch is set twice" },
        { { "train.batch=8,8" }, "train.batch=8 and train.batch=8 make the same recipe" },
        { { "train.optimizer.rate=0.1,1e-1" }, "make the same recipe" },
        { { "train.bacth=8,9" }, "train.bacth" },
        { { "train.batch=8,eight" }, "eight" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        must_fail(mien_sweep_plan(&sweep, f.recipe, cases[i].settings,
                                  cases[i].settings[1] != NULL ? 2 : 1, 2, 0.5, &err),
                  MIEN_ERR_USAGE, &err, cases[i].part);
        assert_null(sweep.axes);
    }
    char *const many = calloc(1, 8000); /* 1,001 values */
    assert_non_null(many);
    size_t used = (size_t)snprintf(many, 8000, "train.seed=0");
    for (int i = 1; i <= 1000; i++) {
        used += (size_t)snprintf(many + used, 8000 - used, ",%d", i);
    }
    const char *const settings = many;
    must_fail(mien_sweep_plan(&sweep, f.recipe, &settings, 1, 2, 0.5, &err), MIEN_ERR_USAGE, &err,
              "more than 1000 combinations");
    free(many);
    tear_down(&f);
}

/* Stops a sweep after so many steps; 0: never. */
struct brake {
    size_t left;
};

static bool brake_now(void *user)
{
    struct brake *const brake = user;
    return brake->left > 0 && --brake->left == 0;
}

static const char *const rates[] = { "train.optimizer.rate=1000,0.003,0.05,0.0001" };

/* Run, or go on with, a sweep of four rates. */
static enum mien_status run_with(const struct mien_trainer_options *trainer, bool tuning_given,
                                 struct mien_sweep *sweep, bool *interrupted,
                                 const struct fixture *f, const char *name, size_t steps,
                                 struct mien_error *err)
{
    struct brake brake = { steps };
    char *const folder = scratch_path(f->folder, name);
    const struct mien_sweep_options options = {
        .folder = folder,
        .recipe = f->recipe,
        .data = f->data,
        .command = "test",
        .trainer = *trainer,
        .tuning_given = tuning_given,
        .stop = brake_now,
        .user = &brake,
    };
    *sweep = plan(f, rates, 1, 1, 0.5);
    const enum mien_status st = mien_sweep_run(sweep, interrupted, f->cl, &options, err);
    free(folder);
    return st;
}

static enum mien_status run(struct mien_sweep *sweep, bool *interrupted, const struct fixture *f,
                            const char *name, size_t steps, struct mien_error *err)
{
    const struct mien_trainer_options trainer = { .shuffle = true };
    return run_with(&trainer, false, sweep, interrupted, f, name, steps, err);
}

static void assert_same_file(const struct fixture *f, const char *a, const char *b)
{
    char *const one = scratch_path(f->folder, a);
    char *const other = scratch_path(f->folder, b);
    scratch_same(one, other);
    free(one);
    free(other);
}

static void test_sweep_run__lets_the_better_half_go_on(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    struct mien_error err = { "" };
    struct mien_sweep sweep;
    bool interrupted = true;
    size_t order[4];
    assert_ok(run(&sweep, &interrupted, &f, "sweep", 0, &err), &err);
    assert_false(interrupted);
    mien_sweep_rank(order, &sweep);
    assert_int_equal(order[3], 0); /* a rate of 1000 */
    assert_true(sweep.trials[0].failed);
    assert_int_equal(sweep.trials[0].rungs, 0);
    assert_int_equal(sweep.rung_count, 2);
    /* Two of the three others made the second rung, those that were best in the first. */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sweep.trials[order[i]].rungs, i < 2 ? 2 : 1);
    }
    for (int i = 0; i < 2; i++) {
        assert_true(sweep.trials[order[i]].accuracy[0] >= sweep.trials[order[2]].accuracy[0]);
    }
    assert_true(sweep.trials[order[0]].accuracy[1] >= sweep.trials[order[1]].accuracy[1]);
    mien_sweep_finish(&sweep);
    tear_down(&f);
}

/* A rung ends a run early; its schedule is that of the six epochs. */
static void test_sweep_run__keeps_the_schedule_of_whole_runs(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    struct mien_error err = { "" };
    struct mien_sweep sweep;
    bool interrupted = false;
    struct mien_epoch *rows = NULL;
    size_t count = 0;
    size_t order[4];
    char name[MIEN_SWEEP_NAME_BYTES];
    assert_ok(run(&sweep, &interrupted, &f, "sweep", 0, &err), &err);
    mien_sweep_rank(order, &sweep);
    mien_sweep_name(name, order[0]);
    const double rate = strtod(strchr(sweep.trials[order[0]].settings[0], '=') + 1, NULL);
    char *const folder = scratch_path(f.folder, "sweep");
    char *const of_run = scratch_path(folder, name);
    char *const history = scratch_path(of_run, "history.csv");
    must(mien_history_load(&rows, &count, history, &err), &err);
    assert_int_equal(count, 2);
    /* The last step of the second epoch: 9 of 30 are behind it. */
    const double want = rate * (1.0 + cos(3.14159265358979 * 9.0 / 30.0)) / 2.0;
    assert_true(fabs(rows[1].rate - want) < 1e-6);
    free(rows);
    free(history);
    free(of_run);
    free(folder);
    mien_sweep_finish(&sweep);
    tear_down(&f);
}

static void test_sweep_run__goes_on_to_the_same_result(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    struct mien_error err = { "" };
    struct mien_sweep sweep;
    bool interrupted = false;
    assert_ok(run(&sweep, &interrupted, &f, "straight", 0, &err), &err);
    mien_sweep_finish(&sweep);
    int calls = 0;
    do { /* an epoch has five steps */
        assert_ok(run(&sweep, &interrupted, &f, "cut", 3, &err), &err);
        mien_sweep_finish(&sweep);
    } while (interrupted && ++calls < 100);
    assert_in_range(calls, 5, 20);
    assert_same_file(&f, "straight/sweep.json", "cut/sweep.json");
    assert_same_file(&f, "straight/sweep.csv", "cut/sweep.csv");
    for (size_t t = 1; t < 4; t++) {
        char a[64];
        char b[64];
        char name[MIEN_SWEEP_NAME_BYTES];
        mien_sweep_name(name, t);
        (void)snprintf(a, sizeof(a), "straight/%s/last.safetensors", name);
        (void)snprintf(b, sizeof(b), "cut/%s/last.safetensors", name);
        assert_same_file(&f, a, b);
    }
    tear_down(&f);
}

/* What a rung has found already must not change who is in it. */
static void test_sweep_run__chooses_without_what_it_has_seen(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    struct mien_error err = { "" };
    struct mien_sweep sweep;
    bool interrupted = false;
    char *const path = scratch_path(f.folder, "sweep/sweep.json");
    assert_ok(run(&sweep, &interrupted, &f, "sweep", 0, &err), &err);
    mien_sweep_finish(&sweep);
    json_error_t error;
    json_t *const object = json_load_file(path, 0, &error);
    /* As if the best of the first rung had failed in the second: nobody takes its place. */
    json_t *const best = json_array_get(json_object_get(object, "trials"), 0);
    char *const name = strdup(json_string_value(json_object_get(best, "run")));
    assert_non_null(name);
    assert_int_equal(json_array_remove(json_object_get(best, "accuracies"), 1), 0);
    assert_int_equal(json_object_set_new(best, "failed", json_true()), 0);
    assert_int_equal(json_dump_file(object, path, 0), 0);
    json_decref(object);
    assert_ok(run(&sweep, &interrupted, &f, "sweep", 0, &err), &err);
    size_t made = 0;
    for (size_t t = 0; t < 4; t++) {
        char own[MIEN_SWEEP_NAME_BYTES];
        mien_sweep_name(own, t);
        made += sweep.trials[t].rungs == 2 ? 1 : 0;
        assert_true(strcmp(own, name) != 0 || sweep.trials[t].rungs == 1);
    }
    assert_int_equal(made, 1);
    free(name);
    free(path);
    mien_sweep_finish(&sweep);
    tear_down(&f);
}

static void test_sweep_run__refuses_what_is_not_its_own(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    struct mien_error err = { "" };
    struct mien_sweep sweep;
    bool interrupted = false;
    char *const path = scratch_path(f.folder, "sweep/sweep.json");
    assert_ok(run(&sweep, &interrupted, &f, "sweep", 3, &err), &err);
    assert_true(interrupted);
    mien_sweep_finish(&sweep);
    char *const changed = strdup(recipe);
    assert_non_null(changed);
    strstr(changed, "dense 12")[7] = '3';
    scratch_write(f.recipe, changed, strlen(changed));
    must_fail(run(&sweep, &interrupted, &f, "sweep", 0, &err), MIEN_ERR_IO, &err,
              "is of another sweep, with another recipe");
    mien_sweep_finish(&sweep);
    scratch_write(f.recipe, recipe, strlen(recipe));
    scratch_write(path, "{\"trials\": [", 12);
    must_fail(run(&sweep, &interrupted, &f, "sweep", 0, &err), MIEN_ERR_FORMAT, &err, "damaged");
    mien_sweep_finish(&sweep);
    free(changed);
    free(path);
    tear_down(&f);
}

static const char convolved[] =
    "name: swept\n"
    "input: { channels: 1, height: 9, width: 9 }\n"
    "layers: [ conv 5 3x3 pad 1, relu, flatten, dense classes ]\n"
    "train: { batch: 8, epochs: 2, seed: 5, optimizer: { momentum: 0.9 } }\n";

/* An entry for its convolution with a parameter that is not the usual one. */
static struct mien_tuned unusual(const struct mien_cl *cl)
{
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { 8, 1, 9, 9, mien_device_lanes(mien_cl_device(cl)) };
    must(mien_conv2d_init(&op, &x, 5, 3, 3, 1, 1, &err), &err);
    struct mien_tuned entry = mien_tuned_conv2d(&op, MIEN_CONV2D_FWD);
    const struct mien_conv2d_param *const param =
        &mien_conv2d_params(op.variant[MIEN_CONV2D_FWD], MIEN_CONV2D_FWD)[0];
    assert_non_null(param->name);
    const int usual = entry.param[0];
    entry.param[0] = param->values[param->values[0] == usual ? 1 : 0];
    assert_int_not_equal(entry.param[0], 0);
    return entry;
}

static void test_sweep_run__goes_on_with_the_tuning_that_it_began_with(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    struct mien_error err = { "" };
    struct mien_sweep sweep;
    bool interrupted = false;
    struct mien_tuned entry = unusual(f.cl);
    struct mien_tuning tuning = { .entries = &entry, .count = 1 };
    struct mien_trainer_options tuned = { .shuffle = true, .tuning = &tuning };
    const struct mien_trainer_options plain = { .shuffle = true };
    scratch_write(f.recipe, convolved, strlen(convolved));
    assert_ok(run_with(&tuned, true, &sweep, &interrupted, &f, "straight", 0, &err), &err);
    mien_sweep_finish(&sweep);
    assert_ok(run_with(&tuned, false, &sweep, &interrupted, &f, "cut", 3, &err), &err);
    assert_true(interrupted);
    mien_sweep_finish(&sweep);
    must_fail(run_with(&plain, true, &sweep, &interrupted, &f, "cut", 0, &err), MIEN_ERR_IO, &err,
              "cut/sweep.json is of a sweep with another tuning");
    mien_sweep_finish(&sweep);
    entry.ms = 7.0; /* measured again, with the same choice */
    assert_ok(run_with(&tuned, true, &sweep, &interrupted, &f, "cut", 3, &err), &err);
    mien_sweep_finish(&sweep);
    assert_ok(run_with(&plain, false, &sweep, &interrupted, &f, "cut", 0, &err), &err);
    assert_false(interrupted);
    mien_sweep_finish(&sweep);
    assert_same_file(&f, "straight/sweep.json", "cut/sweep.json");
    for (int t = 2; t <= 4; t++) {
        char a[64];
        char b[64];
        (void)snprintf(a, sizeof(a), "straight/run-%03d/last.safetensors", t);
        (void)snprintf(b, sizeof(b), "cut/run-%03d/last.safetensors", t);
        assert_same_file(&f, a, b);
    }
    tuned.blas = MIEN_BLAS_CLBLAST;
    must_fail(run_with(&tuned, false, &sweep, &interrupted, &f, "cut", 0, &err), MIEN_ERR_IO, &err,
              "is of another sweep, with another blas");
    mien_sweep_finish(&sweep);
    tear_down(&f);
}

/* Earlier versions kept neither: both are taken from the call, and kept from there on. */
static void test_sweep_run__takes_a_sweep_of_an_earlier_version(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    struct mien_error err = { "" };
    struct mien_sweep sweep;
    bool interrupted = false;
    json_error_t error;
    char *const path = scratch_path(f.folder, "sweep/sweep.json");
    assert_ok(run(&sweep, &interrupted, &f, "sweep", 3, &err), &err);
    mien_sweep_finish(&sweep);
    json_t *object = json_load_file(path, 0, &error);
    json_t *asked = json_object_get(object, "asked");
    assert_int_equal(json_object_del(asked, "blas"), 0);
    assert_int_equal(json_object_del(asked, "tuning"), 0);
    assert_int_equal(json_dump_file(object, path, 0), 0);
    json_decref(object);
    assert_ok(run(&sweep, &interrupted, &f, "sweep", 3, &err), &err);
    mien_sweep_finish(&sweep);
    object = json_load_file(path, 0, &error);
    asked = json_object_get(object, "asked");
    assert_string_equal(json_string_value(json_object_get(asked, "blas")), "auto");
    assert_string_equal(json_string_value(json_object_get(asked, "tuning")), "[]");
    assert_int_equal(json_object_set_new(asked, "tuning", json_string("[7]")), 0);
    assert_int_equal(json_dump_file(object, path, 0), 0);
    json_decref(object);
    must_fail(run(&sweep, &interrupted, &f, "sweep", 3, &err), MIEN_ERR_FORMAT, &err,
              "sweep.json: tuning: ");
    mien_sweep_finish(&sweep);
    free(path);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sweep_plan__combines_and_halves),
        cmocka_unit_test(test_sweep_plan__refuses_what_says_nothing),
        cmocka_unit_test(test_sweep_run__lets_the_better_half_go_on),
        cmocka_unit_test(test_sweep_run__keeps_the_schedule_of_whole_runs),
        cmocka_unit_test(test_sweep_run__goes_on_to_the_same_result),
        cmocka_unit_test(test_sweep_run__chooses_without_what_it_has_seen),
        cmocka_unit_test(test_sweep_run__refuses_what_is_not_its_own),
        cmocka_unit_test(test_sweep_run__goes_on_with_the_tuning_that_it_began_with),
        cmocka_unit_test(test_sweep_run__takes_a_sweep_of_an_earlier_version),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
