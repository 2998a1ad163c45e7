/* pool.c - max and average pooling in plain C */
#include "ref/pool.h"

#include <math.h>
#include <stddef.h>

/* One window: where its output is, and its corner in the input, which may lie in the padding. */
struct window {
    size_t out;   /* index into y */
    size_t plane; /* index of its plane's first pixel in x */
    int top, left;
};

static size_t count_windows(const struct mien_ref_pool *op)
{
    return (size_t)op->n * (size_t)op->c * (size_t)op->ho * (size_t)op->wo;
}

static size_t count_pixels(const struct mien_ref_pool *op)
{
    return (size_t)op->n * (size_t)op->c * (size_t)op->h * (size_t)op->w;
}

static struct window window_at(size_t out, const struct mien_ref_pool *op)
{
    const size_t wo = (size_t)op->wo;
    const size_t ho = (size_t)op->ho;
    return (struct window){
        .out = out,
        .plane = out / (ho * wo) * (size_t)op->h * (size_t)op->w,
        .top = (int)(out / wo % ho) * op->stride - op->pad,
        .left = (int)(out % wo) * op->stride - op->pad,
    };
}

/* Index into x of pixel k of the window, or -1 in the padding. */
static ptrdiff_t pixel_at(const struct window *win, int k, const struct mien_ref_pool *op)
{
    const int row = win->top + k / op->kw;
    const int col = win->left + k % op->kw;
    if (row < 0 || row >= op->h || col < 0 || col >= op->w) {
        return -1;
    }
    return (ptrdiff_t)win->plane + (ptrdiff_t)row * op->w + col;
}

void mien_ref_pool_max_fwd(float *y, uint8_t *winner, const float *x,
                           const struct mien_ref_pool *op, bool relu)
{
    for (size_t out = 0; out < count_windows(op); out++) {
        const struct window win = window_at(out, op);
        int best = -1;
        float top = 0.0f;
        for (int k = 0; k < op->kh * op->kw; k++) {
            const ptrdiff_t at = pixel_at(&win, k, op);
            if (at >= 0 && (best < 0 || x[at] > top || (isnan(x[at]) && !isnan(top)))) {
                best = k;
                top = x[at];
            }
        }
        y[out] = relu && top <= 0.0f ? 0.0f : top;
        winner[out] = (uint8_t)best;
    }
}

void mien_ref_pool_max_bwd(float *dx, const float *dy, const uint8_t *winner, const float *mask,
                           const struct mien_ref_pool *op)
{
    for (size_t i = 0; i < count_pixels(op); i++) {
        dx[i] = 0.0f;
    }
    for (size_t out = 0; out < count_windows(op); out++) {
        const struct window win = window_at(out, op);
        const ptrdiff_t at = pixel_at(&win, winner[out], op);
        if (at >= 0 && (mask == NULL || mask[out] > 0.0f)) {
            dx[at] += dy[out];
        }
    }
}

void mien_ref_pool_avg_fwd(float *y, const float *x, const struct mien_ref_pool *op, bool relu)
{
    for (size_t out = 0; out < count_windows(op); out++) {
        const struct window win = window_at(out, op);
        double sum = 0.0;
        for (int k = 0; k < op->kh * op->kw; k++) {
            const ptrdiff_t at = pixel_at(&win, k, op);
            sum += at >= 0 ? (double)x[at] : 0.0;
        }
        y[out] = relu && sum <= 0.0 ? 0.0f : (float)(sum / (op->kh * op->kw));
    }
}

void mien_ref_pool_avg_bwd(float *dx, const float *dy, const float *mask,
                           const struct mien_ref_pool *op)
{
    for (size_t i = 0; i < count_pixels(op); i++) {
        dx[i] = 0.0f;
    }
    for (size_t out = 0; out < count_windows(op); out++) {
        const struct window win = window_at(out, op);
        for (int k = 0; k < op->kh * op->kw; k++) {
            const ptrdiff_t at = pixel_at(&win, k, op);
            if (at >= 0 && (mask == NULL || mask[at] > 0.0f)) {
                dx[at] += (float)((double)dy[out] / (op->kh * op->kw));
            }
        }
    }
}
