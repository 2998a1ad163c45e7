/** gather.h - a batch of images and labels from a uint8 set on the device (internal) */
#ifndef MIEN_OPS_GATHER_H
#define MIEN_OPS_GATHER_H

#include <stdbool.h>

#include "ops/tensor.h"

/** Which part of an image with a margin; zeros are its middle. */
struct mien_gather_view {
    cl_int down, right; /**< pixels from the middle, -margin .. margin */
    bool mirror;        /**< left and right change sides */
};

/** Which images of which set, and how they are normalised. */
struct mien_gather {
    struct mien_act act; /**< the batch: n images of c x h x w */
    cl_int count;        /**< images in the set */
    cl_int first;        /**< the batch is indices[first .. first + n - 1] */
    float mean, std;     /**< of pixel/255, the same for all channels; std above 0 */
    cl_int margin;       /**< pixels that the set's images are larger by on each side */
    cl_float second;     /**< mixing, not of mien_gather_images(): the share 0..1 that image
                              n - 1 - i of the batch has in image i; 0: none */
    struct mien_gather_view view; /**< of mien_gather_images() alone */
};

/** How one image of a batch is changed on its way; as the kernel reads it. */
struct mien_gather_change {
    /** The pixel at (x, y) of the batch is taken from (map[0] x + map[1] y + map[2], map[3] x +
     * map[4] y + map[5]) of the set's image, bilinearly; (0, 0) is the middle of the first pixel of
     * either. */
    cl_float map[6];
    cl_float gain, offset; /**< then a normalised value v becomes gain v + offset */
    cl_int erase[4];       /**< then zero from top, left to below bottom, right, in this order */
};

/**
 * x = (pixel / 255 - mean) / std for one view of the images that `indices` name.
 *
 * Shapes    x       [blocks][c][h][w][lanes] float32, overwritten; unused lanes become zero
 *           set     [count][h + 2 margin][w + 2 margin][c] uint8
 *           indices [first + n or more] int32
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
 * The same with each image changed: moved, turned, sized, mirrored in one sampling, then contrast,
 * brightness and erasing; then mixed with the one that lies as far from the batch's end.
 *
 * Shapes    changes [n] struct mien_gather_change, entry i for image first + i of `indices`
 * Errors    as mien_gather_images()
 * Numerics  places beyond the border take its pixel.  Where a place falls on a pixel, gain is 1 and
 *           offset 0, the bits of mien_gather_images() (unmixed); else within 1e-6 of the image's
 * place, some 1e-4 of a value
 */
MIEN_CHECK_RESULT
enum mien_status mien_gather_changed(struct mien_cl *cl, struct mien_cl_buffer *x,
                                     const struct mien_cl_buffer *set,
                                     const struct mien_cl_buffer *indices,
                                     const struct mien_cl_buffer *changes,
                                     const struct mien_gather *op, struct mien_error *err);

/**
 * out[i] = labels[indices[first + i]] for i below n; -1 for an index outside the set.
 *
 * Shapes  out [n] int32, overwritten, or [2][n] where images are mixed: then the labels of the
 *         second images; labels [count] int32
 */
MIEN_CHECK_RESULT
enum mien_status mien_gather_labels(struct mien_cl *cl, struct mien_cl_buffer *out,
                                    const struct mien_cl_buffer *labels,
                                    const struct mien_cl_buffer *indices,
                                    const struct mien_gather *op, struct mien_error *err);

/**
 * out[i] = shares[indices[first + i]] for i below n, mixed as the images are; zeros for an index
 * outside the set.
 *
 * Shapes    out [n][classes] float32, overwritten; shares [count][classes] float32
 * Errors    as mien_gather_images()
 * Numerics  the bits of `shares` where nothing is mixed; else within 1e-6 for shares of 0 to 1
 */
MIEN_CHECK_RESULT
enum mien_status mien_gather_shares(struct mien_cl *cl, struct mien_cl_buffer *out,
                                    const struct mien_cl_buffer *shares,
                                    const struct mien_cl_buffer *indices, cl_int classes,
                                    const struct mien_gather *op, struct mien_error *err);

#endif
