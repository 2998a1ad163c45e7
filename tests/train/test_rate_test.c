/* test_rate_test.c - the rate rises as it should, steps are those of training, and curves are
 * judged by what they show */
// wrap: mien_trainer_guard
#include "train/rate_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"

/* What the device says: that a gradient of this step was not finite; 0: as it is. */
static int pretend_lost;

enum mien_status __real_mien_trainer_guard(struct mien_guard *out, struct mien_trainer *trainer,
                                           struct mien_error *err);
enum mien_status __wrap_mien_trainer_guard(struct mien_guard *out, struct mien_trainer *trainer,
                                           struct mien_error *err);

enum mien_status __wrap_mien_trainer_guard(struct mien_guard *out, struct mien_trainer *trainer,
                                           struct mien_error *err)
{
    const enum mien_status st = __real_mien_trainer_guard(out, trainer, err);
    if (pretend_lost > 0 && --pretend_lost == 0) {
        out->faults = MIEN_GUARD_GRADIENT;
    }
    return st;
}

/* 23 images in batches of 8: three steps an epoch, so the test goes on over many epochs. */
static const char recipe[] = "input: { channels: 1, height: 9, width: 9 }\n"
                             "normalize: { mean: 0.4, std: 0.3 }\n"
                             "augment: { mirror: yes, mixup: 0.3 }\n"
                             "layers: [ flatten, dense 12, relu, dropout 0.2, dense classes ]\n"
                             "train: { batch: 8, seed: 5, optimizer: { momentum: 0.9 } }\n";
enum { TRAIN = 23, STEPS = 40 };

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("%.17g, expected %.17g", got, want);
    }
}

struct fixture {
    struct mien_cl *cl;
    struct mien_dataset *set;
    struct mien_model_file file;
};

static struct fixture set_up(struct mien_cl *cl)
{
    const struct set_sizes sizes = { TRAIN, 5, 1, 9, 9, 4 };
    struct fixture f = { cl, set_make(&sizes, 3), { .recipe = NULL } };
    f.file = model_for(recipe, f.set);
    return f;
}

static void tear_down(struct fixture *f)
{
    mien_model_file_finish(&f->file);
    set_free(f->set);
    assert_int_equal(mien_cl_live(f->cl), 0);
}

static struct mien_rate_test_options options_to(double to)
{
    return (struct mien_rate_test_options){
        .from = 1e-4, .to = to, .steps = STEPS, .trainer = { .shuffle = true }
    };
}

static struct mien_rate_curve run(struct fixture *f, const struct mien_rate_test_options *options)
{
    struct mien_error err = { "" };
    struct mien_rate_curve curve;
    assert_ok(mien_rate_test(&curve, f->cl, &f->file, f->set, options, &err), &err);
    return curve;
}

/* The same steps by hand. */
static void check_against_trainer(struct fixture *f, const struct mien_rate_curve *curve)
{
    struct mien_error err = { "" };
    struct mien_trainer trainer;
    struct mien_softmax_stats stats;
    struct mien_softmax_stats before = { .loss = 0.0 };
    const struct mien_trainer_options training = { .shuffle = true };
    assert_ok(mien_trainer_init(&trainer, f->cl, &f->file, f->set, &training, &err), &err);
    for (size_t i = 0; i < STEPS; i++) {
        const double rate = 1e-4 * pow(0.1 / 1e-4, (double)i / (STEPS - 1));
        if (i % 3 == 0) {
            trainer.position = (struct mien_position){ .epoch = (int)(i / 3) };
            before = (struct mien_softmax_stats){ .loss = 0.0 };
            assert_ok(mien_trainer_begin_epoch(&trainer, &err), &err);
        }
        assert_ok(mien_trainer_step_at(&trainer, (float)rate, &err), &err);
        assert_ok(mien_trainer_stats(&stats, &trainer, &err), &err);
        assert_near(curve->points[i].rate, rate, 1e-9 * rate);
        assert_near(curve->points[i].loss,
                    (stats.loss - before.loss) / (stats.weight - before.weight), 0.0);
        before = stats;
    }
    mien_trainer_finish(&trainer);
}

static void test_rate_test__makes_the_steps_of_training(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    const size_t bytes = f.file.network->flat_floats * sizeof(float);
    float *const weights = malloc(bytes);
    assert_non_null(weights);
    memcpy(weights, f.file.weights, bytes);
    const struct mien_rate_test_options options = options_to(0.1);
    struct mien_rate_curve curve = run(&f, &options);
    assert_int_equal(curve.count, STEPS);
    assert_int_equal(curve.end, MIEN_RATE_ALL_STEPS);
    assert_near(curve.points[STEPS - 1].rate, 0.1, 1e-9);
    check_against_trainer(&f, &curve);
    assert_memory_equal(weights, f.file.weights, bytes);
    mien_rate_curve_finish(&curve);
    free(weights);
    tear_down(&f);
}

