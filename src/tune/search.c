/* search.c - looks for the fastest variants and parameters within a time budget */
#include "tune/search.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tune/search_internal.h"

#define BETTER       0.99 /* of the best so far: what counts as faster during the search */
#define FIRST_MS     20.0
#define CANDIDATE_MS 120.0
enum { ROUNDS = 2 };

static int variant_count(const struct mien_tuned *key)
{
    switch (key->op) {
    case MIEN_TUNED_CONV2D: return MIEN_CONV2D_VARIANTS;
    case MIEN_TUNED_DENSE: return MIEN_TUNED_CLBLAST + 1;
    case MIEN_TUNED_BLAS: break;
    }
    return MIEN_TUNED_USUAL + 1; /* the others are sets */
}

/* The entry with another variant, or the same, and default parameters; false: it does not take it.
 */
static bool with_variant(struct mien_tuned *out, const struct mien_tuned *key, int variant)
{
    struct mien_conv2d op;
    *out = *key;
    out->variant = variant;
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        out->param[i] = 0;
    }
    if (key->op == MIEN_TUNED_BLAS) {
        return variant == MIEN_TUNED_USUAL;
    }
    if (key->op == MIEN_TUNED_DENSE) {
        return key->size[3] > 1 || variant == MIEN_TUNED_CLBLAST;
    }
    if (mien_tuned_to_conv2d(&op, out, NULL) != MIEN_OK) {
        return false;
    }
    *out = mien_tuned_conv2d(&op, key->pass); /* with the parameters that are in force */
    return true;
}

static const struct mien_conv2d_param *params_of(const struct mien_tuned *entry)
{
    return mien_conv2d_params((enum mien_conv2d_variant)entry->variant, entry->pass);
}

static int value_count(const struct mien_conv2d_param *param)
{
    const int most = (int)(sizeof(param->values) / sizeof(param->values[0]));
    int count = 0;
    while (param->name != NULL && count < most && param->values[count] != 0) {
        count++;
    }
    return count;
}

bool mien_search_has_choice(const struct mien_tuned *key)
{
    int choices = key->op == MIEN_TUNED_BLAS ? 2 : 0;
    for (int v = 0; v < variant_count(key); v++) {
        struct mien_tuned entry;
        if (!with_variant(&entry, key, v)) {
            continue;
        }
        choices++;
        for (int i = 0; key->op == MIEN_TUNED_CONV2D && i < MIEN_CONV2D_PARAMS; i++) {
            choices += value_count(&params_of(&entry)[i]) > 1 ? 1 : 0;
        }
    }
    return choices > 1;
}

void mien_search_show(const struct search *search)
{
    const double total = search->options->seconds * 1e3;
    const double done = mien_now_ms() - search->start_ms;
    mien_log_progress(search->options->log, "tuning", (size_t)(done < total ? done : total - 1.0),
                      (size_t)total);
}

static bool stopped(const struct search *search)
{
    const struct mien_search_options *const options = search->options;
    return options->stop != NULL && options->stop(options->user);
}

bool mien_search_out_of_time(struct search *search)
{
    if (mien_now_ms() >= search->deadline_ms || stopped(search)) {
        search->cut = true;
        return true;
    }
    return false;
}

enum mien_status mien_search_tell(const struct search *search, const struct mien_search_task *task,
                                  const struct mien_tuned *candidate, struct mien_error *err)
{
    const struct mien_search_options *const options = search->options;
    return options->at != NULL ? options->at(options->user, task, candidate, err) : MIEN_OK;
}

enum mien_status mien_search_time(struct mien_times *out, const struct search *search,
                                  const struct mien_search_task *task, struct trial *trial,
                                  const struct mien_tuned *entry,
                                  const struct trial_patience *patience, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_search_tell(search, task, entry, err));
    TRY(mien_trial_time(out, trial, entry, patience, err));
    TRY(mien_search_tell(search, task, NULL, err));

done:
    return st;
}

