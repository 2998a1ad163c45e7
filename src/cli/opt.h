/** opt.h - one table per command drives parsing, --help, the man page and completion */
#ifndef MIEN_CLI_OPT_H
#define MIEN_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "mien.h"

struct term;

/** The type of the field at `offset`, and what a value may be. */
enum opt_kind {
    OPT_FLAG,    /**< bool; takes no value */
    OPT_INT,     /**< int in [min, max] */
    OPT_INT64,   /**< int64_t in [min, max] */
    OPT_DOUBLE,  /**< double in [min, max] */
    OPT_SIZE,    /**< struct opt_size, "HxW" or one number for both, each in [min, max] */
    OPT_STRING,  /**< const char *, never empty */
    OPT_STRINGS, /**< struct opt_strings: the option may come again, values are kept in order */
    OPT_CHOICE,  /**< int, index into `choices` */
};

/** What a string names, so that it can be checked before any work begins. */
enum opt_role {
    OPT_ANY,    /**< nothing to check */
    OPT_INPUT,  /**< a file or folder that must be there and readable */
    OPT_OUTPUT, /**< a file to be written: no folder, and its own folder must be there */
    OPT_FOLDER, /**< a folder to be made and filled: not there yet, or empty */
};

struct opt_size {
    int height, width; /**< pixels */
};

/** Values of a repeated option or positional; the strings are owned. */
struct opt_strings {
    char **items;
    size_t count;
};

struct opt {
    const char *name; /**< long name without dashes; NULL ends the table */
    enum opt_kind kind;
    size_t offset;     /**< of the field in the command's option struct */
    const char *value; /**< what stands for the value in texts: "N", "FILE"; NULL for a flag */
    const char *help;  /**< one line, no full stop; the default is added from the defaults struct */
    double min, max;   /**< numbers: both ends are allowed; a default outside means "not given" */
    const char *const *choices; /**< OPT_CHOICE: NULL ends them */
    /** A recipe's key: the checked value is kept as "key=value" in the struct opt_strings at
     * offset. */
    const char *setting;
    enum opt_role role;
    bool required;
};

/** An argument without dashes; arguments fill the table's rows in order, and a row that takes many
 * leaves those that the rows behind it must have. */
struct positional {
    const char *name; /**< "DATA"; NULL ends the table */
    size_t offset;    /**< of a const char * (max 1) or a struct opt_strings (max above 1) */
    int min, max;     /**< how many; OPT_MANY: no upper limit */
    const char *help;
    enum opt_role role;
};
#define OPT_MANY INT32_MAX

/** Options that several commands share: one table in opt.c, each command says which it takes. */
struct common_options {
    const char *device; /**< NULL: not given, MIEN_DEVICE or auto decides */
    int64_t seed;       /**< -1: not given */
    bool quiet, json, help;
};
enum { COMMON_DEVICE = 1, COMMON_SEED = 2, COMMON_JSON = 4, COMMON_QUIET = 8 };

struct command {
    const char *name;
    const char *summary; /**< "Draw a data set of synthetic faces": one line, no full stop */
    const char
        *details; /**< paragraphs for --help and the manual, "\n\n" between them; may be NULL */
    const struct opt *options;            /**< may be NULL */
    const struct positional *positionals; /**< may be NULL */
    unsigned common;                      /**< COMMON_... of those it takes; --help always */
    size_t options_bytes;                 /**< of its option struct, */
    const void *defaults;                 /**< whose first member is a struct common_options */
    enum mien_status (*run)(const void *options, struct term *term, struct mien_error *err);
};

/**
 * Fill `into`, a copy of the command's defaults, from the arguments behind the command's name.
 *
 * `--opt value` and `--opt=value` are the same; `--` ends the options; `-h` is --help, after which
 * nothing is checked for being complete.
 * Ownership  plain strings are borrowed from argv, struct opt_strings are released with
 *            opt_release()
 * Errors     MIEN_ERR_USAGE: the option, the value it got and what it takes; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status opt_parse(const struct command *command, void *into, int argc,
                           const char *const *argv, struct mien_error *err);

/** Release what opt_parse() allocated, also after it failed. */
void opt_release(const struct command *command, void *into);

/**
 * See that every OPT_INPUT can be read, every OPT_OUTPUT written and every OPT_FOLDER filled.
 * Errors  MIEN_ERR_FORMAT: an input that is missing or unreadable; MIEN_ERR_IO: any other
 */
MIEN_CHECK_RESULT
enum mien_status opt_check_paths(const struct command *command, const void *options,
                                 struct mien_error *err);

/** The same of one path; NULL is allowed. */
MIEN_CHECK_RESULT
enum mien_status opt_check_path(enum opt_role role, const char *path, struct mien_error *err);

/** The word of `words` (NULL ends them) that `typed` most likely stands for; NULL when none is
 * near. */
const char *opt_nearest(const char *typed, const char *const *words);

/** Rows of the shared table that `command` takes are visited after its own; stops at NULL. */
const struct opt *opt_at(const struct command *command, size_t index);

/** Commands for one kind of task, as `mien help` lists them. */
struct command_group {
    const char *title;                     /**< "Training"; NULL ends a table of groups */
    const struct command *const *commands; /**< NULL ends them */
};

/** Texts made from the tables. */
void opt_print_help(FILE *to, const struct command *command);
void opt_print_commands(FILE *to, const struct command_group *groups);
void opt_print_man(FILE *to, const struct command_group *groups);

/** The shells that there are completions for; NULL ends them. */
extern const char *const opt_shells[];

/** Print the script for one of them; false, with nothing printed, for any other. */
bool opt_print_completion(FILE *to, const char *shell, const struct command_group *groups);

#endif
