/** cmd_eval.h - what the files of `mien eval` share */
#ifndef MIEN_CLI_CMD_EVAL_H
#define MIEN_CLI_CMD_EVAL_H

#include "cli/session.h"
#include "train/evaluate.h"

/** Words of an option that keeps an enum mien_split; NULL ends them. */
extern const char *const eval_split_choices[];

/**
 * The split to evaluate on: `wanted`, or where that is -1 the first of validation, test and train
 * that has images; a notice says so where it is not validation.
 *
 * Errors  MIEN_ERR_FORMAT: no images in the one that is wanted
 */
MIEN_CHECK_RESULT
enum mien_status eval_choose_split(enum mien_split *out, const struct mien_dataset *set, int wanted,
                                   struct term *term, struct mien_error *err);

/** A model that took part, and what it is worth alone. */
struct eval_member {
    const char *model; /**< as it was typed */
    double accuracy, loss;
};

/** What an evaluation found. */
struct eval_result {
    const char *data;
    const struct session *session;
    char *const *classes; /**< the first model's, as all that is judged */
    enum mien_split split;
    int views;
    const struct eval_member *members;
    size_t member_count;
    struct mien_judgement judged; /**< of the mean of all members */
};

/** For people, on stdout. */
void eval_print(struct term *term, const struct eval_result *result);

/** For programs: docs/json.md; NULL where there is no memory for it. */
json_t *eval_describe(const struct eval_result *result);

#endif