enum mien_status mien_search_consider(struct candidate *best, struct candidate *own,
                                      struct mien_search_result *result, struct search *search,
                                      struct trial *trial, const struct mien_tuned *entry,
                                      struct mien_error *err)
{
    struct mien_times times = { 0 };
    struct mien_error refused = { "" };
    const struct trial_patience patience = { best->min_ms, CANDIDATE_MS };
    enum trial_verdict verdict = TRIAL_REFUSED;
    if (!mien_trial_takes(trial, entry)) {
        return MIEN_OK;
    }
    if (mien_tuning_skips(search->options->known, entry)) {
        result->skipped = true;
        return MIEN_OK;
    }
    enum mien_status st = mien_search_tell(search, result->task, entry, err);
    if (st != MIEN_OK) {
        return st;
    }
    result->tried++;
    st = mien_trial_check(&verdict, trial, entry, &refused);
    if (st == MIEN_OK && verdict == TRIAL_RIGHT) {
        st = mien_trial_time(&times, trial, entry, &patience, &refused);
    }
    const bool no = st == MIEN_ERR_CL || st == MIEN_ERR_MEMORY || verdict == TRIAL_REFUSED;
    if (no) {
        mien_cl_drain(trial->cl);
        result->refused++;
    } else if (st != MIEN_OK) {
        return mien_fail(err, st, "%s", refused.text);
    }
    st = mien_search_tell(search, result->task, NULL, err);
    if (st != MIEN_OK || no) {
        return st;
    }
    if (verdict == TRIAL_WRONG) {
        result->wrong++;
        return MIEN_OK;
    }
    if (own->min_ms <= 0.0 || times.min_ms < own->min_ms * BETTER) {
        *own = (struct candidate){ *entry, times.min_ms };
    }
    if (best->min_ms <= 0.0 || times.min_ms < best->min_ms * BETTER) {
        *best = (struct candidate){ *entry, times.min_ms };
    }
    return MIEN_OK;
}

/* The values of one parameter; the best of them stays in `own`. */
static enum mien_status try_values(struct candidate *best, struct candidate *own,
                                   struct mien_search_result *result, struct search *search,
                                   struct trial *trial, int index, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_conv2d_param *const param = &params_of(&own->entry)[index];
    const int standing = own->entry.param[index];
    const int count = value_count(param);
    for (int k = 0; st == MIEN_OK && k < count; k++) {
        struct mien_tuned next = own->entry;
        next.param[index] = param->values[k];
        if (param->values[k] == standing || next.param[index] == own->entry.param[index]) {
            continue;
        }
        if (mien_search_out_of_time(search)) {
            break;
        }
        mien_search_show(search);
        st = mien_search_consider(best, own, result, search, trial, &next, err);
    }
    return st;
}

/* One parameter after the other, until a round changes nothing. */
static enum mien_status descend(struct candidate *best, struct candidate *own,
                                struct mien_search_result *result, struct search *search,
                                struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    bool changed = own->entry.op == MIEN_TUNED_CONV2D && own->min_ms > 0.0;
    for (int round = 0; changed && round < ROUNDS; round++) {
        changed = false;
        for (int i = 0; st == MIEN_OK && i < MIEN_CONV2D_PARAMS; i++) {
            const int standing = own->entry.param[i];
            st = try_values(best, own, result, search, trial, i, err);
            changed = changed || own->entry.param[i] != standing;
        }
    }
    return st;
}

/* Where a variant's default parameters cannot make the layer's pooling, or want more local memory
 * than there is, the first value of one of them that can is what it begins with. */
static void begin_with_what_fits(struct mien_tuned *entry, const struct trial *trial)
{
    const struct mien_conv2d_param *const params = params_of(entry);
    for (int i = 0; i < MIEN_CONV2D_PARAMS && !mien_trial_takes(trial, entry); i++) {
        for (int k = 0; k < value_count(&params[i]); k++) {
            struct mien_tuned other = *entry;
            other.param[i] = params[i].values[k];
            if (mien_trial_takes(trial, &other)) {
                *entry = other;
                return;
            }
        }
    }
}

