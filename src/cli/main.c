/* main.c - the program's entry: finds the command, runs it, says how it ended */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/term.h"

/*
 * A standard stream that was closed by the caller must stay unusable: otherwise the next file
 * opened takes its number, and results would be written into a checkpoint.
 */
static void hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1) {
            /* The wrong way round, so that reading the one and writing the other still fails. */
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

static enum mien_status run(const struct command *command, struct term *term, int argc,
                            const char *const *argv, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    struct common_options *const options = mien_calloc(1, command->options_bytes, err);
    if (options == NULL) {
        return st;
    }
    memcpy(options, command->defaults, command->options_bytes);
    st = opt_parse(command, options, argc, argv, err);
    if (st == MIEN_ERR_USAGE) {
        const struct mien_error cause = *err;
        (void)mien_fail(err, st, "%.800s; 'mien %s --help' explains", cause.text, command->name);
    }
    if (st != MIEN_OK) {
        goto done;
    }
    if (options->help) {
        opt_print_help(stdout, command);
        term_wrote(term);
        goto done;
    }
    term->quiet = options->quiet;
    TRY(opt_check_paths(command, options, err));
    TRY(command->run(options, term, err));

done:
    opt_release(command, options);
    free(options);
    return st;
}

/* The words that are no command: options of the program itself. */
static const char *command_name(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return "help";
    }
    return argv[1];
}

static enum mien_status dispatch(struct term *term, int argc, char **argv, struct mien_error *err)
{
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        term_print(term, "mien " MIEN_VERSION "\n");
        return MIEN_OK;
    }
    const char *const name = command_name(argc, argv);
    const struct command *const command = command_find(name);
    if (command == NULL) {
        const enum mien_status st = command_unknown(name, err);
        const struct mien_error cause = *err;
        return mien_fail(err, st, "%.800s; 'mien help' lists the commands", cause.text);
    }
    term->command = command->name;
    return run(command, term, argc > 2 ? argc - 2 : 0, (const char *const *)argv + 2, err);
}

/* The command line as a run's record keeps it; NULL when there is no memory for it. */
static char *join_words(int argc, char **argv)
{
    size_t bytes = sizeof("mien");
    for (int i = 1; i < argc; i++) {
        bytes += strlen(argv[i]) + 1;
    }
    char *const joined = calloc(bytes, 1);
    size_t used = 0;
    for (int i = 0; joined != NULL && i < argc; i++) {
        const char *const word = i == 0 ? "mien" : argv[i];
        const int wrote = snprintf(joined + used, bytes - used, i == 0 ? "%s" : " %s", word);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return joined;
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    /* A reader that went away and a file-size limit are errors of the write, reported like others.
     */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);

    struct term term;
    char *const command_line = join_words(argc, argv);
    term_init(&term, "");
    term.command_line = command_line != NULL ? command_line : "";
    struct mien_error err = { "" };
    enum mien_status st = argc < 2 ? MIEN_ERR_USAGE : dispatch(&term, argc, argv, &err);
    if (argc < 2) {
        (void)mien_fail(&err, st, "no command given; 'mien help' lists the commands");
    }
    if (st == MIEN_OK) {
        st = term_finish(&term, &err);
    }
    if (st != MIEN_OK) {
        (void)fflush(stdout);
        term_error(&term, "%s", err.text);
    }
    free(command_line);
    return exit_code(st);
}
