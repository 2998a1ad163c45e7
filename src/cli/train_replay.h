/** train_replay.h - `mien train --replay`: one step of a run repeated on a device */
#ifndef MIEN_CLI_TRAIN_REPLAY_H
#define MIEN_CLI_TRAIN_REPLAY_H

#include "cli/session.h"

struct train_replay_options {
    const char *path;
    const struct common_options *common;
    int blas;           /**< enum mien_blas; below 0: as the run, where the tuning is its own */
    const char *tuning; /**< NULL: as the run, where the device is its own */
    bool no_selftest;
};

/**
 * Repeat the step of a replay file and say where a number first is not finite.
 *
 * Errors  MIEN_ERR_NOT_FINITE: there is one here too; MIEN_ERR_IO, MIEN_ERR_FORMAT: of the file; as
 *         session_open(), prove_device(), mien_replay_run()
 */
MIEN_CHECK_RESULT
enum mien_status train_replay(const struct train_replay_options *options, struct term *term,
                              struct mien_error *err);

#endif
