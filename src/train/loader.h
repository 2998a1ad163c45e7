/** loader.h - batches of a data set, gathered, augmented and normalised on the device (internal) */
#ifndef MIEN_TRAIN_LOADER_H
#define MIEN_TRAIN_LOADER_H

#include "data/dataset.h"
#include "nn/model.h"
#include "ops/gather.h"

/**
 * The whole set lives on the device as uint8 where it fits; else the images of each batch are
 * copied through two staging buffers, so that one is filled while the device works on the other.
 */
struct mien_loader;

struct mien_loader_options {
    int batch;                        /**< images of a batch, at most */
    const struct mien_recipe *recipe; /**< what becomes of an image; borrowed */
    size_t device_bytes; /**< most that images and their shares may take on the device; 0: half of
                              its memory, less what is taken already */
    bool targets; /**< training images come with the shares of all classes, which are the set's
                       target distributions in the part that the recipe's train.soft_targets says
                       and their label in the rest; the set must have them */
};

/** Device memory that training's loader takes for its batches where the set is on the device, and
 * that the set then takes for each image, its label and shares and its place in the order. */
size_t mien_loader_batch_bytes(const struct mien_recipe *recipe, int classes, int batch);
size_t mien_loader_image_bytes(const struct mien_recipe *recipe, int classes);

/** Device memory that training's loader takes at least: what it does where the set is not on the
 * device. */
size_t mien_loader_least_bytes(const struct mien_recipe *recipe, int classes, int batch);

/**
 * Ownership  `cl` and `set` are borrowed
 * Errors     MIEN_ERR_MEMORY, MIEN_ERR_CL; MIEN_ERR_SHAPE: images that are not of the recipe's size
 */
MIEN_CHECK_RESULT
enum mien_status mien_loader_create(struct mien_loader **out, struct mien_cl *cl,
                                    const struct mien_dataset *set,
                                    const struct mien_loader_options *options,
                                    struct mien_error *err);
void mien_loader_destroy(struct mien_loader *loader); /* NULL is allowed */

/** What becomes of an image, the images of the data set, and whether they live on the device. */
const struct mien_recipe *mien_loader_recipe(const struct mien_loader *loader);
const struct mien_dataset *mien_loader_set(const struct mien_loader *loader);
bool mien_loader_resident(const struct mien_loader *loader);

/** Take a split in its own order; its images come as they are, without the recipe's margin. */
MIEN_CHECK_RESULT
enum mien_status mien_loader_in_order(struct mien_loader *loader, enum mien_split split,
                                      struct mien_error *err);
/** The same in the order that (seed, epoch) draws. */
MIEN_CHECK_RESULT
enum mien_status mien_loader_shuffled(struct mien_loader *loader, enum mien_split split,
                                      uint64_t seed, int epoch, struct mien_error *err);
/**
 * Change the images of the split taken last, and mix its batches, as the recipe's `augment` says
 * and (its seed, epoch, image or place of the batch) draws, until a split is taken again.
 */
void mien_loader_augment(struct mien_loader *loader, int epoch);
/** Images of the split taken last. */
size_t mien_loader_count(const struct mien_loader *loader);
/** The index in the data set of the image at a place of the order. */
size_t mien_loader_image(const struct mien_loader *loader, size_t place);

/**
 * What images [first, first + n) of the order count: the sum of the class weights, [class count]
 * float32, of their labels or shares; n where they are NULL.
 */
double mien_loader_weight(const struct mien_loader *loader, const float *class_weights,
                          size_t first, size_t n);

/** Enqueue: images [first, first + n) of the order into the model's input, their labels beside it.
 */
MIEN_CHECK_RESULT
enum mien_status mien_loader_load(struct mien_loader *loader, struct mien_model *model,
                                  size_t first, int n, struct mien_error *err);
/**
 * Enqueue: another view of the batch loaded last into the model's input.
 *
 * A split that is augmented has no views.
 */
MIEN_CHECK_RESULT
enum mien_status mien_loader_show(struct mien_loader *loader, struct mien_model *model,
                                  const struct mien_gather_view *view, struct mien_error *err);
/** Labels of the batch loaded last: [n] int32, or [2][n] where it is mixed; borrowed. */
struct mien_cl_buffer *mien_loader_labels(const struct mien_loader *loader);
/** Their shares of all classes, [n][class count] float32; NULL where their labels are what is
 * right; borrowed. */
struct mien_cl_buffer *mien_loader_shares(const struct mien_loader *loader);
/** The share 0 to 1 of the second labels in the batch loaded last; 0: it is not mixed. */
float mien_loader_second(const struct mien_loader *loader);

#endif
