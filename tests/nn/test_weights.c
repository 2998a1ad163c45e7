/* test_weights.c - initial weights, and weights to and from files */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights.h"
#include "support/scratch.h"
#include "support/training.h"

static const char recipe[] =
    "input: { channels: 3, height: 9, width: 9 }\n"
    "layers: [ conv 4 3x3, batchnorm, relu, conv 3 3x2 bias no, flatten, dense classes ]";

static float *draw(const struct mien_network *network, uint64_t seed)
{
    float *const flat = calloc(network->flat_floats, sizeof(*flat));
    assert_non_null(flat);
    mien_weights_init(flat, network, seed);
    return flat;
}

static void test_init__is_a_function_of_the_seed(void **state)
{
    (void)state;
    struct mien_network *const network = network_from(recipe, 7);
    const size_t bytes = network->flat_floats * sizeof(float);
    float *const a = draw(network, 3);
    float *const b = draw(network, 3);
    float *const c = draw(network, 4);
    assert_memory_equal(a, b, bytes);
    assert_int_not_equal(memcmp(a, c, bytes), 0);
    free(a);
    free(b);
    free(c);
    mien_network_destroy(network);
}

/* Uniform in +-1/sqrt(fan_in), the bias with the fan-in of its layer: mean and spread tell. */
static void check_uniform(const float *values, size_t count, double bound)
{
    double sum = 0.0;
    double squares = 0.0;
    double most = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
        most = fmax(most, fabs((double)values[i]));
    }
    const double n = (double)count;
    assert_true(most <= bound * (1.0 + 1e-6));
    assert_true(most > bound * (1.0 - 8.0 / n));
    assert_true(fabs(sum / n) < 5.0 * bound / sqrt(3.0 * n));
    assert_true(fabs(sqrt(squares / n) / (bound / sqrt(3.0)) - 1.0) < 3.0 / sqrt(n));
}

static void test_init__draws_within_pytorchs_bounds(void **state)
{
    (void)state;
    struct mien_network *const network = network_from(
        "input: { channels: 3, height: 12, width: 12 }\n"
        "layers: [ conv 40 5x3, relu, maxpool 2, flatten, dense 90, relu, dense classes ]",
        50);
    float *const flat = draw(network, 1);
    static const struct {
        const char *name;
        double fan_in;
    } params[] = {
        { "conv1.weight", 3 * 15 },    { "conv1.bias", 3 * 15 }, { "dense1.weight", 40 * 4 * 5 },
        { "dense1.bias", 40 * 4 * 5 }, { "dense2.weight", 90 },  { "dense2.bias", 90 },
    };
    for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        size_t count = 0;
        const size_t at = param_offset(network, params[i].name, &count);
        check_uniform(flat + at, count, 1.0 / sqrt(params[i].fan_in));
    }
    free(flat);
    mien_network_destroy(network);
}

static void test_init__starts_batch_norm_at_one_and_zero(void **state)
{
    (void)state;
    struct mien_network *const network = network_from(recipe, 7);
    float *const flat = draw(network, 9);
    for (size_t i = 0; i < 4; i++) {
        assert_true(flat[param_offset(network, "batchnorm1.weight", NULL) + i] == 1.0f);
        assert_true(flat[param_offset(network, "batchnorm1.bias", NULL) + i] == 0.0f);
        assert_true(flat[param_offset(network, "batchnorm1.running_mean", NULL) + i] == 0.0f);
        assert_true(flat[param_offset(network, "batchnorm1.running_var", NULL) + i] == 1.0f);
    }
    free(flat);
    mien_network_destroy(network);
}

enum { MAX_PARAMS = 12 };

/* Write the network's weights to a file, with tensor `changed` as `as` unless that is NULL. */
static char *write_weights(const char *folder, const struct mien_network *network,
                           const float *flat, const char *changed, const struct mien_tensor *as)
{
    struct mien_error err = { "" };
    struct mien_tensor tensors[MAX_PARAMS];
    char names[MAX_PARAMS][64];
    size_t count = 0;
    assert_true(network->param_count <= MAX_PARAMS);
    mien_weights_to_tensors(tensors, names, network, flat, "");
    for (size_t i = 0; i < network->param_count; i++) {
        const bool hit = changed != NULL && strcmp(names[i], changed) == 0;
        if (!hit) {
            tensors[count++] = tensors[i];
        } else if (as != NULL) {
            tensors[count++] = *as;
        }
    }
    char *const path = scratch_path(folder, "w.safetensors");
    must(mien_safetensors_write(path, tensors, count, NULL, 0, &err), &err);
    return path;
}

/* A file of the recipe's weights, one of them changed, and the weights that were drawn for it. */
struct written {
    char *folder, *path;
    struct mien_network *network;
    float *flat;
    struct mien_safetensors *file;
};

static void set_up(struct written *w, const char *changed, const struct mien_tensor *as)
{
    struct mien_error err = { "" };
    w->folder = scratch_make();
    w->network = network_from(recipe, 7);
    w->flat = draw(w->network, 5);
    w->path = write_weights(w->folder, w->network, w->flat, changed, as);
    must(mien_safetensors_open(&w->file, w->path, &err), &err);
}

static void tear_down(struct written *w)
{
    mien_safetensors_close(w->file);
    free(w->path);
    free(w->flat);
    mien_network_destroy(w->network);
    scratch_remove(w->folder);
}

