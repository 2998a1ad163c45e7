/* loader.c - batches of a data set, gathered, augmented and normalised on the device */
#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "train/augment.h"
#include "train/loader_internal.h"

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
    const bool soft = mien_loader_shares(loader) != NULL;
    double sum = 0.0;
    if (class_weights == NULL) {
        return (double)n;
    }
    for (size_t i = first; i < first + n; i++) {
        const size_t image = (size_t)loader->order[i];
        sum += soft ? 0.0 : (double)class_weights[loader->set->labels[image]];
        for (size_t c = 0; soft && c < loader->share_count; c++) {
            sum += (double)mien_loader_share(loader, image, c) * (double)class_weights[c];
        }
    }
    return sum;
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
static enum mien_status send_images(const struct mien_loader *loader,
                                    const struct mien_loader_stage *stage, size_t first, int n,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t bytes = loader->image_bytes;
    for (int i = 0; i < n; i++) {
        const size_t image = (size_t)loader->order[first + (size_t)i];
        memcpy(stage->host_images + (size_t)i * bytes, loader->set->images + image * bytes, bytes);
        stage->host_labels[i] = loader->set->labels[image];
        if (mien_loader_shares(loader) != NULL) {
            mien_loader_share_classes(stage->host_shares + (size_t)i * loader->share_count, loader,
                                      image);
        }
    }
    TRY(mien_cl_write_later(loader->cl, stage->images, 0, stage->host_images, (size_t)n * bytes,
                            err));
    TRY(mien_cl_write_later(loader->cl, stage->labels, 0, stage->host_labels,
                            (size_t)n * sizeof(int32_t), err));
    if (mien_loader_shares(loader) != NULL) {
        TRY(mien_cl_write_later(loader->cl, stage->shares, 0, stage->host_shares,
                                (size_t)n * loader->share_count * sizeof(float), err));
    }

done:
    return st;
}

static enum mien_status send_changes(const struct mien_loader *loader,
                                     const struct mien_loader_stage *stage, size_t first, int n,
                                     struct mien_error *err)
{
    for (int i = 0; i < n; i++) {
        mien_augment_draw(&stage->host_changes[i], loader->options.recipe, loader->epoch,
                          (size_t)loader->order[first + (size_t)i]);
    }
    return mien_cl_write_later(loader->cl, stage->changes, 0, stage->host_changes,
                               (size_t)n * sizeof(*stage->host_changes), err);
}

/* Send what the batch needs; waits for the batch before the last at most. */
static enum mien_status fill_stage(struct mien_loader *loader, struct mien_loader_stage *stage,
                                   size_t first, int n, struct mien_error *err)
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
    struct mien_loader_stage *const stage = &loader->stages[loader->stage];
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
    loader->stage = (loader->stage + 1) % MIEN_LOADER_STAGES;
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
