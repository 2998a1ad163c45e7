/* commands.c - the table of commands, and what their status means as an exit code */
#include "cli/commands.h"

#include <string.h>

#include "base/error.h"

/* A line per command. */
// clang-format off
const struct command *const commands[] = {
    &cmd_devices,
    &cmd_train,
    &cmd_eval,
    &cmd_predict,
    &cmd_summary,
    &cmd_tune,
    &cmd_bench,
    &cmd_check,
    &cmd_pack,
    &cmd_synth,
    &cmd_help,
    &cmd_completion,
    &cmd_man,
    NULL,
};
// clang-format on
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) - 1 };

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

enum mien_status command_unknown(const char *name, struct mien_error *err)
{
    const char *names[COMMANDS + 1] = { NULL };
    size_t count = 0;
    for (size_t i = 0; i < COMMANDS; i++) {
        if (!commands[i]->hidden) {
            names[count++] = commands[i]->name;
        }
    }
    const char *const near = opt_nearest(name, names);
    if (near != NULL) {
        return mien_fail(err, MIEN_ERR_USAGE, "unknown command '%s', did you mean %s?", name, near);
    }
    return mien_fail(err, MIEN_ERR_USAGE, "unknown command '%s'", name);
}

int exit_code(enum mien_status status)
{
    switch (status) {
    case MIEN_OK: return 0;
    case MIEN_ERR_USAGE: return 2;
    case MIEN_ERR_NO_DEVICE: return 3;
    case MIEN_ERR_FORMAT:
    case MIEN_ERR_SHAPE: return 4; /* a recipe or weights that cannot be */
    case MIEN_ERR_INTERRUPTED: return 130;
    case MIEN_ERR_MEMORY:
    case MIEN_ERR_CL:
    case MIEN_ERR_IO:
    case MIEN_ERR_NOT_FINITE: break;
    }
    return 1;
}
