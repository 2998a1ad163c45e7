/* class_weights.c - what the classes of a data set count in training */
#include "train/class_weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/classes.h"
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

/* By name, else by what the name stands for; -1: there is none. */
static int find(const struct mien_dataset *set, const char *name)
{
    const char *const canonical = mien_class_canonical(name);
    int found = -1;
    for (int c = 0; c < set->class_count; c++) {
        if (strcmp(set->classes[c], name) == 0) {
            return c;
        }
        found = canonical != NULL && strcmp(set->classes[c], canonical) == 0 ? c : found;
    }
    return found;
}

enum mien_status mien_weigh_classes(float *weights, const struct mien_recipe *recipe,
                                    const struct mien_dataset *set, struct mien_error *err)
{
    struct mien_class_weight item;
    const char *at = recipe->train.class_weights;
    for (int c = 0; c < set->class_count; c++) {
        weights[c] = 0.0f;
    }
    if (mien_class_weights_balanced(at)) {
        return balance(weights, set, err);
    }
    while (mien_weighs_classes(recipe) && mien_class_weights_next(&item, &at)) {
        char name[MIEN_CLASS_WEIGHTS_BYTES];
        memcpy(name, item.name, item.length); /* a part of the recipe's text, which has that size */
        name[item.length] = '\0';
        const int class = find(set, name);
        if (class < 0 || weights[class] > 0.0f) {
            return mien_fail(err, MIEN_ERR_FORMAT, "train.class_weights: %s '%.200s'",
                             class < 0 ? "the data has no class" : "a second weight for the class",
                             class < 0 ? name : set->classes[class]);
        }
        weights[class] = item.weight;
    }
    for (int c = 0; c < set->class_count; c++) { /* no item weighs nothing */
        weights[c] = weights[c] > 0.0f ? weights[c] : 1.0f;
    }
    return MIEN_OK;
}
