/* optimizer.c - one step of SGD, Adam or AdamW in plain C */
#include "ref/optimizer.h"

#include <math.h>

enum { DECAY_BLOCK = 128 };

void mien_ref_sgd_step(float *params, float *state, const float *grads, const uint8_t *decayed,
                       size_t count, const struct mien_ref_sgd *op)
{
    const double momentum = (double)op->momentum;
    for (size_t i = 0; i < count; i++) {
        const double p = (double)params[i];
        const double decay = decayed[i / DECAY_BLOCK] != 0 ? (double)op->decay : 0.0;
        const double g = (double)op->factor * (double)grads[i] + decay * p;
        double step = g;
        if (state != NULL) {
            const double b = momentum * (double)state[i] + g;
            step = op->nesterov ? g + momentum * b : b;
            state[i] = (float)b;
        }
        params[i] = (float)(p - (double)op->rate * step);
    }
}

void mien_ref_adam_step(float *params, float *mean, float *square, const float *grads,
                        const uint8_t *decayed, size_t count, const struct mien_ref_adam *op)
{
    const double beta1 = (double)op->beta1;
    const double beta2 = (double)op->beta2;
    const double correct1 = 1.0 - pow(beta1, (double)op->step);
    const double correct2 = 1.0 - pow(beta2, (double)op->step);
    for (size_t i = 0; i < count; i++) {
        const double decay = decayed[i / DECAY_BLOCK] != 0 ? (double)op->decay : 0.0;
        const double p = (double)params[i] * (op->decoupled ? 1.0 - (double)op->rate * decay : 1.0);
        const double g = (double)op->factor * (double)grads[i] + (op->decoupled ? 0.0 : decay * p);
        const double m = beta1 * (double)mean[i] + (1.0 - beta1) * g;
        const double s = beta2 * (double)square[i] + (1.0 - beta2) * g * g;
        const double root = sqrt(s) / sqrt(correct2) + (double)op->epsilon;
        params[i] = (float)(p - (double)op->rate / correct1 * m / root);
        mean[i] = (float)m;
        square[i] = (float)s;
    }
}
