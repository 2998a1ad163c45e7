/* test_run.c - runs in their folders: what they learn, and that stopping them changes nothing */
// wrap: mien_trainer_step
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "support/comma.h"
#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/run.h"

#define LAYERS                                                                                     \
    "input: { channels: 1, height: 9, width: 9 }\n"                                                \
    "normalize: { mean: 0.4, std: 0.3 }\n"                                                         \
    "layers: [ conv 6 3x3 pad 1, batchnorm, relu, maxpool 2, flatten, dense 12, relu,\n"           \
    "          dense classes ]\n"

static const char momentum[] =
    LAYERS "train: { batch: 8, epochs: 3, optimizer: { kind: sgd, rate: 0.05, momentum: 0.9,\n"
           "  nesterov: true, weight_decay: 0.001 }, schedule: { kind: cosine, warmup: 1 } }";
static const char adam[] = LAYERS
    "train: { batch: 8, epochs: 3, label_smoothing: 0.1, optimizer: { kind: adam, rate: 0.01 } }";
static const char averaged[] =
    LAYERS "train: { batch: 8, epochs: 3, ema: 0.9, optimizer: { rate: 0.05, momentum: 0.9 } }";
static const char augmented[] =
    "input: { channels: 1, height: 7, width: 7, margin: 1 }\n"
    "normalize: { mean: 0.4, std: 0.3 }\n"
    "augment: { mirror: yes, rotate: 15, scale: 0.2, shift: 0.1, brightness: 0.2, contrast: 0.2,\n"
    "  erase: 0.3, mixup: 0.4 }\n"
    "layers: [ conv 6 3x3 pad 1, batchnorm, relu, maxpool 2, flatten, dense 12, relu,\n"
    "          dense classes ]\n"
    "train: { batch: 8, epochs: 3, class_weights: c1 1.5; c0 0.25,\n"
    "  optimizer: { rate: 0.05, momentum: 0.9 } }";

static const char accumulated[] =
    LAYERS "train: { batch: 3, accumulate: 2, epochs: 3, clip_norm: 1,\n"
           "  optimizer: { rate: 0.05, momentum: 0.9 }, schedule: { kind: cosine, warmup: 1 } }";
static const char sharp[] =
    LAYERS "train: { batch: 8, epochs: 3, sam: 0.2, optimizer: { rate: 0.05, momentum: 0.9 } }";
static const char plateau[] =
    LAYERS "train: { batch: 8, epochs: 5, optimizer: { rate: 0.05 },\n"
           "  schedule: { kind: plateau, patience: 0, gamma: 0.5, warmup: 0.5 } }";
static const char dropping[] =
    "input: { channels: 1, height: 9, width: 9 }\n"
    "layers: [ conv 6 3x3 pad 1, relu, dropout 0.2, mark a, conv 6 3x3 pad 1, add a, relu, mark "
    "b,\n"
    "          conv 8 3x3 stride 2 pad 1, add b conv 8 1x1 stride 2 bias no batchnorm, dropout "
    "0.3,\n"
    "          flatten, dense 12, relu, dropout 0.5, dense classes ]\n"
    "train: { batch: 8, epochs: 3, optimizer: { rate: 0.05, momentum: 0.9 } }";

static const struct set_sizes sizes = { 21, 9, 1, 9, 9, 7 };

/* How one call of a run goes. */
struct plan {
    const char *recipe, *folder;
    size_t max_steps;
    bool resume, log_steps, in_order;
    int stop_after; /* steps after which stop() says so; 0: never */
};

/* Lose a weight behind the last step of this epoch, from 1, whose loss says nothing of it; 0: none.
 */
static int epoch_to_lose;

enum mien_status __real_mien_trainer_step(struct mien_trainer *trainer, struct mien_error *err);
enum mien_status __wrap_mien_trainer_step(struct mien_trainer *trainer, struct mien_error *err);

