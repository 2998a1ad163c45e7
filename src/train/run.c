/* run.c - a whole training run in its folder */
#include "train/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/run_files.h"

#define REPORT_SECONDS 0.3 /* between two looks at the sums, each of which waits for the device */

/* Of a run's time, what may go into the start of the next one. */
static const double keeping_share = 0.02;

/* A run under way. */
struct state {
    const struct mien_run_options *options;
    struct mien_trainer trainer;
    struct mien_run_paths paths;
    struct mien_history history;
    FILE *steps;                      /* steps.csv, or NULL */
    size_t steps_made;                /* in this call */
    size_t steps_before;              /* of the epoch under way, made before this call */
    struct mien_softmax_stats summed; /* up to the step before, where each is logged */
    bool begun;                       /* run.json says that it is running */
    float *saved; /* the weights of the last checkpoint, or those that the run came with */
    struct mien_run_lost lost;
    double start_s, epoch_s, reported_s;
};

const char *mien_run_end_text(enum mien_run_end end)
{
    switch (end) {
    case MIEN_RUN_ALL_EPOCHS: return "all epochs done";
    case MIEN_RUN_ACCURACY: return "training accuracy reached";
    case MIEN_RUN_MAX_STEPS: return "step limit reached";
    case MIEN_RUN_INTERRUPTED: return "interrupted";
    case MIEN_RUN_MAX_EPOCHS: return "epoch limit reached";
    }
    return "unknown";
}

static const struct mien_train_spec *spec_of(const struct state *state)
{
    return &state->trainer.file->recipe->train;
}

static float rate_of_last_step(const struct state *state)
{
    const struct mien_position *const at = &state->trainer.position;
    return mien_schedule_rate(spec_of(state), at->epoch, at->step - 1,
                              mien_trainer_steps(&state->trainer), at->plateau.drops);
}

/* See that all steps so far were finite; waits for the device. */
static enum mien_status check_steps(struct state *state, const struct mien_softmax_stats *stats,
                                    struct mien_error *err)
{
    struct mien_guard guard;
    const enum mien_status st = mien_trainer_guard(&guard, &state->trainer, err);
    if (st != MIEN_OK || (guard.faults == 0 && isfinite(stats->loss))) {
        return st;
    }
    return mien_run_lose(&state->lost, &state->trainer, &state->paths, err);
}

static void report(struct state *state, const struct mien_softmax_stats *stats)
{
    const struct mien_run_options *const options = state->options;
    const size_t before = state->steps_before * mien_trainer_step_images(&state->trainer);
    const double seconds = mien_now_s() - state->epoch_s;
    const double made = (double)stats->images - (double)before;
    const struct mien_run_progress progress = {
        .epoch = state->trainer.position.epoch + 1,
        .epochs = spec_of(state)->epochs,
        .images = (size_t)stats->images,
        .image_count = mien_loader_count(state->trainer.loader),
        .loss = stats->loss / stats->weight,
        .accuracy = (double)stats->hits / (double)stats->images,
        .images_per_s = seconds > 0.0 ? made / seconds : 0.0,
    };
    if (options->progress != NULL) {
        options->progress(options->user, &progress);
    }
}

/* The mean loss of the step just made, from what it added to the sums. */
static enum mien_status log_step(struct state *state, const struct mien_softmax_stats *stats,
                                 struct mien_error *err)
{
    struct mien_plain_numbers numbers;
    const double loss = mien_softmax_mean_loss(stats, &state->summed);
    state->summed = *stats;
    const enum mien_status st = mien_plain_numbers_begin(&numbers, err);
    if (st != MIEN_OK) {
        return st;
    }
    const int written = fprintf(state->steps, "%d,%zu,%.9g\n", state->trainer.position.epoch + 1,
                                state->trainer.position.step, loss);
    mien_plain_numbers_end(&numbers);
    return written >= 0 ? MIEN_OK
                        : mien_fail(err, MIEN_ERR_IO, "%s cannot be written", state->paths.steps);
}

/*
 * Stop behind a step that was not finite, which the guard tells of the batch before the last; look
 * at the sums now and then, and after every step where each is logged.
 */
