/** augment.h - how each training image is changed in each epoch (internal) */
#ifndef MIEN_TRAIN_AUGMENT_H
#define MIEN_TRAIN_AUGMENT_H

#include "nn/recipe.h"
#include "ops/gather.h"

/** Whether a recipe changes its training images at all. */
bool mien_augment_any(const struct mien_augment_spec *spec);

/** Where the pixels of one image come from, all about the middle of image and batch. */
struct mien_augment_place {
    bool mirror;
    double turn;        /**< radians */
    double factor;      /**< size of what is seen; above 0 */
    double right, down; /**< pixels of the loaded image that its middle moves by */
};

/** The place as the kernel takes it, for images of a recipe's size and margin. */
void mien_augment_map(cl_float map[6], const struct mien_augment_place *place,
                      const struct mien_recipe *recipe);

/**
 * Draw the change of image `index` of the data set in an epoch (from 0).
 *
 * Numerics  a pure function of the recipe with its seed, the epoch and the index; what the recipe
 *           leaves alone is exactly as it was
 * Source    erasing: Zhong et al., "Random erasing data augmentation", 2017, as torchvision does it
 */
void mien_augment_draw(struct mien_gather_change *out, const struct mien_recipe *recipe, int epoch,
                       size_t index);

/**
 * Draw the share, 0 to 1, that each image of a batch has in the one that lies as far from the
 * batch's other end: Beta(mixup, mixup), 0 where the recipe mixes nothing.
 *
 * first      position of the batch's first image in the epoch
 * Numerics   a pure function of the recipe with its seed, the epoch and the position
 * Source     Zhang et al., "mixup: beyond empirical risk minimization", 2017; symmetric beta:
 *            Devroye, "Non-uniform random variate generation", 1986, chapter IX (Johnk, Ulrich)
 */
float mien_augment_mix(const struct mien_recipe *recipe, int epoch, size_t first);

#endif