enum mien_status __wrap_mien_trainer_step(struct mien_trainer *trainer, struct mien_error *err)
{
    const enum mien_status st = __real_mien_trainer_step(trainer, err);
    const struct mien_position *const at = &trainer->position;
    if (st == MIEN_OK && at->epoch + 1 == epoch_to_lose &&
        at->step == mien_trainer_steps(trainer)) {
        assert_ok(mien_cl_write(trainer->cl, mien_model_values(trainer->model), 0, &(float){ NAN },
                                sizeof(float), err),
                  err);
    }
    return st;
}

/* What a run that failed hands back: the weights of the checkpoint, else those that it began with.
 */
static void check_handed_back(const struct mien_model_file *file, const struct plan *plan,
                              const struct mien_dataset *set)
{
    struct mien_error err = { "" };
    char *const last = scratch_path(plan->folder, "last.safetensors");
    struct mien_model_file want;
    if (mien_path_is_file(last)) {
        assert_ok(mien_model_file_load(&want, last, &err), &err);
    } else {
        want = model_for(plan->recipe, set);
    }
    assert_memory_equal(file->weights, want.weights,
                        want.network->flat_floats * sizeof(*want.weights));
    mien_model_file_finish(&want);
    free(last);
}

static bool stop_after(void *user)
{
    struct plan *const plan = user;
    return plan->stop_after > 0 && --plan->stop_after == 0;
}

/* Behind an epoch's checkpoint steps.csv has all rows up to it, though it is open still. */
static void check_rows(void *user, const struct mien_epoch *row, bool best)
{
    const struct plan *const plan = user;
    char last[32];
    size_t bytes = 0;
    (void)best;
    if (!plan->log_steps || plan->recipe != momentum) { /* which has three steps in an epoch */
        return;
    }
    char *const path = scratch_path(plan->folder, "steps.csv");
    char *const text = (char *)scratch_read(path, &bytes);
    (void)snprintf(last, sizeof(last), "\n%d,3,", row->epoch);
    const char *const found = strstr(text, last);
    assert_non_null(found);
    assert_ptr_equal(strchr(found + 1, '\n'), text + bytes - 1);
    free(text);
    free(path);
}

static enum mien_status run(struct mien_run_result *result, struct mien_cl *cl,
                            const struct mien_dataset *set, struct plan *plan,
                            struct mien_error *err)
{
    struct mien_model_file file;
    if (plan->resume) {
        char *const last = scratch_path(plan->folder, "last.safetensors");
        assert_ok(mien_model_file_load(&file, last, err), err);
        free(last);
    } else {
        file = model_for(plan->recipe, set);
    }
    const struct mien_run_options options = {
        .folder = plan->folder,
        .data = "memory",
        .command = "test",
        .resume = plan->resume,
        .max_steps = plan->max_steps,
        .log_steps = plan->log_steps,
        .trainer = { .shuffle = !plan->in_order },
        .stop = stop_after,
        .epoch = check_rows,
        .user = plan,
    };
    const enum mien_status st = mien_run(result, cl, &file, set, &options, err);
    if (st == MIEN_ERR_NOT_FINITE) {
        check_handed_back(&file, plan, set);
    }
    mien_model_file_finish(&file);
    assert_int_equal(mien_cl_live(cl), 0);
    return st;
}

static struct mien_run_result must_run(struct mien_cl *cl, const struct mien_dataset *set,
                                       struct plan plan)
{
    struct mien_error err = { "" };
    struct mien_run_result result;
    assert_ok(run(&result, cl, set, &plan, &err), &err);
    return result;
}

/* A run's file as text; of history.csv without the columns of time. */
static char *read_text(const char *folder, const char *name, size_t *bytes)
{
    char *const path = scratch_path(folder, name);
    char *const text = (char *)scratch_read(path, bytes);
    free(path);
    if (strcmp(name, "history.csv") != 0) {
        return text;
    }
    char *to = text;
    int column = 0;
    for (const char *from = text; *from != '\0'; from++) {
        column = *from == '\n' ? 0 : column + (*from == ',');
        if (column < 6) {
            *to++ = *from;
        }
    }
    *to = '\0';
    *bytes = strlen(text);
    return text;
}

