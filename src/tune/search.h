/** search.h - looks for the fastest variants and parameters within a time budget (internal) */
#ifndef MIEN_TUNE_SEARCH_H
#define MIEN_TUNE_SEARCH_H

#include "tune/measure.h"
#include "tune/table.h"
#include "verify/product.h"

/** What a network's kernel does besides. */
struct mien_search_form {
    bool bias, relu, mask;
    int pool; /**< edge of the max-pooling that is part of a forward convolution, or whose gradient
                 a backward filter pass takes; 0: none */
    bool unasked; /**< forward: and nobody asks who won, as in evaluation */
};
enum { MIEN_SEARCH_FORMS = 24 };

/** Something of a network's step that can be computed in several ways. */
struct mien_search_task {
    struct mien_tuned key; /**< operation, pass, sizes; and the default variant */
    char label[96];        /**< "conv2 backward filter", of the first layer that has it */
    int uses;              /**< layers with this pass and shape, >= 1 */
    /** As the first layer's training has it, which is what is timed; then as others and evaluation
     * have it, in which what was chosen must be right, too. */
    struct mien_search_form forms[MIEN_SEARCH_FORMS];
    int form_count; /**< >= 1 */
    /** Of CLBlast's parameters: the dense layers that are computed with them, borrowed. */
    const struct mien_search_task *layers;
    size_t layer_count;
    bool own; /**< own kernels can compute these layers, too */
};

struct mien_search_result {
    const struct mien_search_task *task;
    struct mien_tuned standard; /**< without tuning */
    struct mien_tuned chosen;   /**< with ms and default_ms, both measured side by side */
    size_t tried;               /**< candidates, the default among them */
    size_t wrong;               /**< of these: right neither exactly nor within the tolerance */
    size_t refused;             /**< of these: not built or not run by the device */
    bool skipped;               /**< something was not tried: it hung or ended the driver before */
    bool complete;              /**< the budget was enough for all that was planned */
    bool done;                  /**< looked at; `chosen` is decided */
    double share_ms;            /**< of a step, with the default; 0: not measured yet */
    double own_ms;              /**< of CLBlast's parameters: the same layers by own kernels */
};

struct mien_search_options {
    double seconds;             /**< the budget; a candidate under way is finished */
    double start_ms;            /**< when it began, by mien_now_ms(); 0: now */
    const struct mien_log *log; /**< progress; may be NULL */
    bool (*stop)(void *user);   /**< asked between candidates; may be NULL */
    /** Called when a default was timed, and when a task is done, so that it can be kept; may be
     * NULL. */
    enum mien_status (*found)(void *user, const struct mien_search_result *result,
                              struct mien_error *err);
    /**
     * Called before the device gets to see a candidate, and, with NULL, when it came back: a driver
     * that does not can only be stopped from another process.  May be NULL.
     */
    enum mien_status (*at)(void *user, const struct mien_search_task *task,
                           const struct mien_tuned *candidate, struct mien_error *err);
    void *user; /**< of stop(), found() and at() */
    const struct mien_tuning
        *known;  /**< candidates to skip, variants that are barred; may be NULL */
    bool resume; /**< `results` hold what a search for the same tasks told found() before */
    struct mien_product_hook hook; /**< for tests, which plant wrong and slow candidates */
};

/** Whether there is more than one way to do it. */
bool mien_search_has_choice(const struct mien_tuned *key);

/**
 * Search for each task, those with the largest share of a step's time first: every variant, then
 * the parameters of the promising ones, one after the other.  A candidate is checked against
 * src/ref before it is timed, and the winner is timed side by side with the default and checked in
 * every form before it replaces it, except for CLBlast's parameters on GPUs, see docs/tuning.md.
 * CLBlast's parameters come before the dense layers that may use them, and stay as they are when
 * own kernels compute all of these.
 *
 * results  [count], filled in the order of the tasks; a task that was not reached is not done
 * Errors   MIEN_ERR_MEMORY, MIEN_ERR_CL: the default itself does not run; those of `found`
 */
MIEN_CHECK_RESULT
enum mien_status mien_search(struct mien_search_result *results, struct mien_cl *cl,
                             const struct mien_search_task *tasks, size_t count,
                             const struct mien_search_options *options, struct mien_error *err);

#endif
