/* sweep_plan.c - which settings a sweep tries, and for how long */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/recipe.h"
#include "train/sweep.h"

/* Cut "KEY=VALUE,VALUE" into its parts. */
static enum mien_status read_axis(struct mien_sweep_axis *axis, const char *text,
                                  struct mien_error *err)
{
    const char *const equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return mien_fail(err, MIEN_ERR_USAGE, "--set: '%.200s' is not KEY=VALUE,VALUE...", text);
    }
    axis->key = mien_calloc((size_t)(equals - text) + 1, 1, err);
    if (axis->key == NULL) {
        return MIEN_ERR_MEMORY;
    }
    memcpy(axis->key, text, (size_t)(equals - text));
    size_t count = 1;
    for (const char *at = equals; *at != '\0'; at++) {
        count += *at == ',' ? 1 : 0;
    }
    axis->values = mien_calloc(count, sizeof(*axis->values), err);
    if (axis->values == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (const char *at = equals + 1; axis->count < count; axis->count++) {
        const size_t length = strcspn(at, ",");
        if (length == 0) {
            return mien_fail(err, MIEN_ERR_USAGE, "--set: an empty value in '%.200s'", text);
        }
        char *const value = mien_calloc(length + 1, 1, err);
        if (value == NULL) {
            return MIEN_ERR_MEMORY;
        }
        memcpy(value, at, length);
        axis->values[axis->count] = value;
        at += length + 1;
    }
    return MIEN_OK;
}

static enum mien_status read_axes(struct mien_sweep *sweep, const char *const *settings,
                                  size_t count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    sweep->axes = mien_calloc(count, sizeof(*sweep->axes), err);
    if (sweep->axes == NULL) {
        return MIEN_ERR_MEMORY;
    }
    sweep->trial_count = 1;
    for (size_t i = 0; i < count; i++) {
        struct mien_sweep_axis *const axis = &sweep->axes[i];
        sweep->axis_count = i + 1;
        TRY(read_axis(axis, settings[i], err));
        for (size_t k = 0; k < i; k++) {
            if (strcmp(sweep->axes[k].key, axis->key) == 0) {
                st = mien_fail(err, MIEN_ERR_USAGE,
                               "%s is set twice: its values belong into one list", axis->key);
                goto done;
            }
        }
        if (axis->count > MIEN_SWEEP_MOST_TRIALS / sweep->trial_count) {
            st =
                mien_fail(err, MIEN_ERR_USAGE, "more than %d combinations", MIEN_SWEEP_MOST_TRIALS);
            goto done;
        }
        sweep->trial_count *= axis->count;
    }
    if (sweep->trial_count < 2) {
        st = mien_fail(err, MIEN_ERR_USAGE,
                       "nothing to compare: a --set needs two values or more, as in --set "
                       "train.optimizer.rate=0.01,0.03");
    }

done:
    return st;
}

static enum mien_status combine(struct mien_sweep *sweep, struct mien_error *err)
{
    const size_t count = sweep->trial_count;
    sweep->trials = mien_calloc(count, sizeof(*sweep->trials), err);
    for (size_t t = 0; sweep->trials != NULL && t < count; t++) {
        struct mien_sweep_trial *const trial = &sweep->trials[t];
        trial->settings = mien_calloc(sweep->axis_count, sizeof(*trial->settings), err);
        size_t rest = t;
        for (size_t i = sweep->axis_count; trial->settings != NULL && i-- > 0;) {
            const struct mien_sweep_axis *const axis = &sweep->axes[i];
            const char *const value = axis->values[rest % axis->count];
            const size_t bytes = strlen(axis->key) + strlen(value) + 2;
            rest /= axis->count;
            trial->settings[i] = mien_calloc(bytes, 1, err);
            if (trial->settings[i] == NULL) {
                return MIEN_ERR_MEMORY;
            }
            (void)snprintf(trial->settings[i], bytes, "%s=%s", axis->key, value);
        }
        if (trial->settings == NULL) {
            return MIEN_ERR_MEMORY;
        }
    }
    return sweep->trials != NULL ? MIEN_OK : MIEN_ERR_MEMORY;
}

