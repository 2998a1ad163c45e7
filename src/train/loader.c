/* loader.c - batches of a data set, gathered, augmented and normalised on the device */
#include "train/loader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/augment.h"

enum { STAGES = 2 };

struct mien_loader {
    struct mien_cl *cl;             /* borrowed */
    const struct mien_dataset *set; /* borrowed */
    struct mien_loader_options options;
    bool resident;
    size_t image_bytes;

    int32_t *order; /* [set->count]: what is taken now */
    size_t count;   /* of the split taken now */

    struct mien_cl_buffer *images; /* resident: the whole set; else unused */
    struct mien_cl_buffer *all_labels;
    struct mien_cl_buffer *all_shares; /* NULL without targets */
    struct mien_cl_buffer *indices;    /* resident: `order`; else 0 .. batch - 1 */
    struct mien_cl_buffer *labels;     /* [batch], then the second ones of a mixed batch */
    struct mien_cl_buffer *shares;     /* [batch][classes]; NULL without targets */
    size_t share_count;                /* of an image: the classes; 0 without targets */
    bool training;                     /* the split taken last is the one that has targets */

    int epoch; /* whose changes the images get; -1: they come as they are */

    struct {
        const struct mien_cl_buffer *images; /* where it was taken from; NULL: none was */
        struct mien_gather op;
    } last; /* the batch loaded last */

    /* What is sent with a batch: its images and labels unless they are resident, its changes. */
    struct stage {
        struct mien_cl_buffer *images, *labels, *shares, *changes;
        uint8_t *host_images;
        int32_t *host_labels;
        float *host_shares;
        struct mien_gather_change *host_changes;
        struct mien_cl_mark *sent; /* all copies of the batch before have left the host's memory */
    } stages[STAGES];
    int stage; /* the one to fill next */
};

