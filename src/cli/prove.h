/** prove.h - what a device must have shown before something is trained on it */
#ifndef MIEN_CLI_PROVE_H
#define MIEN_CLI_PROVE_H

#include "cli/session.h"

/** For an option --no-selftest that keeps a bool. */
#define PROVE_LEAVE_OUT_HELP "train also on a device and driver that no self-test was run on"

/** Which training is to come. */
struct prove_wish {
    bool leave_out; /**< run no self-test; what is remembered counts all the same */
    enum mien_blas blas;
    const struct mien_tuning *kept; /**< that of a run that goes on, NULL: none; borrowed */
};

/**
 * Before a training, after session_tune(): where no self-test of this device, driver and version is
 * remembered, run the quick one, say so, remember it, and have what failed avoided.  CLBlast's
 * products are part of it where the training may use them, and are not where own kernels compute
 * them: its kernels are what takes longest to compile.
 *
 * Errors     MIEN_ERR_INTERRUPTED: stop_wanted(); MIEN_ERR_MEMORY: for tensors of a check;
 *            MIEN_ERR_CL: the device is lost.  What cannot be kept is a notice
 */
MIEN_CHECK_RESULT
enum mien_status prove_device(struct session *session, const struct prove_wish *wish,
                              struct term *term, struct mien_error *err);

/** Say which variants failed and are not used. */
void prove_tell(const struct session *session, struct term *term);

/**
 * See that a network can be trained without what failed.
 *
 * Errors  MIEN_ERR_CL: what failed is needed
 */
MIEN_CHECK_RESULT
enum mien_status prove_network(const struct session *session, const struct mien_model_file *file,
                               enum mien_blas blas, struct mien_error *err);

#endif
