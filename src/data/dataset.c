/* dataset.c - making, loading and releasing labelled images */
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/letters.h"
#include "base/listing.h"
#include "base/memory.h"
#include "data/build.h"
#include "data/image.h"

const char *mien_split_name(enum mien_split split)
{
    static const char *const names[MIEN_SPLITS] = { "train", "validation", "test" };
    return (size_t)split < MIEN_SPLITS ? names[split] : "unknown";
}

int mien_split_of(const char *word, size_t length)
{
    static const struct {
        const char *word;
        enum mien_split split;
    } words[] = {
        { "train", MIEN_SPLIT_TRAIN },
        { "training", MIEN_SPLIT_TRAIN },
        { "validation", MIEN_SPLIT_VALIDATION },
        { "val", MIEN_SPLIT_VALIDATION },
        { "valid", MIEN_SPLIT_VALIDATION },
        { "publictest", MIEN_SPLIT_VALIDATION },
        { "test", MIEN_SPLIT_TEST },
        { "testing", MIEN_SPLIT_TEST },
        { "privatetest", MIEN_SPLIT_TEST },
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (length == strlen(words[i].word) && mien_same_letters(word, words[i].word, length)) {
            return (int)words[i].split;
        }
    }
    return -1;
}

const char *mien_dataset_name(char number[MIEN_DATASET_NAME_BYTES], const struct mien_dataset *set,
                              size_t index)
{
    if (set->names != NULL) {
        return set->names[index];
    }
    (void)snprintf(number, MIEN_DATASET_NAME_BYTES, "%zu", index);
    return number;
}

struct mien_data_storage *mien_dataset_storage(const struct mien_dataset *set)
{
    return set->storage;
}

enum mien_status mien_dataset_create(struct mien_dataset **out, size_t count, int channels,
                                     int height, int width, bool with_images,
                                     struct mien_error *err)
{
    *out = NULL;
    if (count < 1 || count > INT32_MAX) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%zu images; expected 1 to %d", count, INT32_MAX);
    }
    struct mien_dataset *const set = mien_calloc(1, sizeof(*set), err);
    if (set == NULL) {
        return MIEN_ERR_MEMORY;
    }
    struct mien_data_storage *const storage = mien_calloc(1, sizeof(*storage), err);
    set->storage = storage;
    if (storage == NULL) {
        goto refused;
    }
    storage->labels = mien_calloc(count, sizeof(*storage->labels), err);
    if (storage->labels == NULL) {
        goto refused;
    }
    if (with_images) {
        const size_t image = (size_t)channels * (size_t)height * (size_t)width;
        storage->images = mien_calloc(count, image, err);
        if (storage->images == NULL) {
            goto refused;
        }
    }
    set->count = count;
    set->channels = channels;
    set->height = height;
    set->width = width;
    set->images = storage->images;
    set->labels = storage->labels;
    mien_dataset_set_splits(set, (const size_t[MIEN_SPLITS]){ count, 0, 0 });
    *out = set;
    return MIEN_OK;
refused:
    mien_dataset_destroy(set);
    return MIEN_ERR_MEMORY;
}

void mien_dataset_destroy(struct mien_dataset *set)
{
    if (set == NULL) {
        return;
    }
    struct mien_data_storage *const storage = set->storage;
    if (storage != NULL) {
        free(storage->images);
        free(storage->labels);
        free(storage->targets);
        free(storage->text);
        mien_safetensors_close(storage->file);
        free(storage);
    }
    for (int i = 0; i < set->class_count; i++) {
        free(set->classes[i]);
    }
    free(set->classes);
    free(set->names);
    free(set->exclude);
    free(set);
}

