/** report_parts.h - the parts of a report, collected as JSON (internal to mien report and train) */
#ifndef MIEN_CLI_REPORT_PARTS_H
#define MIEN_CLI_REPORT_PARTS_H

#include <jansson.h>

#include "cli/cmd_eval.h"
#include "cli/session.h"

/** Of report.json, when it is read: it has pictures in it, 64 of each class if asked for. */
enum { REPORT_LARGEST_BYTES = 256 << 20 };

/** Images of each class, and mistakes, that it shows unless stated. */
enum { REPORT_SAMPLES = 8, REPORT_MISTAKES = 12 };

/**
 * Start a report: "format", "version", "name" and, unless it is NULL, "command".
 *
 * Ownership  the caller's, release with json_decref(); NULL where there is no memory
 */
json_t *report_begin(const char *name, const char *command);

/** "model": the file's name, classes, network and recipe. */
MIEN_CHECK_RESULT
enum mien_status report_add_model(json_t *report, const char *path,
                                  const struct mien_model_file *file, struct mien_error *err);

/**
 * "run" and "history", from a run's folder; what is missing in it is left out.
 *
 * Errors  MIEN_ERR_FORMAT: a file that is there and not mien's; MIEN_ERR_IO, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status report_add_run(json_t *report, const char *folder, struct mien_error *err);

/** "run", from a run.json.  Errors  as of report_add_run() */
MIEN_CHECK_RESULT
enum mien_status report_add_info(json_t *report, const char *path, struct mien_error *err);

/** "filters": those of the first convolution, if there is one. */
MIEN_CHECK_RESULT
enum mien_status report_add_filters(json_t *report, const struct mien_model_file *file,
                                    struct mien_error *err);

/** A model and the images to ask it about. */
struct report_answers {
    struct session_model *model; /**< as it was read; it is put on the device and taken off again */
    const char *model_path;
    const struct session *session;
    enum mien_blas blas;
    const char *data;               /**< where the images come from */
    const struct mien_dataset *set; /**< with the model's classes */
    enum mien_split split;          /**< to evaluate on */
    int views;
    int samples;       /**< images of each class to show, at most */
    int mistakes;      /**< to show, at most */
    const char *image; /**< file whose feature maps are shown; NULL: one of the split */
    const struct mien_log *log;
    float *probabilities; /**< [images of the split][classes], of report_add_evaluation() */
};

/** "samples": images of each class, of the training split where there is one. */
MIEN_CHECK_RESULT
enum mien_status report_add_samples(json_t *report, const struct report_answers *answers,
                                    struct mien_error *err);

/**
 * "evaluation": what `mien eval` finds, and of what data.
 *
 * Ownership  answers->probabilities is the caller's, release with free(), also after an error
 * Errors     as mien_judge()
 */
MIEN_CHECK_RESULT
enum mien_status report_add_evaluation(json_t *report, struct report_answers *answers,
                                       struct mien_error *err);

/** "mistakes" with Grad-CAM, "maps": what is asked of single images, after the evaluation.  Errors
 * as mien_probe */
MIEN_CHECK_RESULT
enum mien_status report_add_pictures(json_t *report, const struct report_answers *answers,
                                     struct mien_error *err);

/** All three. */
MIEN_CHECK_RESULT
enum mien_status report_add_answers(json_t *report, struct report_answers *answers,
                                    struct mien_error *err);

/** A picture in base64; NULL where there is no memory.  Shapes  pixels [h][w][channels] */
json_t *report_picture(const uint8_t *pixels, int channels, int h, int w);

/**
 * Write a report as a page, and as JSON beside it.
 *
 * json    NULL: the page alone
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT: it is no report
 */
MIEN_CHECK_RESULT
enum mien_status report_write(const char *page, const char *json, const json_t *report,
                              struct mien_error *err);

/** "report.json" for "report.html"; free() it.  Errors  MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status report_json_path(char **out, const char *page, struct mien_error *err);

#endif
