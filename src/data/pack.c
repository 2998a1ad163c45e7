/* pack.c - one safetensors file with a whole data set: docs/data.md has the format */
#include <jansson.h>

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/utf8.h"
#include "data/build.h"
#include "data/image.h"
#include "data/targets.h"

enum { MOST_TENSORS = 5 };

static const char format_name[] = "mien-dataset 1";

/* The names, each with its terminator; NULL with *bytes 0 when the set has none. */
static enum mien_status join_names(char **out, size_t *bytes, const struct mien_dataset *set,
                                   struct mien_error *err)
{
    *out = NULL;
    *bytes = 0;
    if (set->names == NULL) {
        return MIEN_OK;
    }
    for (size_t i = 0; i < set->count; i++) {
        *bytes += strlen(set->names[i]) + 1;
    }
    *out = mien_calloc(*bytes, 1, err);
    if (*out == NULL) {
        return MIEN_ERR_MEMORY;
    }
    char *to = *out;
    for (size_t i = 0; i < set->count; i++) {
        const size_t length = strlen(set->names[i]) + 1;
        memcpy(to, set->names[i], length);
        to += length;
    }
    return MIEN_OK;
}

/* The classes as the text of a JSON array; release with free(). */
static enum mien_status print_classes(char **out, const struct mien_dataset *set,
                                      struct mien_error *err)
{
    for (int i = 0; i < set->class_count; i++) {
        if (!mien_is_utf8(set->classes[i])) {
            return mien_fail(err, MIEN_ERR_FORMAT, "the class name %d is not valid UTF-8", i);
        }
    }
    json_t *const list = mien_json_texts(set->classes, set->class_count);
    *out = list == NULL ? NULL : json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return *out != NULL ? MIEN_OK : mien_fail(err, MIEN_ERR_MEMORY, "no memory for class names");
}

enum mien_status mien_dataset_pack(const struct mien_dataset *set, const char *path,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *names = NULL;
    char *classes = NULL;
    size_t names_bytes = 0;
    const size_t h = (size_t)set->height;
    const size_t w = (size_t)set->width;
    const size_t c = (size_t)set->channels;
    uint8_t *const splits = mien_calloc(set->count, 1, err);
    if (splits == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int s = 0; s < MIEN_SPLITS; s++) {
        memset(splits + set->splits[s].first, s, set->splits[s].count);
    }
    TRY(join_names(&names, &names_bytes, set, err));
    TRY(print_classes(&classes, set, err));
    struct mien_tensor tensors[MOST_TENSORS] = {
        { "images", MIEN_U8, 4, { set->count, h, w, c }, set->images, set->count * h * w * c },
        { "labels", MIEN_I32, 1, { set->count }, set->labels, set->count * sizeof(int32_t) },
        { "splits", MIEN_U8, 1, { set->count }, splits, set->count },
    };
    size_t count = 3;
    if (names != NULL) {
        tensors[count++] =
            (struct mien_tensor){ "names", MIEN_U8, 1, { names_bytes }, names, names_bytes };
    }
    if (set->targets != NULL) {
        const size_t shares = (size_t)set->class_count;
        tensors[count++] = (struct mien_tensor){ "targets",
                                                 MIEN_F32,
                                                 2,
                                                 { set->count, shares },
                                                 set->targets,
                                                 set->count * shares * sizeof(float) };
    }
    const struct mien_metadata metadata[] = {
        { "format", format_name },
        { "classes", classes },
    };
    TRY(mien_safetensors_write(path, tensors, count, metadata, 2, err));
done:
    free(splits);
    free(names);
    free(classes);
    return st;
}

/* A tensor that must be there with this type and shape (the first `rank` of `shape`). */
static enum mien_status find_tensor(const struct mien_tensor **out,
                                    const struct mien_safetensors *file, const char *name,
                                    enum mien_dtype dtype, size_t count, struct mien_error *err)
{
    const struct mien_tensor *const tensor = mien_safetensors_find(file, name);
    *out = tensor;
    if (tensor == NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT, "no tensor \"%s\"; expected a packed data set",
                         name);
    }
    if (tensor->dtype != dtype || tensor->rank != 1 || tensor->shape[0] != count) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "the tensor \"%s\" is %s of rank %d with %zu first; expected %s [%zu]",
                         name, mien_dtype_name(tensor->dtype), tensor->rank,
                         tensor->rank > 0 ? tensor->shape[0] : (size_t)1, mien_dtype_name(dtype),
                         count);
    }
    return MIEN_OK;
}