static void assert_same(const char *a, const char *b, const char *name)
{
    size_t a_bytes = 0;
    size_t b_bytes = 0;
    char *const x = read_text(a, name, &a_bytes);
    char *const y = read_text(b, name, &b_bytes);
    assert_int_equal(a_bytes, b_bytes);
    if (memcmp(x, y, a_bytes) != 0) {
        fail_msg("%s differs", name);
    }
    free(x);
    free(y);
}

/* A run that is cut after each of its steps and goes on ends in the files of one that was not. */
static void check_every_cut(struct mien_cl *cl, const char *recipe, bool in_order)
{
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const whole = scratch_make();
    const struct plan all = {
        .recipe = recipe, .folder = whole, .in_order = in_order, .log_steps = true
    };
    assert_int_equal(must_run(cl, set, all).end, MIEN_RUN_ALL_EPOCHS);
    for (size_t cut = 1; cut <= 9; cut++) {
        char *const folder = scratch_make();
        struct plan plan = all;
        plan.folder = folder;
        plan.max_steps = cut % 2 == 0 ? cut : 0;
        plan.stop_after = cut % 2 == 1 ? (int)cut : 0;
        assert_int_equal(must_run(cl, set, plan).end,
                         cut % 2 == 0 ? MIEN_RUN_MAX_STEPS : MIEN_RUN_INTERRUPTED);
        plan.max_steps = 0;
        plan.stop_after = 0;
        plan.resume = true;
        assert_int_equal(must_run(cl, set, plan).end, MIEN_RUN_ALL_EPOCHS);
        assert_same(whole, folder, "last.safetensors");
        assert_same(whole, folder, "best.safetensors");
        assert_same(whole, folder, "history.csv");
        assert_same(whole, folder, "steps.csv");
        assert_same(whole, folder, "recipe.yaml");
        scratch_remove(folder);
    }
    scratch_remove(whole);
    set_free(set);
}

static void test_run__cut_after_any_step_goes_on_to_the_same_bits(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    check_every_cut(cl, momentum, false);
    check_every_cut(cl, adam, false);
    check_every_cut(cl, momentum, true);
    check_every_cut(cl, averaged, false);
    check_every_cut(cl, augmented, false);
    check_every_cut(cl, augmented, true);
    check_every_cut(cl, plateau, false);
    check_every_cut(cl, dropping, false);
    check_every_cut(cl, accumulated, false);
    check_every_cut(cl, sharp, false);
}

/* A program whose locale writes 0,5: the files have points all the same, and are read as such. */
static void test_run__is_the_same_in_a_locale_with_commas(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const files[] = { "last.safetensors", "best.safetensors", "history.csv",
                                         "steps.csv", "recipe.yaml" };
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const plain = scratch_make();
    char *const comma = scratch_make();
    char *const locale = scratch_make();
    struct plan plan = { .recipe = augmented, .folder = plain, .log_steps = true };
    (void)must_run(cl, set, plan);
    comma_enter(locale);
    plan.folder = comma;
    plan.max_steps = 4;
    (void)must_run(cl, set, plan);
    plan.max_steps = 0;
    plan.resume = true;
    (void)must_run(cl, set, plan);
    comma_leave();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        assert_same(plain, comma, files[i]);
    }
    scratch_remove(plain);
    scratch_remove(comma);
    scratch_remove(locale);
    set_free(set);
}

static void test_run__shuffled_is_not_in_order(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const a = scratch_make();
    char *const b = scratch_make();
    size_t a_bytes = 0;
    size_t b_bytes = 0;
    (void)must_run(cl, set, (struct plan){ .recipe = momentum, .folder = a });
    (void)must_run(cl, set, (struct plan){ .recipe = momentum, .folder = b, .in_order = true });
    char *const x = read_text(a, "history.csv", &a_bytes);
    char *const y = read_text(b, "history.csv", &b_bytes);
    assert_string_not_equal(x, y);
    free(x);
    free(y);
    scratch_remove(a);
    scratch_remove(b);
    set_free(set);
}

