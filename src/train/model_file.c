/* model_file.c - a trained network in one safetensors file */
#include "train/model_file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/json.h"
#include "base/memory.h"
#include "data/classes.h"
#include "nn/weights.h"
#include "nn/weights_match.h"

#define FORMAT     "mien-weights 1"
#define OWN_PAIRS  4
#define NAME_BYTES 64

enum mien_status mien_model_file_create(struct mien_model_file *out, struct mien_recipe *recipe,
                                        char *const *classes, int class_count,
                                        struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = (struct mien_model_file){ .recipe = recipe, .class_count = class_count };
    TRY(mien_network_create(&out->network, recipe, class_count, err));
    out->classes = mien_calloc((size_t)class_count, sizeof(char *), err);
    out->weights = mien_calloc(out->network->flat_floats, sizeof(*out->weights), err);
    st = out->classes == NULL || out->weights == NULL ? MIEN_ERR_MEMORY : MIEN_OK;
    for (int i = 0; st == MIEN_OK && i < class_count; i++) {
        out->classes[i] = mien_strdup(classes[i], err);
        st = out->classes[i] == NULL ? MIEN_ERR_MEMORY : MIEN_OK;
    }
    if (st == MIEN_OK) {
        mien_weights_init(out->weights, out->network, recipe->train.seed);
    }

done:
    if (st != MIEN_OK) {
        mien_model_file_finish(out);
    }
    return st;
}

enum mien_status mien_model_file_set(struct mien_model_file *file, const char *const *settings,
                                     size_t setting_count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *text = NULL;
    struct mien_recipe *recipe = NULL;
    TRY(mien_recipe_format(&text, file->recipe, err));
    TRY(mien_recipe_parse(&recipe, text, strlen(text), "the run's recipe", settings, setting_count,
                          err));
    if (memcmp(&recipe->input, &file->recipe->input, sizeof(recipe->input)) != 0) {
        st = mien_fail(err, MIEN_ERR_USAGE, "the input of a trained network cannot be set");
        goto done;
    }
    mien_recipe_destroy(file->recipe);
    file->recipe = recipe;
    recipe = NULL;

done:
    mien_recipe_destroy(recipe);
    free(text);
    return st;
}

enum mien_status mien_model_file_take_weights(struct mien_model_file *file, const char *path,
                                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_safetensors *source = NULL;
    const struct mien_tensor **const tensors =
        mien_calloc(file->network->param_count, sizeof(*tensors), err);
    if (tensors == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_safetensors_open(&source, path, err));
    st = mien_weights_match(tensors, file->network, source, NULL, false, err);
    if (st == MIEN_OK) {
        mien_weights_take(file->weights, file->network, tensors);
    } else {
        st = mien_wrap(err, st, "%s", path);
    }

done:
    free(tensors);
    mien_safetensors_close(source);
    return st;
}

static enum mien_status find_metadata(const char **out, const struct mien_safetensors *file,
                                      const char *key, struct mien_error *err)
{
    *out = mien_safetensors_metadata(file, key);
    return *out != NULL ? MIEN_OK
                        : mien_fail(err, MIEN_ERR_FORMAT,
                                    "no '%s' in the metadata: not a file that mien wrote", key);
}