struct mien_dataset mien_dataset_split(const struct mien_dataset *set, enum mien_split split)
{
    struct mien_dataset part = *set;
    const size_t first = set->splits[split].first;
    const size_t image = (size_t)set->channels * (size_t)set->height * (size_t)set->width;
    size_t counts[MIEN_SPLITS] = { 0 };
    counts[split] = set->splits[split].count;
    part.count = counts[split];
    part.images += first * image;
    part.labels += first;
    if (set->targets != NULL) {
        part.targets += first * (size_t)set->class_count;
    }
    if (set->names != NULL) {
        part.names += first;
    }
    mien_dataset_set_splits(&part, counts);
    return part;
}

void mien_dataset_take_classes(struct mien_dataset *set, struct mien_class_list *list)
{
    set->classes = list->names;
    set->class_count = (int)list->count;
    *list = (struct mien_class_list){ 0 };
}

void mien_dataset_set_splits(struct mien_dataset *set, const size_t counts[MIEN_SPLITS])
{
    size_t first = 0;
    for (int s = 0; s < MIEN_SPLITS; s++) {
        set->splits[s].first = first;
        set->splits[s].count = counts[s];
        first += counts[s];
    }
}

static uint64_t fingerprint(const struct mien_dataset *set)
{
    struct mien_hash hash;
    mien_hash_init(&hash);
    mien_hash_add_text(&hash, "mien-dataset 1");
    const int32_t shape[4] = { set->channels, set->height, set->width, set->class_count };
    mien_hash_add(&hash, shape, sizeof(shape));
    for (int i = 0; i < set->class_count; i++) {
        mien_hash_add_text(&hash, set->classes[i]);
    }
    for (int s = 0; s < MIEN_SPLITS; s++) {
        const uint64_t count = set->splits[s].count;
        mien_hash_add(&hash, &count, sizeof(count));
    }
    mien_hash_add(&hash, set->labels, set->count * sizeof(*set->labels));
    if (set->targets != NULL) {
        const size_t classes = (size_t)set->class_count;
        mien_hash_add_text(&hash, "targets");
        mien_hash_add(&hash, set->targets, set->count * classes * sizeof(*set->targets));
    }
    const size_t image = (size_t)set->channels * (size_t)set->height * (size_t)set->width;
    mien_hash_add(&hash, set->images, set->count * image);
    char hex[33];
    mien_hash_hex(hex, &hash);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

void mien_dataset_identify(struct mien_dataset *set)
{
    set->fingerprint = fingerprint(set);
}

enum mien_status mien_dataset_settle(struct mien_dataset *set,
                                     const struct mien_data_options *options,
                                     struct mien_error *err)
{
    const size_t train = set->splits[MIEN_SPLIT_TRAIN].count;
    const size_t validation = set->splits[MIEN_SPLIT_VALIDATION].count;
    const size_t test = set->splits[MIEN_SPLIT_TEST].count;
    set->split = options->split;
    if (validation != 0 && options->split > 0.0) {
        mien_log_line(options->log,
                      "the data has %zu validation images of its own: no part of "
                      "the training images is set aside",
                      validation);
    } else if (validation == 0 && options->split > 0.0) {
        const enum mien_status st =
            mien_dataset_draw_validation(set, options->split, options->seed, err);
        if (st != MIEN_OK) {
            return st;
        }
    } else if (validation == 0 && test != 0 && train != 0) {
        mien_dataset_set_splits(set, (const size_t[MIEN_SPLITS]){ train, test, 0 });
        mien_log_line(options->log, "no validation split: the %zu test images stand in for it",
                      test);
    }
    mien_dataset_identify(set);
    return MIEN_OK;
}

static enum mien_status check_options(const struct mien_data_options *options,
                                      struct mien_error *err)
{
    if (options->channels != 1 && options->channels != 3) {
        return mien_fail(err, MIEN_ERR_USAGE, "%d channels; expected 1 (gray) or 3 (RGB)",
                         options->channels);
    }
    const bool free_size = options->height == 0 && options->width == 0;
    if (!free_size && (options->height < 1 || options->height > MIEN_IMAGE_MAX_SIDE ||
                       options->width < 1 || options->width > MIEN_IMAGE_MAX_SIDE)) {
        return mien_fail(err, MIEN_ERR_USAGE, "images of %d x %d; expected sides of 1 to %d",
                         options->height, options->width, MIEN_IMAGE_MAX_SIDE);
    }
    if (!(options->split >= 0.0 && options->split < 1.0)) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "%g of the training images for validation; expected 0 up to below 1",
                         options->split);
    }
    return MIEN_OK;
}

