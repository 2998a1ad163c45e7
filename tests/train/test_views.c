/* test_views.c - several views of an image: which they are, and the mean of their logits */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights.h"
#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/evaluate.h"
#include "train/predict.h"
#include "train/views.h"

/* The same network for images with a margin of 2, and for what is cut out of them. */
#define LAYERS                                                                                     \
    "normalize: { mean: 0.4, std: 0.3 }\n"                                                         \
    "layers: [ conv 5 3x3, relu, flatten, dense classes ]\n"
static const char whole_recipe[] =
    "input: { channels: 3, height: 5, width: 7, margin: 2 }\n" LAYERS;
static const char cut_recipe[] = "input: { channels: 3, height: 5, width: 7 }\n" LAYERS;
static const struct set_sizes sizes = { 1, 11, 3, 9, 11, 4 };
enum { IMAGES = 11, CLASSES = 4, HEIGHT = 5, WIDTH = 7, CUT = 3 * HEIGHT * WIDTH, WHOLE = 3 * 99 };

/* down, right, mirror */
static const struct mien_gather_view expected[] = {
    { 0, 0, false }, { -2, -2, false }, { -2, 2, false }, { 2, -2, false }, { 2, 2, false },
    { 0, 0, true },  { -2, -2, true },  { -2, 2, true },  { 2, -2, true },  { 2, 2, true },
};

static struct mien_model *place(struct mien_cl *cl, const struct mien_model_file *file, int batch,
                                enum mien_blas blas)
{
    struct mien_error err = { "" };
    struct mien_model *model = NULL;
    const struct mien_model_options options = { .batch = batch, .blas = blas };
    must(mien_model_create(&model, cl, file->network, &options, &err), &err);
    must(mien_weights_upload(model, file->weights, &err), &err);
    return model;
}

static void cut_out(uint8_t *out, const uint8_t *whole, const struct mien_gather_view *view)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            const int from_x = (view->mirror ? WIDTH - 1 - x : x) + 2 + view->right;
            const int from_y = y + 2 + view->down;
            memcpy(out + (y * WIDTH + x) * 3, whole + (from_y * 11 + from_x) * 3, 3);
        }
    }
}

/* What the mean of the views' logits makes of each image: their probabilities' geometric mean. */
static void expect(double want[IMAGES][CLASSES], struct mien_cl *cl,
                   const struct mien_model_file *cut, const uint8_t *images, int views)
{
    struct mien_error err = { "" };
    struct mien_model *const model = place(cl, cut, IMAGES, MIEN_BLAS_AUTO);
    memset(want, 0, sizeof(double) * IMAGES * CLASSES);
    for (int v = 0; v < views; v++) {
        static uint8_t pixels[IMAGES][CUT];
        float p[IMAGES][CLASSES];
        /* Two views are the middle and its mirror image. */
        const struct mien_gather_view *const view = &expected[views == 2 ? v * 5 : v];
        for (int i = 0; i < IMAGES; i++) {
            cut_out(pixels[i], images + (size_t)i * WHOLE, view);
        }
        must(mien_predict_pixels(p[0], model, cut->recipe, pixels[0], IMAGES, 1, &err), &err);
        for (int i = 0; i < IMAGES; i++) {
            for (int c = 0; c < CLASSES; c++) {
                want[i][c] += log((double)p[i][c]) / views;
            }
        }
    }
    for (int i = 0; i < IMAGES; i++) {
        double sum = 0;
        for (int c = 0; c < CLASSES; c++) {
            want[i][c] = exp(want[i][c]);
            sum += want[i][c];
        }
        for (int c = 0; c < CLASSES; c++) {
            want[i][c] /= sum;
        }
    }
    mien_model_destroy(model);
}

static void assert_probabilities(float got[IMAGES][CLASSES], double want[IMAGES][CLASSES])
{
    for (int i = 0; i < IMAGES; i++) {
        for (int c = 0; c < CLASSES; c++) {
            assert_true(fabs((double)got[i][c] - want[i][c]) < 1e-5);
        }
    }
}

