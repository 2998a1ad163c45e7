/* test_search.c - the search for the fastest kernels: what wins, what may not, and what it costs */
// unoptimised
#include "tune/search.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/device.h"

/* A small convolution with bias, ReLU and mask, odd sizes. */
static struct mien_search_task task_of(int lanes, enum mien_conv2d_pass pass)
{
    struct mien_conv2d op;
    struct mien_error err = { "" };
    const struct mien_act x = { 19, 9, 13, 14, lanes };
    assert_ok(mien_conv2d_init(&op, &x, 10, 3, 3, 1, 1, &err), &err);
    struct mien_search_task task = { .key = mien_tuned_conv2d(&op, pass),
                                     .label = "conv1 some pass",
                                     .uses = 1,
                                     .forms = { { .bias = true, .relu = true, .mask = true } },
                                     .form_count = 1 };
    return task;
}

/* In the layout of this device. */
static struct mien_search_task make_task(struct mien_cl *cl, enum mien_conv2d_pass pass)
{
    return task_of(mien_device_lanes(mien_cl_device(cl)), pass);
}

/* What a planted run does, and what was seen of the search. */
struct plan {
    enum mien_status refuse; /* every candidate but the default variant with its parameters */
    bool idle;               /* ... does nothing at all, which is fast and wrong */
    bool all;                /* ... and the default too */
    float slow_ms;           /* the default takes this much longer */
    struct mien_tuned standard;
    bool idle_plain;          /* ... does nothing where no ReLU is asked for */
    int pool;                 /* what every forward pass must end in */
    int calls, found, formed; /* the last: runs of others without a ReLU */
    int others;               /* runs of others */
    unsigned variants;        /* a bit for each that ran among them */
    bool under_way;
    const struct mien_tuning *known;
};

static bool is_standard(const struct plan *plan, enum mien_conv2d_pass pass,
                        const struct mien_conv2d *op)
{
    const struct mien_tuned entry = mien_tuned_conv2d(op, pass);
    return entry.variant == plan->standard.variant &&
           memcmp(entry.param, plan->standard.param, sizeof(entry.param)) == 0;
}

static enum mien_status run(void *user, struct mien_cl *cl, const struct mien_product_conv *b,
                            enum mien_conv2d_pass pass, const struct mien_conv2d *op,
                            struct mien_error *err)
{
    struct plan *const plan = user;
    const bool standard = is_standard(plan, pass, op);
    plan->calls++;
    plan->others += standard ? 0 : 1;
    plan->variants |= standard ? 0u : 1u << op->variant[pass];
    if (!standard || plan->all) {
        if (plan->refuse != MIEN_OK) {
            return mien_fail(err, plan->refuse, "refused");
        }
        const bool plain = pass == MIEN_CONV2D_FWD && !op->relu;
        plan->formed += plain ? 1 : 0;
        if (plan->idle || (plan->idle_plain && plain)) {
            return MIEN_OK;
        }
    }
    if (standard && plan->slow_ms > 0.0f) {
        const struct timespec pause = { 0, (long)(plan->slow_ms * 1e6f) };
        (void)nanosleep(&pause, NULL);
    }
    switch (pass) {
    case MIEN_CONV2D_FWD: {
        const struct mien_conv2d_out out = { b->out, b->winner };
        assert_int_equal(op->pool, plan->pool);
        assert_true(plan->pool == 0 ||
                    (b->winner != NULL && mien_conv2d_pools(op, MIEN_CONV2D_FWD, plan->pool)));
        return mien_conv2d_fwd(cl, &out, b->x, b->weight, b->bias, b->work, op, err);
    }
    case MIEN_CONV2D_BWD_DATA:
        return mien_conv2d_bwd_data(cl, b->out, b->dy, b->weight, b->mask, b->work, op, err);
    case MIEN_CONV2D_BWD_FILTER: break;
    }
    return mien_conv2d_bwd_filter(cl, b->out, b->dbias, b->dy, b->x, b->work, op, err);
}

