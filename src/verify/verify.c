/* verify.c - the table of operations under test, and what comes of it */
#include "verify/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "verify/check_internal.h"

#define QUICK_WORK 2e6 /* multiply-adds of the reference for one shape, a few milliseconds */

/*
 * Shapes of each operation: first those of the quick form; then sizes of 1, odd ones, ones off the
 * multiples of tiles and vectors, and batches of 150.
 */
static const struct mien_verify_shape conv_shapes[] = {
    { 19, 9, 12, 14, 10, 3, 3, 1, 1, true, true, true, 1, 2 },
    { 3, 5, 9, 11, 6, 5, 5, 2, 2, true, false, false, 1, 0 },
    { 19, 6, 9, 8, 6, 3, 3, 1, 1, true, true, true, 6, 0 },
    { 5, 6, 11, 9, 12, 3, 3, 2, 1, true, false, false, 3, 0 },
    { 19, 9, 5, 7, 10, 1, 1, 1, 0, true, true, true, 1, 0 },
    { 1, 1, 1, 1, 1, 1, 1, 1, 0, true, false, false, 1, 0 },
    { 2, 3, 7, 5, 5, 2, 3, 1, 1, false, false, true, 1, 0 },
    { 150, 3, 9, 8, 7, 4, 4, 1, 0, true, true, false, 1, 2 },
    { 17, 17, 11, 13, 19, 3, 3, 1, 2, true, false, true, 1, 0 },
    { 9, 8, 13, 10, 17, 5, 5, 1, 4, false, true, false, 1, 0 },
    { 5, 4, 15, 15, 6, 7, 7, 3, 3, true, false, false, 1, 0 },
    { 8, 64, 12, 12, 32, 4, 4, 1, 0, true, true, true, 1, 3 },
};
static const struct mien_verify_shape dense_shapes[] = {
    { .n = 19, .c = 45, .h = 1, .w = 1, .width = 12, .bias = true, .relu = true, .mask = true },
    { .n = 1, .c = 1, .h = 1, .w = 1, .width = 1, .bias = true },
    { .n = 150, .c = 84, .h = 1, .w = 1, .width = 7, .bias = true, .mask = true },
    { .n = 7, .c = 1031, .h = 1, .w = 1, .width = 121 },
};
static const struct mien_verify_shape pool_shapes[] = {
    { .n = 5,
      .c = 3,
      .h = 9,
      .w = 7,
      .kh = 3,
      .kw = 3,
      .stride = 2,
      .pad = 1,
      .relu = true,
      .mask = true },
    { .n = 19, .c = 2, .h = 8, .w = 6, .kh = 2, .kw = 2, .stride = 2 },
    { .n = 1, .c = 1, .h = 1, .w = 1, .kh = 1, .kw = 1, .stride = 1 },
    { .n = 150, .c = 5, .h = 5, .w = 5, .kh = 5, .kw = 5, .stride = 1, .mask = true },
    { .n = 3, .c = 17, .h = 11, .w = 13, .kh = 2, .kw = 3, .stride = 3, .relu = true },
};
static const struct mien_verify_shape norm_pool_shapes[] = {
    { .n = 19, .c = 7, .h = 5, .w = 7, .kh = 2, .kw = 2, .stride = 2, .relu = true, .mask = true },
    { .n = 2, .c = 1, .h = 1, .w = 1, .kh = 1, .kw = 1, .stride = 1 },
    { .n = 150, .c = 3, .h = 6, .w = 5, .kh = 3, .kw = 3, .stride = 3, .mask = true },
    { .n = 9, .c = 2, .h = 44, .w = 44, .kh = 2, .kw = 2, .stride = 2, .relu = true },
};
static const struct mien_verify_shape fold_shapes[] = {
    { .n = 1, .c = 19, .h = 9, .w = 25, .bias = true },
    { .n = 1, .c = 1, .h = 1, .w = 1 },
    { .n = 1, .c = 70, .h = 64, .w = 9 },
};
static const struct mien_verify_shape act_shapes[] = {
    { .n = 19, .c = 7, .h = 5, .w = 3, .relu = true, .mask = true },
    { .n = 2, .c = 1, .h = 1, .w = 1 },
    { .n = 150, .c = 3, .h = 6, .w = 5, .mask = true },
    { .n = 9, .c = 2, .h = 44, .w = 44, .relu = true },
};
static const struct mien_verify_shape class_shapes[] = {
    { .n = 19, .width = 7 },
    { .n = 1, .width = 1 },
    { .n = 150, .width = 7 },
    { .n = 67, .width = 101 },
};
static const struct mien_verify_shape image_shapes[] = {
    { .n = 19, .c = 3, .h = 5, .w = 7, .pad = 1 },
    { .n = 1, .c = 1, .h = 1, .w = 1 },
    { .n = 150, .c = 1, .h = 44, .w = 44, .pad = 2 },
};
static const struct mien_verify_shape flat_shapes[] = { { .c = 3 }, { .c = 1 }, { .c = 301 } };

