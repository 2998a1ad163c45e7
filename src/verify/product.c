/* product.c - a convolution's pass or a dense layer's products on a device: buffers, running,
 * checks
 */
#include "verify/product.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cl/blas.h"
#include "ops/relayout.h"
#include "verify/noise.h"

static const char *const output_names[MIEN_PRODUCT_OUTPUTS] = {
    [MIEN_PRODUCT_Y] = "y",
    [MIEN_PRODUCT_DX] = "dx",
    [MIEN_PRODUCT_DWEIGHT] = "dweight",
    [MIEN_PRODUCT_DBIAS] = "dbias",
};

/* The rows that CLBlast works on. */
enum { ROWS_X, ROWS_Y, ROWS_DX, ROWS_DY };

static size_t act_bytes(const struct mien_act *act)
{
    return mien_act_floats(act) * sizeof(cl_float);
}

float mien_product_input(const struct mien_product *product, int input, size_t index)
{
    return mien_noise_at(product->noise, input, index);
}

/* Some pixel, each as often as the others, as far as one can see. */
int mien_product_won(const struct mien_product *product, size_t index)
{
    const unsigned pixels = (unsigned)(product->shape.conv.pool * product->shape.conv.pool);
    return (int)(((uint32_t)index * UINT32_C(2654435761) >> 16) % pixels);
}

size_t mien_product_index(const struct mien_act *act, int image, int feature)
{
    const size_t features = (size_t)act->c * (size_t)act->h * (size_t)act->w;
    const size_t lanes = (size_t)act->lanes;
    return ((size_t)image / lanes * features + (size_t)feature) * lanes + (size_t)image % lanes;
}

static enum mien_status make_input(struct mien_product *product, int input, size_t bytes,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t most = MIEN_NOISE_FLOATS * sizeof(float);
    const float *const noise = product->noise + mien_noise_start(input);
    TRY(mien_cl_buffer_create(&product->inputs[input], product->cl, bytes, err));
    for (size_t at = 0; at < bytes; at += most) {
        TRY(mien_cl_write(product->cl, product->inputs[input], at, noise,
                          bytes - at < most ? bytes - at : most, err));
    }

done:
    return st;
}

static enum mien_status make_won(struct mien_product *product, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t count = mien_act_floats(&product->y_act);
    unsigned char *const won = mien_calloc(count, 1, err);
    if (won == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        won[i] = (unsigned char)mien_product_won(product, i);
    }
    TRY(mien_cl_buffer_create(&product->won, product->cl, count, err));
    TRY(mien_cl_write(product->cl, product->won, 0, won, count, err));

done:
    free(won);
    return st;
}

/* Sizes: all lanes of the last block count as images, as they do to the kernels. */
static enum mien_status fill_acts(struct mien_product *product, struct mien_error *err)
{
    struct mien_product_shape *const shape = &product->shape;
    const int lanes = shape->dense_layer ? shape->dense.lanes : shape->conv.lanes;
    const int images = shape->dense_layer ? shape->dense.n : shape->conv.n;
    const int n = (images + lanes - 1) / lanes * lanes;
    if (shape->dense_layer) {
        const bool relu = shape->relu;
        product->x_act = (struct mien_act){ n, shape->dense.in, 1, 1, lanes };
        product->y_act = (struct mien_act){ n, shape->dense.out, 1, 1, lanes };
        const enum mien_status st =
            mien_dense_init(&shape->dense, &product->x_act, shape->dense.out, err);
        shape->dense.relu = relu;
        return st;
    }
    shape->conv.n = n;
    product->x_act = (struct mien_act){ n, shape->conv.c, shape->conv.h, shape->conv.w, lanes };
    product->y_act = mien_conv2d_output(&shape->conv);
    if (shape->conv.pool > 0) {
        product->y_act.h /= shape->conv.pool;
        product->y_act.w /= shape->conv.pool;
    }
    return MIEN_OK;
}