static enum mien_status find_images(const struct mien_tensor **out,
                                    const struct mien_safetensors *file, struct mien_error *err)
{
    const char *const format = mien_safetensors_metadata(file, "format");
    if (format == NULL || strcmp(format, format_name) != 0) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "the format is \"%.60s\"; expected \"%s\", as mien pack writes it",
                         format == NULL ? "" : format, format_name);
    }
    const struct mien_tensor *const images = mien_safetensors_find(file, "images");
    *out = images;
    if (images == NULL || images->dtype != MIEN_U8 || images->rank != 4) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "no tensor \"images\" of U8 with four dimensions; expected a packed data "
                         "set");
    }
    const size_t *const shape = images->shape;
    if (shape[0] < 1 || shape[0] > INT32_MAX || shape[1] < 1 || shape[1] > MIEN_IMAGE_MAX_SIDE ||
        shape[2] < 1 || shape[2] > MIEN_IMAGE_MAX_SIDE || (shape[3] != 1 && shape[3] != 3)) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "images of shape %zu x %zu x %zu x %zu; expected count x height x width x "
                         "channels with 1 or 3 channels",
                         shape[0], shape[1], shape[2], shape[3]);
    }
    return MIEN_OK;
}

static enum mien_status take_labels(struct mien_dataset *set, const struct mien_safetensors *file,
                                    struct mien_error *err)
{
    const struct mien_tensor *labels = NULL;
    const struct mien_tensor *splits = NULL;
    enum mien_status st = find_tensor(&labels, file, "labels", MIEN_I32, set->count, err);
    if (st == MIEN_OK) {
        st = find_tensor(&splits, file, "splits", MIEN_U8, set->count, err);
    }
    if (st != MIEN_OK) {
        return st;
    }
    int32_t *const to = mien_dataset_storage(set)->labels;
    memcpy(to, labels->data, set->count * sizeof(*to));
    const uint8_t *const split = splits->data;
    size_t counts[MIEN_SPLITS] = { 0 };
    for (size_t i = 0; i < set->count; i++) {
        if (to[i] < 0 || to[i] >= set->class_count) {
            return mien_fail(err, MIEN_ERR_FORMAT, "image %zu has the label %d; expected 0 to %d",
                             i, (int)to[i], set->class_count - 1);
        }
        if (split[i] >= MIEN_SPLITS || (i > 0 && split[i] < split[i - 1])) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "image %zu has the split %u; expected 0, 1 or 2 in rising order", i,
                             (unsigned)split[i]);
        }
        counts[split[i]]++;
    }
    mien_dataset_set_splits(set, counts);
    return MIEN_OK;
}

static enum mien_status take_targets(struct mien_dataset *set, const struct mien_safetensors *file,
                                     struct mien_error *err)
{
    const struct mien_tensor *const tensor = mien_safetensors_find(file, "targets");
    const size_t classes = (size_t)set->class_count;
    if (tensor == NULL) {
        return MIEN_OK;
    }
    if (tensor->dtype != MIEN_F32 || tensor->rank != 2 || tensor->shape[0] != set->count ||
        tensor->shape[1] != classes) {
        return mien_fail(
            err, MIEN_ERR_FORMAT,
            "the tensor \"targets\" is %s of rank %d; expected F32 [%zu][%zu], a share "
            "of each class for each image",
            mien_dtype_name(tensor->dtype), tensor->rank, set->count, classes);
    }
    float *const targets = mien_calloc(set->count, classes * sizeof(*targets), err);
    if (targets == NULL) {
        return MIEN_ERR_MEMORY;
    }
    memcpy(targets, tensor->data, tensor->bytes);
    mien_dataset_storage(set)->targets = targets;
    set->targets = targets;
    return mien_targets_check(set, err);
}

