/* test_model.c - whole networks in training against what PyTorch computed for them */
// wrap: mien_cl_buffer_create mien_cl_fill mien_cl_buffer_destroy
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights.h"
#include "ops/optimizer.h"
#include "ops/softmax.h"
#include "support/layout.h"
#include "support/oracle.h"
#include "support/training.h"

/*
 * Every buffer that the model allocates gets a guard behind it, which is looked at when the buffer
 * goes: kernels that keep to their operation's own buffers in the tests of operations may still be
 * given too little by the plan.
 */
enum { MAX_GUARDED = 256, GUARD_WORDS = 4096 };
static struct {
    struct mien_cl *cl;
    struct mien_cl_buffer *buffer;
    size_t bytes;
} guarded[MAX_GUARDED];

enum mien_status __real_mien_cl_buffer_create(struct mien_cl_buffer **out, struct mien_cl *cl,
                                              size_t bytes, struct mien_error *err);
enum mien_status __wrap_mien_cl_buffer_create(struct mien_cl_buffer **out, struct mien_cl *cl,
                                              size_t bytes, struct mien_error *err);
enum mien_status __real_mien_cl_fill(struct mien_cl *cl, struct mien_cl_buffer *dst,
                                     uint32_t pattern, struct mien_error *err);
enum mien_status __wrap_mien_cl_fill(struct mien_cl *cl, struct mien_cl_buffer *dst,
                                     uint32_t pattern, struct mien_error *err);
void __real_mien_cl_buffer_destroy(struct mien_cl_buffer *buffer);
void __wrap_mien_cl_buffer_destroy(struct mien_cl_buffer *buffer);

/* The place of a buffer, or of none yet. */
static size_t find_guarded(const struct mien_cl_buffer *buffer)
{
    size_t at = 0;
    while (at < MAX_GUARDED && guarded[at].buffer != buffer) {
        at++;
    }
    return at;
}

static enum mien_status write_guard(size_t at, struct mien_error *err)
{
    uint32_t guard[GUARD_WORDS];
    memset(guard, 0xA5, sizeof(guard));
    return mien_cl_write(guarded[at].cl, guarded[at].buffer, guarded[at].bytes, guard,
                         sizeof(guard), err);
}

enum mien_status __wrap_mien_cl_buffer_create(struct mien_cl_buffer **out, struct mien_cl *cl,
                                              size_t bytes, struct mien_error *err)
{
    const size_t at = find_guarded(NULL);
    const enum mien_status st =
        __real_mien_cl_buffer_create(out, cl, bytes + GUARD_WORDS * sizeof(uint32_t), err);
    if (st != MIEN_OK || at == MAX_GUARDED) {
        return st;
    }
    guarded[at].cl = cl;
    guarded[at].buffer = *out;
    guarded[at].bytes = bytes;
    return write_guard(at, err);
}

/* It fills the whole of a buffer. */
enum mien_status __wrap_mien_cl_fill(struct mien_cl *cl, struct mien_cl_buffer *dst,
                                     uint32_t pattern, struct mien_error *err)
{
    const size_t at = find_guarded(dst);
    const enum mien_status st = __real_mien_cl_fill(cl, dst, pattern, err);
    return st != MIEN_OK || at == MAX_GUARDED ? st : write_guard(at, err);
}

void __wrap_mien_cl_buffer_destroy(struct mien_cl_buffer *buffer)
{
    uint32_t guard[GUARD_WORDS];
    struct mien_error err = { "" };
    const size_t at = buffer == NULL ? MAX_GUARDED : find_guarded(buffer);
    if (at < MAX_GUARDED) {
        assert_ok(
            mien_cl_read(guarded[at].cl, guard, buffer, guarded[at].bytes, sizeof(guard), &err),
            &err);
        for (size_t k = 0; k < GUARD_WORDS; k++) {
            if (guard[k] != 0xA5A5A5A5u) {
                fail_msg("word %zu behind a buffer of %zu bytes was overwritten", k,
                         guarded[at].bytes);
            }
        }
        guarded[at].buffer = NULL;
    }
    __real_mien_cl_buffer_destroy(buffer);
}

