/** rate_test.h - a learning-rate range test: the loss of steps while the rate rises (internal) */
#ifndef MIEN_TRAIN_RATE_TEST_H
#define MIEN_TRAIN_RATE_TEST_H

#include "draw/plot.h"
#include "train/trainer.h"

/** One step. */
struct mien_rate_point {
    double rate, loss; /**< of the step; the loss before its update */
    double smooth;     /**< mean of the losses around it, each weighted 0.9 to the power of its
                            distance in steps and counted as twice the mean of the first ten where
                            it is more */
};

enum mien_rate_end { MIEN_RATE_ALL_STEPS, MIEN_RATE_DIVERGED, MIEN_RATE_INTERRUPTED };

/** "all steps done" and so on. */
const char *mien_rate_end_text(enum mien_rate_end end);

struct mien_rate_test_options {
    double from, to; /**< 0 < from < to; the rate rises by the same factor in each step */
    size_t steps;    /**< 2 or more */
    struct mien_trainer_options trainer;

    /* Both may be NULL; called from the calling thread. */
    bool (*stop)(void *user); /**< asked after each step but the first */
    void (*progress)(void *user, size_t done, const struct mien_rate_point *point);
    void *user;
};

struct mien_rate_curve {
    struct mien_rate_point *points; /**< [count] steps, whose losses and gradients are finite */
    size_t count;
    enum mien_rate_end end;
    double steepest; /**< rate where the smoothed loss falls most steeply over the logarithm of the
                          rate; 0: it never clearly falls, or nowhere more steeply */
    double lowest;   /**< rate where it is lowest; 0 as above */
    bool open;       /**< it is lowest among the last steps: it may go on falling */
};

/**
 * Train from a model's weights on, with a rate that rises exponentially, until the smoothed loss is
 * four times the lowest, or a loss or gradient is not finite.
 *
 * file       its weights stay as they are
 * Ownership  release with mien_rate_curve_finish(); zeroed on error
 * Errors     MIEN_ERR_FORMAT, MIEN_ERR_CL, MIEN_ERR_MEMORY as mien_trainer_init() and its steps.
 *            That the loss diverges is no error, even in the first step
 * Numerics   the batches, their changes and the dropout of a run of the same recipe and seed;
 *            deterministic as that is
 * Source     Smith, "Cyclical learning rates for training neural networks", 2017
 */
MIEN_CHECK_RESULT
enum mien_status mien_rate_test(struct mien_rate_curve *out, struct mien_cl *cl,
                                struct mien_model_file *file, const struct mien_dataset *set,
                                const struct mien_rate_test_options *options,
                                struct mien_error *err);
void mien_rate_curve_finish(struct mien_rate_curve *curve); /* zeroed is allowed */

/** Fill what the curve says of its points: smooth, steepest, lowest, open. */
void mien_rate_judge(struct mien_rate_curve *curve);

/**
 * Draw a curve of two points or more, with marks at the rates that it speaks for and at the
 * recipe's own.
 *
 * from, to   of the axis
 * Ownership  the plot is the caller's to finish; zeroed on error
 */
MIEN_CHECK_RESULT
enum mien_status mien_rate_draw(struct mien_plot *out, const struct mien_rate_curve *curve,
                                double from, double to, const struct mien_recipe *recipe,
                                struct mien_error *err);

#endif
