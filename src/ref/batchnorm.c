/* batchnorm.c - batch normalisation in plain C, double sums */
#include "ref/batchnorm.h"

#include <math.h>
#include <stddef.h>

/* Index of value k (over images, then pixels) of a channel. */
static size_t value_at(const struct mien_ref_batchnorm *op, size_t channel, size_t k)
{
    const size_t pixels = (size_t)op->pixels;
    return (k / pixels * (size_t)op->c + channel) * pixels + k % pixels;
}

static size_t count_values(const struct mien_ref_batchnorm *op)
{
    return (size_t)op->n * (size_t)op->pixels;
}

struct moments {
    double mean, var; /* biased */
};

static struct moments measure(const float *x, size_t channel, const struct mien_ref_batchnorm *op)
{
    const size_t count = count_values(op);
    struct moments m = { 0.0, 0.0 };
    for (size_t k = 0; k < count; k++) {
        m.mean += (double)x[value_at(op, channel, k)];
    }
    m.mean /= (double)count;
    for (size_t k = 0; k < count; k++) {
        const double d = (double)x[value_at(op, channel, k)] - m.mean;
        m.var += d * d;
    }
    m.var /= (double)count;
    return m;
}

static void apply(float *y, const float *x, size_t channel, struct moments m,
                  const struct mien_ref_batchnorm_params *params,
                  const struct mien_ref_batchnorm *op)
{
    const double scale = (double)params->weight[channel] / sqrt(m.var + (double)op->eps);
    for (size_t k = 0; k < count_values(op); k++) {
        const size_t at = value_at(op, channel, k);
        const double v = ((double)x[at] - m.mean) * scale + (double)params->bias[channel];
        y[at] = op->relu && v <= 0.0 ? 0.0f : (float)v;
    }
}

void mien_ref_batchnorm_fwd(float *y, const float *x,
                            const struct mien_ref_batchnorm_params *params,
                            const struct mien_ref_batchnorm *op)
{
    const double count = (double)count_values(op);
    const double part = (double)op->momentum;
    for (size_t c = 0; c < (size_t)op->c; c++) {
        const struct moments m = measure(x, c, op);
        const double unbiased = count > 1.0 ? m.var * count / (count - 1.0) : m.var;
        apply(y, x, c, m, params, op);
        params->running_mean[c] =
            (float)((1.0 - part) * (double)params->running_mean[c] + part * m.mean);
        params->running_var[c] =
            (float)((1.0 - part) * (double)params->running_var[c] + part * unbiased);
    }
}

void mien_ref_batchnorm_eval(float *y, const float *x,
                             const struct mien_ref_batchnorm_params *params,
                             const struct mien_ref_batchnorm *op)
{
    for (size_t c = 0; c < (size_t)op->c; c++) {
        const struct moments m = { (double)params->running_mean[c],
                                   (double)params->running_var[c] };
        apply(y, x, c, m, params, op);
    }
}

void mien_ref_batchnorm_fold(float *weight, float *bias, const float *from_weight,
                             const float *from_bias, int each,
                             const struct mien_ref_batchnorm_params *params,
                             const struct mien_ref_batchnorm *op)
{
    for (size_t c = 0; c < (size_t)op->c; c++) {
        const double scale =
            (double)params->weight[c] / sqrt((double)params->running_var[c] + (double)op->eps);
        const double before = from_bias != NULL ? (double)from_bias[c] : 0.0;
        for (size_t k = c * (size_t)each; k < (c + 1) * (size_t)each; k++) {
            weight[k] = (float)((double)from_weight[k] * scale);
        }
        bias[c] =
            (float)((before - (double)params->running_mean[c]) * scale + (double)params->bias[c]);
    }
}

void mien_ref_batchnorm_bwd(float *dx, float *dweight, float *dbias, const float *dy,
                            const float *x, const float *weight,
                            const struct mien_ref_batchnorm *op)
{
    const size_t count = count_values(op);
    for (size_t c = 0; c < (size_t)op->c; c++) {
        const struct moments m = measure(x, c, op);
        const double spread = 1.0 / sqrt(m.var + (double)op->eps);
        double sum = 0.0;
        double moment = 0.0;
        for (size_t k = 0; k < count; k++) {
            const size_t at = value_at(op, c, k);
            sum += (double)dy[at];
            moment += (double)dy[at] * ((double)x[at] - m.mean) * spread;
        }
        for (size_t k = 0; k < count; k++) {
            const size_t at = value_at(op, c, k);
            const double normal = ((double)x[at] - m.mean) * spread;
            const double g = (double)dy[at] - (sum + normal * moment) / (double)count;
            dx[at] =
                op->after_relu && !(x[at] > 0.0f) ? 0.0f : (float)((double)weight[c] * spread * g);
        }
        dweight[c] = (float)moment;
        dbias[c] = (float)sum;
    }
}

void mien_ref_batchnorm_eval_bwd(float *dx, const float *dy, const float *x,
                                 const struct mien_ref_batchnorm_params *params,
                                 const struct mien_ref_batchnorm *op)
{
    for (size_t c = 0; c < (size_t)op->c; c++) {
        const double scale =
            (double)params->weight[c] / sqrt((double)params->running_var[c] + (double)op->eps);
        for (size_t k = 0; k < count_values(op); k++) {
            const size_t at = value_at(op, c, k);
            dx[at] = op->after_relu && !(x[at] > 0.0f) ? 0.0f : (float)((double)dy[at] * scale);
        }
    }
}
