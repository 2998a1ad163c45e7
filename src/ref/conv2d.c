/* conv2d.c - 2-d convolution in plain C, double sums */
#include "ref/conv2d.h"

static size_t at(int i, int channels, int c, int h, int y, int w, int x)
{
    return (((size_t)i * (size_t)channels + (size_t)c) * (size_t)h + (size_t)y) * (size_t)w +
           (size_t)x;
}

/* Input row or column under tap k of output o; the caller checks that it lies in the image. */
static int under(const struct mien_ref_conv2d *op, int o, int k)
{
    return o * op->stride - op->pad + k;
}

/* Input channels that an output channel sees, and the first of them. */
static int channels_seen(const struct mien_ref_conv2d *op)
{
    return op->groups > 1 ? op->c / op->groups : op->c;
}

static int first_seen(const struct mien_ref_conv2d *op, int o)
{
    return op->groups > 1 ? o / (op->oc / op->groups) * channels_seen(op) : 0;
}

/* One output pixel: the sum over the window in channel c of image i. */
static double window_sum(const float *x, const float *taps, int i, int c, int yo, int xo,
                         const struct mien_ref_conv2d *op)
{
    double sum = 0.0;
    for (int ky = 0; ky < op->kh; ky++) {
        const int yi = under(op, yo, ky);
        for (int kx = 0; kx < op->kw; kx++) {
            const int xi = under(op, xo, kx);
            if (yi >= 0 && yi < op->h && xi >= 0 && xi < op->w) {
                sum += (double)x[at(i, op->c, c, op->h, yi, op->w, xi)] *
                       (double)taps[ky * op->kw + kx];
            }
        }
    }
    return sum;
}

void mien_ref_conv2d_fwd(float *y, const float *x, const float *weight, const float *bias,
                         const struct mien_ref_conv2d *op)
{
    const size_t taps = (size_t)op->kh * (size_t)op->kw;
    const size_t pixels = (size_t)op->ho * (size_t)op->wo;
    const size_t count = (size_t)op->n * (size_t)op->oc * pixels;
    for (size_t out = 0; out < count; out++) {
        const int i = (int)(out / pixels / (size_t)op->oc);
        const int o = (int)(out / pixels % (size_t)op->oc);
        const int seen = channels_seen(op);
        const int yo = (int)(out % pixels / (size_t)op->wo);
        const int xo = (int)(out % (size_t)op->wo);
        double sum = bias != NULL ? (double)bias[o] : 0.0;
        for (int c = 0; c < seen; c++) {
            sum += window_sum(x, weight + ((size_t)o * (size_t)seen + (size_t)c) * taps, i,
                              first_seen(op, o) + c, yo, xo, op);
        }
        y[out] = op->relu && sum <= 0.0 ? 0.0f : (float)sum;
    }
}

/* The gradient of one input pixel from output channel o. */
static double scatter_sum(const float *dy, const float *taps, int i, int o, int yi, int xi,
                          const struct mien_ref_conv2d *op)
{
    double sum = 0.0;
    for (int ky = 0; ky < op->kh; ky++) {
        const int ys = yi + op->pad - ky;
        for (int kx = 0; kx < op->kw; kx++) {
            const int xs = xi + op->pad - kx;
            if (ys >= 0 && xs >= 0 && ys % op->stride == 0 && xs % op->stride == 0 &&
                ys / op->stride < op->ho && xs / op->stride < op->wo) {
                sum +=
                    (double)dy[at(i, op->oc, o, op->ho, ys / op->stride, op->wo, xs / op->stride)] *
                    (double)taps[ky * op->kw + kx];
            }
        }
    }
    return sum;
}

void mien_ref_conv2d_bwd_data(float *dx, const float *dy, const float *weight, const float *mask,
                              const struct mien_ref_conv2d *op)
{
    const size_t taps = (size_t)op->kh * (size_t)op->kw;
    const size_t pixels = (size_t)op->h * (size_t)op->w;
    const size_t count = (size_t)op->n * (size_t)op->c * pixels;
    for (size_t in = 0; in < count; in++) {
        const int i = (int)(in / pixels / (size_t)op->c);
        const int c = (int)(in / pixels % (size_t)op->c);
        const int seen = channels_seen(op);
        const int yi = (int)(in % pixels / (size_t)op->w);
        const int xi = (int)(in % (size_t)op->w);
        double sum = 0.0;
        for (int o = 0; o < op->oc; o++) {
            const int k = c - first_seen(op, o);
            if (k >= 0 && k < seen) {
                sum += scatter_sum(dy, weight + ((size_t)o * (size_t)seen + (size_t)k) * taps, i, o,
                                   yi, xi, op);
            }
        }
        dx[in] = mask != NULL && !(mask[in] > 0.0f) ? 0.0f : (float)sum;
    }
}

/* Tap (ky, kx) of the filter from channel c to o, over one image. */
static double tap_sum(const float *dy, const float *x, int i, int o, int c, int tap,
                      const struct mien_ref_conv2d *op)
{
    double sum = 0.0;
    for (int yo = 0; yo < op->ho; yo++) {
        const int yi = under(op, yo, tap / op->kw);
        for (int xo = 0; xo < op->wo; xo++) {
            const int xi = under(op, xo, tap % op->kw);
            if (yi >= 0 && yi < op->h && xi >= 0 && xi < op->w) {
                sum += (double)dy[at(i, op->oc, o, op->ho, yo, op->wo, xo)] *
                       (double)x[at(i, op->c, c, op->h, yi, op->w, xi)];
            }
        }
    }
    return sum;
}

void mien_ref_conv2d_bwd_filter(float *dweight, float *dbias, const float *dy, const float *x,
                                const struct mien_ref_conv2d *op)
{
    const int taps = op->kh * op->kw;
    for (int o = 0; o < op->oc; o++) {
        for (int k = 0; k < channels_seen(op) * taps; k++) {
            double sum = 0.0;
            for (int i = 0; i < op->n; i++) {
                sum += tap_sum(dy, x, i, o, first_seen(op, o) + k / taps, k % taps, op);
            }
            dweight[(size_t)o * (size_t)channels_seen(op) * (size_t)taps + (size_t)k] = (float)sum;
        }
    }
    const size_t pixels = (size_t)op->ho * (size_t)op->wo;
    for (int o = 0; dbias != NULL && o < op->oc; o++) {
        double sum = 0.0;
        for (int i = 0; i < op->n; i++) {
            const float *const plane = dy + ((size_t)i * (size_t)op->oc + (size_t)o) * pixels;
            for (size_t p = 0; p < pixels; p++) {
                sum += (double)plane[p];
            }
        }
        dbias[o] = (float)sum;
    }
}
