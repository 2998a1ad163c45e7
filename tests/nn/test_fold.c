/* test_fold.c - networks in evaluation, batch norm part of the layer in front, against doubles */
// unoptimised
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/node.h"
#include "nn/weights.h"
#include "support/layout.h"
#include "support/training.h"

/* Every variant of a convolution, with and without bias, and what may come behind the batch norm.
 */
static const struct {
    const char *recipe;
    int lanes;  /* 0: the device's */
    int folded; /* batch norms that are part of a layer */
    enum mien_blas blas;
} cases[] = {
    { "input: { channels: 1, height: 22, width: 22 }\n" /* vector, Winograd, with pooling */
      "layers: [ conv 8 3x3 pad 1 bias no, batchnorm, relu, conv 12 3x3 pad 1, batchnorm, relu,\n"
      "          maxpool 2, conv 9 3x3, batchnorm, maxpool 3, flatten, dense 10, batchnorm, relu,\n"
      "          dense classes ]",
      0, 4, MIEN_BLAS_AUTO },
    { "input: { channels: 3, height: 22, width: 22 }\n" /* 5x5, 1x1, strides, other activations */
      "layers: [ conv 8 5x5 pad 2, batchnorm, leakyrelu 0.2, conv 16 1x1 bias no, batchnorm, "
      "silu,\n"
      "          conv 9 3x3 stride 2 pad 1, batchnorm, gelu, maxpool 3 stride 2, flatten,\n"
      "          dense classes ]",
      0, 3, MIEN_BLAS_AUTO },
    { "input: { channels: 3, height: 9, width: 7 }\n" /* groups, depthwise, a batch norm that ends
                                                       */
      "layers: [ conv 9 3x3 pad 1 groups 3, batchnorm, relu, conv 9 3x3 groups 9 bias no,\n"
      "          batchnorm, conv 3 7x5, batchnorm, flatten ]",
      0, 3, MIEN_BLAS_AUTO },
    { "input: { channels: 1, height: 10, width: 10 }\n" /* additions, one with a projection */
      "layers: [ conv 8 3x3 pad 1 bias no, batchnorm, relu, mark a, conv 8 3x3 pad 1, batchnorm,\n"
      "          relu, conv 8 3x3 pad 1, batchnorm, add a, relu, mark b, conv 6 3x3 stride 2 pad "
      "1,\n"
      "          batchnorm, add b conv 6 1x1 stride 2 batchnorm, relu, flatten, dense classes ]",
      0, 5, MIEN_BLAS_AUTO },
    { "input: { channels: 1, height: 10, width: 10 }\n" /* gates, with batch norm of their own */
      "layers: [ conv 8 3x3 pad 1 bias no, batchnorm, relu, mark a, globalavgpool, conv 4 1x1,\n"
      "          batchnorm, relu, conv 8 1x1 bias no, batchnorm, sigmoid, multiply a, conv 6 3x3,\n"
      "          batchnorm, relu, flatten, dense classes ]",
      0, 4, MIEN_BLAS_AUTO },
    { "input: { channels: 1, height: 10, width: 10 }\n" /* batch norms that stay as they are */
      "layers: [ batchnorm, conv 8 3x3, mark a, batchnorm, relu, add a, maxpool 2, batchnorm,\n"
      "          conv 4 3x3, relu, batchnorm, flatten, dense classes ]",
      0, 0, MIEN_BLAS_AUTO },
    { "input: { channels: 1, height: 12, width: 10 }\n" /* local-memory tiles and CLBlast */
      "layers: [ conv 8 3x3 pad 1 bias no, batchnorm, relu, maxpool 2, conv 5 3x3, batchnorm,\n"
      "          flatten, dense 10 bias no, batchnorm, relu, dense classes ]",
      1, 3, MIEN_BLAS_AUTO },
    { "input: { channels: 1, height: 12, width: 10 }\n" /* rows of CLBlast in blocks of lanes */
      "layers: [ conv 8 3x3, batchnorm, flatten, dense 10, batchnorm, relu, dense classes ]",
      0, 2, MIEN_BLAS_CLBLAST },
};
enum { CASES = sizeof(cases) / sizeof(cases[0]), IMAGES = 19, CLASSES = 3 };

