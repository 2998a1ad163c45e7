/* cmd_sweep.c - `mien sweep`: tries settings in short runs, of which the better ones go on */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/stop.h"
#include "cli/text.h"
#include "cli/training.h"
#include "train/sweep.h"

struct sweep_options {
    struct common_options common;
    struct training_options training;
    const char *out;
    int epochs;
    double keep;
};

#define FIELD(name) offsetof(struct sweep_options, name)

static const struct opt sweep_table[] = {
    TRAINING_RECIPE_OPTION(FIELD(training)),
    { "set", OPT_STRINGS, FIELD(training.settings), "KEY=VALUE,VALUE...",
      "values to try for one of the recipe's keys; may come again, for all combinations",
      .role = OPT_ANY },
    { "out", OPT_STRING, FIELD(out), "DIR",
      "folder for the runs and what they come to; the same command goes on with it",
      .role = OPT_ANY, .required = true },
    { "epochs", OPT_INT, FIELD(epochs), "N", "epochs that every combination gets", .min = 1,
      .max = 100000 },
    { "keep", OPT_DOUBLE, FIELD(keep), "PART",
      "part of them that goes on, for as many times more epochs", .min = 0.01, .max = 0.9 },
    TRAINING_DATA_OPTIONS(FIELD(training)),
    TRAINING_KERNEL_OPTIONS(FIELD(training)),
    { .name = NULL },
};

static const struct positional sweep_positionals[] = {
    TRAINING_DATA_POSITIONAL(FIELD(training)),
    { .name = NULL },
};

static const struct sweep_options sweep_defaults = {
    .common = { .seed = -1 },
    .epochs = 2,
    .keep = 0.5,
};

/* What the callbacks write to. */
struct view {
    struct term *term;
    const struct mien_sweep *sweep;
};

static void show_progress(void *user, const struct mien_sweep_progress *at,
                          const struct mien_run_progress *run)
{
    const struct view *const view = user;
    char what[64];
    char extra[96];
    (void)snprintf(what, sizeof(what), "rung %d/%d, run %zu/%zu, epoch %d", at->rung + 1,
                   at->rung_count, at->done + 1, at->of, run->epoch);
    (void)snprintf(extra, sizeof(extra), "loss %.4f acc %.2f %%", run->loss, run->accuracy * 100.0);
    term_progress(view->term, what, run->images, run->image_count, extra);
}

/* The settings of a trial that vary, "--set key=value --set ..."; as much as fits. */
static void write_settings(char *out, size_t bytes, const struct mien_sweep *sweep, size_t trial)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sweep->axis_count; i++) {
        if (sweep->axes[i].count > 1 && used < bytes) {
            used += (size_t)snprintf(out + used, bytes - used, "%s--set %s", used > 0 ? " " : "",
                                     sweep->trials[trial].settings[i]);
        }
    }
}

static void show_trial(void *user, const struct mien_sweep_progress *at)
{
    const struct view *const view = user;
    const struct mien_sweep_trial *const trial = &view->sweep->trials[at->trial];
    char settings[512];
    char name[MIEN_SWEEP_NAME_BYTES];
    term_clear(view->term);
    write_settings(settings, sizeof(settings), view->sweep, at->trial);
    mien_sweep_name(name, at->trial);
    if (trial->failed) {
        mien_log_line(&view->term->log, "%s  %s  failed", name, settings);
    } else {
        const int epochs = view->sweep->rung_epochs[at->rung];
        mien_log_line(&view->term->log, "%s  %s  %d epoch%s: %.2f %%", name, settings, epochs,
                      epochs == 1 ? "" : "s", trial->accuracy[at->rung] * 100.0);
    }
}

/* Columns of the widest value of an axis, or of its key. */
static int axis_columns(const struct mien_sweep_axis *axis)
{
    int columns = text_columns(axis->key);
    for (size_t i = 0; i < axis->count; i++) {
        const int one = text_columns(axis->values[i]);
        columns = one > columns ? one : columns;
    }
    return columns;
}

