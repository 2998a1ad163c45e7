/* test_explain.c - explanations whose outcome is known: small exact cases, and laws that hold */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "nn/weights.h"
#include "support/device.h"
#include "support/layout.h"
#include "support/training.h"

/* A network with its weights in host memory, and a probe made of them. */
struct fixture {
    struct mien_cl *cl;
    struct mien_network *network;
    float *flat;
    struct mien_probe *probe;
};

static void set_up(struct fixture *f, struct mien_cl *cl, const char *recipe, int classes)
{
    *f = (struct fixture){ .cl = cl, .network = network_from(recipe, classes) };
    f->flat = calloc(f->network->flat_floats, sizeof(*f->flat));
    assert_non_null(f->flat);
    mien_weights_init(f->flat, f->network, 3);
}

static void place(struct fixture *f, int batch, const size_t *taps, size_t tap_count)
{
    struct mien_error err = { "" };
    const struct mien_probe_options options = { .batch = batch,
                                                .taps = taps,
                                                .tap_count = tap_count };
    mien_probe_destroy(f->probe);
    assert_ok(mien_probe_create(&f->probe, f->cl, f->network, f->flat, &options, &err), &err);
}

static void tear_down(struct fixture *f)
{
    mien_probe_destroy(f->probe);
    mien_network_destroy(f->network);
    free(f->flat);
    assert_int_equal(mien_cl_live(f->cl), 0);
}

static float *param(struct fixture *f, const char *name, size_t *count)
{
    return f->flat + param_offset(f->network, name, count);
}

static void fill(struct fixture *f, const char *name, float value)
{
    size_t count = 0;
    float *const values = param(f, name, &count);
    for (size_t i = 0; i < count; i++) {
        values[i] = value;
    }
}

static size_t pixels_of(const struct fixture *f)
{
    return (size_t)f->network->input.h * (size_t)f->network->input.w;
}

static size_t floats_of(const struct fixture *f)
{
    return (size_t)f->network->input.c * pixels_of(f);
}

static float *zeros(size_t count)
{
    float *const out = calloc(count, sizeof(*out));
    assert_non_null(out);
    return out;
}

/* captum's BasicModel_ConvNet_One_Conv; the numbers are those of its tests. */
static void set_up_captum(struct fixture *f, struct mien_cl *cl, const size_t *tap)
{
    static const float row[8] = { 1, 1, 1, 1, 1, -1, -1, -1 };
    set_up(f, cl,
           "input: { channels: 1, height: 4, width: 4 }\n"
           "layers: [ conv 2 3x3, relu, flatten, dense classes ]",
           4);
    fill(f, "conv1.weight", 1.0f);
    param(f, "conv1.bias", NULL)[0] = -50.0f;
    param(f, "conv1.bias", NULL)[1] = -75.0f;
    fill(f, "dense1.bias", 0.0f);
    for (size_t i = 0; i < 4; i++) {
        memcpy(param(f, "dense1.weight", NULL) + 8 * i, row, sizeof(row));
    }
    place(f, 8, tap, 1);
}

enum { CONV, RELU };

static void check_captum(struct mien_cl *cl, size_t tap, const float want[4])
{
    struct mien_error err = { "" };
    struct fixture f;
    float image[16];
    float map[4] = { NAN, NAN, NAN, NAN };
    const int32_t class = 0;
    const struct mien_targets targets = { image, 1, &class, 1 };
    set_up_captum(&f, cl, &tap);
    for (int i = 0; i < 16; i++) {
        image[i] = (float)i;
    }
    assert_ok(mien_explain_gradcam(map, f.probe, &targets, 0, &err), &err);
    assert_all_close(map, want, 4, 1e-5f, 1e-6f);
    tear_down(&f);
}

static void test_gradcam__is_what_captum_gives(void **state)
{
    static const float conv[4] = { 11.25f, 13.5f, 20.25f, 22.5f };
    static const float relu[4] = { 0.0f, 4.0f, 28.0f, 32.5f };
    check_captum(device_or_skip(state), CONV, conv);
    check_captum(device_or_skip(state), RELU, relu);
}

