/* dense.c - a fully connected layer in plain C, double sums */
#include "ref/dense.h"

void mien_ref_dense_fwd(float *y, const float *x, const float *weight, const float *bias,
                        const struct mien_ref_dense *op)
{
    const size_t in = (size_t)op->in;
    const size_t out = (size_t)op->out;
    for (size_t i = 0; i < (size_t)op->n; i++) {
        for (size_t o = 0; o < out; o++) {
            double sum = bias != NULL ? (double)bias[o] : 0.0;
            for (size_t k = 0; k < in; k++) {
                sum += (double)x[i * in + k] * (double)weight[o * in + k];
            }
            y[i * out + o] = op->relu && sum <= 0.0 ? 0.0f : (float)sum;
        }
    }
}

void mien_ref_dense_bwd_data(float *dx, const float *dy, const float *weight, const float *mask,
                             const struct mien_ref_dense *op)
{
    const size_t in = (size_t)op->in;
    const size_t out = (size_t)op->out;
    for (size_t i = 0; i < (size_t)op->n; i++) {
        for (size_t k = 0; k < in; k++) {
            double sum = 0.0;
            for (size_t o = 0; o < out; o++) {
                sum += (double)dy[i * out + o] * (double)weight[o * in + k];
            }
            dx[i * in + k] = mask != NULL && !(mask[i * in + k] > 0.0f) ? 0.0f : (float)sum;
        }
    }
}

void mien_ref_dense_bwd_filter(float *dweight, float *dbias, const float *dy, const float *x,
                               const struct mien_ref_dense *op)
{
    const size_t in = (size_t)op->in;
    const size_t out = (size_t)op->out;
    for (size_t o = 0; o < out; o++) {
        for (size_t k = 0; k < in; k++) {
            double sum = 0.0;
            for (size_t i = 0; i < (size_t)op->n; i++) {
                sum += (double)dy[i * out + o] * (double)x[i * in + k];
            }
            dweight[o * in + k] = (float)sum;
        }
        double sum = 0.0;
        for (size_t i = 0; i < (size_t)op->n; i++) {
            sum += (double)dy[i * out + o];
        }
        if (dbias != NULL) {
            dbias[o] = (float)sum;
        }
    }
}
