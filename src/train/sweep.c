/* sweep.c - settings tried in short runs, of which the better ones go on: successive halving */
#include "train/sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "tune/table.h"

/* A sweep under way. */
struct work {
    struct mien_sweep *sweep;
    const struct mien_sweep_options *options;
    struct mien_cl *cl;
    struct mien_dataset *set; /* as `load` asked for it; trials with other images load anew */
    struct mien_data_options load;
    struct mien_trainer_options trainer;
    struct mien_tuning tuning; /* that the sweep began with, where it is another by now */
    json_t *asked;             /* what tells this sweep from others */
    char *json, *csv;          /* paths */
    struct mien_sweep_progress at;
};

static enum mien_status read_recipe(struct mien_recipe **out, const struct work *work, size_t trial,
                                    struct mien_error *err)
{
    return mien_recipe_load(out, work->options->recipe,
                            (const char *const *)work->sweep->trials[trial].settings,
                            work->sweep->axis_count, err);
}

static bool wants_same_images(const struct mien_data_options *a, const struct mien_data_options *b)
{
    return a->channels == b->channels && a->height == b->height && a->width == b->width &&
           (a->split == 0.0 || a->seed == b->seed);
}

/* The data as a recipe takes it, the one at hand where it fits. */
static enum mien_status take_data(struct work *work, const struct mien_recipe *recipe,
                                  struct mien_error *err)
{
    struct mien_data_options load = mien_recipe_data_options(recipe);
    load.split = work->options->split;
    load.exclude = work->options->exclude;
    load.log = work->options->log;
    if (work->set != NULL && wants_same_images(&load, &work->load)) {
        return MIEN_OK;
    }
    mien_dataset_destroy(work->set);
    work->set = NULL;
    work->load = load;
    return mien_dataset_load(&work->set, work->options->data, &load, err);
}

/* What must be the same for a sweep to go on. */
static enum mien_status describe_asked(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_sweep *const sweep = work->sweep;
    char *text = NULL;
    char fingerprint[20];
    struct mien_recipe *recipe = NULL;
    json_t *settings = json_array();
    json_t *rungs = json_array();
    TRY(read_recipe(&recipe, work, 0, err));
    TRY(take_data(work, recipe, err));
    TRY(mien_recipe_format(&text, recipe, err));
    for (size_t t = 0; t < sweep->trial_count; t++) {
        for (size_t i = 0; i < sweep->axis_count; i++) {
            mien_json_append(&settings, mien_json_text(sweep->trials[t].settings[i]));
        }
    }
    for (int r = 0; r < sweep->rung_count; r++) {
        mien_json_append(&rungs, json_integer(sweep->rung_epochs[r]));
        mien_json_append(&rungs, json_integer((json_int_t)sweep->rung_trials[r]));
    }
    (void)snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, work->set->fingerprint);
    work->asked = json_pack("{s:O, s:s, s:s, s:b, s:O, s:s}", "settings", settings, "recipe", text,
                            "data", fingerprint, "order of images", work->trainer.shuffle, "rungs",
                            rungs, "blas", mien_blas_name(work->trainer.blas));
    if (work->asked == NULL) {
        st = mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the sweep");
    }

done:
    json_decref(settings);
    json_decref(rungs);
    free(text);
    mien_recipe_destroy(recipe);
    return st;
}

/* No trial is to find out late that the data is not for it. */
static enum mien_status check_trials(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (size_t t = 0; st == MIEN_OK && t < work->sweep->trial_count; t++) {
        struct mien_recipe *recipe = NULL;
        st = read_recipe(&recipe, work, t, err);
        if (st == MIEN_OK) {
            st = mien_trainer_check_data(recipe, work->set, work->options->data, err);
        }
        mien_recipe_destroy(recipe);
    }
    return st;
}

