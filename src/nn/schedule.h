/** schedule.h - the learning rate of each step as a pure function (internal) */
#ifndef MIEN_NN_SCHEDULE_H
#define MIEN_NN_SCHEDULE_H

#include "nn/recipe.h"

/** A schedule in steps; epochs are the recipe's unit, steps are the arithmetic's. */
struct mien_schedule_curve {
    enum mien_schedule_kind kind;
    double rate;     /**< the recipe's; onecycle: the peak */
    double min_rate; /**< cosine */
    double gamma;    /**< step: factor of a drop */
    uint64_t drop;   /**< step: steps between two drops, at least 1 */
    uint64_t total;  /**< cosine, onecycle: steps in all, at least 1 */
};

/**
 * The rate of step t, from 0.
 *
 * constant rate; step rate * gamma^floor(t/drop); cosine min + (rate - min)(1 + cos(pi t/total))/2,
 * and min from t = total on; onecycle rises from rate/25 over 30 % of the steps and falls to
 * rate/25/1e4 with the last one, both along half a cosine. Source  PyTorch's StepLR,
 * CosineAnnealingLR, OneCycleLR (their closed forms)
 */
double mien_schedule_curve_at(const struct mien_schedule_curve *curve, uint64_t t);

/**
 * The learning rate of one optimiser step.
 *
 * The first `warmup` epochs rise linearly to the rate (the last of their steps has all of it); the
 * schedule begins after them and has the remaining steps for its course.
 * Numerics  depends on the arguments alone: a resumed run computes the same rates
 */
float mien_schedule_rate(const struct mien_train_spec *train, int epoch, size_t step_in_epoch,
                         size_t steps_per_epoch);

#endif
