/** against.h - the same training steps on two devices, and how far they are apart (internal) */
#ifndef MIEN_TRAIN_AGAINST_H
#define MIEN_TRAIN_AGAINST_H

#include "train/trainer.h"

/** How far a layer's numbers are apart: the largest distance, of the largest number on the first
 * device; NaN where a number is not finite. */
struct mien_layer_apart {
    char layer[32];  /**< that has parameters */
    double gradient; /**< of its parameters' gradients, in the step where that was most */
    double weight;   /**< of its parameters, running statistics too, behind the last step */
    int step; /**< of `gradient`, from 1; the one behind the last is computed for that alone */
};

struct mien_apart {
    struct mien_layer_apart *layers; /**< in the network's order */
    size_t count;
    double loss; /**< largest difference of a step's mean loss, relative to the first device's */
};
void mien_apart_finish(struct mien_apart *apart); /* zeroed is allowed */

/** What the distances of gradients and losses may be; see docs/numerics.md. */
#define MIEN_APART_TOLERANCE 1e-3

/** Whether a layer or the loss is further apart than that, or not finite. */
bool mien_layer_is_apart(const struct mien_layer_apart *layer);
bool mien_apart_failed(const struct mien_apart *apart);

struct mien_against_side {
    struct mien_cl *cl;
    const struct mien_tuning *tuning; /**< borrowed; NULL: defaults */
};

struct mien_against_options {
    int steps; /**< >= 1 */
    const struct mien_log *log;
    bool (*stop)(void *user); /**< asked between steps, ends with MIEN_ERR_INTERRUPTED; may be NULL
                               */
    void *user;
};

/**
 * Train a model on noise on both devices, a step here and a step there, from the weights of `file`,
 * which stay as they are.  Gradients and loss of one step more tell what the last update made of
 * the weights, which are themselves no measure: Adam moves those as far whose gradient is nearly 0.
 *
 * Ownership  release *out with mien_apart_finish(), also after an error
 * Errors     as mien_trainer_init(); MIEN_ERR_INTERRUPTED
 */
MIEN_CHECK_RESULT
enum mien_status mien_against(struct mien_apart *out, const struct mien_against_side sides[2],
                              struct mien_model_file *file,
                              const struct mien_against_options *options, struct mien_error *err);

#endif
