/** proof.h - what a device computes wrong, as the last self-test found it (internal) */
#ifndef MIEN_TRAIN_PROOF_H
#define MIEN_TRAIN_PROOF_H

#include "nn/model.h"
#include "tune/table.h"
#include "verify/verify.h"

/** How much a self-test looked at; zeroed is the quick form. */
struct mien_proof_scope {
    bool whole;   /**< all shapes of the table */
    bool network; /**< a network's shapes too */
    bool clblast; /**< CLBlast's products too */
};

/** Kernels that failed on one device with one driver; zeroed is none. */
struct mien_proof {
    bool known; /**< a self-test of this device, driver and version was made */
    struct mien_proof_scope
        scope;                  /**< all that it, and those before whose faults stay, looked at */
    struct mien_verdicts wrong; /**< of them `kernel`, `variant` and `worst.text` count */
    /** CLBlast's parameters that verdicts on MIEN_VERIFY_TUNED_BLAS are of; zeros: of several. */
    struct mien_blas_params set;
};
void mien_proof_finish(struct mien_proof *proof); /* zeroed is allowed */

/**
 * Read selftest/NAME-HASH.json in mien_cache_folder(); one that is not there, is damaged, or is of
 * another version, other kernels or another CLBlast says nothing.
 *
 * Ownership  release with mien_proof_finish()
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_proof_read(struct mien_proof *out, const struct mien_device_info *device,
                                 struct mien_error *err);

/** The same of the file at `path`. */
MIEN_CHECK_RESULT
enum mien_status mien_proof_load(struct mien_proof *out, const char *path,
                                 const struct mien_device_info *device, struct mien_error *err);

/**
 * Write that file: those of all verdicts of a self-test that failed.
 *
 * A self-test takes the place of those that looked at no more than it did.  To what one found that
 * looked at more, on the same device with the same driver and kernels, it only adds: a fault that
 * shows with few shapes, or with a network's, would be forgotten.
 *
 * set     CLBlast's parameters that were looked at too; NULL: none
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY; then the file is as it was
 */
MIEN_CHECK_RESULT
enum mien_status mien_proof_write(const struct mien_verdicts *verdicts,
                                  const struct mien_blas_params *set,
                                  const struct mien_proof_scope *scope,
                                  const struct mien_device_info *device, struct mien_error *err);

/** Take what a self-test found, in place of what is known, as mien_proof_read() would have it after
 * mien_proof_write() where nothing larger was remembered. */
MIEN_CHECK_RESULT
enum mien_status mien_proof_take(struct mien_proof *proof, const struct mien_verdicts *verdicts,
                                 const struct mien_proof_scope *scope, struct mien_error *err);

/** Whether a verdict is of a variant that failed and that others may stand in for. */
bool mien_proof_avoids(const struct mien_verdict *verdict);

/** Let nobody use those variants, see mien_tuning_bar(); of CLBlast's parameters `set`, or, where
 * that is NULL or zeros, all that were searched for. */
void mien_proof_bar(const struct mien_verdicts *verdicts, const struct mien_blas_params *set,
                    struct mien_tuning *tuning);

/**
 * See that a network can be trained without what failed.
 *
 * Errors  MIEN_ERR_CL: a kernel that it needs failed, and no other computes the same
 */
MIEN_CHECK_RESULT
enum mien_status mien_proof_check(const struct mien_proof *proof, const struct mien_recipe *recipe,
                                  const struct mien_network *network, int lanes,
                                  enum mien_blas blas, struct mien_error *err);

#endif