static enum mien_status found(void *user, const struct mien_search_result *result,
                              struct mien_error *err)
{
    (void)err;
    struct plan *const plan = user;
    plan->found += result->done ? 1 : 0;
    assert_true(result->share_ms > 0.0);
    assert_int_equal(result->done, result->tried >= 1);
    return MIEN_OK;
}

/* For more than one candidate, however slow the machine is; unoptimised they are soon compiled. */
static double seconds(void)
{
    return getenv("POCL_EXTRA_BUILD_FLAGS") != NULL ? 3.0 : 8.0;
}

static enum mien_status search(struct mien_search_result *result, struct mien_cl *cl,
                               const struct mien_search_task *task, struct plan *plan,
                               double limit_s, struct mien_error *err)
{
    const struct mien_search_options options = {
        .seconds = limit_s, .found = found, .user = plan, .hook = { run, plan }
    };
    plan->standard = task->key;
    return mien_search(result, cl, task, 1, &options, err);
}

static void test_search__finds_every_pass_right_in_each_variant(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        const struct mien_search_task task = make_task(cl, (enum mien_conv2d_pass)pass);
        struct mien_search_result result;
        struct mien_error err = { "" };
        struct plan plan = { .refuse = MIEN_OK };
        assert_ok(search(&result, cl, &task, &plan, seconds(), &err), &err);
        assert_int_equal(plan.found, 1);
        assert_int_equal(result.wrong, 0);
        assert_int_equal(result.refused, 0);
        assert_true(result.chosen.ms > 0.0 && result.chosen.ms <= result.chosen.default_ms);
        const bool changed =
            result.chosen.variant != task.key.variant ||
            memcmp(result.chosen.param, task.key.param, sizeof(task.key.param)) != 0;
        assert_int_equal(changed, result.chosen.ms < result.chosen.default_ms);
    }
    assert_int_equal(mien_cl_live(cl), 0);
}

/* Once another candidate than the default was run. */
static bool after_another(void *user)
{
    const struct plan *const plan = user;
    return plan->others > 0;
}

/* A GPU has the batched form, and where that failed the self-test sizes of its tiles to choose
 * from. */
static void test_search__tries_batches_and_tiles_where_there_is_one_lane(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 2 * MIEN_CONV2D_PASSES; i++) {
        struct mien_error err = { "" };
        struct mien_search_result result;
        struct mien_tuning known = { .entries = NULL };
        const enum mien_conv2d_pass pass = (enum mien_conv2d_pass)(i / 2);
        const struct mien_search_task task = task_of(1, pass);
        struct plan plan = { .standard = task.key };
        const struct mien_search_options options = { .seconds = 600.0,
                                                     .user = &plan,
                                                     .stop = after_another,
                                                     .known = &known,
                                                     .hook = { run, &plan } };
        if (i % 2 != 0) {
            mien_tuning_bar(&known, MIEN_TUNED_CONV2D, pass, MIEN_CONV2D_BATCHED);
        }
        assert_true(mien_search_has_choice(&task.key));
        assert_ok(mien_search(&result, cl, &task, 1, &options, &err), &err);
        assert_int_equal(task.key.variant, MIEN_CONV2D_TILE);
        assert_int_equal(plan.variants,
                         1u << (i % 2 != 0 ? MIEN_CONV2D_TILE : MIEN_CONV2D_BATCHED));
        assert_int_equal(result.wrong + result.refused, 0);
    }
}

/* Windows of a pooling that do not fit into the tiles that a variant would have: it begins with
 * others.
 */