static enum mien_status look(struct state *state, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_softmax_stats stats;
    const double now = mien_now_s();
    if (mien_trainer_guard_seen(&state->trainer)->faults != 0) {
        return mien_run_lose(&state->lost, &state->trainer, &state->paths, err);
    }
    const bool due = state->options->progress != NULL && now - state->reported_s >= REPORT_SECONDS;
    if (!due && state->steps == NULL) {
        return MIEN_OK;
    }
    TRY(mien_trainer_stats(&stats, &state->trainer, err));
    TRY(check_steps(state, &stats, err));
    if (state->steps != NULL) {
        TRY(log_step(state, &stats, err));
    }
    if (due) {
        state->reported_s = now;
        report(state, &stats);
    }

done:
    return st;
}

static bool wants_stop(const struct state *state)
{
    return state->options->stop != NULL && state->options->stop(state->options->user);
}

/* The steps of one epoch, or those left of it; *end is set when the run is to stop inside it. */
static enum mien_status train_epoch(struct state *state, bool *stopped, enum mien_run_end *end,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_run_options *const options = state->options;
    struct mien_trainer *const trainer = &state->trainer;
    const size_t steps = mien_trainer_steps(trainer);
    *stopped = false;
    state->epoch_s = mien_now_s();
    state->reported_s = state->epoch_s;
    state->steps_before = trainer->position.step;
    TRY(mien_trainer_begin_epoch(trainer, err));
    if (state->steps != NULL) {
        TRY(mien_trainer_stats(&state->summed, trainer, err));
    }
    while (trainer->position.step < steps && !*stopped) {
        TRY(mien_trainer_step(trainer, err));
        state->steps_made++;
        TRY(look(state, err));
        if (wants_stop(state)) {
            *stopped = true;
            *end = MIEN_RUN_INTERRUPTED;
        } else if (options->max_steps > 0 && state->steps_made >= options->max_steps) {
            *stopped = true;
            *end = MIEN_RUN_MAX_STEPS;
        }
    }

done:
    return st;
}

static enum mien_status validate(struct state *state, struct mien_epoch *row,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_softmax_stats stats;
    const struct mien_evaluation_options options = {
        .split = MIEN_SPLIT_VALIDATION,
        .views = 1,
        .log = state->options->log,
    };
    if (state->trainer.set->splits[MIEN_SPLIT_VALIDATION].count == 0) {
        return MIEN_OK;
    }
    TRY(mien_optimizer_swap(state->trainer.optimizer, err));
    TRY(mien_evaluate(&stats, NULL, state->trainer.model, state->trainer.loader, &options, err));
    TRY(mien_optimizer_swap(state->trainer.optimizer, err));
    if (!isfinite(stats.loss)) {
        st = mien_fail(err, MIEN_ERR_NOT_FINITE,
                       "the validation loss of epoch %d is not finite: try a smaller learning rate",
                       state->trainer.position.epoch + 1);
        goto done;
    }
    row->validated = true;
    row->validation_loss = stats.loss / stats.weight;
    row->validation_accuracy = (double)stats.hits / (double)stats.images;

done:
    return st;
}

