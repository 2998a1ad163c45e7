/** conv2d.h - 2-d convolution (cross-correlation, as in PyTorch) on the device, all three passes
 * (internal) */
#ifndef MIEN_OPS_CONV2D_H
#define MIEN_OPS_CONV2D_H

#include <stdbool.h>

#include "ops/tensor.h"

/** How a pass is computed.  Every variant gives the same result within docs/numerics.md's
 * tolerance. */
enum mien_conv2d_variant {
    MIEN_CONV2D_VECTOR, /**< register tiles of explicit vectors, no local memory: CPU devices, lanes
                           > 1 */
    MIEN_CONV2D_WINOGRAD, /**< fewer multiplications, for 3x3, 4x4 and 5x5 with stride 1; lanes > 1
                           */
    MIEN_CONV2D_CHANNEL, /**< backward filter only: channels as vectors, for small images; lanes > 1
                          */
    MIEN_CONV2D_TILE,    /**< local-memory tiles, for GPUs; lanes 1 */
    MIEN_CONV2D_GROUPED, /**< the one for channels in groups; any lanes */
    MIEN_CONV2D_PRODUCT, /**< matrix products, for 1x1 with stride 1; lanes > 1 */
    MIEN_CONV2D_BATCHED, /**< Winograd in several launches, for GPUs, where tuning finds it faster;
                            lanes 1 */
};
enum { MIEN_CONV2D_VARIANTS = 7 };

enum mien_conv2d_pass { MIEN_CONV2D_FWD, MIEN_CONV2D_BWD_DATA, MIEN_CONV2D_BWD_FILTER };
enum { MIEN_CONV2D_PASSES = 3 };

/** "vector", "winograd", "grouped"; "forward", "backward data", "backward filter". */
const char *mien_conv2d_variant_name(enum mien_conv2d_variant variant);
const char *mien_conv2d_pass_name(enum mien_conv2d_pass pass);

/** Something about a variant's pass that can be tuned: its name, and values worth trying, 0 behind
 * them. */
struct mien_conv2d_param {
    const char *name;
    int values[8];
    bool range; /**< every number from 1 to the largest value will do, as defaults may be */
};
enum { MIEN_CONV2D_PARAMS = 6 };

/** One convolution: its sizes, and how each pass is computed.  Fill with mien_conv2d_init(). */
struct mien_conv2d {
    cl_int n, c, h, w;  /**< input: images, channels, pixels */
    cl_int oc, kh, kw;  /**< output channels, kernel 1..7 x 1..7 */
    cl_int groups;      /**< of input and of output channels, see mien_conv2d_group(); else 1 */
    cl_int stride, pad; /**< pixels */
    cl_int ho, wo;      /**< output: (h + 2 pad - kh) / stride + 1 */
    size_t local_bytes; /**< of the device, see mien_conv2d_fit(); 0: not known */
    cl_int lanes;       /**< of both activations, see tensor.h */
    bool relu;          /**< forward: y = max(y, 0) */
    cl_int pool;        /**< forward: edge of the windows of max-pooling behind it; else 0 */
    unsigned poolless;  /**< a bit for each variant that must not pool, see mien_conv2d_pools() */
    enum mien_conv2d_variant variant[MIEN_CONV2D_PASSES];
    /** Values of the variant's parameters, see mien_conv2d_params(); 0: its default. */
    cl_int param[MIEN_CONV2D_PASSES][MIEN_CONV2D_PARAMS];
};

/**
 * Work out the output size and the default variant of each pass for these lanes.
 *
 * Errors  MIEN_ERR_SHAPE: a kernel outside 1..7, or larger than the padded image; pad beyond kernel
 * - 1; sizes beyond 32-bit indices
 */
MIEN_CHECK_RESULT
enum mien_status mien_conv2d_init(struct mien_conv2d *out, const struct mien_act *x, int oc, int kh,
                                  int kw, int stride, int pad, struct mien_error *err);

/**
 * Let every output channel see the input channels of its own group alone, as PyTorch's `groups`:
 * weights are then [oc][c / groups][kh][kw].  Chooses the variants again.
 *
 * Errors  MIEN_ERR_SHAPE: the channels do not divide into so many groups
 */
MIEN_CHECK_RESULT
enum mien_status mien_conv2d_group(struct mien_conv2d *op, int groups, struct mien_error *err);

/** Keep to what the device has: defaults that want more local memory give way to smaller ones. */
void mien_conv2d_fit(struct mien_conv2d *op, size_t local_bytes);

/** Give a pass another default variant than those of which `barred` has the bit, if there is one.
 */
void mien_conv2d_avoid(struct mien_conv2d *op, enum mien_conv2d_pass pass, unsigned barred);

/** Whether this variant can compute this pass of this convolution. */
bool mien_conv2d_takes(const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                       enum mien_conv2d_variant variant);

