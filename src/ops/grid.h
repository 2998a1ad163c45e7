/** grid.h - how elementwise and row-wise operations spread over work-items (internal to src/ops) */
#ifndef MIEN_OPS_GRID_H
#define MIEN_OPS_GRID_H

#include "cl/cl.h"

/** Operations that a float read or written is worth, for struct mien_cl_launch's `flop`: arithmetic
 * is that much faster than memory, where it is fastest. */
enum { MIEN_GRID_FLOAT_FLOP = 32 };

/** "-DLANES=8" and so on; lanes is 1, 4, 8 or 16. */
const char *mien_grid_lanes(cl_int lanes);

/** An argument for a kernel parameter that may be a null pointer; `buffer` may be NULL. */
struct mien_cl_arg mien_grid_optional(const struct mien_cl_buffer *buffer);

/**
 * A launch over `count` independent items in one dimension: work-item i computes items i * chunk ..
 * (i + 1) * chunk - 1, those below `count`.
 *
 * With lanes 1 (GPUs) an item each, in groups of 64; otherwise (CPU devices) `chunk` becomes large
 * enough to outweigh the cost of starting a work-group, `work` being the vectors one item touches.
 */
struct mien_cl_launch mien_grid_flat(cl_int *chunk, const char *source, const char *kernel,
                                     cl_int lanes, size_t count, size_t work);

/**
 * A launch over `rows` of `width` vectors: dimension 0 takes `cols` vectors of a row, dimension 1
 * takes `chunk` rows.
 *
 * With lanes 1 a vector each in groups of 64, and a few rows each where there would be more groups
 * than a dimension takes; otherwise whole rows, as many as touch enough vectors, `work` being the
 * vectors that one row touches.
 */
struct mien_cl_launch mien_grid_rows(cl_int *cols, cl_int *chunk, const char *source,
                                     const char *kernel, cl_int lanes, size_t rows, size_t width,
                                     size_t work);

#endif
