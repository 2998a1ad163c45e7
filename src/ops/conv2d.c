/* conv2d.c - 2-d convolution: sizes, and the way to the variant that computes a pass */
#include "ops/conv2d.h"

#include <assert.h>
#include <string.h>

#include "ops/conv2d_variants.h"

enum { MAX_KERNEL = 7 };

static const struct mien_conv2d_family *const families[MIEN_CONV2D_VARIANTS] = {
    [MIEN_CONV2D_VECTOR] = &mien_conv2d_vector,   [MIEN_CONV2D_WINOGRAD] = &mien_conv2d_winograd,
    [MIEN_CONV2D_CHANNEL] = &mien_conv2d_channel, [MIEN_CONV2D_TILE] = &mien_conv2d_tile,
    [MIEN_CONV2D_GROUPED] = &mien_conv2d_grouped, [MIEN_CONV2D_PRODUCT] = &mien_conv2d_product,
    [MIEN_CONV2D_BATCHED] = &mien_conv2d_batched,
};

/* In the order of preference without any measurement. */
static const enum mien_conv2d_variant preferred[MIEN_CONV2D_VARIANTS] = {
    MIEN_CONV2D_WINOGRAD, MIEN_CONV2D_PRODUCT, MIEN_CONV2D_CHANNEL, MIEN_CONV2D_VECTOR,
    MIEN_CONV2D_TILE,     MIEN_CONV2D_BATCHED, MIEN_CONV2D_GROUPED,
};

const char *mien_conv2d_variant_name(enum mien_conv2d_variant variant)
{
    return families[variant]->name;
}

const char *mien_conv2d_pass_name(enum mien_conv2d_pass pass)
{
    static const char *const names[MIEN_CONV2D_PASSES] = { "forward", "backward data",
                                                           "backward filter" };
    return names[pass];
}

struct mien_act mien_conv2d_output(const struct mien_conv2d *op)
{
    return (struct mien_act){ op->n, op->oc, op->ho, op->wo, op->lanes };
}

/* Groups have a variant of their own, which the others leave to it. */
static bool is_for_groups(const struct mien_conv2d *op, enum mien_conv2d_variant variant)
{
    return (op->groups > 1) == (variant == MIEN_CONV2D_GROUPED);
}

bool mien_conv2d_takes(const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                       enum mien_conv2d_variant variant)
{
    return is_for_groups(op, variant) && families[variant]->takes(op, pass);
}

bool mien_conv2d_fits(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const struct mien_conv2d_family *const family = families[op->variant[pass]];
    return family->local_bytes == NULL || op->local_bytes == 0 ||
           family->local_bytes(op, pass) <= op->local_bytes;
}

double mien_conv2d_tolerance(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    const struct mien_conv2d_family *const family = families[op->variant[pass]];
    return family->tolerance == NULL ? 1e-5 : family->tolerance(op, pass);
}

static bool fits(const struct mien_conv2d *op, enum mien_conv2d_pass pass,
                 enum mien_conv2d_variant variant)
{
    struct mien_conv2d tried = *op;
    tried.variant[pass] = variant;
    return mien_conv2d_fits(&tried, pass);
}

static void choose_variants(struct mien_conv2d *op)
{
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        const enum mien_conv2d_pass p = (enum mien_conv2d_pass)pass;
        for (int i = MIEN_CONV2D_VARIANTS - 1; i >= 0; i--) {
            if (is_for_groups(op, preferred[i]) && families[preferred[i]]->suits(op, p) &&
                fits(op, p, preferred[i])) {
                op->variant[pass] = preferred[i];
            }
        }
    }
}

void mien_conv2d_fit(struct mien_conv2d *op, size_t local_bytes)
{
    op->local_bytes = local_bytes;
    choose_variants(op);
}

void mien_conv2d_avoid(struct mien_conv2d *op, enum mien_conv2d_pass pass, unsigned barred)
{
    struct mien_conv2d blank = *op;
    memset(blank.param[pass], 0, sizeof(blank.param[pass]));
    for (int best = 1; best >= 0; best--) { /* what suits goes before what is merely possible */
        for (int i = 0; i < MIEN_CONV2D_VARIANTS; i++) {
            const enum mien_conv2d_variant variant = preferred[i];
            const bool able =
                best ? families[variant]->suits(op, pass) : families[variant]->takes(op, pass);
            if (able && is_for_groups(op, variant) && (barred >> variant & 1u) == 0 &&
                fits(&blank, pass, variant)) {
                op->variant[pass] = variant;
                memset(op->param[pass], 0, sizeof(op->param[pass]));
                return;
            }
        }
    }
}