/* In double precision, layer by layer: out and in of one image. */
static void conv(double *out, const double *in, const struct mien_layer *l, const float *weight,
                 const float *bias)
{
    const struct mien_layer_spec *const s = &l->spec;
    const int groups = s->groups > 1 ? s->groups : 1;
    const int seen = l->in.c / groups;
    for (int i = 0; i < l->out.c * l->out.h * l->out.w; i++) {
        const int o = i / (l->out.h * l->out.w);
        const int top = i / l->out.w % l->out.h * s->stride - s->pad;
        const int left = i % l->out.w * s->stride - s->pad;
        out[i] = bias != NULL ? (double)bias[o] : 0.0;
        for (int t = 0; t < seen * s->kernel_h * s->kernel_w; t++) {
            const int y = top + t / s->kernel_w % s->kernel_h;
            const int x = left + t % s->kernel_w;
            const int c = o / (l->out.c / groups) * seen + t / (s->kernel_h * s->kernel_w);
            if (y >= 0 && y < l->in.h && x >= 0 && x < l->in.w) {
                out[i] += in[(c * l->in.h + y) * l->in.w + x] *
                          (double)weight[o * seen * s->kernel_h * s->kernel_w + t];
            }
        }
    }
}

static void maxpool(double *out, const double *in, const struct mien_layer *l)
{
    const struct mien_layer_spec *const s = &l->spec;
    for (int i = 0; i < l->out.c * l->out.h * l->out.w; i++) {
        const int top = i / l->out.w % l->out.h * s->stride;
        const int left = i % l->out.w * s->stride;
        const double *const plane = in + (size_t)(i / (l->out.h * l->out.w) * l->in.h * l->in.w);
        out[i] = -(double)INFINITY;
        for (int t = 0; t < s->kernel_h * s->kernel_w; t++) {
            out[i] =
                fmax(out[i], plane[(top + t / s->kernel_w) * l->in.w + left + t % s->kernel_w]);
        }
    }
}

static void globalavgpool(double *out, const double *in, const struct mien_layer *l)
{
    const int pixels = l->in.h * l->in.w;
    for (int c = 0; c < l->in.c; c++) {
        out[c] = 0.0;
        for (int i = 0; i < pixels; i++) {
            out[c] += in[c * pixels + i] / pixels;
        }
    }
}

static double activate(const struct mien_layer_spec *spec, double v)
{
    switch (spec->kind) {
    case MIEN_LAYER_RELU: return v > 0.0 ? v : 0.0;
    case MIEN_LAYER_LEAKYRELU: return v > 0.0 ? v : v * (double)spec->slope;
    case MIEN_LAYER_SIGMOID: return 1.0 / (1.0 + exp(-v));
    case MIEN_LAYER_SILU: return v / (1.0 + exp(-v));
    case MIEN_LAYER_GELU: return 0.5 * v * (1.0 + erf(v / sqrt(2.0)));
    default: return v;
    }
}

static void run_layer(double *const *outs, const double *input, const struct mien_network *network,
                      size_t index, const float *flat)
{
    const struct mien_layer *const l = &network->layers[index];
    const double *const in = l->from < 0 ? input : outs[l->from];
    double *const out = outs[index];
    const int count = l->out.c * l->out.h * l->out.w;
    const float *params[4] = { NULL };
    for (int i = 0; i < l->param_count; i++) {
        params[i] = flat + network->params[l->first_param + i].offset;
    }
    switch (l->spec.kind) {
    case MIEN_LAYER_CONV: conv(out, in, l, params[0], params[1]); return;
    case MIEN_LAYER_MAXPOOL: maxpool(out, in, l); return;
    case MIEN_LAYER_GLOBALAVGPOOL: globalavgpool(out, in, l); return;
    default: break;
    }
    for (int i = 0; i < count; i++) {
        const int c = i / (l->out.h * l->out.w);
        out[i] = 0.0;
        if (l->spec.kind == MIEN_LAYER_DENSE) {
            out[i] = params[1] != NULL ? (double)params[1][i] : 0.0;
            for (int k = 0; k < l->in.c; k++) {
                out[i] += in[k] * (double)params[0][i * l->in.c + k];
            }
        } else if (l->spec.kind == MIEN_LAYER_BATCHNORM) {
            out[i] = (in[i] - (double)params[2][c]) / sqrt((double)params[3][c] + 1e-5) *
                         (double)params[0][c] +
                     (double)params[1][c];
        } else if (l->spec.kind == MIEN_LAYER_MULTIPLY) {
            out[i] = outs[l->skip][i] * in[c];
        } else {
            out[i] = activate(&l->spec, in[i] + (l->skip >= 0 ? outs[l->skip][i] : 0.0));
        }
    }
}