/* The settings of a trial that vary, as people are told of them. */
static void name_trial(char *out, size_t bytes, const struct mien_sweep *sweep, size_t trial)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sweep->axis_count; i++) {
        if (sweep->axes[i].count > 1 && used < bytes) {
            used += (size_t)snprintf(out + used, bytes - used, "%s%s", used > 0 ? " " : "",
                                     sweep->trials[trial].settings[i]);
        }
    }
}

/* Every recipe can be, and no two are the same; *most gets the most epochs of any. */
static enum mien_status check_recipes(int *most, const struct mien_sweep *sweep, const char *path,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_recipe *recipe = NULL;
    char **const texts = mien_calloc(sweep->trial_count, sizeof(*texts), err);
    if (texts == NULL) {
        return MIEN_ERR_MEMORY;
    }
    *most = 0;
    for (size_t t = 0; t < sweep->trial_count; t++) {
        TRY(mien_recipe_load(&recipe, path, (const char *const *)sweep->trials[t].settings,
                             sweep->axis_count, err));
        TRY(mien_recipe_format(&texts[t], recipe, err));
        *most = recipe->train.epochs > *most ? recipe->train.epochs : *most;
        mien_recipe_destroy(recipe);
        recipe = NULL;
        for (size_t k = 0; k < t; k++) {
            if (strcmp(texts[k], texts[t]) == 0) {
                char one[200];
                char other[200];
                name_trial(one, sizeof(one), sweep, k);
                name_trial(other, sizeof(other), sweep, t);
                st = mien_fail(err, MIEN_ERR_USAGE, "%s and %s make the same recipe", one, other);
                goto done;
            }
        }
    }

done:
    for (size_t t = 0; t < sweep->trial_count; t++) {
        free(texts[t]);
    }
    free(texts);
    mien_recipe_destroy(recipe);
    return st;
}

static void plan_rungs(struct mien_sweep *sweep, int epochs, int most, double keep)
{
    size_t trials = sweep->trial_count;
    double budget = epochs;
    int before = 0;
    while (sweep->rung_count < MIEN_SWEEP_MOST_RUNGS && before < most &&
           (trials > 1 || sweep->rung_count == 0)) {
        const int rounded = budget < (double)most ? (int)lround(budget) : most;
        const int whole = rounded > before ? rounded : before + 1;
        const size_t kept = (size_t)ceil((double)trials * keep - 1e-9);
        sweep->rung_epochs[sweep->rung_count] = whole;
        sweep->rung_trials[sweep->rung_count++] = trials;
        trials = kept < trials ? kept : trials - 1;
        budget /= keep;
        before = whole;
    }
}

enum mien_status mien_sweep_plan(struct mien_sweep *out, const char *recipe,
                                 const char *const *settings, size_t setting_count, int epochs,
                                 double keep, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    int most = 0;
    *out = (struct mien_sweep){ .axes = NULL };
    TRY(read_axes(out, settings, setting_count, err));
    TRY(combine(out, err));
    TRY(check_recipes(&most, out, recipe, err));
    plan_rungs(out, epochs, most, keep);

done:
    if (st != MIEN_OK) {
        mien_sweep_finish(out);
    }
    return st;
}

void mien_sweep_finish(struct mien_sweep *sweep)
{
    for (size_t t = 0; sweep->trials != NULL && t < sweep->trial_count; t++) {
        struct mien_sweep_trial *const trial = &sweep->trials[t];
        for (size_t i = 0; trial->settings != NULL && i < sweep->axis_count; i++) {
            free(trial->settings[i]);
        }
        free(trial->settings);
    }
    for (size_t i = 0; i < sweep->axis_count; i++) {
        for (size_t k = 0; k < sweep->axes[i].count; k++) {
            free(sweep->axes[i].values[k]);
        }
        free(sweep->axes[i].values);
        free(sweep->axes[i].key);
    }
    free(sweep->axes);
    free(sweep->trials);
    *sweep = (struct mien_sweep){ .axes = NULL };
}

void mien_sweep_name(char out[MIEN_SWEEP_NAME_BYTES], size_t trial)
{
    (void)snprintf(out, MIEN_SWEEP_NAME_BYTES, "run-%03zu", trial + 1);
}
