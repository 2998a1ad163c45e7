/* data.c - data sets for users of the library: from files, from memory, into one file */

#include <stdlib.h>
#include <string.h>

#include "api/internal.h"
#include "base/memory.h"
#include "data/build.h"
#include "data/image.h"
#include "data/targets.h"

struct mien_data_options mien_net_data_options(const struct mien_net *net)
{
    return mien_recipe_data_options(net->file.recipe);
}

/* `set` becomes the data's, also on error. */
static enum mien_status wrap_set(struct mien_data **out, struct mien_dataset *set,
                                 struct mien_error *err)
{
    struct mien_data *const data = mien_calloc(1, sizeof(*data), err);
    if (data == NULL) {
        mien_dataset_destroy(set);
        return MIEN_ERR_MEMORY;
    }
    data->set = set;
    data->about = (struct mien_data_about){
        .count = set->count,
        .channels = set->channels,
        .height = set->height,
        .width = set->width,
        .images = set->images,
        .labels = set->labels,
        .targets = set->targets,
        .names = (const char *const *)set->names,
        .classes = (const char *const *)set->classes,
        .class_count = set->class_count,
        .resized = set->resized,
        .converted = set->converted,
        .skipped = set->skipped,
        .fingerprint = set->fingerprint,
    };
    for (int s = 0; s < MIEN_SPLITS; s++) {
        data->about.splits[s].first = set->splits[s].first;
        data->about.splits[s].count = set->splits[s].count;
    }
    *out = data;
    return MIEN_OK;
}

enum mien_status mien_data_load(struct mien_data **out, const char *path,
                                const struct mien_data_options *options, struct mien_error *err)
{
    struct mien_data_options load = { 0 };
    struct mien_dataset *set = NULL;
    *out = NULL;
    if (options != NULL) {
        load = *options;
    }
    if (load.channels == 0) {
        load.channels = 1;
    }
    const enum mien_status st = mien_dataset_load(&set, path, &load, err);
    return st == MIEN_OK ? wrap_set(out, set, err) : st;
}

enum mien_status mien_class_list_copy(struct mien_class_list *out, const char *const *classes,
                                      int class_count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = (struct mien_class_list){ 0 };
    if (class_count < 1 || class_count > MIEN_MAX_CLASSES) {
        return mien_fail(err, MIEN_ERR_USAGE, "%d classes; expected 1 to %d", class_count,
                         MIEN_MAX_CLASSES);
    }
    for (int i = 0; i < class_count; i++) {
        TRY(mien_class_list_take(out, classes[i], MIEN_ERR_USAGE, err));
    }

done:
    if (st != MIEN_OK) {
        mien_class_list_finish(out);
    }
    return st;
}

static bool is_side(int px)
{
    return px >= 1 && px <= MIEN_IMAGE_MAX_SIDE;
}

/* *count is the sum of the splits. */
static enum mien_status check_source(size_t *count, const struct mien_data_source *source,
                                     struct mien_error *err)
{
    *count = 0;
    for (int s = 0; s < MIEN_SPLITS; s++) {
        if (source->counts[s] > INT32_MAX - *count) {
            return mien_fail(err, MIEN_ERR_USAGE, "%zu %s images; expected at most %d in all",
                             source->counts[s], mien_split_name((enum mien_split)s), INT32_MAX);
        }
        *count += source->counts[s];
    }
    if (*count == 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "no images: the counts of all splits are 0");
    }
    if ((source->channels != 1 && source->channels != 3) || !is_side(source->height) ||
        !is_side(source->width)) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "images of %d x %d with %d channels; expected sides of 1 to %d and 1 or 3 "
                         "channels",
                         source->height, source->width, source->channels, MIEN_IMAGE_MAX_SIDE);
    }
    if (!(source->split >= 0.0 && source->split < 1.0)) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "%g of the training images for validation; expected 0 up to below 1",
                         source->split);
    }
    for (size_t i = 0; i < *count; i++) {
        if (source->labels[i] < 0 || source->labels[i] >= source->class_count) {
            return mien_fail(err, MIEN_ERR_USAGE, "image %zu has the label %d; expected 0 to %d", i,
                             (int)source->labels[i], source->class_count - 1);
        }
    }
    return MIEN_OK;
}

static enum mien_status copy_targets(struct mien_dataset *set, const float *targets,
                                     struct mien_error *err)
{
    const size_t row = (size_t)set->class_count * sizeof(*targets);
    float *const copy = mien_calloc(set->count, row, err);
    if (copy == NULL) {
        return MIEN_ERR_MEMORY;
    }
    memcpy(copy, targets, set->count * row);
    mien_dataset_storage(set)->targets = copy;
    set->targets = copy;
    return mien_targets_check(set, err) == MIEN_OK ? MIEN_OK : MIEN_ERR_USAGE;
}

enum mien_status mien_data_create(struct mien_data **out, const struct mien_data_source *source,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_class_list classes = { 0 };
    struct mien_dataset *set = NULL;
    const struct mien_data_options settle = { .split = source->split, .seed = source->seed };
    size_t count = 0;

    *out = NULL;
    TRY(mien_class_list_copy(&classes, source->classes, source->class_count, err));
    TRY(check_source(&count, source, err));
    TRY(mien_dataset_create(&set, count, source->channels, source->height, source->width, true,
                            err));
    const size_t image = (size_t)source->channels * (size_t)source->height * (size_t)source->width;
    struct mien_data_storage *const storage = mien_dataset_storage(set);
    memcpy(storage->images, source->images, count * image);
    memcpy(storage->labels, source->labels, count * sizeof(*storage->labels));
    mien_dataset_take_classes(set, &classes);
    TRY(source->targets != NULL ? copy_targets(set, source->targets, err) : MIEN_OK);
    mien_dataset_set_splits(set, source->counts);
    TRY(mien_dataset_settle(set, &settle, err));
    struct mien_dataset *const whole = set;
    set = NULL;
    TRY(wrap_set(out, whole, err));

done:
    mien_dataset_destroy(set);
    mien_class_list_finish(&classes);
    return st;
}

void mien_data_destroy(struct mien_data *data)
{
    if (data != NULL) {
        mien_dataset_destroy(data->set);
        free(data);
    }
}

const struct mien_data_about *mien_data_describe(const struct mien_data *data)
{
    return &data->about;
}

enum mien_status mien_data_pack(const struct mien_data *data, const char *path,
                                struct mien_error *err)
{
    return mien_dataset_pack(data->set, path, err);
}
