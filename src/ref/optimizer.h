/** optimizer.h - one step of SGD, Adam or AdamW in plain C: the oracle of the kernel (internal) */
#ifndef MIEN_REF_OPTIMIZER_H
#define MIEN_REF_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mien_ref_sgd {
    float rate, momentum, decay;
    bool nesterov;
    float factor; /**< of the gradients; 1 without clipping */
};

struct mien_ref_adam {
    float rate, beta1, beta2, epsilon, decay;
    bool decoupled; /**< AdamW */
    long step;      /**< from 1 */
    float factor;   /**< of the gradients; 1 without clipping */
};

/** `state` may be NULL where momentum is 0; `decayed` has a byte for each 128 parameters. */
void mien_ref_sgd_step(float *params, float *state, const float *grads, const uint8_t *decayed,
                       size_t count, const struct mien_ref_sgd *op);

void mien_ref_adam_step(float *params, float *mean, float *square, const float *grads,
                        const uint8_t *decayed, size_t count, const struct mien_ref_adam *op);

#endif
