/* predict.c - a model on images in host memory */
#include "train/predict.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ops/softmax.h"
#include "train/views.h"

/* What one batch needs on the device beside the model. */
struct stage {
    struct mien_cl_buffer *pixels;        /* [batch][h][w][c] uint8 */
    struct mien_cl_buffer *indices;       /* [batch] int32: 0, 1, 2 ... */
    struct mien_cl_buffer *probabilities; /* [batch][classes] */
    const struct mien_recipe *recipe;
    struct mien_views views;
    size_t image_bytes;
    int batch;
};

/* Weights that are not finite, or absurd, show here. */
static enum mien_status check_finite(const float *probabilities, size_t count, size_t classes,
                                     struct mien_error *err)
{
    for (size_t i = 0; i < count * classes; i++) {
        if (!isfinite(probabilities[i])) {
            return mien_fail(err, MIEN_ERR_NOT_FINITE,
                             "image %zu: what the model gives is not finite", i / classes);
        }
    }
    return MIEN_OK;
}

static enum mien_status make_stage(struct stage *stage, struct mien_model *model, size_t count,
                                   int views, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl *const cl = mien_model_cl(model);
    const struct mien_network *const network = mien_model_network(model);
    const int limit = mien_model_batch(model);
    stage->batch = count < (size_t)limit ? (int)count : limit;
    stage->image_bytes = mien_recipe_image_bytes(stage->recipe);
    const size_t batch = (size_t)stage->batch;
    int32_t *const order = mien_calloc(batch, sizeof(*order), err);
    if (order == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < batch; i++) {
        order[i] = (int32_t)i;
    }
    TRY(mien_views_init(&stage->views, views, model, stage->recipe, err));
    TRY(mien_cl_buffer_create(&stage->pixels, cl, batch * stage->image_bytes, err));
    TRY(mien_cl_buffer_create(&stage->indices, cl, batch * sizeof(*order), err));
    TRY(mien_cl_write(cl, stage->indices, 0, order, batch * sizeof(*order), err));
    TRY(mien_cl_buffer_create(&stage->probabilities, cl,
                              batch * (size_t)network->classes * sizeof(cl_float), err));

done:
    free(order);
    return st;
}

static enum mien_status run_batch(float *probabilities, struct stage *stage, const uint8_t *pixels,
                                  int n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_model *const model = stage->views.model;
    struct mien_cl *const cl = mien_model_cl(model);
    const struct mien_act out = mien_model_output_act(model, n);
    struct mien_gather gather = {
        .act = mien_model_input_act(model, n),
        .count = n,
        .mean = stage->recipe->normalize.mean,
        .std = stage->recipe->normalize.std,
        .margin = stage->recipe->input.margin,
    };
    const struct mien_softmax softmax = {
        .n = n,
        .classes = out.c,
        .lanes = out.lanes,
        .scale = 1.0f,
    };
    TRY(mien_cl_write(cl, stage->pixels, 0, pixels, (size_t)n * stage->image_bytes, err));
    for (int view = 0; view < stage->views.count; view++) {
        gather.view = stage->views.items[view];
        TRY(mien_gather_images(cl, mien_model_input(model), stage->pixels, stage->indices, &gather,
                               err));
        TRY(mien_views_forward(&stage->views, view, n, err));
    }
    TRY(mien_softmax_eval(cl, stage->probabilities, NULL, mien_views_logits(&stage->views), NULL,
                          &softmax, err));
    TRY(mien_cl_read(cl, probabilities, stage->probabilities, 0,
                     (size_t)n * (size_t)out.c * sizeof(*probabilities), err));

done:
    return st;
}

enum mien_status mien_predict_pixels(float *probabilities, struct mien_model *model,
                                     const struct mien_recipe *recipe, const uint8_t *pixels,
                                     size_t count, int views, struct mien_error *err)
{
    if (count == 0) {
        return MIEN_OK;
    }
    enum mien_status st = MIEN_OK;
    const size_t classes = (size_t)mien_model_network(model)->classes;
    struct stage stage = { .recipe = recipe };
    TRY(make_stage(&stage, model, count, views, err));
    for (size_t first = 0; first < count; first += (size_t)stage.batch) {
        const size_t left = count - first;
        const int n = left < (size_t)stage.batch ? (int)left : stage.batch;
        TRY(run_batch(probabilities + first * classes, &stage, pixels + first * stage.image_bytes,
                      n, err));
    }
    TRY(check_finite(probabilities, count, classes, err));

done:
    if (st != MIEN_OK) {
        mien_cl_drain(mien_model_cl(model)); /* nothing may run on what is released now */
    }
    mien_views_finish(&stage.views);
    mien_cl_buffer_destroy(stage.pixels);
    mien_cl_buffer_destroy(stage.indices);
    mien_cl_buffer_destroy(stage.probabilities);
    return st;
}
