/** tensor.h - the shape and layout of activations, shared by all operations (internal) */
#ifndef MIEN_OPS_TENSOR_H
#define MIEN_OPS_TENSOR_H

#include <limits.h>

#include "cl/cl.h"

/** Numbers of a tensor at most: indices are int, also those of a last work-group that is not whole,
 * of which the tiles of kernels/conv2d_tile.cl are the largest. */
enum { MIEN_MOST_FLOATS = INT_MAX - 127 };

/**
 * Activations of n images: [blocks][c][h][w][lanes] float32, blocks = ceil(n / lanes).
 *
 * lanes is 1 (plain NCHW, for GPUs) or the vector width of a CPU device (4, 8, 16).  Lanes beyond n
 * in the last block hold finite values: the gather kernel writes zeros there, and the loss gives
 * them a zero gradient, so sums over images need no mask.
 */
struct mien_act {
    cl_int n, c, h, w;
    cl_int lanes;
};

/** ceil(n / lanes). */
int mien_act_blocks(const struct mien_act *act);

/** Floats of the whole tensor with its unused lanes. */
size_t mien_act_floats(const struct mien_act *act);

/**
 * Every size >= 1, lanes one of 1, 4, 8, 16, and at most MIEN_MOST_FLOATS numbers.
 *
 * Errors  MIEN_ERR_SHAPE, naming `what`
 */
MIEN_CHECK_RESULT
enum mien_status mien_act_check(const struct mien_act *act, const char *what,
                                struct mien_error *err);

/** Lanes that suit a device: its native float vector width on CPUs (4, 8 or 16), 1 elsewhere. */
int mien_device_lanes(const struct mien_device_info *device);

#endif
