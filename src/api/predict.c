/* predict.c - what a network says of images, and how good it is (declared in mien.h) */
#include "train/predict.h"

#include <stdlib.h>
#include <string.h>

#include "api/internal.h"
#include "base/memory.h"
#include "nn/weights.h"
#include "train/evaluate.h"
#include "train/views.h"

/* Put the network on the device for `count` images at a time, or for its batch if that is less. */
static enum mien_status place(struct mien_net *net, size_t count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const int most = net->file.recipe->train.batch;
    const struct mien_model_options options = {
        .batch = count < (size_t)most ? (int)count : most,
    };
    if (net->model != NULL && mien_model_batch(net->model) >= options.batch) {
        return MIEN_OK;
    }
    mien_net_unplace(net);
    TRY(mien_model_create(&net->model, net->device->cl, net->file.network, &options, err));
    TRY(mien_weights_upload(net->model, net->file.weights, err));

done:
    if (st != MIEN_OK) {
        mien_net_unplace(net);
    }
    return st;
}

enum mien_status mien_net_set_views(struct mien_net *net, int views, struct mien_error *err)
{
    const enum mien_status st = mien_views_check(views, net->file.recipe, err);
    net->views = st == MIEN_OK ? views : net->views;
    return st;
}

enum mien_status mien_net_predict(float *probabilities, struct mien_net *net, const uint8_t *images,
                                  size_t count, struct mien_error *err)
{
    if (count == 0) {
        return MIEN_OK;
    }
    const enum mien_status st = place(net, count, err);
    return st != MIEN_OK ? st
                         : mien_predict_pixels(probabilities, net->model, net->file.recipe, images,
                                               count, net->views, err);
}

enum mien_status mien_net_predict_file(float *probabilities, struct mien_net *net, const char *path,
                                       struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_net_about *const about = &net->about;
    uint8_t *const pixels =
        mien_calloc((size_t)about->height * (size_t)about->width, (size_t)about->channels, err);
    if (pixels == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_image_load(pixels, path, about->channels, about->height, about->width, err));
    TRY(mien_net_predict(probabilities, net, pixels, 1, err));

done:
    free(pixels);
    return st;
}

enum mien_status mien_net_evaluate(struct mien_evaluation *out, size_t *confusion,
                                   struct mien_net *net, const struct mien_data *data,
                                   enum mien_split split, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_class_map map = { .labels = NULL };
    struct mien_judgement judged = { .seconds = 0 };
    if ((unsigned)split >= MIEN_SPLITS) {
        return mien_fail(err, MIEN_ERR_USAGE, "split %d; expected 0 to %d", (int)split,
                         MIEN_SPLITS - 1);
    }
    const size_t count = data->set->splits[split].count;
    if (count == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "the data has no %s images", mien_split_name(split));
    }
    TRY(mien_net_map(&map, net, data, err));
    TRY(place(net, count, err));
    const struct mien_evaluation_options options = { split, net->views, &net->device->log };
    TRY(mien_judge(&judged, NULL, net->model, net->file.recipe, &map.set, &options, err));
    const struct mien_metrics *const metrics = &judged.metrics;
    *out = (struct mien_evaluation){
        .images = metrics->images,
        .accuracy = metrics->accuracy,
        .loss = judged.loss,
        .macro_f1 = metrics->macro_f1,
        .top2 = metrics->top2,
        .ece = metrics->ece,
    };
    if (confusion != NULL) {
        const size_t classes = (size_t)metrics->classes;
        memcpy(confusion, metrics->confusion, classes * classes * sizeof(*confusion));
    }

done:
    mien_metrics_finish(&judged.metrics);
    mien_class_map_finish(&map);
    return st;
}