/* The networks of tests/data/oracle/make_oracle.py. */
static const struct {
    const char *name, *recipe;
} cases[] = {
    { "network_tiny", "input: { channels: 3, height: 10, width: 8 }\n"
                      "layers: [ conv 6 3x3 pad 1, relu, maxpool 2, conv 10 3x3 pad 1, relu,\n"
                      "          flatten, dense classes ]" },
    { "network_pooled", "input: { channels: 1, height: 48, width: 48 }\n"
                        "layers: [ conv 64 5x5, relu, maxpool 2, conv 32 4x4, relu, maxpool 2,\n"
                        "          flatten, dense 120, relu, dense 84, relu, dense classes ]" },
    { "network_report", "input: { channels: 1, height: 48, width: 48 }\n"
                        "layers: [ conv 64 5x5, relu, conv 32 4x4, relu, flatten, dense 120,\n"
                        "          relu, dense 84, relu, dense classes ]" },
    { "network_residual",
      "input: { channels: 3, height: 11, width: 9 }\n"
      "layers: [ conv 8 3x3 pad 1, relu, mark a, conv 8 3x3 pad 1, relu, conv 8 3x3 pad 1, add a,\n"
      "          relu, mark b, conv 12 3x3 stride 2 pad 1, relu, conv 12 3x3 pad 1,\n"
      "          add b conv 12 1x1 stride 2, relu, mark c, conv 12 1x1, relu, add c, add c,\n"
      "          flatten, dense 16, mark d, relu, dense 16, add d, dense classes ]" },
    { "network_gated",
      "input: { channels: 3, height: 11, width: 9 }\n"
      "layers: [ conv 8 3x3 pad 1, relu, mark a, globalavgpool, conv 4 1x1, relu, conv 8 1x1,\n"
      "          sigmoid, multiply a, maxpool 2, conv 12 3x3 pad 1, mark b, globalavgpool,\n"
      "          conv 12 1x1, relu, multiply b, relu, flatten, dense classes ]" },
};
enum { TINY, POOLED, REPORT, RESIDUAL, GATED };

/* A model with room for more images than a batch has, ready for the steps of one case. */
struct fixture {
    struct mien_cl *cl;
    struct mien_safetensors *oracle;
    struct mien_network *network;
    struct mien_model *model;
    struct mien_cl_buffer *labels, *stats, *momentum, *decayed;
    int n, classes, lanes;
    enum mien_blas blas;
    size_t steps; /* of the oracle */
    float *flat, *gradients;
};

/* fill() of make_oracle.py: the same numbers in any language. */
static void fill(double *out, size_t count, size_t fan_in, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = ((double)(seed >> 8) / 16777216.0 - 0.5) * 2.0 / sqrt((double)fan_in);
    }
}

static double *filled(size_t count, size_t fan_in, uint32_t seed)
{
    double *const out = malloc(count * sizeof(*out));
    assert_non_null(out);
    fill(out, count, fan_in, seed);
    return out;
}

/* Weights with the seeds 1000 + i, biases with 2000 + i and a tenth as large. */
static void draw_weights(float *flat, const struct mien_network *network)
{
    for (size_t i = 0; i < network->param_count; i++) {
        const struct mien_param *const param = &network->params[i];
        const bool bias = param->rank == 1;
        const uint32_t seed = (uint32_t)((bias ? 2000 : 1000) + i / 2);
        double *const values =
            filled(param->count, bias ? 1 : param->count / param->shape[0], seed);
        for (size_t k = 0; k < param->count; k++) {
            flat[param->offset + k] = (float)(bias ? values[k] * 0.1 : values[k]);
        }
        free(values);
    }
}

static void set_up(struct fixture *f, struct mien_cl *cl, size_t index, int lanes,
                   enum mien_blas blas)
{
    struct mien_error err = { "" };
    *f = (struct fixture){
        .cl = cl, .oracle = oracle_open(cases[index].name), .lanes = lanes, .blas = blas
    };
    f->n = (int)oracle_number(f->oracle, "batch", 0.0);
    f->steps = oracle_tensor(f->oracle, "losses")->shape[0];
    f->classes = (int)oracle_tensor(f->oracle, "first_logits")->shape[1];
    f->network = network_from(cases[index].recipe, f->classes);
    const struct mien_model_options options = {
        .batch = f->n + 5, .train = true, .blas = blas, .lanes = lanes
    };
    assert_ok(mien_model_create(&f->model, cl, f->network, &options, &err), &err);
    f->flat = calloc(f->network->flat_floats, sizeof(float));
    f->gradients = calloc(f->network->flat_floats, sizeof(float));
    assert_non_null(f->flat);
    assert_non_null(f->gradients);
    draw_weights(f->flat, f->network);
    assert_ok(mien_weights_upload(f->model, f->flat, &err), &err);