struct row {
    const char *name;
    enum mien_status (*check)(const struct check_call *call, struct mien_error *err);
    const struct check_op *op; /* where `check` is NULL */
    const struct mien_verify_shape *shapes;
    size_t count, quick;
    bool lanes; /* the device's, and 1 as well */
};
#define SHAPES(table) table, sizeof(table) / sizeof((table)[0])

/* A line per operation. */
static const struct row rows[] = {
    { "conv2d", mien_verify_conv2d, NULL, SHAPES(conv_shapes), 5, true },
    { "dense", mien_verify_dense, NULL, SHAPES(dense_shapes), 1, true },
    { "maxpool", NULL, &mien_verify_maxpool, SHAPES(pool_shapes), 2, true },
    { "avgpool", NULL, &mien_verify_avgpool, SHAPES(pool_shapes), 1, true },
    { "batchnorm", NULL, &mien_verify_batchnorm, SHAPES(act_shapes), 1, true },
    { "batchnorm fold", NULL, &mien_verify_batchnorm_fold, SHAPES(fold_shapes), 1, true },
    { "batchnorm maxpool", NULL, &mien_verify_batchnorm_pool, SHAPES(norm_pool_shapes), 1, true },
    { "relu", NULL, &mien_verify_relu, SHAPES(act_shapes), 1, true },
    { "leakyrelu", NULL, &mien_verify_leakyrelu, SHAPES(act_shapes), 1, true },
    { "sigmoid", NULL, &mien_verify_sigmoid, SHAPES(act_shapes), 1, true },
    { "silu", NULL, &mien_verify_silu, SHAPES(act_shapes), 1, true },
    { "gelu", NULL, &mien_verify_gelu, SHAPES(act_shapes), 1, true },
    { "add", NULL, &mien_verify_add, SHAPES(act_shapes), 1, true },
    { "multiply", NULL, &mien_verify_multiply, SHAPES(act_shapes), 1, true },
    { "dropout", NULL, &mien_verify_dropout, SHAPES(act_shapes), 1, true },
    { "softmax", NULL, &mien_verify_softmax, SHAPES(class_shapes), 1, true },
    { "sgd", NULL, &mien_verify_sgd, SHAPES(flat_shapes), 1, false },
    { "adam", NULL, &mien_verify_adam, SHAPES(flat_shapes), 1, false },
    { "clip", NULL, &mien_verify_clip, SHAPES(flat_shapes), 1, false },
    { "guard", NULL, &mien_verify_guard, SHAPES(flat_shapes), 1, false },
    { "accumulate", NULL, &mien_verify_accumulate, SHAPES(flat_shapes), 1, false },
    { "average", NULL, &mien_verify_average, SHAPES(flat_shapes), 1, false },
    { "sam", NULL, &mien_verify_sam, SHAPES(flat_shapes), 1, false },
    { "gather", NULL, &mien_verify_gather, SHAPES(image_shapes), 1, true },
    { "relayout", NULL, &mien_verify_relayout, SHAPES(act_shapes), 1, false },
    { "rows", NULL, &mien_verify_rows, SHAPES(act_shapes), 1, false },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

void mien_verdicts_finish(struct mien_verdicts *verdicts)
{
    free(verdicts->items);
    *verdicts = (struct mien_verdicts){ NULL, 0 };
}

size_t mien_verdicts_failed(const struct mien_verdicts *verdicts)
{
    size_t failed = 0;
    for (size_t i = 0; i < verdicts->count; i++) {
        failed += verdicts->items[i].failed > 0 ? 1 : 0;
    }
    return failed;
}

size_t mien_verdicts_checks(const struct mien_verdicts *verdicts)
{
    size_t checks = 0;
    for (size_t i = 0; i < verdicts->count; i++) {
        checks += verdicts->items[i].checks;
    }
    return checks;
}

/* The verdict of a kernel and variant, a new one behind the others if need be. */
static struct mien_verdict *find_verdict(struct mien_verdicts *out, const char *kernel,
                                         const char *variant, struct mien_error *err)
{
    for (size_t i = 0; i < out->count; i++) {
        if (strcmp(out->items[i].kernel, kernel) == 0 &&
            strcmp(out->items[i].variant, variant) == 0) {
            return &out->items[i];
        }
    }
    void *const grown = mien_realloc(out->items, out->count + 1, sizeof(*out->items), err);
    if (grown == NULL) {
        return NULL;
    }
    out->items = grown;
    struct mien_verdict *const verdict = &out->items[out->count++];
    *verdict = (struct mien_verdict){ .worst = { .tolerance = -1.0 } };
    (void)snprintf(verdict->kernel, sizeof(verdict->kernel), "%s", kernel);
    (void)snprintf(verdict->variant, sizeof(verdict->variant), "%s", variant);
    return verdict;
}

enum mien_status mien_verdicts_add(struct mien_verdicts *out, const char *kernel,
                                   const char *variant, const struct mien_finding *finding,
                                   const char *where, double ms, struct mien_error *err)
{
    struct mien_verdict *const verdict = find_verdict(out, kernel, variant, err);
    if (verdict == NULL) {
        return MIEN_ERR_MEMORY;
    }
    verdict->checks++;
    verdict->failed += finding->fault != MIEN_FAULT_NONE ? 1 : 0;
    verdict->ms += ms;
    if (mien_finding_merge(&verdict->worst, finding)) {
        (void)snprintf(verdict->where, sizeof(verdict->where), "%s", where);
    }
    return MIEN_OK;
}

void mien_verify_describe(char out[CHECK_SHAPE_BYTES], const struct mien_verify_shape *shape)
{
    const struct mien_verify_shape *const s = shape;
    char input[48] = "";
    char width[24] = "";
    char window[48] = "";
    char groups[24] = "";
    if (s->n == 0) {
        (void)snprintf(input, sizeof(input), "%d blocks", s->c);
    } else if (s->c == 0) {
        (void)snprintf(input, sizeof(input), "%d", s->n);
    } else if (s->h == 1 && s->w == 1) {
        (void)snprintf(input, sizeof(input), "%dx%d", s->n, s->c);
    } else {
        (void)snprintf(input, sizeof(input), "%dx%dx%dx%d", s->n, s->c, s->h, s->w);
    }
    if (s->width > 0) {
        (void)snprintf(width, sizeof(width), " to %d", s->width);
    }
    if (s->kh > 0) {
        (void)snprintf(window, sizeof(window), " by %dx%d stride %d pad %d", s->kh, s->kw,
                       s->stride, s->pad);
    } else if (s->pad > 0) {
        (void)snprintf(window, sizeof(window), " with a margin of %d", s->pad);
    }
    if (s->groups > 1) {
        (void)snprintf(groups, sizeof(groups), " in %d groups", s->groups);
    }
    (void)snprintf(out, CHECK_SHAPE_BYTES, "%s%s%s%s", input, width, window, groups);
}

static enum mien_status check_row(const struct row *row, const struct check_call *call,
                                  struct mien_error *err)
{
    return row->check != NULL ? row->check(call, err)
                              : mien_verify_op(call->out, call->cl, row->name, row->op, call->shape,
                                               call->lanes, err);
}

enum mien_status mien_verify_one(struct mien_verdicts *out, struct mien_cl *cl, const char *name,
                                 const struct mien_verify_shape *shape, enum mien_conv2d_pass pass,
                                 const struct mien_conv2d *way, const struct mien_verify_care *care,
                                 struct mien_error *err)
{
    const struct check_call call = {
        .out = out,
        .cl = cl,
        .shape = shape,
        .lanes = mien_device_lanes(mien_cl_device(cl)),
        .pass = pass,
        .way = way,
        .care = care,
    };
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return check_row(&rows[i], &call, err);
        }
    }
    return mien_fail(err, MIEN_ERR_SHAPE, "%s: no operation that could be checked", name);
}