enum mien_status mien_product_init(struct mien_product *product, struct mien_cl *cl,
                                   const struct mien_product_shape *shape, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *product = (struct mien_product){ .cl = cl, .shape = *shape };
    const struct mien_conv2d *const conv = &shape->conv;
    const bool forward = shape->passes[MIEN_CONV2D_FWD];
    const bool data = shape->passes[MIEN_CONV2D_BWD_DATA];
    const bool filter = shape->passes[MIEN_CONV2D_BWD_FILTER];
    const size_t outputs = (size_t)(shape->dense_layer ? shape->dense.out : conv->oc);
    const size_t weights = outputs * sizeof(cl_float) *
                           (shape->dense_layer ? (size_t)shape->dense.in
                                               : (size_t)(conv->c / conv->groups) *
                                                     (size_t)conv->kh * (size_t)conv->kw);
    const size_t biases = shape->bias ? outputs * sizeof(cl_float) : 0;
    TRY(fill_acts(product, err));
    const size_t x = act_bytes(&product->x_act);
    const size_t y = act_bytes(&product->y_act);
    const size_t inputs[MIEN_PRODUCT_INPUTS] = {
        [MIEN_PRODUCT_X] = forward || filter || shape->mask ? x : 0,
        [MIEN_PRODUCT_DY] = data || filter ? y : 0,
        [MIEN_PRODUCT_WEIGHT] = forward || data ? weights : 0,
        [MIEN_PRODUCT_BIAS] = forward ? biases : 0,
    };
    const size_t results[MIEN_PRODUCT_OUTPUTS] = {
        [MIEN_PRODUCT_Y] = forward ? y : 0,
        [MIEN_PRODUCT_DX] = data ? x : 0,
        [MIEN_PRODUCT_DWEIGHT] = filter ? weights : 0,
        [MIEN_PRODUCT_DBIAS] = filter ? biases : 0,
    };
    if (!shape->dense_layer && conv->pool > 0) {
        TRY(filter
                ? make_won(product, err)
                : mien_guarded_create(&product->winner, cl, mien_act_floats(&product->y_act), err));
    }
    TRY(mien_noise_create(&product->noise, err));
    for (int i = 0; i < MIEN_PRODUCT_INPUTS; i++) {
        TRY(inputs[i] > 0 ? make_input(product, i, inputs[i], err) : MIEN_OK);
    }
    for (int i = 0; i < MIEN_PRODUCT_OUTPUTS; i++) {
        TRY(results[i] > 0 ? mien_guarded_create(&product->outputs[i], cl, results[i], err)
                           : MIEN_OK);
    }

done:
    return st;
}

void mien_product_finish(struct mien_product *product)
{
    if (product->cl != NULL) {
        mien_cl_drain(product->cl);
    }
    for (int i = 0; i < MIEN_PRODUCT_INPUTS; i++) {
        mien_cl_buffer_destroy(product->inputs[i]);
    }
    for (int i = 0; i < MIEN_PRODUCT_OUTPUTS; i++) {
        mien_guarded_finish(&product->outputs[i]);
    }
    for (int i = 0; i < MIEN_PRODUCT_ROWS; i++) {
        mien_guarded_finish(&product->rows[i]);
    }
    mien_guarded_finish(&product->work);
    mien_guarded_finish(&product->winner);
    mien_cl_buffer_destroy(product->won);
    free(product->noise);
    free(product->samples);
    *product = (struct mien_product){ .cl = NULL };
}

static enum mien_status run_operation(void *user, struct mien_cl *cl,
                                      const struct mien_product_conv *b, enum mien_conv2d_pass pass,
                                      const struct mien_conv2d *op, struct mien_error *err)
{
    (void)user;
    const struct mien_conv2d_out out = { b->out, b->winner };
    switch (pass) {
    case MIEN_CONV2D_FWD:
        return mien_conv2d_fwd(cl, &out, b->x, b->weight, b->bias, b->work, op, err);
    case MIEN_CONV2D_BWD_DATA:
        return mien_conv2d_bwd_data(cl, b->out, b->dy, b->weight, b->mask, b->work, op, err);
    case MIEN_CONV2D_BWD_FILTER: break;
    }
    const struct mien_conv2d_pooled pooled = { b->dy, b->won };
    return b->won != NULL
               ? mien_conv2d_bwd_filter_pooled(cl, b->out, b->dbias, &pooled, b->x, b->work, op,
                                               err)
               : mien_conv2d_bwd_filter(cl, b->out, b->dbias, b->dy, b->x, b->work, op, err);
}

static enum mien_conv2d_pass pass_of(const struct mien_product_shape *shape)
{
    return shape->passes[MIEN_CONV2D_FWD]        ? MIEN_CONV2D_FWD
           : shape->passes[MIEN_CONV2D_BWD_DATA] ? MIEN_CONV2D_BWD_DATA
                                                 : MIEN_CONV2D_BWD_FILTER;
}