static void print_row(struct term *term, const struct mien_sweep *sweep, size_t rank, size_t trial)
{
    const struct mien_sweep_trial *const of = &sweep->trials[trial];
    char name[MIEN_SWEEP_NAME_BYTES];
    char cell[256];
    mien_sweep_name(name, trial);
    term_print(term, "%4zu  %-7s", rank, name);
    for (size_t i = 0; i < sweep->axis_count; i++) {
        if (sweep->axes[i].count > 1) {
            (void)text_cell(cell, sizeof(cell), strchr(of->settings[i], '=') + 1,
                            axis_columns(&sweep->axes[i]));
            term_print(term, "  %s", cell);
        }
    }
    for (int r = 0; r < of->rungs; r++) {
        term_print(term, "  %9.2f %%", of->accuracy[r] * 100.0);
    }
    term_print(term, "%s\n", of->failed ? "     failed" : "");
}

/* The combinations from the best to the worst, and the accuracy that each had at every rung. */
static void print_table(struct term *term, const struct mien_sweep *sweep, const size_t *order)
{
    char cell[256];
    char epochs[32];
    term_print(term, "rank  %-7s", "run");
    for (size_t i = 0; i < sweep->axis_count; i++) {
        if (sweep->axes[i].count > 1) {
            (void)text_cell(cell, sizeof(cell), sweep->axes[i].key, axis_columns(&sweep->axes[i]));
            term_print(term, "  %s", cell);
        }
    }
    for (int r = 0; r < sweep->rung_count; r++) {
        (void)snprintf(epochs, sizeof(epochs), "%d epoch%s", sweep->rung_epochs[r],
                       sweep->rung_epochs[r] == 1 ? "" : "s");
        term_print(term, "  %11s", epochs);
    }
    term_print(term, "\n");
    for (size_t i = 0; i < sweep->trial_count; i++) {
        print_row(term, sweep, i + 1, order[i]);
    }
}

static enum mien_status print_result(const struct sweep_options *o, const struct mien_sweep *sweep,
                                     bool interrupted, struct term *term, struct mien_error *err)
{
    if (o->common.json) {
        json_t *object = mien_sweep_describe(sweep);
        mien_json_set(&object, "folder", mien_json_text(o->out));
        mien_json_set(&object, "interrupted", json_boolean(interrupted));
        return term_json(term, object, err);
    }
    size_t *const order = mien_calloc(sweep->trial_count, sizeof(*order), err);
    if (order == NULL) {
        return MIEN_ERR_MEMORY;
    }
    mien_sweep_rank(order, sweep);
    print_table(term, sweep, order);
    if (!interrupted) {
        term_print(term, "best:");
        for (size_t i = 0; i < sweep->axis_count; i++) {
            term_print(term, " --set %s", sweep->trials[order[0]].settings[i]);
        }
        term_print(term, "\n");
    }
    free(order);
    return MIEN_OK;
}

/* The settings of the command line, with --seed as one of them. */
static enum mien_status plan(struct mien_sweep *sweep, const struct sweep_options *o,
                             struct mien_error *err)
{
    char seed[48];
    const size_t count = o->training.settings.count;
    if (count == 0) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "nothing to compare: --set KEY=VALUE,VALUE... is missing");
    }
    const char **const settings = mien_calloc(count + 1, sizeof(*settings), err);
    if (settings == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        settings[i] = o->training.settings.items[i];
    }
    (void)snprintf(seed, sizeof(seed), "train.seed=%lld", (long long)o->common.seed);
    settings[count] = seed;
    const enum mien_status st =
        mien_sweep_plan(sweep, o->training.recipe, settings, count + (o->common.seed >= 0 ? 1 : 0),
                        o->epochs, o->keep, err);
    free(settings);
    return st;
}

