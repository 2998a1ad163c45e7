/** batch.h - the gradients of one batch, and where its numbers first are not finite (internal) */
#ifndef MIEN_TRAIN_BATCH_H
#define MIEN_TRAIN_BATCH_H

#include "ops/softmax.h"
#include "train/sharpness.h"

/** A batch whose images stand in a model's input, and how its loss counts. */
struct mien_batch {
    int n;
    struct mien_draw draw;
    float smoothing;                        /**< of the labels */
    float second;                           /**< share of the second labels */
    float share;                            /**< of the batch in its step */
    struct mien_softmax_target target;      /**< what is right for the images */
    struct mien_cl_buffer *stats;           /**< of the softmax, updated */
    const struct mien_sharpness *sharpness; /**< NULL, or radius 0: gradients where they are */
};

/**
 * Enqueue: forward, loss and backward; with sharpness once more, from weights up the slope and
 * without a trace in `stats` and running values, to the gradients that count.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY; with sharpness the model's parameters are nobody's then
 */
MIEN_CHECK_RESULT
enum mien_status mien_batch_run(struct mien_model *model, const struct mien_batch *batch,
                                struct mien_error *err);

/** Where numbers first were not finite.  Plain data; zeroed is nowhere. */
struct mien_nonfinite {
    size_t count, of; /**< so many of so many numbers; count 0: all were finite */
    float value;      /**< the first of them, NaN or infinite */
    bool flat;        /**< it is number `at[1]`; else at [image][channel][row][column], from 0 */
    int at[4];
    char label[64];  /**< the layer and what it did: "conv2 backward filter" */
    char kernel[64]; /**< the one that wrote them; "" where that is not known */
    char what[80];   /**< "output", "gradient of the input", "gradient of conv2.weight" */
};

enum { MIEN_NONFINITE_BYTES = 320 };

/** "conv2 forward (kernel conv2d_direct): output, 3 of 900 numbers, the first inf at [0][1][2][3]"
 */
void mien_nonfinite_text(char out[MIEN_NONFINITE_BYTES], const struct mien_nonfinite *found);

/** Look through the weights, which a step does not write: the optimiser of an earlier one did. */
void mien_nonfinite_weights(struct mien_nonfinite *found, const float *flat,
                            const struct mien_network *network, const char *kernel);

/**
 * Do what mien_batch_run() does, waiting for every result and looking through it.  `stats` are
 * begun anew.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY; that something is not finite is no error
 */
MIEN_CHECK_RESULT
enum mien_status mien_batch_trace(struct mien_nonfinite *found, struct mien_model *model,
                                  const struct mien_batch *batch, struct mien_error *err);

#endif
