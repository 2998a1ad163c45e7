/* trial.c - one shape on the device: its buffers, running a candidate, its time */
#include "tune/trial.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "ops/relayout.h"

/* Prime, so that no row, image or block of a shape begins with the numbers of another. */
enum { NOISE_FLOATS = 262139, SALT = 9973, FEWEST = 3, MOST = 30, IN_A_ROW = 64 };
#define TOLERANCE      1e-5f /* of the scale: docs/numerics.md */
#define ROW_MS         2.0   /* shorter work is timed several times in a row */
#define LONGEST_MS     1000.0
#define CLEARLY_SLOWER 1.3

static const uint32_t poison = 0xFFFFFFFFu; /* NaN */

static size_t act_bytes(const struct mien_act *act)
{
    return mien_act_floats(act) * sizeof(cl_float);
}

float mien_trial_input(const struct trial *trial, int input, size_t index)
{
    return trial->noise[(index + (size_t)input * SALT) % NOISE_FLOATS];
}

size_t mien_trial_index(const struct mien_act *act, int image, int feature)
{
    const size_t features = (size_t)act->c * (size_t)act->h * (size_t)act->w;
    const size_t lanes = (size_t)act->lanes;
    return ((size_t)image / lanes * features + (size_t)feature) * lanes + (size_t)image % lanes;
}

static enum mien_status make_noise(struct trial *trial, struct mien_error *err)
{
    trial->noise = mien_calloc((size_t)NOISE_FLOATS * 2, sizeof(*trial->noise), err);
    if (trial->noise == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < NOISE_FLOATS; i += 4) {
        uint32_t block[4];
        mien_random_block(block, 1, MIEN_STREAM_SYNTH, 0, i / 4);
        for (size_t k = 0; k < 4 && i + k < NOISE_FLOATS; k++) {
            trial->noise[i + k] = mien_random_unit(block[k]) - 0.5f;
            trial->noise[i + k + NOISE_FLOATS] = trial->noise[i + k]; /* to be read from anywhere */
        }
    }
    return MIEN_OK;
}

static enum mien_status make_input(struct trial *trial, int input, size_t bytes,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t most = NOISE_FLOATS * sizeof(float);
    TRY(mien_cl_buffer_create(&trial->inputs[input], trial->cl, bytes, err));
    for (size_t at = 0; at < bytes; at += most) {
        TRY(mien_cl_write(trial->cl, trial->inputs[input], at, trial->noise + (size_t)input * SALT,
                          bytes - at < most ? bytes - at : most, err));
    }

done:
    return st;
}

static enum mien_status make_conv(struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_search_task *const task = trial->task;
    struct mien_conv2d *const op = &trial->conv;
    const enum mien_conv2d_pass pass = task->key.pass;
    TRY(mien_tuned_to_conv2d(op, &task->key, err));
    op->n = (op->n + op->lanes - 1) / op->lanes * op->lanes;
    trial->x_act = (struct mien_act){ op->n, op->c, op->h, op->w, op->lanes };
    trial->y_act = mien_conv2d_output(op);
    const size_t weights =
        (size_t)op->oc * (size_t)op->c * (size_t)op->kh * (size_t)op->kw * sizeof(cl_float);
    const size_t biases = (size_t)op->oc * sizeof(cl_float);
    if (pass != MIEN_CONV2D_BWD_DATA || task->mask) {
        TRY(make_input(trial, TRIAL_X, act_bytes(&trial->x_act), err));
    }
    if (pass != MIEN_CONV2D_FWD) {
        TRY(make_input(trial, TRIAL_DY, act_bytes(&trial->y_act), err));
    }
    if (pass != MIEN_CONV2D_BWD_FILTER) {
        TRY(make_input(trial, TRIAL_WEIGHT, weights, err));
    }
    if (pass == MIEN_CONV2D_FWD && task->bias) {
        TRY(make_input(trial, TRIAL_BIAS, biases, err));
    }
    const int output = pass == MIEN_CONV2D_FWD        ? TRIAL_Y
                       : pass == MIEN_CONV2D_BWD_DATA ? TRIAL_DX
                                                      : TRIAL_DWEIGHT;
    const size_t bytes = pass == MIEN_CONV2D_FWD        ? act_bytes(&trial->y_act)
                         : pass == MIEN_CONV2D_BWD_DATA ? act_bytes(&trial->x_act)
                                                        : weights;
    TRY(mien_cl_buffer_create(&trial->outputs[output], trial->cl, bytes, err));
    if (pass == MIEN_CONV2D_BWD_FILTER && task->bias) {
        TRY(mien_cl_buffer_create(&trial->outputs[TRIAL_DBIAS], trial->cl, biases, err));
    }

done:
    return st;
}

