/* commands.c - the table of commands, and what their status means as an exit code */
#include "cli/commands.h"

#include <string.h>

#include "base/error.h"

/* A word per command. */
// clang-format off
static const struct command *const training[] = { &cmd_train, &cmd_find_rate, &cmd_sweep, &cmd_tune, &cmd_summary, NULL };
static const struct command *const using[] = { &cmd_eval, &cmd_report, &cmd_predict, &cmd_explain, &cmd_export, &cmd_import, NULL };
static const struct command *const data[] = { &cmd_pack, &cmd_check, &cmd_augment, &cmd_synth, NULL };
static const struct command *const machine[] = { &cmd_devices, &cmd_selftest, &cmd_bench, NULL };
static const struct command *const help[] = { &cmd_help, &cmd_completion, NULL };
// clang-format on

const struct command_group command_groups[] = {
    { "Training", training },        { "Using a model", using }, { "Data", data },
    { "Device and speed", machine }, { "Help", help },           { NULL, NULL },
};

const struct command *command_find(const char *name)
{
    for (const struct command_group *group = command_groups; group->title != NULL; group++) {
        for (size_t i = 0; group->commands[i] != NULL; i++) {
            if (strcmp(group->commands[i]->name, name) == 0) {
                return group->commands[i];
            }
        }
    }
    return strcmp(name, cmd_man.name) == 0 ? &cmd_man : NULL;
}

enum mien_status command_unknown(const char *name, struct mien_error *err)
{
    enum { MOST = 64 };
    const char *names[MOST + 1] = { NULL };
    size_t count = 0;
    for (const struct command_group *group = command_groups; group->title != NULL; group++) {
        for (size_t i = 0; group->commands[i] != NULL && count < MOST; i++) {
            names[count++] = group->commands[i]->name;
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
