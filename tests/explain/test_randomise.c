/* test_randomise.c - maps of a trained network are about what it learned (Adebayo et al. 2018) */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "nn/weights.h"
#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/run.h"

/* Everything from here to the top gets other weights, layer after layer. */
static const char *const from_the_top[] = { "dense1", "conv2", "conv1" };
enum { LAYERS = 3, IMAGES = 28, SIDE = 48, PIXELS = SIDE * SIDE, TAP = 4 };

static const char recipe_text[] = "input: { channels: 1, height: 48, width: 48 }\n"
                                  "normalize: { mean: 0.5, std: 0.25 }\n"
                                  "layers:\n"
                                  "  - conv 8 5x5 stride 2\n"
                                  "  - relu\n"
                                  "  - maxpool 2\n"
                                  "  - conv 12 3x3\n"
                                  "  - relu\n"
                                  "  - flatten\n"
                                  "  - dense classes\n"
                                  "train:\n"
                                  "  batch: 35\n"
                                  "  epochs: 12\n"
                                  "  optimizer: { kind: sgd, rate: 0.02, momentum: 0.9 }\n";

struct fixture {
    struct mien_cl *cl;
    char *folder;
    struct mien_dataset *set;
    struct mien_model_file file; /* trained */
    float *images;
    int32_t classes[IMAGES];
};

static void set_up(struct fixture *f, struct mien_cl *cl)
{
    struct mien_error err = { "" };
    struct mien_run_result result;
    *f = (struct fixture){ .cl = cl, .folder = scratch_make() };
    char *const faces = scratch_path(f->folder, "faces");
    char *const run = scratch_path(f->folder, "run");
    const struct mien_synth_options drawing = { .count = 420, .seed = 3 };
    const struct mien_data_options load = { .channels = 1, .height = SIDE, .width = SIDE };
    assert_ok(mien_synth_write(faces, &drawing, &err), &err);
    assert_ok(mien_dataset_load(&f->set, faces, &load, &err), &err);
    f->file = model_for(recipe_text, f->set);
    const struct mien_run_options options = { .folder = run, .trainer = { .shuffle = true } };
    assert_ok(mien_run(&result, cl, &f->file, f->set, &options, &err), &err);
    print_message("validation accuracy %.3f\n", result.best_accuracy);
    assert_true(result.best_accuracy > 0.5); /* it learned something: chance is a seventh */

    f->images = malloc((size_t)IMAGES * PIXELS * sizeof(*f->images));
    assert_non_null(f->images);
    const size_t first = f->set->splits[MIEN_SPLIT_VALIDATION].first;
    mien_explain_normalize(f->images, f->set->images + first * PIXELS, IMAGES, f->file.recipe);
    memcpy(f->classes, f->set->labels + first, sizeof(f->classes));
    free(faces);
    free(run);
}

static void tear_down(struct fixture *f)
{
    mien_model_file_finish(&f->file);
    mien_dataset_destroy(f->set);
    free(f->images);
    scratch_remove(f->folder);
}

enum method { SALIENCY, GRADCAM, OCCLUSION, INTEGRATED, METHODS };
static const char *const names[] = { "saliency", "gradcam", "occlusion", "integrated" };

/* Maps of all images, [IMAGES][*count]; free() them. */
static float *explain(struct fixture *f, enum method method, const float *weights, size_t *count)
{
    static const size_t tap = TAP;
    struct mien_error err = { "" };
    struct mien_probe *probe = NULL;
    float ends[IMAGES][2];
    const struct mien_probe_options options = { .batch = 64, .taps = &tap, .tap_count = 1 };
    const struct mien_targets targets = { f->images, IMAGES, f->classes, 1 };
    const struct mien_saliency saliency = { .samples = 1 };
    const struct mien_occlusion occlusion = { .window = 8, .stride = 8 };
    float *const maps = calloc((size_t)IMAGES * PIXELS, sizeof(*maps));
    assert_non_null(maps);
    assert_ok(mien_probe_create(&probe, f->cl, f->file.network, weights, &options, &err), &err);
    const struct mien_shape *const shape = &mien_probe_layer(probe, 0)->out;
    *count = method == GRADCAM ? (size_t)shape->h * (size_t)shape->w : PIXELS;
    const enum mien_status st =
        method == SALIENCY  ? mien_explain_saliency(maps, probe, &targets, &saliency, &err)
        : method == GRADCAM ? mien_explain_gradcam(maps, probe, &targets, 0, &err)
        : method == OCCLUSION
            ? mien_explain_occlusion(maps, probe, &targets, &occlusion, &err)
            : mien_explain_integrated(maps, &ends[0][0], probe, &targets, 16, &err);
    assert_ok(st, &err);
    mien_probe_destroy(probe);
    return maps;
}

