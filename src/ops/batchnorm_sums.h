/** batchnorm_sums.h - what batch norm and its form with pooling share (internal to src/ops) */
#ifndef MIEN_OPS_BATCHNORM_SUMS_H
#define MIEN_OPS_BATCHNORM_SUMS_H

#include "ops/batchnorm.h"

/** What all launches need to know. */
struct mien_batchnorm_sizes {
    cl_int n, c, pixels, blocks, planes;
};

struct mien_batchnorm_sizes mien_batchnorm_sizes(const struct mien_batchnorm *op);

/** A group (or work-item) for each `chunk` of `count` sums over `work` vectors each. */
struct mien_cl_launch mien_batchnorm_sum_grid(cl_int *chunk, const char *source, const char *kernel,
                                              cl_int lanes, cl_int count, cl_int work);

/** Mean and variance of each channel, into `saved` and the running values. */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_measure(struct mien_cl *cl, const struct mien_cl_buffer *x,
                                        const struct mien_batchnorm_buffers *buffers,
                                        const struct mien_batchnorm *op, struct mien_error *err);

/** dweight and dbias from the sums of each plane in `work`. */
MIEN_CHECK_RESULT
enum mien_status mien_batchnorm_add_parts(struct mien_cl *cl,
                                          const struct mien_batchnorm_buffers *buffers,
                                          const struct mien_batchnorm *op, struct mien_error *err);

#endif
