/** check_internal.h - one operation with one shape under test (internal to check*.c) */
#ifndef MIEN_VERIFY_CHECK_INTERNAL_H
#define MIEN_VERIFY_CHECK_INTERNAL_H

#include "ops/activation.h"
#include "ops/batchnorm_pool.h"
#include "ops/gather.h"
#include "ops/pool.h"
#include "ops/softmax.h"
#include "verify/verify.h"

enum { CHECK_TENSORS = 15, CHECK_PASSES = 4 };

/** What becomes of a tensor. */
enum check_role {
    CHECK_UNUSED,
    CHECK_INPUT,   /**< is read only */
    CHECK_RESULT,  /**< is overwritten, and compared */
    CHECK_UPDATED, /**< is read and written, and compared */
    CHECK_STATE,   /**< is written by one pass for a later one */
    CHECK_SCRATCH, /**< is overwritten, with what is nobody's business */
    CHECK_DERIVED, /**< is on the host alone: what collect() makes of a state, compared */
};
enum check_type { CHECK_F32, CHECK_U8, CHECK_I32 };

/** A tensor on the host in plain order, as floats whatever its type, and on the device. */
struct check_tensor {
    enum check_role role;
    enum check_type type;
    const char *name;
    int pass;            /**< the one that writes it; -1: each does */
    struct mien_act act; /**< where it is blocked; lanes 0: it is flat */
    size_t count;        /**< of numbers, without unused lanes */
    bool zero;           /**< unused lanes are zero, or must become it, not only finite */
    float *plain;        /**< [count] floats of an input, or before an update */
    void *raw; /**< [count] bytes or integers of an input; of a result room for the reference's */
    float *want, *got; /**< [count] of what is compared */
    float scale;       /**< see struct mien_compared */
    double tolerance;
    struct mien_guarded device;
};

/** A check under way. */
struct check {
    struct mien_cl *cl;
    const struct mien_verify_shape *shape;
    int lanes;
    const float *noise;
    struct check_tensor t[CHECK_TENSORS];
    union {
        struct mien_pool pool;
        struct {
            struct mien_batchnorm batchnorm;
            struct mien_pool pool;
        } pooled_norm; /* the first alone, or both */
        struct mien_softmax softmax;
        struct mien_gather gather;
        struct mien_activation activation;
        struct mien_act act;
    } op;
};

/** What an operation is to a check: a row of the table. */
struct check_op {
    const char *passes[CHECK_PASSES + 1]; /**< "forward", ...; NULL ends them */
    /** Declare tensors, which are then filled with noise where they are read; see below. */
    enum mien_status (*prepare)(struct check *k, struct mien_error *err);
    enum mien_status (*enqueue)(struct check *k, int pass, struct mien_error *err);
    /** Compute `want` of the pass from `plain`, and scales that are not the largest number's. */
    void (*expect)(struct check *k, int pass);
    /** Fill `got` of what is derived; may be NULL. */
    enum mien_status (*collect)(struct check *k, int pass, struct mien_error *err);
};

/** Declare a blocked activation of k->lanes, filled with noise in -0.5 .. 0.5 where it is read. */
MIEN_CHECK_RESULT
enum mien_status mien_verify_act(struct check *k, int index, enum check_role role, int pass,
                                 const char *name, const struct mien_act *act, double tolerance,
                                 struct mien_error *err);
/** The same for flat numbers. */
MIEN_CHECK_RESULT
enum mien_status mien_verify_flat(struct check *k, int index, enum check_role role, int pass,
                                  const char *name, size_t count, double tolerance,
                                  struct mien_error *err);
/** The same for flat bytes or integers: exact where compared, to be filled in where read. */
MIEN_CHECK_RESULT
enum mien_status mien_verify_whole(struct check *k, int index, enum check_role role, int pass,
                                   const char *name, enum check_type type, size_t count,
                                   struct mien_error *err);

/** Largest absolute value. */
float mien_verify_largest(const float *numbers, size_t count);

/** The activation that goes in. */
struct mien_act mien_verify_input(const struct check *k);

/** "3x5x7x9 to 4 by 3x3 stride 2 pad 1" */
enum { CHECK_SHAPE_BYTES = 160 };
void mien_verify_describe(char out[CHECK_SHAPE_BYTES], const struct mien_verify_shape *shape);

/** Check all passes of an operation that has one variant with a shape. */
MIEN_CHECK_RESULT
enum mien_status mien_verify_op(struct mien_verdicts *out, struct mien_cl *cl, const char *name,
                                const struct check_op *op, const struct mien_verify_shape *shape,
                                int lanes, struct mien_error *err);

/** The rows of convolutions and dense layers: mien_verify_one() with their lanes. */
struct check_call {
    struct mien_verdicts *out;
    struct mien_cl *cl;
    const struct mien_verify_shape *shape;
    int lanes;
    enum mien_conv2d_pass pass;
    const struct mien_conv2d *way; /**< may be NULL */
    const struct mien_verify_care *care;
    const struct mien_verify_wish *wish; /**< asked whether to go on; may be NULL */
};
MIEN_CHECK_RESULT
enum mien_status mien_verify_conv2d(const struct check_call *call, struct mien_error *err);
MIEN_CHECK_RESULT
enum mien_status mien_verify_dense(const struct check_call *call, struct mien_error *err);

extern const struct check_op mien_verify_batchnorm_fold;
extern const struct check_op mien_verify_maxpool, mien_verify_avgpool, mien_verify_batchnorm,
    mien_verify_batchnorm_pool, mien_verify_relu, mien_verify_leakyrelu, mien_verify_sigmoid,
    mien_verify_silu, mien_verify_gelu, mien_verify_add, mien_verify_multiply, mien_verify_dropout,
    mien_verify_softmax, mien_verify_sgd, mien_verify_adam, mien_verify_average,
    mien_verify_accumulate, mien_verify_clip, mien_verify_guard, mien_verify_sam,
    mien_verify_gather, mien_verify_relayout, mien_verify_rows;

#endif