struct ranked {
    float value;
    size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const float x = ((const struct ranked *)a)->value;
    const float y = ((const struct ranked *)b)->value;
    return x < y ? -1 : x > y;
}

/* The rank of each value; equal ones share the mean of theirs.  free() it. */
static double *ranks_of(const float *values, size_t count)
{
    struct ranked *const order = calloc(count, sizeof(*order));
    double *const ranks = calloc(count, sizeof(*ranks));
    assert_non_null(order);
    assert_non_null(ranks);
    for (size_t i = 0; i < count; i++) {
        order[i] = (struct ranked){ values[i], i };
    }
    qsort(order, count, sizeof(*order), compare_ranked);
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && order[end].value <= order[i].value) {
            end++;
        }
        for (size_t k = i; k < end; k++) {
            ranks[order[k].index] = (double)(i + end - 1) / 2.0;
        }
        i = end;
    }
    free(order);
    return ranks;
}

/* Spearman's; of a map that is the same everywhere, 0. */
static double rank_correlation(const float *a, const float *b, size_t count)
{
    double *const x = ranks_of(a, count);
    double *const y = ranks_of(b, count);
    const double mean = (double)(count - 1) / 2.0;
    double xy = 0.0;
    double xx = 0.0;
    double yy = 0.0;
    for (size_t i = 0; i < count; i++) {
        xy += (x[i] - mean) * (y[i] - mean);
        xx += (x[i] - mean) * (x[i] - mean);
        yy += (y[i] - mean) * (y[i] - mean);
    }
    free(x);
    free(y);
    return xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : 0.0;
}

static double mean_correlation(const float *a, const float *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < IMAGES; i++) {
        sum += rank_correlation(a + i * count, b + i * count, count);
    }
    return sum / IMAGES;
}

/* Give the parameters of a layer the values of `fresh`, weights of a network that is not trained.
 */
static void randomise(float *weights, const float *fresh, const struct mien_network *network,
                      const char *layer)
{
    const size_t length = strlen(layer);
    for (size_t i = 0; i < network->param_count; i++) {
        const struct mien_param *const param = &network->params[i];
        if (strncmp(param->name, layer, length) == 0 && param->name[length] == '.') {
            memcpy(weights + param->offset, fresh + param->offset, param->count * sizeof(float));
        }
    }
}

static void check_method(struct fixture *f, enum method method)
{
    size_t count = 0;
    const size_t floats = f->file.network->flat_floats;
    float *const weights = malloc(floats * sizeof(*weights));
    float *const fresh = calloc(floats, sizeof(*fresh));
    assert_non_null(weights);
    assert_non_null(fresh);
    memcpy(weights, f->file.weights, floats * sizeof(*weights));
    mien_weights_init(fresh, f->file.network, 99);
    float *const trained = explain(f, method, weights, &count);
    double now = mean_correlation(trained, trained, count);
    assert_true(now > 0.99);
    for (size_t i = 0; i < LAYERS; i++) {
        randomise(weights, fresh, f->file.network, from_the_top[i]);
        float *const maps = explain(f, method, weights, &count);
        now = mean_correlation(trained, maps, count);
        print_message("%s: %.3f with %s and what is above it at random\n", names[method], now,
                      from_the_top[i]);
        assert_true(now < 0.7);
        free(maps);
    }
    assert_true(now < 0.4);
    free(trained);
    free(weights);
    free(fresh);
}

static void test_explain__loses_its_maps_with_the_weights(void **state)
{
    struct fixture f;
    set_up(&f, device_or_skip(state));
    for (int m = 0; m < METHODS; m++) {
        check_method(&f, (enum method)m);
    }
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain__loses_its_maps_with_the_weights),
    };
    return cmocka_run_group_tests_name("explain/randomise", tests, device_setup, device_teardown);
}
