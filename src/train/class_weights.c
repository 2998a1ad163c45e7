/* class_weights.c - what the classes of a data set count in training */
#include "train/class_weights.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "nn/class_weights.h"

bool mien_weighs_classes(const struct mien_recipe *recipe)
{
    return !mien_class_weights_none(recipe->train.class_weights);
}

/*
 * images / (classes with images * images of the class), so that the mean over the images is 1; a
 * class without any, which only label smoothing asks about, counts 1.
 */
static enum mien_status balance(float *weights, const struct mien_dataset *set,
                                struct mien_error *err)
{
    const size_t first = set->splits[MIEN_SPLIT_TRAIN].first;
    const size_t count = set->splits[MIEN_SPLIT_TRAIN].count;
    size_t *const counts = mien_calloc((size_t)set->class_count, sizeof(*counts), err);
    size_t present = 0;
    if (counts == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = first; i < first + count; i++) {
        present += counts[set->labels[i]]++ == 0 ? 1 : 0;
    }
    for (int c = 0; c < set->class_count; c++) {
        weights[c] =
            counts[c] > 0 ? (float)((double)count / ((double)present * (double)counts[c])) : 1.0f;
    }
    free(counts);
    return MIEN_OK;
}

static enum mien_status weigh_by_name(float *weights, const char *list,
                                      const struct mien_dataset *set, struct mien_error *err)
{
    struct mien_class_weight item;
    while (mien_class_weights_next(&item, &list)) {
        char name[MIEN_CLASS_WEIGHTS_BYTES];
        memcpy(name, item.name, item.length); /* a part of the recipe's text, which has that size */
        name[item.length] = '\0';
        const int class = mien_class_find(set->classes, set->class_count, name);
        if (class < 0 || weights[class] > 0.0f) {
            return mien_fail(err, MIEN_ERR_FORMAT, "train.class_weights: %s '%.200s'",
                             class < 0 ? "the data has no class" : "a second weight for the class",
                             class < 0 ? name : set->classes[class]);
        }
        weights[class] = item.weight;
    }
    assert(*list == '\0'); /* the recipe was checked */
    return MIEN_OK;
}

enum mien_status mien_weigh_classes(float *weights, const struct mien_recipe *recipe,
                                    const struct mien_dataset *set, struct mien_error *err)
{
    const char *const text = recipe->train.class_weights;
    struct mien_plain_numbers numbers;
    if (mien_class_weights_balanced(text)) {
        return balance(weights, set, err);
    }
    for (int c = 0; c < set->class_count; c++) {
        weights[c] = 0.0f;
    }
    if (mien_weighs_classes(recipe)) {
        enum mien_status st = mien_plain_numbers_begin(&numbers, err);
        if (st == MIEN_OK) {
            st = weigh_by_name(weights, text, set, err);
            mien_plain_numbers_end(&numbers);
        }
        if (st != MIEN_OK) {
            return st;
        }
    }
    for (int c = 0; c < set->class_count; c++) { /* no item weighs nothing */
        weights[c] = weights[c] > 0.0f ? weights[c] : 1.0f;
    }
    return MIEN_OK;
}

enum mien_status mien_make_up_classes(struct mien_class_list *out, const struct mien_recipe *recipe,
                                      int class_count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_plain_numbers numbers;
    struct mien_class_weight item;
    char name[MIEN_CLASS_WEIGHTS_BYTES];
    const size_t count = (size_t)class_count;
    const char *list =
        mien_class_weights_balanced(recipe->train.class_weights) || !mien_weighs_classes(recipe)
            ? ""
            : recipe->train.class_weights;
    TRY(mien_plain_numbers_begin(&numbers, err));
    while (st == MIEN_OK && out->count < count && mien_class_weights_next(&item, &list)) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)item.length, item.name);
        st = mien_class_list_add(out, name, err);
    }
    mien_plain_numbers_end(&numbers);
    for (int i = 0; st == MIEN_OK && out->count < count; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        st = mien_class_list_add(out, name, err);
    }

done:
    return st;
}
