/** schedule.h - the learning rate of each step as a pure function (internal) */
#ifndef MIEN_NN_SCHEDULE_H
#define MIEN_NN_SCHEDULE_H

#include "nn/recipe.h"

/** A schedule in steps; epochs are the recipe's unit, steps are the arithmetic's. */
struct mien_schedule_curve {
    enum mien_schedule_kind kind;
    double rate;     /**< the recipe's; onecycle: the peak */
    double min_rate; /**< cosine, plateau */
    double gamma;    /**< step, plateau: factor of a drop */
    int drops;       /**< plateau: so far */
    uint64_t drop;   /**< step: steps between two drops, at least 1 */
    uint64_t total;  /**< cosine, onecycle: steps in all, at least 1 */
    double rise;     /**< onecycle: steps of them to the peak, not always whole; 0: 30 % of them */
};

/**
 * The rate of step t, from 0.
 *
 * constant rate; step rate * gamma^floor(t/drop); cosine min + (rate - min)(1 + cos(pi t/total))/2,
 * and min from t = total on; plateau max(rate * gamma^drops, min); onecycle rises from rate/25 over
 * `rise` steps and falls to rate/25/1e4 with the last one, both along half a cosine.
 *
 * Source  PyTorch's StepLR, CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau (their closed forms)
 */
double mien_schedule_curve_at(const struct mien_schedule_curve *curve, uint64_t t);

/** How the plateau schedule stands; zeroed to begin with.  Plain data; saved with a checkpoint. */
struct mien_plateau {
    int epochs;  /**< judged so far */
    double best; /**< accuracy among them */
    int bad;     /**< epochs in a row that were no better, since the last drop */
    int drops;   /**< of the rate so far */
};

/**
 * Judge the epoch that was just completed, from 0, by its accuracy.
 *
 * Better is what is above best * (1 + 1e-4).  The rate drops behind the epoch that makes more than
 * `patience` in a row no better.  An epoch that the warm-up fills is not held against it.
 *
 * Returns  whether the rate drops now
 * Source   PyTorch's ReduceLROnPlateau with mode max
 */
bool mien_plateau_judge(struct mien_plateau *plateau, const struct mien_train_spec *train,
                        int epoch, size_t steps_per_epoch, double accuracy);

/**
 * The learning rate of one optimiser step.
 *
 * The first `warmup` epochs rise linearly to the rate (the last of their steps has all of it); the
 * schedule begins after them and has the remaining steps for its course.  Onecycle's own rise takes
 * them instead, 30 % of all where there are none.
 *
 * drops     of the plateau schedule so far; the others take no notice
 * Numerics  depends on the arguments alone: a resumed run computes the same rates
 */
float mien_schedule_rate(const struct mien_train_spec *train, int epoch, size_t step_in_epoch,
                         size_t steps_per_epoch, int drops);

#endif
