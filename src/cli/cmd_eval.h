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

/** What was found of each image.  All borrowed. */
struct eval_predictions {
    const struct mien_dataset *set; /**< for the images' names */
    size_t first, count;            /**< images of the set */
    char *const *classes;
    int class_count;
    const int32_t *labels;      /**< [count], in these classes */
    const float *probabilities; /**< [count][class_count] */
};

/**
 * See that predictions can be written.
 *
 * Errors  MIEN_ERR_USAGE: a name that does not end in .csv, or the data's; MIEN_ERR_FORMAT: a class
 *         with the name of another column
 */
MIEN_CHECK_RESULT
enum mien_status eval_check_predictions(const char *path, const char *data, char *const *classes,
                                        int class_count, struct mien_error *err);

/**
 * Write a CSV file with a row for each image: image, label, predicted, and the probability of each
 * class under its name.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY; then what was at `path` is untouched
 */
MIEN_CHECK_RESULT
enum mien_status eval_write_predictions(const char *path, const struct eval_predictions *found,
                                        struct mien_error *err);

/** For people, on stdout. */
void eval_print(struct term *term, const struct eval_result *result);

/** For programs: docs/json.md; NULL where there is no memory for it. */
json_t *eval_describe(const struct eval_result *result);

#endif
