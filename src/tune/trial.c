/* trial.c - one shape on the device: checking a candidate, its time */
#include "tune/trial.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

enum { FEWEST = 3, MOST = 30, IN_A_ROW = 64 };
#define ROW_MS         2.0 /* shorter work is timed several times in a row */
#define LONGEST_MS     1000.0
#define CLEARLY_SLOWER 1.3

/* Some tens of milliseconds of the reference for one shape. */
static const struct mien_product_care care = { .work = 2e7, .most = 384 };

/* What the network does in a task's passes; a convolution has one of them, a dense layer all. */
static enum mien_status shape_of(struct mien_product_shape *out,
                                 const struct mien_search_task *task, int form,
                                 struct mien_error *err)
{
    const int *const size = task->key.size;
    const struct mien_search_form *const does = &task->forms[form];
    *out = (struct mien_product_shape){
        .dense_layer = task->key.op == MIEN_TUNED_DENSE,
        .bias = does->bias,
        .relu = does->relu,
        .mask = does->mask,
    };
    if (!out->dense_layer) {
        out->passes[task->key.pass] = true;
        const enum mien_status st = mien_tuned_to_conv2d(&out->conv, &task->key, err);
        out->conv.pool = does->pool;
        return st;
    }
    for (int i = 0; i < MIEN_CONV2D_PASSES; i++) {
        out->passes[i] = true;
    }
    const struct mien_act x = { size[0], size[1], 1, 1, size[3] };
    return mien_dense_init(&out->dense, &x, size[2], err);
}

static enum mien_status way_of(struct mien_product_way *out, const struct trial *trial,
                               const struct mien_tuned *candidate, struct mien_error *err)
{
    *out = (struct mien_product_way){ .blas = trial->blas };
    switch (candidate->op) {
    case MIEN_TUNED_DENSE: out->clblast = candidate->variant == MIEN_TUNED_CLBLAST; return MIEN_OK;
    case MIEN_TUNED_BLAS:
        out->clblast = true;
        out->blas = candidate->variant == MIEN_TUNED_SET ? &candidate->blas : NULL;
        return MIEN_OK;
    case MIEN_TUNED_CONV2D: break;
    }
    return mien_tuned_to_conv2d(&out->conv, candidate, err);
}

enum mien_status mien_trial_init(struct trial *trial, struct mien_cl *cl,
                                 const struct mien_search_options *options,
                                 const struct mien_search_task *task,
                                 const struct mien_blas_params *blas, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const bool layers = task->key.op == MIEN_TUNED_BLAS;
    const size_t count = layers ? task->layer_count : 1;
    *trial = (struct trial){ .cl = cl, .options = options, .task = task, .blas = blas };
    trial->products = mien_calloc(count, sizeof(*trial->products), err);
    if (trial->products == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct mien_product_shape shape;
        TRY(shape_of(&shape, layers ? &task->layers[i] : task, 0, err));
        trial->count = i + 1;
        TRY(mien_product_init(&trial->products[i], cl, &shape, err));
        trial->products[i].hook = options->hook;
    }

done:
    return st;
}

void mien_trial_finish(struct trial *trial)
{
    for (size_t i = 0; i < trial->count; i++) {
        mien_product_finish(&trial->products[i]);
    }
    free(trial->products);
    *trial = (struct trial){ .cl = NULL };
}

/* Whether a convolution's candidate can make a form's pooling, or take its gradient, and may. */
static bool pools(const struct trial *trial, const struct mien_tuned *candidate, int form)
{
    struct mien_conv2d op;
    const struct mien_tuning *const known = trial->options->known;
    const int pool = trial->task->forms[form].pool;
    if (pool == 0 || mien_tuned_to_conv2d(&op, candidate, NULL) != MIEN_OK) {
        return pool == 0;
    }
    op.poolless = known != NULL ? known->barred_pools : 0;
    return mien_conv2d_pools(&op, candidate->pass, pool);
}

/* Whether the device has the local memory for it. */
static bool fits(const struct trial *trial, const struct mien_tuned *candidate)
{
    struct mien_conv2d op;
    if (candidate->op != MIEN_TUNED_CONV2D ||
        mien_tuned_to_conv2d(&op, candidate, NULL) != MIEN_OK) {
        return true;
    }
    op.local_bytes = (size_t)mien_cl_device(trial->cl)->local_bytes;
    return mien_conv2d_fits(&op, candidate->pass);
}

bool mien_trial_takes(const struct trial *trial, const struct mien_tuned *candidate)
{
    return !mien_tuning_bars(trial->options->known, candidate) && fits(trial, candidate) &&
           pools(trial, candidate, 0);
}

static enum trial_verdict verdict_of(const struct mien_finding *finding)
{
    return finding->fault == MIEN_FAULT_NONE      ? TRIAL_RIGHT
           : finding->fault == MIEN_FAULT_REFUSED ? TRIAL_REFUSED
                                                  : TRIAL_WRONG;
}

enum mien_status mien_trial_check(enum trial_verdict *out, struct trial *trial,
                                  const struct mien_tuned *candidate, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_product_way way;
    *out = TRIAL_REFUSED;
    TRY(way_of(&way, trial, candidate, err));
    enum trial_verdict worst = TRIAL_RIGHT;
    for (size_t i = 0; i < trial->count && worst == TRIAL_RIGHT; i++) {
        struct mien_finding finding;
        TRY(mien_product_check(&finding, &trial->products[i], &way, &care, err));
        worst = verdict_of(&finding);
    }
    *out = worst;

done:
    return st;
}

static enum mien_status check_form(enum trial_verdict *out, const struct trial *trial, int form,
                                   const struct mien_product_way *way, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_product_shape shape;
    struct mien_product product = { .cl = NULL };
    struct mien_finding finding;
    TRY(shape_of(&shape, trial->task, form, err));
    TRY(mien_product_init(&product, trial->cl, &shape, err));
    product.hook = trial->options->hook;
    TRY(mien_product_check(&finding, &product, way, &care, err));
    *out = verdict_of(&finding);

done:
    mien_product_finish(&product);
    return st;
}

enum mien_status mien_trial_check_forms(enum trial_verdict *out, const struct trial *trial,
                                        const struct mien_tuned *candidate, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_product_way way;
    enum trial_verdict worst = TRIAL_RIGHT;
    *out = TRIAL_REFUSED;
    TRY(way_of(&way, trial, candidate, err));
    for (int i = 1; i < trial->task->form_count && worst == TRIAL_RIGHT; i++) {
        if (pools(trial, candidate, i)) {
            way.unasked = trial->task->forms[i].unasked;
            TRY(check_form(&worst, trial, i, &way, err));
        }
    }
    *out = worst;

done:
    return st;
}

static int uses_of(const struct trial *trial, size_t index)
{
    return trial->task->key.op == MIEN_TUNED_BLAS ? trial->task->layers[index].uses : 1;
}

static enum mien_status time_row(double *ms, struct trial *trial,
                                 const struct mien_tuned *candidate, int row,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_product_way way;
    TRY(way_of(&way, trial, candidate, err));
    const double start_ms = mien_now_ms();
    for (int i = 0; i < row; i++) {
        for (size_t k = 0; k < trial->count; k++) {
            for (int use = 0; use < uses_of(trial, k); use++) {
                TRY(mien_product_run(&trial->products[k], &way, err));
            }
        }
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
