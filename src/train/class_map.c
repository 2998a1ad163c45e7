/* class_map.c - a data set's labels in the classes of a model, by name */
#include "train/class_map.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/classes.h"

static enum mien_status refuse(const char *name, char *const *classes, int class_count,
                               struct mien_error *err)
{
    char list[400] = "";
    size_t used = 0;
    for (int i = 0; i < class_count && used < sizeof(list) - 1; i++) {
        const int more =
            snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", classes[i]);
        used += more > 0 ? (size_t)more : 0;
    }
    return mien_fail(err, MIEN_ERR_FORMAT,
                     "class '%.200s' is none of the %d that the model tells apart: %s", name,
                     class_count, list);
}

/* Target distributions with the shares in the model's order. */
static void map_targets(float *targets, const struct mien_dataset *set, const int32_t *to,
                        int class_count)
{
    for (size_t i = 0; i < set->count; i++) {
        for (int c = 0; c < set->class_count; c++) {
            targets[i * (size_t)class_count + (size_t)to[c]] =
                set->targets[i * (size_t)set->class_count + (size_t)c];
        }
    }
}

enum mien_status mien_class_map_create(struct mien_class_map *out, const struct mien_dataset *set,
                                       char **classes, int class_count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = (struct mien_class_map){ .labels = NULL };
    int32_t *labels = mien_calloc(set->count, sizeof(*labels), err);
    const size_t floats = (size_t)class_count * sizeof(float);
    float *targets = set->targets != NULL ? mien_calloc(set->count, floats, err) : NULL;
    int32_t *const to = mien_calloc((size_t)set->class_count, sizeof(*to), err);
    if (labels == NULL || to == NULL || (set->targets != NULL && targets == NULL)) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    for (int i = 0; i < set->class_count; i++) {
        to[i] = mien_class_index(classes, class_count, set->classes[i]);
        if (to[i] < 0) {
            st = refuse(set->classes[i], classes, class_count, err);
            goto done;
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        labels[i] = to[set->labels[i]];
    }
    if (targets != NULL) {
        map_targets(targets, set, to, class_count);
    }
    out->set = *set;
    out->set.labels = labels;
    out->set.targets = targets;
    out->set.classes = classes;
    out->set.class_count = class_count;
    out->labels = labels;
    out->targets = targets;
    labels = NULL;
    targets = NULL;

done:
    free(labels);
    free(targets);
    free(to);
    return st;
}

void mien_class_map_finish(struct mien_class_map *map)
{
    free(map->labels);
    free(map->targets);
    *map = (struct mien_class_map){ .labels = NULL };
}