enum mien_status mien_conv2d_init(struct mien_conv2d *out, const struct mien_act *x, int oc, int kh,
                                  int kw, int stride, int pad, struct mien_error *err)
{
    if (oc < 1 || kh < 1 || kw < 1 || kh > MAX_KERNEL || kw > MAX_KERNEL || stride < 1 || pad < 0) {
        return mien_fail(
            err, MIEN_ERR_SHAPE,
            "conv: %d channels, kernel %dx%d, stride %d, pad %d: kernels go from 1 to %d, the "
            "rest from 1 (pad from 0)",
            oc, kh, kw, stride, pad, MAX_KERNEL);
    }
    if (pad >= kh || pad >= kw) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "conv: pad %d: must be less than the kernel %dx%d is high and wide", pad,
                         kh, kw);
    }
    if (x->h + 2 * pad < kh || x->w + 2 * pad < kw) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "conv: kernel %dx%d with pad %d does not fit in a %dx%d image", kh, kw,
                         pad, x->h, x->w);
    }
    *out = (struct mien_conv2d){
        .n = x->n,
        .c = x->c,
        .h = x->h,
        .w = x->w,
        .oc = oc,
        .kh = kh,
        .kw = kw,
        .stride = stride,
        .pad = pad,
        .groups = 1,
        .ho = (x->h + 2 * pad - kh) / stride + 1,
        .wo = (x->w + 2 * pad - kw) / stride + 1,
        .lanes = x->lanes,
    };
    const struct mien_act y = mien_conv2d_output(out);
    enum mien_status st = mien_act_check(x, "conv input", err);
    st = st != MIEN_OK ? st : mien_act_check(&y, "conv output", err);
    choose_variants(out);
    return st;
}

enum mien_status mien_conv2d_group(struct mien_conv2d *op, int groups, struct mien_error *err)
{
    if (groups < 1 || op->c % groups != 0 || op->oc % groups != 0) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "conv: %d channels in and %d out do not divide into %d groups", op->c,
                         op->oc, groups);
    }
    op->groups = groups;
    choose_variants(op);
    return MIEN_OK;
}

const struct mien_conv2d_param *mien_conv2d_params(enum mien_conv2d_variant variant,
                                                   enum mien_conv2d_pass pass)
{
    static const struct mien_conv2d_param none[MIEN_CONV2D_PARAMS];
    return families[variant]->params[pass] != NULL ? families[variant]->params[pass] : none;
}

int mien_conv2d_value(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int index)
{
    const struct mien_conv2d_family *const family = families[op->variant[pass]];
    const cl_int set = op->param[pass][index];
    return set > 0 || family->default_value == NULL ? set : family->default_value(op, pass, index);
}

size_t mien_conv2d_pass_work_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    return families[op->variant[pass]]->work_bytes(op, pass);
}

size_t mien_conv2d_work_bytes(const struct mien_conv2d *op)
{
    size_t most = 0;
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        const size_t bytes = mien_conv2d_pass_work_bytes(op, (enum mien_conv2d_pass)pass);
        most = bytes > most ? bytes : most;
    }
    return most;
}

bool mien_conv2d_pools(const struct mien_conv2d *op, enum mien_conv2d_pass pass, int edge)
{
    const enum mien_conv2d_variant variant = op->variant[pass];
    bool (*const able)(const struct mien_conv2d *, int) = families[variant]->pools[pass];
    return able != NULL && (op->poolless >> variant & 1u) == 0 && edge > 1 && op->ho >= edge &&
           op->wo >= edge && able(op, edge);
}

static const struct mien_conv2d_family *family_of(const struct mien_conv2d *op,
                                                  enum mien_conv2d_pass pass)
{
    const struct mien_conv2d_family *const family = families[op->variant[pass]];
    assert(mien_conv2d_takes(op, pass, op->variant[pass]));
    return family;
}

enum mien_status mien_conv2d_fwd(struct mien_cl *cl, const struct mien_conv2d_out *out,
                                 const struct mien_cl_buffer *x,
                                 const struct mien_cl_buffer *weight,
                                 const struct mien_cl_buffer *bias, struct mien_cl_buffer *work,
                                 const struct mien_conv2d *op, struct mien_error *err)
{
    assert(op->pool == 0 || mien_conv2d_pools(op, MIEN_CONV2D_FWD, op->pool));
    return family_of(op, MIEN_CONV2D_FWD)->fwd(cl, out, x, weight, bias, work, op, err);
}

enum mien_status mien_conv2d_bwd_data(struct mien_cl *cl, struct mien_cl_buffer *dx,
                                      const struct mien_cl_buffer *dy,
                                      const struct mien_cl_buffer *weight,
                                      const struct mien_cl_buffer *mask,
                                      struct mien_cl_buffer *work, const struct mien_conv2d *op,
                                      struct mien_error *err)
{
    return family_of(op, MIEN_CONV2D_BWD_DATA)->bwd_data(cl, dx, dy, weight, mask, work, op, err);
}

enum mien_status mien_conv2d_bwd_filter(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                        struct mien_cl_buffer *dbias,
                                        const struct mien_cl_buffer *dy,
                                        const struct mien_cl_buffer *x, struct mien_cl_buffer *work,
                                        const struct mien_conv2d *op, struct mien_error *err)
{
    return family_of(op, MIEN_CONV2D_BWD_FILTER)
        ->bwd_filter(cl, dweight, dbias, dy, x, work, op, err);
}

enum mien_status mien_conv2d_bwd_filter_pooled(struct mien_cl *cl, struct mien_cl_buffer *dweight,
                                               struct mien_cl_buffer *dbias,
                                               const struct mien_conv2d_pooled *dy,
                                               const struct mien_cl_buffer *x,
                                               struct mien_cl_buffer *work,
                                               const struct mien_conv2d *op, struct mien_error *err)
{
    assert(mien_conv2d_pools(op, MIEN_CONV2D_BWD_FILTER, op->pool));
    return family_of(op, MIEN_CONV2D_BWD_FILTER)
        ->bwd_filter_pooled(cl, dweight, dbias, dy, x, work, op, err);
}
