/** conv2d.h - a convolution's numbers, by the reference or by PyTorch, and its passes held against
 * them */
#ifndef MIEN_TESTS_SUPPORT_CONV2D_H
#define MIEN_TESTS_SUPPORT_CONV2D_H

#include "ops/conv2d.h"
#include "ref/conv2d.h"
#include "support/layout.h"
#include "support/oracle.h"

/** What goes into the three passes and what must come out, in plain order. */
struct conv2d_numbers {
    float *x, *dy, *weight, *bias;   /**< bias may be NULL */
    float *y, *dx, *dweight, *dbias; /**< dbias is not looked at where bias is NULL */
};

/** The sizes of a convolution, as the reference takes them. */
struct mien_ref_conv2d conv2d_ref(const struct mien_conv2d *op);

/** How many weights it has. */
size_t conv2d_weights(const struct mien_conv2d *op);

/** Random numbers and what the reference makes of them; with `fused` a bias, and the input as the
 * mask of backward data.  Free with conv2d_free(). */
struct conv2d_numbers conv2d_random(const struct mien_conv2d *op, bool fused);

/** The same sizes as in a file of PyTorch's numbers, for activations of so many lanes. */
struct mien_conv2d conv2d_oracle_op(const struct mien_safetensors *file, int lanes);

/** Those numbers; free with conv2d_free(). */
struct conv2d_numbers conv2d_oracle(const struct mien_safetensors *file);

void conv2d_free(struct conv2d_numbers *k);

/** A variant for the passes that it takes, the default one for the others; false when it takes
 * none. */
bool conv2d_choose(struct mien_conv2d *op, enum mien_conv2d_variant variant);

/**
 * Run the three passes on the device and hold each result against the numbers, within
 * mien_conv2d_tolerance(); see that nothing is written behind a buffer and what unused lanes hold.
 */
void conv2d_check(struct mien_cl *cl, const struct mien_conv2d *op, const struct conv2d_numbers *k,
                  bool masked);

#endif
