/** kernels_internal.h - one shape of one operation under measurement (internal to kernels*.c) */
#ifndef MIEN_TUNE_KERNELS_INTERNAL_H
#define MIEN_TUNE_KERNELS_INTERNAL_H

#include "ops/batchnorm_pool.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/gather.h"
#include "ops/optimizer.h"
#include "ops/pool.h"
#include "ops/softmax.h"
#include "tune/kernels.h"

enum { KERNEL_BUFFERS = 13 };

/** One shape with its tensors, which are there from the first measurement on. */
struct kernel_shape {
    struct mien_cl *cl;
    const struct mien_kernels_options *options;
    const char *kind;
    size_t bytes[KERNEL_BUFFERS]; /**< of each buffer; 0: not needed */
    struct mien_cl_buffer *buffers[KERNEL_BUFFERS];
    int pass; /**< which function to call; its meaning is the operation's */
    union {
        struct mien_conv2d conv;
        struct mien_dense dense;
        struct mien_pool pool;
        struct mien_batchnorm batchnorm;
        struct {
            struct mien_batchnorm batchnorm;
            struct mien_pool pool;
        } pooled_norm;
        struct mien_softmax softmax;
        struct mien_gather gather;
        struct mien_act act;
        size_t count;
    } op;
};

/** A way to call the operation, and what it cannot do without. */
struct kernel_pass {
    enum mien_status (*enqueue)(void *shape, struct mien_error *err);
    double flop, bytes;
};

/** Measure one pass under this name where the filter lets it through, and hand the result over. */
MIEN_PRINTF(4, 5)
MIEN_CHECK_RESULT
enum mien_status mien_kernel_measure(struct kernel_shape *shape, const struct kernel_pass *pass,
                                     struct mien_error *err, const char *fmt, ...);

/** Release the tensors. */
void mien_kernel_shape_finish(struct kernel_shape *shape);

/** Activations, additions and dropout. */
MIEN_CHECK_RESULT
enum mien_status mien_kernels_measure_pointwise(struct mien_cl *cl,
                                                const struct mien_kernels_options *options,
                                                struct mien_error *err);

/** Pooling, batch norm, the loss, gathering, optimisers and what goes with them. */
MIEN_CHECK_RESULT
enum mien_status mien_kernels_measure_light(struct mien_cl *cl,
                                            const struct mien_kernels_options *options,
                                            struct mien_error *err);

/** Bytes of an activation with its unused lanes. */
static inline size_t kernel_act_bytes(const struct mien_act *act)
{
    return mien_act_floats(act) * sizeof(cl_float);
}

#endif