static void test_rate_test__ends_where_the_loss_diverges(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    const struct mien_rate_test_options options = options_to(1000.0);
    struct mien_rate_curve curve = run(&f, &options);
    assert_int_equal(curve.end, MIEN_RATE_DIVERGED);
    assert_in_range(curve.count, 10, STEPS - 1);
    for (size_t i = 0; i < curve.count; i++) {
        assert_true(isfinite(curve.points[i].loss) && isfinite(curve.points[i].smooth));
    }
    mien_rate_curve_finish(&curve);

    struct mien_rate_test_options at_once = options_to(1e38); /* no numbers are left of these */
    at_once.from = 1e37;
    curve = run(&f, &at_once);
    assert_int_equal(curve.end, MIEN_RATE_DIVERGED);
    assert_true(curve.count <= 2);
    mien_rate_curve_finish(&curve);

    const struct mien_rate_test_options calm = options_to(0.1);
    pretend_lost = 9;
    curve = run(&f, &calm);
    assert_int_equal(pretend_lost, 0);
    assert_int_equal(curve.end, MIEN_RATE_DIVERGED);
    assert_int_equal(curve.count, 8);
    mien_rate_curve_finish(&curve);
    tear_down(&f);
}

static bool stop_now(void *user)
{
    size_t *const left = user;
    return --*left == 0;
}

static void count_points(void *user, size_t done, const struct mien_rate_point *point)
{
    (void)user;
    (void)done;
    assert_true(isfinite(point->smooth));
}

static void test_rate_test__stops_with_the_curve_so_far(void **state)
{
    struct fixture f = set_up(device_or_skip(state));
    struct mien_rate_test_options options = options_to(0.1);
    struct mien_rate_curve whole = run(&f, &options);
    size_t left = 6; /* looks behind the first step */
    options.stop = stop_now;
    options.progress = count_points;
    options.user = &left;
    struct mien_rate_curve part = run(&f, &options);
    assert_int_equal(part.end, MIEN_RATE_INTERRUPTED);
    assert_int_equal(part.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_near(part.points[i].rate, whole.points[i].rate, 0.0);
        assert_near(part.points[i].loss, whole.points[i].loss, 0.0);
    }
    mien_rate_curve_finish(&part);
    mien_rate_curve_finish(&whole);
    tear_down(&f);
}

/* A curve of made-up losses over five decades from 1e-5. */
enum { MADE = 200 };
static struct mien_rate_curve make_curve(double (*loss)(double decades))
{
    uint32_t state = 7;
    struct mien_rate_curve curve = { .points = calloc(MADE, sizeof(*curve.points)), .count = MADE };
    assert_non_null(curve.points);
    for (size_t i = 0; i < MADE; i++) {
        const double decades = -5.0 + 5.0 * (double)i / (MADE - 1);
        state = state * 1664525u + 1013904223u;
        curve.points[i].rate = pow(10.0, decades);
        curve.points[i].loss = loss(decades) + 0.02 * ((double)(state >> 8) / (1 << 24) - 0.5);
    }
    mien_rate_judge(&curve);
    return curve;
}

/* From 2 to 1, most steeply at 0.001; from 0.1 on it rises. */
static double falls(double decades)
{
    return 2.0 - 1.0 / (1.0 + exp(-12.0 * (decades + 3.0))) +
           (decades > -1.0 ? 2.0 * (decades + 1.0) : 0.0);
}

/* The same with an end that would bury all of it. */
static double explodes(double decades)
{
    return falls(decades) + (decades > -0.1 ? 1e6 : 0.0);
}

static double falls_to_the_end(double decades)
{
    return 2.0 - 1.0 / (1.0 + exp(-2.0 * (decades + 1.0)));
}

static double stays(double decades)
{
    return 2.0 + 0.0 * decades;
}

static double rises(double decades)
{
    return 2.0 + exp(2.0 * decades);
}