/** Whether a pass with the variant and the parameters that it has keeps to op->local_bytes. */
bool mien_conv2d_fits(const struct mien_conv2d *op, enum mien_conv2d_pass pass);

/**
 * What can be tuned about a pass of a variant: MIEN_CONV2D_PARAMS entries, those without a name are
 * unused.  Every combination of the values gives the same result within the tolerance; some devices
 * refuse some of them (MIEN_ERR_CL).
 */
const struct mien_conv2d_param *mien_conv2d_params(enum mien_conv2d_variant variant,
                                                   enum mien_conv2d_pass pass);
/** The value in force: op->param, or the default for these sizes where that is 0. */
int mien_conv2d_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index);

/** How far a number that a pass makes, with the variant and the parameters that it has, may be from
 * the exact one, as a share of the largest: docs/numerics.md. */
double mien_conv2d_tolerance(const struct mien_conv2d *op, enum mien_conv2d_pass pass);

/** The output's shape; that of the convolution itself where there is a pooling. */
struct mien_act mien_conv2d_output(const struct mien_conv2d *op);

/**
 * Whether a pass, with the variant and the parameters that it has, can and may have a max-pooling
 * of windows of `edge` x `edge` that do not overlap: forward ends in it, backward filter takes the
 * gradient behind it (mien_conv2d_bwd_filter_pooled()), backward data never has one.
 */
bool mien_conv2d_pools(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int edge);

/** Bytes of scratch that the three passes with their variants need at most, for op->n images or
 * fewer; 0: none. */
size_t mien_conv2d_work_bytes(const struct mien_conv2d *op);
/** Those of one pass alone. */
size_t mien_conv2d_pass_work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass);

/** What a forward pass makes. */
struct mien_conv2d_out {
    struct mien_cl_buffer *y;
    struct mien_cl_buffer *winner; /**< of a pooling; NULL: nobody asks, or there is none */
};

/**
 * y = conv(x, weight) + bias, then ReLU where op->relu.
 *
 * With op->pool, for which mien_conv2d_pools() is true, y is the largest of each window of op->pool
 * x op->pool (stride op->pool, no padding) of conv(x, weight) + bias, then ReLU.
 *
 * Shapes    y      [blocks][oc][ho][wo][lanes] float32, overwritten; with a pooling ho / pool and
 *                  wo / pool
 *           winner as y, uint8, as mien_pool_max_fwd() makes it
 *           x      [blocks][c][h][w][lanes]    float32
 *           weight [oc][c / groups][kh][kw] float32;  bias [oc] or NULL
 *           work   at least mien_conv2d_work_bytes(), overwritten; NULL where that is 0
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  docs/numerics.md; the same bits every time for one device and variant; windows by the
 *           rules of mien_pool_max_fwd()
 */
MIEN_CHECK_RESULT
enum mien_status mien_conv2d_fwd(struct mien_cl *cl, const struct mien_conv2d_out *out,
                                 const struct mien_cl_buffer *x,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, struct mien_error *err);

/**
 * dx = gradient of the input; where `mask` (the input x itself, when a ReLU made it) is not above
 * zero, dx is zero: the backward pass of that ReLU, fused.  `mask` may be NULL.
 */
MIEN_CHECK_RESULT
enum mien_status mien_conv2d_bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                      const struct mien_cl_buffer *dy,
                                      const struct mien_cl_buffer *weight,
                                      const struct mien_cl_buffer *mask,
                                      struct mien_cl_buffer *work, const struct mien_conv2d *op,
                                      struct mien_error *err);

/**
 * dweight [oc][c / groups][kh][kw] and dbias [oc] (or NULL) are overwritten with the sums over all
 * images.
 */
MIEN_CHECK_RESULT
enum mien_status mien_conv2d_bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                        struct mien_cl_buffer *dbias,
                                        const struct mien_cl_buffer *dy,
                                        const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                        const struct mien_conv2d *op, struct mien_error *err);

/** The gradient of what a forward pass with a pooling made, and which pixel of each window won. */
struct mien_conv2d_pooled {
    const struct mien_cl_buffer *dy;
    const struct mien_cl_buffer *winner;
};

/**
 * The same for a forward pass that ended in a pooling with windows of op->pool, for which
 * mien_conv2d_pools() is true, without the gradient in front of the pooling.  What a ReLU between
 * the two stopped must be zero in dy.
 */
MIEN_CHECK_RESULT
enum mien_status mien_conv2d_bwd_filter_pooled(
    struct mien_cl *cl, struct mien_cl_buffer *dweight, struct mien_cl_buffer *dbias,
    const struct mien_conv2d_pooled *dy, const struct mien_cl_buffer *x,
    struct mien_cl_buffer *work, const struct mien_conv2d *op, struct mien_error *err);

#endif
