/** sweep.h - settings tried in short runs, of which the better ones go on (internal) */
#ifndef MIEN_TRAIN_SWEEP_H
#define MIEN_TRAIN_SWEEP_H

#include <jansson.h>

#include "train/run.h"

enum { MIEN_SWEEP_MOST_TRIALS = 1000, MIEN_SWEEP_MOST_RUNGS = 128, MIEN_SWEEP_NAME_BYTES = 16 };

/** A key of a recipe and the values to try. */
struct mien_sweep_axis {
    char *key;
    char **values; /**< [count], as they were given */
    size_t count;
};

/** One combination of values. */
struct mien_sweep_trial {
    char **settings; /**< [axis_count] "key=value", as mien_recipe_load() takes them */
    double accuracy[MIEN_SWEEP_MOST_RUNGS]; /**< of the best epoch up to the end of each rung */
    int rungs;                              /**< that it has made */
    bool failed; /**< its loss or weights are not finite any more: it cannot go on */
};

/** All combinations, and how long they are to be trained.  Fields are for reading. */
struct mien_sweep {
    struct mien_sweep_axis *axes;
    size_t axis_count;
    struct mien_sweep_trial *trials; /**< the last axis goes round first */
    size_t trial_count;
    int rung_epochs[MIEN_SWEEP_MOST_RUNGS];    /**< epochs that its trials have made at its end */
    size_t rung_trials[MIEN_SWEEP_MOST_RUNGS]; /**< trials that it has, at most */
    int rung_count;
};

/**
 * Read settings of the form KEY=VALUE,VALUE..., and plan the rungs: the first gives all trials
 * `epochs` epochs; each further one the best `keep` of the one before 1/keep times as many, until
 * one is left, or all of their epochs are made.
 *
 * recipe     file to put the settings over; each trial's is read once, for its errors
 * keep       0 < keep < 1
 * Ownership  release with mien_sweep_finish(); zeroed on error
 * Errors     MIEN_ERR_USAGE: a setting without values, an empty value, a key twice, one
 *            combination only or too many, two that are the same, a key or value that no recipe
 *            has; MIEN_ERR_FORMAT, MIEN_ERR_IO: the recipe; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_sweep_plan(struct mien_sweep *out, const char *recipe,
                                 const char *const *settings, size_t setting_count, int epochs,
                                 double keep, struct mien_error *err);
void mien_sweep_finish(struct mien_sweep *sweep); /* zeroed is allowed */

/** A trial's folder in that of the sweep: "run-001". */
void mien_sweep_name(char out[MIEN_SWEEP_NAME_BYTES], size_t trial);

/** What is being trained. */
struct mien_sweep_progress {
    size_t trial;
    int rung, rung_count;
    size_t done, of; /**< trials of the rung: made, and in all */
};

struct mien_sweep_options {
    const char *folder; /**< made where it is missing; one that holds this sweep is gone on with */
    const char *recipe;
    const char *data;
    const char *command; /**< for run.json */
    double split;
    const char *exclude;                 /**< NULL: none */
    struct mien_trainer_options trainer; /**< one that goes on takes the tuning it began with */
    bool tuning_given; /**< the tuning is a wish: a sweep that began with another is refused */

    /* All may be NULL; called from the calling thread. */
    bool (*stop)(void *user); /**< asked after each step */
    void (*progress)(void *user, const struct mien_sweep_progress *at,
                     const struct mien_run_progress *run);
    void (*trial)(void *user, const struct mien_sweep_progress *at); /**< it has made its rung */
    void *user;
    const struct mien_log *log;
};

/**
 * Train all trials as planned, each in a run folder of its own, and keep what they come to in
 * sweep.json and sweep.csv after each.  A trial's schedule is that of its whole length: a rung ends
 * it early and the next goes on.
 *
 * A sweep that was stopped or killed goes on to the same bits as one that was not, whatever was
 * tuned since.
 *
 * interrupted  whether stop() ended it
 * Errors       MIEN_ERR_IO: the folder cannot be written, or holds another sweep;
 *              MIEN_ERR_NOT_FINITE: no trial is left; as mien_run() but for a loss of one trial
 */
MIEN_CHECK_RESULT
enum mien_status mien_sweep_run(struct mien_sweep *sweep, bool *interrupted, struct mien_cl *cl,
                                const struct mien_sweep_options *options, struct mien_error *err);

/** Trials from the best to the worst: by rungs made, then by accuracy, then in their order; those
 * that failed come last.  order is [trial_count]. */
void mien_sweep_rank(size_t *order, const struct mien_sweep *sweep);

/** Rungs, trials and the best of them, from the best to the worst. */
json_t *mien_sweep_describe(const struct mien_sweep *sweep);

/** Write a row for each trial, from the best to the worst.  Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status mien_sweep_write_csv(const char *path, const struct mien_sweep *sweep,
                                      struct mien_error *err);

/**
 * Write sweep.json: what was asked for, which `asked` says, and what is known.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_sweep_save(const char *path, const struct mien_sweep *sweep,
                                 const json_t *asked, struct mien_error *err);

/**
 * Take what an earlier call has found from sweep.json, where it is there, and put the tuning that
 * it began with into `asked`.  Files of earlier versions have no tuning, and fit any `blas`.
 *
 * Errors  MIEN_ERR_IO: it is of another sweep, and how that differs; MIEN_ERR_FORMAT: damaged
 */
MIEN_CHECK_RESULT
enum mien_status mien_sweep_load(struct mien_sweep *sweep, const char *path, json_t *asked,
                                 struct mien_error *err);

#endif