/* The numbers of the file's images as their names. */
static enum mien_status number_images(struct mien_dataset *set, struct mien_error *err)
{
    struct mien_data_storage *const storage = mien_dataset_storage(set);
    storage->text = mien_calloc(set->count, MIEN_DATASET_NAME_BYTES, err);
    char **const names = mien_calloc(set->count, sizeof(*names), err);
    if (storage->text == NULL || names == NULL) {
        free(names);
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < set->count; i++) {
        names[i] = storage->text + i * MIEN_DATASET_NAME_BYTES;
        (void)mien_dataset_name(names[i], set, i);
    }
    set->names = names;
    return MIEN_OK;
}

/* `renumbered`: images will be left out or change places. */
static enum mien_status take_names(struct mien_dataset *set, const struct mien_safetensors *file,
                                   bool renumbered, struct mien_error *err)
{
    const struct mien_tensor *const names = mien_safetensors_find(file, "names");
    if (names == NULL) {
        return renumbered ? number_images(set, err) : MIEN_OK;
    }
    size_t ends = 0;
    const char *const text = names->data;
    for (size_t i = 0; i < names->bytes && names->dtype == MIEN_U8; i++) {
        ends += text[i] == '\0' ? 1 : 0;
    }
    if (ends != set->count || text[names->bytes - 1] != '\0') {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "the tensor \"names\" holds %zu names; expected %zu, each with a zero "
                         "byte behind it",
                         ends, set->count);
    }
    struct mien_data_storage *const storage = mien_dataset_storage(set);
    storage->text = mien_calloc(names->bytes, 1, err);
    set->names = mien_calloc(set->count, sizeof(*set->names), err);
    if (storage->text == NULL || set->names == NULL) {
        return MIEN_ERR_MEMORY;
    }
    memcpy(storage->text, text, names->bytes);
    char *next = storage->text;
    for (size_t i = 0; i < set->count; i++) {
        set->names[i] = next;
        next += strlen(next) + 1;
    }
    return MIEN_OK;
}

/* Images of the file in another size or colour form than asked for, or not all of them. */
struct conversion {
    const struct mien_load *load;
    const uint8_t *from;
    const uint32_t *kept;        /* NULL: all */
    int channels, height, width; /* of `from` */
    const struct mien_dataset *set;
    uint8_t *to;
};

static enum mien_status convert_one(void *user, size_t index, struct mien_error *err)
{
    const struct conversion *const job = user;
    const struct mien_dataset *const set = job->set;
    const size_t bytes = (size_t)job->channels * (size_t)job->height * (size_t)job->width;
    const size_t image = (size_t)set->channels * (size_t)set->height * (size_t)set->width;
    struct mien_bitmap bitmap = { 0 };
    enum mien_status st = mien_bitmap_allocate(&bitmap, (size_t)job->height, (size_t)job->width,
                                               (size_t)job->channels, err);
    if (st == MIEN_OK) {
        bitmap.channels = job->channels;
        const size_t number = job->kept != NULL ? job->kept[index] : index;
        memcpy(bitmap.pixels, job->from + number * bytes, bytes);
        st = mien_load_inspect(job->load, index, &bitmap, MIEN_OK, err);
    }
    if (st == MIEN_OK) {
        st = mien_bitmap_fit(job->to + index * image, &bitmap, set->channels, set->height,
                             set->width, err);
    }
    mien_bitmap_finish(&bitmap);
    return st;
}

static enum mien_status take_images(struct mien_dataset *set, const struct mien_tensor *images,
                                    const uint32_t *kept, const struct mien_load *load,
                                    struct mien_error *err)
{
    const struct mien_data_options *const options = load->options;
    struct mien_data_storage *const storage = mien_dataset_storage(set);
    if (storage->images == NULL) {
        set->images = images->data;
        return MIEN_OK;
    }
    struct conversion job = {
        .load = load,
        .from = images->data,
        .kept = kept,
        .channels = (int)images->shape[3],
        .height = (int)images->shape[1],
        .width = (int)images->shape[2],
        .set = set,
        .to = storage->images,
    };
    set->resized = job.height != set->height || job.width != set->width ? set->count : 0;
    set->converted = job.channels != set->channels ? set->count : 0;
    return mien_parallel_for(set->count, options->threads, convert_one, &job, options->log,
                             "converting", err);
}