/* A folder that holds fer2013.csv and no folders, as it is unpacked, is that file. */
static enum mien_status load_folder(struct mien_dataset **out, const struct mien_load *load,
                                    struct mien_error *err)
{
    struct mien_listing list;
    enum mien_status st = mien_listing_read(&list, load->path, err);
    if (st != MIEN_OK) {
        return st;
    }
    bool has_csv = false;
    bool has_folders = false;
    for (size_t i = 0; i < list.count; i++) {
        has_folders = has_folders || list.items[i].is_folder;
        has_csv = has_csv || strcmp(list.items[i].name, "fer2013.csv") == 0;
    }
    mien_listing_finish(&list);
    if (!has_csv || has_folders) {
        return mien_folder_load(out, load, err);
    }
    char *const path = mien_path_join(load->path, "fer2013.csv", err);
    struct mien_load csv = *load;
    csv.path = path;
    st = path == NULL ? MIEN_ERR_MEMORY : mien_csv_load(out, &csv, err);
    free(path);
    return st;
}

enum mien_status mien_load_inspect(const struct mien_load *load, size_t index,
                                   const struct mien_bitmap *bitmap, enum mien_status st,
                                   struct mien_error *cause)
{
    const struct mien_inspector *const inspector = load->inspector;
    if (inspector == NULL || st == MIEN_ERR_MEMORY) {
        return st;
    }
    const struct mien_error why = *cause;
    return inspector->image(inspector->user, index, st == MIEN_OK ? bitmap : NULL,
                            st == MIEN_OK ? NULL : why.text, cause);
}

static enum mien_status load_form(struct mien_dataset **out, const struct mien_load *load,
                                  struct mien_error *err)
{
    const char *const path = load->path;
    if (mien_path_is_folder(path)) {
        return load_folder(out, load, err);
    }
    if (mien_has_ending(path, ".csv")) {
        return mien_csv_load(out, load, err);
    }
    if (mien_has_ending(path, ".safetensors") || !mien_path_is_file(path)) {
        return mien_packed_load(out, load, err); /* which says when there is no file */
    }
    return mien_fail(err, MIEN_ERR_FORMAT,
                     "%.800s: not a data set by its name; expected a folder, a .csv or a packed "
                     ".safetensors file",
                     path);
}

enum mien_status mien_dataset_inspect(struct mien_dataset **out, const char *path,
                                      const struct mien_data_options *options,
                                      const struct mien_inspector *inspector,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_load load = { .path = path, .options = options, .inspector = inspector };
    *out = NULL;
    TRY(check_options(options, err));
    if (options->exclude != NULL) {
        TRY(mien_exclusion_read(&load.exclusion, options->exclude, err));
    }
    TRY(load_form(out, &load, err));
    if (options->exclude != NULL) {
        (*out)->exclude = mien_strdup(options->exclude, err);
        st = (*out)->exclude != NULL ? MIEN_OK : MIEN_ERR_MEMORY;
    }

done:
    if (st != MIEN_OK) {
        mien_dataset_destroy(*out);
        *out = NULL;
    }
    mien_exclusion_destroy(load.exclusion);
    return st;
}

enum mien_status mien_dataset_load(struct mien_dataset **out, const char *path,
                                   const struct mien_data_options *options, struct mien_error *err)
{
    return mien_dataset_inspect(out, path, options, NULL, err);
}
