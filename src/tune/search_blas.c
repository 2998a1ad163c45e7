/* search_blas.c - looks for CLBlast's parameters, which are the same for all products */
#include "tune/blas_space.h"
#include "tune/search_internal.h"

#define OWN_MS 60.0

/* How long own kernels take for the same layers. */
static enum mien_status time_own(struct mien_search_result *result, const struct search *search,
                                 struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_times times = { 0 };
    const struct trial_patience patience = { 0.0, OWN_MS };
    struct mien_tuned own = result->task->layers[0].key;
    own.variant = MIEN_TUNED_OWN;
    if (mien_tuning_skips(search->options->known, &own)) {
        return MIEN_OK;
    }
    for (int i = 0; i < 2; i++) { /* the first compiles them, too */
        TRY(mien_search_time(&times, search, result->task, trial, &own, &patience, err));
    }
    result->own_ms = times.min_ms;

done:
    return st;
}

enum mien_status mien_search_blas(struct candidate *best, struct mien_search_result *result,
                                  struct search *search, struct trial *trial,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_device_info *const device = mien_cl_device(search->cl);
    struct candidate own = { .min_ms = 0.0 };
    TRY(result->task->own ? time_own(result, search, trial, err) : MIEN_OK);
    if (result->own_ms > 0.0 && best->min_ms > result->own_ms * SEARCH_PROMISING) {
        goto done; /* other parameters do not make up for that */
    }
    for (int a = 0; a < MIEN_BLAS_AXES; a++) {
        const enum mien_blas_axis axis = (enum mien_blas_axis)a;
        const size_t count = mien_blas_choices(axis, device->kind);
        for (size_t i = 0; i < count; i++) {
            struct mien_blas_params set =
                own.min_ms > 0.0 ? own.entry.blas : mien_blas_first(device->kind);
            const bool fits = mien_blas_choose(&set, axis, i, device);
            const struct mien_tuned next = mien_tuned_blas(&set);
            if (!fits || (own.min_ms > 0.0 && mien_tuned_same(&next, &own.entry))) {
                continue;
            }
            if (mien_search_out_of_time(search)) {
                goto done;
            }
            mien_search_show(search);
            TRY(mien_search_consider(best, &own, result, search, trial, &next, err));
        }
    }

done:
    return st;
}

const struct mien_blas_params *mien_search_chosen_blas(const struct mien_search_result *results,
                                                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct mien_tuned *const chosen = &results[i].chosen;
        if (results[i].done && chosen->op == MIEN_TUNED_BLAS && chosen->variant == MIEN_TUNED_SET) {
            return &chosen->blas;
        }
    }
    return NULL;
}

bool mien_search_spares_blas(const struct mien_search_result *results, size_t count,
                             const struct mien_search_result *blas)
{
    bool used = !blas->task->own;
    for (size_t i = 0; i < count; i++) {
        const struct mien_tuned *const chosen = &results[i].chosen;
        used = used || (results[i].done && chosen->op == MIEN_TUNED_DENSE &&
                        chosen->variant == MIEN_TUNED_CLBLAST);
    }
    return !used && blas->done && blas->chosen.variant == MIEN_TUNED_SET;
}