static enum mien_status make_dense(struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const int *const size = trial->task->key.size;
    struct mien_dense *const op = &trial->dense;
    const int lanes = size[3];
    const int n = (size[0] + lanes - 1) / lanes * lanes;
    trial->x_act = (struct mien_act){ n, size[1], 1, 1, lanes };
    trial->y_act = (struct mien_act){ n, size[2], 1, 1, lanes };
    TRY(mien_dense_init(op, &trial->x_act, size[2], err));
    op->relu = trial->task->relu;
    const size_t weights = (size_t)op->in * (size_t)op->out * sizeof(cl_float);
    const size_t biases = (size_t)op->out * sizeof(cl_float);
    TRY(make_input(trial, TRIAL_X, act_bytes(&trial->x_act), err));
    TRY(make_input(trial, TRIAL_DY, act_bytes(&trial->y_act), err));
    TRY(make_input(trial, TRIAL_WEIGHT, weights, err));
    TRY(mien_cl_buffer_create(&trial->outputs[TRIAL_Y], trial->cl, act_bytes(&trial->y_act), err));
    TRY(mien_cl_buffer_create(&trial->outputs[TRIAL_DX], trial->cl, act_bytes(&trial->x_act), err));
    TRY(mien_cl_buffer_create(&trial->outputs[TRIAL_DWEIGHT], trial->cl, weights, err));
    if (trial->task->bias) {
        TRY(make_input(trial, TRIAL_BIAS, biases, err));
        TRY(mien_cl_buffer_create(&trial->outputs[TRIAL_DBIAS], trial->cl, biases, err));
    }

done:
    return st;
}

enum mien_status mien_trial_init(struct trial *trial, struct mien_cl *cl,
                                 const struct mien_search_options *options,
                                 const struct mien_search_task *task, struct mien_error *err)
{
    *trial = (struct trial){ .cl = cl, .options = options, .task = task };
    const enum mien_status st = make_noise(trial, err);
    if (st != MIEN_OK) {
        return st;
    }
    return task->key.op == MIEN_TUNED_CONV2D ? make_conv(trial, err) : make_dense(trial, err);
}

void mien_trial_finish(struct trial *trial)
{
    if (trial->cl != NULL) {
        mien_cl_drain(trial->cl);
    }
    for (int i = 0; i < TRIAL_INPUTS; i++) {
        mien_cl_buffer_destroy(trial->inputs[i]);
        mien_cl_buffer_destroy(trial->rows[i]);
    }
    for (int i = 0; i < TRIAL_OUTPUTS; i++) {
        mien_cl_buffer_destroy(trial->outputs[i]);
    }
    mien_cl_buffer_destroy(trial->work);
    free(trial->noise);
    free(trial->samples);
    *trial = (struct trial){ .cl = NULL };
}

static enum mien_status make_work(struct trial *trial, size_t bytes, struct mien_error *err)
{
    if (bytes == 0 || (trial->work != NULL && mien_cl_buffer_bytes(trial->work) >= bytes)) {
        return MIEN_OK;
    }
    mien_cl_drain(trial->cl);
    mien_cl_buffer_destroy(trial->work);
    trial->work = NULL;
    return mien_cl_buffer_create(&trial->work, trial->cl, bytes, err);
}

static enum mien_status run_as_network(struct mien_cl *cl, const struct mien_search_conv *b,
                                       enum mien_conv2d_pass pass, const struct mien_conv2d *op,
                                       struct mien_error *err)
{
    switch (pass) {
    case MIEN_CONV2D_FWD:
        return mien_conv2d_fwd(cl, b->out, b->x, b->weight, b->bias, b->work, op, err);
    case MIEN_CONV2D_BWD_DATA:
        return mien_conv2d_bwd_data(cl, b->out, b->dy, b->weight, b->mask, b->work, op, err);
    case MIEN_CONV2D_BWD_FILTER: break;
    }
    return mien_conv2d_bwd_filter(cl, b->out, b->dbias, b->dy, b->x, b->work, op, err);
}

