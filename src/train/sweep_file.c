/* sweep_file.c - what a sweep has found, in sweep.json and sweep.csv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/print.h"
#include "train/sweep.h"

/* A thousand trials of 128 rungs, and their settings. */
enum { LARGEST_FILE = 16 << 20 };

/* Whether trial a comes before trial b. */
static bool is_better(const struct mien_sweep *sweep, size_t a, size_t b)
{
    const struct mien_sweep_trial *const x = &sweep->trials[a];
    const struct mien_sweep_trial *const y = &sweep->trials[b];
    if (x->failed != y->failed) {
        return y->failed;
    }
    if (x->rungs != y->rungs) {
        return x->rungs > y->rungs;
    }
    if (x->rungs > 0 && x->accuracy[x->rungs - 1] != y->accuracy[x->rungs - 1]) {
        return x->accuracy[x->rungs - 1] > y->accuracy[x->rungs - 1];
    }
    return a < b;
}

void mien_sweep_rank(size_t *order, const struct mien_sweep *sweep)
{
    for (size_t t = 0; t < sweep->trial_count; t++) { /* a thousand at most */
        size_t at = t;
        for (; at > 0 && is_better(sweep, t, order[at - 1]); at--) {
            order[at] = order[at - 1];
        }
        order[at] = t;
    }
}

/* Values as they were given, under their keys. */
static json_t *describe_settings(const struct mien_sweep *sweep, size_t trial)
{
    json_t *object = json_object();
    for (size_t i = 0; i < sweep->axis_count; i++) {
        const char *const setting = sweep->trials[trial].settings[i];
        mien_json_set(&object, sweep->axes[i].key, mien_json_text(strchr(setting, '=') + 1));
    }
    return object;
}

static json_t *describe_trial(const struct mien_sweep *sweep, size_t trial)
{
    const struct mien_sweep_trial *const of = &sweep->trials[trial];
    char name[MIEN_SWEEP_NAME_BYTES];
    json_t *accuracies = json_array();
    mien_sweep_name(name, trial);
    for (int r = 0; r < of->rungs; r++) {
        mien_json_append(&accuracies, json_real(of->accuracy[r]));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "run", name, "settings",
                     describe_settings(sweep, trial), "accuracies", accuracies, "failed",
                     of->failed);
}

json_t *mien_sweep_describe(const struct mien_sweep *sweep)
{
    json_t *rungs = json_array();
    json_t *trials = json_array();
    size_t *const order = mien_calloc(sweep->trial_count, sizeof(*order), NULL);
    if (order == NULL) {
        json_decref(rungs);
        json_decref(trials);
        return NULL;
    }
    mien_sweep_rank(order, sweep);
    for (int r = 0; r < sweep->rung_count; r++) {
        mien_json_append(&rungs, json_pack("{s:i, s:i}", "epochs", sweep->rung_epochs[r], "trials",
                                           (int)sweep->rung_trials[r]));
    }
    for (size_t i = 0; i < sweep->trial_count; i++) {
        mien_json_append(&trials, describe_trial(sweep, order[i]));
    }
    const bool known = sweep->trials[order[0]].rungs > 0 && !sweep->trials[order[0]].failed;
    json_t *const best = known ? describe_settings(sweep, order[0]) : json_null();
    free(order);
    return json_pack("{s:o, s:o, s:o}", "rungs", rungs, "best", best, "trials", trials);
}

/* A sweep and the order of its trials. */
struct ranked {
    const struct mien_sweep *sweep;
    const size_t *order;
};

static void print_rows(FILE *to, const void *user)
{
    const struct ranked *const ranked = user;
    const struct mien_sweep *const sweep = ranked->sweep;
    const size_t *const order = ranked->order;
    (void)fputs("rank,run", to);
    for (size_t i = 0; i < sweep->axis_count; i++) {
        (void)fputc(',', to);
        mien_csv_put(to, sweep->axes[i].key);
    }
    for (int r = 0; r < sweep->rung_count; r++) {
        (void)fprintf(to, ",accuracy_%d", sweep->rung_epochs[r]);
    }
    (void)fputs(",failed\n", to);
    for (size_t k = 0; k < sweep->trial_count; k++) {
        const struct mien_sweep_trial *const trial = &sweep->trials[order[k]];
        char name[MIEN_SWEEP_NAME_BYTES];
        mien_sweep_name(name, order[k]);
        (void)fprintf(to, "%zu,%s", k + 1, name);
        for (size_t i = 0; i < sweep->axis_count; i++) {
            (void)fputc(',', to);
            mien_csv_put(to, strchr(trial->settings[i], '=') + 1);
        }
        for (int r = 0; r < sweep->rung_count; r++) {
            (void)fputc(',', to);
            if (r < trial->rungs) {
                (void)fprintf(to, "%.9g", trial->accuracy[r]);
            }
        }
        (void)fprintf(to, ",%s\n", trial->failed ? "yes" : "");
    }
}

