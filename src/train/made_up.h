/** made_up.h - a data set of noise in memory, for steps whose data does not matter (internal) */
#ifndef MIEN_TRAIN_MADE_UP_H
#define MIEN_TRAIN_MADE_UP_H

#include "data/dataset.h"
#include "train/model_file.h"

/** A set that is used like any other; zeroed is none. */
struct mien_made_up {
    struct mien_dataset set; /**< training images alone; classes are the model's */
    uint8_t *images;
    int32_t *labels;
    float *targets; /**< NULL unless the recipe learns from them */
};

/**
 * Images of noise that fit a model, the same ones each time; labels go round.
 *
 * steps      as many as the set has training images for
 * Ownership  release with mien_made_up_finish(), also after an error; `file` must outlive it
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_made_up_init(struct mien_made_up *out, const struct mien_model_file *file,
                                   size_t steps, struct mien_error *err);
void mien_made_up_finish(struct mien_made_up *made_up);

#endif