static enum mien_status keep_copy(const struct state *state, struct mien_error *err)
{
    char name[48];
    const int epoch = state->trainer.position.epoch;
    if (state->options->keep_every <= 0 || epoch % state->options->keep_every != 0) {
        return MIEN_OK;
    }
    (void)snprintf(name, sizeof(name), "epoch-%04d.safetensors", epoch);
    char *const path = mien_path_join(state->options->folder, name, err);
    if (path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st =
        mien_model_file_save(path, state->trainer.file, NULL, 0, NULL, 0, err);
    free(path);
    return st;
}

/*
 * Write the checkpoint; its weights are what a run that fails later on hands back.  The rows of
 * steps.csv go first: a run that goes on from the checkpoint must find those up to it.
 */
static enum mien_status save(struct state *state, struct mien_error *err)
{
    const struct mien_model_file *const file = state->trainer.file;
    enum mien_status st = MIEN_OK;
    if (state->steps != NULL) {
        TRY(mien_run_flush_steps(state->steps, state->paths.steps, err));
    }
    TRY(mien_checkpoint_save(state->paths.last, &state->trainer, err));
    memcpy(state->saved, file->weights, file->network->flat_floats * sizeof(*state->saved));

done:
    return st;
}

/* The plateau schedule looks at what chooses the best epoch; the row's epoch is complete. */
static void judge_plateau(struct state *state, const struct mien_epoch *row, double accuracy)
{
    struct mien_trainer *const trainer = &state->trainer;
    if (spec_of(state)->schedule.kind == MIEN_SCHEDULE_PLATEAU &&
        mien_plateau_judge(&trainer->position.plateau, spec_of(state), row->epoch - 1,
                           mien_trainer_steps(trainer), accuracy)) {
        mien_log_line(state->options->log, "no better for %d epochs: the rate is %g from here on",
                      spec_of(state)->schedule.patience + 1, (double)mien_trainer_rate(trainer));
    }
}

/*
 * The epoch is complete: validate, write its row, the best weights, and last of all the checkpoint:
 * a run that is killed on the way makes the epoch again and writes the same files.  Weights that
 * its last step lost are found before any file is touched.
 */
static enum mien_status end_epoch(struct state *state, struct mien_epoch *row,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_trainer *const trainer = &state->trainer;
    struct mien_softmax_stats stats;
    TRY(mien_trainer_stats(&stats, trainer, err));
    TRY(check_steps(state, &stats, err));
    const double trained_s = mien_now_s() - state->epoch_s;
    TRY(mien_trainer_download(trainer, err));
    const size_t before = state->steps_before * mien_trainer_step_images(trainer);
    *row = (struct mien_epoch){
        .epoch = trainer->position.epoch + 1,
        .train_loss = stats.loss / stats.weight,
        .train_accuracy = (double)stats.hits / (double)stats.images,
        .rate = (double)rate_of_last_step(state),
        .images_per_s = ((double)stats.images - (double)before) / trained_s,
    };
    TRY(validate(state, row, err));
    row->seconds = mien_now_s() - state->epoch_s;

    const double accuracy = row->validated ? row->validation_accuracy : row->train_accuracy;
    const bool best =
        trainer->position.best_epoch == 0 || accuracy > trainer->position.best_accuracy;
    trainer->position.epoch++;
    trainer->position.step = 0;
    trainer->position.train_accuracy = row->train_accuracy;
    judge_plateau(state, row, accuracy);
    if (best) {
        trainer->position.best_epoch = row->epoch;
        trainer->position.best_accuracy = accuracy;
    }
    TRY(mien_history_add(&state->history, row, err));
    if (best) {
        TRY(mien_run_save_best(state->paths.best, trainer, err));
    }
    TRY(keep_copy(state, err));
    TRY(save(state, err));
    if (state->options->epoch != NULL) {
        state->options->epoch(state->options->user, row, best);
    }

done:
    return st;
}

/* Save inside an epoch, unless what there is to save is lost already. */
static enum mien_status save_position(struct state *state, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_softmax_stats stats;
    TRY(mien_trainer_stats(&stats, &state->trainer, err));
    TRY(check_steps(state, &stats, err));
    TRY(save(state, err));

done:
    return st;
}

/* Whether the last complete epoch reached the accuracy to stop at; also when a run goes on. */
static bool reached_accuracy(const struct state *state)
{
    const double wanted = (double)spec_of(state)->stop_at_train_accuracy;
    const struct mien_position *const at = &state->trainer.position;
    return wanted > 0.0 && at->step == 0 && at->epoch > 0 && at->train_accuracy >= wanted;
}

static enum mien_status train_epochs(struct state *state, enum mien_run_end *end,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    bool stopped = false;
    const int most = state->options->max_epochs;
    const bool limited = most > 0 && most < spec_of(state)->epochs;
    const int epochs = limited ? most : spec_of(state)->epochs;
    *end = limited ? MIEN_RUN_MAX_EPOCHS : MIEN_RUN_ALL_EPOCHS;
    while (!stopped && state->trainer.position.epoch < epochs) {
        if (reached_accuracy(state)) {
            *end = MIEN_RUN_ACCURACY;
            break;
        }
        struct mien_epoch row;
        TRY(train_epoch(state, &stopped, end, err));
        if (state->trainer.position.step < mien_trainer_steps(&state->trainer)) {
            TRY(save_position(state, err));
            continue;
        }
        TRY(end_epoch(state, &row, err));
        bool kept = true;
        while (kept && !stopped) { /* asked since the last step, and after each program */
            if (wants_stop(state)) {
                stopped = true;
                *end = MIEN_RUN_INTERRUPTED;
            } else {
                kept = mien_cl_keep_program(state->trainer.cl, keeping_share);
            }
        }
    }
    if (!stopped && reached_accuracy(state)) { /* in the last epoch */
        *end = MIEN_RUN_ACCURACY;
    }

done:
    return st;
}

static enum mien_status begin(struct state *state, struct mien_error *err)
{
    const enum mien_status st =
        mien_run_write_info(state->paths.info, &state->trainer, state->options, NULL, err);
    state->begun = st == MIEN_OK;
    return st;
}

static enum mien_status prepare(struct state *state, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_run_options *const options = state->options;
    if (options->resume) {
        TRY(mien_checkpoint_restore(&state->trainer, state->paths.last, err));
        TRY(mien_run_find_best(&state->trainer, state->paths.best, options->log, err));
    } else {
        /* First of all, so that nothing lies there of which it is not known that a run left it. */
        mien_run_clear(&state->paths);
        TRY(begin(state, err));
    }
    TRY(mien_history_init(&state->history, state->paths.history, state->trainer.position.epoch,
                          err));
    TRY(mien_run_write_recipe(state->paths.recipe, state->trainer.file->recipe, err));
    if (options->resume) { /* last of all: a run that cannot go on stays as it is */
        TRY(begin(state, err));
    }
    if (options->log_steps) {
        TRY(mien_run_open_steps(&state->steps, state->paths.steps, &state->trainer.position,
                                options->resume, err));
    }

done:
    return st;
}

enum mien_status mien_run(struct mien_run_result *out, struct mien_cl *cl,
                          struct mien_model_file *file, const struct mien_dataset *set,
                          const struct mien_run_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct state state = { .options = options, .start_s = mien_now_s() };
    struct mien_trainer_options training = options->trainer;
    struct mien_tuning tuning = { .entries = NULL };
    enum mien_run_end end = MIEN_RUN_ALL_EPOCHS;

    *out = (struct mien_run_result){ 0 };
    mien_cl_reset_peak(cl);
    const size_t floats = file->network->flat_floats;
    state.saved = mien_calloc(floats, sizeof(*state.saved), err);
    if (state.saved == NULL) {
        return MIEN_ERR_MEMORY;
    }
    memcpy(state.saved, file->weights, floats * sizeof(*state.saved));
    TRY(mien_trainer_check_data(file->recipe, set, options->data, err));
    TRY(mien_run_paths_init(&state.paths, options->folder, options->resume, err));
    if (options->resume) { /* with the kernels that it began with */
        TRY(mien_checkpoint_tuning(&tuning, state.paths.last, err));
        if (training.tuning != NULL) { /* but for those that were found to be wrong meanwhile */
            mien_tuning_bar_all(&tuning, training.tuning);
        }
        training.tuning = &tuning;
        /* Another run may have gone on between the caller's look at the file and this one's lock.
         */
        TRY(mien_model_file_take_weights(file, state.paths.last, err));
        memcpy(state.saved, file->weights, floats * sizeof(*state.saved));
    }
    TRY(mien_trainer_init(&state.trainer, cl, file, set, &training, err));
    TRY(prepare(&state, err));
    TRY(train_epochs(&state, &end, err));
    *out = (struct mien_run_result){
        .end = end,
        .epochs = state.trainer.position.epoch,
        .best_epoch = state.trainer.position.best_epoch,
        .best_accuracy = state.trainer.position.best_accuracy,
        .peak_bytes = mien_cl_peak_bytes(cl),
        .seconds = mien_now_s() - state.start_s,
    };
    TRY(mien_run_write_info(state.paths.info, &state.trainer, options, out, err));

done:
    if (state.steps != NULL && fclose(state.steps) != 0 && st == MIEN_OK) {
        st = mien_fail(err, MIEN_ERR_IO, "%s cannot be written", state.paths.steps);
    }
    if (st != MIEN_OK && state.begun) { /* as far as that can be written */
        mien_run_note_failure(state.paths.info, &state.trainer, options,
                              err != NULL ? err->text : "", &state.lost);
    }
    if (st != MIEN_OK) {
        memcpy(file->weights, state.saved, floats * sizeof(*state.saved));
    }
    free(state.saved);
    mien_trainer_finish(&state.trainer);
    mien_tuning_finish(&tuning);
    mien_history_finish(&state.history);
    mien_run_paths_finish(&state.paths);
    return st;
}
