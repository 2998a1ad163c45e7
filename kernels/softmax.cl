/*
 * softmax.cl - softmax cross-entropy on logits: loss, hits, gradient, probabilities
 *
 * Pairs with   src/ops/softmax.c (host), src/ref/softmax.c (plain C)
 * Layout       logits, dlogits [blocks][classes][LANES]; probabilities [rows][classes] and shares
 *              [n][classes] plain;
 *              stats: 8 words (loss high, low; weight high, low; hits; images; mean of this batch;
 *              unused), then loss [n], weight [n], hit [n] of the batch's images
 * Mapping      softmax_loss: one work-item per `chunk` blocks; softmax_total: one work-group
 * Border       lanes beyond n get a zero gradient.  A label outside the classes gives a NaN loss
 * NaN          a NaN logit makes the loss, the gradient and the probabilities of its image NaN
 * Determinism  the losses are summed in a fixed order, in pairs of floats (about 48 bits)
 */
#include "vec.h"

enum { HEADER = 8 };

#if LANES == 1
#define GROUP 64
#else
#define GROUP 1
#endif

static inline float weight_of(__global const float *weights, const int class)
{
    return weights ? weights[class] : 1.0f;
}

/*
 * What is right for an image: the shares of all classes where they are given, else two labels, of
 * which the second has the share `second`.
 */
struct target {
    int label, other;
    float second;
    __global const float *shares; /* [classes], or null */
};

/* -1 for a label that is outside of the classes or not asked for. */
static inline struct target target_of(__global const int *labels, __global const float *shares,
                                      const int i, const int n, const int classes,
                                      const float second)
{
    struct target target = { labels ? labels[i] : -1, -1, second,
                             shares ? shares + (size_t)i * classes : shares };
    target.other = labels && second > 0.0f ? labels[n + i] : target.label;
    target.label = target.label < classes ? target.label : -1;
    target.other = target.other < classes ? target.other : -1;
    return target;
}

static inline int is_known(const struct target *target)
{
    return target->label >= 0 && target->other >= 0;
}

/* The share of class c in the target. */
static inline float share_of(const struct target *target, const int c)
{
    return target->shares ? target->shares[c]
                          : (c == target->label ? 1.0f - target->second : 0.0f) +
                                (c == target->other ? target->second : 0.0f);
}

/* The class weight of the target, 0 where it is unknown. */
static inline float target_weight(__global const float *weights, const struct target *target,
                                  const int classes)
{
    if (!is_known(target) || !weights) {
        return is_known(target) ? 1.0f : 0.0f;
    }
    if (target->shares) {
        float sum = 0.0f;
        for (int c = 0; c < classes; c++) {
            sum += target->shares[c] * weights[c];
        }
        return sum;
    }
    return target->label == target->other ? weights[target->label]
                                          : (1.0f - target->second) * weights[target->label] +
                                                target->second * weights[target->other];
}

/* What the mean divides by: the weights of the targets, n without weights. */
static inline float sum_weights(__global const float *weights, __global const int *labels,
                                __global const float *shares, const int n, const int classes,
                                const float second)
{
    float sum = weights && labels ? 0.0f : (float)n;
    for (int i = 0; weights && labels && i < n; i++) {
        const struct target target = target_of(labels, shares, i, n, classes, second);
        sum += target_weight(weights, &target, classes);
    }
    return sum;
}