static void test_gradcam__weighs_channels_as_captum_does(void **state)
{
    static const float output[8] = { -5, 4, 31, 40, -30, -21, 6, 15 };
    static const float gradient[8] = { 0, 1, 1, 1, 0, 0, -1, -1 };
    static const float want[8] = { -3.75f, 3, 23.25f, 30, 15, 10.5f, -3, -7.5f };
    float got[8];
    (void)state;
    mien_gradcam_channels(got, output, gradient, 2, 4);
    assert_all_close(got, want, 8, 1e-6f, 0.0f);
}

static const char linear_recipe[] = "input: { channels: 3, height: 7, width: 5 }\n"
                                    "layers: [ flatten, dense classes ]";
enum { IMAGES = 3, EACH = 2, TARGETS = IMAGES * EACH };
static const int32_t classes_of[TARGETS] = { 2, 0, 1, 2, 1, 1 };

static const float *row_of(struct fixture *f, size_t target)
{
    return param(f, "dense1.weight", NULL) + (size_t)classes_of[target] * floats_of(f);
}

/* What each pixel of a target adds to a linear network's logit. */
static void find_terms(float *terms, struct fixture *f, const float *images, size_t target)
{
    const float *const row = row_of(f, target);
    const float *const image = images + target / EACH * floats_of(f);
    memset(terms, 0, pixels_of(f) * sizeof(*terms));
    for (size_t k = 0; k < floats_of(f); k++) {
        terms[k % pixels_of(f)] += row[k] * image[k];
    }
}

/* The logit of a linear network is a sum over pixels: each method has a closed form. */
static void test_explain__is_exact_on_a_linear_network(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, cl, linear_recipe, 3);
    place(&f, 9, NULL, 0);
    const size_t pixels = pixels_of(&f);
    float *const images = random_floats(IMAGES * floats_of(&f), 5);
    const struct mien_targets targets = { images, IMAGES, classes_of, EACH };
    float *const maps = random_floats(TARGETS * pixels, 1);
    float *const want = zeros(TARGETS * pixels);
    float ends[TARGETS][2];
    const struct mien_saliency plain = { .samples = 1 };
    const struct mien_saliency smooth = { .samples = 20, .noise = 0.3, .seed = 4 };

    for (size_t t = 0; t < TARGETS; t++) {
        for (size_t k = 0; k < floats_of(&f); k++) {
            float *const most = &want[t * pixels + k % pixels];
            *most = fmaxf(*most, fabsf(row_of(&f, t)[k]));
        }
    }
    assert_ok(mien_explain_saliency(maps, f.probe, &targets, &plain, &err), &err);
    assert_all_close(maps, want, TARGETS * pixels, 1e-6f, 0.0f);
    assert_ok(mien_explain_saliency(maps, f.probe, &targets, &smooth, &err), &err);
    assert_all_close(maps, want, TARGETS * pixels, 1e-6f, 0.0f);

    for (size_t t = 0; t < TARGETS; t++) {
        find_terms(want + t * pixels, &f, images, t);
    }
    assert_ok(mien_explain_integrated(maps, &ends[0][0], f.probe, &targets, 1, &err), &err);
    assert_all_close(maps, want, TARGETS * pixels, 1e-6f, 0.0f);
    free(images);
    free(maps);
    free(want);
    tear_down(&f);
}

/* Where windows stand along a side: at every stride, and at the end. */
static int place_windows(int places[64], int side, int window, int stride)
{
    int count = 0;
    for (int at = 0; at < side - window; at += stride) {
        places[count++] = at;
    }
    places[count++] = side - window;
    return count;
}

/* On a linear network: sums of terms, and the mean of those of the windows that cover a pixel. */
static void expect_occlusion(float *want, const float *terms, int h, int w,
                             const struct mien_occlusion *op)
{
    int tops[64];
    int lefts[64];
    const int rows = place_windows(tops, h, op->window, op->stride);
    const int columns = place_windows(lefts, w, op->window, op->stride);
    for (int k = 0; k < h * w; k++) {
        double sum = 0.0;
        int count = 0;
        for (int i = 0; i < rows * columns; i++) {
            const int top = tops[i / columns];
            const int left = lefts[i % columns];
            if (k / w < top || k / w >= top + op->window || k % w < left ||
                k % w >= left + op->window) {
                continue;
            }
            count++;
            for (int p = 0; p < op->window * op->window; p++) {
                sum += (double)terms[(top + p / op->window) * w + left + p % op->window];
            }
        }
        want[k] = (float)(sum / count);
    }
}

