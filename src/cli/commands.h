/** commands.h - the commands of mien, each from its own cmd_*.c */
#ifndef MIEN_CLI_COMMANDS_H
#define MIEN_CLI_COMMANDS_H

#include "cli/opt.h"

/** Those that `mien help` lists, by task.  (`man` is for those who package mien.) */
extern const struct command_group command_groups[];

extern const struct command cmd_selftest;
extern const struct command cmd_devices;
extern const struct command cmd_train;
extern const struct command cmd_find_rate;
extern const struct command cmd_sweep;
extern const struct command cmd_eval;
extern const struct command cmd_report;
extern const struct command cmd_predict;
extern const struct command cmd_explain;
extern const struct command cmd_export;
extern const struct command cmd_import;
extern const struct command cmd_summary;
extern const struct command cmd_tune;
extern const struct command cmd_bench;
extern const struct command cmd_check;
extern const struct command cmd_augment;
extern const struct command cmd_pack;
extern const struct command cmd_synth;
extern const struct command cmd_help;
extern const struct command cmd_completion;
extern const struct command cmd_man;

/** The command of that name; NULL when there is none. */
const struct command *command_find(const char *name);

/** Errors  MIEN_ERR_USAGE, always: `name` is no command, and which one may have been meant */
MIEN_CHECK_RESULT
enum mien_status command_unknown(const char *name, struct mien_error *err);

/** What the program's exit code says of a status: the only place where the two meet. */
int exit_code(enum mien_status status);

#endif
