/* cmd_help.c - `mien help`, and the generators behind the manual page and the completion */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/term.h"

struct help_options {
    struct common_options common;
    const char *about;
};

static const struct positional help_positionals[] = {
    { "COMMAND", offsetof(struct help_options, about), 0, 1, "what to explain", OPT_ANY },
    { .name = NULL },
};

static const struct help_options help_defaults = { .common = { .seed = -1 } };

static enum mien_status help(const void *options, struct term *term, struct mien_error *err)
{
    const struct help_options *const o = options;
    if (o->about != NULL) {
        const struct command *const command = command_find(o->about);
        if (command == NULL) {
            return command_unknown(o->about, err);
        }
        opt_print_help(stdout, command);
        term_wrote(term);
        return MIEN_OK;
    }
    term_print(term, "Usage: mien COMMAND [arguments] [options]\n\n"
                     "Train and evaluate small convolutional networks on any OpenCL "
                     "device.\n");
    opt_print_commands(stdout, command_groups);
    term_wrote(term);
    term_print(term,
               "\n'mien COMMAND --help' explains one.  'mien --version' prints the version.\n");
    return MIEN_OK;
}

const struct command cmd_help = {
    .name = "help",
    .summary = "Explain a command, or list all of them",
    .positionals = help_positionals,
    .common = COMMON_QUIET,
    .options_bytes = sizeof(struct help_options),
    .defaults = &help_defaults,
    .run = help,
};

static enum mien_status man(const void *options, struct term *term, struct mien_error *err)
{
    (void)options;
    (void)err;
    opt_print_man(stdout, command_groups);
    term_wrote(term);
    return MIEN_OK;
}

const struct command cmd_man = {
    .name = "man",
    .summary = "Print the manual page's source",
    .common = COMMON_QUIET,
    .options_bytes = sizeof(struct common_options),
    .defaults = &help_defaults.common,
    .run = man,
};

static const struct positional completion_positionals[] = {
    { "SHELL", offsetof(struct help_options, about), 1, 1,
      "the shell to complete in: bash, zsh or fish", OPT_ANY },
    { .name = NULL },
};

static enum mien_status completion(const void *options, struct term *term, struct mien_error *err)
{
    const struct help_options *const o = options;
    if (!opt_print_completion(stdout, o->about, command_groups)) {
        const char *const near = opt_nearest(o->about, opt_shells);
        return mien_fail(err, MIEN_ERR_USAGE, "SHELL: '%s' is none of bash, zsh, fish%s%s%s",
                         o->about, near != NULL ? ", did you mean " : "", near != NULL ? near : "",
                         near != NULL ? "?" : "");
    }
    term_wrote(term);
    return MIEN_OK;
}

const struct command cmd_completion = {
    .name = "completion",
    .summary = "Print the script that completes mien's options in a shell",
    .details = "bash, in ~/.bashrc: eval \"$(mien completion bash)\"\n"
               "zsh, in ~/.zshrc after compinit: eval \"$(mien completion zsh)\"\n"
               "fish: mien completion fish > ~/.config/fish/completions/mien.fish\n\n"
               "An installed mien has all three in place.",
    .positionals = completion_positionals,
    .common = COMMON_QUIET,
    .options_bytes = sizeof(struct help_options),
    .defaults = &help_defaults,
    .run = completion,
};