static void test_occlusion__is_exact_on_a_linear_network(void **state)
{
    static const struct mien_occlusion cases[] = { { 1, 1 }, { 2, 1 }, { 2, 2 }, { 3, 2 },
                                                   { 4, 3 }, { 5, 1 }, { 5, 5 } };
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, cl, linear_recipe, 3);
    place(&f, 10, NULL, 0); /* batches end among an image's windows */
    const size_t pixels = pixels_of(&f);
    float *const images = random_floats(IMAGES * floats_of(&f), 6);
    const struct mien_targets targets = { images, IMAGES, classes_of, EACH };
    float *const maps = random_floats(TARGETS * pixels, 1);
    float *const terms = zeros(pixels);
    float *const want = zeros(TARGETS * pixels);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t t = 0; t < TARGETS; t++) {
            find_terms(terms, &f, images, t);
            expect_occlusion(want + t * pixels, terms, f.network->input.h, f.network->input.w,
                             &cases[i]);
        }
        assert_ok(mien_explain_occlusion(maps, f.probe, &targets, &cases[i], &err), &err);
        assert_all_close(maps, want, TARGETS * pixels, 2e-6f, 0.0f);
    }
    free(images);
    free(maps);
    free(terms);
    free(want);
    tear_down(&f);
}

static const char deep_recipe[] =
    "input: { channels: 1, height: 12, width: 10 }\n"
    "layers: [ conv 8 3x3 pad 1 bias no, batchnorm, relu, maxpool 2, conv 6 3x3 pad 1, relu,\n"
    "          globalavgpool, flatten, dropout 0.5, dense classes ]";
enum { DEEP_TAP = 5, DEEP_H = 6, DEEP_W = 5, DEEP_CLASSES = 4 };

/* Running statistics as after some training. */
static void set_up_deep(struct fixture *f, struct mien_cl *cl)
{
    size_t count = 0;
    set_up(f, cl, deep_recipe, DEEP_CLASSES);
    float *const mean = param(f, "batchnorm1.running_mean", &count);
    float *const var = param(f, "batchnorm1.running_var", NULL);
    for (size_t i = 0; i < count; i++) {
        mean[i] = 0.05f * (float)i - 0.1f;
        var[i] = 0.2f + 0.1f * (float)i;
    }
}

static void place_deep(struct fixture *f, int batch)
{
    static const size_t tap = DEEP_TAP;
    place(f, batch, &tap, 1);
}

static void test_integrated__sums_to_what_the_logit_gains(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    set_up_deep(&f, cl);
    place_deep(&f, 100);
    const size_t pixels = pixels_of(&f);
    float *const images = random_floats(IMAGES * pixels, 8);
    for (size_t k = 0; k < IMAGES * pixels; k++) {
        images[k] *= 4.0f;
    }
    const struct mien_targets targets = { images, IMAGES, classes_of, EACH };
    float *const maps = zeros(TARGETS * pixels);
    float ends[TARGETS][2];
    float logits[IMAGES][DEEP_CLASSES];
    assert_ok(mien_explain_integrated(maps, &ends[0][0], f.probe, &targets, 400, &err), &err);
    assert_ok(mien_probe_logits(&logits[0][0], f.probe, images, IMAGES, &err), &err);
    for (size_t t = 0; t < TARGETS; t++) {
        double sum = 0.0;
        for (size_t k = 0; k < pixels; k++) {
            sum += (double)maps[t * pixels + k];
        }
        const double gain = (double)ends[t][1] - (double)ends[t][0];
        print_message("sum %.6f, gain %.6f\n", sum, gain);
        assert_true(fabs(gain) > 1e-3);
        assert_true(fabs(sum - gain) < 5e-3 * fabs(gain) + 1e-4);
        assert_true(fabsf(ends[t][1] - logits[t / EACH][classes_of[t]]) < 1e-5f);
    }
    free(images);
    free(maps);
    tear_down(&f);
}