/* Steps too small to change any accuracy: every epoch but the first is no better. */
static void test_run__lowers_the_rate_where_accuracy_stands_still(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int validation = 0; validation < 10; validation += 9) {
        const struct set_sizes some = { 21, validation, 1, 9, 9, 7 };
        struct mien_dataset *const set = set_make(&some, 3);
        char *const folder = scratch_make();
        size_t bytes = 0;
        (void)must_run(cl, set,
                       (struct plan){
                           .recipe = LAYERS "train: { batch: 8, epochs: 6,\n"
                                            "  optimizer: { rate: 1e-9 }, schedule:\n"
                                            "  { kind: plateau, patience: 1, gamma: 0.5 } }",
                           .folder = folder,
                       });
        char *const text = read_text(folder, "history.csv", &bytes);
        double rates[6];
        const char *row = text;
        for (int i = 0; i < 6; i++) {
            row = strchr(row, '\n') + 1;
            const char *at = row;
            for (int column = 0; column < 5; column++) {
                at = strchr(at, ',') + 1;
            }
            rates[i] = strtod(at, NULL) * 1e9;
        }
        static const double want[6] = { 1.0, 1.0, 1.0, 0.5, 0.5, 0.25 };
        for (int i = 0; i < 6; i++) {
            assert_float_equal(rates[i], want[i], 1e-6);
        }
        free(text);
        scratch_remove(folder);
        set_free(set);
    }
}

static const char overfit[] =
    LAYERS "train: { batch: 32, epochs: 150, optimizer: { kind: sgd, rate: 0.05, momentum: 0.9 } }";

static void test_run__overfits_32_images_from_the_loss_of_a_guess(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct set_sizes small = { 32, 0, 1, 9, 9, 7 };
    struct mien_dataset *const set = set_make(&small, 5);
    char *const folder = scratch_make();
    size_t bytes = 0;
    const struct plan plan = { .recipe = overfit, .folder = folder, .log_steps = true };
    const struct mien_run_result result = must_run(cl, set, plan);
    assert_true(result.best_accuracy == 1.0);
    char *const text = read_text(folder, "steps.csv", &bytes);
    const char *const first = strstr(text, "\n1,1,");
    const char *const last = strstr(text, "\n150,1,");
    assert_non_null(first);
    assert_non_null(last);
    assert_true(fabs(strtod(first + 5, NULL) - log(7.0)) < 0.35);
    assert_true(strtod(last + 7, NULL) < 0.01);
    free(text);
    scratch_remove(folder);
    set_free(set);
}

/* On one device, as a sweep's trials are: the small one's peak is its own, not the large one's. */
static void test_run__has_a_peak_of_memory_of_its_own(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char large[] = LAYERS "train: { batch: 16, epochs: 1 }";
    static const char small[] = LAYERS "train: { batch: 2, epochs: 1 }";
    static const char *const recipes[] = { small, large, small };
    struct mien_dataset *const set = set_make(&sizes, 3);
    size_t peaks[3];
    for (size_t i = 0; i < 3; i++) {
        char *const folder = scratch_make();
        const struct plan plan = { .recipe = recipes[i], .folder = folder };
        peaks[i] = must_run(cl, set, plan).peak_bytes;
        scratch_remove(folder);
    }
    assert_true(peaks[0] > 0 && peaks[0] < peaks[1]);
    assert_int_equal(peaks[2], peaks[0]);
    set_free(set);
}

static void test_run__stops_at_the_accuracy_and_stays_there(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const folder = scratch_make();
    struct plan plan = {
        .recipe = LAYERS "train: { batch: 8, epochs: 200, stop_at_train_accuracy: 0.9,\n"
                         "  optimizer: { kind: adam, rate: 0.02 } }",
        .folder = folder,
    };
    const struct mien_run_result first = must_run(cl, set, plan);
    assert_int_equal(first.end, MIEN_RUN_ACCURACY);
    assert_true(first.epochs < 200);
    plan.resume = true;
    const struct mien_run_result again = must_run(cl, set, plan);
    assert_int_equal(again.end, MIEN_RUN_ACCURACY);
    assert_int_equal(again.epochs, first.epochs);
    scratch_remove(folder);
    set_free(set);
}

