/** optimizer.h - a recipe's optimiser with its state on the device (internal) */
#ifndef MIEN_TRAIN_OPTIMIZER_H
#define MIEN_TRAIN_OPTIMIZER_H

#include "nn/model.h"

struct mien_optimizer;

/** Device bytes of the state that the optimiser of `spec` keeps for a network of this many floats.
 */
size_t mien_optimizer_bytes(const struct mien_train_spec *spec, size_t flat_floats);

/** Ownership  `model` is borrowed.  Errors  MIEN_ERR_MEMORY, MIEN_ERR_CL */
MIEN_CHECK_RESULT
enum mien_status mien_optimizer_create(struct mien_optimizer **out, struct mien_model *model,
                                       const struct mien_train_spec *spec, struct mien_error *err);
void mien_optimizer_destroy(struct mien_optimizer *optimizer); /* NULL is allowed */

/**
 * The moving average of the parameters, batch norm's running values among them; NULL where the
 * recipe's ema is 0.  A flat buffer like the parameters; borrowed.
 *
 * The running values are averaged too, not copied: those of the last step belong to the last
 * weights, whereas their average is close to what the averaged weights would have measured.
 */
struct mien_cl_buffer *mien_optimizer_average(const struct mien_optimizer *optimizer);

/** Let the average be these weights, [flat_floats] in host memory; nothing where there is none. */
MIEN_CHECK_RESULT
enum mien_status mien_optimizer_average_start(struct mien_optimizer *optimizer, const float *flat,
                                              struct mien_error *err);

/** Enqueue: average and parameters change places, for an evaluation and back; nothing where there
 * is no average. */
MIEN_CHECK_RESULT
enum mien_status mien_optimizer_swap(struct mien_optimizer *optimizer, struct mien_error *err);

/**
 * Enqueue: add the model's gradients to those of the step, or begin a step with them.  Nothing
 * where the recipe accumulates none: then the model's gradients are the step's.
 */
MIEN_CHECK_RESULT
enum mien_status mien_optimizer_add(struct mien_optimizer *optimizer, bool begins,
                                    struct mien_error *err);

/**
 * Enqueue one step: the gradients into the model's parameters, and these into their average; but
 * for the average nothing is changed from the first step on in which they, or the loss, are not
 * finite.
 *
 * guard, stats  as for mien_guard_step(), of the model's loss
 * number        of the step, for the guard; not 0
 */
MIEN_CHECK_RESULT
enum mien_status mien_optimizer_step(struct mien_optimizer *optimizer, struct mien_cl_buffer *guard,
                                     const struct mien_cl_buffer *stats, int number, float rate,
                                     struct mien_error *err);

/** The kernel that makes the steps of this optimiser. */
const char *mien_optimizer_kernel(const struct mien_train_spec *spec);

/** Steps made so far (Adam's bias correction needs them); set when a run goes on. */
long mien_optimizer_steps(const struct mien_optimizer *optimizer);
void mien_optimizer_set_steps(struct mien_optimizer *optimizer, long steps);

/**
 * The state: flat float32 buffers like the parameters, to be saved and restored.
 *
 * name  "momentum", "adam_mean", "adam_square"; NULL behind the last
 */
const char *mien_optimizer_state_name(const struct mien_optimizer *optimizer, int index);
struct mien_cl_buffer *mien_optimizer_state(const struct mien_optimizer *optimizer, int index);

#endif
