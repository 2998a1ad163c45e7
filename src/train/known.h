/** known.h - a tiny training run whose losses are known (internal) */
#ifndef MIEN_TRAIN_KNOWN_H
#define MIEN_TRAIN_KNOWN_H

#include "tune/table.h"
#include "verify/verify.h"

enum { MIEN_KNOWN_STEPS = 12 };
#define MIEN_KNOWN_NAME "training run" /**< of its verdict */

/** What each step's loss must be: PyTorch's in float64, see tests/data/oracle/make_oracle.py. */
extern const double mien_known_losses[MIEN_KNOWN_STEPS];

/**
 * Train a small network of convolutions, batch norm, pooling and a dense layer for three epochs,
 * and add a verdict: its worst step's loss against the known one, relative to it.
 *
 * tuning  what not to use; NULL: defaults
 * Errors  MIEN_ERR_MEMORY: of the host.  What the device refuses is a verdict
 */
MIEN_CHECK_RESULT
enum mien_status mien_known_run(struct mien_verdicts *out, struct mien_cl *cl,
                                const struct mien_tuning *tuning, struct mien_error *err);

#endif
