/* softmax.c - softmax cross-entropy in plain C */
#include "ref/softmax.h"

#include <math.h>
#include <stddef.h>

static double weight_of(const float *weights, int class)
{
    return weights != NULL ? (double)weights[class] : 1.0;
}

/* The share of class c in the target of image i. */
static double share(int c, int i, const struct mien_ref_softmax_target *target,
                    const struct mien_ref_softmax *op)
{
    const int32_t *const labels = target->labels;
    const double second = (double)op->second;
    if (target->shares != NULL) {
        return (double)target->shares[(size_t)i * (size_t)op->classes + (size_t)c];
    }
    return (c == labels[i] ? 1.0 - second : 0.0) +
           (second > 0.0 && c == labels[op->n + i] ? second : 0.0);
}

/* The same smoothed, with the class's weight. */
static double weighted(int c, int i, const struct mien_ref_softmax_target *target,
                       const struct mien_ref_softmax *op)
{
    const double s = (double)op->smoothing;
    return ((1.0 - s) * share(c, i, target, op) + s / op->classes) * weight_of(target->weights, c);
}

/* log(sum(exp(z))) without overflow; *best is the first of the largest. */
static double log_sum_exp(int *best, const float *z, int classes)
{
    *best = 0;
    for (int c = 1; c < classes; c++) {
        *best = z[c] > z[*best] ? c : *best;
    }
    double sum = 0.0;
    for (int c = 0; c < classes; c++) {
        sum += exp((double)z[c] - (double)z[*best]);
    }
    return log(sum) + (double)z[*best];
}

void mien_ref_softmax_loss(float *dlogits, float *probabilities, struct mien_ref_softmax_sums *sums,
                           const float *logits, const struct mien_ref_softmax_target *target,
                           const struct mien_ref_softmax *op)
{
    *sums = (struct mien_ref_softmax_sums){ 0.0, 0.0, 0 };
    for (int i = 0; i < op->n; i++) {
        for (int c = 0; c < op->classes; c++) {
            sums->weight += share(c, i, target, op) * weight_of(target->weights, c);
        }
    }
    for (int i = 0; i < op->n; i++) {
        const size_t row = (size_t)i * (size_t)op->classes;
        const float *const z = logits + row;
        int best = 0;
        const double all = log_sum_exp(&best, z, op->classes);
        double mass = 0.0;
        for (int c = 0; c < op->classes; c++) {
            const double q = weighted(c, i, target, op);
            mass += q;
            sums->loss += q > 0.0 || isnan(all) ? q * (all - (double)z[c]) : 0.0;
        }
        const int right = op->second > 0.5f ? target->labels[op->n + i] : target->labels[i];
        sums->hits += best == right && !isnan(all) ? 1 : 0;
        for (int c = 0; c < op->classes; c++) {
            const double p = exp((double)z[c] - all);
            const double q = weighted(c, i, target, op);
            if (dlogits != NULL) {
                dlogits[row + (size_t)c] =
                    (float)((mass * p - q) * (double)op->scale / sums->weight);
            }
            if (probabilities != NULL) {
                probabilities[row + (size_t)c] = (float)p;
            }
        }
    }
}
