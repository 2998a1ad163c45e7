/* test_schedule.c - the learning rate against PyTorch's, and as a function of epochs */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/safetensors.h"
#include "nn/schedule.h"
#include "support/scratch.h"

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        fail_msg("the oracle has no %s", key);
    }
    return json_number_value(value);
}

static struct mien_schedule_curve read_curve(const json_t *json)
{
    const char *kind = json_string_value(json_object_get(json, "kind"));
    struct mien_schedule_curve curve = { .rate = number(json, "base_lr"), .drop = 1, .total = 1 };
    assert_non_null(kind);
    if (strcmp(kind, "StepLR") == 0) {
        curve.kind = MIEN_SCHEDULE_STEP;
        curve.drop = (uint64_t)number(json, "step_size");
        curve.gamma = number(json, "gamma");
    } else if (strcmp(kind, "CosineAnnealingLR") == 0) {
        curve.kind = MIEN_SCHEDULE_COSINE;
        curve.total = (uint64_t)number(json, "T_max");
        curve.min_rate = number(json, "eta_min");
    } else {
        assert_string_equal(kind, "OneCycleLR");
        curve.kind = MIEN_SCHEDULE_ONECYCLE;
        curve.total = (uint64_t)number(json, "total_steps");
        curve.rate = number(json, "max_lr");
        const json_t *const share = json_object_get(json, "pct_start");
        curve.rise = share != NULL ? json_number_value(share) * (double)curve.total : 0.0;
    }
    return curve;
}

static void check_oracle(int index)
{
    struct mien_error err = { { 0 } };
    struct mien_safetensors *file = NULL;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/tests/data/oracle/schedule_%02d.safetensors",
                   MIEN_SOURCE_DIR, index);
    must(mien_safetensors_open(&file, path, &err), &err);
    const char *text = mien_safetensors_metadata(file, "case");
    assert_non_null(text);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    const struct mien_schedule_curve curve = read_curve(json);
    const struct mien_tensor *rates = mien_safetensors_find(file, "rates");
    assert_non_null(rates);
    const size_t count = (size_t)number(json, "steps");
    assert_int_equal(rates->bytes, count * sizeof(float));
    for (size_t t = 0; t < count; t++) {
        float want;
        memcpy(&want, (const char *)rates->data + t * sizeof(want), sizeof(want));
        const double got = mien_schedule_curve_at(&curve, t);
        if (!(fabs(got - (double)want) <= 1e-6 * fabs((double)want))) {
            fail_msg("%s: step %zu: got %.9g, expected %.9g", path, t, got, (double)want);
        }
    }
    json_decref(json);
    mien_safetensors_close(file);
}

static void test_schedule__is_pytorchs(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        check_oracle(i);
    }
}

static struct mien_train_spec make_spec(enum mien_schedule_kind kind)
{
    struct mien_train_spec spec = { .epochs = 10 };
    spec.optimizer.rate = 0.5F;
    spec.schedule.kind = kind;
    spec.schedule.step = 2;
    spec.schedule.gamma = 0.5F;
    return spec;
}

static void test_schedule__constant_stays(void **state)
{
    (void)state;
    const struct mien_train_spec spec = make_spec(MIEN_SCHEDULE_CONSTANT);
    assert_float_equal(mien_schedule_rate(&spec, 0, 0, 7, 0), 0.5F, 0);
    assert_float_equal(mien_schedule_rate(&spec, 9, 6, 7, 0), 0.5F, 0);
}

static void test_schedule__step_drops_at_whole_epochs(void **state)
{
    (void)state;
    const struct mien_train_spec spec = make_spec(MIEN_SCHEDULE_STEP);
    assert_float_equal(mien_schedule_rate(&spec, 1, 6, 7, 0), 0.5F, 0);
    assert_float_equal(mien_schedule_rate(&spec, 2, 0, 7, 0), 0.25F, 0);
    assert_float_equal(mien_schedule_rate(&spec, 9, 6, 7, 0), 0.03125F, 0);
}

static void test_schedule__cosine_falls_each_step_to_the_minimum(void **state)
{
    (void)state;
    struct mien_train_spec spec = make_spec(MIEN_SCHEDULE_COSINE);
    spec.schedule.min_rate = 0.1F;
    float last = 1;
    for (int epoch = 0; epoch < 10; epoch++) {
        for (size_t step = 0; step < 7; step++) {
            const float rate = mien_schedule_rate(&spec, epoch, step, 7, 0);
            assert_true(rate < last);
            last = rate;
        }
    }
    assert_float_equal(mien_schedule_rate(&spec, 0, 0, 7, 0), 0.5F, 0);
    assert_float_equal(mien_schedule_rate(&spec, 5, 0, 7, 0), 0.3F, 1e-6F);
    assert_float_equal(mien_schedule_rate(&spec, 10, 0, 7, 0), 0.1F, 0);
    assert_float_equal(mien_schedule_rate(&spec, 12, 3, 7, 0), 0.1F, 0);
}

