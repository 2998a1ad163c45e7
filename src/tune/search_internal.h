/** search_internal.h - what the files of the search share (internal to search*.c) */
#ifndef MIEN_TUNE_SEARCH_INTERNAL_H
#define MIEN_TUNE_SEARCH_INTERNAL_H

#include "tune/trial.h"

#define SEARCH_PROMISING                                                                           \
    2.0 /* what is this many times slower than the best is not looked at closer */
#define SEARCH_NOBODY "no variant that was tried computes it as src/ref does"
enum { SEARCH_FINALS = 3 };

/** A variant with parameters, and its shortest time. */
struct candidate {
    struct mien_tuned entry;
    double min_ms;
};

struct search {
    const struct mien_search_options *options;
    struct mien_cl *cl;
    double start_ms, deadline_ms;           /**< of the task under way */
    bool cut;                               /**< the task under way ended before all was tried */
    const struct mien_blas_params *blas;    /**< of CLBlast in dense layers; NULL: the usual */
    struct mien_times usual[SEARCH_FINALS]; /**< of CLBlast's parameters: the default's times, where
                                                 they cannot be taken again later */
};

/** Whether the task under way must end. */
bool mien_search_out_of_time(struct search *search);
void mien_search_show(const struct search *search);

/**
 * Check a candidate, time it, and make it the best, and the best of its kind (`own`), when it is
 * faster.  What the device refuses, and what is wrong, is counted and passed over.
 */
MIEN_CHECK_RESULT
enum mien_status mien_search_consider(struct candidate *best, struct candidate *own,
                                      struct mien_search_result *result, struct search *search,
                                      struct trial *trial, const struct mien_tuned *entry,
                                      struct mien_error *err);

/** Tell whoever watches which candidate the device gets now; NULL: none. */
MIEN_CHECK_RESULT
enum mien_status mien_search_tell(const struct search *search, const struct mien_search_task *task,
                                  const struct mien_tuned *candidate, struct mien_error *err);

/**
 * Time default and winner in turns, and take the winner when it is ahead by its median and by its
 * minimum, and right in the task's other forms, too.
 *
 * standard_right  the default is right and not barred; else the winner is taken anyway
 * Errors          also MIEN_ERR_CL: nothing is right in every form
 */
MIEN_CHECK_RESULT
enum mien_status mien_search_decide(struct mien_search_result *result, const struct search *search,
                                    struct trial *trial, const struct candidate *best,
                                    bool standard_right, struct mien_error *err);

/** Whether the default cannot be had back once there was something else: CLBlast's parameters,
 * where they are not mien's. */
bool mien_search_is_timed_once(const struct search *search,
                               const struct mien_search_result *result);

/** The times of CLBlast's usual parameters, before there are others. */
MIEN_CHECK_RESULT
enum mien_status mien_search_time_usual(struct search *search,
                                        const struct mien_search_result *result,
                                        struct trial *trial, struct mien_error *err);

/** Time what ran before, with those told who watch. */
MIEN_CHECK_RESULT
enum mien_status mien_search_time(struct mien_times *out, const struct search *search,
                                  const struct mien_search_task *task, struct trial *trial,
                                  const struct mien_tuned *entry,
                                  const struct trial_patience *patience, struct mien_error *err);

/** The sets of CLBlast's parameters, one axis after the other, with `best` the usual ones. */
MIEN_CHECK_RESULT
enum mien_status mien_search_blas(struct candidate *best, struct mien_search_result *result,
                                  struct search *search, struct trial *trial,
                                  struct mien_error *err);

/** The parameters that were chosen, or NULL; borrowed from the results. */
const struct mien_blas_params *mien_search_chosen_blas(const struct mien_search_result *results,
                                                       size_t count);
/** Whether the default is to stay, because CLBlast computes none of the layers that own kernels can
 * compute, too. */
bool mien_search_spares_blas(const struct mien_search_result *results, size_t count,
                             const struct mien_search_result *blas);

#endif
