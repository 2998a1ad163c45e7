/** conv2d_batched.h - what the passes of the batched Winograd variant share (internal to src/ops)
 */
#ifndef MIEN_OPS_CONV2D_BATCHED_H
#define MIEN_OPS_CONV2D_BATCHED_H

#include "ops/conv2d_tile.h"

/** A variant's parameters, behind those of conv2d_tile.h: points along one side of a tile, and what
 * the points of images that are computed at once may take. */
enum { MIEN_BATCHED_POINTS = MIEN_TILE_PARAMS, MIEN_BATCHED_KIB };

enum { MIEN_BATCHED_OPTION_BYTES = 64 };

/**
 * A pass: sizes of its input and output, of backward data those of dy and dx; of the filter's
 * gradient those of x and dy.  All in the kernels' integers, to be arguments of them.
 */
struct mien_batched {
    bool filter;    /**< the filter's gradient */
    cl_int in, out; /**< channels */
    cl_int h, w, ho, wo, pad;
    cl_int side;           /**< edge of a tile's outputs */
    cl_int points;         /**< of a tile: the square of what is along one side */
    cl_int down, across;   /**< tiles of an image */
    cl_int splits;         /**< parts of the filter's sums, at most; else 1 */
    cl_int most_images;    /**< that may be computed at once, whatever the batch */
    cl_int images;         /**< that are, but for the last ones */
    struct mien_tile tile; /**< of the products */
    char options[MIEN_BATCHED_OPTION_BYTES]; /**< of kernels/conv2d_batched.cl */
};

struct mien_batched mien_batched_plan(const struct mien_conv2d *op, enum mien_conv2d_pass pass);

/** Scratch of so many images: points of both tensors, and for the filter's gradient a sum for each
 * tile and output channel. */
size_t mien_batched_image_floats(const struct mien_batched *plan, cl_int images);

/** Where the images that are computed at once begin, and their tiles. */
struct mien_batched_images {
    cl_int first, columns;
};

struct mien_batched_images mien_batched_images(const struct mien_batched *plan, cl_int first,
                                               cl_int n);

/** The points of their x, or of dy in backward data, to floats `at` of `work`. */
MIEN_CHECK_RESULT
enum mien_status mien_batched_tiles(struct mien_cl *cl, struct mien_cl_buffer *work, cl_int at,
                                    const struct mien_cl_buffer *x, const struct mien_batched *plan,
                                    const struct mien_batched_images *images,
                                    struct mien_error *err);

/** A work-item for each of across x down, which reads and writes `floats`. */
struct mien_cl_launch mien_batched_grid(const struct mien_batched *plan, const char *kernel,
                                        cl_int across, cl_int down, double floats);

/** The products of all points; see kernels/conv2d_batched_product.cl. */
struct mien_batched_product {
    cl_int left_at, right_at, result_at; /**< floats of the buffer */
    cl_int rows, columns, terms;
    cl_int split_terms; /**< of each part but the last */
    cl_int adding;      /**< to what is there, instead of over it */
    bool deep;
};

MIEN_CHECK_RESULT
enum mien_status mien_batched_multiply(struct mien_cl *cl, struct mien_cl_buffer *work,
                                       const struct mien_batched_product *product,
                                       const struct mien_batched *plan, struct mien_error *err);

/** Parts of the filter's sums over the first images, of which there are not fewer than over later
 * ones. */
cl_int mien_batched_splits(const struct mien_batched *plan);

/** As mien_conv2d_bwd_filter(). */
MIEN_CHECK_RESULT
enum mien_status mien_batched_bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                         struct mien_cl_buffer *dbias,
                                         const struct mien_cl_buffer *dy,
                                         const struct mien_cl_buffer *x,
                                         struct mien_cl_buffer *work, const struct mien_conv2d *op,
                                         struct mien_error *err);

#endif
