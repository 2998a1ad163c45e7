/** sharpness.h - what a batch needs for sharpness-aware minimisation (internal) */
#ifndef MIEN_TRAIN_SHARPNESS_H
#define MIEN_TRAIN_SHARPNESS_H

#include "nn/model.h"

/**
 * Sharpness-aware minimisation takes the gradients of a batch not where the parameters are, but a
 * step of a fixed length up the slope from there.
 */
struct mien_sharpness {
    float radius;                /**< of the step, in parameters; 0: there is none */
    struct mien_cl_buffer *home; /**< the parameters of before, while the model's are up there, and
                                      those of up there afterwards; owned */
    struct mien_cl_buffer *clip; /**< of mien_clip_factor(), for the norm of the gradients; owned */
};

/** Device bytes for a network of this many floats. */
size_t mien_sharpness_bytes(float radius, size_t flat_floats);

/**
 * Nothing is made where the radius is 0.
 *
 * Ownership  release *out with mien_sharpness_finish(), after an error too
 * Errors     MIEN_ERR_MEMORY, MIEN_ERR_CL
 */
MIEN_CHECK_RESULT
enum mien_status mien_sharpness_init(struct mien_sharpness *out, const struct mien_model *model,
                                     float radius, struct mien_error *err);
void mien_sharpness_finish(struct mien_sharpness *sharpness);

/**
 * Enqueue: move the model's parameters up the slope that its gradients say.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY; the parameters may be up there then
 */
MIEN_CHECK_RESULT
enum mien_status mien_sharpness_climb(const struct mien_sharpness *sharpness,
                                      struct mien_model *model, struct mien_error *err);

/**
 * Enqueue: put the parameters, batch norm's running values among them, back to the bit.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY; the parameters are still up there then
 */
MIEN_CHECK_RESULT
enum mien_status mien_sharpness_return(const struct mien_sharpness *sharpness,
                                       struct mien_model *model, struct mien_error *err);

#endif
