/** trial.h - one shape on the device: is what a candidate computes right, and how long does it take
 * (internal to src/tune) */
#ifndef MIEN_TUNE_TRIAL_H
#define MIEN_TUNE_TRIAL_H

#include "tune/search.h"

enum { TRIAL_INPUTS = 4, TRIAL_OUTPUTS = 4 };

/** A number of an output, and what it must be. */
struct trial_sample {
    int output;
    int image, feature; /**< place in an activation; a weight or bias has image 0 */
    float want;
};

struct trial {
    struct mien_cl *cl;
    const struct mien_search_options *options;
    const struct mien_search_task *task;
    struct mien_conv2d conv; /**< all lanes of the last block count as images */
    struct mien_dense dense;
    struct mien_act x_act, y_act;
    struct mien_cl_buffer *inputs[TRIAL_INPUTS]; /**< x, dy, weight, bias */
    struct mien_cl_buffer *outputs[TRIAL_OUTPUTS];
    struct mien_cl_buffer *rows[4]; /**< of a dense layer through CLBlast: x, y, dx, dy */
    struct mien_cl_buffer *work;
    float *noise; /**< what the inputs repeat */
    struct trial_sample *samples;
    size_t sample_count;
    float scale[TRIAL_OUTPUTS]; /**< largest absolute value of the output */
};
enum { TRIAL_X, TRIAL_DY, TRIAL_WEIGHT, TRIAL_BIAS };
/* A convolution's pass has one output, and a second for the gradient of the bias. */
enum { TRIAL_Y, TRIAL_DX, TRIAL_DWEIGHT, TRIAL_DBIAS };
enum { TRIAL_ROWS_X, TRIAL_ROWS_Y, TRIAL_ROWS_DX, TRIAL_ROWS_DY };

/** Ownership  release with mien_trial_finish(), also after an error */
MIEN_CHECK_RESULT
enum mien_status mien_trial_init(struct trial *trial, struct mien_cl *cl,
                                 const struct mien_search_options *options,
                                 const struct mien_search_task *task, struct mien_error *err);
void mien_trial_finish(struct trial *trial);

/**
 * Let the candidate compute into outputs full of NaN, and compare some hundred of them, among them
 * the corners, with src/ref within docs/numerics.md's tolerance.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY: the device refuses it
 */
MIEN_CHECK_RESULT
enum mien_status mien_trial_check(bool *right, struct trial *trial,
                                  const struct mien_tuned *candidate, struct mien_error *err);

/** How a candidate is timed. */
struct trial_patience {
    double give_up_ms; /**< stop early when it is clearly slower than this; 0: never */
    double spend_ms;   /**< repeat for this long, if three times did not take longer */
};

/** Time of one run in a row of them, by the host's clock; it must have run before. */
MIEN_CHECK_RESULT
enum mien_status mien_trial_time(struct mien_times *out, struct trial *trial,
                                 const struct mien_tuned *candidate,
                                 const struct trial_patience *patience, struct mien_error *err);

/** The number at a place of an input, as the device has it. */
float mien_trial_input(const struct trial *trial, int input, size_t index);
/** Where a feature of an image stands in a blocked activation. */
size_t mien_trial_index(const struct mien_act *act, int image, int feature);

/** Choose the samples and let src/ref compute them; mien_trial_check() does when it needs them. */
MIEN_CHECK_RESULT
enum mien_status mien_trial_expect(struct trial *trial, struct mien_error *err);

#endif
