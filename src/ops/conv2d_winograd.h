/** conv2d_winograd.h - what the passes of the Winograd variant share (internal to src/ops) */
#ifndef MIEN_OPS_CONV2D_WINOGRAD_H
#define MIEN_OPS_CONV2D_WINOGRAD_H

#include "ops/conv2d_variants.h"

/** Local memory, which is a core's cache, from which on more channels are worth holding at once. */
#define MIEN_WINOGRAD_LARGE_CACHE ((size_t)3 << 19)

/** Points along one side of a tile, from 6 to `most` (up to 8), that make the least work of outputs
 * of height x width. */
int mien_winograd_points(int height, int width, int kernel, int most);

/** The backward filter pass: what struct mien_conv2d_family wants to know of it; work in floats. */
extern const struct mien_conv2d_param mien_winograd_filter_params[MIEN_CONV2D_PARAMS];
int mien_winograd_filter_default(const struct mien_conv2d *op, int index);
size_t mien_winograd_filter_local_bytes(const struct mien_conv2d *op);
size_t mien_winograd_filter_floats(const struct mien_conv2d *op);

/** As mien_conv2d_bwd_filter(). */
MIEN_CHECK_RESULT
enum mien_status mien_winograd_bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                          struct mien_cl_buffer *dbias,
                                          const struct mien_cl_buffer *dy,
                                          const struct mien_cl_buffer *x,
                                          struct mien_cl_buffer *work, const struct mien_conv2d *op,
                                          struct mien_error *err);

#endif
