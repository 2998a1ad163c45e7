/* test_network.c - shapes, names, parameters, arithmetic and refusals of networks */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nn/network.h"
#include "support/scratch.h"

static struct mien_recipe *parse(const char *text)
{
    struct mien_error err = { { 0 } };
    struct mien_recipe *recipe = NULL;
    must(mien_recipe_parse(&recipe, text, strlen(text), "r.yaml", NULL, 0, &err), &err);
    return recipe;
}

/* A network of 3 channels of height x width, with layers as a YAML flow list on line 2. */
static enum mien_status build(struct mien_network **out, int height, int width, const char *layers,
                              struct mien_error *err)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "input: { channels: 3, height: %d, width: %d }\nlayers: [ %s ]\n", height, width,
                   layers);
    struct mien_recipe *recipe = parse(text);
    const enum mien_status st = mien_network_create(out, recipe, 7, err);
    mien_recipe_destroy(recipe);
    return st;
}

static struct mien_network *load(const char *name, int classes)
{
    struct mien_error err = { { 0 } };
    struct mien_recipe *recipe = NULL;
    struct mien_network *network = NULL;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/recipes/%s", MIEN_SOURCE_DIR, name);
    must(mien_recipe_load(&recipe, path, NULL, 0, &err), &err);
    must(mien_network_create(&network, recipe, classes, &err), &err);
    mien_recipe_destroy(recipe);
    return network;
}

static const struct mien_layer *find_layer(const struct mien_network *network, const char *name)
{
    for (size_t i = 0; i < network->layer_count; i++) {
        if (strcmp(network->layers[i].name, name) == 0) {
            return &network->layers[i];
        }
    }
    fail_msg("no layer %s", name);
    return NULL;
}

static const struct mien_param *find_param(const struct mien_network *network, const char *name)
{
    for (size_t i = 0; i < network->param_count; i++) {
        if (strcmp(network->params[i].name, name) == 0) {
            return &network->params[i];
        }
    }
    fail_msg("no parameter %s", name);
    return NULL;
}

static void check_shape(const struct mien_network *network, const char *name, int c, int h, int w)
{
    const struct mien_shape out = find_layer(network, name)->out;
    if (out.c != c || out.h != h || out.w != w) {
        fail_msg("%s: got %dx%dx%d, expected %dx%dx%d", name, out.c, out.h, out.w, c, h, w);
    }
}

static size_t layer_parameters(const struct mien_network *network, const char *name)
{
    const struct mien_layer *layer = find_layer(network, name);
    size_t count = 0;
    for (int i = 0; i < layer->param_count; i++) {
        count += network->params[layer->first_param + i].count;
    }
    return count;
}

static void test_network__report_is_what_its_text_says(void **state)
{
    (void)state;
    struct mien_network *network = load("report.yaml", 7);
    check_shape(network, "conv1", 64, 44, 44);
    check_shape(network, "conv2", 32, 41, 41);
    check_shape(network, "flatten1", 53792, 1, 1);
    check_shape(network, "dense3", 7, 1, 1);
    assert_int_equal(layer_parameters(network, "conv1"), 1664);
    assert_int_equal(layer_parameters(network, "conv2"), 32800);
    assert_int_equal(layer_parameters(network, "dense1"), 6455160);
    assert_int_equal(layer_parameters(network, "dense2"), 10164);
    assert_int_equal(layer_parameters(network, "dense3"), 595);
    assert_int_equal(network->parameters, 6500383);
    assert_int_equal(find_layer(network, "dense3")->spec.width, 7);
    assert_true(find_layer(network, "conv2")->flop == 2.0 * 32 * 41 * 41 * 64 * 4 * 4);
    assert_true(find_layer(network, "dense1")->flop == 2.0 * 53792 * 120);
    assert_true(find_layer(network, "relu1")->flop == 64.0 * 44 * 44);
    mien_network_destroy(network);
}

static void test_network__pooled_report_halves_each_side(void **state)
{
    (void)state;
    struct mien_network *network = load("report-pooled.yaml", 7);
    check_shape(network, "maxpool1", 64, 22, 22);
    check_shape(network, "conv2", 32, 19, 19);
    check_shape(network, "maxpool2", 32, 9, 9);
    assert_int_equal(network->parameters, 1664 + 32800 + 120 * (2592 + 1) + 10164 + 595);
    mien_network_destroy(network);
}

