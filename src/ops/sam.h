/** sam.h - sharpness-aware minimisation on the device: up the slope (internal) */
#ifndef MIEN_OPS_SAM_H
#define MIEN_OPS_SAM_H

#include "cl/cl.h"

/**
 * Enqueue: saved = params, params += radius / (norm + 1e-12) grads; so the parameters go as far as
 * `radius` to where the loss is said to be largest.  mien_average_swap() brings them back.
 *
 * Shapes    params, saved, grads [count] float32; count a multiple of MIEN_DECAY_BLOCK
 *           clip  of mien_clip_factor() of the same gradients, for their norm
 * Errors    MIEN_ERR_SHAPE, MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  params within 2e-6 of themselves, saved exact; a norm that is NaN makes all NaN, one
 *           that is infinite, as that of finite gradients from 1.8e19 on, leaves them where they
 *           are, but for those whose gradient is infinite: these become NaN
 * Source    Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization,
 *           2021, equation 2 with p = 2
 */
MIEN_CHECK_RESULT
enum mien_status mien_sam_climb(struct mien_cl *cl, struct mien_cl_buffer *params,
                                struct mien_cl_buffer *saved, const struct mien_cl_buffer *grads,
                                const struct mien_cl_buffer *clip, size_t count, float radius,
                                struct mien_error *err);

#endif
