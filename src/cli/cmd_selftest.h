/** cmd_selftest.h - what the files of `mien selftest` share */
#ifndef MIEN_CLI_CMD_SELFTEST_H
#define MIEN_CLI_CMD_SELFTEST_H

#include "cli/session.h"

struct selftest_options {
    struct common_options common;
    const char *shapes; /**< a recipe or a model; NULL: none */
    struct opt_strings settings;
    int classes; /**< 0: not given */
    const char *filter;
    bool quick;
    const char *against; /**< another device; NULL: none */
    int steps;           /**< 0: not given */
};

/**
 * `--against`: the steps of a model on the session's device and on the other one, printed.
 *
 * Errors  MIEN_ERR_CL: they are too far apart; MIEN_ERR_NO_DEVICE, MIEN_ERR_USAGE: the other
 * device; as mien_against()
 */
MIEN_CHECK_RESULT
enum mien_status selftest_against(const struct selftest_options *o, struct session *session,
                                  struct mien_model_file *file, struct term *term,
                                  struct mien_error *err);

#endif
