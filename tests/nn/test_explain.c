/* test_explain.c - gradients of the input and of layers' outputs, of a network as it evaluates */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights.h"
#include "support/layout.h"
#include "support/oracle.h"
#include "support/training.h"

/* A model to explain, with the weights and images of a fixture on the device. */
struct fixture {
    struct mien_cl *cl;
    struct mien_safetensors *oracle;
    struct mien_network *network;
    struct mien_model *model;
    int n, classes;
};

/* Room for more images than the batch has. */
static void set_up(struct fixture *f, struct mien_cl *cl, const struct mien_model_options *wanted)
{
    struct mien_error err = { "" };
    *f = (struct fixture){ .cl = cl, .oracle = oracle_open("explain_00") };
    f->classes = (int)oracle_number(f->oracle, "classes", 0.0);
    f->n = (int)oracle_tensor(f->oracle, "x")->shape[0];
    f->network = network_from(mien_safetensors_metadata(f->oracle, "recipe"), f->classes);
    struct mien_model_options options = *wanted;
    options.batch = f->n + 4;
    assert_ok(mien_model_create(&f->model, cl, f->network, &options, &err), &err);

    float *const flat = calloc(f->network->flat_floats, sizeof(*flat));
    assert_non_null(flat);
    assert_ok(mien_weights_from_file(flat, f->network, f->oracle, "", &err), &err);
    assert_ok(mien_weights_upload(f->model, flat, &err), &err);
    free(flat);

    const struct mien_act act = mien_model_input_act(f->model, f->n);
    float *const x = oracle_floats(f->oracle, "x");
    float *const blocked = blocked_from_plain(x, &act, 0.0f);
    assert_ok(mien_cl_write(cl, mien_model_input(f->model), 0, blocked,
                            mien_act_floats(&act) * sizeof(float), &err),
              &err);
    free(x);
    free(blocked);
}

static void tear_down(struct fixture *f)
{
    mien_model_destroy(f->model);
    mien_network_destroy(f->network);
    mien_safetensors_close(f->oracle);
}

/* One in the logit that each image is asked about, zero in the others. */
static void seed_gradient(struct fixture *f)
{
    struct mien_error err = { "" };
    const struct mien_act act = mien_model_output_act(f->model, f->n);
    float *const seed = calloc(plain_floats(&act), sizeof(*seed));
    int32_t *const of = oracle_ints(f->oracle, "of");
    assert_non_null(seed);
    for (int i = 0; i < f->n; i++) {
        seed[i * f->classes + of[i]] = 1.0f;
    }
    float *const blocked = blocked_from_plain(seed, &act, 0.0f);
    assert_ok(mien_cl_write(f->cl, mien_model_logits_gradient(f->model), 0, blocked,
                            mien_act_floats(&act) * sizeof(float), &err),
              &err);
    free(seed);
    free(of);
    free(blocked);
}

static void run(struct fixture *f)
{
    struct mien_error err = { "" };
    assert_ok(mien_model_forward(f->model, f->n, NULL, &err), &err);
    seed_gradient(f);
    assert_ok(mien_model_backward(f->model, f->n, &err), &err);
}

static void check(const struct fixture *f, const struct mien_cl_buffer *buffer,
                  const struct mien_act *act, const char *what, const char *layer)
{
    struct mien_error err = { "" };
    char name[64];
    (void)snprintf(name, sizeof(name), "%s%s%s", what, layer[0] != '\0' ? "." : "", layer);
    print_message("    %s\n", name);
    assert_non_null(buffer);
    float *const blocked = malloc(mien_act_floats(act) * sizeof(*blocked));
    assert_non_null(blocked);
    assert_ok(mien_cl_read(f->cl, blocked, buffer, 0, mien_act_floats(act) * sizeof(float), &err),
              &err);
    float *const got = plain_from_blocked(blocked, act);
    float *const want = oracle_floats(f->oracle, name);
    assert_int_equal(plain_floats(act) * sizeof(float), oracle_tensor(f->oracle, name)->bytes);
    assert_close_to_scale(got, want, plain_floats(act), 1e-5f);
    free(blocked);
    free(got);
    free(want);
}

/* All that the model was asked for, after one forward and one backward pass. */
static void check_all(struct mien_cl *cl, const struct mien_model_options *options)
{
    struct fixture f;
    set_up(&f, cl, options);
    print_message("  lanes %d, blas %d, %zu taps\n", options->lanes, (int)options->blas,
                  options->tap_count);
    run(&f);
    const struct mien_act in = mien_model_input_act(f.model, f.n);
    const struct mien_act out = mien_model_output_act(f.model, f.n);
    check(&f, mien_model_logits(f.model), &out, "logits", "");
    check(&f, mien_model_input_gradient(f.model), &in, "dx", "");
    for (size_t i = 0; i < options->tap_count; i++) {
        const char *const name = f.network->layers[options->taps[i]].name;
        const struct mien_act act = mien_model_tap_act(f.model, i, f.n);
        check(&f, mien_model_tap(f.model, i), &act, "y", name);
        check(&f, mien_model_tap_gradient(f.model, i), &act, "dy", name);
    }
    tear_down(&f);
}

