/** class_map.h - a data set's labels in the classes of a model, by name (internal) */
#ifndef MIEN_TRAIN_CLASS_MAP_H
#define MIEN_TRAIN_CLASS_MAP_H

#include "data/dataset.h"

/** A data set seen with another's classes.  `set` shares the images of the one it was made of. */
struct mien_class_map {
    struct mien_dataset set; /**< never to be destroyed; borrows from the set and from `classes` */
    int32_t *labels;         /**< what set.labels is */
    float *targets;          /**< what set.targets is */
};

/**
 * See `set` with the labels of `classes`; it may lack some of them.
 *
 * Ownership  release with mien_class_map_finish(), before `set` and `classes`; zeroed on error
 * Errors     MIEN_ERR_FORMAT: a class of the set that is none of `classes`, by name;
 *            MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_class_map_create(struct mien_class_map *out, const struct mien_dataset *set,
                                       char **classes, int class_count, struct mien_error *err);
void mien_class_map_finish(struct mien_class_map *map); /* zeroed is allowed */

#endif