/* Kernels that are their own mirror images make the whole network blind to mirroring. */
static void mirror_weights(struct fixture *f, const char *name)
{
    size_t count = 0;
    float *const weight = param(f, name, &count);
    for (size_t row = 0; row < count / 3; row++) {
        weight[3 * row + 2] = weight[3 * row];
    }
}

static float *mirrored(const float *from, size_t count, size_t width)
{
    float *const out = zeros(count);
    for (size_t k = 0; k < count; k++) {
        out[k] = from[k / width * width + (width - 1 - k % width)];
    }
    return out;
}

enum method { SALIENCY, GRADCAM, OCCLUSION, INTEGRATED, METHODS };

/* One method's map of an image for a class. */
static void explain(float *map, enum method method, struct fixture *f, const float *image,
                    int32_t class)
{
    struct mien_error err = { "" };
    float ends[2];
    const struct mien_targets targets = { image, 1, &class, 1 };
    const struct mien_saliency saliency = { .samples = 1 };
    const struct mien_occlusion occlusion = { .window = 4, .stride = 2 };
    const enum mien_status st =
        method == SALIENCY    ? mien_explain_saliency(map, f->probe, &targets, &saliency, &err)
        : method == GRADCAM   ? mien_explain_gradcam(map, f->probe, &targets, 0, &err)
        : method == OCCLUSION ? mien_explain_occlusion(map, f->probe, &targets, &occlusion, &err)
                              : mien_explain_integrated(map, ends, f->probe, &targets, 8, &err);
    assert_ok(st, &err);
}

static void test_explain__mirrors_the_map_of_a_mirrored_image(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct fixture f;
    set_up_deep(&f, cl);
    mirror_weights(&f, "conv1.weight");
    mirror_weights(&f, "conv2.weight");
    place_deep(&f, 40);
    const size_t pixels = pixels_of(&f);
    float *const image = random_floats(pixels, 9);
    float *const turned = mirrored(image, pixels, 10);
    float *const map = zeros(pixels);
    float *const other = zeros(pixels);
    for (int m = 0; m < METHODS; m++) {
        const size_t count = m == GRADCAM ? DEEP_H * DEEP_W : pixels;
        explain(map, (enum method)m, &f, image, 1);
        explain(other, (enum method)m, &f, turned, 1);
        float *const back = mirrored(other, count, m == GRADCAM ? DEEP_W : 10);
        assert_close_to_scale(back, map, count, 1e-4f);
        free(back);
    }
    free(image);
    free(turned);
    free(map);
    free(other);
    tear_down(&f);
}