    int32_t *const labels = malloc((size_t)f->n * sizeof(*labels));
    assert_non_null(labels);
    for (int i = 0; i < f->n; i++) {
        labels[i] = i * 5 % f->classes;
    }
    f->labels = guarded_copy(cl, labels, (size_t)f->n * sizeof(*labels));
    free(labels);
    const size_t bytes = f->network->flat_floats * sizeof(float);
    assert_ok(mien_cl_buffer_create(&f->stats, cl, mien_softmax_stats_bytes(f->n), &err), &err);
    assert_ok(mien_cl_buffer_create(&f->momentum, cl, bytes, &err), &err);
    assert_ok(mien_cl_fill(cl, f->momentum, 0, &err), &err);
    assert_ok(mien_softmax_stats_reset(cl, f->stats, &err), &err);
    unsigned char *const all = malloc(f->network->flat_floats / MIEN_DECAY_BLOCK);
    assert_non_null(all);
    memset(all, 1, f->network->flat_floats / MIEN_DECAY_BLOCK); /* PyTorch's SGD decays biases */
    f->decayed = guarded_copy(cl, all, f->network->flat_floats / MIEN_DECAY_BLOCK);
    free(all);
}

static void tear_down(struct fixture *f)
{
    mien_safetensors_close(f->oracle);
    mien_model_destroy(f->model);
    mien_network_destroy(f->network);
    mien_cl_buffer_destroy(f->labels);
    mien_cl_buffer_destroy(f->stats);
    mien_cl_buffer_destroy(f->momentum);
    mien_cl_buffer_destroy(f->decayed);
    free(f->flat);
    free(f->gradients);
    assert_int_equal(mien_cl_live(f->cl), 0);
}

/* The images of a step: fill(), stretched to 0..1. */
static void upload_images(struct fixture *f, size_t step)
{
    struct mien_error err = { "" };
    const struct mien_act act = mien_model_input_act(f->model, f->n);
    const size_t count = plain_floats(&act);
    double *const values = filled(count, count / (size_t)f->n, (uint32_t)(3000 + step));
    float *const plain = malloc(count * sizeof(*plain));
    assert_non_null(plain);
    double most = 0.0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs(values[i]));
    }
    for (size_t i = 0; i < count; i++) {
        plain[i] = (float)(values[i] / most * 0.5 + 0.5);
    }
    float *const blocked = blocked_from_plain(plain, &act, 0.0f);
    assert_ok(mien_cl_write(f->cl, mien_model_input(f->model), 0, blocked,
                            mien_act_floats(&act) * sizeof(float), &err),
              &err);
    free(values);
    free(plain);
    free(blocked);
}

/* Logits share memory with what the backward pass needs: to be read before it. */
static void check_logits(struct fixture *f)
{
    struct mien_error err = { "" };
    const struct mien_act act = mien_model_output_act(f->model, f->n);
    float *const blocked = malloc(mien_act_floats(&act) * sizeof(float));
    assert_non_null(blocked);
    assert_ok(mien_cl_read(f->cl, blocked, mien_model_logits(f->model), 0,
                           mien_act_floats(&act) * sizeof(float), &err),
              &err);
    float *const got = plain_from_blocked(blocked, &act);
    float *const want = oracle_floats(f->oracle, "first_logits");
    assert_close_to_scale(got, want, plain_floats(&act), 1e-5f);
    free(blocked);
    free(got);
    free(want);
}