static void test_search__begins_with_tiles_that_windows_fit_into(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_search_result result;
    struct mien_conv2d op;
    struct mien_search_task task = task_of(1, MIEN_CONV2D_FWD);
    task.forms[0].pool = 2;
    task.key.size[2] = 10; /* rows and columns of the image: tiles of 5x5 */
    task.key.size[3] = 10;
    assert_ok(mien_tuned_to_conv2d(&op, &task.key, &err), &err);
    op.variant[MIEN_CONV2D_FWD] = MIEN_CONV2D_BATCHED;
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    struct plan plan = { .pool = 2, .standard = task.key };
    const struct mien_search_options options = {
        .seconds = 600.0, .user = &plan, .stop = after_another, .hook = { run, &plan }
    };
    assert_ok(mien_search(&result, cl, &task, 1, &options, &err), &err);
    assert_int_equal(plan.variants, 1u << MIEN_CONV2D_BATCHED);
    assert_int_equal(result.wrong + result.refused, 0);
}

/* A layer that ends in a pooling is tried with it, by those alone that can: of the points of
 * Winograd's tiles for 3x3 those whose tiles windows of 2x2 fit into. */
static void test_search__keeps_the_pooling_of_a_layer(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_search_task task = make_task(cl, MIEN_CONV2D_FWD);
    struct mien_search_result result;
    struct mien_conv2d op;
    struct mien_error err = { "" };
    struct plan plan = { .slow_ms = 20.0f, .pool = 2 };
    task.forms[0].pool = 2;
    task.key.size[2] = 12; /* rows of the image: tiles of 4x4 by default */
    memset(task.key.param, 0, sizeof(task.key.param));
    assert_ok(mien_tuned_to_conv2d(&op, &task.key, &err), &err);
    task.key = mien_tuned_conv2d(&op, MIEN_CONV2D_FWD);
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    assert_ok(search(&result, cl, &task, &plan, seconds(), &err), &err);
    assert_true(result.tried >= 1 && result.wrong == 0 && result.refused == 0);
    assert_ok(mien_tuned_to_conv2d(&op, &result.chosen, &err), &err);
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
}

static void test_search__takes_what_is_faster_than_a_slow_default(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_search_task task = make_task(cl, MIEN_CONV2D_FWD);
    struct mien_search_result result;
    struct mien_error err = { "" };
    struct plan plan = { .slow_ms = 20.0f };
    if (!mien_search_has_choice(&task.key)) {
        skip();
    }
    assert_ok(search(&result, cl, &task, &plan, seconds(), &err), &err);
    assert_true(result.tried > 1);
    assert_true(result.chosen.default_ms > 20.0);
    assert_true(result.chosen.ms < 20.0);
    assert_false(result.chosen.variant == task.key.variant &&
                 memcmp(result.chosen.param, task.key.param, sizeof(task.key.param)) == 0);
}

static void test_search__lets_nothing_wrong_win_however_fast(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_search_task task = make_task(cl, MIEN_CONV2D_BWD_FILTER);
    struct mien_search_result result;
    struct mien_error err = { "" };
    struct plan plan = { .idle = true, .slow_ms = 5.0f };
    assert_ok(search(&result, cl, &task, &plan, seconds(), &err), &err);
    assert_true(result.tried > 1 || !mien_search_has_choice(&task.key));
    assert_int_equal(result.wrong, result.tried - 1);
    assert_int_equal(result.chosen.variant, task.key.variant);
    assert_memory_equal(result.chosen.param, task.key.param, sizeof(task.key.param));
}

/* No barred variant is told of. */
static enum mien_status watch_barred(void *user, const struct mien_search_task *task,
                                     const struct mien_tuned *candidate, struct mien_error *err)
{
    (void)task;
    (void)err;
    const struct plan *const plan = user;
    if (candidate != NULL) {
        assert_false(
            mien_tuning_barred(plan->known, candidate->op, candidate->pass, candidate->variant));
    }
    return MIEN_OK;
}

