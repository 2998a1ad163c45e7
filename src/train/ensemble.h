/** ensemble.h - the mean of what several models say of the same images (internal) */
#ifndef MIEN_TRAIN_ENSEMBLE_H
#define MIEN_TRAIN_ENSEMBLE_H

#include "base/error.h"

/** Sums of probabilities, in the order of the first model's classes. */
struct mien_ensemble {
    char *const *classes; /**< borrowed from the first model */
    int class_count;
    size_t count, members; /**< images; models added so far */
    double *sums;          /**< [count][class_count] */
    int *order;            /**< [class_count]: which class of the model at hand each one is */
};

/**
 * Make room for so many images, none of which anything is said of yet.
 *
 * classes    of the first model, borrowed
 * Ownership  release with mien_ensemble_finish(); zeroed on error
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_ensemble_init(struct mien_ensemble *ensemble, char *const *classes,
                                    int class_count, size_t count, struct mien_error *err);
void mien_ensemble_finish(struct mien_ensemble *ensemble); /* zeroed is allowed */

/** Forget what was added, for as many or fewer images. */
void mien_ensemble_clear(struct mien_ensemble *ensemble, size_t count);

/** See that a model has the same classes, in any order.  Errors  MIEN_ERR_FORMAT */
MIEN_CHECK_RESULT
enum mien_status mien_ensemble_match(struct mien_ensemble *ensemble, char *const *classes,
                                     int class_count, struct mien_error *err);

/**
 * Add what a model says.
 *
 * Shapes  probabilities [count][class_count] float32, in the order of `classes`, the model's own
 * Errors  MIEN_ERR_FORMAT: as mien_ensemble_match()
 */
MIEN_CHECK_RESULT
enum mien_status mien_ensemble_add(struct mien_ensemble *ensemble, const float *probabilities,
                                   char *const *classes, int class_count, struct mien_error *err);

/**
 * The mean of all that was added, at least one.
 *
 * Shapes  probabilities [count][class_count] float32, overwritten, in the first model's order
 */
void mien_ensemble_mean(float *probabilities, const struct mien_ensemble *ensemble);

/** Mean over images of -ln(probability of the label); infinite where one is 0. */
double mien_ensemble_loss(const struct mien_ensemble *ensemble, const int32_t *labels);

#endif
