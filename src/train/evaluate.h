/** evaluate.h - a model over a whole split (internal) */
#ifndef MIEN_TRAIN_EVALUATE_H
#define MIEN_TRAIN_EVALUATE_H

#include "ops/softmax.h"
#include "train/loader.h"
#include "train/metrics.h"

struct mien_evaluation_options {
    enum mien_split split;
    int views;                  /**< see mien_views_check() */
    const struct mien_log *log; /**< may be NULL */
};

/**
 * Run a split in its own order through the model.
 *
 * Shapes   probabilities [split count][classes] float32 in host memory, overwritten, or NULL
 * Errors   MIEN_ERR_CL, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT when the split is empty; MIEN_ERR_USAGE:
 *          views
 */
MIEN_CHECK_RESULT
enum mien_status mien_evaluate(struct mien_softmax_stats *out, float *probabilities,
                               struct mien_model *model, struct mien_loader *loader,
                               const struct mien_evaluation_options *options,
                               struct mien_error *err);

/** What a model is worth on a split. */
struct mien_judgement {
    struct mien_metrics metrics;
    double loss;    /**< mean cross-entropy from the logits: the number of history.csv, also where a
                         probability underflows */
    double seconds; /**< of the evaluation, without loading */
};

/**
 * Run a split through a model and judge what it says.
 *
 * Shapes     probabilities as in mien_evaluate(), or NULL
 * set        with the model's classes as labels
 * Ownership  release out->metrics with mien_metrics_finish(); zeroed on error
 * Errors     as mien_evaluate() and mien_metrics_compute(); MIEN_ERR_NOT_FINITE: the loss
 */
MIEN_CHECK_RESULT
enum mien_status mien_judge(struct mien_judgement *out, float *probabilities,
                            struct mien_model *model, const struct mien_recipe *recipe,
                            const struct mien_dataset *set,
                            const struct mien_evaluation_options *options, struct mien_error *err);

#endif
