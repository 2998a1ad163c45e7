/* trial_expect.c - what some of a shape's outputs must be, by src/ref on the numbers they depend on
 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "ref/conv2d.h"
#include "ref/dense.h"
#include "tune/trial.h"

/* Multiply-adds of the reference for one shape, some tens of milliseconds; and bounds of samples.
 */
#define REFERENCE_WORK 2e7
enum { FEWEST_SAMPLES = 24, MOST_SAMPLES = 384, FEWEST_FILTERS = 2, MOST_FILTERS = 16 };

static size_t samples_for(double cost, int fewest, int most)
{
    const double count = REFERENCE_WORK / (cost > 1.0 ? cost : 1.0);
    return (size_t)(count < fewest ? fewest : count > most ? most : count);
}

/* A number below `count`: the first and the last come first, then random ones. */
static int draw(size_t index, int what, int count)
{
    uint32_t block[4];
    if (index < 2) {
        return index == 0 ? 0 : count - 1;
    }
    mien_random_block(block, 2, MIEN_STREAM_SYNTH, (uint32_t)what, index);
    return (int)(block[0] % (uint32_t)count);
}

static enum mien_status make_samples(struct trial *trial, size_t count, struct mien_error *err)
{
    trial->samples = mien_calloc(count, sizeof(*trial->samples), err);
    return trial->samples == NULL ? MIEN_ERR_MEMORY : MIEN_OK;
}

static void add_sample(struct trial *trial, int output, int image, int feature, float want)
{
    trial->samples[trial->sample_count++] = (struct trial_sample){ output, image, feature, want };
}

/*
 * The scale of docs/numerics.md, the largest absolute value of an output, of which only samples are
 * known: sums of random numbers are spread normally, so of N of them the largest is sqrt(2 ln N)
 * times as large as they are in the mean square.
 */
static void find_scales(struct trial *trial)
{
    double squares[TRIAL_OUTPUTS] = { 0.0 };
    size_t counts[TRIAL_OUTPUTS] = { 0 };
    float largest[TRIAL_OUTPUTS] = { 0.0f };
    for (size_t i = 0; i < trial->sample_count; i++) {
        const int output = trial->samples[i].output;
        const float size = fabsf(trial->samples[i].want);
        squares[output] += (double)size * (double)size;
        counts[output]++;
        largest[output] = size > largest[output] ? size : largest[output];
    }
    for (int i = 0; i < TRIAL_OUTPUTS; i++) {
        if (counts[i] > 0) {
            const size_t all = mien_cl_buffer_bytes(trial->outputs[i]) / sizeof(float);
            const double mean = sqrt(squares[i] / (double)counts[i]);
            const float expected = (float)(mean * sqrt(2.0 * log((double)all)));
            trial->scale[i] = expected > largest[i] ? expected : largest[i];
        }
    }
}

/* A pixel of an activation, 0 outside of it. */
static float pixel(const struct trial *trial, int input, int image, int c, int y, int x)
{
    const struct mien_act *const act = input == TRIAL_X ? &trial->x_act : &trial->y_act;
    if (y < 0 || x < 0 || y >= act->h || x >= act->w) {
        return 0.0f;
    }
    return mien_trial_input(trial, input,
                            mien_trial_index(act, image, (c * act->h + y) * act->w + x));
}

/* Copies the taps of one (output, input) pair. */
static void copy_taps(float *out, const struct trial *trial, int oc, int c)
{
    const struct mien_conv2d *const op = &trial->conv;
    const size_t taps = (size_t)op->kh * (size_t)op->kw;
    for (size_t i = 0; i < taps; i++) {
        out[i] = mien_trial_input(trial, TRIAL_WEIGHT,
                                  ((size_t)oc * (size_t)op->c + (size_t)c) * taps + i);
    }
}

/* One output is a convolution of one window with one output channel's weights. */
static enum mien_status expect_fwd(struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_conv2d *const op = &trial->conv;
    const size_t taps = (size_t)op->kh * (size_t)op->kw;
    const size_t terms = taps * (size_t)op->c;
    const size_t count = samples_for((double)terms, FEWEST_SAMPLES, MOST_SAMPLES);
    const struct mien_ref_conv2d one = { 1,      op->c, op->kh, op->kw, 1, op->kh,
                                         op->kw, 1,     0,      1,      1, trial->task->relu };
    float *const window = mien_calloc(terms * 2, sizeof(*window), err);
    if (window == NULL) {
        return MIEN_ERR_MEMORY;
    }
    float *const weight = window + terms;
    TRY(make_samples(trial, count, err));
    for (size_t s = 0; s < count; s++) {
        const int image = draw(s, 0, op->n);
        const int oc = draw(s, 1, op->oc);
        const int yo = draw(s, 2, op->ho);
        const int xo = draw(s, 3, op->wo);
        size_t k = 0;
        for (int c = 0; c < op->c; c++) {
            copy_taps(weight + (size_t)c * taps, trial, oc, c);
            for (size_t tap = 0; tap < taps; tap++) {
                window[k++] =
                    pixel(trial, TRIAL_X, image, c, yo * op->stride - op->pad + (int)tap / op->kw,
                          xo * op->stride - op->pad + (int)tap % op->kw);
            }
        }
        const float bias = mien_trial_input(trial, TRIAL_BIAS, (size_t)oc);
        float want = 0.0f;
        mien_ref_conv2d_fwd(&want, window, weight, trial->task->bias ? &bias : NULL, &one);
        add_sample(trial, TRIAL_Y, image, (oc * op->ho + yo) * op->wo + xo, want);
    }

done:
    free(window);
    return st;
}