enum mien_status mien_sweep_write_csv(const char *path, const struct mien_sweep *sweep,
                                      struct mien_error *err)
{
    size_t *const order = mien_calloc(sweep->trial_count, sizeof(*order), err);
    if (order == NULL) {
        return MIEN_ERR_MEMORY;
    }
    mien_sweep_rank(order, sweep);
    const struct ranked ranked = { sweep, order };
    const enum mien_status st = mien_print_file(path, print_rows, &ranked, err);
    free(order);
    return st;
}

enum mien_status mien_sweep_save(const char *path, const struct mien_sweep *sweep,
                                 const json_t *asked, struct mien_error *err)
{
    json_t *object = mien_sweep_describe(sweep);
    mien_json_set(&object, "asked", json_deep_copy(asked));
    const enum mien_status st =
        mien_json_write(path, object, JSON_INDENT(1) | JSON_REAL_PRECISION(17), err);
    json_decref(object);
    return st;
}

/* Of two sweeps, say what was asked for differently. */
static enum mien_status compare_asked(json_t *asked, const json_t *before, const char *path,
                                      struct mien_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(asked, key, value)
    {
        const bool unknown = strcmp(key, "blas") == 0 && json_object_get(before, key) == NULL;
        if (!unknown && !json_equal(value, json_object_get(before, key))) {
            return mien_fail(err, MIEN_ERR_IO,
                             "%s is of another sweep, with another %s: take another --out, or the "
                             "same command to go on with it",
                             path, key);
        }
    }
    return MIEN_OK;
}

/* The trial of a folder's name; NULL: none. */
static struct mien_sweep_trial *find_trial(const struct mien_sweep *sweep, const json_t *name)
{
    char own[MIEN_SWEEP_NAME_BYTES];
    for (size_t t = 0; json_is_string(name) && t < sweep->trial_count; t++) {
        mien_sweep_name(own, t);
        if (strcmp(own, json_string_value(name)) == 0) {
            return &sweep->trials[t];
        }
    }
    return NULL;
}

static enum mien_status take_trial(const struct mien_sweep *sweep, const json_t *object,
                                   const char *path, struct mien_error *err)
{
    struct mien_sweep_trial *const trial = find_trial(sweep, json_object_get(object, "run"));
    const json_t *const accuracies = json_object_get(object, "accuracies");
    const size_t count = json_array_size(accuracies);
    if (trial == NULL || count > (size_t)sweep->rung_count || trial->rungs > 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s is damaged: it has a trial that cannot be",
                         path);
    }
    for (size_t r = 0; r < count; r++) {
        const json_t *const accuracy = json_array_get(accuracies, r);
        const double value = json_number_value(accuracy);
        if (!json_is_number(accuracy) || !(value >= 0.0 && value <= 1.0)) {
            return mien_fail(err, MIEN_ERR_FORMAT, "%s is damaged: an accuracy is none", path);
        }
        trial->accuracy[r] = value;
    }
    trial->rungs = (int)count;
    trial->failed = json_is_true(json_object_get(object, "failed"));
    return MIEN_OK;
}

enum mien_status mien_sweep_load(struct mien_sweep *sweep, const char *path, json_t *asked,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *object = NULL;
    if (!mien_path_is_file(path)) {
        return MIEN_OK;
    }
    st = mien_json_read(&object, path, LARGEST_FILE, err);
    if (st != MIEN_OK) { /* the path is in the text */
        return st == MIEN_ERR_FORMAT ? mien_wrap(err, st, "damaged, or none of mien's") : st;
    }
    const json_t *const trials = json_object_get(object, "trials");
    if (!json_is_array(trials) || !json_is_object(json_object_get(object, "asked"))) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "%s is damaged, or none of mien's", path);
        goto done;
    }
    json_t *const before = json_object_get(object, "asked");
    json_t *const tuning = json_object_get(before, "tuning");
    TRY(compare_asked(asked, before, path, err));
    if (json_is_string(tuning) && json_object_set(asked, "tuning", tuning) != 0) {
        st = mien_fail(err, MIEN_ERR_MEMORY, "out of memory for %s", path);
        goto done;
    }
    for (size_t i = 0; i < json_array_size(trials); i++) {
        TRY(take_trial(sweep, json_array_get(trials, i), path, err));
    }

done:
    json_decref(object);
    return st;
}