static enum mien_status run_conv(struct mien_product *product, const struct mien_product_way *way,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    static const int results[MIEN_CONV2D_PASSES] = { MIEN_PRODUCT_Y, MIEN_PRODUCT_DX,
                                                     MIEN_PRODUCT_DWEIGHT };
    const struct mien_product_shape *const shape = &product->shape;
    const enum mien_conv2d_pass pass = pass_of(shape);
    struct mien_conv2d op = way->conv;
    op.n = shape->conv.n;
    op.relu = shape->relu && pass == MIEN_CONV2D_FWD;
    op.pool = shape->conv.pool;
    TRY(mien_guarded_resize(&product->work, product->cl, mien_conv2d_pass_work_bytes(&op, pass),
                            err));
    const struct mien_product_conv buffers = {
        .out = product->outputs[results[pass]].buffer,
        .dbias = product->outputs[MIEN_PRODUCT_DBIAS].buffer,
        .winner = way->unasked ? NULL : product->winner.buffer,
        .won = product->won,
        .x = product->inputs[MIEN_PRODUCT_X],
        .dy = product->inputs[MIEN_PRODUCT_DY],
        .weight = product->inputs[MIEN_PRODUCT_WEIGHT],
        .bias = product->inputs[MIEN_PRODUCT_BIAS],
        .mask = shape->mask ? product->inputs[MIEN_PRODUCT_X] : NULL,
        .work = product->work.buffer,
    };
    TRY((product->hook.run != NULL ? product->hook.run : run_operation)(
        product->hook.user, product->cl, &buffers, pass, &op, err));

done:
    return st;
}

/* The products on the layout of `op`: x, y, dx, dy are blocked, or rows. */
static enum mien_status run_products(const struct mien_product *product,
                                     const struct mien_dense *op, struct mien_cl_buffer *const b[4],
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const bool *const passes = product->shape.passes;
    const struct mien_cl_buffer *const weight = product->inputs[MIEN_PRODUCT_WEIGHT];
    const struct mien_cl_buffer *const mask = product->shape.mask ? b[ROWS_X] : NULL;
    struct mien_cl_buffer *const work = product->work.buffer;
    if (passes[MIEN_CONV2D_FWD]) {
        TRY(mien_dense_fwd(product->cl, b[ROWS_Y], b[ROWS_X], weight,
                           product->inputs[MIEN_PRODUCT_BIAS], work, op, err));
    }
    if (passes[MIEN_CONV2D_BWD_FILTER]) {
        TRY(mien_dense_bwd_weight(product->cl, product->outputs[MIEN_PRODUCT_DWEIGHT].buffer,
                                  product->outputs[MIEN_PRODUCT_DBIAS].buffer, b[ROWS_DY],
                                  b[ROWS_X], work, op, err));
    }
    if (passes[MIEN_CONV2D_BWD_DATA]) {
        TRY(mien_dense_bwd_data(product->cl, b[ROWS_DX], b[ROWS_DY], weight, mask, work, op, err));
    }

done:
    return st;
}

static enum mien_status make_rows(struct mien_product *product, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act *const x = &product->x_act;
    const struct mien_act *const y = &product->y_act;
    for (int i = 0; i < MIEN_PRODUCT_ROWS; i++) {
        TRY(mien_guarded_create(&product->rows[i], product->cl,
                                act_bytes(i == ROWS_X || i == ROWS_DX ? x : y), err));
        TRY(mien_guarded_poison(&product->rows[i], product->cl, err));
    }
    if (product->inputs[MIEN_PRODUCT_DY] != NULL) {
        TRY(mien_relayout_to_rows(product->cl, product->rows[ROWS_DY].buffer,
                                  product->inputs[MIEN_PRODUCT_DY], y, err));
    }

done:
    return st;
}