/* What is right in training, and fast, but not in evaluation, where it has no ReLU here. */
static void test_search__takes_nothing_that_is_wrong_in_another_form(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_search_task task = make_task(cl, MIEN_CONV2D_FWD);
    struct mien_search_result result;
    struct mien_error err = { "" };
    struct plan plan = { .slow_ms = 20.0f };
    if (!mien_search_has_choice(&task.key)) {
        skip();
    }
    task.forms[1] = (struct mien_search_form){ .bias = true };
    task.form_count = 2;
    assert_ok(search(&result, cl, &task, &plan, seconds(), &err), &err);
    assert_false(mien_tuned_same(&result.chosen, &result.standard));
    assert_int_equal(result.wrong, 0);
    assert_true(plan.formed > 0);
    plan.idle_plain = true;
    assert_ok(search(&result, cl, &task, &plan, seconds(), &err), &err);
    assert_true(mien_tuned_same(&result.chosen, &result.standard));
    assert_int_equal(result.wrong, 1);
    assert_true(result.done && result.chosen.ms > 20.0);
    assert_int_equal(mien_cl_live(cl), 0);
}

/* Variants that the self-test found wrong do not get the device. */
static void test_search__tries_nothing_that_is_barred(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_search_task task = make_task(cl, MIEN_CONV2D_FWD);
    struct mien_search_result result;
    struct mien_error err = { "" };
    struct mien_tuning known = { .entries = NULL };
    struct plan plan = { .slow_ms = 20.0f, .known = &known };
    const struct mien_search_options options = { .seconds = seconds(),
                                                 .at = watch_barred,
                                                 .user = &plan,
                                                 .known = &known,
                                                 .hook = { run, &plan } };
    plan.standard = task.key;
    for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
        if (v != task.key.variant) {
            mien_tuning_bar(&known, MIEN_TUNED_CONV2D, MIEN_CONV2D_FWD, v);
        }
    }
    assert_ok(mien_search(&result, cl, &task, 1, &options, &err), &err);
    assert_true(result.tried >= 1);
    assert_int_equal(result.chosen.variant, task.key.variant);
    assert_int_equal(mien_cl_live(cl), 0);
}

static void test_search__passes_over_what_the_device_refuses(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_search_task task = make_task(cl, MIEN_CONV2D_BWD_DATA);
    struct mien_search_result result;
    struct mien_error err = { "" };
    struct plan plan = { .refuse = MIEN_ERR_CL };
    assert_ok(search(&result, cl, &task, &plan, seconds(), &err), &err);
    assert_true(result.tried > 1 || !mien_search_has_choice(&task.key));
    assert_int_equal(result.refused, result.tried - 1);
    assert_int_equal(result.chosen.variant, task.key.variant);
    assert_memory_equal(result.chosen.param, task.key.param, sizeof(task.key.param));
}

static void test_search__fails_when_nothing_is_right(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_search_task task = make_task(cl, MIEN_CONV2D_FWD);
    struct mien_search_result result;
    struct mien_error err = { "" };
    struct plan plan = { .idle = true, .all = true };
    assert_int_equal(search(&result, cl, &task, &plan, seconds(), &err), MIEN_ERR_CL);
    assert_non_null(strstr(err.text, "conv1 some pass: no variant"));
    assert_int_equal(plan.found, 0);
    assert_int_equal(mien_cl_live(cl), 0);
}

/* Note every candidate but the default as one that hung. */
static enum mien_status note_all(void *user, const struct mien_search_task *task,
                                 const struct mien_tuned *candidate, struct mien_error *err)
{
    if (candidate == NULL || mien_tuned_same(candidate, &task->key)) {
        return MIEN_OK;
    }
    struct mien_tuned entry = *candidate;
    entry.skip = MIEN_TUNED_HUNG;
    return mien_tuning_put(user, &entry, err);
}