static enum mien_status run_conv(struct trial *trial, const struct mien_tuned *candidate,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const enum mien_conv2d_pass pass = candidate->pass;
    struct mien_conv2d op;
    TRY(mien_tuned_to_conv2d(&op, candidate, err));
    op.n = trial->conv.n;
    op.relu = trial->task->relu && pass == MIEN_CONV2D_FWD;
    TRY(make_work(trial, mien_conv2d_work_bytes(&op), err));
    const struct mien_search_conv buffers = {
        .out = pass == MIEN_CONV2D_FWD        ? trial->outputs[TRIAL_Y]
               : pass == MIEN_CONV2D_BWD_DATA ? trial->outputs[TRIAL_DX]
                                              : trial->outputs[TRIAL_DWEIGHT],
        .dbias = trial->outputs[TRIAL_DBIAS],
        .x = trial->inputs[TRIAL_X],
        .dy = trial->inputs[TRIAL_DY],
        .weight = trial->inputs[TRIAL_WEIGHT],
        .bias = trial->inputs[TRIAL_BIAS],
        .mask = trial->task->mask ? trial->inputs[TRIAL_X] : NULL,
        .work = trial->work,
    };
    st = trial->options->run != NULL
             ? trial->options->run(trial->options->user, trial->cl, &buffers, pass, &op, err)
             : run_as_network(trial->cl, &buffers, pass, &op, err);

done:
    return st;
}

/* The three products on the layout of `op`: x, y, dx, dy are blocked, or rows. */
static enum mien_status run_products(const struct trial *trial, const struct mien_dense *op,
                                     struct mien_cl_buffer *const b[4], struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_cl_buffer *const weight = trial->inputs[TRIAL_WEIGHT];
    const struct mien_cl_buffer *const mask = trial->task->mask ? b[TRIAL_ROWS_X] : NULL;
    TRY(mien_dense_fwd(trial->cl, b[TRIAL_ROWS_Y], b[TRIAL_ROWS_X], weight,
                       trial->inputs[TRIAL_BIAS], trial->work, op, err));
    TRY(mien_dense_bwd_weight(trial->cl, trial->outputs[TRIAL_DWEIGHT], trial->outputs[TRIAL_DBIAS],
                              b[TRIAL_ROWS_DY], b[TRIAL_ROWS_X], trial->work, op, err));
    TRY(mien_dense_bwd_data(trial->cl, b[TRIAL_ROWS_DX], b[TRIAL_ROWS_DY], weight, mask,
                            trial->work, op, err));

done:
    return st;
}

static enum mien_status make_rows(struct trial *trial, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act *const x = &trial->x_act;
    const struct mien_act *const y = &trial->y_act;
    TRY(mien_cl_buffer_create(&trial->rows[TRIAL_ROWS_X], trial->cl, act_bytes(x), err));
    TRY(mien_cl_buffer_create(&trial->rows[TRIAL_ROWS_Y], trial->cl, act_bytes(y), err));
    TRY(mien_cl_buffer_create(&trial->rows[TRIAL_ROWS_DX], trial->cl, act_bytes(x), err));
    TRY(mien_cl_buffer_create(&trial->rows[TRIAL_ROWS_DY], trial->cl, act_bytes(y), err));
    TRY(mien_relayout_to_rows(trial->cl, trial->rows[TRIAL_ROWS_DY], trial->inputs[TRIAL_DY], y,
                              err));

done:
    return st;
}

static enum mien_status run_dense(struct trial *trial, const struct mien_tuned *candidate,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_dense op = trial->dense;
    struct mien_cl_buffer *const blocked[] = { trial->inputs[TRIAL_X], trial->outputs[TRIAL_Y],
                                               trial->outputs[TRIAL_DX], trial->inputs[TRIAL_DY] };
    if (candidate->variant == MIEN_TUNED_OWN) {
        TRY(make_work(trial, mien_dense_work_bytes(&op), err));
        TRY(run_products(trial, &op, blocked, err));
        goto done;
    }
    if (trial->rows[TRIAL_ROWS_DY] == NULL) {
        TRY(make_rows(trial, err));
    }
    op.lanes = 1;
    TRY(make_work(trial, mien_dense_work_bytes(&op), err));
    TRY(mien_relayout_to_rows(trial->cl, trial->rows[TRIAL_ROWS_X], trial->inputs[TRIAL_X],
                              &trial->x_act, err));
    TRY(run_products(trial, &op, trial->rows, err));
    TRY(mien_relayout_from_rows(trial->cl, trial->outputs[TRIAL_DX], trial->rows[TRIAL_ROWS_DX],
                                &trial->x_act, err));

done:
    return st;
}