/* Forward, loss, backward: returns the loss. */
static double pass(struct fixture *f, bool first)
{
    struct mien_error err = { "" };
    struct mien_softmax_stats stats;
    const struct mien_act out = mien_model_output_act(f->model, f->n);
    const struct mien_softmax op = {
        .n = f->n,
        .classes = f->classes,
        .lanes = out.lanes,
        .scale = 1.0f,
    };
    const struct mien_softmax_target target = { .labels = f->labels };
    assert_ok(mien_model_forward(f->model, f->n, &(struct mien_draw){ 0 }, &err), &err);
    assert_ok(mien_softmax_loss(f->cl, mien_model_logits_gradient(f->model), f->stats,
                                mien_model_logits(f->model), &target, &op, &err),
              &err);
    if (first) {
        check_logits(f);
    }
    assert_ok(mien_model_backward(f->model, f->n, &err), &err);
    assert_ok(mien_softmax_stats_read(f->cl, &stats, f->stats, &err), &err);
    return (double)stats.last_mean;
}

/* Norms of each parameter's part of a flat array, against the oracle's tensor of them. */
static void check_norms(const struct fixture *f, const float *flat, const char *name, double rtol)
{
    float *const want = oracle_floats(f->oracle, name);
    assert_int_equal(oracle_tensor(f->oracle, name)->shape[0], f->network->param_count);
    for (size_t i = 0; i < f->network->param_count; i++) {
        const struct mien_param *const param = &f->network->params[i];
        double sum = 0.0;
        for (size_t k = 0; k < param->count; k++) {
            const double value = (double)flat[param->offset + k];
            sum += value * value;
        }
        if (!(fabs(sqrt(sum) - (double)want[i]) <= rtol * (double)want[i])) {
            fail_msg("lanes %d, blas %d: %s of %s: %.9g, PyTorch has %.9g", f->lanes, (int)f->blas,
                     name, param->name, sqrt(sum), (double)want[i]);
        }
    }
    free(want);
}

/*
 * Single weights, to the scale of those sampled.  A sum that is rounded otherwise can turn one ReLU
 * of one image on or off, which moves a bias by that image's share of a step: 1.6e-3 of the scale
 * was seen after eight steps with momentum, and 1e-5 where no ReLU turned.
 */
static void check_samples(const struct fixture *f)
{
    for (size_t i = 0; i < f->network->param_count; i++) {
        const struct mien_param *const param = &f->network->params[i];
        char name[64];
        float got[64];
        (void)snprintf(name, sizeof(name), "after.%s", param->name);
        const size_t count = oracle_tensor(f->oracle, name)->shape[0];
        const size_t stride = param->count / 64 > 0 ? param->count / 64 : 1;
        assert_true(count <= 64 && (count - 1) * stride < param->count);
        for (size_t k = 0; k < count; k++) {
            got[k] = f->flat[param->offset + k * stride];
        }
        float *const want = oracle_floats(f->oracle, name);
        assert_close_to_scale(got, want, count, 5e-3f);
        free(want);
    }
}

static void step(struct fixture *f)
{
    struct mien_error err = { "" };
    const struct mien_sgd op = {
        .rate = (float)oracle_number(f->oracle, "lr", 0.0),
        .momentum = (float)oracle_number(f->oracle, "momentum", 0.0),
        .decay = (float)oracle_number(f->oracle, "weight_decay", 0.0),
        .nesterov = oracle_number(f->oracle, "nesterov", 0.0) > 0.0,
    };
    assert_ok(mien_sgd_step(f->cl, mien_model_values(f->model), f->momentum,
                            mien_model_gradients(f->model), f->decayed, f->network->flat_floats,
                            &op, &err),
              &err);
}

/* At most `limit` steps; the weights are compared where all were made. */
static void check_network(struct mien_cl *cl, size_t index, int lanes, enum mien_blas blas,
                          size_t limit)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, cl, index, lanes, blas);
    const size_t bytes = f.network->flat_floats * sizeof(float);
    float *const losses = oracle_floats(f.oracle, "losses");
    for (size_t s = 0; s < f.steps && s < limit; s++) {
        upload_images(&f, s);
        const double loss = pass(&f, s == 0);
        if (!(fabs(loss - (double)losses[s]) <= 1e-4)) {
            fail_msg("%s, lanes %d: loss of step %zu is %.9g, PyTorch has %.9g", cases[index].name,
                     lanes, s, loss, (double)losses[s]);
        }
        if (s == 0) {
            assert_ok(mien_cl_read(cl, f.gradients, mien_model_gradients(f.model), 0, bytes, &err),
                      &err);
            check_norms(&f, f.gradients, "first_gradient_norms", 2e-5);
        }
        step(&f);
    }
    if (limit >= f.steps) {
        assert_ok(mien_weights_download(f.flat, f.model, &err), &err);
        check_norms(&f, f.flat, "weight_norms_after", 1e-4);
        check_samples(&f);
    }
    free(losses);
    tear_down(&f);
}