/* A folder that is there holds a sweep, or nothing. */
static enum mien_status check_folder(const char *folder, struct mien_error *err)
{
    char *const path = mien_path_join(folder, "sweep.json", err);
    if (path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st =
        mien_path_is_file(path) ? MIEN_OK : opt_check_path(OPT_FOLDER, folder, err);
    free(path);
    return st;
}

/* "9 combinations: 9 for 2 epochs, 5 for 4, 3 for 8, 2 for 16". */
static void announce(const struct mien_sweep *sweep, struct term *term)
{
    char rungs[256];
    size_t used = 0;
    rungs[0] = '\0';
    for (int r = 0; r < sweep->rung_count && used < sizeof(rungs); r++) {
        used += (size_t)snprintf(rungs + used, sizeof(rungs) - used, "%s%zu for %d%s",
                                 r > 0 ? ", " : "", sweep->rung_trials[r], sweep->rung_epochs[r],
                                 r > 0                        ? ""
                                 : sweep->rung_epochs[r] == 1 ? " epoch"
                                                              : " epochs");
    }
    mien_log_line(&term->log, "%zu combinations: %s", sweep->trial_count, rungs);
}

/* Each network can be trained without what failed the self-test. */
static enum mien_status prove_trials(const struct session *session, const struct mien_sweep *sweep,
                                     const struct sweep_options *o, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const bool doubt = session->proof.wrong.count > 0;
    for (size_t t = 0; st == MIEN_OK && doubt && t < sweep->trial_count; t++) {
        struct mien_model_file file;
        const struct opt_strings settings = { sweep->trials[t].settings, sweep->axis_count };
        st = session_model_of_recipe(&file, o->training.recipe, &settings, 2, err);
        st = st == MIEN_OK ? prove_network(session, &file, (enum mien_blas)o->training.blas, err)
                           : st;
        mien_model_file_finish(&file);
    }
    return st;
}

static enum mien_status sweep(const void *options, struct term *term, struct mien_error *err)
{
    const struct sweep_options *const o = options;
    enum mien_status st = MIEN_OK;
    struct session session = { .cl = NULL };
    struct mien_sweep all = { .axes = NULL };
    struct view view = { term, &all };
    bool interrupted = false;
    TRY(plan(&all, o, err));
    TRY(check_folder(o->out, err));
    TRY(session_open(&session, &o->common, false, term, err));
    TRY(session_tune(&session, o->training.tuning, term, err));
    stop_on_signals();
    const struct prove_wish wish = { .leave_out = o->training.no_selftest,
                                     .blas = (enum mien_blas)o->training.blas };
    TRY(prove_device(&session, &wish, term, err));
    prove_tell(&session, term);
    TRY(prove_trials(&session, &all, o, err));
    announce(&all, term);
    const struct mien_sweep_options run = {
        .folder = o->out,
        .recipe = o->training.recipe,
        .data = o->training.data,
        .command = term->command_line,
        .split = o->training.split,
        .exclude = o->training.exclude,
        .trainer = training_run_options(&o->training, &session),
        .tuning_given = o->training.tuning != NULL,
        .stop = stop_wanted,
        .progress = term->bars && !term->quiet ? show_progress : NULL,
        .trial = show_trial,
        .user = &view,
        .log = &term->log,
    };
    TRY(mien_sweep_run(&all, &interrupted, session.cl, &run, err));
    term_clear(term);
    TRY(print_result(o, &all, interrupted, term, err));
    if (interrupted) {
        st = mien_fail(err, MIEN_ERR_INTERRUPTED,
                       "stopped and saved; the same command goes on with it");
    }

done:
    term_clear(term);
    mien_sweep_finish(&all);
    session_close(&session);
    return st;
}

const struct command cmd_sweep = {
    .name = "sweep",
    .summary = "Try settings in short runs, of which the better ones go on",
    .details =
        "Trains every combination of the values for a few epochs, then the better half of them\n"
        "for twice as many, and so on until one is left (successive halving). Each has the\n"
        "schedule of its whole length, in a run folder of its own. What they come to is in\n"
        "sweep.csv and sweep.json. Ctrl-C saves and exits with 130; the same command goes on\n"
        "and comes to the same result, also after the program was killed.",
    .options = sweep_table,
    .positionals = sweep_positionals,
    .common = COMMON_DEVICE | COMMON_SEED | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct sweep_options),
    .defaults = &sweep_defaults,
    .run = sweep,
};
