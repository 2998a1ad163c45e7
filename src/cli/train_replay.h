/** train_replay.h - `mien train --replay`: one step of a run repeated on a device */
#ifndef MIEN_CLI_TRAIN_REPLAY_H
#define MIEN_CLI_TRAIN_REPLAY_H

#include "cli/session.h"

/**
 * Repeat the step of a replay file and say where a number first is not finite.
 *
 * blas, tuning  as the options say: 0 and NULL where they do not
 * Errors        MIEN_ERR_NOT_FINITE: there is one here too; MIEN_ERR_IO, MIEN_ERR_FORMAT: of the
 *               file; as session_open(), mien_replay_run()
 */
MIEN_CHECK_RESULT
enum mien_status train_replay(const char *path, const struct common_options *common, int blas,
                              const char *tuning, struct term *term, struct mien_error *err);

#endif
