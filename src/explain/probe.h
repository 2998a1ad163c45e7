/** probe.h - a trained network asked about many changed copies of images (internal) */
#ifndef MIEN_EXPLAIN_PROBE_H
#define MIEN_EXPLAIN_PROBE_H

#include "nn/model.h"

struct mien_probe;

struct mien_probe_options {
    int batch; /**< copies at a time, at most; fewer where there is no room for so many */
    enum mien_blas blas;
    const struct mien_tuning *tuning; /**< borrowed for the call; NULL: defaults */
    const size_t *taps;               /**< layers whose outputs are wanted; borrowed for the call */
    size_t tap_count;
};

/**
 * Put a network on a device, as it evaluates: running statistics, no dropout.
 *
 * Shapes     weights [network->flat_floats]
 * Ownership  *out is the caller's, release with mien_probe_destroy(); NULL on error; `cl` and
 *            `network` must outlive it
 * Errors     as mien_model_create()
 */
MIEN_CHECK_RESULT
enum mien_status mien_probe_create(struct mien_probe **out, struct mien_cl *cl,
                                   const struct mien_network *network, const float *weights,
                                   const struct mien_probe_options *options,
                                   struct mien_error *err);
void mien_probe_destroy(struct mien_probe *probe); /* NULL is allowed */

const struct mien_network *mien_probe_network(const struct mien_probe *probe);
/** The layer of options.taps[tap]. */
const struct mien_layer *mien_probe_layer(const struct mien_probe *probe, size_t tap);

/** Copies that are on the device together. */
struct mien_probe_batch {
    size_t first; /**< of all copies of the job */
    int n;
    float *images;               /**< [n][c][h][w], normalised: to be filled */
    int32_t *classes;            /**< [n], whose logit the gradients are of: to be filled */
    const float *logits;         /**< [n][classes] */
    const float *gradients;      /**< [n][c][h][w], of the copies' own logits */
    const float *const *outputs; /**< of each tapped layer, [n][c][h][w] */
    const float *const *output_gradients; /**< likewise */
};

/** What to ask: `count` copies, made and taken in their order, a batch at a time. */
struct mien_probe_job {
    size_t count;
    bool gradients; /**< else logits and outputs alone, and `classes` need not be filled */
    bool taps;      /**< the tapped layers' outputs too */
    void (*make)(void *user, const struct mien_probe_batch *batch); /**< fill images, classes */
    void (*take)(void *user, const struct mien_probe_batch *batch); /**< look at the rest */
    void *user;
};

/**
 * Run a job and wait for it.
 *
 * Errors    MIEN_ERR_CL, MIEN_ERR_MEMORY; MIEN_ERR_NOT_FINITE: a logit is not
 * Numerics  a copy's numbers do not depend on those beside it, within 1e-5 of the scale
 */
MIEN_CHECK_RESULT
enum mien_status mien_probe_run(struct mien_probe *probe, const struct mien_probe_job *job,
                                struct mien_error *err);

/** Logits of images as they are.  Shapes  logits [count][classes]; images [count][c][h][w] */
MIEN_CHECK_RESULT
enum mien_status mien_probe_logits(float *logits, struct mien_probe *probe, const float *images,
                                   size_t count, struct mien_error *err);

/** In place: a row of logits becomes their softmax.  Shapes  row [classes] */
void mien_probe_softmax(float *row, int classes);

#endif
