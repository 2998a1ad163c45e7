/** replay.h - one step of a run in a file, to be repeated anywhere (internal)
 *
 * A weights file with the weights of before the step, and in it the batches of the step as the
 * network gets them: float images after augmentation and normalisation, their labels or shares of
 * the classes, the share of each batch in the step.  The optimiser's state is not there: nothing
 * before the update needs it.
 */
#ifndef MIEN_TRAIN_REPLAY_H
#define MIEN_TRAIN_REPLAY_H

#include "train/trainer.h"
#include "tune/table.h"

/** Which step of a run it is, all from 1. */
struct mien_replay_place {
    int epoch, step, steps; /**< steps of an epoch */
    double rate;
};

/**
 * Repeat a step of the epoch under way on the trainer's device, from the weights that are there,
 * looking for the first number that is not finite, and write it to a file.
 *
 * found   filled in also where the file cannot be written
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_CL; then what was at `path` is untouched
 */
MIEN_CHECK_RESULT
enum mien_status mien_replay_write(struct mien_nonfinite *found, const char *path,
                                   struct mien_trainer *trainer,
                                   const struct mien_replay_place *place, struct mien_error *err);

/** A step that was read. */
struct mien_replay {
    struct mien_model_file file;
    struct mien_replay_place place;
    struct mien_tuning tuning; /**< the run's kernels */
    enum mien_blas blas;       /**< the run's */
    char *device, *driver;     /**< the run's; owned */
    char *found;               /**< what was not finite there, as mien_nonfinite_text(); owned */
    int batch;                 /**< images of a batch, at most */
    uint32_t draw;             /**< what the first batch draws from, see struct mien_draw */
    size_t images, batches;
    int shape[3];           /**< channels, height, width */
    float *input;           /**< [images][channels][height][width] */
    int32_t *labels[2];     /**< [images]: first and second ones */
    float *seconds, *share; /**< [batches]: shares of the second labels; of the batch in the step */
    float *class_shares;    /**< [images][classes], what is right; NULL: the labels are */
    float *class_weights;   /**< [classes]; NULL: all count the same */
};

/**
 * Ownership  release with mien_replay_finish(); zeroed on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: not such a file, or damaged
 */
MIEN_CHECK_RESULT
enum mien_status mien_replay_read(struct mien_replay *out, const char *path,
                                  struct mien_error *err);
void mien_replay_finish(struct mien_replay *replay); /* zeroed is allowed */

/**
 * Repeat the step on a device, with these kernels, until something is not finite.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY, MIEN_ERR_SHAPE, MIEN_ERR_USAGE (blas); that something is
 *         not finite is none
 */
MIEN_CHECK_RESULT
enum mien_status mien_replay_run(struct mien_nonfinite *found, const struct mien_replay *replay,
                                 struct mien_cl *cl, enum mien_blas blas,
                                 const struct mien_tuning *tuning, struct mien_error *err);

/** Names of what a replay file holds beside the weights. */
#define MIEN_REPLAY_KEY           "replay"
#define MIEN_REPLAY_VARIANTS      "variants"
#define MIEN_REPLAY_INPUT         "replay.images"
#define MIEN_REPLAY_LABELS        "replay.labels"
#define MIEN_REPLAY_OTHER_LABELS  "replay.second_labels"
#define MIEN_REPLAY_SECONDS       "replay.second_share"
#define MIEN_REPLAY_SHARE         "replay.batch_share"
#define MIEN_REPLAY_CLASS_SHARES  "replay.class_shares"
#define MIEN_REPLAY_CLASS_WEIGHTS "replay.class_weights"

#endif