/* Logits [IMAGES][CLASSES]; free() them. */
static float *run_reference(const struct mien_network *network, const float *flat,
                            const float *images)
{
    const size_t size =
        (size_t)network->input.c * (size_t)network->input.h * (size_t)network->input.w;
    float *const logits = malloc(IMAGES * CLASSES * sizeof(*logits));
    double *const input = malloc(size * sizeof(*input));
    double **const outs = calloc(network->layer_count, sizeof(double *));
    assert_non_null(logits);
    assert_non_null(input);
    assert_non_null(outs);
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_shape *const out = &network->layers[i].out;
        outs[i] = malloc((size_t)(out->c * out->h * out->w) * sizeof(double));
        assert_non_null(outs[i]);
    }
    for (size_t n = 0; n < IMAGES; n++) {
        for (size_t i = 0; i < size; i++) {
            input[i] = (double)images[n * size + i];
        }
        for (size_t i = 0; i < network->layer_count; i++) {
            run_layer(outs, input, network, i, flat);
        }
        for (size_t i = 0; i < CLASSES; i++) {
            logits[n * CLASSES + i] = (float)outs[network->layer_count - 1][i];
        }
    }
    for (size_t i = 0; i < network->layer_count; i++) {
        free(outs[i]);
    }
    free(outs);
    free(input);
    return logits;
}

/* Weights of about the scale that a layer keeps; running variances above zero.  free() them. */
static float *draw_weights(const struct mien_network *network, uint32_t seed)
{
    float *const flat = random_floats(network->flat_floats, seed);
    for (size_t i = 0; i < network->param_count; i++) {
        const struct mien_param *const p = &network->params[i];
        const bool norm = strstr(p->name, "batchnorm") != NULL;
        for (size_t k = 0; k < p->count; k++) {
            float *const v = &flat[p->offset + k];
            if (p->rank > 1) {
                *v *= 4.0f / sqrtf((float)p->fan_in);
            } else if (strstr(p->name, "running_var") != NULL) {
                *v = 0.05f + (*v + 0.5f) * 2.0f;
            } else if (norm && strstr(p->name, ".weight") != NULL) {
                *v = (k % 5 == 0 ? -1.0f : 1.0f) * (*v + 1.0f); /* some turn the sign */
            }
        }
    }
    return flat;
}

struct launches {
    int folds, norms;
};

static void count_launch(void *user, const char *kernel, const char *label)
{
    struct launches *const launches = user;
    (void)label;
    launches->folds += strcmp(kernel, "batchnorm_fold") == 0;
    launches->norms +=
        strcmp(kernel, "batchnorm_apply") == 0 || strcmp(kernel, "batchnorm_pool_fwd") == 0;
}

/* What a model gives for the images; free() it. */
static float *evaluate(struct mien_model *model, const float *images)
{
    struct mien_error err = { "" };
    struct mien_cl *const cl = mien_model_cl(model);
    const struct mien_act in = mien_model_input_act(model, IMAGES);
    const struct mien_act out = mien_model_output_act(model, IMAGES);
    float *const blocked = blocked_from_plain(images, &in, 0.0f);
    float *const logits = malloc(mien_act_floats(&out) * sizeof(float));
    assert_non_null(logits);
    assert_ok(mien_cl_write(cl, mien_model_input(model), 0, blocked,
                            mien_act_floats(&in) * sizeof(float), &err),
              &err);
    assert_ok(mien_model_forward(model, IMAGES, NULL, &err), &err);
    assert_ok(mien_cl_read(cl, logits, mien_model_logits(model), 0,
                           mien_act_floats(&out) * sizeof(float), &err),
              &err);
    float *const plain = plain_from_blocked(logits, &out);
    free(blocked);
    free(logits);
    return plain;
}

