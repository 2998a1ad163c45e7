/** dropout.h - zeroes a random share of the numbers and scales the others, on the device (internal)
 */
#ifndef MIEN_OPS_DROPOUT_H
#define MIEN_OPS_DROPOUT_H

#include "ops/tensor.h"

/** What is dropped: a pure function of seed, step, layer, image and place in the image. */
struct mien_dropout {
    struct mien_act act;
    float rate; /**< share that is dropped, 0 <= rate < 1 */
    uint64_t seed;
    cl_uint step;  /**< of the whole run, so that no two steps drop the same */
    cl_uint layer; /**< tells the layers of a network apart */
};

/**
 * y = x / (1 - rate) where the mask keeps it, else x * 0.  The backward pass is the same call: dx
 * from dy, with the mask drawn again.
 *
 * Shapes    y, x  as `act`, y overwritten; y may be x
 * Errors    MIEN_ERR_SHAPE for a rate out of range; MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  the bits of the reference on every device, whatever the lanes; rate 0 copies
 */
MIEN_CHECK_RESULT
enum mien_status mien_dropout(struct mien_cl *cl, struct mien_cl_buffer *y,
                              const struct mien_cl_buffer *x, const struct mien_dropout *op,
                              struct mien_error *err);

#endif