static void test_rate_judge__finds_the_steepest_and_the_lowest(void **state)
{
    (void)state;
    struct mien_rate_curve curve = make_curve(falls);
    assert_true(fabs(log10(curve.steepest) + 3.0) < 0.1); /* a mean of past steps lags by 0.5 */
    assert_true(log10(curve.lowest) > -2.0 && log10(curve.lowest) < -0.8);
    assert_false(curve.open);
    /* The same mean by hand, at an end and inside. */
    for (size_t i = 0; i < MADE; i += 57) {
        double sum = 0.0;
        double weights = 0.0;
        for (size_t k = 0; k < MADE; k++) {
            const double weight = pow(0.9, fabs((double)k - (double)i));
            sum += weight * curve.points[k].loss;
            weights += weight;
        }
        assert_near(curve.points[i].smooth, sum / weights, 1e-9);
    }
    mien_rate_curve_finish(&curve);
}

static void test_rate_judge__is_not_misled_by_losses_that_diverge(void **state)
{
    (void)state;
    struct mien_rate_curve curve = make_curve(explodes);
    assert_true(fabs(log10(curve.steepest) + 3.0) < 0.1);
    assert_true(log10(curve.lowest) > -2.0 && log10(curve.lowest) < -0.8);
    mien_rate_curve_finish(&curve);
}

/* Lowest among the first of a twentieth of the points: no whole window of slopes fits before it. */
static void test_rate_judge__finds_a_fall_at_the_very_beginning(void **state)
{
    (void)state;
    enum { MANY = 1000, FALL = 30 };
    struct mien_rate_curve curve = { .points = calloc(MANY, sizeof(*curve.points)), .count = MANY };
    assert_non_null(curve.points);
    for (size_t i = 0; i < MANY; i++) {
        curve.points[i].rate = pow(10.0, -5.0 + 5.0 * (double)i / (MANY - 1));
        curve.points[i].loss =
            i < FALL ? 4.0 - 3.0 * (double)i / FALL : 1.0 + 0.1 * (double)(i - FALL);
    }
    mien_rate_judge(&curve);
    assert_true(curve.lowest > 0.0 && curve.lowest < curve.points[MANY / 20].rate);
    assert_true(curve.steepest >= curve.points[0].rate && curve.steepest < curve.lowest);
    mien_rate_curve_finish(&curve);
}

static void test_rate_judge__says_where_the_loss_still_falls(void **state)
{
    (void)state;
    struct mien_rate_curve curve = make_curve(falls_to_the_end);
    assert_true(curve.open);
    assert_true(curve.steepest > 0.0 && curve.lowest > 0.1);
    curve.end = MIEN_RATE_DIVERGED; /* then what is behind it is known */
    mien_rate_judge(&curve);
    assert_false(curve.open);
    mien_rate_curve_finish(&curve);
}

static void test_rate_judge__suggests_nothing_where_no_loss_falls(void **state)
{
    (void)state;
    double (*const losses[])(double) = { stays, rises };
    for (size_t i = 0; i < 2; i++) {
        struct mien_rate_curve curve = make_curve(losses[i]);
        assert_near(curve.steepest, 0.0, 0.0);
        assert_near(curve.lowest, 0.0, 0.0);
        mien_rate_curve_finish(&curve);
    }
    struct mien_rate_curve brief = make_curve(falls);
    brief.count = 19; /* too few to tell */
    mien_rate_judge(&brief);
    assert_near(brief.lowest, 0.0, 0.0);
    mien_rate_curve_finish(&brief);
}

static void test_rate_draw__draws_short_and_flat_curves(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_recipe *const own = recipe_from(recipe);
    struct mien_rate_curve curve = make_curve(falls);
    for (size_t i = 0; i < MADE; i++) {
        curve.points[i].loss = 0.0;
    }
    static const size_t counts[] = { 2, 11, MADE };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct mien_plot plot;
        curve.count = counts[i];
        mien_rate_judge(&curve);
        must(mien_rate_draw(&plot, &curve, 1e-5, 1.0, own, &err), &err);
        mien_plot_finish(&plot);
    }
    mien_rate_curve_finish(&curve);
    mien_recipe_destroy(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_test__makes_the_steps_of_training),
        cmocka_unit_test(test_rate_test__ends_where_the_loss_diverges),
        cmocka_unit_test(test_rate_test__stops_with_the_curve_so_far),
        cmocka_unit_test(test_rate_judge__finds_the_steepest_and_the_lowest),
        cmocka_unit_test(test_rate_judge__is_not_misled_by_losses_that_diverge),
        cmocka_unit_test(test_rate_judge__finds_a_fall_at_the_very_beginning),
        cmocka_unit_test(test_rate_judge__says_where_the_loss_still_falls),
        cmocka_unit_test(test_rate_judge__suggests_nothing_where_no_loss_falls),
        cmocka_unit_test(test_rate_draw__draws_short_and_flat_curves),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
