/** run_files.h - the files of a run folder beside checkpoints and history (internal to src/train)
 */
#ifndef MIEN_TRAIN_RUN_FILES_H
#define MIEN_TRAIN_RUN_FILES_H

#include <jansson.h>
#include <stdio.h>

#include "train/replay.h"
#include "train/run.h"

/** Paths of a run folder; owned. */
struct mien_run_paths {
    char *recipe, *history, *last, *best, *info, *steps, *replay;
    bool locked; /**< `lock` is open */
    int lock;    /**< the folder; released with the process, however that ends */
};

/**
 * Make the folder for a new run, as mien_run_check_folder() allows, and hold it against other
 * runs.
 *
 * Ownership  release with mien_run_paths_finish(), also after an error
 * Errors     MIEN_ERR_IO, among others: another run is in it now; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_run_paths_init(struct mien_run_paths *paths, const char *folder, bool resume,
                                     struct mien_error *err);
void mien_run_paths_finish(struct mien_run_paths *paths);

/** Remove what a run left that never came to its first checkpoint. */
void mien_run_clear(const struct mien_run_paths *paths);

/**
 * Open steps.csv for the next row: a new file, or, where a run goes on, the old one with its rows
 * up to `position`.
 *
 * Ownership  *out is the caller's, to be closed; NULL on error
 */
MIEN_CHECK_RESULT
enum mien_status mien_run_open_steps(FILE **out, const char *path,
                                     const struct mien_position *position, bool resume,
                                     struct mien_error *err);

/** See that all rows so far are on the disk.  Errors  MIEN_ERR_IO */
MIEN_CHECK_RESULT
enum mien_status mien_run_flush_steps(FILE *steps, const char *path, struct mien_error *err);

/** Write best.safetensors: the weights at hand, which are those of the position's best epoch, with
 * that epoch and its accuracy. */
MIEN_CHECK_RESULT
enum mien_status mien_run_save_best(const char *path, const struct mien_trainer *trainer,
                                    struct mien_error *err);

/**
 * See that best.safetensors has the weights of the best epoch that a restored position names:
 * without them, "better" means nothing.  Where that was the last epoch they are at hand and are
 * written, else the position forgets it, and the next epoch is the best again.  A file of an
 * earlier version does not say of which epoch it is, and is believed.
 */
MIEN_CHECK_RESULT
enum mien_status mien_run_find_best(struct mien_trainer *trainer, const char *path,
                                    const struct mien_log *log, struct mien_error *err);

/** Write recipe.yaml, the resolved recipe. */
MIEN_CHECK_RESULT
enum mien_status mien_run_write_recipe(const char *path, const struct mien_recipe *recipe,
                                       struct mien_error *err);

/** Of run.json, when it is read. */
enum { MIEN_RUN_INFO_LARGEST_BYTES = 1 << 20 };

/**
 * Put "command", which began the run, and "resumed_by", those that went on with it, into run.json.
 *
 * before_path  run.json as it was, whatever it holds now; NULL: none
 * begins       the command is one more of them
 */
void mien_run_add_commands(json_t **info, const char *before_path, const char *command,
                           bool begins);

/** Write run.json; `result` is NULL while the run is under way. */
MIEN_CHECK_RESULT
enum mien_status mien_run_write_info(const char *path, const struct mien_trainer *trainer,
                                     const struct mien_run_options *options,
                                     const struct mien_run_result *result, struct mien_error *err);
/** A run whose numbers are not finite any more; `what` NULL: they are. */
struct mien_run_lost {
    const char *what; /**< "the loss", "a gradient" */
    struct mien_replay_place place;
    struct mien_nonfinite first;
    bool written; /**< replay.safetensors repeats the step */
};

/**
 * Say where a run's numbers first were not finite: repeat the step that the guard names, layer by
 * layer, and write it to replay.safetensors.
 *
 * Errors  MIEN_ERR_NOT_FINITE, always, with all that is known; MIEN_ERR_CL, where the device cannot
 *         be asked
 */
MIEN_CHECK_RESULT
enum mien_status mien_run_lose(struct mien_run_lost *out, struct mien_trainer *trainer,
                               const struct mien_run_paths *paths, struct mien_error *err);

/** Write that the run failed and why, if that can be written at all; `lost` as above. */
void mien_run_note_failure(const char *path, const struct mien_trainer *trainer,
                           const struct mien_run_options *options, const char *failure,
                           const struct mien_run_lost *lost);

#endif
