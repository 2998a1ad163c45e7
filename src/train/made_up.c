/* made_up.c - a data set of noise in memory, for steps whose data does not matter */
#include "train/made_up.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

enum { SEED = 1 };

/* Half of an image's target is its label, the rest all classes'. */
static enum mien_status make_targets(struct mien_made_up *out, size_t count, int class_count,
                                     struct mien_error *err)
{
    const size_t classes = (size_t)class_count;
    out->targets = mien_calloc(count, classes * sizeof(*out->targets), err);
    if (out->targets == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < count * classes; i++) {
        const bool is_label = i % classes == (size_t)out->labels[i / classes];
        out->targets[i] = (is_label ? 0.5f : 0.0f) + 0.5f / (float)classes;
    }
    return MIEN_OK;
}

enum mien_status mien_made_up_init(struct mien_made_up *out, const struct mien_model_file *file,
                                   size_t steps, struct mien_error *err)
{
    const struct mien_recipe *const recipe = file->recipe;
    const size_t count = (size_t)recipe->train.batch * (size_t)recipe->train.accumulate * steps;
    const struct mien_data_options image = mien_recipe_data_options(recipe);
    size_t bytes = 0;
    *out = (struct mien_made_up){ .images = NULL };
    if (!mien_size_mul(&bytes, mien_recipe_image_bytes(recipe), count)) {
        return mien_fail(err, MIEN_ERR_MEMORY, "no memory for %zu images", count);
    }
    out->images = mien_calloc(bytes, 1, err);
    out->labels = mien_calloc(count, sizeof(*out->labels), err);
    if (out->images == NULL || out->labels == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t at = 0; at < bytes; at += 16) {
        uint32_t block[4];
        mien_random_block(block, SEED, MIEN_STREAM_SYNTH, 0, at / 16);
        memcpy(out->images + at, block, bytes - at < 16 ? bytes - at : 16);
    }
    for (size_t i = 0; i < count; i++) {
        out->labels[i] = (int32_t)(i % (size_t)file->class_count);
    }
    if (recipe->train.soft_targets > 0.0f) {
        const enum mien_status st = make_targets(out, count, file->class_count, err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    out->set = (struct mien_dataset){
        .count = count,
        .channels = image.channels,
        .height = image.height,
        .width = image.width,
        .images = out->images,
        .labels = out->labels,
        .targets = out->targets,
        .class_count = file->class_count,
        .classes = file->classes,
        .splits = { [MIEN_SPLIT_TRAIN] = { 0, count } },
    };
    return MIEN_OK;
}

void mien_made_up_finish(struct mien_made_up *made_up)
{
    free(made_up->images);
    free(made_up->labels);
    free(made_up->targets);
    *made_up = (struct mien_made_up){ .images = NULL };
}