/* What is to be left alone is neither tried nor told of. */
static enum mien_status watch(void *user, const struct mien_search_task *task,
                              const struct mien_tuned *candidate, struct mien_error *err)
{
    (void)task;
    (void)err;
    struct plan *const plan = user;
    if (candidate != NULL) {
        assert_false(plan->under_way);
        assert_false(mien_tuning_skips(plan->known, candidate));
    }
    plan->under_way = candidate != NULL;
    return MIEN_OK;
}

static void test_search__leaves_alone_what_it_is_told_to(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_search_task task = make_task(cl, MIEN_CONV2D_FWD);
    struct mien_search_result result;
    struct mien_error err = { "" };
    struct mien_tuning known = { .entries = NULL };
    struct plan plan = { .known = &known };
    struct mien_search_options options = { .seconds = 4.0, .at = note_all, .user = &known };
    if (!mien_search_has_choice(&task.key)) {
        skip();
    }
    assert_ok(mien_search(&result, cl, &task, 1, &options, &err), &err);
    assert_true(known.count > 0);
    options = (struct mien_search_options){
        .seconds = 4.0, .at = watch, .found = found, .user = &plan, .known = &known
    };
    assert_ok(mien_search(&result, cl, &task, 1, &options, &err), &err);
    assert_true(result.skipped && result.done);
    assert_int_equal(plan.found, 1);
    assert_true(result.tried >= 1);
    assert_false(plan.under_way);
    mien_tuning_finish(&known);
}

static bool stop_at_once(void *user)
{
    (void)user;
    return true;
}

static void test_search__ends_when_it_is_told_to(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_search_task task = make_task(cl, MIEN_CONV2D_FWD);
    struct mien_search_result result;
    struct mien_error err = { "" };
    const struct mien_search_options options = { .seconds = 1000.0, .stop = stop_at_once };
    assert_ok(mien_search(&result, cl, &task, 1, &options, &err), &err);
    assert_int_equal(result.tried, 0);
    assert_int_equal(result.chosen.variant, task.key.variant);
}

static void test_search__chooses_who_computes_a_dense_layer(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_dense op = {
        .n = 19, .in = 45, .out = 12, .lanes = mien_device_lanes(mien_cl_device(cl))
    };
    const struct mien_search_task task = {
        .key = mien_tuned_dense(&op, op.lanes > 1 ? MIEN_TUNED_OWN : MIEN_TUNED_CLBLAST),
        .label = "dense1",
        .uses = 1,
        .forms = { { .bias = true, .relu = true, .mask = true } },
        .form_count = 1,
    };
    struct mien_search_result result;
    struct mien_error err = { "" };
    struct plan plan = { .refuse = MIEN_OK };
    assert_ok(search(&result, cl, &task, &plan, 20.0, &err), &err);
    assert_int_equal(result.tried, op.lanes > 1 ? 2 : 1);
    assert_int_equal(result.wrong + result.refused, 0);
    assert_true(result.complete);
    assert_int_equal(mien_cl_live(cl), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search__finds_every_pass_right_in_each_variant),
        cmocka_unit_test(test_search__takes_what_is_faster_than_a_slow_default),
        cmocka_unit_test(test_search__takes_nothing_that_is_wrong_in_another_form),
        cmocka_unit_test(test_search__tries_nothing_that_is_barred),
        cmocka_unit_test(test_search__lets_nothing_wrong_win_however_fast),
        cmocka_unit_test(test_search__tries_batches_and_tiles_where_there_is_one_lane),
        cmocka_unit_test(test_search__begins_with_tiles_that_windows_fit_into),
        cmocka_unit_test(test_search__keeps_the_pooling_of_a_layer),
        cmocka_unit_test(test_search__passes_over_what_the_device_refuses),
        cmocka_unit_test(test_search__fails_when_nothing_is_right),
        cmocka_unit_test(test_search__leaves_alone_what_it_is_told_to),
        cmocka_unit_test(test_search__ends_when_it_is_told_to),
        cmocka_unit_test(test_search__chooses_who_computes_a_dense_layer),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
