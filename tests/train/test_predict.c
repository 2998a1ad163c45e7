/* test_predict.c - pixels through a model, and a data set's labels in its classes */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights.h"
#include "support/device.h"
#include "support/scratch.h"
#include "train/class_map.h"
#include "train/evaluate.h"
#include "train/metrics.h"
#include "train/model_file.h"
#include "train/predict.h"

enum { IMAGES = 21, HEIGHT = 9, WIDTH = 11, CHANNELS = 3, BYTES = HEIGHT * WIDTH * CHANNELS };

static const char recipe_text[] = "name: small\n"
                                  "input: { channels: 3, height: 9, width: 11 }\n"
                                  "normalize: { mean: 0.5, std: 0.25 }\n"
                                  "layers:\n"
                                  "  - conv 5 3x3\n"
                                  "  - relu\n"
                                  "  - flatten\n"
                                  "  - dense classes\n";

static char angry[] = "angry";
static char happy[] = "happy";
static char sad[] = "sad";
static char confused[] = "confused";
static char *classes[] = { angry, happy, sad };

/* A model file as training would leave it, with random weights. */
static char *write_model(const char *folder)
{
    struct mien_error err = { "" };
    struct mien_model_file file = { .class_count = 3, .classes = classes };
    must(mien_recipe_parse(&file.recipe, recipe_text, sizeof(recipe_text) - 1, "test", NULL, 0,
                           &err),
         &err);
    must(mien_network_create(&file.network, file.recipe, 3, &err), &err);
    file.weights = calloc(file.network->flat_floats, sizeof(float));
    assert_non_null(file.weights);
    mien_weights_init(file.weights, file.network, 7);
    char *const path = scratch_path(folder, "model.safetensors");
    must(mien_model_file_save(path, &file, NULL, 0, NULL, 0, &err), &err);
    free(file.weights);
    mien_network_destroy(file.network);
    mien_recipe_destroy(file.recipe);
    return path;
}

static struct mien_model *place(struct mien_cl *cl, const struct mien_model_file *file, int batch)
{
    struct mien_error err = { "" };
    struct mien_model *model = NULL;
    const struct mien_model_options options = { .batch = batch };
    must(mien_model_create(&model, cl, file->network, &options, &err), &err);
    must(mien_weights_upload(model, file->weights, &err), &err);
    return model;
}

static void fill_pixels(uint8_t *pixels, size_t count)
{
    uint32_t seed = 5;
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(seed >> 24);
    }
}

