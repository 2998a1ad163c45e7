/* test_laws.c - laws that explanations of any network obey */
#include <math.h>
#include <stdlib.h>

#include "support/layout.h"
#include "support/probed.h"

enum { IMAGES = 3, EACH = 2, TARGETS = IMAGES * EACH };
static const int32_t classes_of[TARGETS] = { 2, 0, 1, 2, 1, 1 };

static const char deep_recipe[] =
    "input: { channels: 1, height: 12, width: 10 }\n"
    "layers: [ conv 8 3x3 pad 1 bias no, batchnorm, relu, maxpool 2, conv 6 3x3 pad 1, relu,\n"
    "          globalavgpool, flatten, dropout 0.5, dense classes ]";
enum { DEEP_TAP = 5, DEEP_H = 6, DEEP_W = 5, DEEP_CLASSES = 4 };

/* Running statistics as after some training. */
static void set_up_deep(struct probed *f, struct mien_cl *cl)
{
    size_t count = 0;
    probed_set_up(f, cl, deep_recipe, DEEP_CLASSES);
    float *const mean = probed_param(f, "batchnorm1.running_mean", &count);
    float *const var = probed_param(f, "batchnorm1.running_var", NULL);
    for (size_t i = 0; i < count; i++) {
        mean[i] = 0.05f * (float)i - 0.1f;
        var[i] = 0.2f + 0.1f * (float)i;
    }
}

static void place_deep(struct probed *f, int batch)
{
    static const size_t tap = DEEP_TAP;
    probed_place(f, batch, &tap, 1);
}

static void test_integrated__sums_to_what_the_logit_gains(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct probed f;
    set_up_deep(&f, cl);
    place_deep(&f, 100);
    const size_t pixels = probed_pixels(&f);
    float *const images = random_floats(IMAGES * pixels, 8);
    for (size_t k = 0; k < IMAGES * pixels; k++) {
        images[k] *= 4.0f;
    }
    const struct mien_targets targets = { images, IMAGES, classes_of, EACH };
    float *const maps = probed_zeros(TARGETS * pixels);
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
    probed_tear_down(&f);
}

/* Kernels that are their own mirror images make the whole network blind to mirroring. */
static void mirror_weights(struct probed *f, const char *name)
{
    size_t count = 0;
    float *const weight = probed_param(f, name, &count);
    for (size_t row = 0; row < count / 3; row++) {
        weight[3 * row + 2] = weight[3 * row];
    }
}

static float *mirrored(const float *from, size_t count, size_t width)
{
    float *const out = probed_zeros(count);
    for (size_t k = 0; k < count; k++) {
        out[k] = from[k / width * width + (width - 1 - k % width)];
    }
    return out;
}

enum method { SALIENCY, GRADCAM, OCCLUSION, INTEGRATED, METHODS };

/* One method's map of an image for a class. */
static void explain(float *map, enum method method, struct probed *f, const float *image,
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
    struct probed f;
    set_up_deep(&f, cl);
    mirror_weights(&f, "conv1.weight");
    mirror_weights(&f, "conv2.weight");
    place_deep(&f, 40);
    const size_t pixels = probed_pixels(&f);
    float *const image = random_floats(pixels, 9);
    float *const turned = mirrored(image, pixels, 10);
    float *const map = probed_zeros(pixels);
    float *const other = probed_zeros(pixels);
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
    probed_tear_down(&f);
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
    struct probed f;
    set_up_deep(&f, cl);
    place_deep(&f, 40);
    const size_t pixels = probed_pixels(&f);
    float *const image = random_floats(pixels, 9);
    float *const map = probed_zeros(pixels);
    float *const other = probed_zeros(pixels);
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
    probed_tear_down(&f);
}

/* Maps do not depend on how many copies are on the device together, nor on what lies beside them.
 */
static void test_explain__gives_the_same_in_other_batches(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct probed f;
    const struct mien_saliency smooth = { .samples = 7, .noise = 0.2, .seed = 2 };
    const struct mien_saliency reseeded = { .samples = 7, .noise = 0.2, .seed = 3 };
    set_up_deep(&f, cl);
    const size_t pixels = probed_pixels(&f);
    float *const images = random_floats(IMAGES * pixels, 12);
    const struct mien_targets targets = { images, IMAGES, classes_of, EACH };
    float *const maps[2] = { probed_zeros(TARGETS * pixels), probed_zeros(TARGETS * pixels) };
    float *const cams[2] = { probed_zeros(TARGETS * pixels), probed_zeros(TARGETS * pixels) };
    for (int i = 0; i < 2; i++) {
        place_deep(&f, i == 0 ? 64 : 5);
        assert_ok(mien_explain_saliency(maps[i], f.probe, &targets, &smooth, &err), &err);
        assert_ok(mien_explain_gradcam(cams[i], f.probe, &targets, 0, &err), &err);
    }
    assert_close_to_scale(maps[1], maps[0], TARGETS * pixels, 1e-5f);
    assert_close_to_scale(cams[1], cams[0], TARGETS * DEEP_H * DEEP_W, 1e-5f);

    float *const alone = probed_zeros(pixels);
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
    probed_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integrated__sums_to_what_the_logit_gains),
        cmocka_unit_test(test_explain__mirrors_the_map_of_a_mirrored_image),
        cmocka_unit_test(test_explain__tells_classes_apart),
        cmocka_unit_test(test_explain__gives_the_same_in_other_batches),
    };
    return cmocka_run_group_tests_name("explain/laws", tests, device_setup, device_teardown);
}
