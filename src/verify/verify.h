/** verify.h - every kernel in every variant against src/ref on a device: a table of operations
 * (internal) */
#ifndef MIEN_VERIFY_VERIFY_H
#define MIEN_VERIFY_VERIFY_H

#include "ops/conv2d.h"
#include "verify/finding.h"

/** Sizes that an operation is checked with; what it does not have is 0. */
struct mien_verify_shape {
    int n, c, h, w;  /**< activations that go in; flat parameters have c blocks */
    int width;       /**< channels, features or classes that come out */
    int kh, kw;      /**< kernel or window */
    int stride, pad; /**< pixels; of images to gather `pad` is the margin */
    bool bias, relu; /**< what its forward kernel does besides */
    bool mask;       /**< its backward kernel applies the ReLU before it */
    int groups;      /**< of a convolution's channels; 0 and 1: one */
    int pool; /**< of a convolution: its forward kernel is also tried with max-pooling behind it,
                   windows of this edge; 0: not */
};

/** What one kernel in one variant is worth on a device, over all shapes that it was checked with.
 */
struct mien_verdict {
    char kernel[48];           /**< "conv2d backward data" */
    char variant[16];          /**< "winograd"; "" where there is one way */
    size_t checks, failed;     /**< shapes and parameters */
    struct mien_finding worst; /**< of them */
    char where[192];           /**< with which shape that was */
    double ms;                 /**< of one run with each, together */
};

struct mien_verdicts {
    struct mien_verdict *items; /**< in the order of the table */
    size_t count;
};
void mien_verdicts_finish(struct mien_verdicts *verdicts); /* zeroed is allowed */

/** Verdicts with a fault. */
size_t mien_verdicts_failed(const struct mien_verdicts *verdicts);
/** Checks of all verdicts. */
size_t mien_verdicts_checks(const struct mien_verdicts *verdicts);

/**
 * Add what was found with a shape to the verdict of a kernel and variant, a new one if need be.
 *
 * where   with which shape
 * ms      of one run
 * Errors  MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_verdicts_add(struct mien_verdicts *out, const char *kernel,
                                   const char *variant, const struct mien_finding *finding,
                                   const char *where, double ms, struct mien_error *err);

/** What the names of verdicts on products begin with; a pass's name is behind it. */
#define MIEN_VERIFY_CONV2D      "conv2d "
#define MIEN_VERIFY_CONV2D_POOL "conv2d maxpool " /* with a pooling behind it */
#define MIEN_VERIFY_DENSE       "dense "

/** Behind a variant, in verdicts on it with other parameters than its default ones. */
#define MIEN_VERIFY_TUNED      " tuned"
/** The variant of a verdict on CLBlast with parameters that were searched for. */
#define MIEN_VERIFY_TUNED_BLAS "clblast tuned"

/** How much of a shape is checked. */
struct mien_verify_care {
    /** [MIEN_CONV2D_PASSES] bits of a convolution's variants that were tried with other parameters
     * than their default ones, and behind those of the variants with a pooling; those that were
     * not are, and get their bit.  NULL: none is. */
    unsigned *tried;
    double work; /**< of the reference, see struct mien_product_care; 0: what suits */
    /** Of dense layers CLBlast's products alone, with these parameters; NULL: every way, CLBlast
     * with its usual ones. */
    const struct mien_blas_params *blas;
    bool own_products; /**< not CLBlast's, of dense layers that own kernels compute here */
};

/**
 * Check one operation with a shape: all variants that take it, or, of a convolution's pass, the one
 * way that `way` has.
 *
 * out   added to: verdicts of the kernel and variant that is there already are brought up to date
 * name  of a row of the table: "conv2d"
 * pass  of `way`
 * way   a convolution of these sizes, or NULL: all
 * Errors  MIEN_ERR_MEMORY: for tensors of the check, of the host or the device; MIEN_ERR_SHAPE:
 *         sizes that the operation does not take, a name that is not in the table; MIEN_ERR_CL: the
 *         device is lost.  What a kernel does wrong and what the device refuses are verdicts
 */
MIEN_CHECK_RESULT
enum mien_status mien_verify_one(struct mien_verdicts *out, struct mien_cl *cl, const char *name,
                                 const struct mien_verify_shape *shape, enum mien_conv2d_pass pass,
                                 const struct mien_conv2d *way, const struct mien_verify_care *care,
                                 struct mien_error *err);

/** What of the table is checked, and who is told.  Zeroed is all of it. */
struct mien_verify_wish {
    bool quick; /**< few shapes and samples, each variant with its default parameters alone */
    const char *filter; /**< only operations with this in their name; NULL: all */
    const struct mien_log *log;
    /** Dense layers alone, as in struct mien_verify_care; NULL: all. */
    const struct mien_blas_params *blas;
    bool own_products;        /**< as in struct mien_verify_care */
    bool (*stop)(void *user); /**< asked between checks, ends with MIEN_ERR_INTERRUPTED; may be
                                   NULL */
    void *user;
};

/** Whether an operation of that name is wished for. */
bool mien_verify_wanted(const struct mien_verify_wish *wish, const char *name);

/** MIEN_ERR_INTERRUPTED when it is wished to stop; a wish of NULL never is. */
MIEN_CHECK_RESULT
enum mien_status mien_verify_go_on(const struct mien_verify_wish *wish, struct mien_error *err);

/** Check the whole table with shapes of its own. */
MIEN_CHECK_RESULT
enum mien_status mien_verify_table(struct mien_verdicts *out, struct mien_cl *cl,
                                   const struct mien_verify_wish *wish, struct mien_error *err);

#endif