static void test_predict__gives_what_evaluation_gives_in_any_batch(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    char *const folder = scratch_make();
    char *const path = write_model(folder);
    struct mien_model_file file;
    must(mien_model_file_load(&file, path, &err), &err);
    static uint8_t pixels[IMAGES * BYTES];
    static int32_t labels[IMAGES];
    fill_pixels(pixels, sizeof(pixels));
    const struct mien_dataset set = {
        .count = IMAGES,
        .channels = CHANNELS,
        .height = HEIGHT,
        .width = WIDTH,
        .images = pixels,
        .labels = labels,
        .class_count = 3,
        .classes = file.classes,
        .splits = { { 0, IMAGES }, { IMAGES, 0 }, { IMAGES, 0 } },
    };
    float want[IMAGES][3];
    struct mien_model *model = place(cl, &file, IMAGES);
    struct mien_loader *loader = NULL;
    const struct mien_loader_options options = { .batch = IMAGES, .recipe = file.recipe };
    struct mien_softmax_stats stats;
    must(mien_loader_create(&loader, cl, &set, &options, &err), &err);
    const struct mien_evaluation_options once = { MIEN_SPLIT_TRAIN, 1, NULL };
    must(mien_evaluate(&stats, want[0], model, loader, &once, &err), &err);
    mien_loader_destroy(loader);
    mien_model_destroy(model);

    double loss = 0;
    for (int i = 0; i < IMAGES; i++) {
        loss -= log((double)want[i][labels[i]]) / IMAGES;
    }
    assert_true(fabs(loss - stats.loss / stats.weight) < 1e-5);

    /* All of it in one call says the same. */
    struct mien_judgement judged;
    model = place(cl, &file, 8);
    must(mien_judge(&judged, NULL, model, file.recipe, &set, &once, &err), &err);
    mien_model_destroy(model);
    assert_true(fabs(judged.loss - loss) < 1e-5);
    assert_true(judged.seconds > 0);
    assert_int_equal(judged.metrics.images, IMAGES);
    assert_int_equal(lround(judged.metrics.accuracy * IMAGES), stats.hits);
    mien_metrics_finish(&judged.metrics);

    /* One at a time, a whole number of batches, a smaller last one, fewer than a batch. */
    static const int batches[] = { 1, 7, 8, 150 };
    for (size_t b = 0; b < sizeof(batches) / sizeof(batches[0]); b++) {
        float got[IMAGES + 1][3];
        for (int k = 0; k < 3; k++) {
            got[IMAGES][k] = -5.0f;
        }
        model = place(cl, &file, batches[b]);
        must(mien_predict_pixels(got[0], model, file.recipe, pixels, IMAGES, 1, &err), &err);
        assert_all_close(got[0], want[0], (size_t)IMAGES * 3, 1e-6f, 1e-5f);
        for (int i = 0; i < IMAGES; i++) {
            assert_true(fabsf(got[i][0] + got[i][1] + got[i][2] - 1) < 1e-5f);
        }
        assert_true(got[IMAGES][0] == -5.0f && got[IMAGES][2] == -5.0f);
        must(mien_predict_pixels(got[0], model, file.recipe, pixels, 0, 1, &err), &err);
        mien_model_destroy(model);
    }
    mien_model_file_finish(&file);
    free(path);
    scratch_remove(folder);
}

static void test_predict__refuses_what_is_not_finite(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    char *const folder = scratch_make();
    char *const path = write_model(folder);
    struct mien_model_file file;
    must(mien_model_file_load(&file, path, &err), &err);
    file.weights[0] = NAN;
    struct mien_model *const model = place(cl, &file, 2);
    static uint8_t pixels[2 * BYTES];
    fill_pixels(pixels, sizeof(pixels));
    float out[2][3];
    must_fail(mien_predict_pixels(out[0], model, file.recipe, pixels, 2, 1, &err),
              MIEN_ERR_NOT_FINITE, &err, "image 0: what the model gives is not finite");
    file.recipe->normalize.std = 0.0f;
    must_fail(mien_predict_pixels(out[0], model, file.recipe, pixels, 2, 1, &err), MIEN_ERR_SHAPE,
              &err, "std");
    mien_model_destroy(model);
    mien_model_file_finish(&file);
    free(path);
    scratch_remove(folder);
}

static void test_class_map__goes_by_name(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    /* Another order, and one class less. */
    char *own[] = { sad, angry };
    static const int32_t labels[4] = { 0, 1, 1, 0 };
    const struct mien_dataset set = {
        .count = 4,
        .labels = labels,
        .class_count = 2,
        .classes = own,
    };
    struct mien_class_map map;
    must(mien_class_map_create(&map, &set, classes, 3, &err), &err);
    static const int32_t want[4] = { 2, 0, 0, 2 };
    assert_memory_equal(map.set.labels, want, sizeof(want));
    assert_int_equal(map.set.class_count, 3);
    assert_string_equal(map.set.classes[1], "happy");
    mien_class_map_finish(&map);

    own[1] = confused;
    must_fail(mien_class_map_create(&map, &set, classes, 3, &err), MIEN_ERR_FORMAT, &err,
              "class 'confused' is none of the 3 that the model tells apart: angry, happy, sad");
    assert_null(map.labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predict__gives_what_evaluation_gives_in_any_batch),
        cmocka_unit_test(test_predict__refuses_what_is_not_finite),
        cmocka_unit_test(test_class_map__goes_by_name),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
