/** product.h - a pass of a convolution, or a product of a dense layer, under test: noise goes in,
 * what comes out is compared with src/ref (internal) */
#ifndef MIEN_VERIFY_PRODUCT_H
#define MIEN_VERIFY_PRODUCT_H

#include "cl/blas_params.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "verify/finding.h"

/** What is computed.  A dense layer has the same passes as a convolution. */
struct mien_product_shape {
    bool dense_layer;
    bool passes[MIEN_CONV2D_PASSES]; /**< a convolution has one of them, a dense layer any */
    struct mien_conv2d conv; /**< of a convolution: its sizes, and its pooling, but for backward
                                data */
    struct mien_dense dense; /**< of a dense layer: its sizes, and ReLU */
    bool bias, relu, mask;   /**< what the network's kernels do besides */
};

/** How it is computed. */
struct mien_product_way {
    struct mien_conv2d conv; /**< of a convolution: variant and parameters of its pass */
    bool unasked;            /**< of its pooling: nobody asks who won, as in evaluation */
    bool clblast;            /**< of a dense layer on blocked activations: through plain rows */
    const struct mien_blas_params *blas; /**< of CLBlast's products; NULL: the usual */
};

/** Buffers of a convolution under test; those that its pass does not need are NULL. */
struct mien_product_conv {
    struct mien_cl_buffer *out, *dbias; /**< y, dx, or dweight and dbias */
    struct mien_cl_buffer *winner;      /**< of y's pooling; NULL: nobody asks */
    const struct mien_cl_buffer *won;   /**< of dy's pooling */
    const struct mien_cl_buffer *x, *dy, *weight, *bias, *mask;
    struct mien_cl_buffer *work;
};

/** Runs a convolution's pass instead of the operation; for tests, which plant faults. */
struct mien_product_hook {
    enum mien_status (*run)(void *user, struct mien_cl *cl, const struct mien_product_conv *buffers,
                            enum mien_conv2d_pass pass, const struct mien_conv2d *op,
                            struct mien_error *err);
    void *user;
};

enum { MIEN_PRODUCT_INPUTS = 4, MIEN_PRODUCT_OUTPUTS = 4, MIEN_PRODUCT_ROWS = 4 };
enum { MIEN_PRODUCT_X, MIEN_PRODUCT_DY, MIEN_PRODUCT_WEIGHT, MIEN_PRODUCT_BIAS };
enum { MIEN_PRODUCT_Y, MIEN_PRODUCT_DX, MIEN_PRODUCT_DWEIGHT, MIEN_PRODUCT_DBIAS };

/** A number of an output, and what it must be. */
struct mien_product_sample {
    int output;
    int image, feature; /**< place in an activation; a weight or bias has image 0 */
    float want;
    uint32_t winners; /**< of a pooling: bits of the pixels of its window that may have won */
};
enum { MIEN_PRODUCT_WINNERS = 32 };

/** Fields are for product*.c. */
struct mien_product {
    struct mien_cl *cl;
    struct mien_product_shape shape; /**< all lanes of the last block count as images */
    struct mien_product_hook hook;   /**< NULL: the operation itself */
    struct mien_act x_act, y_act;
    struct mien_cl_buffer *inputs[MIEN_PRODUCT_INPUTS]; /**< x, dy, weight, bias */
    struct mien_guarded outputs[MIEN_PRODUCT_OUTPUTS];
    struct mien_guarded rows[MIEN_PRODUCT_ROWS]; /**< of a dense layer through CLBlast */
    struct mien_guarded work;                    /**< as large as the way that ran last wants it */
    struct mien_guarded winner;                  /**< of y's pooling */
    struct mien_cl_buffer *won;                  /**< of dy's, see mien_product_won() */
    float *noise;                                /**< what the inputs repeat */
    struct mien_product_sample *samples;
    size_t sample_count;
    float scale[MIEN_PRODUCT_OUTPUTS]; /**< largest absolute value of the output */
};

/**
 * Put a shape's inputs on the device, and room for its outputs.
 *
 * Ownership  release with mien_product_finish(), also after an error
 */
MIEN_CHECK_RESULT
enum mien_status mien_product_init(struct mien_product *product, struct mien_cl *cl,
                                   const struct mien_product_shape *shape, struct mien_error *err);
void mien_product_finish(struct mien_product *product);

/** Enqueue all passes of the shape. */
MIEN_CHECK_RESULT
enum mien_status mien_product_run(struct mien_product *product, const struct mien_product_way *way,
                                  struct mien_error *err);

/** How much of the outputs is looked at. */
struct mien_product_care {
    double work; /**< multiply-adds of the reference, about; where they are enough for every number
                      every number is compared, else some, the corners among them */
    size_t most; /**< samples at most; 0: no limit */
    bool whole;  /**< see that each number of the outputs was written */
};

/**
 * Let it be computed into outputs full of NaN between guards, and compare them with src/ref.
 *
 * out     overwritten; `tolerance` is that of docs/numerics.md.  A device that refuses is a finding
 * Errors  MIEN_ERR_MEMORY: for what is compared, not for the kernel;
 *         MIEN_ERR_CL: the device is lost
 */
MIEN_CHECK_RESULT
enum mien_status mien_product_check(struct mien_finding *out, struct mien_product *product,
                                    const struct mien_product_way *way,
                                    const struct mien_product_care *care, struct mien_error *err);

/** The number at a place of an input, as the device has it. */
float mien_product_input(const struct mien_product *product, int input, size_t index);
/** The pixel of its window that a number of dy belongs to, where dy is behind a pooling. */
int mien_product_won(const struct mien_product *product, size_t index);
/** Where a feature of an image stands in a blocked activation. */
size_t mien_product_index(const struct mien_act *act, int image, int feature);

/** Choose the samples and let src/ref compute them; mien_product_check() does when it needs them.
 */
MIEN_CHECK_RESULT
enum mien_status mien_product_expect(struct mien_product *product,
                                     const struct mien_product_care *care, struct mien_error *err);

#endif
