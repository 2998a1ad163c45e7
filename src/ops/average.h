/** average.h - moving averages of flat numbers on the device: parameters, logits (internal) */
#ifndef MIEN_OPS_AVERAGE_H
#define MIEN_OPS_AVERAGE_H

#include "cl/cl.h"

/**
 * One step of a moving average: average += share (params - average); with share 1/k of the kth, all
 * of them weigh the same.
 *
 * Shapes    average, params [count] float32; fastest in multiples of the device's lanes
 * Errors    MIEN_ERR_SHAPE, MIEN_ERR_CL, MIEN_ERR_MEMORY
 * Numerics  elementwise, within 1e-6 of the reference; a NaN among the parameters stays in it
 */
MIEN_CHECK_RESULT
enum mien_status mien_average_update(struct mien_cl *cl, struct mien_cl_buffer *average,
                                     const struct mien_cl_buffer *params, size_t count, float share,
                                     struct mien_error *err);

/** Exchange the contents of two flat buffers of `count` float32 each; exact. */
MIEN_CHECK_RESULT
enum mien_status mien_average_swap(struct mien_cl *cl, struct mien_cl_buffer *average,
                                   struct mien_cl_buffer *params, size_t count,
                                   struct mien_error *err);

#endif
