/* test_tuned.c - what of a network is tuned, in which forms it must be right, and what is barred */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/tuned.h"
#include "support/scratch.h"
#include "support/training.h"

struct tasks {
    struct mien_search_task *items;
    size_t count;
};

static struct tasks tasks_of(const char *layers, const struct mien_tuning *tuning)
{
    char text[512];
    struct mien_error err = { "" };
    struct tasks tasks;
    (void)snprintf(text, sizeof(text),
                   "input: { channels: 3, height: 12, width: 12 }\nlayers: [ %s ]\n", layers);
    struct mien_network *const network = network_from(text, 3);
    const struct mien_model_options options = {
        .batch = 16, .lanes = 16, .train = true, .tuning = tuning
    };
    must(mien_network_tasks(&tasks.items, &tasks.count, network, &options, &err), &err);
    mien_network_destroy(network);
    return tasks;
}

/* The task of a pass, whatever else the layer's kernel makes: "conv1+relu1+maxpool1 forward". */
static const struct mien_search_task *find(const struct tasks *tasks, const char *layer,
                                           enum mien_conv2d_pass pass)
{
    for (size_t i = 0; i < tasks->count; i++) {
        const struct mien_search_task *const task = &tasks->items[i];
        if (strncmp(task->label, layer, strlen(layer)) == 0 && task->key.pass == pass) {
            return task;
        }
    }
    fail_msg("no task of %s", layer);
    return NULL;
}

static void expect_forms(const struct mien_search_task *task, int count,
                         const struct mien_search_form *forms)
{
    assert_int_equal(task->form_count, count);
    for (int i = 0; i < count; i++) {
        const struct mien_search_form *const got = &task->forms[i];
        const struct mien_search_form *const want = &forms[i];
        if (got->bias != want->bias || got->relu != want->relu || got->mask != want->mask ||
            got->pool != want->pool || got->unasked != want->unasked) {
            fail_msg("%s, form %d: bias %d relu %d mask %d pool %d unasked %d", task->label, i,
                     got->bias, got->relu, got->mask, got->pool, got->unasked);
        }
    }
}

/* In evaluation batch norm is in the weights, and the kernel makes what is behind it. */
static void test_tuned__has_the_forms_of_evaluation(void **state)
{
    (void)state;
    static const struct mien_search_form forward[] = {
        { .bias = false },
        { .bias = true, .relu = true, .pool = 2, .unasked = true },
        { .bias = true, .relu = true },
    };
    static const struct mien_search_form data[] = { { .mask = true } };
    static const struct mien_search_form filter[] = { { .bias = false } };
    struct tasks tasks = tasks_of("relu, conv 8 3x3 pad 1 bias no, batchnorm, relu, maxpool 2, "
                                  "conv 8 3x3 pad 1 bias no, batchnorm, flatten, dense classes",
                                  NULL);
    expect_forms(find(&tasks, "conv1", MIEN_CONV2D_FWD), 3, forward);
    expect_forms(find(&tasks, "conv2", MIEN_CONV2D_BWD_DATA), 1, data);
    expect_forms(find(&tasks, "conv1", MIEN_CONV2D_BWD_FILTER), 1, filter);
    free(tasks.items);
}

/* Layers of one shape are one task, with the forms of all of them. */
static void test_tuned__has_the_forms_of_all_layers_of_a_shape(void **state)
{
    (void)state;
    static const struct mien_search_form forward[] = {
        { .bias = true },
        { .bias = true, .relu = true, .pool = 2 },
        { .bias = true, .relu = true, .pool = 2, .unasked = true },
        { .bias = true, .relu = true },
    };
    struct tasks tasks = tasks_of("conv 8 3x3 pad 1, leakyrelu, conv 8 3x3 pad 1, leakyrelu, "
                                  "conv 8 3x3 pad 1, relu, maxpool 2, flatten, dense classes",
                                  NULL);
    const struct mien_search_task *const task = find(&tasks, "conv2", MIEN_CONV2D_FWD);
    assert_int_equal(task->uses, 2);
    expect_forms(task, 4, forward);
    free(tasks.items);
}

/* The filter's gradient of a first layer takes the gradient behind the pooling, others do not. */
static void test_tuned__has_the_pooling_behind_a_first_layer(void **state)
{
    (void)state;
    static const struct mien_search_form behind[] = { { .bias = true, .pool = 2 } };
    static const struct mien_search_form plain[] = { { .bias = true } };
    struct tasks tasks = tasks_of("conv 8 3x3 pad 1, relu, maxpool 2, conv 9 3x3 pad 1, relu, "
                                  "maxpool 2, flatten, dense classes",
                                  NULL);
    expect_forms(find(&tasks, "conv1", MIEN_CONV2D_BWD_FILTER), 1, behind);
    expect_forms(find(&tasks, "conv2", MIEN_CONV2D_BWD_FILTER), 1, plain);
    free(tasks.items);
}

static void test_tuned__has_no_default_that_is_barred(void **state)
{
    (void)state;
    static const char layers[] = "conv 8 3x3 pad 1, relu, maxpool 2, flatten, dense classes";
    struct mien_tuning tuning = { .entries = NULL };
    struct tasks tasks = tasks_of(layers, NULL);
    const struct mien_search_task *task = find(&tasks, "conv1", MIEN_CONV2D_FWD);
    const int usual = task->key.variant;
    assert_int_equal(task->forms[0].pool, 2);
    free(tasks.items);
    mien_tuning_bar(&tuning, MIEN_TUNED_CONV2D, MIEN_CONV2D_FWD, usual);
    for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
        mien_tuning_bar_pool(&tuning, (enum mien_conv2d_variant)v);
    }
    tasks = tasks_of(layers, &tuning);
    task = find(&tasks, "conv1", MIEN_CONV2D_FWD);
    assert_int_not_equal(task->key.variant, usual);
    assert_int_equal(task->forms[0].pool, 0);
    assert_int_equal(task->form_count, 1);
    free(tasks.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tuned__has_the_forms_of_evaluation),
        cmocka_unit_test(test_tuned__has_the_forms_of_all_layers_of_a_shape),
        cmocka_unit_test(test_tuned__has_the_pooling_behind_a_first_layer),
        cmocka_unit_test(test_tuned__has_no_default_that_is_barred),
    };
    return cmocka_run_group_tests_name("nn/tuned", tests, NULL, NULL);
}
