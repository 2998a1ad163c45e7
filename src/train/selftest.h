/** selftest.h - all that a device computes for training, against plain C (internal) */
#ifndef MIEN_TRAIN_SELFTEST_H
#define MIEN_TRAIN_SELFTEST_H

#include "nn/network.h"
#include "verify/verify.h"

struct mien_selftest {
    struct mien_verify_wish wish;       /**< also of what is beside the table */
    const struct mien_recipe *recipe;   /**< NULL: the table's shapes alone; borrowed */
    const struct mien_network *network; /**< of `recipe`; its layers' shapes too; borrowed */
    /** Also CLBlast's products with these parameters, as the last of all: some devices cannot go
     * back to the usual ones.  NULL: none; borrowed. */
    const struct mien_blas_params *blas;
};

/**
 * Check the table of operations, the shapes of a network with its batch, and a training run whose
 * losses are known.
 *
 * out     added to; release with mien_verdicts_finish(), also after an error
 * Errors  MIEN_ERR_MEMORY: for tensors of a check; MIEN_ERR_CL: the device is lost;
 *         MIEN_ERR_INTERRUPTED; MIEN_ERR_USAGE: a filter that no operation has in its name.
 *         What a kernel does wrong and what the device refuses are verdicts
 */
MIEN_CHECK_RESULT
enum mien_status mien_selftest_run(struct mien_verdicts *out, struct mien_cl *cl,
                                   const struct mien_selftest *what, struct mien_error *err);

/** Rows of the table that check what a step does with all parameters at once, and whether that of a
 * recipe does it. */
enum { MIEN_SELFTEST_FLAT = 7 };
extern const char *const mien_selftest_flat[MIEN_SELFTEST_FLAT];
bool mien_selftest_uses(const struct mien_train_spec *train, const char *row);

/** The row of the table that checks a layer; NULL for those that compute nothing. */
const char *mien_selftest_row(enum mien_layer_kind kind);

#endif
