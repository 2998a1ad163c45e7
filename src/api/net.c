/* net.c - networks for users of the library: made, read, written, described */
#include <stdlib.h>
#include <string.h>

#include "api/internal.h"
#include "base/memory.h"

void mien_net_refresh(struct mien_net *net)
{
    const struct mien_recipe *const recipe = net->file.recipe;
    const struct mien_data_options image = mien_recipe_data_options(recipe);
    net->about = (struct mien_net_about){
        .name = recipe->name,
        .channels = image.channels,
        .height = image.height,
        .width = image.width,
        .classes = (const char *const *)net->file.classes,
        .class_count = net->file.class_count,
        .parameters = net->file.network->parameters,
        .batch = recipe->train.batch,
        .epochs = recipe->train.epochs,
    };
}

void mien_net_unplace(struct mien_net *net)
{
    mien_model_destroy(net->model);
    net->model = NULL;
}

/* A network without anything in it. */
static enum mien_status make(struct mien_net **out, struct mien_device *device,
                             struct mien_error *err)
{
    *out = mien_calloc(1, sizeof(**out), err);
    if (*out == NULL) {
        return MIEN_ERR_MEMORY;
    }
    (*out)->device = mien_device_share(device);
    (*out)->views = 1;
    return MIEN_OK;
}

enum mien_status mien_net_load(struct mien_net **out, struct mien_device *device, const char *path,
                               struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_net *net = NULL;
    *out = NULL;
    TRY(make(&net, device, err));
    TRY(mien_model_file_load(&net->file, path, err));
    mien_net_refresh(net);
    *out = net;
    net = NULL;

done:
    mien_net_destroy(net);
    return st;
}

static enum mien_status copy_recipe(struct mien_recipe **out, const struct mien_recipe *recipe,
                                    struct mien_error *err)
{
    struct mien_recipe *const copy = mien_calloc(1, sizeof(*copy), err);
    *out = copy;
    if (copy == NULL) {
        return MIEN_ERR_MEMORY;
    }
    *copy = *recipe;
    copy->where = recipe->where != NULL ? mien_strdup(recipe->where, err) : NULL;
    copy->layers = mien_calloc(recipe->layer_count, sizeof(*copy->layers), err);
    if ((recipe->where != NULL && copy->where == NULL) || copy->layers == NULL) {
        mien_recipe_destroy(copy);
        *out = NULL;
        return MIEN_ERR_MEMORY;
    }
    memcpy(copy->layers, recipe->layers, recipe->layer_count * sizeof(*copy->layers));
    return MIEN_OK;
}

enum mien_status mien_net_create(struct mien_net **out, struct mien_device *device,
                                 const struct mien_recipe *recipe, const char *const *classes,
                                 int class_count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_class_list list = { 0 };
    struct mien_recipe *copy = NULL;
    struct mien_net *net = NULL;
    *out = NULL;
    TRY(mien_class_list_copy(&list, classes, class_count, err));
    TRY(make(&net, device, err));
    TRY(copy_recipe(&copy, recipe, err));
    TRY(mien_model_file_create(&net->file, copy, list.names, class_count, err));
    mien_net_refresh(net);
    *out = net;
    net = NULL;

done:
    mien_net_destroy(net);
    mien_class_list_finish(&list);
    return st;
}

void mien_net_destroy(struct mien_net *net)
{
    if (net != NULL) {
        mien_net_unplace(net);
        mien_model_file_finish(&net->file);
        mien_device_close(net->device);
        free(net);
    }
}

enum mien_status mien_net_save(const struct mien_net *net, const char *path, struct mien_error *err)
{
    return mien_model_file_save(path, &net->file, NULL, 0, NULL, 0, err);
}

enum mien_status mien_net_take_weights(struct mien_net *net, const char *path,
                                       struct mien_error *err)
{
    /* Into fresh memory: a file that fits only in part must change nothing. */
    float *const before = net->file.weights;
    net->file.weights = mien_calloc(net->file.network->flat_floats, sizeof(*before), err);
    if (net->file.weights == NULL) {
        net->file.weights = before;
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st = mien_model_file_take_weights(&net->file, path, err);
    if (st != MIEN_OK) {
        free(net->file.weights);
        net->file.weights = before;
        return st;
    }
    free(before);
    mien_net_unplace(net);
    return MIEN_OK;
}

enum mien_status mien_net_set(struct mien_net *net, const char *const *settings,
                              size_t setting_count, struct mien_error *err)
{
    const enum mien_status st = mien_model_file_set(&net->file, settings, setting_count, err);
    if (st == MIEN_OK) {
        mien_net_unplace(net); /* the batch may be another */
        mien_net_refresh(net);
    }
    return st;
}

const struct mien_net_about *mien_net_describe(const struct mien_net *net)
{
    return &net->about;
}

enum mien_status mien_net_map(struct mien_class_map *out, const struct mien_net *net,
                              const struct mien_data *data, struct mien_error *err)
{
    const struct mien_net_about *const want = &net->about;
    const struct mien_dataset *const set = data->set;
    *out = (struct mien_class_map){ .labels = NULL };
    if (set->channels != want->channels || set->height != want->height ||
        set->width != want->width) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "the data has images of %d x %d x %d, the network %s takes %d x %d x %d "
                         "(channels x height x width)",
                         set->channels, set->height, set->width, want->name, want->channels,
                         want->height, want->width);
    }
    return mien_class_map_create(out, set, net->file.classes, net->file.class_count, err);
}
