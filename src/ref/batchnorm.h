/** batchnorm.h - batch normalisation in plain C, double sums: the oracle of the kernels (internal)
 */
#ifndef MIEN_REF_BATCHNORM_H
#define MIEN_REF_BATCHNORM_H

#include <stdbool.h>

struct mien_ref_batchnorm {
    int n, c, pixels;    /**< x, y [n][c][pixels] */
    float eps, momentum; /**< of the variance, of the running values */
    bool relu;           /**< forward: y = max(y, 0) */
    bool after_relu;     /**< backward: dx is zero where x is not above zero */
};

/** Parameters, [c] each. */
struct mien_ref_batchnorm_params {
    const float *weight, *bias;
    float *running_mean, *running_var;
};

/** Training: updates the running values. */
void mien_ref_batchnorm_fwd(float *y, const float *x,
                            const struct mien_ref_batchnorm_params *params,
                            const struct mien_ref_batchnorm *op);

/** Evaluation, from the running values. */
void mien_ref_batchnorm_eval(float *y, const float *x,
                             const struct mien_ref_batchnorm_params *params,
                             const struct mien_ref_batchnorm *op);

/** Weights [c][each] and bias [c] of the layer in front with the evaluation form in them; from_bias
 * may be NULL. */
void mien_ref_batchnorm_fold(float *weight, float *bias, const float *from_weight,
                             const float *from_bias, int each,
                             const struct mien_ref_batchnorm_params *params,
                             const struct mien_ref_batchnorm *op);

/** Gradients of the training form, dweight and dbias [c]. */
void mien_ref_batchnorm_bwd(float *dx, float *dweight, float *dbias, const float *dy,
                            const float *x, const float *weight,
                            const struct mien_ref_batchnorm *op);

/** Gradient of x in evaluation; x is read with after_relu alone. */
void mien_ref_batchnorm_eval_bwd(float *dx, const float *dy, const float *x,
                                 const struct mien_ref_batchnorm_params *params,
                                 const struct mien_ref_batchnorm *op);

#endif