enum mien_status mien_model_file_read(struct mien_model_file *out,
                                      const struct mien_safetensors *file, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const char *format = NULL;
    const char *recipe = NULL;
    struct mien_class_list classes = { 0 };

    *out = (struct mien_model_file){ 0 };
    TRY(find_metadata(&format, file, "format", err));
    if (strcmp(format, FORMAT) != 0) {
        st =
            mien_fail(err, MIEN_ERR_FORMAT, "format is '%.64s': a model's is '" FORMAT "'", format);
        goto done;
    }
    TRY(find_metadata(&recipe, file, "recipe", err));
    TRY(mien_recipe_parse(&out->recipe, recipe, strlen(recipe), "its recipe", NULL, 0, err));
    TRY(mien_class_list_parse(&classes, mien_safetensors_metadata(file, "classes"), err));
    out->classes = classes.names;
    out->class_count = (int)classes.count;
    classes = (struct mien_class_list){ 0 }; /* they are the model's now */
    TRY(mien_network_create(&out->network, out->recipe, out->class_count, err));
    TRY(mien_weights_check_file(out->network, file, "", err));
    out->weights = mien_calloc(out->network->flat_floats, sizeof(*out->weights), err);
    if (out->weights == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    TRY(mien_weights_from_file(out->weights, out->network, file, "", err));

done:
    mien_class_list_finish(&classes);
    if (st != MIEN_OK) {
        mien_model_file_finish(out);
    }
    return st;
}

enum mien_status mien_model_file_load(struct mien_model_file *out, const char *path,
                                      struct mien_error *err)
{
    struct mien_safetensors *file = NULL;
    *out = (struct mien_model_file){ 0 };
    enum mien_status st = mien_safetensors_open(&file, path, err);
    if (st == MIEN_OK) {
        st = mien_model_file_read(out, file, err);
        st = st == MIEN_OK
                 ? st
                 : mien_wrap(err, st == MIEN_ERR_SHAPE ? MIEN_ERR_FORMAT : st, "%s", path);
    }
    mien_safetensors_close(file);
    return st;
}

void mien_model_file_finish(struct mien_model_file *file)
{
    for (int i = 0; file->classes != NULL && i < file->class_count; i++) {
        free(file->classes[i]);
    }
    free(file->classes);
    free(file->weights);
    mien_network_destroy(file->network);
    mien_recipe_destroy(file->recipe);
    *file = (struct mien_model_file){ 0 };
}

enum mien_status mien_model_file_classes(char **out, const struct mien_model_file *file,
                                         struct mien_error *err)
{
    json_t *const list = mien_json_texts(file->classes, file->class_count);
    *out = list == NULL ? NULL : json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return *out != NULL ? MIEN_OK
                        : mien_fail(err, MIEN_ERR_MEMORY, "no memory for the list of classes");
}

/* Wide elements first, so that all stay aligned whatever their counts; else as they stood. */
static int compare_widths(const void *a, const void *b)
{
    const struct mien_tensor *const left = a;
    const struct mien_tensor *const right = b;
    const size_t wide = mien_dtype_bytes(right->dtype);
    const size_t narrow = mien_dtype_bytes(left->dtype);
    return wide != narrow ? (wide > narrow ? 1 : -1) : (left->name > right->name ? 1 : -1);
}

/*
 * Make the matrices among the weights F16, in `halves`, which has the place of all of them. Vectors
 * stay F32: there are few, and a running variance may be out of F16's range.
 */
static enum mien_status halve(struct mien_tensor *tensors, uint16_t *halves, const float *weights,
                              const struct mien_network *network, struct mien_error *err)
{
    for (size_t i = 0; i < network->param_count; i++) {
        const struct mien_param *const param = &network->params[i];
        const float *const values = weights + param->offset;
        uint16_t *const place = halves + param->offset;
        for (size_t k = 0; k < param->count; k++) {
            place[k] = mien_half_of(values[k]);
            if (!isfinite(param->rank >= 2 ? mien_half_value(place[k]) : values[k])) {
                return mien_fail(err, MIEN_ERR_NOT_FINITE,
                                 "%s has %g, which is no finite number of 16 bits", param->name,
                                 (double)values[k]);
            }
        }
        if (param->rank >= 2) {
            tensors[i].dtype = MIEN_F16;
            tensors[i].data = place;
            tensors[i].bytes = param->count * sizeof(*place);
        }
    }
    qsort(tensors, network->param_count, sizeof(*tensors), compare_widths);
    return MIEN_OK;
}

/* `halves`: place for the weights as F16, [flat_floats]; NULL writes them as F32. */
static enum mien_status save(const char *path, const struct mien_model_file *file, uint16_t *halves,
                             const struct mien_tensor *more, size_t more_count,
                             const struct mien_metadata *metadata, size_t metadata_count,
                             struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t own = file->network->param_count;
    char *recipe = NULL;
    char *classes = NULL;
    struct mien_tensor *const tensors = mien_calloc(own + more_count, sizeof(*tensors), err);
    char(*const names)[NAME_BYTES] = mien_calloc(own, NAME_BYTES, err);
    struct mien_metadata *const pairs =
        mien_calloc(OWN_PAIRS + metadata_count, sizeof(*pairs), err);
    if (tensors == NULL || names == NULL || pairs == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    TRY(mien_model_file_classes(&classes, file, err));
    TRY(mien_recipe_format(&recipe, file->recipe, err));
    mien_weights_to_tensors(tensors, names, file->network, file->weights, "");
    if (halves != NULL) {
        TRY(halve(tensors, halves, file->weights, file->network, err));
    }
    for (size_t i = 0; i < more_count; i++) {
        tensors[own + i] = more[i];
    }
    pairs[0] = (struct mien_metadata){ "format", FORMAT };
    pairs[1] = (struct mien_metadata){ "version", MIEN_VERSION };
    pairs[2] = (struct mien_metadata){ "recipe", recipe };
    pairs[3] = (struct mien_metadata){ "classes", classes };
    for (size_t i = 0; i < metadata_count; i++) {
        pairs[OWN_PAIRS + i] = metadata[i];
    }
    TRY(mien_safetensors_write(path, tensors, own + more_count, pairs, OWN_PAIRS + metadata_count,
                               err));

done:
    free(recipe);
    free(classes);
    free(tensors);
    free(names);
    free(pairs);
    return st;
}

enum mien_status mien_model_file_save(const char *path, const struct mien_model_file *file,
                                      const struct mien_tensor *more, size_t more_count,
                                      const struct mien_metadata *metadata, size_t metadata_count,
                                      struct mien_error *err)
{
    return save(path, file, NULL, more, more_count, metadata, metadata_count, err);
}

enum mien_status mien_model_file_save_half(const char *path, const struct mien_model_file *file,
                                           struct mien_error *err)
{
    uint16_t *const halves = mien_calloc(file->network->flat_floats, sizeof(*halves), err);
    if (halves == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st = save(path, file, halves, NULL, 0, NULL, 0, err);
    free(halves);
    return st;
}
