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

/** What one batch adds to the statistics. */
struct mien_ref_softmax_sums {
    double loss, weight;
    int hits;
};

/**
 * dlogits, probabilities [n][classes] (either may be NULL) and *sums from logits [n][classes],
 * labels [n] within the classes ([2][n] with a second label), class weights [classes] or NULL; see
 * mien_softmax_loss().
 */
void mien_ref_softmax_loss(float *dlogits, float *probabilities, struct mien_ref_softmax_sums *sums,
                           const float *logits, const int32_t *labels, const float *weights,
                           const struct mien_ref_softmax *op);

#endif
