/* test_search_blas.c - the search for CLBlast's parameters: what wins, and what may not
 *
 * CLBlast keeps its usual parameters whatever it is given, so that nothing has to be compiled anew;
 * its products do what a plan says while a set is in force.
 */
// unoptimised
// wrap: CLBlastOverrideParameters CLBlastSgemmWithTempBuffer
#include <string.h>
#include <time.h>

#include "cl/blas.h"
#include "cl/internal.h"
#include "support/device.h"
#include "support/wrap_clblast.h"
#include "tune/blas_space.h"
#include "tune/search_internal.h"

static struct {
    bool set;      /* another set than the usual one is in force */
    size_t kwg;    /* its KWG */
    bool idle;     /* a product with it does nothing, which is fast and wrong */
    bool refuse;   /* a product with it is refused */
    long usual_us; /* a product without takes this much longer */
    long set_us;   /* one with it, but for a KWG of 64 */
} plan;

CLBlastStatusCode __wrap_CLBlastOverrideParameters(cl_device_id device, const char *kernel,
                                                   CLBlastPrecision precision, size_t count,
                                                   const char **names, const size_t *values)
{
    (void)device;
    (void)precision;
    /* mien's usual set for CPU devices has no part for this kernel. */
    plan.set =
        strcmp(kernel, "XgemmDirect") == 0 || (strcmp(kernel, "GemmRoutine") == 0 && plan.set);
    for (size_t i = 0; i < count; i++) {
        plan.kwg = strcmp(names[i], "KWG") == 0 ? values[i] : plan.kwg;
    }
    return CLBlastSuccess;
}

CLBlastStatusCode __wrap_CLBlastSgemmWithTempBuffer(
    CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m,
    size_t n, size_t k, float alpha, cl_mem a, size_t a_offset, size_t a_ld, cl_mem b,
    size_t b_offset, size_t b_ld, float beta, cl_mem c, size_t c_offset, size_t c_ld,
    cl_command_queue *queue, cl_event *event, cl_mem temporary)
{
    const long us = !plan.set ? plan.usual_us : plan.kwg == 64 ? 0 : plan.set_us;
    if (plan.set && plan.refuse) {
        return CLBlastInvalidLocalMemUsage;
    }
    if (plan.set && plan.idle) {
        return CLBlastSuccess;
    }
    const struct timespec pause = { 0, us * 1000 };
    (void)nanosleep(&pause, NULL);
    return __real_CLBlastSgemmWithTempBuffer(layout, a_transpose, b_transpose, m, n, k, alpha, a,
                                             a_offset, a_ld, b, b_offset, b_ld, beta, c, c_offset,
                                             c_ld, queue, event, temporary);
}

/* A dense layer of this size, on rows or as own kernels take it. */
static struct mien_search_task layer_of(int lanes)
{
    const struct mien_dense op = { .n = 19, .in = 45, .out = 12, .lanes = lanes };
    return (struct mien_search_task){
        .key = mien_tuned_dense(&op, lanes > 1 ? MIEN_TUNED_OWN : MIEN_TUNED_CLBLAST),
        .label = "dense1",
        .uses = 2,
        .forms = { { .bias = true, .relu = true, .mask = true } },
        .form_count = 1,
    };
}

static struct mien_search_task task_of(const struct mien_search_task *layer)
{
    return (struct mien_search_task){
        .key = mien_tuned_blas(NULL),
        .label = "CLBlast",
        .uses = 1,
        .layers = layer,
        .layer_count = 1,
        .own = layer->key.variant == MIEN_TUNED_OWN,
    };
}

static void search(struct mien_search_result *result, struct mien_cl *cl,
                   const struct mien_search_task *task, const struct mien_tuning *known)
{
    struct mien_error err = { "" };
    const struct mien_search_options options = { .seconds = 200.0, .known = known };
    plan.set = false;
    cl->blas_set = false; /* as in a new process: no set has got through to CLBlast */
    assert_true(mien_search_has_choice(&task->key));
    assert_ok(mien_search(result, cl, task, 1, &options, &err), &err);
    assert_true(result->done && result->complete);
    assert_int_equal(mien_cl_live(cl), 0);
}

/* The sets that are tried: all on the first axis, the others on the rest. */
static size_t set_count(struct mien_cl *cl)
{
    size_t count = 1;
    for (int axis = 0; axis < MIEN_BLAS_AXES; axis++) {
        count += mien_blas_choices((enum mien_blas_axis)axis, mien_cl_device(cl)->kind) - 1;
    }
    return count;
}