/* A whole step of training but for the optimiser, which leaves nothing of what was folded. */
static void train(struct mien_model *model)
{
    struct mien_error err = { "" };
    assert_ok(mien_model_forward(model, IMAGES, &(struct mien_draw){ 0 }, &err), &err);
    assert_ok(mien_cl_fill(mien_model_cl(model), mien_model_logits_gradient(model), 0, &err), &err);
    assert_ok(mien_model_backward(model, IMAGES, &err), &err);
}

static void check(float *got, const float *flat, const struct mien_network *network,
                  const float *images)
{
    float *const want = run_reference(network, flat, images);
    assert_close_to_scale(got, want, IMAGES * CLASSES, 2e-5f);
    free(got);
    free(want);
}

static void check_case(struct mien_cl *cl, size_t index, bool training)
{
    struct mien_error err = { "" };
    struct mien_model *model = NULL;
    struct launches launches = { 0, 0 };
    struct mien_network *const network = network_from(cases[index].recipe, CLASSES);
    const struct mien_model_options options = {
        .batch = IMAGES, .train = training, .lanes = cases[index].lanes, .blas = cases[index].blas
    };
    float *const first = draw_weights(network, 1);
    float *const second = draw_weights(network, 2);
    float *const images = random_floats(
        IMAGES * (size_t)network->input.c * (size_t)network->input.h * (size_t)network->input.w, 3);
    int norms = 0;
    for (size_t i = 0; i < network->layer_count; i++) {
        norms += network->layers[i].spec.kind == MIEN_LAYER_BATCHNORM;
    }
    print_message("  network %zu%s\n", index, training ? " in training" : "");
    assert_ok(mien_model_create(&model, cl, network, &options, &err), &err);
    assert_int_equal(mien_cl_bytes(cl), mien_model_memory_bytes(mien_model_memory(model)));
    assert_ok(mien_weights_upload(model, first, &err), &err);
    mien_cl_watch(cl, count_launch, &launches);
    check(evaluate(model, images), first, network, images);
    check(evaluate(model, images), first, network, images);
    assert_int_equal(launches.folds, cases[index].folded); /* once for two batches */
    assert_int_equal(launches.norms, 2 * (norms - cases[index].folded));
    assert_ok(mien_weights_upload(model, second, &err), &err);
    check(evaluate(model, images), second, network, images);
    if (training) {
        train(model);
        float *const stepped = malloc(network->flat_floats * sizeof(float));
        assert_non_null(stepped);
        assert_ok(mien_weights_download(stepped, model, &err), &err); /* other running values */
        assert_memory_not_equal(stepped, second, network->flat_floats * sizeof(float));
        check(evaluate(model, images), stepped, network, images);
        free(stepped);
    }
    mien_cl_watch(cl, NULL, NULL);
    mien_model_destroy(model);
    mien_network_destroy(network);
    free(first);
    free(second);
    free(images);
    assert_int_equal(mien_cl_live(cl), 0);
}

static void test_fold__evaluates_as_layer_by_layer(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < CASES; i++) {
        if (cases[i].lanes == 1 || mien_device_lanes(mien_cl_device(cl)) > 1) {
            check_case(cl, i, false);
            check_case(cl, i, true);
        }
    }
}

/* A model for evaluation alone needs no memory for what goes into the batch norm. */
static void test_fold__saves_an_activation(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_model_memory with;
    struct mien_model_memory without;
    const struct mien_model_options options = { .batch = 7, .lanes = 1 };
    struct mien_network *const normed =
        network_from("input: { channels: 1, height: 9, width: 9 }\n"
                     "layers: [ conv 6 3x3, batchnorm, relu, flatten, dense classes ]\n",
                     CLASSES);
    struct mien_network *const plain =
        network_from("input: { channels: 1, height: 9, width: 9 }\n"
                     "layers: [ conv 6 3x3, relu, flatten, dense classes ]\n",
                     CLASSES);
    assert_ok(mien_model_plan(&with, normed, &options, &err), &err);
    assert_ok(mien_model_plan(&without, plain, &options, &err), &err);
    /* Weights, biases, and what batch norm saves in training. */
    assert_int_equal(with.unshared - without.unshared, (6 * 9 + 6 + 2 * 6) * sizeof(float));
    mien_network_destroy(normed);
    mien_network_destroy(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold__saves_an_activation),
        cmocka_unit_test(test_fold__evaluates_as_layer_by_layer),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
