/** class_weights.h - what the classes of a data set count in training (internal) */
#ifndef MIEN_TRAIN_CLASS_WEIGHTS_H
#define MIEN_TRAIN_CLASS_WEIGHTS_H

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

#endif