static void test_schedule__warmup_rises_then_the_rest_is_shared(void **state)
{
    (void)state;
    struct mien_train_spec spec = make_spec(MIEN_SCHEDULE_COSINE);
    spec.schedule.warmup = 2;
    assert_float_equal(mien_schedule_rate(&spec, 0, 0, 5, 0), 0.05F, 1e-7F);
    assert_float_equal(mien_schedule_rate(&spec, 1, 0, 5, 0), 0.3F, 1e-7F);
    assert_float_equal(mien_schedule_rate(&spec, 1, 4, 5, 0), 0.5F, 0);
    assert_float_equal(mien_schedule_rate(&spec, 2, 0, 5, 0), 0.5F, 0);
    assert_float_equal(mien_schedule_rate(&spec, 6, 0, 5, 0), 0.25F,
                       1e-7F); /* half of the 8 left */
    spec.schedule.kind = MIEN_SCHEDULE_STEP;
    assert_float_equal(mien_schedule_rate(&spec, 3, 4, 5, 0), 0.5F, 0);
    assert_float_equal(mien_schedule_rate(&spec, 4, 0, 5, 0), 0.25F, 0);
}

static void test_schedule__warmup_takes_parts_of_epochs(void **state)
{
    (void)state;
    struct mien_train_spec spec = make_spec(MIEN_SCHEDULE_CONSTANT);
    spec.schedule.warmup = 0.5F;
    assert_float_equal(mien_schedule_rate(&spec, 0, 0, 8, 0), 0.125F, 1e-7F);
    assert_float_equal(mien_schedule_rate(&spec, 0, 3, 8, 0), 0.5F, 0);
}

static void test_schedule__warmup_longer_than_the_run_only_rises(void **state)
{
    (void)state;
    struct mien_train_spec spec = make_spec(MIEN_SCHEDULE_COSINE);
    spec.schedule.warmup = 20;
    assert_float_equal(mien_schedule_rate(&spec, 9, 4, 5, 0), 0.25F, 1e-7F);
    assert_float_equal(mien_schedule_rate(&spec, 25, 0, 5, 0), 0, 0); /* beyond: still defined */
}

/* The rate of each epoch of a run whose epochs reach these accuracies. */
static void check_plateau_oracle(const char *name)
{
    struct mien_error err = { { 0 } };
    struct mien_safetensors *file = NULL;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/tests/data/oracle/%s.safetensors", MIEN_SOURCE_DIR,
                   name);
    must(mien_safetensors_open(&file, path, &err), &err);
    json_t *json = json_loads(mien_safetensors_metadata(file, "case"), 0, NULL);
    assert_non_null(json);
    struct mien_train_spec spec = { .epochs = 1 };
    spec.optimizer.rate = (float)number(json, "base_lr");
    spec.schedule.kind = MIEN_SCHEDULE_PLATEAU;
    spec.schedule.patience = (int)number(json, "patience");
    spec.schedule.gamma = (float)number(json, "factor");
    spec.schedule.min_rate = (float)number(json, "min_lr");
    const struct mien_tensor *rates = mien_safetensors_find(file, "rates");
    const struct mien_tensor *accuracies = mien_safetensors_find(file, "accuracies");
    assert_true(rates != NULL && accuracies != NULL && rates->bytes == accuracies->bytes);
    struct mien_plateau plateau = { 0 };
    for (int epoch = 0; epoch < (int)(rates->bytes / sizeof(float)); epoch++) {
        float want;
        float accuracy;
        memcpy(&want, (const float *)rates->data + epoch, sizeof(want));
        memcpy(&accuracy, (const float *)accuracies->data + epoch, sizeof(accuracy));
        const float got = mien_schedule_rate(&spec, epoch, 2, 3, plateau.drops);
        if (!(fabsf(got - want) <= 1e-6F * want)) {
            fail_msg("%s: epoch %d: got %.9g, expected %.9g", name, epoch, (double)got,
                     (double)want);
        }
        const int drops = plateau.drops;
        const bool drop = mien_plateau_judge(&plateau, &spec, epoch, 3, (double)accuracy);
        assert_int_equal(plateau.drops, drops + (drop ? 1 : 0));
    }
    assert_true(plateau.drops > 0);
    json_decref(json);
    mien_safetensors_close(file);
}