/* Every variant as it comes, then a closer look at those that are not far behind. */
static enum mien_status try_variants(struct candidate *best, struct mien_search_result *result,
                                     struct search *search, struct trial *trial,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct candidate own[MIEN_CONV2D_VARIANTS] = { { .min_ms = 0.0 } };
    const int standard = result->standard.variant;
    const int count = variant_count(&result->standard);
    own[standard] = *best;
    for (int v = 0; st == MIEN_OK && v < count; v++) {
        struct mien_tuned entry;
        if (v == standard || !with_variant(&entry, &result->standard, v)) {
            continue;
        }
        if (mien_search_out_of_time(search)) {
            return MIEN_OK;
        }
        if (entry.op == MIEN_TUNED_CONV2D) {
            begin_with_what_fits(&entry, trial);
        }
        st = mien_search_consider(best, &own[v], result, search, trial, &entry, err);
    }
    const int leader = best->min_ms > 0.0 ? best->entry.variant : standard;
    for (int i = 0; st == MIEN_OK && i < count; i++) {
        const int v = (leader + i) % count;
        if (own[v].min_ms > 0.0 && own[v].min_ms < best->min_ms * SEARCH_PROMISING) {
            st = descend(best, &own[v], result, search, trial, err);
        }
    }
    return st;
}

static enum mien_status keep(const struct search *search, const struct mien_search_result *result,
                             struct mien_error *err)
{
    const struct mien_search_options *const options = search->options;
    return options->found != NULL ? options->found(options->user, result, err) : MIEN_OK;
}

static enum mien_status search_task(struct mien_search_result *result, struct search *search,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct trial trial = { .cl = NULL };
    struct candidate best = { .min_ms = 0.0 };
    struct candidate standard = { .min_ms = 0.0 };
    search->cut = false;
    TRY(mien_trial_init(&trial, search->cl, search->options, result->task, search->blas, err));
    mien_search_show(search);
    TRY(mien_search_consider(&best, &standard, result, search, &trial, &result->standard, err));
    if (result->task->key.op == MIEN_TUNED_BLAS) {
        TRY(standard.min_ms > 0.0 && mien_search_is_timed_once(search, result)
                ? mien_search_time_usual(search, result, &trial, err)
                : MIEN_OK);
        TRY(mien_search_blas(&best, result, search, &trial, err));
    } else {
        TRY(try_variants(&best, result, search, &trial, err));
    }
    result->complete = !search->cut;
    if (best.min_ms <= 0.0 && result->skipped) {
        goto done; /* nothing is known to be right, and much is known to be left alone */
    }
    if (best.min_ms <= 0.0) {
        st = mien_fail(err, MIEN_ERR_CL, SEARCH_NOBODY);
        goto done;
    }
    TRY(mien_search_decide(result, search, &trial, &best, standard.min_ms > 0.0, err));
    result->done = true;
    TRY(keep(search, result, err));

done:
    mien_trial_finish(&trial);
    return st == MIEN_OK ? st : mien_wrap(err, st, "%s", result->task->label);
}

/* How long the default takes, to know where the time of a step goes. */
static enum mien_status measure_default(struct mien_search_result *result, struct search *search,
                                        struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct trial trial = { .cl = NULL };
    struct mien_times times;
    const struct trial_patience patience = { 0.0, FIRST_MS };
    TRY(mien_trial_init(&trial, search->cl, search->options, result->task, search->blas, err));
    mien_search_show(search);
    for (int i = 0; i < 2; i++) { /* the first compiles it, too */
        TRY(mien_search_time(&times, search, result->task, &trial, &result->standard, &patience,
                             err));
    }
    result->share_ms = times.min_ms * result->task->uses;
    TRY(keep(search, result, err));

done:
    mien_trial_finish(&trial);
    return st == MIEN_OK ? st : mien_wrap(err, st, "%s", result->task->label);
}

/*
 * Each task's share of a step.  Half of the budget at most is for this; what is not measured then
 * counts as the least that was.
 */
