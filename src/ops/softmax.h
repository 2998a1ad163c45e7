/** softmax.h - softmax cross-entropy on logits on the device (internal) */
#ifndef MIEN_OPS_SOFTMAX_H
#define MIEN_OPS_SOFTMAX_H

#include "ops/tensor.h"

/** One batch's loss. */
struct mien_softmax {
    cl_int n, classes, lanes;
    cl_float smoothing; /**< label smoothing 0..1: q = (1 - s) target + s / classes */
    cl_float second;    /**< mixed images: the share 0..1 of a second label; 0: there is none */
    cl_float scale;     /**< of the gradient; 1 for the gradient of the batch's mean loss */
    cl_int first_row;   /**< mien_softmax_eval(): where in `probabilities` this batch goes */
};

/** What is right for the images of a batch.  Buffers are borrowed. */
struct mien_softmax_target {
    /** [n] int32; [2][n] with a second label: the target is (1 - second) of the first and `second`
     * of the other */
    const struct mien_cl_buffer *labels;
    /** [n][classes] float32, each row summing to 1: the target instead, of which the labels then
     * only say what a hit is; NULL: labels alone */
    const struct mien_cl_buffer *shares;
    /** [classes] float32, or NULL: then the mean divides by n, else by the sum over the targets of
     * what their classes weigh: (1 - second) w[first] + second w[other], or of share w */
    const struct mien_cl_buffer *weights;
};

/** What was summed since the last reset.  The mean loss is loss / weight, accuracy hits / images.
 */
struct mien_softmax_stats {
    double loss;   /**< sum of the (weighted) losses; NaN as soon as one was */
    double weight; /**< sum of the targets' class weights; the number of images without them */
    long images;
    long hits;       /**< whose largest logit is that of the label, of two of the larger share */
    float last_mean; /**< mean loss of the last batch */
};

/** Mean loss of what was summed after `before`, which is all zero for everything since the reset.
 */
static inline double mien_softmax_mean_loss(const struct mien_softmax_stats *now,
                                            const struct mien_softmax_stats *before)
{
    return (now->loss - before->loss) / (now->weight - before->weight);
}

/** Bytes of a `stats` buffer for batches of up to n images. */
size_t mien_softmax_stats_bytes(cl_int n);

/** Enqueue: back to nothing summed. */
MIEN_CHECK_RESULT
enum mien_status mien_softmax_stats_reset(struct mien_cl *cl, struct mien_cl_buffer *stats,
                                          struct mien_error *err);

/** Waits for the device. */
MIEN_CHECK_RESULT
enum mien_status mien_softmax_stats_read(struct mien_cl *cl, struct mien_softmax_stats *out,
                                         const struct mien_cl_buffer *stats,
                                         struct mien_error *err);

/**
 * Loss, hits and gradient of a batch: dlogits = d (mean loss * scale) / d logits.
 *
 * Shapes    dlogits [blocks][classes][lanes] float32, overwritten, zero in unused lanes
 *           stats   see mien_softmax_stats_bytes(), added to; or NULL
 *           logits  [blocks][classes][lanes] float32
 *           target  see struct mien_softmax_target
 * Errors    MIEN_ERR_SHAPE; MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  within 1e-5; losses are summed in pairs of floats in a fixed order.  A NaN logit or a
 *           label outside the classes makes the loss NaN
 */
MIEN_CHECK_RESULT
enum mien_status mien_softmax_loss(struct mien_cl *cl, struct mien_cl_buffer *dlogits,
                                   struct mien_cl_buffer *stats,
                                   const struct mien_cl_buffer *logits,
                                   const struct mien_softmax_target *target,
                                   const struct mien_softmax *op, struct mien_error *err);

/**
 * Forward only: probabilities[first_row + i][class], and the same statistics.
 *
 * Shapes  probabilities [at least first_row + n][classes] float32, or NULL
 *         stats, target as above, or both NULL where there are no labels
 */
MIEN_CHECK_RESULT
enum mien_status mien_softmax_eval(struct mien_cl *cl, struct mien_cl_buffer *probabilities,
                                   struct mien_cl_buffer *stats,
                                   const struct mien_cl_buffer *logits,
                                   const struct mien_softmax_target *target,
                                   const struct mien_softmax *op, struct mien_error *err);

#endif
