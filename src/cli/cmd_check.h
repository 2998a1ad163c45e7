/** cmd_check.h - what the files of `mien check` share */
#ifndef MIEN_CLI_CMD_CHECK_H
#define MIEN_CLI_CMD_CHECK_H

#include <jansson.h>

#include "cli/term.h"
#include "data/check.h"

/** A finished check, and how to tell of it. */
struct check_report {
    const char *data; /**< as it was typed */
    const struct mien_check *check;
    struct mien_check_counts counts;
    double near;      /**< least correlation of near copies */
    int examples;     /**< shown of each finding, as text */
    const char *list; /**< the list that was written; NULL: none */
    bool list_all;    /**< of every split, not of training alone */
    size_t listed[MIEN_REASONS];
};

/** A size that images came in. */
struct check_size {
    int height, width;
    size_t images;
};

/**
 * The sizes of all readable images, the most frequent first.
 *
 * Ownership  *out is the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status check_sizes(struct check_size **out, size_t *count, const struct mien_check *check,
                             struct mien_error *err);

/** Images of each class in a split: counts [class_count], overwritten. */
void check_classes(size_t *counts, const struct mien_check *check, enum mien_split split);

/** For people, on stdout.  Errors  MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status check_print(struct term *term, const struct check_report *report,
                             struct mien_error *err);

/** For programs: docs/json.md.  Ownership  *out is the caller's.  Errors  MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status check_describe(json_t **out, const struct check_report *report,
                                struct mien_error *err);

#endif