/*
 * Close the gaps of what the list of exclusions names, in labels, names and splits; (*kept)[i] is
 * then the number in the file of image i.  NULL where nothing is left out.
 */
static enum mien_status leave_out(uint32_t **kept, struct mien_dataset *set,
                                  const struct mien_load *load, struct mien_error *err)
{
    int32_t *const labels = mien_dataset_storage(set)->labels;
    float *const targets = mien_dataset_storage(set)->targets;
    const size_t classes = (size_t)set->class_count;
    char number[MIEN_DATASET_NAME_BYTES];
    size_t counts[MIEN_SPLITS] = { 0 };
    size_t count = 0;
    *kept = NULL;
    if (load->exclusion == NULL) {
        return MIEN_OK;
    }
    *kept = mien_calloc(set->count, sizeof(**kept), err);
    if (*kept == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int s = 0; s < MIEN_SPLITS; s++) {
        const size_t first = set->splits[s].first;
        for (size_t i = first; i < first + set->splits[s].count; i++) {
            if (mien_exclusion_has(load->exclusion, mien_dataset_name(number, set, i))) {
                continue;
            }
            labels[count] = labels[i];
            if (targets != NULL) {
                memmove(targets + count * classes, targets + i * classes,
                        classes * sizeof(*targets));
            }
            if (set->names != NULL) {
                set->names[count] = set->names[i];
            }
            (*kept)[count++] = (uint32_t)i;
            counts[s]++;
        }
    }
    const enum mien_status st =
        mien_exclusion_settle(load->exclusion, set->count, count, load->options->log, err);
    set->count = count;
    mien_dataset_set_splits(set, counts);
    return st;
}

enum mien_status mien_packed_load(struct mien_dataset **out, const struct mien_load *load,
                                  struct mien_error *err)
{
    const struct mien_data_options *const options = load->options;
    const struct mien_inspector *const inspector = load->inspector;
    struct mien_safetensors *file = NULL;
    struct mien_dataset *set = NULL;
    struct mien_class_list classes = { 0 };
    const struct mien_tensor *images = NULL;
    uint32_t *kept = NULL;
    *out = NULL;
    enum mien_status st = mien_safetensors_open(&file, load->path, err);
    if (st != MIEN_OK) {
        return st; /* the path is in the text */
    }
    TRY(find_images(&images, file, err));
    TRY(mien_class_list_parse(&classes, mien_safetensors_metadata(file, "classes"), err));
    const int height = options->height != 0 ? options->height : (int)images->shape[1];
    const int width = options->width != 0 ? options->width : (int)images->shape[2];
    const bool fits = (size_t)height == images->shape[1] && (size_t)width == images->shape[2] &&
                      (size_t)options->channels == images->shape[3];
    const bool mapped = fits && load->exclusion == NULL && inspector == NULL;
    TRY(mien_dataset_create(&set, images->shape[0], options->channels, height, width, !mapped,
                            err));
    mien_dataset_take_classes(set, &classes);
    TRY(take_labels(set, file, err));
    TRY(take_targets(set, file, err));
    TRY(take_names(set, file, load->exclusion != NULL || options->split > 0.0, err));
    TRY(leave_out(&kept, set, load, err));
    if (inspector != NULL) {
        TRY(inspector->begin(inspector->user, set, err));
    }
    TRY(take_images(set, images, kept, load, err));
    mien_dataset_storage(set)->file = file;
    file = NULL;
    TRY(mien_dataset_settle(set, options, err));
    *out = set;
    set = NULL;
done:
    if (st != MIEN_OK) {
        st = mien_wrap(err, st, "%s", load->path);
    }
    mien_dataset_destroy(set);
    mien_class_list_finish(&classes);
    mien_safetensors_close(file);
    free(kept);
    return st;
}