/* Outputs whose windows hold row (or column) `at`: from first to last, also outside of the image.
 */
static void outputs_over(int *first, int *last, int at, int kernel, int stride, int pad)
{
    const int low = at + pad - kernel + 1;
    *first = low >= 0 ? (low + stride - 1) / stride : -(-low / stride);
    *last = (at + pad) / stride;
}

/* The gradient of one input pixel, as part of the smallest image that has all windows over it. */
static float expect_pixel(const struct trial *trial, int image, int c, int y, int x,
                          float *const scratch)
{
    const struct mien_conv2d *const op = &trial->conv;
    const int taps = op->kh * op->kw;
    int y0 = 0;
    int y1 = 0;
    int x0 = 0;
    int x1 = 0;
    outputs_over(&y0, &y1, y, op->kh, op->stride, op->pad);
    outputs_over(&x0, &x1, x, op->kw, op->stride, op->pad);
    if (y1 < y0 || x1 < x0 ||
        (trial->task->mask && !(pixel(trial, TRIAL_X, image, c, y, x) > 0.0f))) {
        return 0.0f;
    }
    const int ho = y1 - y0 + 1;
    const int wo = x1 - x0 + 1;
    const struct mien_ref_conv2d part = { 1,
                                          1,
                                          (ho - 1) * op->stride + op->kh,
                                          (wo - 1) * op->stride + op->kw,
                                          op->oc,
                                          op->kh,
                                          op->kw,
                                          op->stride,
                                          0,
                                          ho,
                                          wo,
                                          false };
    float *const weight = scratch;
    float *const dy = weight + (size_t)op->oc * (size_t)taps;
    float *const dx = dy + (size_t)op->oc * (size_t)taps;
    for (int oc = 0; oc < op->oc; oc++) {
        copy_taps(weight + (size_t)oc * (size_t)taps, trial, oc, c);
        for (int i = 0; i < ho * wo; i++) {
            dy[oc * ho * wo + i] = pixel(trial, TRIAL_DY, image, oc, y0 + i / wo, x0 + i % wo);
        }
    }
    mien_ref_conv2d_bwd_data(dx, dy, weight, NULL, &part);
    return dx[(y - (y0 * op->stride - op->pad)) * part.w + x - (x0 * op->stride - op->pad)];
}

