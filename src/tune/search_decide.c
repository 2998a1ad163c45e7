/* search_decide.c - the end of the search for one task: default or winner */
#include "tune/search_internal.h"

#define WORTH      0.98 /* of the default's time, side by side: what is worth changing it */
#define BLAS_WORTH 0.95 /* ... where the default was timed before all others */
#define FINAL_MS   250.0

bool mien_search_is_timed_once(const struct search *search, const struct mien_search_result *result)
{
    return result->task->key.op == MIEN_TUNED_BLAS &&
           mien_cl_device(search->cl)->kind != MIEN_DEVICE_CPU;
}

/* Whether a candidate is right in the task's other forms, too. */
static enum mien_status holds(bool *out, struct mien_search_result *result,
                              const struct search *search, const struct trial *trial,
                              const struct mien_tuned *entry, struct mien_error *err)
{
    struct mien_error refused = { "" };
    enum trial_verdict verdict = TRIAL_REFUSED;
    *out = false;
    enum mien_status st = mien_search_tell(search, result->task, entry, err);
    if (st != MIEN_OK) {
        return st;
    }
    st = mien_trial_check_forms(&verdict, trial, entry, &refused);
    if (st == MIEN_ERR_CL || st == MIEN_ERR_MEMORY) {
        mien_cl_drain(trial->cl);
        verdict = TRIAL_REFUSED;
    } else if (st != MIEN_OK) {
        return mien_fail(err, st, "%s", refused.text);
    }
    *out = verdict == TRIAL_RIGHT;
    result->refused += verdict == TRIAL_REFUSED ? 1 : 0;
    result->wrong += verdict == TRIAL_WRONG ? 1 : 0;
    return mien_search_tell(search, result->task, NULL, err);
}

/* The faster of default and winner; one that is not right in every form stays what it was. */
static enum mien_status choose(struct mien_search_result *result, const struct search *search,
                               const struct trial *trial, const struct candidate *best, bool ahead,
                               bool standard_right, struct mien_error *err)
{
    bool right = true;
    if (!ahead && standard_right) {
        result->chosen = result->standard;
        return MIEN_OK;
    }
    const enum mien_status st = holds(&right, result, search, trial, &best->entry, err);
    if (st == MIEN_OK && !right && !standard_right) {
        return mien_fail(err, MIEN_ERR_CL, SEARCH_NOBODY);
    }
    result->chosen = right ? best->entry : result->standard;
    return st;
}

enum mien_status mien_search_decide(struct mien_search_result *result, const struct search *search,
                                    struct trial *trial, const struct candidate *best,
                                    bool standard_right, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct trial_patience patience = { 0.0, FINAL_MS / SEARCH_FINALS };
    const bool once = mien_search_is_timed_once(search, result);
    const double worth = once ? BLAS_WORTH : WORTH;
    struct mien_times before = { 0 };
    struct mien_times after = { 0 };
    double medians[2][SEARCH_FINALS];
    double minima[2][SEARCH_FINALS];
    for (int i = 0; i < SEARCH_FINALS; i++) {
        before = search->usual[i];
        st = standard_right && !once ? mien_search_time(&before, search, result->task, trial,
                                                        &result->standard, &patience, err)
                                     : MIEN_OK;
        TRY(st);
        after = before;
        TRY(once && mien_tuned_same(&result->standard, &best->entry)
                ? MIEN_OK
                : mien_search_time(&after, search, result->task, trial, &best->entry, &patience,
                                   err));
        medians[0][i] = standard_right ? before.median_ms : after.median_ms;
        minima[0][i] = standard_right ? before.min_ms : after.min_ms;
        medians[1][i] = after.median_ms;
        minima[1][i] = after.min_ms;
    }
    struct mien_times sums[4];
    mien_times_of(&sums[0], medians[0], SEARCH_FINALS);
    mien_times_of(&sums[1], medians[1], SEARCH_FINALS);
    mien_times_of(&sums[2], minima[0], SEARCH_FINALS);
    mien_times_of(&sums[3], minima[1], SEARCH_FINALS);
    const bool ahead = !mien_tuned_same(&result->standard, &best->entry) &&
                       sums[1].median_ms < sums[0].median_ms * worth &&
                       sums[3].min_ms < sums[2].min_ms * worth;
    TRY(choose(result, search, trial, best, ahead, standard_right, err));
    const bool changed = !mien_tuned_same(&result->standard, &result->chosen);
    result->chosen.default_ms = sums[0].median_ms;
    result->chosen.ms = changed ? sums[1].median_ms : sums[0].median_ms;

done:
    return st;
}

enum mien_status mien_search_time_usual(struct search *search,
                                        const struct mien_search_result *result,
                                        struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct trial_patience patience = { 0.0, FINAL_MS / SEARCH_FINALS };
    for (int i = 0; st == MIEN_OK && i < SEARCH_FINALS; i++) {
        st = mien_search_time(&search->usual[i], search, result->task, trial, &result->standard,
                              &patience, err);
    }
    return st;
}