static void check_fastest(struct mien_cl *cl)
{
    const struct mien_search_task layer = layer_of(1);
    const struct mien_search_task task = task_of(&layer);
    struct mien_search_result result;
    memset(&plan, 0, sizeof(plan));
    plan.usual_us = 8000;
    plan.set_us = 3000;
    search(&result, cl, &task, NULL);
    assert_int_equal(result.tried, 1 + set_count(cl));
    assert_int_equal(result.wrong + result.refused, 0);
    assert_int_equal(result.chosen.variant, MIEN_TUNED_SET);
    assert_true(result.chosen.default_ms > 6 * 8.0); /* two layers, three products each */
    assert_true(result.chosen.ms < 6 * 8.0);
    struct mien_error err = { "" };
    assert_ok(mien_blas_check(&result.chosen.blas, &err), &err);
    if (mien_cl_device(cl)->kind == MIEN_DEVICE_CPU) {
        assert_int_equal(result.chosen.blas.value[MIEN_BLAS_KWG], 64);
    }
    assert_ptr_equal(mien_search_chosen_blas(&result, 1), &result.chosen.blas);
}

/* Timed in turns with the usual one on a CPU device; on others that one is timed once, before. */
static void test_search_blas__takes_the_fastest_set(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const enum mien_device_kind kind = cl->info.kind;
    check_fastest(cl);
    if (kind == MIEN_DEVICE_CPU) {
        cl->info.kind = MIEN_DEVICE_GPU;
        check_fastest(cl);
        cl->info.kind = kind;
    }
}

static void test_search_blas__lets_nothing_wrong_or_refused_win(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_search_task layer = layer_of(1);
    const struct mien_search_task task = task_of(&layer);
    const enum mien_device_kind kind = cl->info.kind;
    for (int i = 0; i < 4; i++) {
        const int refuse = i % 2;
        struct mien_search_result result;
        cl->info.kind = i < 2 ? kind : MIEN_DEVICE_GPU;
        memset(&plan, 0, sizeof(plan));
        plan.usual_us = 2000;
        plan.idle = refuse == 0;
        plan.refuse = refuse != 0;
        search(&result, cl, &task, NULL);
        assert_int_equal(refuse ? result.refused : result.wrong, result.tried - 1);
        assert_true(result.tried > 1);
        assert_int_equal(result.chosen.variant, MIEN_TUNED_USUAL);
        assert_null(mien_search_chosen_blas(&result, 1));
    }
    cl->info.kind = kind;
}

static void test_search_blas__leaves_alone_what_it_is_told_to(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_search_task layer = layer_of(1);
    const struct mien_search_task task = task_of(&layer);
    struct mien_search_result result;
    struct mien_error err = { "" };
    struct mien_tuning known = { .entries = NULL };
    const struct mien_blas_params first = mien_blas_first(mien_cl_device(cl)->kind);
    struct mien_tuned skip = mien_tuned_blas(&first);
    skip.skip = MIEN_TUNED_HUNG;
    assert_ok(mien_tuning_put(&known, &skip, &err), &err);
    memset(&plan, 0, sizeof(plan));
    search(&result, cl, &task, &known);
    assert_int_equal(result.tried, set_count(cl));
    assert_true(result.skipped);
    assert_null(mien_tuning_blas(&known));
    mien_tuning_finish(&known);
}

static void test_search_blas__is_not_for_what_own_kernels_do_far_faster(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const int lanes = mien_device_lanes(mien_cl_device(cl));
    const struct mien_search_task layer = layer_of(lanes);
    const struct mien_search_task task = task_of(&layer);
    struct mien_search_result result;
    if (lanes == 1) {
        skip();
    }
    memset(&plan, 0, sizeof(plan));
    plan.usual_us = 20000;
    search(&result, cl, &task, NULL);
    assert_int_equal(result.tried, 1);
    assert_true(result.own_ms > 0.0 && result.own_ms < 60.0);
    assert_int_equal(result.chosen.variant, MIEN_TUNED_USUAL);
}

/* A set that no layer uses is not kept. */
static void test_search_blas__keeps_a_set_only_for_layers_of_clblast(void **state)
{
    (void)state;
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_CPU);
    const struct mien_search_task layer = layer_of(8);
    struct mien_search_task task = task_of(&layer);
    struct mien_search_result results[2] = {
        { .task = &task, .chosen = mien_tuned_blas(&set), .done = true },
        { .task = &layer, .chosen = layer.key, .done = true },
    };
    assert_true(mien_search_spares_blas(results, 2, &results[0]));
    results[1].chosen.variant = MIEN_TUNED_CLBLAST;
    assert_false(mien_search_spares_blas(results, 2, &results[0]));
    results[1].done = false; /* nobody knows */
    assert_true(mien_search_spares_blas(results, 2, &results[0]));
    task.own = false; /* only CLBlast can */
    assert_false(mien_search_spares_blas(results, 2, &results[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_blas__takes_the_fastest_set),
        cmocka_unit_test(test_search_blas__lets_nothing_wrong_or_refused_win),
        cmocka_unit_test(test_search_blas__leaves_alone_what_it_is_told_to),
        cmocka_unit_test(test_search_blas__is_not_for_what_own_kernels_do_far_faster),
        cmocka_unit_test(test_search_blas__keeps_a_set_only_for_layers_of_clblast),
    };
    return cmocka_run_group_tests_name("tune/search_blas", tests, device_setup, device_teardown);
}
