/* class_map.c - a data set's labels in the classes of a model, by name */
#include "train/class_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int find(char *const *classes, int class_count, const char *name)
{
    for (int i = 0; i < class_count; i++) {
        if (strcmp(classes[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

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

enum mien_status mien_class_map_create(struct mien_class_map *out, const struct mien_dataset *set,
                                       char **classes, int class_count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = (struct mien_class_map){ .labels = NULL };
    int32_t *labels = mien_calloc(set->count, sizeof(*labels), err);
    int32_t *const to = mien_calloc((size_t)set->class_count, sizeof(*to), err);
    if (labels == NULL || to == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    for (int i = 0; i < set->class_count; i++) {
        to[i] = find(classes, class_count, set->classes[i]);
        if (to[i] < 0) {
            st = refuse(set->classes[i], classes, class_count, err);
            goto done;
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        labels[i] = to[set->labels[i]];
    }
    out->set = *set;
    out->set.labels = labels;
    out->set.classes = classes;
    out->set.class_count = class_count;
    out->labels = labels;
    labels = NULL;

done:
    free(labels);
    free(to);
    return st;
}

void mien_class_map_finish(struct mien_class_map *map)
{
    free(map->labels);
    *map = (struct mien_class_map){ .labels = NULL };
}