static enum mien_status run_dense(struct mien_product *product, const struct mien_product_way *way,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_dense op = product->shape.dense;
    struct mien_cl_buffer *const blocked[] = { product->inputs[MIEN_PRODUCT_X],
                                               product->outputs[MIEN_PRODUCT_Y].buffer,
                                               product->outputs[MIEN_PRODUCT_DX].buffer,
                                               product->inputs[MIEN_PRODUCT_DY] };
    if (way->clblast || op.lanes == 1) {
        TRY(mien_blas_use(product->cl, way->blas, err));
    }
    if (!way->clblast || op.lanes == 1) {
        TRY(mien_guarded_resize(&product->work, product->cl, mien_dense_work_bytes(&op), err));
        TRY(run_products(product, &op, blocked, err));
        goto done;
    }
    if (product->rows[ROWS_DY].buffer == NULL) {
        TRY(make_rows(product, err));
    }
    op.lanes = 1;
    TRY(mien_guarded_resize(&product->work, product->cl, mien_dense_work_bytes(&op), err));
    if (product->inputs[MIEN_PRODUCT_X] != NULL) {
        TRY(mien_relayout_to_rows(product->cl, product->rows[ROWS_X].buffer,
                                  product->inputs[MIEN_PRODUCT_X], &product->x_act, err));
    }
    struct mien_cl_buffer *const rows[] = { product->rows[ROWS_X].buffer,
                                            product->rows[ROWS_Y].buffer,
                                            product->rows[ROWS_DX].buffer,
                                            product->rows[ROWS_DY].buffer };
    TRY(run_products(product, &op, rows, err));
    if (product->outputs[MIEN_PRODUCT_DX].buffer != NULL) {
        TRY(mien_relayout_from_rows(product->cl, product->outputs[MIEN_PRODUCT_DX].buffer,
                                    product->rows[ROWS_DX].buffer, &product->x_act, err));
    }

done:
    return st;
}

enum mien_status mien_product_run(struct mien_product *product, const struct mien_product_way *way,
                                  struct mien_error *err)
{
    return product->shape.dense_layer ? run_dense(product, way, err) : run_conv(product, way, err);
}

/* Where a way leaves an output: CLBlast leaves y in rows. */
static const struct mien_guarded *output_of(struct mien_act *act,
                                            const struct mien_product *product,
                                            const struct mien_product_way *way, int output)
{
    *act = output == MIEN_PRODUCT_Y ? product->y_act : product->x_act;
    if (product->shape.dense_layer && way->clblast && act->lanes > 1 && output == MIEN_PRODUCT_Y) {
        act->lanes = 1;
        return &product->rows[ROWS_Y];
    }
    return &product->outputs[output];
}

/* Fill what is to be written with NaN, so that nothing of an earlier way is taken for this one's.
 */
static enum mien_status spoil(struct mien_product *product, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_guarded *const all[] = { &product->outputs[MIEN_PRODUCT_Y],
                                         &product->outputs[MIEN_PRODUCT_DX],
                                         &product->outputs[MIEN_PRODUCT_DWEIGHT],
                                         &product->outputs[MIEN_PRODUCT_DBIAS],
                                         &product->rows[ROWS_Y],
                                         &product->rows[ROWS_DX],
                                         &product->work,
                                         &product->winner };
    for (size_t i = 0; st == MIEN_OK && i < sizeof(all) / sizeof(all[0]); i++) {
        st = all[i]->whole != NULL ? mien_guarded_poison(all[i], product->cl, err) : MIEN_OK;
    }
    return st;
}

/* "y[17][3][0][12]", "dweight[120]" */
static void describe(char *out, size_t bytes, const struct mien_act *act,
                     const struct mien_product_sample *sample)
{
    const int pixels = act->h * act->w;
    if (sample->output == MIEN_PRODUCT_Y || sample->output == MIEN_PRODUCT_DX) {
        (void)snprintf(out, bytes, "%s[%d][%d][%d][%d]", output_names[sample->output],
                       sample->image, sample->feature / pixels, sample->feature % pixels / act->w,
                       sample->feature % act->w);
    } else {
        (void)snprintf(out, bytes, "%s[%d]", output_names[sample->output], sample->feature);
    }
}

/* See which pixel of its window won, for each sample of a pooling. */
static enum mien_status compare_winners(struct mien_finding *out,
                                        const struct mien_product *product, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t bytes = product->winner.bytes;
    uint8_t *const winners = mien_calloc(bytes, 1, err);
    if (winners == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_guarded_check(out, "winner", &product->winner, product->cl, err));
    TRY(mien_cl_read(product->cl, winners, product->winner.buffer, 0, bytes, err));
    const int pixels = product->shape.conv.pool * product->shape.conv.pool;
    for (size_t i = 0; i < bytes; i++) {
        if (winners[i] >= pixels) {
            mien_finding_note(out, MIEN_FAULT_UNWRITTEN, "winner[%zu]: not written, or %d", i,
                              winners[i]);
        }
    }
    for (size_t i = 0; i < product->sample_count; i++) {
        const struct mien_product_sample *const sample = &product->samples[i];
        const unsigned won =
            winners[mien_product_index(&product->y_act, sample->image, sample->feature)];
        if (won >= MIEN_PRODUCT_WINNERS || (sample->winners >> won & 1u) == 0) {
            char where[64];
            describe(where, sizeof(where), &product->y_act, sample);
            mien_finding_note(out, MIEN_FAULT_WRONG,
                              "%s: pixel %u of its window is not the largest", where, won);
        }
    }

done:
    free(winners);
    return st;
}

