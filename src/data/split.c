/* split.c - setting a part of the training images aside for validation */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/build.h"

/* How many of `count` images of one class go: rounded, but not none and not all where both can be.
 */
static uint32_t part_of(uint32_t count, double part)
{
    const uint32_t drawn = (uint32_t)((double)count * part + 0.5);
    if (count < 2) {
        return 0;
    }
    return drawn < 1 ? 1 : drawn >= count ? count - 1 : drawn;
}

/* Training images by class: those of label c are members[starts[c]] .. members[starts[c + 1] - 1].
 */
static void sort_by_class(uint32_t *members, uint32_t *starts, const struct mien_dataset *set)
{
    const size_t train = set->splits[MIEN_SPLIT_TRAIN].count;
    for (size_t i = 0; i < train; i++) {
        starts[set->labels[i] + 2]++;
    }
    for (int c = 2; c < set->class_count + 2; c++) {
        starts[c] += starts[c - 1];
    }
    for (size_t i = 0; i < train; i++) { /* starts[c + 1] runs from the start of c to its end */
        members[starts[set->labels[i] + 1]++] = (uint32_t)i;
    }
}

/* Mark the drawn ones of `count` images of one class. */
static uint32_t draw_class(uint8_t *drawn, uint32_t *order, const uint32_t *members, uint32_t count,
                           double part, uint64_t seed, int label)
{
    const uint32_t take = part_of(count, part);
    if (take > 0) {
        mien_random_permutation(order, count, seed, MIEN_STREAM_SPLIT, (uint32_t)label);
    }
    for (uint32_t i = 0; i < take; i++) {
        drawn[members[order[i]]] = 1;
    }
    return take;
}

/* Put image old[i] in place i, in fresh memory: the old images may lie in a mapped file. */
static enum mien_status reorder(struct mien_dataset *set, const uint32_t *old,
                                struct mien_error *err)
{
    struct mien_data_storage *const storage = mien_dataset_storage(set);
    const size_t image = (size_t)set->channels * (size_t)set->height * (size_t)set->width;
    uint8_t *const images = mien_calloc(set->count, image, err);
    int32_t *const labels = mien_calloc(set->count, sizeof(*labels), err);
    const size_t row = (size_t)set->class_count * sizeof(float);
    float *const targets = set->targets != NULL ? mien_calloc(set->count, row, err) : NULL;
    char **const names = set->names != NULL ? mien_calloc(set->count, sizeof(*names), err) : NULL;
    if (images == NULL || labels == NULL || (set->names != NULL && names == NULL) ||
        (set->targets != NULL && targets == NULL)) {
        free(images);
        free(labels);
        free(targets);
        free(names);
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < set->count; i++) {
        memcpy(images + i * image, set->images + old[i] * image, image);
        labels[i] = set->labels[old[i]];
        if (targets != NULL) {
            memcpy((char *)targets + i * row, (const char *)set->targets + old[i] * row, row);
        }
        if (names != NULL) {
            names[i] = set->names[old[i]];
        }
    }
    free(storage->images);
    free(storage->labels);
    free(storage->targets);
    free(set->names);
    storage->images = images;
    storage->labels = labels;
    storage->targets = targets;
    set->images = images;
    set->labels = labels;
    set->targets = targets;
    set->names = names;
    return MIEN_OK;
}

enum mien_status mien_dataset_draw_validation(struct mien_dataset *set, double part, uint64_t seed,
                                              struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    const size_t train = set->splits[MIEN_SPLIT_TRAIN].count;
    uint8_t *const drawn = mien_calloc(set->count, 1, err);
    uint32_t *const members = mien_calloc(set->count, sizeof(*members), err);
    uint32_t *const order = mien_calloc(set->count, sizeof(*order), err);
    uint32_t *const starts = mien_calloc((size_t)set->class_count + 2, sizeof(*starts), err);
    if (drawn == NULL || members == NULL || order == NULL || starts == NULL) {
        goto done;
    }
    sort_by_class(members, starts, set);
    size_t count = 0;
    for (int label = 0; label < set->class_count; label++) {
        count += draw_class(drawn, order, members + starts[label],
                            starts[label + 1] - starts[label], part, seed, label);
    }
    size_t kept = 0;
    size_t moved = train - count;
    for (size_t i = 0; i < train; i++) {
        order[drawn[i] != 0 ? moved++ : kept++] = (uint32_t)i;
    }
    for (size_t i = train; i < set->count; i++) {
        order[i] = (uint32_t)i;
    }
    TRY(reorder(set, order, err));
    mien_dataset_set_splits(
        set, (const size_t[MIEN_SPLITS]){ train - count, count, set->count - train });
done:
    free(drawn);
    free(members);
    free(order);
    free(starts);
    return st;
}
