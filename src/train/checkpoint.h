/** checkpoint.h - the whole state of a run in one file, and back (internal) */
#ifndef MIEN_TRAIN_CHECKPOINT_H
#define MIEN_TRAIN_CHECKPOINT_H

#include "train/trainer.h"
#include "tune/table.h"

/**
 * Write weights (their average where the recipe asks for one, and then those in training as a state
 * beside it), optimiser state, position, sums of the epoch under way, the data's fingerprint and
 * the kernel variants in use; waits for the device.
 *
 * Errors  MIEN_ERR_NOT_FINITE: a weight, named; MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_CL; then
 *         what was at `path` is untouched
 */
MIEN_CHECK_RESULT
enum mien_status mien_checkpoint_save(const char *path, struct mien_trainer *trainer,
                                      struct mien_error *err);

/**
 * The kernel variants that a checkpoint's run uses, for the trainer that goes on with it: the same
 * ones give the same bits, whatever was tuned since.  Empty where the file does not say.
 *
 * Ownership  release with mien_tuning_finish(); empty on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: variants that there are not
 */
MIEN_CHECK_RESULT
enum mien_status mien_checkpoint_tuning(struct mien_tuning *out, const char *path,
                                        struct mien_error *err);

/**
 * Whether a checkpoint's run takes its images shuffled.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: not a checkpoint
 */
MIEN_CHECK_RESULT
enum mien_status mien_checkpoint_shuffled(bool *out, const char *path, struct mien_error *err);

/**
 * Put a checkpoint's state into a trainer that was made from the same file's recipe and weights.
 *
 * Errors  MIEN_ERR_FORMAT: not a checkpoint, damaged, or of other data (fingerprints differ);
 *         MIEN_ERR_USAGE: another batch or order of images than the epoch under way began with
 */
MIEN_CHECK_RESULT
enum mien_status mien_checkpoint_restore(struct mien_trainer *trainer, const char *path,
                                         struct mien_error *err);

#endif