/* What a tuning chooses, without what was measured and what is not to be tried; free() it. */
static enum mien_status format_choices(char **out, const struct mien_tuning *tuning,
                                       struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_tuning choices = { .entries = NULL };
    for (size_t i = 0; tuning != NULL && i < tuning->count; i++) {
        struct mien_tuned entry = tuning->entries[i];
        entry.ms = 0.0;
        entry.default_ms = 0.0;
        if (entry.skip == MIEN_TUNED_USABLE) {
            TRY(mien_tuning_put(&choices, &entry, err));
        }
    }
    *out = mien_tuning_format(&choices, err);
    st = *out != NULL ? MIEN_OK : MIEN_ERR_MEMORY;

done:
    mien_tuning_finish(&choices);
    return st;
}

/* The kernels that the sweep began with, whatever was tuned since; of a new one those in force. */
static enum mien_status choose_tuning(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *text = NULL;
    const struct mien_tuning *const now = work->trainer.tuning;
    const char *const kept = json_string_value(json_object_get(work->asked, "tuning"));
    TRY(format_choices(&text, now, err));
    if (kept == NULL) {
        mien_json_set(&work->asked, "tuning", json_string(text));
        st = work->asked != NULL ? MIEN_OK
                                 : mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the sweep");
    } else if (strcmp(kept, text) != 0 && work->options->tuning_given) {
        st =
            mien_fail(err, MIEN_ERR_IO,
                      "%s is of a sweep with another tuning: take another --out, or go on with its "
                      "own, without --tuning",
                      work->json);
    } else if (strcmp(kept, text) != 0) {
        st = mien_tuning_parse(&work->tuning, kept, err);
        if (st != MIEN_OK) {
            st = mien_wrap(err, st, "%s: tuning", work->json);
            goto done;
        }
        if (now != NULL) { /* what was found to be wrong meanwhile */
            mien_tuning_bar_all(&work->tuning, now);
        }
        work->trainer.tuning = &work->tuning;
        mien_log_line(work->options->log, "the sweep goes on with the kernels that it began with");
    }

done:
    free(text);
    return st;
}

static enum mien_status save(const struct work *work, struct mien_error *err)
{
    const enum mien_status st = mien_sweep_save(work->json, work->sweep, work->asked, err);
    return st == MIEN_OK ? mien_sweep_write_csv(work->csv, work->sweep, err) : st;
}

static void show_progress(void *user, const struct mien_run_progress *run)
{
    const struct work *const work = user;
    work->options->progress(work->options->user, &work->at, run);
}

static bool stop(void *user)
{
    const struct work *const work = user;
    return work->options->stop != NULL && work->options->stop(work->options->user);
}