static enum mien_status run(struct trial *trial, const struct mien_tuned *candidate,
                            struct mien_error *err)
{
    return candidate->op == MIEN_TUNED_CONV2D ? run_conv(trial, candidate, err)
                                              : run_dense(trial, candidate, err);
}

/* The number that the candidate left where a sample looks. */
static enum mien_status read_sample(float *out, const struct trial *trial,
                                    const struct mien_tuned *candidate,
                                    const struct trial_sample *sample, struct mien_error *err)
{
    const struct mien_cl_buffer *buffer = trial->outputs[sample->output];
    size_t index = (size_t)sample->feature;
    if (sample->output == TRIAL_Y || sample->output == TRIAL_DX) {
        struct mien_act act = sample->output == TRIAL_Y ? trial->y_act : trial->x_act;
        if (candidate->op == MIEN_TUNED_DENSE && candidate->variant == MIEN_TUNED_CLBLAST &&
            sample->output == TRIAL_Y) {
            buffer = trial->rows[TRIAL_ROWS_Y];
            act.lanes = 1;
        }
        index = mien_trial_index(&act, sample->image, sample->feature);
    }
    return mien_cl_read(trial->cl, out, buffer, index * sizeof(float), sizeof(float), err);
}

/* Fill what a candidate is to write with NaN. */
static enum mien_status spoil(struct trial *trial, struct mien_error *err)
{
    struct mien_cl_buffer *const rows = trial->rows[TRIAL_ROWS_Y];
    enum mien_status st = rows != NULL ? mien_cl_fill(trial->cl, rows, poison, err) : MIEN_OK;
    for (int i = 0; st == MIEN_OK && i < TRIAL_OUTPUTS; i++) {
        if (trial->outputs[i] != NULL) {
            st = mien_cl_fill(trial->cl, trial->outputs[i], poison, err);
        }
    }
    return st;
}

enum mien_status mien_trial_check(bool *right, struct trial *trial,
                                  const struct mien_tuned *candidate, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *right = false;
    TRY(trial->samples == NULL ? mien_trial_expect(trial, err) : MIEN_OK);
    TRY(spoil(trial, err));
    TRY(run(trial, candidate, err));
    TRY(mien_cl_finish(trial->cl, err));
    bool all = true;
    for (size_t i = 0; all && i < trial->sample_count; i++) {
        const struct trial_sample *const sample = &trial->samples[i];
        float got = NAN;
        TRY(read_sample(&got, trial, candidate, sample, err));
        all = fabsf(got - sample->want) <= TOLERANCE * trial->scale[sample->output];
    }
    *right = all;

done:
    return st;
}

static enum mien_status time_row(double *ms, struct trial *trial,
                                 const struct mien_tuned *candidate, int row,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const double start_ms = mien_now_ms();
    for (int i = 0; i < row; i++) {
        TRY(run(trial, candidate, err));
    }
    TRY(mien_cl_finish(trial->cl, err));
    *ms = (mien_now_ms() - start_ms) / row;

done:
    return st;
}

enum mien_status mien_trial_time(struct mien_times *out, struct trial *trial,
                                 const struct mien_tuned *candidate,
                                 const struct trial_patience *patience, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    double ms[MOST] = { 0.0 };
    int count = 0;
    TRY(mien_cl_finish(trial->cl, err));
    const double start_ms = mien_now_ms();
    TRY(time_row(&ms[0], trial, candidate, 1, err));
    double shortest = ms[0];
    const double wanted = ms[0] > 0.0 ? ceil(ROW_MS / ms[0]) : (double)IN_A_ROW;
    const int row = wanted < IN_A_ROW ? (int)wanted : IN_A_ROW;
    count = row == 1 ? 1 : 0; /* a single short one is told by its launch, not by its work */
    for (bool enough = false; st == MIEN_OK && !enough && count < MOST;) {
        const double spent_ms = mien_now_ms() - start_ms;
        const bool slow = count > 0 && patience->give_up_ms > 0.0 &&
                          shortest > patience->give_up_ms * CLEARLY_SLOWER;
        enough = slow || (count > 0 && spent_ms > LONGEST_MS) ||
                 (count >= FEWEST && spent_ms > patience->spend_ms);
        if (!enough) {
            st = time_row(&ms[count], trial, candidate, row, err);
            shortest = count == 0 || ms[count] < shortest ? ms[count] : shortest;
            count++;
        }
    }
    TRY(st);
    mien_times_of(out, ms, (size_t)count);

done:
    return st;
}
