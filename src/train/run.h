/** run.h - a whole training run in its folder: epochs, history, checkpoints, going on (internal) */
#ifndef MIEN_TRAIN_RUN_H
#define MIEN_TRAIN_RUN_H

#include "train/history.h"
#include "train/trainer.h"

struct mien_run_options {
    const char *folder;  /**< made where it is missing */
    const char *data;    /**< where the data came from, for run.json */
    const char *command; /**< the command line, for run.json */
    bool resume;         /**< go on from folder/last.safetensors */
    size_t max_steps;    /**< end after this many steps of this run; 0: no limit */
    int max_epochs;      /**< end when so many epochs of the run are made, as if it were stopped
                              there: the schedule is that of the recipe's epochs; 0: no limit */
    int keep_every;      /**< also keep epoch-N.safetensors each so many epochs; 0: none */
    bool log_steps;      /**< write steps.csv, the loss of each step; waits for every step */
    struct mien_trainer_options trainer; /**< a run that goes on takes its checkpoint's tuning */

    /* All may be NULL; called from the calling thread. */
    bool (*stop)(void *user); /**< asked after each step */
    void (*progress)(void *user, const struct mien_run_progress *progress);
    void (*epoch)(void *user, const struct mien_epoch *row, bool best);
    void *user;
    const struct mien_log *log;
};

/**
 * See whether a new run may have a folder: one that is not there, or holds nothing but what a run
 * left that never came to its first checkpoint.  For those who would rather know before they load
 * data; mien_run() looks again.
 *
 * Errors  MIEN_ERR_IO: it is no folder, holds a run or other files; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_run_check_folder(const char *folder, struct mien_error *err);

/**
 * Train a model on a data set into a run folder: recipe.yaml, history.csv, last.safetensors,
 * best.safetensors, run.json.
 *
 * file    recipe, network, classes and first weights; for a run that goes on, read from its
 *         last.safetensors, whose weights it gets again.  Its weights are the last ones afterwards;
 *         after a failure those of the last checkpoint, or those it came with
 * Errors  MIEN_ERR_IO: the folder cannot be written, holds a run already and `resume` is false, or
 *         another run is in it now
 *         MIEN_ERR_NOT_FINITE: the loss, a gradient or a weight; the files stay as the epoch before
 *         left them, and replay.safetensors has the step
 *         MIEN_ERR_CL, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT as mien_checkpoint_restore()
 */
MIEN_CHECK_RESULT
enum mien_status mien_run(struct mien_run_result *out, struct mien_cl *cl,
                          struct mien_model_file *file, const struct mien_dataset *set,
                          const struct mien_run_options *options, struct mien_error *err);

#endif
