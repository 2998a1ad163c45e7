/** cmd_eval.h - what the files of `mien eval` share */
#ifndef MIEN_CLI_CMD_EVAL_H
#define MIEN_CLI_CMD_EVAL_H

#include "cli/session.h"
#include "train/evaluate.h"

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
