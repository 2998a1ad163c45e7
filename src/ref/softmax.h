/** softmax.h - softmax cross-entropy in plain C: the oracle of the kernel (internal) */
#ifndef MIEN_REF_SOFTMAX_H
#define MIEN_REF_SOFTMAX_H

#include <stdint.h>

struct mien_ref_softmax {
    int n, classes;
    float smoothing; /**< label smoothing, 0..1 */
    float second;    /**< share of a second label, 0..1; 0: there is none */
    float scale;     /**< of the gradient */
};

/** What is right, as struct mien_softmax_target. */
struct mien_ref_softmax_target {
    const int32_t *labels; /**< [n] within the classes, or [2][n] with a second label */
    const float *shares;   /**< [n][classes], or NULL */
    const float *weights;  /**< of the classes, or NULL */
};

/** What one batch adds to the statistics. */
struct mien_ref_softmax_sums {
    double loss, weight;
    int hits;
};

/**
 * dlogits, probabilities [n][classes] (either may be NULL) and *sums from logits [n][classes],
 * and what is right; see mien_softmax_loss().
 */
void mien_ref_softmax_loss(float *dlogits, float *probabilities, struct mien_ref_softmax_sums *sums,
                           const float *logits, const struct mien_ref_softmax_target *target,
                           const struct mien_ref_softmax *op);

#endif