static void test_network__vgg_counts_as_pytorch_does(void **state)
{
    (void)state;
    struct mien_network *network = load("vgg-32-64-128-256.yaml", 7);
    check_shape(network, "conv8", 256, 5, 5);
    check_shape(network, "globalavgpool1", 256, 1, 1);
    assert_int_equal(network->parameters, 1174439);
    mien_network_destroy(network);
    network = load("vgg-64-128-256-512.yaml", 10);
    check_shape(network, "dense1", 10, 1, 1);
    mien_network_destroy(network);
}

static void test_network__parameters_are_named_and_placed(void **state)
{
    (void)state;
    struct mien_error err = { { 0 } };
    struct mien_network *network = NULL;
    must(build(&network, 8, 8,
               "conv 5 3x2 bias no, batchnorm, relu, conv 4 1x1, batchnorm, flatten, dense 9, "
               "dense classes bias no",
               &err),
         &err);
    static const char *const names[] = {
        "conv1.weight",
        "batchnorm1.weight",
        "batchnorm1.bias",
        "batchnorm1.running_mean",
        "batchnorm1.running_var",
        "conv2.weight",
        "conv2.bias",
        "batchnorm2.weight",
        "batchnorm2.bias",
        "batchnorm2.running_mean",
        "batchnorm2.running_var",
        "dense1.weight",
        "dense1.bias",
        "dense2.weight",
    };
    const size_t count = sizeof(names) / sizeof(names[0]);
    assert_int_equal(network->param_count, count);
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        const struct mien_param *param = &network->params[i];
        assert_string_equal(param->name, names[i]);
        assert_int_equal(param->offset % 128, 0);
        assert_true(param->offset >= end);
        end = param->offset + param->count;
        assert_int_equal(param->trainable, strstr(names[i], "running_") == NULL);
        assert_int_equal(param->decayed, strstr(names[i], "weight") != NULL &&
                                             strstr(names[i], "batchnorm") == NULL);
    }
    assert_true(network->flat_floats >= end && network->flat_floats % 128 == 0);
    const struct mien_param *weight = find_param(network, "conv1.weight");
    assert_int_equal(weight->rank, 4);
    assert_int_equal(weight->shape[0], 5);
    assert_int_equal(weight->shape[1], 3);
    assert_int_equal(weight->shape[2], 3);
    assert_int_equal(weight->shape[3], 2);
    assert_int_equal(weight->fan_in, 18);
    assert_int_equal(find_param(network, "dense1.weight")->shape[0], 9);
    assert_int_equal(find_param(network, "dense1.weight")->shape[1], 4 * 6 * 7);
    assert_int_equal(find_param(network, "dense1.bias")->fan_in, 4 * 6 * 7);
    assert_int_equal(find_param(network, "batchnorm1.running_var")->shape[0], 5);
    mien_network_destroy(network);
}

