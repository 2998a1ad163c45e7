/** conv2d_variants.h - what each variant of a convolution provides to conv2d.c (internal to
 * src/ops) */
#ifndef MIEN_OPS_CONV2D_VARIANTS_H
#define MIEN_OPS_CONV2D_VARIANTS_H

#include "ops/arith.h"
#include "ops/conv2d.h"

/** The three passes of one variant; arguments as in conv2d.h. */
struct mien_conv2d_family {
    const char *name;
    bool (*takes)(const struct mien_conv2d *op, enum mien_conv2d_pass pass); /**< can compute it */
    bool (*suits)(const struct mien_conv2d *op,
                  enum mien_conv2d_pass pass); /**< is a good default */
    /** [MIEN_CONV2D_PARAMS] for each pass, or NULL: nothing to tune; and their default values. */
    const struct mien_conv2d_param *params[MIEN_CONV2D_PASSES];
    int (*default_value)(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index);
    /** Local memory of a work-group of its kernels; NULL: none, or less than any device has. */
    size_t (*local_bytes)(const struct mien_conv2d *op, enum mien_conv2d_pass pass);
    /** See mien_conv2d_tolerance(); NULL: what sums of products are held to. */
    double (*tolerance)(const struct mien_conv2d *op, enum mien_conv2d_pass pass);
    size_t (*work_bytes)(const struct mien_conv2d *op, enum mien_conv2d_pass pass);
    /** Whether fwd() can end in max-pooling with windows of this edge, whether bwd_filter_pooled()
     * takes them; NULL: never. */
    bool (*pools[MIEN_CONV2D_PASSES])(const struct mien_conv2d *op, int edge);
    /** With a pooling where op->pool is set. */
    enum mien_status (*fwd)(struct mien_cl *cl, const struct mien_conv2d_out *out,
                            const struct mien_cl_buffer *x, const struct mien_cl_buffer *weight,
                            const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                            const struct mien_conv2d *op, struct mien_error *err);
    enum mien_status (*bwd_data)(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                 const struct mien_cl_buffer *dy,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *mask, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, struct mien_error *err);
    enum mien_status (*bwd_filter)(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                   struct mien_cl_buffer *dbias, const struct mien_cl_buffer *dy,
                                   const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                   const struct mien_conv2d *op, struct mien_error *err);
    /** The same with the gradient behind a pooling; NULL where `pools` has none for it. */
    enum mien_status (*bwd_filter_pooled)(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                          struct mien_cl_buffer *dbias,
                                          const struct mien_conv2d_pooled *dy,
                                          const struct mien_cl_buffer *x,
                                          struct mien_cl_buffer *work, const struct mien_conv2d *op,
                                          struct mien_error *err);
};

extern const struct mien_conv2d_family mien_conv2d_vector;
extern const struct mien_conv2d_family mien_conv2d_winograd;
extern const struct mien_conv2d_family mien_conv2d_channel;
extern const struct mien_conv2d_family mien_conv2d_tile;
extern const struct mien_conv2d_family mien_conv2d_grouped;
extern const struct mien_conv2d_family mien_conv2d_product;
extern const struct mien_conv2d_family mien_conv2d_batched;

/** Blocks of the batch. */
static inline int mien_conv2d_blocks(const struct mien_conv2d *op)
{
    return mien_divide_up(op->n, op->lanes);
}

/** Operations of a pass, as if nothing were saved on them; see struct mien_cl_launch. */
static inline double mien_conv2d_flop(const struct mien_conv2d *op)
{
    const double outputs = (double)mien_conv2d_blocks(op) * op->lanes * op->oc * op->ho * op->wo;
    const cl_int inputs = op->c / op->groups; /* that one output sees */
    return 2.0 * outputs * inputs * op->kh * op->kw;
}

/** Floats of one part of the backward filter pass: the weights, oc biases. */
static inline size_t mien_conv2d_part_floats(const struct mien_conv2d *op)
{
    return (size_t)op->oc * (size_t)(op->c / op->groups) * (size_t)op->kh * (size_t)op->kw +
           (size_t)op->oc;
}

/**
 * Second stage of the backward filter pass: dweight and dbias (or NULL) are the sums, in order, of
 * `split` parts of the weights, oc biases in `parts`.
 */
MIEN_CHECK_RESULT
enum mien_status mien_conv2d_add_parts(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                       struct mien_cl_buffer *dbias,
                                       const struct mien_cl_buffer *parts,
                                       const struct mien_conv2d *op, int split,
                                       struct mien_error *err);

#endif
