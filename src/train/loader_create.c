/* loader_create.c - what a loader takes on the device and beside it: planned, made, released */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/augment.h"
#include "train/loader_internal.h"

float mien_loader_share(const struct mien_loader *loader, size_t image, size_t class)
{
    const struct mien_dataset *const set = loader->set;
    const float part = loader->options.recipe->train.soft_targets;
    const float label = (size_t)set->labels[image] == class ? 1.0f : 0.0f;
    return part * set->targets[image * loader->share_count + class] + (1.0f - part) * label;
}

void mien_loader_share_classes(float *shares, const struct mien_loader *loader, size_t image)
{
    for (size_t c = 0; c < loader->share_count; c++) {
        shares[c] = mien_loader_share(loader, image, c);
    }
}

static enum mien_status create_all_shares(struct mien_loader *loader, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t count = loader->set->count;
    const size_t bytes = loader->share_count * sizeof(float);
    float *const shares = mien_calloc(count, bytes, err);
    if (shares == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        mien_loader_share_classes(shares + i * loader->share_count, loader, i);
    }
    TRY(mien_cl_buffer_create(&loader->all_shares, loader->cl, count * bytes, err));
    TRY(mien_cl_write(loader->cl, loader->all_shares, 0, shares, count * bytes, err));

done:
    free(shares);
    return st;
}

static enum mien_status create_resident(struct mien_loader *loader, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t count = loader->set->count;
    TRY(mien_cl_buffer_create(&loader->images, loader->cl, count * loader->image_bytes, err));
    TRY(mien_cl_write(loader->cl, loader->images, 0, loader->set->images,
                      count * loader->image_bytes, err));
    TRY(mien_cl_buffer_create(&loader->all_labels, loader->cl, count * sizeof(int32_t), err));
    TRY(mien_cl_write(loader->cl, loader->all_labels, 0, loader->set->labels,
                      count * sizeof(int32_t), err));
    TRY(mien_cl_buffer_create(&loader->indices, loader->cl, count * sizeof(int32_t), err));
    TRY(loader->share_count > 0 ? create_all_shares(loader, err) : MIEN_OK);

done:
    return st;
}

static void drop_resident(struct mien_loader *loader)
{
    mien_cl_buffer_destroy(loader->images);
    mien_cl_buffer_destroy(loader->all_labels);
    mien_cl_buffer_destroy(loader->all_shares);
    mien_cl_buffer_destroy(loader->indices);
    loader->images = NULL;
    loader->all_labels = NULL;
    loader->all_shares = NULL;
    loader->indices = NULL;
}

static enum mien_status create_staged(struct mien_loader *loader, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t batch = (size_t)loader->options.batch;
    TRY(mien_cl_buffer_create(&loader->indices, loader->cl, batch * sizeof(int32_t), err));
    for (size_t i = 0; i < batch; i++) {
        loader->order[i] = (int32_t)i;
    }
    TRY(mien_cl_write(loader->cl, loader->indices, 0, loader->order, batch * sizeof(int32_t), err));
    for (int s = 0; s < MIEN_LOADER_STAGES; s++) {
        TRY(mien_cl_buffer_create(&loader->stages[s].images, loader->cl,
                                  batch * loader->image_bytes, err));
        TRY(mien_cl_buffer_create(&loader->stages[s].labels, loader->cl, batch * sizeof(int32_t),
                                  err));
        loader->stages[s].host_images = mien_calloc(batch, loader->image_bytes, err);
        loader->stages[s].host_labels = mien_calloc(batch, sizeof(int32_t), err);
        if (loader->stages[s].host_images == NULL || loader->stages[s].host_labels == NULL) {
            st = MIEN_ERR_MEMORY;
            goto done;
        }
    }

done:
    return st;
}

/* What a batch's shares take: gathered on the device, and, not resident, on their way to it. */
static enum mien_status create_shares(struct mien_loader *loader, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t batch = (size_t)loader->options.batch;
    const size_t bytes = loader->share_count * sizeof(float);
    TRY(mien_cl_buffer_create(&loader->shares, loader->cl, batch * bytes, err));
    for (int s = 0; s < MIEN_LOADER_STAGES && !loader->resident; s++) {
        struct mien_loader_stage *const stage = &loader->stages[s];
        TRY(mien_cl_buffer_create(&stage->shares, loader->cl, batch * bytes, err));
        stage->host_shares = mien_calloc(batch, bytes, err);
        if (stage->host_shares == NULL) {
            st = MIEN_ERR_MEMORY;
            goto done;
        }
    }

done:
    return st;
}

static enum mien_status create_changes(struct mien_loader *loader, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t batch = (size_t)loader->options.batch;
    for (int s = 0; s < MIEN_LOADER_STAGES; s++) {
        struct mien_loader_stage *const stage = &loader->stages[s];
        TRY(mien_cl_buffer_create(&stage->changes, loader->cl, batch * sizeof(*stage->host_changes),
                                  err));
        stage->host_changes = mien_calloc(batch, sizeof(*stage->host_changes), err);
        if (stage->host_changes == NULL) {
            st = MIEN_ERR_MEMORY;
            goto done;
        }
    }

done:
    return st;
}

