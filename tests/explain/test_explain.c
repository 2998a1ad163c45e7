/* test_explain.c - explanations whose outcome is known: small exact cases */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/layout.h"
#include "support/probed.h"
#include "support/training.h"

/* captum's BasicModel_ConvNet_One_Conv; the numbers are those of its tests. */
static void set_up_captum(struct probed *f, struct mien_cl *cl, const size_t *tap)
{
    static const float row[8] = { 1, 1, 1, 1, 1, -1, -1, -1 };
    probed_set_up(f, cl,
                  "input: { channels: 1, height: 4, width: 4 }\n"
                  "layers: [ conv 2 3x3, relu, flatten, dense classes ]",
                  4);
    probed_fill(f, "conv1.weight", 1.0f);
    probed_param(f, "conv1.bias", NULL)[0] = -50.0f;
    probed_param(f, "conv1.bias", NULL)[1] = -75.0f;
    probed_fill(f, "dense1.bias", 0.0f);
    for (size_t i = 0; i < 4; i++) {
        memcpy(probed_param(f, "dense1.weight", NULL) + 8 * i, row, sizeof(row));
    }
    probed_place(f, 8, tap, 1);
}

enum { CONV, RELU };

static void check_captum(struct mien_cl *cl, size_t tap, const float want[4])
{
    struct mien_error err = { "" };
    struct probed f;
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
    probed_tear_down(&f);
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

static const float *row_of(struct probed *f, size_t target)
{
    return probed_param(f, "dense1.weight", NULL) + (size_t)classes_of[target] * probed_floats(f);
}

/* What each pixel of a target adds to a linear network's logit. */
static void find_terms(float *terms, struct probed *f, const float *images, size_t target)
{
    const float *const row = row_of(f, target);
    const float *const image = images + target / EACH * probed_floats(f);
    memset(terms, 0, probed_pixels(f) * sizeof(*terms));
    for (size_t k = 0; k < probed_floats(f); k++) {
        terms[k % probed_pixels(f)] += row[k] * image[k];
    }
}

/* The logit of a linear network is a sum over pixels: each method has a closed form. */
static void test_explain__is_exact_on_a_linear_network(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct probed f;
    probed_set_up(&f, cl, linear_recipe, 3);
    probed_place(&f, 9, NULL, 0);
    const size_t pixels = probed_pixels(&f);
    float *const images = random_floats(IMAGES * probed_floats(&f), 5);
    const struct mien_targets targets = { images, IMAGES, classes_of, EACH };
    float *const maps = random_floats(TARGETS * pixels, 1);
    float *const want = probed_zeros(TARGETS * pixels);
    float ends[TARGETS][2];
    const struct mien_saliency plain = { .samples = 1 };
    const struct mien_saliency smooth = { .samples = 20, .noise = 0.3, .seed = 4 };

    for (size_t t = 0; t < TARGETS; t++) {
        for (size_t k = 0; k < probed_floats(&f); k++) {
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
    probed_tear_down(&f);
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
    struct probed f;
    probed_set_up(&f, cl, linear_recipe, 3);
    probed_place(&f, 10, NULL, 0); /* batches end among an image's windows */
    const size_t pixels = probed_pixels(&f);
    float *const images = random_floats(IMAGES * probed_floats(&f), 6);
    const struct mien_targets targets = { images, IMAGES, classes_of, EACH };
    float *const maps = random_floats(TARGETS * pixels, 1);
    float *const terms = probed_zeros(pixels);
    float *const want = probed_zeros(TARGETS * pixels);
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
    probed_tear_down(&f);
}

/* The logit is the sum of max(0, x): a pixel's mean gradient is the share of its copies above 0. */
static void test_smoothgrad__adds_the_noise_that_was_asked_for(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct probed f;
    probed_set_up(&f, cl,
                  "input: { channels: 1, height: 6, width: 7 }\n"
                  "layers: [ relu, flatten, dense classes ]",
                  2);
    probed_fill(&f, "dense1.weight", 1.0f);
    probed_place(&f, 200, NULL, 0);
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
    probed_tear_down(&f);
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
        { "mark a, conv 2 3x3 pad 1, relu, add a conv 2 1x1, flatten, dense classes", "add1" },
        { "mark a, conv 2 3x3 pad 1, add a conv 2 1x1 batchnorm, relu, globalavgpool, flatten, "
          "dense classes",
          "relu1" },
        { "mark a, conv 2 3x3 pad 1, relu, add a conv 2 1x1, batchnorm, silu, flatten, dense "
          "classes",
          "silu1" },
        { "mark a, conv 1 3x3 pad 1, relu, add a, maxpool 2, relu, flatten, dense classes",
          "add1" },
        { "mark a, conv 2 3x3 pad 1, add a conv 2 1x1, relu, conv 3 3x3, flatten, dense classes",
          "conv2" },
        { "conv 3 3x3, relu, mark a, conv 3 6x6, add a conv 3 6x6, relu, flatten, dense classes",
          "relu1" },
        { "conv 3 3x3, relu, mark a, globalavgpool, conv 3 1x1, sigmoid, multiply a, maxpool 2, "
          "flatten, dense classes",
          "multiply1" },
        { "conv 3 3x3, sigmoid, flatten, dense classes", "sigmoid1" },
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

/* What a probe finds at the sum and at the ReLU behind it. */
enum { SUM, BEHIND, TAPS, SUMS = 2 * 5 * 4 };
struct residual {
    const float *images;
    float outputs[TAPS][SUMS], gradients[TAPS][SUMS];
};

static void make_residual(void *user, const struct mien_probe_batch *batch)
{
    const struct residual *const r = user;
    memcpy(batch->images, r->images, sizeof(float) * 20);
    batch->classes[0] = 1;
}

static void take_residual(void *user, const struct mien_probe_batch *batch)
{
    struct residual *const r = user;
    for (size_t t = 0; t < TAPS; t++) {
        memcpy(r->outputs[t], batch->outputs[t], sizeof(r->outputs[t]));
        memcpy(r->gradients[t], batch->output_gradients[t], sizeof(r->gradients[t]));
    }
}

/* Behind the ReLU the mean of a channel has a gradient of its weight / pixels. */
static void test_gradcam__can_look_at_a_sum(void **state)
{
    struct mien_error err = { "" };
    struct probed f;
    probed_set_up(&f, device_or_skip(state),
                  "input: { channels: 1, height: 5, width: 4 }\n"
                  "layers: [ mark a, conv 2 3x3 pad 1, relu, add a conv 2 1x1 bias no, relu,\n"
                  "          globalavgpool, flatten, dense classes ]",
                  3);
    const struct mien_layer *const behind = mien_explain_default_layer(f.network);
    assert_string_equal(behind->name, "relu2");
    const size_t at = (size_t)(behind - f.network->layers);
    const size_t taps[TAPS] = { at - 1, at };
    probed_place(&f, 2, taps, TAPS);
    float *const image = random_floats(20, 7);
    struct residual r = { .images = image };
    const struct mien_probe_job job = { .count = 1,
                                        .gradients = true,
                                        .taps = true,
                                        .make = make_residual,
                                        .take = take_residual,
                                        .user = &r };
    assert_ok(mien_probe_run(f.probe, &job, &err), &err);
    const float *const row = probed_param(&f, "dense1.weight", NULL) + 2; /* of class 1 */
    for (int i = 0; i < SUMS; i++) {
        const float sum = r.outputs[SUM][i];
        const float gradient = row[i / 20] / 20.0f;
        assert_true(r.outputs[BEHIND][i] == fmaxf(sum, 0.0f));
        assert_true(fabsf(r.gradients[BEHIND][i] - gradient) < 1e-6f);
        assert_true(fabsf(r.gradients[SUM][i] - (sum > 0.0f ? gradient : 0.0f)) < 1e-6f);
    }
    free(image);
    probed_tear_down(&f);
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
    struct probed f;
    float logits[3];
    probed_set_up(&f, cl, linear_recipe, 3);
    probed_param(&f, "dense1.bias", NULL)[1] = NAN;
    probed_place(&f, 4, NULL, 0);
    float *const image = probed_zeros(probed_floats(&f));
    assert_int_equal(mien_probe_logits(logits, f.probe, image, 1, &err), MIEN_ERR_NOT_FINITE);
    assert_non_null(strstr(err.text, "not finite"));
    free(image);
    probed_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradcam__is_what_captum_gives),
        cmocka_unit_test(test_gradcam__weighs_channels_as_captum_does),
        cmocka_unit_test(test_explain__is_exact_on_a_linear_network),
        cmocka_unit_test(test_occlusion__is_exact_on_a_linear_network),
        cmocka_unit_test(test_smoothgrad__adds_the_noise_that_was_asked_for),
        cmocka_unit_test(test_default_layer__is_the_last_convolutions_activation),
        cmocka_unit_test(test_gradcam__can_look_at_a_sum),
        cmocka_unit_test(test_normalize__takes_the_middle),
        cmocka_unit_test(test_resize__is_linear_between_the_middles_of_pixels),
        cmocka_unit_test(test_softmax__stays_finite),
        cmocka_unit_test(test_probe__says_that_a_logit_is_not_finite),
    };
    return cmocka_run_group_tests_name("explain/explain", tests, device_setup, device_teardown);
}
