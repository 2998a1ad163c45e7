/** gather.h - a batch of images and labels from a uint8 set on the device (internal) */
#ifndef MIEN_OPS_GATHER_H
#define MIEN_OPS_GATHER_H

#include "ops/tensor.h"

/** Which images of which set, and how they are normalised. */
struct mien_gather {
    struct mien_act act; /**< the batch: n images of c x h x w */
    cl_int count;        /**< images in the set */
    cl_int first;        /**< the batch is indices[first .. first + n - 1] */
    float mean, std;     /**< of pixel/255, the same for all channels; std above 0 */
};

/**
 * x = (pixel / 255 - mean) / std for the images that `indices` name.
 *
 * Shapes    x       [blocks][c][h][w][lanes] float32, overwritten; unused lanes become zero
 *           set     [count][h][w][c] uint8;  indices [first + n or more] int32
 * Errors    MIEN_ERR_SHAPE for sizes that cannot be; MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  scale and shift are rounded once from double: within 1e-6 of the definition.  An index
 *           outside the set gives an image of zeros
 */
MIEN_CHECK_RESULT
enum mien_status mien_gather_images(struct mien_cl *cl, struct mien_cl_buffer *x,
                                    const struct mien_cl_buffer *set,
                                    const struct mien_cl_buffer *indices,
                                    const struct mien_gather *op, struct mien_error *err);

/**
 * out[i] = labels[indices[first + i]] for i below n; -1 for an index outside the set.
 *
 * Shapes  out [n] int32, overwritten; labels [count] int32
 */
MIEN_CHECK_RESULT
enum mien_status mien_gather_labels(struct mien_cl *cl, struct mien_cl_buffer *out,
                                    const struct mien_cl_buffer *labels,
                                    const struct mien_cl_buffer *indices,
                                    const struct mien_gather *op, struct mien_error *err);

#endif