/* In rows and in the device's own layout, there with each kind of product. */
static void check_forms(struct mien_cl *cl, const size_t *taps, size_t tap_count)
{
    const int native = mien_device_lanes(mien_cl_device(cl));
    const struct {
        int lanes;
        enum mien_blas blas;
    } forms[] = {
        { 1, MIEN_BLAS_CLBLAST },
        { native, MIEN_BLAS_OWN },
        { native, MIEN_BLAS_CLBLAST },
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (i == 0 || native > 1) {
            const struct mien_model_options options = {
                .blas = forms[i].blas,
                .lanes = forms[i].lanes,
                .explain = true,
                .taps = taps,
                .tap_count = tap_count,
            };
            check_all(cl, &options);
        }
    }
}

/* conv, batchnorm, relu, maxpool, conv, relu, avgpool, flatten, dense, relu, dense */
enum { FLATTEN = 7, LAYERS = 11 };

static void test_explain__gives_the_gradients_that_pytorch_gives(void **state)
{
    check_forms(device_or_skip(state), NULL, 0);
}

static void test_explain__taps_every_layer_alone(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t layer = 0; layer < LAYERS; layer++) {
        if (layer != FLATTEN) {
            check_forms(cl, &layer, 1);
        }
    }
}

static void test_explain__taps_all_layers_at_once(void **state)
{
    static const size_t taps[] = { 10, 0, 1, 2, 3, 4, 5, 6, 8, 9 };
    check_forms(device_or_skip(state), taps, sizeof(taps) / sizeof(taps[0]));
}

static void test_explain__taps_without_a_backward_pass(void **state)
{
    static const size_t taps[] = { 0, 2, 5 };
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    const struct mien_model_options options = { .taps = taps, .tap_count = 3 };
    set_up(&f, cl, &options);
    assert_ok(mien_model_forward(f.model, f.n, NULL, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        const struct mien_act act = mien_model_tap_act(f.model, i, f.n);
        check(&f, mien_model_tap(f.model, i), &act, "y", f.network->layers[taps[i]].name);
        assert_null(mien_model_tap_gradient(f.model, i));
    }
    assert_null(mien_model_input_gradient(f.model));
    tear_down(&f);
}

/* The parameters of a network that is explained stay as they are, running values among them. */
static void test_explain__leaves_the_weights_alone(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    const struct mien_model_options options = { .explain = true };
    set_up(&f, cl, &options);
    float *const before = calloc(f.network->flat_floats, sizeof(*before));
    float *const after = calloc(f.network->flat_floats, sizeof(*after));
    assert_non_null(before);
    assert_non_null(after);
    assert_ok(mien_weights_download(before, f.model, &err), &err);
    run(&f);
    assert_ok(mien_weights_download(after, f.model, &err), &err);
    assert_memory_equal(before, after, f.network->flat_floats * sizeof(*before));
    assert_null(mien_model_gradients(f.model));
    free(before);
    free(after);
    tear_down(&f);
}

static void test_explain__refuses_to_tap_what_is_no_node(void **state)
{
    (void)state;
    static const size_t tap = FLATTEN;
    struct mien_error err = { "" };
    struct mien_model_memory memory;
    struct mien_safetensors *const oracle = oracle_open("explain_00");
    struct mien_network *const network =
        network_from(mien_safetensors_metadata(oracle, "recipe"), 4);
    const struct mien_model_options options = {
        .batch = 2, .explain = true, .taps = &tap, .tap_count = 1
    };
    assert_int_equal(mien_model_plan(&memory, network, &options, &err), MIEN_ERR_USAGE);
    assert_non_null(strstr(err.text, "flatten1 has no output of its own"));
    mien_network_destroy(network);
    mien_safetensors_close(oracle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain__gives_the_gradients_that_pytorch_gives),
        cmocka_unit_test(test_explain__taps_every_layer_alone),
        cmocka_unit_test(test_explain__taps_all_layers_at_once),
        cmocka_unit_test(test_explain__taps_without_a_backward_pass),
        cmocka_unit_test(test_explain__leaves_the_weights_alone),
        cmocka_unit_test(test_explain__refuses_to_tap_what_is_no_node),
    };
    return cmocka_run_group_tests_name("nn/explain", tests, device_setup, device_teardown);
}
