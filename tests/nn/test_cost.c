/* test_cost.c - arithmetic and bytes of each pass, counted by hand */
#include <stdio.h>
#include <stdlib.h>

#include "nn/cost.h"
#include "support/device.h"
#include "support/training.h"

enum { N = 16, CLASSES = 3 };

/* The passes of a network for N images, in their order. */
struct costs {
    struct mien_network *network;
    struct mien_model *model;
    struct mien_cost *items;
    size_t count;
};

static struct costs costs_of(struct mien_cl *cl, const char *layers)
{
    struct mien_error err = { "" };
    struct costs out = { .network = NULL };
    char recipe[512];
    const struct mien_model_options options = {
        .batch = N, .train = true, .blas = MIEN_BLAS_OWN, .lanes = 8
    };
    (void)snprintf(recipe, sizeof(recipe),
                   "input: { channels: 1, height: 8, width: 8 }\nlayers: [ %s ]", layers);
    out.network = network_from(recipe, CLASSES);
    assert_ok(mien_model_create(&out.model, cl, out.network, &options, &err), &err);
    assert_ok(mien_model_costs(&out.items, &out.count, out.model, &err), &err);
    return out;
}

static void finish(struct costs *costs)
{
    free(costs->items);
    mien_model_destroy(costs->model);
    mien_network_destroy(costs->network);
}

/* A pass, its operations for one image, and floats that it reads or writes for one image and for
 * the batch. */
struct expected {
    const char *label;
    double flop, floats, once;
};

static void check(struct mien_cl *cl, const char *layers, const struct expected *expected,
                  size_t count)
{
    struct costs costs = costs_of(cl, layers);
    for (size_t i = 0; i < count && i < costs.count; i++) {
        assert_string_equal(costs.items[i].label, expected[i].label);
        assert_true(costs.items[i].flop == expected[i].flop * N);
        assert_true(costs.items[i].bytes == (expected[i].floats * N + expected[i].once) * 4.0);
    }
    assert_int_equal(costs.count, count);
    finish(&costs);
}

static void test_cost__of_convolution_and_dense_layer(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct expected expected[] = {
        { "conv1 forward", 2 * 9 * 256, 64 + 256, 40 },
        { "dense1 forward", 2 * 256 * 3, 256 + 3, 771 },
        { "dense1 backward filter", 2 * 256 * 3, 256 + 3, 771 },
        { "dense1 backward data", 2 * 256 * 3, 3 + 256 + 256, 771 }, /* and the ReLU's mask */
        { "conv1 backward filter", 2 * 9 * 256, 64 + 256, 40 },
    };
    check(cl, "conv 4 3x3 pad 1, relu, flatten, dense classes", expected,
          sizeof(expected) / sizeof(expected[0]));
}

/* The gradient of the gates is a sum of products, that of what the mark kept products. */
static void test_cost__of_products_of_channels(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct expected expected[] = {
        { "conv1 forward", 2 * 9 * 256, 64 + 256, 40 },
        { "globalavgpool1 forward", 256, 256 + 4, 0 },
        { "conv2 forward", 2 * 4 * 4, 4 + 4, 20 },
        { "sigmoid1 forward", 4, 4 + 4, 0 },
        { "multiply1 forward", 256, 4 + 256 + 256, 0 },
        { "dense1 forward", 2 * 256 * 3, 256 + 3, 771 },
        { "dense1 backward filter", 2 * 256 * 3, 256 + 3, 771 },
        { "dense1 backward data", 2 * 256 * 3, 3 + 256, 771 },
        { "multiply1 backward gates", 2 * 256, 256 + 256 + 4, 0 },
        { "multiply1 backward data", 256, 256 + 4 + 256, 0 },
        { "sigmoid1 backward", 4, 4 + 4 + 4, 0 },
        { "conv2 backward filter", 2 * 4 * 4, 4 + 4, 20 },
        { "conv2 backward data", 2 * 4 * 4, 4 + 4, 20 },
        { "globalavgpool1 backward", 256, 4 + 256, 0 },
        { "mark1 backward", 0, 256 + 256 + 256, 0 },
        { "conv1 backward filter", 2 * 9 * 256, 64 + 256, 40 },
    };
    check(cl,
          "conv 4 3x3 pad 1, mark a, globalavgpool, conv 4 1x1, sigmoid, multiply a, flatten, "
          "dense classes",
          expected, sizeof(expected) / sizeof(expected[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost__of_convolution_and_dense_layer),
        cmocka_unit_test(test_cost__of_products_of_channels),
    };
    return cmocka_run_group_tests_name("nn/cost", tests, device_setup, device_teardown);
}
