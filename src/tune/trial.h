/** trial.h - one shape on the device: is what a candidate computes right, and how long does it take
 * (internal to src/tune) */
#ifndef MIEN_TUNE_TRIAL_H
#define MIEN_TUNE_TRIAL_H

#include "tune/search.h"
#include "verify/product.h"

/** What candidates compute: the shape of a task, or all layers of one of CLBlast's parameters.
 * Fields are for trial.c. */
struct trial {
    struct mien_cl *cl;
    const struct mien_search_options *options;
    const struct mien_search_task *task;
    const struct mien_blas_params *blas; /**< of CLBlast's products where it is not these that are
                                              tried; NULL: the usual */
    struct mien_product *products;       /**< one, or one for each layer */
    size_t count;
};

/**
 * Put a task's shapes on the device.
 *
 * blas       borrowed
 * Ownership  release with mien_trial_finish(), also after an error
 */
MIEN_CHECK_RESULT
enum mien_status mien_trial_init(struct trial *trial, struct mien_cl *cl,
                                 const struct mien_search_options *options,
                                 const struct mien_search_task *task,
                                 const struct mien_blas_params *blas, struct mien_error *err);
void mien_trial_finish(struct trial *trial);

/** What a look at a candidate showed. */
enum trial_verdict { TRIAL_RIGHT, TRIAL_WRONG, TRIAL_REFUSED };

/** Whether a candidate makes all that the task's kernel makes, the pooling behind a convolution
 * too, and is not barred. */
bool mien_trial_takes(const struct trial *trial, const struct mien_tuned *candidate);

/**
 * Let the candidate compute into outputs full of NaN, and compare some hundred of them, among them
 * the corners, with src/ref within docs/numerics.md's tolerance.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY: of the check itself
 */
MIEN_CHECK_RESULT
enum mien_status mien_trial_check(enum trial_verdict *out, struct trial *trial,
                                  const struct mien_tuned *candidate, struct mien_error *err);

/**
 * The same in the task's other forms: what evaluation, and other layers of the shape, do besides.
 * Each has tensors of its own on the device for the time of the check.
 */
MIEN_CHECK_RESULT
enum mien_status mien_trial_check_forms(enum trial_verdict *out, const struct trial *trial,
                                        const struct mien_tuned *candidate, struct mien_error *err);

/** How a candidate is timed. */
struct trial_patience {
    double give_up_ms; /**< stop early when it is clearly slower than this; 0: never */
    double spend_ms;   /**< repeat for this long, if three times did not take longer */
};

/** Time of one run in a row of them, by the host's clock; it must have run before.  For CLBlast's
 * parameters a candidate may also be MIEN_TUNED_DENSE with MIEN_TUNED_OWN: the layers by own
 * kernels. */
MIEN_CHECK_RESULT
enum mien_status mien_trial_time(struct mien_times *out, struct trial *trial,
                                 const struct mien_tuned *candidate,
                                 const struct trial_patience *patience, struct mien_error *err);

#endif