/* dlogits, probabilities, stats, shares, weights, and labels without stats may be null. */
__kernel void softmax_loss(__global float *restrict dlogits, __global float *restrict probabilities,
                           __global int *restrict stats, __global const float *restrict logits,
                           __global const int *restrict labels,
                           __global const float *restrict shares,
                           __global const float *restrict weights, const int n, const int classes,
                           const int first_row, const float smoothing, const float second,
                           const float scale, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk * LANES;
    const float share =
        dlogits ? scale / sum_weights(weights, labels, shares, n, classes, second) : 0.0f;
    for (int i = first; i < min(first + chunk * LANES, (n + LANES - 1) / LANES * LANES); i++) {
        const int base = i / LANES * classes * LANES + i % LANES;
        if (i >= n) {
            for (int c = 0; dlogits && c < classes; c++) {
                dlogits[base + c * LANES] = 0.0f;
            }
            continue;
        }
        const struct target target = target_of(labels, shares, i, n, classes, second);
        int best = 0;
        for (int c = 1; c < classes; c++) {
            best = logits[base + c * LANES] > logits[base + best * LANES] ? c : best;
        }
        const float top = logits[base + best * LANES];
        float sum = 0.0f;
        for (int c = 0; c < classes; c++) {
            sum += exp(logits[base + c * LANES] - top);
        }
        const float log_sum = log(sum);
        float loss = is_known(&target) ? 0.0f : NAN;
        float mass = 0.0f; /* of the weighted target */
        for (int c = 0; c < classes; c++) {
            const float q = ((1.0f - smoothing) * share_of(&target, c) + smoothing / classes) *
                            weight_of(weights, c);
            mass += q;
            loss += q == 0.0f ? 0.0f : q * (log_sum - (logits[base + c * LANES] - top));
        }
        for (int c = 0; c < classes; c++) {
            const float p = exp(logits[base + c * LANES] - top) / sum;
            const float q = ((1.0f - smoothing) * share_of(&target, c) + smoothing / classes) *
                            weight_of(weights, c);
            if (dlogits) {
                dlogits[base + c * LANES] = (mass * p - q) * share;
            }
            if (probabilities) {
                probabilities[(size_t)(first_row + i) * classes + c] = p;
            }
        }
        if (stats) {
            stats[HEADER + i] = as_int(isnan(sum) ? NAN : loss);
            stats[HEADER + n + i] = as_int(target_weight(weights, &target, classes));
            stats[HEADER + 2 * n + i] =
                best == (second > 0.5f ? target.other : target.label) && !isnan(sum);
        }
    }
}

/* a + b exactly: the rounded sum and what rounding lost (Knuth), added to the low part. */
static inline float2 add_pair(const float2 sum, const float b)
{
    const float s = sum.x + b;
    const float t = s - sum.x;
    const float lost = (sum.x - (s - t)) + (b - t);
    return (float2)(s, sum.y + lost);
}

/* One work-group of GROUP: item k sums images k, k + GROUP, ...; item 0 adds up the items. */
__kernel void softmax_total(__global int *restrict stats, const int n)
{
    const int k = (int)get_local_id(0);
    float2 loss = (float2)(0.0f);
    float2 weight = (float2)(0.0f);
    int hits = 0;
    for (int i = k; i < n; i += GROUP) {
        loss = add_pair(loss, as_float(stats[HEADER + i]));
        weight = add_pair(weight, as_float(stats[HEADER + n + i]));
        hits += stats[HEADER + 2 * n + i];
    }
#if GROUP > 1
    __local float2 losses[GROUP];
    __local float2 weights[GROUP];
    __local int hit_counts[GROUP];
    losses[k] = loss;
    weights[k] = weight;
    hit_counts[k] = hits;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 1; k == 0 && i < GROUP; i++) {
        loss = add_pair(add_pair(loss, losses[i].x), losses[i].y);
        weight = add_pair(add_pair(weight, weights[i].x), weights[i].y);
        hits += hit_counts[i];
    }
#endif
    if (k == 0) {
        const float2 old = (float2)(as_float(stats[0]), as_float(stats[1]));
        const float2 old_weight = (float2)(as_float(stats[2]), as_float(stats[3]));
        const float2 all = add_pair(add_pair(old, loss.x), loss.y);
        const float2 all_weight = add_pair(add_pair(old_weight, weight.x), weight.y);
        stats[0] = as_int(all.x);
        stats[1] = as_int(all.y);
        stats[2] = as_int(all_weight.x);
        stats[3] = as_int(all_weight.y);
        stats[4] += hits;
        stats[5] += n;
        stats[6] = as_int((loss.x + loss.y) / (weight.x + weight.y));
    }
}