/* What is right for an image: its target distribution in part, its label in the rest. */
static void share_classes(float *shares, const struct mien_loader *loader, size_t image)
{
    const float *const targets = loader->set->targets + image * loader->share_count;
    const float part = loader->options.recipe->train.soft_targets;
    for (size_t c = 0; c < loader->share_count; c++) {
        const float label = (size_t)loader->set->labels[image] == c ? 1.0f : 0.0f;
        shares[c] = part * targets[c] + (1.0f - part) * label;
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
        share_classes(shares + i * loader->share_count, loader, i);
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
    for (int s = 0; s < STAGES; s++) {
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
    for (int s = 0; s < STAGES && !loader->resident; s++) {
        struct stage *const stage = &loader->stages[s];
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
    for (int s = 0; s < STAGES; s++) {
        struct stage *const stage = &loader->stages[s];
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
    const size_t changes =
        mien_augment_any(&recipe->augment) ? STAGES * sizeof(struct mien_gather_change) : 0;
    return (size_t)batch * (changes + 2 * sizeof(int32_t) + share_bytes(recipe, classes));
}

size_t mien_loader_image_bytes(const struct mien_recipe *recipe, int classes)
{
    return mien_recipe_image_bytes(recipe) + 2 * sizeof(int32_t) + share_bytes(recipe, classes);
}

size_t mien_loader_least_bytes(const struct mien_recipe *recipe, int classes, int batch)
{
    const size_t stage = mien_loader_image_bytes(recipe, classes) - sizeof(int32_t);
    return (size_t)batch * (STAGES * stage + sizeof(int32_t)) +
           mien_loader_batch_bytes(recipe, classes, batch);
}

/*
 * Half of the device's memory is for the images, less what the model takes already; they may be
 * given more, but not what is not there.
 */
static bool fits_device(const struct mien_loader *loader)
{
    const struct mien_device_info *const device = mien_cl_device(loader->cl);
    const size_t bytes = loader->set->count * loader->image_bytes;
    const size_t taken = mien_cl_bytes(loader->cl);
    const size_t half = (size_t)(device->global_bytes / 2);
    const size_t limit = loader->options.device_bytes > 0 ? loader->options.device_bytes
                         : taken < half                   ? half - taken
                                                          : 0;
    return bytes <= limit && bytes <= device->max_alloc_bytes &&
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
    for (int s = 0; s < STAGES; s++) {
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

const struct mien_recipe *mien_loader_recipe(const struct mien_loader *loader)
{
    return loader->options.recipe;
}

const struct mien_dataset *mien_loader_set(const struct mien_loader *loader)
{
    return loader->set;
}

bool mien_loader_resident(const struct mien_loader *loader)
{
    return loader->resident;
}

size_t mien_loader_count(const struct mien_loader *loader)
{
    return loader->count;
}

size_t mien_loader_image(const struct mien_loader *loader, size_t place)
{
    assert(place < loader->count);
    return (size_t)loader->order[place];
}

double mien_loader_weight(const struct mien_loader *loader, const float *class_weights,
                          size_t first, size_t n)
{
    double sum = 0.0;
    for (size_t i = first; class_weights != NULL && i < first + n; i++) {
        const size_t image = (size_t)loader->order[i];
        const float part = loader->share_count > 0 && loader->training
                               ? loader->options.recipe->train.soft_targets
                               : 0.0f;
        sum += (1.0 - (double)part) * (double)class_weights[loader->set->labels[image]];
        for (size_t c = 0; part > 0.0f && c < loader->share_count; c++) {
            sum += (double)part * (double)(loader->set->targets[image * loader->share_count + c] *
                                           class_weights[c]);
        }
    }
    return class_weights != NULL ? sum : (double)n;
}

struct mien_cl_buffer *mien_loader_labels(const struct mien_loader *loader)
{
    return loader->labels;
}

struct mien_cl_buffer *mien_loader_shares(const struct mien_loader *loader)
{
    return loader->training ? loader->shares : NULL;
}

float mien_loader_second(const struct mien_loader *loader)
{
    return loader->last.op.second;
}

/* Make `order`, which is relative to the split, absolute, and hand it to the device. */
static enum mien_status take_order(struct mien_loader *loader, enum mien_split split,
                                   struct mien_error *err)
{
    loader->count = loader->set->splits[split].count;
    loader->epoch = -1;
    loader->training = split == MIEN_SPLIT_TRAIN;
    loader->last.images = NULL;
    for (size_t i = 0; i < loader->count; i++) {
        loader->order[i] += (int32_t)loader->set->splits[split].first;
    }
    if (!loader->resident) {
        return MIEN_OK;
    }
    return mien_cl_write(loader->cl, loader->indices, 0, loader->order,
                         loader->count * sizeof(*loader->order), err);
}

enum mien_status mien_loader_in_order(struct mien_loader *loader, enum mien_split split,
                                      struct mien_error *err)
{
    for (size_t i = 0; i < loader->set->splits[split].count; i++) {
        loader->order[i] = (int32_t)i;
    }
    return take_order(loader, split, err);
}

enum mien_status mien_loader_shuffled(struct mien_loader *loader, enum mien_split split,
                                      uint64_t seed, int epoch, struct mien_error *err)
{
    uint32_t *const drawn = (uint32_t *)loader->order; /* the same size and below 2^31 */
    mien_random_permutation(drawn, (uint32_t)loader->set->splits[split].count, seed,
                            MIEN_STREAM_SHUFFLE, (uint32_t)epoch);
    return take_order(loader, split, err);
}

void mien_loader_augment(struct mien_loader *loader, int epoch)
{
    loader->epoch = loader->stages[0].changes != NULL ? epoch : -1;
}

/* Copy the batch's images together and send them off. */
static enum mien_status send_images(const struct mien_loader *loader, const struct stage *stage,
                                    size_t first, int n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t bytes = loader->image_bytes;
    for (int i = 0; i < n; i++) {
        const size_t image = (size_t)loader->order[first + (size_t)i];
        memcpy(stage->host_images + (size_t)i * bytes, loader->set->images + image * bytes, bytes);
        stage->host_labels[i] = loader->set->labels[image];
        if (stage->shares != NULL) {
            share_classes(stage->host_shares + (size_t)i * loader->share_count, loader, image);
        }
    }
    TRY(mien_cl_write_later(loader->cl, stage->images, 0, stage->host_images, (size_t)n * bytes,
                            err));
    TRY(mien_cl_write_later(loader->cl, stage->labels, 0, stage->host_labels,
                            (size_t)n * sizeof(int32_t), err));
    if (stage->shares != NULL) {
        TRY(mien_cl_write_later(loader->cl, stage->shares, 0, stage->host_shares,
                                (size_t)n * loader->share_count * sizeof(float), err));
    }

done:
    return st;
}

static enum mien_status send_changes(const struct mien_loader *loader, const struct stage *stage,
                                     size_t first, int n, struct mien_error *err)
{
    for (int i = 0; i < n; i++) {
        mien_augment_draw(&stage->host_changes[i], loader->options.recipe, loader->epoch,
                          (size_t)loader->order[first + (size_t)i]);
    }
    return mien_cl_write_later(loader->cl, stage->changes, 0, stage->host_changes,
                               (size_t)n * sizeof(*stage->host_changes), err);
}

/* Send what the batch needs; waits for the batch before the last at most. */
static enum mien_status fill_stage(struct mien_loader *loader, struct stage *stage, size_t first,
                                   int n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    if (loader->resident && loader->epoch < 0) {
        return MIEN_OK;
    }
    TRY(mien_cl_mark_wait(&stage->sent, err));
    if (!loader->resident) {
        TRY(send_images(loader, stage, first, n, err));
    }
    if (loader->epoch >= 0) {
        TRY(send_changes(loader, stage, first, n, err));
    }
    TRY(mien_cl_mark(&stage->sent, loader->cl, err));

done:
    return st;
}

enum mien_status mien_loader_load(struct mien_loader *loader, struct mien_model *model,
                                  size_t first, int n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    assert(n <= loader->options.batch && first + (size_t)n <= loader->count);
    const struct mien_recipe *const recipe = loader->options.recipe;
    struct stage *const stage = &loader->stages[loader->stage];
    const bool changed = loader->epoch >= 0;
    const struct mien_cl_buffer *const images = loader->resident ? loader->images : stage->images;
    const struct mien_cl_buffer *const labels =
        loader->resident ? loader->all_labels : stage->labels;
    const struct mien_gather op = {
        .act = mien_model_input_act(model, n),
        .count = loader->resident ? (cl_int)loader->set->count : n,
        .first = loader->resident ? (cl_int)first : 0,
        .mean = recipe->normalize.mean,
        .std = recipe->normalize.std,
        .margin = recipe->input.margin,
        .second = changed ? mien_augment_mix(recipe, loader->epoch, first) : 0.0f,
    };
    mien_cl_label(loader->cl, "batch");
    TRY(fill_stage(loader, stage, first, n, err));
    loader->stage = (loader->stage + 1) % STAGES;
    loader->last.images = images;
    loader->last.op = op;
    if (changed) {
        TRY(mien_gather_changed(loader->cl, mien_model_input(model), images, loader->indices,
                                stage->changes, &op, err));
    } else {
        TRY(mien_gather_images(loader->cl, mien_model_input(model), images, loader->indices, &op,
                               err));
    }
    TRY(mien_gather_labels(loader->cl, loader->labels, labels, loader->indices, &op, err));
    if (mien_loader_shares(loader) != NULL) {
        TRY(mien_gather_shares(loader->cl, loader->shares,
                               loader->resident ? loader->all_shares : stage->shares,
                               loader->indices, (cl_int)loader->share_count, &op, err));
    }

done:
    return st;
}

enum mien_status mien_loader_show(struct mien_loader *loader, struct mien_model *model,
                                  const struct mien_gather_view *view, struct mien_error *err)
{
    assert(loader->epoch < 0 && loader->last.images != NULL);
    struct mien_gather op = loader->last.op;
    op.view = *view;
    mien_cl_label(loader->cl, "batch");
    return mien_gather_images(loader->cl, mien_model_input(model), loader->last.images,
                              loader->indices, &op, err);
}
