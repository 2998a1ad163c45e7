/* product_expect.c - what a product's outputs must be, by src/ref on the numbers they depend on */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "ref/conv2d.h"
#include "ref/dense.h"
#include "verify/product.h"

/* However costly the reference: this many. */
enum { FEWEST_SAMPLES = 24, FEWEST_FILTERS = 2, RANK = 4 };

enum { MAX_EDGE = 5 }; /* of a pooling's window */
/*
 * Pixels that rounding may put in either order, in parts of sqrt(terms), which their size goes
 * with: several times what docs/numerics.md allows for both.
 */
#define NEARLY_EQUAL 1e-4f

/* Which places of an output are looked at. */
struct plan {
    int dims[RANK];
    size_t count;
    bool all; /* every place, in order */
};

static struct plan make_plan(const int dims[RANK], double cost, size_t fewest,
                             const struct mien_product_care *care)
{
    const double wanted = care->work / (cost > 1.0 ? cost : 1.0);
    double places = 1.0;
    for (int i = 0; i < RANK; i++) {
        places *= dims[i];
    }
    double count = wanted < (double)fewest ? (double)fewest : wanted;
    count = care->most > 0 && count > (double)care->most ? (double)care->most : count;
    const bool all = count >= places;
    return (
        struct plan){ { dims[0], dims[1], dims[2], dims[3] }, (size_t)(all ? places : count), all };
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

/* Place `index` of a plan. */
static void find_place(int at[RANK], const struct plan *plan, size_t index)
{
    size_t rest = index;
    for (int i = RANK - 1; i >= 0; i--) {
        at[i] = plan->all ? (int)(rest % (size_t)plan->dims[i]) : draw(index, i, plan->dims[i]);
        rest /= (size_t)plan->dims[i];
    }
}

/* Room for this many more samples. */
static enum mien_status make_room(struct mien_product *product, size_t count,
                                  struct mien_error *err)
{
    void *const grown = mien_realloc(product->samples, product->sample_count + count,
                                     sizeof(*product->samples), err);
    if (grown == NULL) {
        return MIEN_ERR_MEMORY;
    }
    product->samples = grown;
    return MIEN_OK;
}

static void add_sample(struct mien_product *product, int output, int image, int feature, float want)
{
    product->samples[product->sample_count++] =
        (struct mien_product_sample){ output, image, feature, want, 0 };
}

/*
 * The scale of docs/numerics.md, the largest absolute value of an output, of which maybe only
 * samples are known: sums of random numbers are spread normally, so of N of them the largest is
 * sqrt(2 ln N) times as large as they are in the mean square.
 */
static void find_scales(struct mien_product *product)
{
    double squares[MIEN_PRODUCT_OUTPUTS] = { 0.0 };
    size_t counts[MIEN_PRODUCT_OUTPUTS] = { 0 };
    float largest[MIEN_PRODUCT_OUTPUTS] = { 0.0f };
    for (size_t i = 0; i < product->sample_count; i++) {
        const int output = product->samples[i].output;
        const float size = fabsf(product->samples[i].want);
        squares[output] += (double)size * (double)size;
        counts[output]++;
        largest[output] = size > largest[output] ? size : largest[output];
    }
    for (int i = 0; i < MIEN_PRODUCT_OUTPUTS; i++) {
        if (counts[i] > 0) {
            const size_t all = product->outputs[i].bytes / sizeof(float);
            const double mean = sqrt(squares[i] / (double)counts[i]);
            const float expected =
                counts[i] >= all ? 0.0f : (float)(mean * sqrt(2.0 * log((double)all)));
            product->scale[i] = expected > largest[i] ? expected : largest[i];
            product->scale[i] = product->scale[i] > 0.0f ? product->scale[i] : 1e-30f;
        }
    }
}

/* A pixel of an activation, 0 outside of it. */
static float pixel(const struct mien_product *product, int input, int image, int c, int y, int x)
{
    const struct mien_act *const act = input == MIEN_PRODUCT_X ? &product->x_act : &product->y_act;
    if (y < 0 || x < 0 || y >= act->h || x >= act->w) {
        return 0.0f;
    }
    return mien_product_input(product, input,
                              mien_product_index(act, image, (c * act->h + y) * act->w + x));
}

/* A number of the output's gradient, also of what is in front of a pooling, where dy is behind it.
 */
static float gradient_at(const struct mien_product *product, int image, int oc, int y, int x)
{
    const struct mien_act *const act = &product->y_act;
    const int edge = product->shape.conv.pool;
    if (edge == 0) {
        return pixel(product, MIEN_PRODUCT_DY, image, oc, y, x);
    }
    if (y / edge >= act->h || x / edge >= act->w) {
        return 0.0f; /* no window has it */
    }
    const size_t at = mien_product_index(act, image, (oc * act->h + y / edge) * act->w + x / edge);
    const bool won = mien_product_won(product, at) == y % edge * edge + x % edge;
    return won ? mien_product_input(product, MIEN_PRODUCT_DY, at) : 0.0f;
}

/* Input channels that make an output channel, and the first of them. */
static int channels_seen(const struct mien_conv2d *op)
{
    return op->c / op->groups;
}

static int first_seen(const struct mien_conv2d *op, int oc)
{
    return oc / (op->oc / op->groups) * channels_seen(op);
}

/* Copies the taps of one (output, input of those that it sees) pair. */
static void copy_taps(float *out, const struct mien_product *product, int oc, int c)
{
    const struct mien_conv2d *const op = &product->shape.conv;
    const size_t taps = (size_t)op->kh * (size_t)op->kw;
    for (size_t i = 0; i < taps; i++) {
        out[i] =
            mien_product_input(product, MIEN_PRODUCT_WEIGHT,
                               ((size_t)oc * (size_t)channels_seen(op) + (size_t)c) * taps + i);
    }
}

/* One output before ReLU is a convolution of one window with one output channel's weights, which
 * `scratch` has; the window goes behind them. */
static float expect_output(const struct mien_product *product, int image, int oc, int row,
                           int column, float *scratch)
{
    const struct mien_conv2d *const op = &product->shape.conv;
    const int taps = op->kh * op->kw;
    const int seen = channels_seen(op);
    const int y = row * op->stride - op->pad;
    const int x = column * op->stride - op->pad;
    const struct mien_ref_conv2d one = { 1, seen, op->kh, op->kw, 1,     op->kh, op->kw,
                                         1, 0,    1,      1,      false, 1 };
    float *const window = scratch + (size_t)seen * (size_t)taps;
    for (int c = 0; c < seen; c++) {
        for (int tap = 0; tap < taps; tap++) {
            window[c * taps + tap] = pixel(product, MIEN_PRODUCT_X, image, first_seen(op, oc) + c,
                                           y + tap / op->kw, x + tap % op->kw);
        }
    }
    const float bias = mien_product_input(product, MIEN_PRODUCT_BIAS, (size_t)oc);
    float want = 0.0f;
    mien_ref_conv2d_fwd(&want, window, scratch, product->shape.bias ? &bias : NULL, &one);
    return want;
}

/* The largest of a window of outputs; *winners are those that rounding may make the largest. */
static float expect_window(uint32_t *winners, const struct mien_product *product,
                           const int at[RANK], float *scratch)
{
    const struct mien_conv2d *const op = &product->shape.conv;
    const float nearly = NEARLY_EQUAL * sqrtf((float)(channels_seen(op) * op->kh * op->kw));
    const int edge = op->pool;
    float all[MAX_EDGE * MAX_EDGE];
    float best = -INFINITY;
    for (int i = 0; i < edge * edge; i++) {
        all[i] = expect_output(product, at[0], at[1], at[2] * edge + i / edge,
                               at[3] * edge + i % edge, scratch);
        best = fmaxf(best, all[i]);
    }
    *winners = 0;
    for (int i = 0; i < edge * edge; i++) {
        *winners |= all[i] >= best - nearly ? UINT32_C(1) << i : 0;
    }
    return best;
}

static enum mien_status expect_fwd(struct mien_product *product,
                                   const struct mien_product_care *care, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_conv2d *const op = &product->shape.conv;
    const struct mien_act *const y = &product->y_act;
    const size_t taps = (size_t)op->kh * (size_t)op->kw;
    const int seen = channels_seen(op);
    const size_t terms = taps * (size_t)seen;
    const int dims[RANK] = { op->n, op->oc, y->h, y->w };
    const double cost = (double)terms * (op->pool > 0 ? op->pool * op->pool : 1);
    const struct plan plan = make_plan(dims, cost, FEWEST_SAMPLES, care);
    assert(op->pool <= MAX_EDGE);
    float *const scratch = mien_calloc(terms * 2, sizeof(*scratch), err);
    if (scratch == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(make_room(product, plan.count, err));
    for (size_t s = 0; s < plan.count; s++) {
        int at[RANK];
        uint32_t winners = 0;
        find_place(at, &plan, s);
        for (int c = 0; c < seen; c++) {
            copy_taps(scratch + (size_t)c * taps, product, at[1], c);
        }
        const float want = op->pool > 0
                               ? expect_window(&winners, product, at, scratch)
                               : expect_output(product, at[0], at[1], at[2], at[3], scratch);
        add_sample(product, MIEN_PRODUCT_Y, at[0], (at[1] * y->h + at[2]) * y->w + at[3],
                   product->shape.relu ? fmaxf(want, 0.0f) : want);
        product->samples[product->sample_count - 1].winners = winners;
    }

done:
    free(scratch);
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
static float expect_pixel(const struct mien_product *product, int image, int c, int y, int x,
                          float *const scratch)
{
    const struct mien_conv2d *const op = &product->shape.conv;
    const int taps = op->kh * op->kw;
    int y0 = 0;
    int y1 = 0;
    int x0 = 0;
    int x1 = 0;
    outputs_over(&y0, &y1, y, op->kh, op->stride, op->pad);
    outputs_over(&x0, &x1, x, op->kw, op->stride, op->pad);
    if (y1 < y0 || x1 < x0 ||
        (product->shape.mask && !(pixel(product, MIEN_PRODUCT_X, image, c, y, x) > 0.0f))) {
        return 0.0f;
    }
    const int ho = y1 - y0 + 1;
    const int wo = x1 - x0 + 1;
    const int outputs = op->oc / op->groups; /* that see the channel, and the first of them */
    const int first = c / channels_seen(op) * outputs;
    const struct mien_ref_conv2d part = { 1,
                                          1,
                                          (ho - 1) * op->stride + op->kh,
                                          (wo - 1) * op->stride + op->kw,
                                          outputs,
                                          op->kh,
                                          op->kw,
                                          op->stride,
                                          0,
                                          ho,
                                          wo,
                                          false,
                                          1 };
    float *const weight = scratch;
    float *const dy = weight + (size_t)outputs * (size_t)taps;
    float *const dx = dy + (size_t)outputs * (size_t)taps;
    for (int o = 0; o < outputs; o++) {
        copy_taps(weight + (size_t)o * (size_t)taps, product, first + o, c % channels_seen(op));
        for (int i = 0; i < ho * wo; i++) {
            dy[o * ho * wo + i] =
                pixel(product, MIEN_PRODUCT_DY, image, first + o, y0 + i / wo, x0 + i % wo);
        }
    }
    mien_ref_conv2d_bwd_data(dx, dy, weight, NULL, &part);
    return dx[(y - (y0 * op->stride - op->pad)) * part.w + x - (x0 * op->stride - op->pad)];
}

static enum mien_status expect_bwd_data(struct mien_product *product,
                                        const struct mien_product_care *care,
                                        struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_conv2d *const op = &product->shape.conv;
    const size_t taps = (size_t)op->kh * (size_t)op->kw;
    const double pixels = 4.0 * (double)taps; /* of the part of the image, at stride 1 */
    const int dims[RANK] = { op->n, op->c, op->h, op->w };
    const struct plan plan = make_plan(dims, pixels * (double)taps * op->oc, FEWEST_SAMPLES, care);
    /* Windows over a pixel are at most kh x kw, in an image of at most (2 kh - 1) x (2 kw - 1). */
    const size_t floats = (2 * (size_t)op->oc + 4) * taps;
    float *const scratch = mien_calloc(floats, sizeof(*scratch), err);
    if (scratch == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(make_room(product, plan.count, err));
    for (size_t s = 0; s < plan.count; s++) {
        int at[RANK];
        find_place(at, &plan, s);
        add_sample(product, MIEN_PRODUCT_DX, at[0], (at[1] * op->h + at[2]) * op->w + at[3],
                   expect_pixel(product, at[0], at[1], at[2], at[3], scratch));
    }

done:
    free(scratch);
    return st;
}

/* All taps of some (output, input) pairs: a convolution with one channel in and out. */
static enum mien_status expect_bwd_filter(struct mien_product *product,
                                          const struct mien_product_care *care,
                                          struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_conv2d *const op = &product->shape.conv;
    const int taps = op->kh * op->kw;
    const size_t x_floats = (size_t)op->n * (size_t)op->h * (size_t)op->w;
    const size_t dy_floats = (size_t)op->n * (size_t)op->ho * (size_t)op->wo;
    const int dims[RANK] = { 1, 1, op->oc, channels_seen(op) };
    const struct plan plan = make_plan(dims, (double)dy_floats * taps, FEWEST_FILTERS, care);
    const struct mien_ref_conv2d pair = { op->n,  1,      op->h,      op->w,   1,
                                          op->kh, op->kw, op->stride, op->pad, op->ho,
                                          op->wo, false,  1 };
    float dbias = 0.0f;
    float dweight[49]; /* kernels are 7 x 7 at most */
    float *const x = mien_calloc(x_floats + dy_floats, sizeof(*x), err);
    if (x == NULL) {
        return MIEN_ERR_MEMORY;
    }
    float *const dy = x + x_floats;
    TRY(make_room(product, plan.count * (size_t)(taps + 1), err));
    for (size_t s = 0; s < plan.count; s++) {
        int place[RANK];
        find_place(place, &plan, s);
        const int oc = place[2];
        const int c = place[3];
        for (size_t i = 0; i < x_floats; i++) {
            const int at = (int)(i % ((size_t)op->h * (size_t)op->w));
            x[i] = pixel(product, MIEN_PRODUCT_X, (int)(i / ((size_t)op->h * (size_t)op->w)),
                         first_seen(op, oc) + c, at / op->w, at % op->w);
        }
        for (size_t i = 0; i < dy_floats; i++) {
            const int at = (int)(i % ((size_t)op->ho * (size_t)op->wo));
            dy[i] = gradient_at(product, (int)(i / ((size_t)op->ho * (size_t)op->wo)), oc,
                                at / op->wo, at % op->wo);
        }
        mien_ref_conv2d_bwd_filter(dweight, &dbias, dy, x, &pair);
        for (int tap = 0; tap < taps; tap++) {
            add_sample(product, MIEN_PRODUCT_DWEIGHT, 0, (oc * channels_seen(op) + c) * taps + tap,
                       dweight[tap]);
        }
        if (product->shape.bias) {
            add_sample(product, MIEN_PRODUCT_DBIAS, 0, oc, dbias);
        }
    }

done:
    free(x);
    return st;
}

/* Vectors of a dense layer's products: a row of x or dy, a column of them over the images. */
static void copy_row(float *out, const struct mien_product *product, int input, int image)
{
    const struct mien_act *const act = input == MIEN_PRODUCT_X ? &product->x_act : &product->y_act;
    for (int i = 0; i < act->c; i++) {
        out[i] = pixel(product, input, image, i, 0, 0);
    }
}

static void copy_column(float *out, const struct mien_product *product, int input, int feature)
{
    for (int i = 0; i < product->x_act.n; i++) {
        out[i] = pixel(product, input, i, feature, 0, 0);
    }
}

static float weight_at(const struct mien_product *product, int out, int in)
{
    return mien_product_input(product, MIEN_PRODUCT_WEIGHT,
                              (size_t)out * (size_t)product->shape.dense.in + (size_t)in);
}

/* y[image][out] from a row of x and a row of the weights. */
static void expect_dense_fwd(struct mien_product *product, int image, int out, float *a, float *b)
{
    const struct mien_dense *const op = &product->shape.dense;
    const struct mien_ref_dense one = { 1, op->in, 1, op->relu };
    const float bias = mien_product_input(product, MIEN_PRODUCT_BIAS, (size_t)out);
    float want = 0.0f;
    copy_row(a, product, MIEN_PRODUCT_X, image);
    for (int i = 0; i < op->in; i++) {
        b[i] = weight_at(product, out, i);
    }
    mien_ref_dense_fwd(&want, a, b, product->shape.bias ? &bias : NULL, &one);
    add_sample(product, MIEN_PRODUCT_Y, image, out, want);
}

/* dx[image][in] from a row of dy and a column of the weights. */
static void expect_dense_data(struct mien_product *product, int image, int in, float *a, float *b)
{
    const struct mien_dense *const op = &product->shape.dense;
    const struct mien_ref_dense one = { 1, 1, op->out, false };
    const float mask = pixel(product, MIEN_PRODUCT_X, image, in, 0, 0);
    float want = 0.0f;
    copy_row(a, product, MIEN_PRODUCT_DY, image);
    for (int i = 0; i < op->out; i++) {
        b[i] = weight_at(product, i, in);
    }
    mien_ref_dense_bwd_data(&want, a, b, product->shape.mask ? &mask : NULL, &one);
    add_sample(product, MIEN_PRODUCT_DX, image, in, want);
}

/* dweight[out][in], and dbias[out], from columns of dy and x over the images. */
static void expect_dense_weight(struct mien_product *product, int out, int in, float *a, float *b)
{
    const struct mien_dense *const op = &product->shape.dense;
    const struct mien_ref_dense one = { op->n, 1, 1, false };
    float want = 0.0f;
    float dbias = 0.0f;
    copy_column(a, product, MIEN_PRODUCT_DY, out);
    copy_column(b, product, MIEN_PRODUCT_X, in);
    mien_ref_dense_bwd_filter(&want, &dbias, a, b, &one);
    add_sample(product, MIEN_PRODUCT_DWEIGHT, 0, out * op->in + in, want);
    if (product->shape.bias) {
        add_sample(product, MIEN_PRODUCT_DBIAS, 0, out, dbias);
    }
}

static enum mien_status expect_dense(struct mien_product *product,
                                     const struct mien_product_care *care, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    static void (*const expect[MIEN_CONV2D_PASSES])(struct mien_product * product, int i, int k,
                                                    float *a, float *b) = {
        [MIEN_CONV2D_FWD] = expect_dense_fwd,
        [MIEN_CONV2D_BWD_DATA] = expect_dense_data,
        [MIEN_CONV2D_BWD_FILTER] = expect_dense_weight,
    };
    const struct mien_dense *const op = &product->shape.dense;
    const int dims[MIEN_CONV2D_PASSES][RANK] = {
        [MIEN_CONV2D_FWD] = { 1, 1, op->n, op->out },
        [MIEN_CONV2D_BWD_DATA] = { 1, 1, op->n, op->in },
        [MIEN_CONV2D_BWD_FILTER] = { 1, 1, op->out, op->in },
    };
    const int terms[MIEN_CONV2D_PASSES] = { op->in, op->out, op->n };
    const size_t longest = (size_t)op->in + (size_t)op->out + (size_t)op->n;
    float *const a = mien_calloc(longest * 2, sizeof(*a), err);
    if (a == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        if (!product->shape.passes[pass]) {
            continue;
        }
        const struct plan plan = make_plan(dims[pass], terms[pass], FEWEST_SAMPLES, care);
        TRY(make_room(product, plan.count * 2, err));
        for (size_t s = 0; s < plan.count; s++) {
            int at[RANK];
            find_place(at, &plan, s);
            expect[pass](product, at[2], at[3], a, a + longest);
        }
    }

done:
    free(a);
    return st;
}

enum mien_status mien_product_expect(struct mien_product *product,
                                     const struct mien_product_care *care, struct mien_error *err)
{
    const struct mien_product_shape *const shape = &product->shape;
    const enum mien_status st = shape->dense_layer               ? expect_dense(product, care, err)
                                : shape->passes[MIEN_CONV2D_FWD] ? expect_fwd(product, care, err)
                                : shape->passes[MIEN_CONV2D_BWD_DATA]
                                    ? expect_bwd_data(product, care, err)
                                    : expect_bwd_filter(product, care, err);
    find_scales(product);
    return st;
}
