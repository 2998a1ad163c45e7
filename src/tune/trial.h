/** trial.h - one shape on the device: is what a candidate computes right, and how long does it take
 * (internal to src/tune) */
#ifndef MIEN_TUNE_TRIAL_H
#define MIEN_TUNE_TRIAL_H

#include "tune/search.h"
#include "verify/product.h"

/** Put a task's shape on the device.  Ownership  release with mien_product_finish(), also after
 * an error */
MIEN_CHECK_RESULT
enum mien_status mien_trial_init(struct mien_product *trial, struct mien_cl *cl,
                                 const struct mien_search_options *options,
                                 const struct mien_search_task *task, struct mien_error *err);

/** What a look at a candidate showed. */
enum trial_verdict { TRIAL_RIGHT, TRIAL_WRONG, TRIAL_REFUSED };

/**
 * Let the candidate compute into outputs full of NaN, and compare some hundred of them, among them
 * the corners, with src/ref within docs/numerics.md's tolerance.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY: of the check itself
 */
MIEN_CHECK_RESULT
enum mien_status mien_trial_check(enum trial_verdict *out, struct mien_product *trial,
                                  const struct mien_tuned *candidate, struct mien_error *err);

/** How a candidate is timed. */
struct trial_patience {
    double give_up_ms; /**< stop early when it is clearly slower than this; 0: never */
    double spend_ms;   /**< repeat for this long, if three times did not take longer */
};

/** Time of one run in a row of them, by the host's clock; it must have run before. */
MIEN_CHECK_RESULT
enum mien_status mien_trial_time(struct mien_times *out, struct mien_product *trial,
                                 const struct mien_tuned *candidate,
                                 const struct trial_patience *patience, struct mien_error *err);

#endif
