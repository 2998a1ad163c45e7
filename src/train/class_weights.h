/** class_weights.h - what the classes of a data set count in training (internal) */
#ifndef MIEN_TRAIN_CLASS_WEIGHTS_H
#define MIEN_TRAIN_CLASS_WEIGHTS_H

#include "data/classes.h"
#include "data/dataset.h"
#include "nn/recipe.h"

/** Whether a recipe weighs classes. */
bool mien_weighs_classes(const struct mien_recipe *recipe);

/**
 * The weights that a recipe says; of classes that it does not name 1.
 *
 * Shapes  weights [class_count] float32, overwritten
 * Errors  MIEN_ERR_FORMAT: a class that the set does not have, or one by two names; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_weigh_classes(float *weights, const struct mien_recipe *recipe,
                                    const struct mien_dataset *set, struct mien_error *err);

/**
 * Names for the classes of data that is made up: those that a recipe weighs by name, then numbers.
 *
 * out     empty; release with mien_class_list_finish(), also after an error
 * Errors  MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_make_up_classes(struct mien_class_list *out, const struct mien_recipe *recipe,
                                      int class_count, struct mien_error *err);

#endif