static enum mien_status measure_shares(double *shares, struct mien_search_result *results,
                                       size_t count, struct search *search, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    double least = 0.0;
    search->deadline_ms = search->start_ms + search->options->seconds * 1e3 / 2.0;
    for (size_t i = 0; i < count; i++) {
        struct mien_search_result *const result = &results[i];
        const bool left_alone = mien_tuning_skips(search->options->known, &result->standard);
        if (result->share_ms <= 0.0 && !left_alone && !mien_search_out_of_time(search)) {
            TRY(measure_default(result, search, err));
        }
        if (result->share_ms > 0.0) {
            least = least <= 0.0 || result->share_ms < least ? result->share_ms : least;
        }
        shares[i] = result->share_ms;
    }
    for (size_t i = 0; i < count; i++) {
        shares[i] = results[i].done ? 0.0 : shares[i] > 0.0 ? shares[i] : fmax(least, 1e-3);
    }

done:
    return st;
}

/* The task with the largest share among those that are left; count: none.  Dense layers come when
 * it is known what CLBlast can do. */
static size_t largest(const double *shares, const struct mien_search_task *tasks, size_t count)
{
    size_t found = count;
    bool waits = false;
    for (size_t i = 0; i < count; i++) {
        waits = waits || (tasks[i].key.op == MIEN_TUNED_BLAS && shares[i] > 0.0);
    }
    for (size_t i = 0; i < count; i++) {
        if (shares[i] > 0.0 && !(waits && tasks[i].key.op == MIEN_TUNED_DENSE) &&
            (found == count || shares[i] > shares[found])) {
            found = i;
        }
    }
    return found;
}

enum mien_status mien_search(struct mien_search_result *results, struct mien_cl *cl,
                             const struct mien_search_task *tasks, size_t count,
                             const struct mien_search_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct search search = {
        .options = options,
        .cl = cl,
        .start_ms = options->start_ms > 0.0 ? options->start_ms : mien_now_ms(),
    };
    bool searched = false;
    const double end_ms = search.start_ms + options->seconds * 1e3;
    double *const shares = mien_calloc(count, sizeof(*shares), err);
    if (shares == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        if (options->resume && (results[i].share_ms > 0.0 || results[i].done)) {
            results[i].task = &tasks[i];
            searched = searched || results[i].done;
            continue;
        }
        results[i] = (struct mien_search_result){ .task = &tasks[i] };
        if (!with_variant(&results[i].standard, &tasks[i].key, tasks[i].key.variant)) {
            st = mien_fail(err, MIEN_ERR_SHAPE, "%s: no convolution", tasks[i].label);
            goto done;
        }
        results[i].chosen = results[i].standard;
    }
    TRY(measure_shares(shares, results, count, &search, err));
    for (size_t next = largest(shares, tasks, count); next < count;
         next = largest(shares, tasks, count)) {
        double left = 0.0;
        search.deadline_ms = end_ms;
        if (mien_search_out_of_time(&search) && (searched || stopped(&search))) {
            break; /* one task is looked at however little time there was */
        }
        searched = true;
        for (size_t i = 0; i < count; i++) {
            left += shares[i];
        }
        /* Its part of what is left, by its share of the step. */
        const double now_ms = mien_now_ms();
        search.deadline_ms = now_ms + (end_ms - now_ms) * shares[next] / left;
        shares[next] = 0.0;
        search.blas = mien_search_chosen_blas(results, count);
        TRY(search_task(&results[next], &search, err));
    }
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].key.op == MIEN_TUNED_BLAS &&
            mien_search_spares_blas(results, count, &results[i])) {
            const double usual_ms = results[i].chosen.default_ms;
            results[i].chosen = results[i].standard;
            results[i].chosen.ms = results[i].chosen.default_ms = usual_ms;
            TRY(keep(&search, &results[i], err));
        }
    }

done:
    free(shares);
    mien_log_progress(options->log, "tuning", 1, 1);
    return st;
}