static double correlation(const float *a, const float *b, size_t count)
{
    double mean_a = 0.0;
    double mean_b = 0.0;
    double ab = 0.0;
    double aa = 0.0;
    double bb = 0.0;
    for (size_t i = 0; i < count; i++) {
        mean_a += (double)a[i] / (double)count;
        mean_b += (double)b[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        const double x = (double)a[i] - mean_a;
        const double y = (double)b[i] - mean_b;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return ab / sqrt(aa * bb + 1e-30);
}

static void test_explain__tells_classes_apart(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct fixture f;
    set_up_deep(&f, cl);
    place_deep(&f, 40);
    const size_t pixels = pixels_of(&f);
    float *const image = random_floats(pixels, 9);
    float *const map = zeros(pixels);
    float *const other = zeros(pixels);
    for (int m = 0; m < METHODS; m++) {
        double least = 1.0;
        int cut = 0;
        explain(map, (enum method)m, &f, image, 0);
        for (int32_t class = 1; class < DEEP_CLASSES; class ++) {
            explain(other, (enum method)m, &f, image, class);
            least = fmin(least, correlation(map, other, m == GRADCAM ? DEEP_H * DEEP_W : pixels));
            for (size_t k = 0; m == GRADCAM && k < DEEP_H * DEEP_W; k++) {
                assert_true(other[k] >= 0.0f);
                cut += other[k] <= 0.0f;
            }
        }
        print_message("method %d: correlation %.3f\n", m, least);
        assert_true(least < 0.9);
        assert_true(cut > 0 || m != GRADCAM); /* what speaks against a class is not shown */
    }
    free(image);
    free(map);
    free(other);
    tear_down(&f);
}

/* Maps do not depend on how many copies are on the device together, nor on what lies beside them.
 */
static void test_explain__gives_the_same_in_other_batches(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    const struct mien_saliency smooth = { .samples = 7, .noise = 0.2, .seed = 2 };
    const struct mien_saliency reseeded = { .samples = 7, .noise = 0.2, .seed = 3 };
    set_up_deep(&f, cl);
    const size_t pixels = pixels_of(&f);
    float *const images = random_floats(IMAGES * pixels, 12);
    const struct mien_targets targets = { images, IMAGES, classes_of, EACH };
    float *const maps[2] = { zeros(TARGETS * pixels), zeros(TARGETS * pixels) };
    float *const cams[2] = { zeros(TARGETS * pixels), zeros(TARGETS * pixels) };
    for (int i = 0; i < 2; i++) {
        place_deep(&f, i == 0 ? 64 : 5);
        assert_ok(mien_explain_saliency(maps[i], f.probe, &targets, &smooth, &err), &err);
        assert_ok(mien_explain_gradcam(cams[i], f.probe, &targets, 0, &err), &err);
    }
    assert_close_to_scale(maps[1], maps[0], TARGETS * pixels, 1e-5f);
    assert_close_to_scale(cams[1], cams[0], TARGETS * DEEP_H * DEEP_W, 1e-5f);

    float *const alone = zeros(pixels);
    const struct mien_targets one = { images + 2 * pixels, 1, classes_of + 5, 1 };
    assert_ok(mien_explain_saliency(alone, f.probe, &one, &smooth, &err), &err);
    assert_close_to_scale(alone, maps[0] + 5 * pixels, pixels, 1e-5f);
    assert_ok(mien_explain_saliency(alone, f.probe, &one, &reseeded, &err), &err);
    assert_true(correlation(alone, maps[0] + 5 * pixels, pixels) < 0.9999);
    for (int i = 0; i < 2; i++) {
        free(maps[i]);
        free(cams[i]);
    }
    free(alone);
    free(images);
    tear_down(&f);
}

/* The logit is the sum of max(0, x): a pixel's mean gradient is the share of its copies above 0. */
static void test_smoothgrad__adds_the_noise_that_was_asked_for(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, cl,
           "input: { channels: 1, height: 6, width: 7 }\n"
           "layers: [ relu, flatten, dense classes ]",
           2);
    fill(&f, "dense1.weight", 1.0f);
    place(&f, 200, NULL, 0);
    const int32_t class = 0;
    const struct mien_saliency smooth = { .samples = 2000, .noise = 0.25, .seed = 7 };
    float image[42];
    float map[42];
    for (int k = 0; k < 42; k++) {
        image[k] = (float)(k % 3 - 1); /* -1, 0, 1: a range of 2, a deviation of 1/2 */
    }
    const struct mien_targets targets = { image, 1, &class, 1 };
    assert_ok(mien_explain_saliency(map, f.probe, &targets, &smooth, &err), &err);
    for (int k = 0; k < 42; k++) {
        const double want = 0.5 * erfc(-(double)image[k] / 0.5 / sqrt(2.0)); /* 0.023, 0.5, 0.977 */
        assert_true(fabs((double)map[k] - want) < 5.0 * sqrt(want * (1.0 - want) / 2000));
    }
    tear_down(&f);
}

static void test_default_layer__is_the_last_convolutions_activation(void **state)
{
    static const struct {
        const char *layers, *want;
    } cases[] = {
        { "conv 2 3x3, relu, conv 3 3x3, relu, flatten, dense 4, relu, dense classes", "relu2" },
        { "conv 2 3x3, relu, conv 3 3x3, batchnorm, relu, maxpool 2, flatten, dense classes",
          "relu2" },
        { "conv 2 3x3, relu, conv 3 3x3, maxpool 2, relu, flatten, dense classes", "conv2" },
        { "conv 2 3x3, batchnorm, globalavgpool, relu, flatten, dense classes", "conv1" },
        { "conv 2 3x3, relu, conv 3 6x6, relu, flatten, dense classes", "relu1" },
        { "flatten, dense 5, relu, dense classes", NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char recipe[256];
        (void)snprintf(recipe, sizeof(recipe),
                       "input: { channels: 1, height: 8, width: 8 }\nlayers: [ %s ]",
                       cases[i].layers);
        struct mien_network *const network = network_from(recipe, 3);
        const struct mien_layer *const layer = mien_explain_default_layer(network);
        if (cases[i].want == NULL) {
            assert_null(layer);
        } else {
            assert_non_null(layer);
            assert_string_equal(layer->name, cases[i].want);
        }
        mien_network_destroy(network);
    }
}

static void test_normalize__takes_the_middle(void **state)
{
    (void)state;
    struct mien_recipe *const recipe =
        recipe_from("input: { channels: 3, height: 2, width: 1, margin: 1 }\n"
                    "normalize: { mean: 0.5, std: 0.25 }\n"
                    "layers: [ flatten, dense classes ]");
    uint8_t pixels[2][4][3][3];
    float images[2][3][2];
    for (size_t i = 0; i < sizeof(pixels); i++) {
        ((uint8_t *)pixels)[i] = (uint8_t)(i * 3);
    }
    mien_explain_normalize(&images[0][0][0], &pixels[0][0][0][0], 2, recipe);
    for (int i = 0; i < 2; i++) {
        for (int c = 0; c < 3; c++) {
            for (int y = 0; y < 2; y++) {
                const double want = (pixels[i][y + 1][1][c] / 255.0 - 0.5) / 0.25;
                assert_true(fabs((double)images[i][c][y] - want) < 1e-6);
            }
        }
    }
    mien_recipe_destroy(recipe);
}

static void test_resize__is_linear_between_the_middles_of_pixels(void **state)
{
    static const float map[4] = { 0, 4, 8, 12 };
    static const float want[16] = { 0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12 };
    static const float one[1] = { 5 };
    float got[16];
    (void)state;
    mien_explain_resize(got, 4, 4, map, 2, 2);
    assert_all_close(got, want, 16, 1e-6f, 0.0f);
    mien_explain_resize(got, 2, 2, map, 2, 2);
    assert_all_close(got, map, 4, 0.0f, 0.0f);
    mien_explain_resize(got, 3, 1, one, 1, 1);
    assert_true(got[0] == 5.0f && got[2] == 5.0f);
}

static void test_softmax__stays_finite(void **state)
{
    float row[3] = { 1000.0f, 999.0f, -1000.0f };
    (void)state;
    mien_probe_softmax(row, 3);
    assert_true(fabsf(row[0] - 0.7310586f) < 1e-6f);
    assert_true(fabsf(row[1] - 0.2689414f) < 1e-6f);
    assert_true(row[2] == 0.0f);
}

static void test_probe__says_that_a_logit_is_not_finite(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f;
    float logits[3];
    set_up(&f, cl, linear_recipe, 3);
    param(&f, "dense1.bias", NULL)[1] = NAN;
    place(&f, 4, NULL, 0);
    float *const image = zeros(floats_of(&f));
    assert_int_equal(mien_probe_logits(logits, f.probe, image, 1, &err), MIEN_ERR_NOT_FINITE);
    assert_non_null(strstr(err.text, "not finite"));
    free(image);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradcam__is_what_captum_gives),
        cmocka_unit_test(test_gradcam__weighs_channels_as_captum_does),
        cmocka_unit_test(test_explain__is_exact_on_a_linear_network),
        cmocka_unit_test(test_occlusion__is_exact_on_a_linear_network),
        cmocka_unit_test(test_integrated__sums_to_what_the_logit_gains),
        cmocka_unit_test(test_explain__mirrors_the_map_of_a_mirrored_image),
        cmocka_unit_test(test_explain__tells_classes_apart),
        cmocka_unit_test(test_explain__gives_the_same_in_other_batches),
        cmocka_unit_test(test_smoothgrad__adds_the_noise_that_was_asked_for),
        cmocka_unit_test(test_default_layer__is_the_last_convolutions_activation),
        cmocka_unit_test(test_normalize__takes_the_middle),
        cmocka_unit_test(test_resize__is_linear_between_the_middles_of_pixels),
        cmocka_unit_test(test_softmax__stays_finite),
        cmocka_unit_test(test_probe__says_that_a_logit_is_not_finite),
    };
    return cmocka_run_group_tests_name("explain/explain", tests, device_setup, device_teardown);
}