static void test_schedule__plateau_is_pytorchs(void **state)
{
    (void)state;
    check_plateau_oracle("plateau_00");
    check_plateau_oracle("plateau_01");
    check_plateau_oracle("plateau_02");
}

static void test_schedule__plateau_bears_what_the_warmup_fills(void **state)
{
    (void)state;
    struct mien_train_spec spec = make_spec(MIEN_SCHEDULE_PLATEAU);
    struct mien_plateau plateau = { 0 };
    spec.schedule.warmup = 2.5F;
    /* Two whole epochs of warm-up and half of the third, which counts; patience 0. */
    assert_false(mien_plateau_judge(&plateau, &spec, 0, 4, 0.4));
    assert_false(mien_plateau_judge(&plateau, &spec, 1, 4, 0.3));
    assert_float_equal(mien_schedule_rate(&spec, 2, 1, 4, plateau.drops), 0.5F, 0);
    assert_true(mien_plateau_judge(&plateau, &spec, 2, 4, 0.3));
    assert_float_equal(mien_schedule_rate(&spec, 3, 0, 4, plateau.drops), 0.25F, 0);
    /* The best of the warm-up is the one to beat. */
    assert_true(mien_plateau_judge(&plateau, &spec, 3, 4, 0.4));
    assert_false(mien_plateau_judge(&plateau, &spec, 4, 4, 0.5));
    assert_true(plateau.best == 0.5);
}

/* Its rise takes the warm-up's epochs, and its course all of them. */
static void test_schedule__onecycle_rises_for_the_warmup(void **state)
{
    (void)state;
    struct mien_train_spec spec = { .epochs = 5, .optimizer.rate = 1.0F };
    spec.schedule.kind = MIEN_SCHEDULE_ONECYCLE;
    spec.schedule.warmup = 2.0F;
    assert_float_equal(mien_schedule_rate(&spec, 0, 0, 4, 0), 0.04F, 1e-7);
    assert_true(mien_schedule_rate(&spec, 1, 2, 4, 0) < 1.0F);
    assert_float_equal(mien_schedule_rate(&spec, 1, 3, 4, 0), 1.0F, 0);
    assert_true(mien_schedule_rate(&spec, 2, 0, 4, 0) < 1.0F);
    assert_float_equal(mien_schedule_rate(&spec, 4, 3, 4, 0), 4e-6F, 1e-10);
    spec.schedule.warmup = 0.0F; /* 30 % of 20 steps */
    assert_float_equal(mien_schedule_rate(&spec, 1, 1, 4, 0), 1.0F, 0);
    spec.schedule.warmup = 9.0F; /* longer than the run */
    for (int step = 1; step < 19; step++) {
        assert_true(mien_schedule_rate(&spec, step / 4, (size_t)step % 4, 4, 0) >
                    mien_schedule_rate(&spec, (step - 1) / 4, (size_t)(step - 1) % 4, 4, 0));
    }
}

static void test_schedule__onecycle_is_finite_however_short(void **state)
{
    (void)state;
    struct mien_schedule_curve curve = { .kind = MIEN_SCHEDULE_ONECYCLE, .rate = 1 };
    for (curve.total = 1; curve.total < 12; curve.total++) {
        for (uint64_t t = 0; t < curve.total + 2; t++) {
            const double rate = mien_schedule_curve_at(&curve, t);
            assert_true(rate > 0 && rate <= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule__is_pytorchs),
        cmocka_unit_test(test_schedule__constant_stays),
        cmocka_unit_test(test_schedule__step_drops_at_whole_epochs),
        cmocka_unit_test(test_schedule__cosine_falls_each_step_to_the_minimum),
        cmocka_unit_test(test_schedule__warmup_rises_then_the_rest_is_shared),
        cmocka_unit_test(test_schedule__warmup_takes_parts_of_epochs),
        cmocka_unit_test(test_schedule__warmup_longer_than_the_run_only_rises),
        cmocka_unit_test(test_schedule__plateau_is_pytorchs),
        cmocka_unit_test(test_schedule__plateau_bears_what_the_warmup_fills),
        cmocka_unit_test(test_schedule__onecycle_rises_for_the_warmup),
        cmocka_unit_test(test_schedule__onecycle_is_finite_however_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