static void check_lanes(struct mien_cl *cl, size_t index, int lanes)
{
    const bool cpu = mien_cl_device(cl)->kind == MIEN_DEVICE_CPU;
    if (lanes > 1 && !cpu) {
        return; /* the vector kernels are for CPU devices */
    }
    /* The kernels for GPUs are slow on a CPU: there, a few steps of the larger networks. */
    const size_t limit = lanes > 1 || !cpu || index == TINY || index == RESIDUAL ? SIZE_MAX : 2;
    check_network(cl, index, lanes, MIEN_BLAS_CLBLAST, limit);
    if (lanes > 1) {
        check_network(cl, index, lanes, MIEN_BLAS_OWN, limit);
    }
}

/* Plain rows, and the layout that the device gets.  The other widths are the business of ops. */
static void check_both_layouts(struct mien_cl *cl, size_t index)
{
    const int native = mien_device_lanes(mien_cl_device(cl));
    check_lanes(cl, index, 1);
    if (native > 1) {
        check_lanes(cl, index, native);
    }
}

static void test_model__trains_the_tiny_network_as_pytorch_does(void **state)
{
    static const int lanes[] = { 1, 4, 8, 16 };
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < 4; i++) {
        check_lanes(cl, TINY, lanes[i]);
    }
}

static void test_model__trains_the_residual_network_as_pytorch_does(void **state)
{
    check_both_layouts(device_or_skip(state), RESIDUAL);
}

static void test_model__trains_the_gated_network_as_pytorch_does(void **state)
{
    check_both_layouts(device_or_skip(state), GATED);
}

static void test_model__trains_the_pooled_network_as_pytorch_does(void **state)
{
    check_both_layouts(device_or_skip(state), POOLED);
}

static void test_model__trains_the_reports_network_as_pytorch_does(void **state)
{
    check_both_layouts(device_or_skip(state), REPORT);
}

static void test_model__gives_the_same_bits_every_time(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    float *kept = NULL;
    for (int round = 0; round < 2; round++) {
        struct fixture f;
        set_up(&f, cl, TINY, 0, MIEN_BLAS_AUTO);
        for (size_t s = 0; s < 3; s++) {
            upload_images(&f, s);
            (void)pass(&f, false);
            step(&f);
        }
        assert_ok(mien_weights_download(f.flat, f.model, &err), &err);
        if (round == 0) {
            kept = f.flat;
            f.flat = NULL;
        } else {
            assert_memory_equal(kept, f.flat, f.network->flat_floats * sizeof(float));
        }
        tear_down(&f);
    }
    free(kept);
}

static void test_model__names_the_layer_that_does_not_fit(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_model *model = NULL;
    struct mien_network *const network =
        network_from("input: { channels: 3, height: 1024, width: 1024 }\n"
                     "layers: [ conv 64 7x7 pad 3, globalavgpool, flatten, dense classes ]",
                     7);
    const struct mien_model_options options = { .batch = 256, .train = true };
    assert_int_equal(mien_model_create(&model, cl, network, &options, &err), MIEN_ERR_SHAPE);
    assert_null(model);
    assert_non_null(strstr(err.text, "conv1"));
    assert_int_equal(mien_cl_live(cl), 0);
    mien_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model__trains_the_tiny_network_as_pytorch_does),
        cmocka_unit_test(test_model__trains_the_residual_network_as_pytorch_does),
        cmocka_unit_test(test_model__trains_the_gated_network_as_pytorch_does),
        cmocka_unit_test(test_model__trains_the_pooled_network_as_pytorch_does),
        cmocka_unit_test(test_model__trains_the_reports_network_as_pytorch_does),
        cmocka_unit_test(test_model__gives_the_same_bits_every_time),
        cmocka_unit_test(test_model__names_the_layer_that_does_not_fit),
    };
    return cmocka_run_group_tests_name("nn/model", tests, device_setup, device_teardown);
}