static void test_network__shapes_round_down(void **state)
{
    (void)state;
    static const struct {
        const char *layer;
        int height, width, h, w;
    } rows[] = {
        { "conv 3 3x3", 9, 8, 7, 6 },
        { "conv 3 3x3 stride 2", 9, 8, 4, 3 },
        { "conv 3 3x3 pad 1", 9, 8, 9, 8 },
        { "conv 3 7x2 pad 1 stride 3", 9, 8, 2, 3 },
        { "maxpool 2", 9, 8, 4, 4 },
        { "maxpool 3 stride 2 pad 1", 9, 8, 5, 4 },
        { "avgpool 2x3 stride 1", 9, 8, 8, 6 },
        { "avgpool 8", 9, 8, 1, 1 },
        { "globalavgpool", 9, 8, 1, 1 },
        { "batchnorm", 9, 8, 9, 8 },
        { "conv 3 1x1", 1, 1, 1, 1 },
        { "conv 3 3x3 pad 1", 1, 1, 1, 1 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mien_error err = { { 0 } };
        struct mien_network *network = NULL;
        char layers[128];
        (void)snprintf(layers, sizeof(layers), "%s, flatten, dense classes", rows[i].layer);
        must(build(&network, rows[i].height, rows[i].width, layers, &err), &err);
        check_shape(network, network->layers[0].name, 3, rows[i].h, rows[i].w);
        mien_network_destroy(network);
    }
}

/* An add has its projection in front as layers of its own, named after it. */
static void test_network__additions_have_their_projections_in_front(void **state)
{
    (void)state;
    struct mien_error err = { { 0 } };
    struct mien_network *network = NULL;
    must(build(&network, 8, 8,
               "mark in, conv 3 3x3 pad 1, add in, mark a, conv 4 3x3 stride 2 pad 1, "
               "add a conv 4 1x1 stride 2 bias no batchnorm, relu, add a conv 4 2x2 stride 2, "
               "flatten, dense classes",
               &err),
         &err);
    static const struct {
        const char *name;
        int from, skip, uses;
        bool projects;
    } want[] = {
        { "mark1", -1, -1, 1, false },        { "conv1", 0, -1, 0, false },
        { "add1", 1, 0, 0, false },           { "mark2", 2, -1, 2, false },
        { "conv2", 3, -1, 0, false },         { "add2.conv", 3, -1, 0, true },
        { "add2.batchnorm", 5, -1, 0, true }, { "add2", 4, 6, 0, false },
        { "relu1", 7, -1, 0, false },         { "add3.conv", 3, -1, 0, true },
        { "add3", 8, 9, 0, false },           { "flatten1", 10, -1, 0, false },
        { "dense1", 11, -1, 0, false },
    };
    assert_int_equal(network->layer_count, sizeof(want) / sizeof(want[0]));
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_layer *const layer = &network->layers[i];
        assert_string_equal(layer->name, want[i].name);
        assert_int_equal(layer->from, want[i].from);
        assert_int_equal(layer->skip, want[i].skip);
        assert_int_equal(layer->uses, want[i].uses);
        assert_int_equal(layer->projects, want[i].projects);
    }
    check_shape(network, "add2", 4, 4, 4);
    check_shape(network, "add3.conv", 4, 4, 4);
    assert_int_equal(layer_parameters(network, "add2"), 0);
    assert_int_equal(layer_parameters(network, "add2.conv"), 4 * 3);
    assert_int_equal(layer_parameters(network, "add3.conv"), 4 * 3 * 4 + 4);
    assert_int_equal(find_param(network, "add2.conv.weight")->shape[0], 4);
    assert_int_equal(find_param(network, "add2.conv.weight")->fan_in, 3);
    assert_false(find_param(network, "add2.batchnorm.running_var")->trainable);
    assert_true(find_layer(network, "add2")->flop == 64.0);
    assert_true(find_layer(network, "add2.conv")->flop == 2.0 * 64 * 3);
    mien_network_destroy(network);
}

static void test_network__refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        int side;
        const char *layers, *part;
    } rows[] = {
        { 3, "conv 32 5x5", "r.yaml:2: conv1 (conv 32 5x5): kernel 5x5 does not fit in 3x3" },
        { 8, "relu, conv 4 3x3, relu, conv 8 3x7 bias no",
          "conv2 (conv 8 3x7 bias no): kernel 3x7 does not fit in 6x6" },
        { 3, "conv 8 7x7 pad 1", "kernel 7x7 does not fit in 5x5 (padding included)" },
        { 8, "conv 8 1x1 pad 1",
          "r.yaml:2: conv1 (conv 8 1x1 pad 1): pad 1: expected less than the kernel 1x1 is high" },
        { 8, "relu, conv 8 5x3 pad 3",
          "pad 3: expected less than the kernel 5x3 is high and wide" },
        { 8, "mark a, relu, add a conv 3 1x3 pad 1",
          "add1.conv (conv 3 1x3 pad 1): pad 1: expected less than the kernel 1x3" },
        { 3, "conv 8 3x3 groups 2",
          "conv1 (conv 8 3x3 groups 2): 3 channels come in and 8 go out: both must divide into 2" },
        { 3, "maxpool 4", "maxpool1 (maxpool 4): window 4x4 does not fit in 3x3" },
        { 8, "conv 4 3x3, dense 10", "dense1 (dense 10): got 4x6x6" },
        { 8, "dense classes", "add flatten" },
        { 8, "flatten, dense 8", "the last layer gives 8x1x1" },
        { 8, "conv 7 1x1", "the last layer gives 7x8x8" },
        { 8, "mark a, conv 4 3x3, add a",
          "r.yaml:2: add1 (add a): mark1 gives 3x8x8 (channels x height x width), expected 4x6x6 "
          "to add to conv1" },
        { 8, "mark a, conv 4 3x3 stride 2 pad 1, relu, add a",
          "expected 4x4x4 to add to relu1: project it, such as by \"add a conv 4 1x1 stride 2\"" },
        { 8, "mark a, conv 4 1x1, add a", "such as by \"add a conv 4 1x1\"" },
        { 8, "mark a, conv 4 3x3 pad 1, add a conv 4 1x1 stride 2",
          "add1 (add a conv 4 1x1 stride 2): add1.conv gives 4x4x4 (channels x height x width), "
          "expected 4x8x8 to add to conv1" },
        { 8, "mark a, relu, add a conv 4 1x1 bias no batchnorm",
          "add1.batchnorm gives 4x8x8 (channels x height x width), expected 3x8x8 to add to "
          "relu1" },
        { 8, "mark a, maxpool 2, add a conv 3 7x7, conv 3 3x3",
          "add1 (add a conv 3 7x7): add1.conv gives 3x2x2" },
        { 6, "mark a, maxpool 2, add a conv 3 7x7 stride 2",
          "add1.conv (conv 3 7x7 stride 2): kernel 7x7 does not fit in 6x6" },
        { 8, "add a", "r.yaml:2: add1 (add a): there is no \"mark a\" before it" },
        { 8, "relu, add a conv 3 1x1, mark a", "there is no \"mark a\" before it" },
        { 8, "mark a, relu, mark a, add a", "mark2 (mark a): its name is that of mark1 already" },
        { 8, "mark a, flatten, dense classes",
          "mark1 (mark a): no layer takes it: expected \"add a\" or \"multiply a\" behind it" },
        { 8, "mark a, relu, multiply a",
          "multiply1 (multiply a): got 3x8x8 (channels x height x width) to multiply by, expected "
          "3x1x1, one number for each channel of mark1: add globalavgpool before it" },
        { 8, "mark a, globalavgpool, conv 4 1x1, multiply a",
          "expected 3x1x1, one number for each channel of mark1: such as from \"conv 3 1x1\"" },
        { 8, "globalavgpool, multiply a", "there is no \"mark a\" before it" },
        { 8, "flatten, dense classes, dense 6", "dense2 (dense 6): the last layer gives 6x1x1" },
        { 4096, "conv 65536 1x1", "more than 2147483647 elements" },
        { 4096, "flatten, dense 65536", "weight has more than 2147483647 values" },
        { 512, "flatten, dense 2000, dense 65536, dense 65536, dense classes",
          "dense3 (dense 65536): weight has more than" },
        { 8, "flatten, dense 32768, dense 30000, dense 32768, dense 30000, dense classes",
          "the network has more than 2147483647 parameters" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mien_error err = { { 0 } };
        struct mien_network *network = NULL;
        must_fail(build(&network, rows[i].side, rows[i].side, rows[i].layers, &err), MIEN_ERR_SHAPE,
                  &err, rows[i].part);
        assert_null(network);
    }
}