/* Train a trial to the end of a rung, from where it is. */
static enum mien_status run_trial(struct work *work, struct mien_run_result *result,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_sweep_options *const options = work->options;
    char name[MIEN_SWEEP_NAME_BYTES];
    struct mien_model_file file = { .recipe = NULL };
    struct mien_recipe *recipe = NULL;
    char *last = NULL;
    mien_sweep_name(name, work->at.trial);
    char *const folder = mien_path_join(options->folder, name, err);
    if (folder == NULL) {
        return MIEN_ERR_MEMORY;
    }
    last = mien_path_join(folder, "last.safetensors", err);
    if (last == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    TRY(read_recipe(&recipe, work, work->at.trial, err));
    TRY(take_data(work, recipe, err));
    struct mien_recipe *const given = recipe;
    recipe = NULL;
    TRY(mien_model_file_create(&file, given, work->set->classes, work->set->class_count, err));
    const struct mien_run_options run = {
        .folder = folder,
        .data = options->data,
        .command = options->command,
        .resume = mien_path_is_file(last),
        .max_epochs = work->sweep->rung_epochs[work->at.rung],
        .trainer = work->trainer,
        .stop = stop,
        .progress = options->progress != NULL ? show_progress : NULL,
        .user = work,
        .log = options->log,
    };
    st = mien_run(result, work->cl, &file, work->set, &run, err);
    if (st != MIEN_OK) {
        st = mien_wrap(err, st, "%s", name);
    }

done:
    mien_model_file_finish(&file);
    mien_recipe_destroy(recipe);
    free(last);
    free(folder);
    return st;
}

/* Bring a trial to the end of the rung, unless it is known what it comes to there. */
static enum mien_status make_trial(struct work *work, bool *interrupted, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_sweep_trial *const trial = &work->sweep->trials[work->at.trial];
    struct mien_run_result result = { .epochs = 0 };
    if (trial->failed || trial->rungs > work->at.rung) {
        return MIEN_OK;
    }
    st = run_trial(work, &result, err);
    if (st == MIEN_ERR_NOT_FINITE) {
        trial->failed = true;
        mien_log_line(work->options->log, "%s", err != NULL ? err->text : "not finite");
    } else if (st != MIEN_OK) {
        return st;
    } else if (result.end == MIEN_RUN_INTERRUPTED) {
        *interrupted = true;
        return MIEN_OK;
    } else {
        trial->accuracy[trial->rungs++] = result.best_accuracy;
    }
    if (work->options->trial != NULL) {
        work->options->trial(work->options->user, &work->at);
    }
    return save(work, err);
}

/*
 * The trials of a rung: all, or the best of those that made the one before.  What a sweep that goes
 * on knows of this rung already, failures among them, must not decide: it chose without it.
 */
static size_t choose(bool *chosen, const struct mien_sweep *sweep, int rung)
{
    size_t count = 0;
    for (size_t t = 0; t < sweep->trial_count; t++) {
        chosen[t] = rung == 0;
        count += rung == 0 ? 1 : 0;
    }
    while (count < sweep->rung_trials[rung]) {
        const struct mien_sweep_trial *best = NULL;
        for (size_t t = 0; t < sweep->trial_count; t++) {
            const struct mien_sweep_trial *const trial = &sweep->trials[t];
            if (!chosen[t] && trial->rungs >= rung &&
                (best == NULL || trial->accuracy[rung - 1] > best->accuracy[rung - 1])) {
                best = trial;
            }
        }
        if (best == NULL) {
            break; /* others failed */
        }
        chosen[best - sweep->trials] = true;
        count++;
    }
    return count;
}

static enum mien_status make_rung(struct work *work, const bool *chosen, bool *interrupted,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (size_t t = 0; t < work->sweep->trial_count && !*interrupted; t++) {
        if (!chosen[t]) {
            continue;
        }
        work->at.trial = t;
        TRY(make_trial(work, interrupted, err));
        work->at.done++;
    }

done:
    return st;
}

static enum mien_status make_rungs(struct work *work, bool *interrupted, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_sweep *const sweep = work->sweep;
    bool *const chosen = mien_calloc(sweep->trial_count, sizeof(*chosen), err);
    if (chosen == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int rung = 0; rung < sweep->rung_count && !*interrupted; rung++) {
        const size_t count = choose(chosen, sweep, rung);
        if (count < 2) {
            break; /* nothing to compare */
        }
        work->at = (struct mien_sweep_progress){ 0, rung, sweep->rung_count, 0, count };
        TRY(make_rung(work, chosen, interrupted, err));
    }

done:
    free(chosen);
    return st;
}

enum mien_status mien_sweep_run(struct mien_sweep *sweep, bool *interrupted, struct mien_cl *cl,
                                const struct mien_sweep_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct work work = {
        .sweep = sweep, .options = options, .trainer = options->trainer, .cl = cl
    };
    size_t failed = 0;
    *interrupted = false;
    work.json = mien_path_join(options->folder, "sweep.json", err);
    work.csv = work.json != NULL ? mien_path_join(options->folder, "sweep.csv", err) : NULL;
    if (work.csv == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    TRY(describe_asked(&work, err));
    TRY(check_trials(&work, err));
    TRY(mien_folder_make(options->folder, err));
    TRY(mien_sweep_load(sweep, work.json, work.asked, err));
    TRY(choose_tuning(&work, err));
    TRY(save(&work, err));
    TRY(make_rungs(&work, interrupted, err));
    for (size_t t = 0; t < sweep->trial_count; t++) {
        failed += sweep->trials[t].failed ? 1 : 0;
    }
    if (failed == sweep->trial_count) {
        st = mien_fail(err, MIEN_ERR_NOT_FINITE,
                       "no setting is left: none has a loss and weights that stay finite");
    }

done:
    mien_dataset_destroy(work.set);
    json_decref(work.asked);
    mien_tuning_finish(&work.tuning);
    free(work.json);
    free(work.csv);
    return st;
}
