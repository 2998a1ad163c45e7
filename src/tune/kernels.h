/** kernels.h - every operation in every variant, measured over the shapes of report, report-pooled
 * and both VGGs, and of those that they lack (internal) */
#ifndef MIEN_TUNE_KERNELS_H
#define MIEN_TUNE_KERNELS_H

#include "tune/measure.h"

/** One operation, pass and variant for one shape. */
struct mien_kernel_result {
    char name[112];     /**< "conv2d 64x44x44 to 32x41x41 by 4x4, forward, vector, batch 150" */
    const char *kind;   /**< "conv2d", "dense" ...; static */
    double flop, bytes; /**< as struct mien_cost: direct arithmetic, every tensor once */
    struct mien_measured times;
};

struct mien_kernels_options {
    int batch, warmup, repeat;  /**< each >= 1 */
    const char *filter;         /**< only those with this in their name; NULL: all */
    const struct mien_log *log; /**< what was left out for lack of memory; may be NULL */
    enum mien_status (*result)(void *user, const struct mien_kernel_result *result,
                               struct mien_error *err);
    void *user;
};

/**
 * Measure convolution in all passes and variants, dense layers, activations, additions, dropout,
 * pooling, batch normalisation, loss, optimisers and the gathering of a batch; each result is
 * handed over when it is there.
 *
 * The device must have been opened with `profile`.
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY, MIEN_ERR_SHAPE (a batch beyond 32-bit indices), and those
 * of `result`
 */
MIEN_CHECK_RESULT
enum mien_status mien_kernels_measure(struct mien_cl *cl,
                                      const struct mien_kernels_options *options,
                                      struct mien_error *err);

#endif