/* Compare one output's samples; `numbers` is all of it, or NULL: read one by one. */
static enum mien_status compare_output(struct mien_finding *out, const struct mien_product *product,
                                       const struct mien_product_way *way, int output,
                                       const float *numbers, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_act act;
    const struct mien_guarded *const at = output_of(&act, product, way, output);
    const bool activation = output == MIEN_PRODUCT_Y || output == MIEN_PRODUCT_DX;
    for (size_t i = 0; i < product->sample_count; i++) {
        const struct mien_product_sample *const sample = &product->samples[i];
        char where[64];
        float got = 0.0f;
        if (sample->output != output) {
            continue;
        }
        const size_t index = activation ? mien_product_index(&act, sample->image, sample->feature)
                                        : (size_t)sample->feature;
        if (numbers != NULL) {
            got = numbers[index];
        } else {
            TRY(mien_cl_read(product->cl, &got, at->buffer, index * sizeof(got), sizeof(got), err));
        }
        describe(where, sizeof(where), &act, sample);
        mien_compare_one(out, got, sample->want, product->scale[output], where);
    }

done:
    return st;
}

static enum mien_status check_output(struct mien_finding *out, const struct mien_product *product,
                                     const struct mien_product_way *way, int output, bool whole,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_act act;
    float *numbers = NULL;
    const struct mien_guarded *const at = output_of(&act, product, way, output);
    if (product->outputs[output].buffer == NULL) {
        return MIEN_OK;
    }
    TRY(mien_guarded_check(out, output_names[output], at, product->cl, err));
    if (whole) {
        numbers = mien_calloc(at->bytes, 1, err);
        if (numbers == NULL) {
            st = MIEN_ERR_MEMORY;
            goto done;
        }
        TRY(mien_cl_read(product->cl, numbers, at->buffer, 0, at->bytes, err));
        mien_compare_written(out, output_names[output], numbers, at->bytes / sizeof(*numbers));
    }
    TRY(compare_output(out, product, way, output, numbers, err));

done:
    free(numbers);
    return st;
}

static double tolerance_of(const struct mien_product_shape *shape,
                           const struct mien_product_way *way)
{
    for (int pass = 0; pass < (shape->dense_layer ? 0 : MIEN_CONV2D_PASSES); pass++) {
        if (shape->passes[pass]) {
            return mien_conv2d_tolerance(&way->conv, (enum mien_conv2d_pass)pass);
        }
    }
    return 1e-5; /* docs/numerics.md */
}

enum mien_status mien_product_check(struct mien_finding *out, struct mien_product *product,
                                    const struct mien_product_way *way,
                                    const struct mien_product_care *care, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_error refused = { "" };
    *out = (struct mien_finding){ .tolerance = tolerance_of(&product->shape, way) };
    TRY(product->samples == NULL ? mien_product_expect(product, care, err) : MIEN_OK);
    TRY(spoil(product, err));
    st = mien_product_run(product, way, &refused);
    st = st == MIEN_OK ? mien_cl_finish(product->cl, &refused) : st;
    if (st != MIEN_OK) {
        mien_cl_drain(product->cl);
        mien_finding_note(out, MIEN_FAULT_REFUSED, "%.250s", refused.text);
        st = MIEN_OK;
        goto done;
    }
    for (int i = 0; i < MIEN_PRODUCT_OUTPUTS; i++) {
        TRY(check_output(out, product, way, i, care->whole, err));
    }
    if (product->work.buffer != NULL) {
        TRY(mien_guarded_check(out, "work", &product->work, product->cl, err));
    }
    if (product->winner.buffer != NULL && !way->unasked) {
        TRY(compare_winners(out, product, err));
    }
    if (product->rows[ROWS_DX].buffer != NULL) {
        TRY(mien_guarded_check(out, "rows of dx", &product->rows[ROWS_DX], product->cl, err));
    }

done:
    return st;
}