/* What no recipe file can say, but a caller's own struct can. */
static void test_network__refuses_absurd_structs(void **state)
{
    (void)state;
    struct mien_layer_spec spec = {
        .kind = MIEN_LAYER_CONV, .width = 7, .kernel_h = 1, .kernel_w = 1, .stride = 1
    };
    struct mien_recipe recipe = { .input = { 1, 1, 1, 0 }, .layers = &spec, .layer_count = 1 };
    struct mien_network *network = NULL;
    struct mien_error err = { { 0 } };
    must(mien_network_create(&network, &recipe, 7, &err), &err);
    mien_network_destroy(network);

    must_fail(mien_network_create(&network, &recipe, 0, &err), MIEN_ERR_SHAPE, &err, "0 classes");
    spec.stride = 0;
    must_fail(mien_network_create(&network, &recipe, 7, &err), MIEN_ERR_SHAPE, &err,
              "recipe: conv1 (conv 7 1x1 stride 0 bias no): kernel, stride or pad out of range");
    spec.stride = 1;
    spec.width = -1;
    must_fail(mien_network_create(&network, &recipe, 7, &err), MIEN_ERR_SHAPE, &err, "width -1");
    spec.kind = MIEN_LAYER_MAXPOOL;
    spec.pad = 1;
    must_fail(mien_network_create(&network, &recipe, 7, &err), MIEN_ERR_SHAPE, &err,
              "more than half of the window");
    recipe.input.height = 0;
    must_fail(mien_network_create(&network, &recipe, 7, &err), MIEN_ERR_SHAPE, &err,
              "the input is");
    recipe.input.height = 1;
    recipe.layer_count = 0;
    must_fail(mien_network_create(&network, &recipe, 7, &err), MIEN_ERR_SHAPE, &err, "0 layers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network__report_is_what_its_text_says),
        cmocka_unit_test(test_network__pooled_report_halves_each_side),
        cmocka_unit_test(test_network__vgg_counts_as_pytorch_does),
        cmocka_unit_test(test_network__parameters_are_named_and_placed),
        cmocka_unit_test(test_network__shapes_round_down),
        cmocka_unit_test(test_network__additions_have_their_projections_in_front),
        cmocka_unit_test(test_network__refuses_what_does_not_fit),
        cmocka_unit_test(test_network__refuses_absurd_structs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
