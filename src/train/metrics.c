/* metrics.c - how good a classifier's probabilities are */
#include "train/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

/* What is summed over the images. */
struct sums {
    size_t hits, hits2;
};

int mien_metrics_top(const float *probabilities, int classes)
{
    int best = 0;
    for (int k = 1; k < classes; k++) {
        if (probabilities[k] > probabilities[best]) {
            best = k;
        }
    }
    return best;
}

/* How many classes are more probable than `label`, or as probable and lower; a NaN is behind all.
 */
static int rank(const float *p, int classes, int label)
{
    int ahead = 0;
    for (int k = 0; k < classes; k++) {
        const bool behind = k < label ? p[label] > p[k] : p[label] >= p[k];
        ahead += k != label && !behind ? 1 : 0;
    }
    return ahead;
}

static int bin_of(float confidence)
{
    const double place = ceil((double)confidence * MIEN_ECE_BINS) - 1;
    if (!(place > 0)) {
        return 0; /* NaN too */
    }
    return place < MIEN_ECE_BINS ? (int)place : MIEN_ECE_BINS - 1;
}

static void add_image(struct sums *sums, struct mien_metrics *m, const float *p, int label)
{
    const int top = mien_metrics_top(p, m->classes);
    const bool told = !isnan(p[top]);
    const size_t hit = told && top == label ? 1 : 0;
    const int bin = bin_of(p[top]);
    m->per_class[label].support++;
    if (told) {
        m->confusion[(size_t)label * (size_t)m->classes + (size_t)top]++;
        m->per_class[top].predicted++;
    }
    sums->hits += hit;
    sums->hits2 += rank(p, m->classes, label) < 2 ? 1 : 0;
    m->bins[bin].confidence += (double)p[top];
    m->bins[bin].images++;
    m->bins[bin].hits += hit;
}

static double ratio(double part, size_t whole)
{
    return whole > 0 ? part / (double)whole : 0;
}

static void finish_classes(struct mien_metrics *m)
{
    size_t occurring = 0;
    for (int k = 0; k < m->classes; k++) {
        struct mien_class_metrics *const c = &m->per_class[k];
        const double hits = (double)m->confusion[(size_t)k * (size_t)m->classes + (size_t)k];
        c->precision = ratio(hits, c->predicted);
        c->recall = ratio(hits, c->support);
        c->f1 = ratio(2 * hits, c->predicted + c->support);
        m->macro_precision += c->precision;
        m->macro_recall += c->recall;
        m->macro_f1 += c->f1;
        occurring += c->predicted + c->support > 0 ? 1 : 0;
    }
    m->macro_precision = ratio(m->macro_precision, occurring);
    m->macro_recall = ratio(m->macro_recall, occurring);
    m->macro_f1 = ratio(m->macro_f1, occurring);
}

static double calibration_error(const struct mien_metrics *m)
{
    double error = 0;
    for (int b = 0; b < MIEN_ECE_BINS; b++) {
        error += fabs((double)m->bins[b].hits - m->bins[b].confidence);
    }
    return ratio(error, m->images);
}

enum mien_status mien_metrics_compute(struct mien_metrics *out, const float *probabilities,
                                      const int32_t *labels, size_t count, int classes,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct sums sums = { 0 };
    assert(classes > 0);
    *out = (struct mien_metrics){ 0 };
    struct mien_metrics m = { .images = count, .classes = classes };
    if (count == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "no images to judge by");
    }
    m.per_class = mien_calloc((size_t)classes, sizeof(*m.per_class), err);
    m.confusion = mien_calloc((size_t)classes, (size_t)classes * sizeof(*m.confusion), err);
    if (m.per_class == NULL || m.confusion == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        if (labels[i] < 0 || labels[i] >= classes) {
            st = mien_fail(err, MIEN_ERR_FORMAT, "image %zu has the label %d, expected 0 to %d", i,
                           (int)labels[i], classes - 1);
            goto done;
        }
        add_image(&sums, &m, probabilities + i * (size_t)classes, labels[i]);
    }
    m.accuracy = ratio((double)sums.hits, count);
    m.top2 = ratio((double)sums.hits2, count);
    m.ece = calibration_error(&m);
    finish_classes(&m);
    *out = m;
    m = (struct mien_metrics){ 0 };

done:
    mien_metrics_finish(&m);
    return st;
}

void mien_metrics_finish(struct mien_metrics *metrics)
{
    free(metrics->per_class);
    free(metrics->confusion);
    *metrics = (struct mien_metrics){ 0 };
}