/* CLBlast's logits need not fill vectors: the last batch has 12. */
static void check_means(struct mien_cl *cl, enum mien_blas blas)
{
    struct mien_error err = { "" };
    struct mien_dataset *const set = set_make(&sizes, 5);
    struct mien_model_file whole = model_for(whole_recipe, set);
    struct mien_model_file cut = model_for(cut_recipe, set);
    memcpy(cut.weights, whole.weights, whole.network->flat_floats * sizeof(*cut.weights));
    const uint8_t *const images = set->images + WHOLE; /* those of validation */
    static const int counts[] = { 1, 2, 10 };
    double before = 0;
    for (size_t k = 0; k < 3; k++) {
        double want[IMAGES][CLASSES];
        float got[IMAGES][CLASSES];
        expect(want, cl, &cut, images, counts[k]);
        struct mien_model *const model =
            place(cl, &whole, 4, blas); /* several batches, a smaller last */
        must(mien_predict_pixels(got[0], model, whole.recipe, images, IMAGES, counts[k], &err),
             &err);
        assert_probabilities(got, want);

        struct mien_judgement judged;
        const struct mien_evaluation_options options = { MIEN_SPLIT_VALIDATION, counts[k], NULL };
        memset(got, 0, sizeof(got));
        must(mien_judge(&judged, got[0], model, whole.recipe, set, &options, &err), &err);
        assert_probabilities(got, want);
        double loss = 0;
        for (int i = 0; i < IMAGES; i++) {
            loss -= log(want[i][set->labels[1 + i]]) / IMAGES;
        }
        assert_true(fabs(judged.loss - loss) < 1e-5);
        assert_true(fabs(judged.loss - before) > 1e-4); /* they are not all the same */
        before = judged.loss;
        mien_metrics_finish(&judged.metrics);
        mien_model_destroy(model);
    }
    mien_model_file_finish(&whole);
    mien_model_file_finish(&cut);
    set_free(set);
    assert_int_equal(mien_cl_live(cl), 0);
}

static void test_views__give_the_mean_of_their_logits(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    check_means(cl, MIEN_BLAS_AUTO);
    check_means(cl, MIEN_BLAS_CLBLAST);
}

static void test_views__are_the_middle_the_corners_and_their_mirror_images(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_dataset *const set = set_make(&sizes, 5);
    struct mien_model_file file = model_for(whole_recipe, set);
    struct mien_model *const model = place(cl, &file, 4, MIEN_BLAS_AUTO);
    struct mien_views views;
    must(mien_views_init(&views, 10, model, file.recipe, &err), &err);
    assert_int_equal(views.count, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(views.items[i].down, expected[i].down);
        assert_int_equal(views.items[i].right, expected[i].right);
        assert_int_equal(views.items[i].mirror, expected[i].mirror);
    }
    mien_views_finish(&views);
    must(mien_views_init(&views, 1, model, file.recipe, &err), &err);
    assert_null(views.mean);
    mien_views_finish(&views);
    must_fail(mien_views_init(&views, 5, model, file.recipe, &err), MIEN_ERR_USAGE, &err,
              "5 views; expected 1, 2 or 10");
    file.recipe->input.margin = 0;
    must_fail(mien_views_init(&views, 10, model, file.recipe, &err), MIEN_ERR_USAGE, &err,
              "takes images without a margin");
    mien_model_destroy(model);
    mien_model_file_finish(&file);
    set_free(set);
}

/* What was not finite in one batch is not in the next. */
static void test_views__begin_each_mean_anew(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_dataset *const set = set_make(&sizes, 5);
    struct mien_model_file file = model_for(whole_recipe, set);
    struct mien_model *const model = place(cl, &file, 4, MIEN_BLAS_AUTO);
    struct mien_views views;
    must(mien_views_init(&views, 2, model, file.recipe, &err), &err);
    const float nan = NAN;
    uint32_t bits;
    memcpy(&bits, &nan, sizeof(bits));
    must(mien_cl_fill(cl, views.mean, bits, &err), &err);
    must(mien_cl_fill(cl, mien_model_input(model), 0, &err), &err);
    must(mien_views_forward(&views, 0, 4, &err), &err);
    float logits[CLASSES];
    must(mien_cl_read(cl, logits, mien_views_logits(&views), 0, sizeof(logits), &err), &err);
    for (int c = 0; c < CLASSES; c++) {
        assert_true(isfinite(logits[c]));
    }
    mien_views_finish(&views);
    mien_model_destroy(model);
    mien_model_file_finish(&file);
    set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views__are_the_middle_the_corners_and_their_mirror_images),
        cmocka_unit_test(test_views__give_the_mean_of_their_logits),
        cmocka_unit_test(test_views__begin_each_mean_anew),
    };
    return cmocka_run_group_tests_name("train/views", tests, device_setup, device_teardown);
}