/* Of the classes' shares of an image. */
static size_t share_bytes(const struct mien_recipe *recipe, int classes)
{
    return recipe->train.soft_targets > 0.0f ? (size_t)classes * sizeof(float) : 0;
}

size_t mien_loader_batch_bytes(const struct mien_recipe *recipe, int classes, int batch)
{
    const size_t changes = mien_augment_any(&recipe->augment)
                               ? MIEN_LOADER_STAGES * sizeof(struct mien_gather_change)
                               : 0;
    return (size_t)batch * (changes + 2 * sizeof(int32_t) + share_bytes(recipe, classes));
}

size_t mien_loader_image_bytes(const struct mien_recipe *recipe, int classes)
{
    return mien_recipe_image_bytes(recipe) + 2 * sizeof(int32_t) + share_bytes(recipe, classes);
}

size_t mien_loader_least_bytes(const struct mien_recipe *recipe, int classes, int batch)
{
    const size_t stage = mien_loader_image_bytes(recipe, classes) - sizeof(int32_t);
    return (size_t)batch * (MIEN_LOADER_STAGES * stage + sizeof(int32_t)) +
           mien_loader_batch_bytes(recipe, classes, batch);
}

/*
 * Half of the device's memory is for the images, less what the model takes already; they may be
 * given more, but not what is not there.
 */
static bool fits_device(const struct mien_loader *loader)
{
    const struct mien_device_info *const device = mien_cl_device(loader->cl);
    const size_t images = loader->set->count * loader->image_bytes;
    const size_t shares = loader->set->count * loader->share_count * sizeof(float);
    const size_t bytes = images + shares;
    const size_t taken = mien_cl_bytes(loader->cl);
    const size_t half = (size_t)(device->global_bytes / 2);
    const size_t limit = loader->options.device_bytes > 0 ? loader->options.device_bytes
                         : taken < half                   ? half - taken
                                                          : 0;
    return bytes <= limit && images <= device->max_alloc_bytes &&
           shares <= device->max_alloc_bytes &&
           (double)bytes + (double)taken <= (double)device->global_bytes;
}

/* The kernel computes where an image lies from the recipe. */
static enum mien_status check_size(const struct mien_dataset *set, const struct mien_recipe *recipe,
                                   struct mien_error *err)
{
    const struct mien_data_options want = mien_recipe_data_options(recipe);
    if (set->channels == want.channels && set->height == want.height && set->width == want.width) {
        return MIEN_OK;
    }
    return mien_fail(err, MIEN_ERR_SHAPE,
                     "the data has images of %d x %d x %d, the recipe takes %d x %d x %d (channels "
                     "x height x width, its margin included)",
                     set->channels, set->height, set->width, want.channels, want.height,
                     want.width);
}

enum mien_status mien_loader_create(struct mien_loader **out, struct mien_cl *cl,
                                    const struct mien_dataset *set,
                                    const struct mien_loader_options *options,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = NULL;
    struct mien_loader *loader = NULL;
    TRY(check_size(set, options->recipe, err));
    loader = mien_calloc(1, sizeof(*loader), err);
    if (loader == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const size_t batch = (size_t)options->batch;
    loader->cl = cl;
    loader->set = set;
    loader->options = *options;
    loader->image_bytes = mien_recipe_image_bytes(options->recipe);
    loader->share_count = options->targets ? (size_t)set->class_count : 0;
    loader->epoch = -1;
    loader->order =
        mien_calloc(set->count > batch ? set->count : batch, sizeof(*loader->order), err);
    if (loader->order == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    if (fits_device(loader)) {
        st = create_resident(loader, err);
        loader->resident = st == MIEN_OK;
        if (st == MIEN_ERR_MEMORY) { /* others are on the device too, and it may say so late */
            drop_resident(loader);
        } else if (st != MIEN_OK) {
            goto done;
        }
    }
    if (!loader->resident) {
        TRY(create_staged(loader, err));
    }
    if (mien_augment_any(&options->recipe->augment)) {
        TRY(create_changes(loader, err));
    }
    if (loader->share_count > 0) {
        TRY(create_shares(loader, err));
    }
    TRY(mien_cl_buffer_create(&loader->labels, cl, 2 * batch * sizeof(int32_t), err));
    *out = loader;
    loader = NULL;

done:
    mien_loader_destroy(loader);
    return st;
}

void mien_loader_destroy(struct mien_loader *loader)
{
    if (loader == NULL) {
        return;
    }
    mien_cl_drain(loader->cl); /* the device may still read the stages */
    for (int s = 0; s < MIEN_LOADER_STAGES; s++) {
        mien_cl_mark_drop(&loader->stages[s].sent);
        mien_cl_buffer_destroy(loader->stages[s].images);
        mien_cl_buffer_destroy(loader->stages[s].labels);
        mien_cl_buffer_destroy(loader->stages[s].shares);
        mien_cl_buffer_destroy(loader->stages[s].changes);
        free(loader->stages[s].host_images);
        free(loader->stages[s].host_labels);
        free(loader->stages[s].host_shares);
        free(loader->stages[s].host_changes);
    }
    drop_resident(loader);
    mien_cl_buffer_destroy(loader->labels);
    mien_cl_buffer_destroy(loader->shares);
    free(loader->order);
    free(loader);
}