static void test_run__keeps_the_last_good_state_when_the_loss_is_lost(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_run_result result;
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const folder = scratch_make();
    /* Half an epoch of steps that are too large: what they leave must not be saved. */
    struct plan plan = { .recipe = LAYERS "train: { batch: 8, epochs: 3,\n"
                                          "  optimizer: { kind: sgd, rate: 1000 } }",
                         .folder = folder,
                         .stop_after = 2 };
    enum mien_status st = run(&result, cl, set, &plan, &err);
    plan.stop_after = 0;
    plan.resume = st == MIEN_OK;
    for (int i = 0; i < 9 && st == MIEN_OK; i++) {
        st = run(&result, cl, set, &plan, &err);
        if (result.end == MIEN_RUN_ALL_EPOCHS && st == MIEN_OK) {
            break;
        }
    }
    assert_int_equal(st, MIEN_ERR_NOT_FINITE);
    assert_non_null(strstr(err.text, "finite"));
    assert_non_null(strstr(err.text, "smaller"));
    char *const last = scratch_path(folder, "last.safetensors");
    FILE *const file = fopen(last, "rb");
    if (file != NULL) { /* what is there can be gone on from */
        struct mien_model_file saved;
        (void)fclose(file);
        assert_ok(mien_model_file_load(&saved, last, &err), &err);
        for (size_t i = 0; i < saved.network->flat_floats; i++) {
            assert_true(isfinite(saved.weights[i]));
        }
        mien_model_file_finish(&saved);
    }
    free(last);
    scratch_remove(folder);
    set_free(set);
}

static void test_run__leaves_its_files_when_the_last_step_of_an_epoch_loses_a_weight(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const files[] = { "last.safetensors", "best.safetensors", "history.csv" };
    static const struct set_sizes unvalidated = { 21, 0, 1, 9, 9, 7 };
    struct mien_error err = { "" };
    struct mien_run_result result;
    struct mien_dataset *const set = set_make(&unvalidated, 3);
    char *const whole = scratch_make();
    char *const folder = scratch_make();
    struct plan plan = { .recipe = momentum, .folder = whole, .max_steps = 3 };
    (void)must_run(cl, set, plan);
    plan.max_steps = 0;
    plan.folder = folder;
    for (epoch_to_lose = 1; epoch_to_lose <= 2; epoch_to_lose++) {
        must_fail(run(&result, cl, set, &plan, &err), MIEN_ERR_NOT_FINITE, &err, "conv1.weight");
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
            char *const path = scratch_path(folder, files[i]);
            assert_int_equal(mien_path_is_file(path), epoch_to_lose == 2);
            free(path);
            if (epoch_to_lose == 2) {
                assert_same(whole, folder, files[i]);
            }
        }
        size_t bytes = 0;
        char *const info = read_text(folder, "run.json", &bytes);
        assert_non_null(strstr(info, "\"state\": \"failed\""));
        assert_non_null(strstr(info, "\"error\": \"conv1.weight is not finite"));
        free(info);
    }
    epoch_to_lose = 0;
    scratch_remove(whole);
    scratch_remove(folder);
    set_free(set);
}

/* Killed in its first epoch, behind the best weights: nothing to go on from, nothing in the way. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run__cut_after_any_step_goes_on_to_the_same_bits),
        cmocka_unit_test(test_run__is_the_same_in_a_locale_with_commas),
        cmocka_unit_test(test_run__shuffled_is_not_in_order),
        cmocka_unit_test(test_run__lowers_the_rate_where_accuracy_stands_still),
        cmocka_unit_test(test_run__overfits_32_images_from_the_loss_of_a_guess),
        cmocka_unit_test(test_run__has_a_peak_of_memory_of_its_own),
        cmocka_unit_test(test_run__stops_at_the_accuracy_and_stays_there),
        cmocka_unit_test(test_run__keeps_the_last_good_state_when_the_loss_is_lost),
        cmocka_unit_test(test_run__leaves_its_files_when_the_last_step_of_an_epoch_loses_a_weight),
    };
    return cmocka_run_group_tests_name("train/run", tests, device_setup, device_teardown);
}