bool mien_verify_wanted(const struct mien_verify_wish *wish, const char *name)
{
    return wish->filter == NULL || strstr(name, wish->filter) != NULL;
}

enum mien_status mien_verify_go_on(const struct mien_verify_wish *wish, struct mien_error *err)
{
    return wish != NULL && wish->stop != NULL && wish->stop(wish->user)
               ? mien_fail(err, MIEN_ERR_INTERRUPTED, "stopped")
               : MIEN_OK;
}

/* All shapes of a row, with the device's lanes and with one. */
static enum mien_status check_shapes(struct mien_verdicts *out, struct mien_cl *cl,
                                     const struct row *row, const struct mien_verify_wish *wish,
                                     struct mien_error *err)
{
    const int lanes = mien_device_lanes(mien_cl_device(cl));
    const size_t count = wish->quick ? row->quick : row->count;
    const size_t rounds = row->lanes && !wish->quick && lanes > 1 ? 2 : 1;
    unsigned tried[MIEN_CONV2D_PASSES] = { 0 };
    for (size_t k = 0; k < count * rounds; k++) {
        const struct mien_verify_care care = { .tried = wish->quick ? NULL : tried,
                                               .work = wish->quick ? QUICK_WORK : 0.0,
                                               .blas = wish->blas,
                                               .own_products = wish->own_products };
        const struct check_call call = {
            .out = out,
            .cl = cl,
            .shape = &row->shapes[k < count ? k : k - count],
            .lanes = k < count ? lanes : 1,
            .care = &care,
            .wish = wish,
        };
        enum mien_status st = mien_verify_go_on(wish, err);
        st = st == MIEN_OK ? check_row(row, &call, err) : st;
        if (st == MIEN_ERR_INTERRUPTED) {
            return st;
        }
        if (st != MIEN_OK) {
            return mien_wrap(err, st, "%s", row->name);
        }
    }
    return MIEN_OK;
}

enum mien_status mien_verify_table(struct mien_verdicts *out, struct mien_cl *cl,
                                   const struct mien_verify_wish *wish, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (size_t i = 0; i < ROWS; i++) {
        mien_log_progress(wish->log, rows[i].name, i, ROWS);
        const bool one = wish->blas == NULL || rows[i].check == mien_verify_dense;
        TRY(one && mien_verify_wanted(wish, rows[i].name)
                ? check_shapes(out, cl, &rows[i], wish, err)
                : MIEN_OK);
    }
    mien_log_progress(wish->log, "self-test", ROWS, ROWS);

done:
    return st;
}