static enum mien_status expect_bwd_data(struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_conv2d *const op = &trial->conv;
    const size_t taps = (size_t)op->kh * (size_t)op->kw;
    const double pixels = 4.0 * (double)taps; /* of the part of the image, at stride 1 */
    const size_t count = samples_for(pixels * (double)taps * op->oc, FEWEST_SAMPLES, MOST_SAMPLES);
    /* Windows over a pixel are at most kh x kw, in an image of at most (2 kh - 1) x (2 kw - 1). */
    const size_t floats = (2 * (size_t)op->oc + 4) * taps;
    float *const scratch = mien_calloc(floats, sizeof(*scratch), err);
    if (scratch == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(make_samples(trial, count, err));
    for (size_t s = 0; s < count; s++) {
        const int image = draw(s, 0, op->n);
        const int c = draw(s, 1, op->c);
        const int y = draw(s, 2, op->h);
        const int x = draw(s, 3, op->w);
        add_sample(trial, TRIAL_DX, image, (c * op->h + y) * op->w + x,
                   expect_pixel(trial, image, c, y, x, scratch));
    }

done:
    free(scratch);
    return st;
}

/* All taps of some (output, input) pairs: a convolution with one channel in and out. */
static enum mien_status expect_bwd_filter(struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_conv2d *const op = &trial->conv;
    const int taps = op->kh * op->kw;
    const size_t x_floats = (size_t)op->n * (size_t)op->h * (size_t)op->w;
    const size_t dy_floats = (size_t)op->n * (size_t)op->ho * (size_t)op->wo;
    const size_t count = samples_for((double)dy_floats * taps, FEWEST_FILTERS, MOST_FILTERS);
    const struct mien_ref_conv2d pair = { op->n,  1,          op->h,   op->w,  1,      op->kh,
                                          op->kw, op->stride, op->pad, op->ho, op->wo, false };
    float dbias = 0.0f;
    float dweight[49]; /* kernels are 7 x 7 at most */
    float *const x = mien_calloc(x_floats + dy_floats, sizeof(*x), err);
    if (x == NULL) {
        return MIEN_ERR_MEMORY;
    }
    float *const dy = x + x_floats;
    TRY(make_samples(trial, count * (size_t)(taps + 1), err));
    for (size_t s = 0; s < count; s++) {
        const int oc = draw(s, 1, op->oc);
        const int c = draw(s, 4, op->c);
        for (size_t i = 0; i < x_floats; i++) {
            const int at = (int)(i % ((size_t)op->h * (size_t)op->w));
            x[i] = pixel(trial, TRIAL_X, (int)(i / ((size_t)op->h * (size_t)op->w)), c, at / op->w,
                         at % op->w);
        }
        for (size_t i = 0; i < dy_floats; i++) {
            const int at = (int)(i % ((size_t)op->ho * (size_t)op->wo));
            dy[i] = pixel(trial, TRIAL_DY, (int)(i / ((size_t)op->ho * (size_t)op->wo)), oc,
                          at / op->wo, at % op->wo);
        }
        mien_ref_conv2d_bwd_filter(dweight, &dbias, dy, x, &pair);
        for (int tap = 0; tap < taps; tap++) {
            add_sample(trial, TRIAL_DWEIGHT, 0, (oc * op->c + c) * taps + tap, dweight[tap]);
        }
        if (trial->task->bias) {
            add_sample(trial, TRIAL_DBIAS, 0, oc, dbias);
        }
    }

done:
    free(x);
    return st;
}

/* Vectors of a dense layer's products: a row of x or dy, a column of them over the images. */
static void copy_row(float *out, const struct trial *trial, int input, int image)
{
    const struct mien_act *const act = input == TRIAL_X ? &trial->x_act : &trial->y_act;
    for (int i = 0; i < act->c; i++) {
        out[i] = pixel(trial, input, image, i, 0, 0);
    }
}

static void copy_column(float *out, const struct trial *trial, int input, int feature)
{
    for (int i = 0; i < trial->x_act.n; i++) {
        out[i] = pixel(trial, input, i, feature, 0, 0);
    }
}

static void expect_products(struct trial *trial, size_t s, float *a, float *b)
{
    const struct mien_dense *const op = &trial->dense;
    const int image = draw(s, 0, op->n);
    const int in = draw(s, 1, op->in);
    const int out = draw(s, 2, op->out);
    const struct mien_ref_dense y = { 1, op->in, 1, op->relu };
    const struct mien_ref_dense dx = { 1, 1, op->out, false };
    const struct mien_ref_dense dw = { op->n, 1, 1, false };
    float want = 0.0f;
    float dbias = 0.0f;
    const float bias = mien_trial_input(trial, TRIAL_BIAS, (size_t)out);
    copy_row(a, trial, TRIAL_X, image);
    for (int i = 0; i < op->in; i++) {
        b[i] = mien_trial_input(trial, TRIAL_WEIGHT, (size_t)out * (size_t)op->in + (size_t)i);
    }
    mien_ref_dense_fwd(&want, a, b, trial->task->bias ? &bias : NULL, &y);
    add_sample(trial, TRIAL_Y, image, out, want);

    const float mask = pixel(trial, TRIAL_X, image, in, 0, 0);
    copy_row(a, trial, TRIAL_DY, image);
    for (int i = 0; i < op->out; i++) {
        b[i] = mien_trial_input(trial, TRIAL_WEIGHT, (size_t)i * (size_t)op->in + (size_t)in);
    }
    mien_ref_dense_bwd_data(&want, a, b, trial->task->mask ? &mask : NULL, &dx);
    add_sample(trial, TRIAL_DX, image, in, want);

    copy_column(a, trial, TRIAL_DY, out);
    copy_column(b, trial, TRIAL_X, in);
    mien_ref_dense_bwd_filter(&want, &dbias, a, b, &dw);
    add_sample(trial, TRIAL_DWEIGHT, 0, out * op->in + in, want);
    if (trial->task->bias) {
        add_sample(trial, TRIAL_DBIAS, 0, out, dbias);
    }
}

static enum mien_status expect_dense(struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_dense *const op = &trial->dense;
    const size_t terms = (size_t)op->in + (size_t)op->out + (size_t)op->n;
    const size_t count = samples_for((double)terms, FEWEST_SAMPLES, MOST_SAMPLES);
    float *const a = mien_calloc(terms * 2, sizeof(*a), err);
    if (a == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(make_samples(trial, count * TRIAL_OUTPUTS, err));
    for (size_t s = 0; s < count; s++) {
        expect_products(trial, s, a, a + terms);
    }

done:
    free(a);
    return st;
}

enum mien_status mien_trial_expect(struct trial *trial, struct mien_error *err)
{
    const enum mien_conv2d_pass pass = trial->task->key.pass;
    const enum mien_status st = trial->task->key.op == MIEN_TUNED_DENSE ? expect_dense(trial, err)
                                : pass == MIEN_CONV2D_FWD               ? expect_fwd(trial, err)
                                : pass == MIEN_CONV2D_BWD_DATA ? expect_bwd_data(trial, err)
                                                               : expect_bwd_filter(trial, err);
    find_scales(trial);
    return st;
}