/* Reads all weights over others, and compares with w->flat. */
static void check_read_back(const struct written *w)
{
    struct mien_error err = { "" };
    float *const back = draw(w->network, 6);
    must(mien_weights_from_file(back, w->network, w->file, "", &err), &err);
    assert_memory_equal(back, w->flat, w->network->flat_floats * sizeof(float));
    free(back);
}

static void test_file__gives_back_what_was_written(void **state)
{
    (void)state;
    struct written w;
    set_up(&w, NULL, NULL);
    assert_int_equal(mien_safetensors_find(w.file, "conv1.weight")->rank, 4);
    assert_int_equal(mien_safetensors_find(w.file, "conv1.weight")->shape[1], 3);
    assert_null(mien_safetensors_find(w.file, "conv2.bias"));
    check_read_back(&w);
    tear_down(&w);
}

/* 1, -2, 0.5 and 3 in both forms of 16 bits. */
static void test_file__takes_weights_of_16_bits(void **state)
{
    (void)state;
    static const float want[4] = { 1.0f, -2.0f, 0.5f, 3.0f };
    static const uint16_t halves[4] = { 0x3c00, 0xc000, 0x3800, 0x4200 };
    static const uint16_t brain_floats[4] = { 0x3f80, 0xc000, 0x3f00, 0x4040 };
    for (int brain = 0; brain < 2; brain++) {
        struct written w;
        set_up(&w, "conv1.bias",
               &(struct mien_tensor){ .name = "conv1.bias",
                                      .dtype = brain == 1 ? MIEN_BF16 : MIEN_F16,
                                      .rank = 1,
                                      .shape = { 4 },
                                      .data = brain == 1 ? brain_floats : halves,
                                      .bytes = sizeof(halves) });
        memcpy(w.flat + param_offset(w.network, "conv1.bias", NULL), want, sizeof(want));
        check_read_back(&w);
        tear_down(&w);
    }
}

static void check_refusal(const char *changed, const struct mien_tensor *as, const char *part)
{
    struct mien_error err = { "" };
    struct written w;
    set_up(&w, changed, as);
    must_fail(mien_weights_from_file(w.flat, w.network, w.file, "", &err), MIEN_ERR_FORMAT, &err,
              part);
    tear_down(&w);
}

static void test_file__says_which_tensor_is_missing_or_other(void **state)
{
    (void)state;
    static const double doubles[4] = { 0 };
    static const float floats[8] = { 0 };
    check_refusal("batchnorm1.running_var", NULL, "no tensor named batchnorm1.running_var");
    check_refusal("conv1.bias",
                  &(struct mien_tensor){ .name = "conv1.bias",
                                         .dtype = MIEN_F64,
                                         .rank = 1,
                                         .shape = { 4 },
                                         .data = doubles,
                                         .bytes = sizeof(doubles) },
                  "conv1.bias is F64 of 4: the network wants F32, F16 or BF16 of 4");
    check_refusal("conv1.bias",
                  &(struct mien_tensor){ .name = "conv1.bias",
                                         .dtype = MIEN_F32,
                                         .rank = 1,
                                         .shape = { 8 },
                                         .data = floats,
                                         .bytes = 8 * sizeof(float) },
                  "conv1.bias is F32 of 8: the network wants F32, F16 or BF16 of 4");
    check_refusal("conv1.bias",
                  &(struct mien_tensor){ .name = "conv1.bias",
                                         .dtype = MIEN_F32,
                                         .rank = 2,
                                         .shape = { 2, 2 },
                                         .data = floats,
                                         .bytes = 4 * sizeof(float) },
                  "conv1.bias is F32 of 2x2: the network wants F32, F16 or BF16 of 4");
    check_refusal("conv1.bias",
                  &(struct mien_tensor){ .name = "conv1.bias",
                                         .dtype = MIEN_F32,
                                         .rank = 0,
                                         .data = floats,
                                         .bytes = sizeof(float) },
                  "conv1.bias is F32 of a single number: the network wants F32, F16 or BF16 of 4");
}

static void test_file__leaves_the_weights_alone_when_it_is_refused(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_safetensors *file = NULL;
    char *const folder = scratch_make();
    struct mien_network *const network = network_from(recipe, 7);
    float *const flat = draw(network, 5);
    float *const other = draw(network, 6);
    char *const path = write_weights(folder, network, other, "dense1.bias", NULL);
    float *const before = draw(network, 5);
    must(mien_safetensors_open(&file, path, &err), &err);
    must_fail(mien_weights_from_file(flat, network, file, "", &err), MIEN_ERR_FORMAT, &err,
              "dense1.bias");
    assert_memory_equal(flat, before, network->flat_floats * sizeof(float));
    mien_safetensors_close(file);
    free(path);
    free(flat);
    free(other);
    free(before);
    mien_network_destroy(network);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init__is_a_function_of_the_seed),
        cmocka_unit_test(test_init__draws_within_pytorchs_bounds),
        cmocka_unit_test(test_init__starts_batch_norm_at_one_and_zero),
        cmocka_unit_test(test_file__gives_back_what_was_written),
        cmocka_unit_test(test_file__takes_weights_of_16_bits),
        cmocka_unit_test(test_file__says_which_tensor_is_missing_or_other),
        cmocka_unit_test(test_file__leaves_the_weights_alone_when_it_is_refused),
    };
    return cmocka_run_group_tests_name("nn/weights", tests, NULL, NULL);
}
