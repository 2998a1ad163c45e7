/* table.c - what was found to be fastest on one device: entries in memory */
#include "tune/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A batch this many times as large or small is still taken as a hint. */
#define FARTHEST_BATCH 4.0

enum { DENSE_N, DENSE_IN, DENSE_OUT, DENSE_LANES };

struct mien_tuned mien_tuned_conv2d(const struct mien_conv2d *op, enum mien_conv2d_pass pass)
{
    struct mien_tuned out = {
        .op = MIEN_TUNED_CONV2D,
        .pass = pass,
        .size = { op->n, op->c, op->h, op->w, op->oc, op->kh, op->kw, op->stride, op->pad,
                  op->lanes },
        .variant = (int)op->variant[pass],
    };
    const struct mien_conv2d_param *const params = mien_conv2d_params(op->variant[pass], pass);
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        out.param[i] = params[i].name != NULL ? mien_conv2d_value(op, pass, i) : 0;
    }
    return out;
}

struct mien_tuned mien_tuned_dense(const struct mien_dense *op, int variant)
{
    return (struct mien_tuned){
        .op = MIEN_TUNED_DENSE,
        .pass = MIEN_CONV2D_FWD,
        .size = { [DENSE_N] = op->n,
                  [DENSE_IN] = op->in,
                  [DENSE_OUT] = op->out,
                  [DENSE_LANES] = op->lanes },
        .variant = variant,
    };
}

struct mien_tuned mien_tuned_blas(const struct mien_blas_params *params)
{
    struct mien_tuned out = {
        .op = MIEN_TUNED_BLAS,
        .pass = MIEN_CONV2D_FWD,
        .variant = params != NULL ? MIEN_TUNED_SET : MIEN_TUNED_USUAL,
    };
    mien_blas_version(out.size + 1);
    if (params != NULL) {
        out.blas = *params;
    }
    return out;
}

static bool known_value(const struct mien_conv2d_param *param, int value)
{
    const int count = (int)(sizeof(param->values) / sizeof(param->values[0]));
    for (int i = 0; i < count && param->values[i] != 0; i++) {
        if (param->values[i] == value || (param->range && 1 <= value && value < param->values[i])) {
            return true;
        }
    }
    return false;
}

enum mien_status mien_tuned_to_conv2d(struct mien_conv2d *out, const struct mien_tuned *entry,
                                      struct mien_error *err)
{
    const int *const s = entry->size;
    const enum mien_conv2d_pass pass = entry->pass;
    const struct mien_act x = { s[0], s[1], s[2], s[3], s[9] };
    if (s[5] < 1 || s[6] < 1 || s[7] < 1 || s[8] < 0 || s[8] > s[5]) { /* before any arithmetic */
        return mien_fail(err, MIEN_ERR_SHAPE, "kernel %dx%d, stride %d, pad %d", s[5], s[6], s[7],
                         s[8]);
    }
    enum mien_status st = mien_act_check(&x, "input", err);
    st = st != MIEN_OK ? st : mien_conv2d_init(out, &x, s[4], s[5], s[6], s[7], s[8], err);
    if (st != MIEN_OK) {
        return st;
    }
    if (entry->variant < 0 || entry->variant >= MIEN_CONV2D_VARIANTS ||
        !mien_conv2d_takes(out, pass, (enum mien_conv2d_variant)entry->variant)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "variant %d does not compute it", entry->variant);
    }
    out->variant[pass] = (enum mien_conv2d_variant)entry->variant;
    const struct mien_conv2d_param *const params = mien_conv2d_params(out->variant[pass], pass);
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        const int value = entry->param[i];
        const bool usual =
            value == 0 || (params[i].name != NULL && value == mien_conv2d_value(out, pass, i));
        if (!usual && (params[i].name == NULL || !known_value(&params[i], value))) {
            return mien_fail(err, MIEN_ERR_FORMAT, "%s is %d, which no kernel is built for",
                             params[i].name != NULL ? params[i].name : "a parameter", value);
        }
    }
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) { /* behind all defaults, which may differ then */
        out->param[pass][i] = entry->param[i];
    }
    return MIEN_OK;
}

static const struct mien_blas_params every_set;

static bool is_set(const struct mien_blas_params *a, const struct mien_blas_params *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

void mien_tuning_finish(struct mien_tuning *tuning)
{
    free(tuning->entries);
    *tuning = (struct mien_tuning){ .entries = NULL };
}

void mien_tuning_bar(struct mien_tuning *tuning, enum mien_tuned_op op, enum mien_conv2d_pass pass,
                     int variant)
{
    tuning->barred[op][pass] |= 1u << variant;
    if (op == MIEN_TUNED_BLAS) {
        tuning->barred_blas = every_set;
    }
}

void mien_tuning_bar_blas(struct mien_tuning *tuning, const struct mien_blas_params *params)
{
    const bool other =
        mien_tuning_barred(tuning, MIEN_TUNED_BLAS, MIEN_CONV2D_FWD, MIEN_TUNED_SET) &&
        (params == NULL || !is_set(&tuning->barred_blas, params));
    mien_tuning_bar(tuning, MIEN_TUNED_BLAS, MIEN_CONV2D_FWD, MIEN_TUNED_SET);
    if (params != NULL && !other) {
        tuning->barred_blas = *params;
    }
}

void mien_tuning_bar_pool(struct mien_tuning *tuning, enum mien_conv2d_variant variant)
{
    tuning->barred_pools |= 1u << variant;
}

void mien_tuning_bar_params(struct mien_tuning *tuning, enum mien_conv2d_pass pass,
                            enum mien_conv2d_variant variant)
{
    tuning->barred_params[pass] |= 1u << variant;
}

void mien_tuning_bar_all(struct mien_tuning *tuning, const struct mien_tuning *other)
{
    if (mien_tuning_barred(other, MIEN_TUNED_BLAS, MIEN_CONV2D_FWD, MIEN_TUNED_SET)) {
        mien_tuning_bar_blas(tuning, &other->barred_blas);
    }
    for (int op = 0; op < MIEN_TUNED_OPS; op++) {
        for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
            tuning->barred[op][pass] |= other->barred[op][pass];
        }
    }
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        tuning->barred_params[pass] |= other->barred_params[pass];
    }
    tuning->barred_pools |= other->barred_pools;
}

bool mien_tuning_barred(const struct mien_tuning *tuning, enum mien_tuned_op op,
                        enum mien_conv2d_pass pass, int variant)
{
    return tuning != NULL && (tuning->barred[op][pass] >> variant & 1u) != 0;
}

/* Whether a convolution's parameters are others than the default ones for its sizes. */
static bool has_params(const struct mien_tuned *entry)
{
    struct mien_conv2d op;
    bool other = false;
    if (entry->op != MIEN_TUNED_CONV2D || mien_tuned_to_conv2d(&op, entry, NULL) != MIEN_OK) {
        return false;
    }
    struct mien_conv2d usual = op;
    memset(usual.param[entry->pass], 0, sizeof(usual.param[entry->pass]));
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        other = other ||
                mien_conv2d_value(&op, entry->pass, i) != mien_conv2d_value(&usual, entry->pass, i);
    }
    return other;
}

bool mien_tuning_bars(const struct mien_tuning *tuning, const struct mien_tuned *candidate)
{
    bool barred = tuning != NULL && candidate->op == MIEN_TUNED_CONV2D &&
                  (tuning->barred_params[candidate->pass] >> candidate->variant & 1u) != 0 &&
                  has_params(candidate);
    for (int p = 0; p < MIEN_CONV2D_PASSES; p++) { /* a dense layer is computed one way in all */
        const enum mien_conv2d_pass pass = (enum mien_conv2d_pass)p;
        const bool own = candidate->op == MIEN_TUNED_DENSE || pass == candidate->pass;
        barred =
            barred || (own && mien_tuning_barred(tuning, candidate->op, pass, candidate->variant));
    }
    const bool set = candidate->op == MIEN_TUNED_BLAS && candidate->variant == MIEN_TUNED_SET;
    return barred && (!set || is_set(&tuning->barred_blas, &every_set) ||
                      is_set(&tuning->barred_blas, &candidate->blas));
}

/* The same but for the batch. */
static bool same_shape(const struct mien_tuned *a, const struct mien_tuned *b)
{
    return a->op == b->op && a->pass == b->pass &&
           memcmp(a->size + 1, b->size + 1, (MIEN_TUNED_SIZES - 1) * sizeof(a->size[0])) == 0;
}

bool mien_tuned_same(const struct mien_tuned *a, const struct mien_tuned *b)
{
    return same_shape(a, b) && a->size[0] == b->size[0] && a->variant == b->variant &&
           memcmp(a->param, b->param, sizeof(a->param)) == 0 &&
           memcmp(&a->blas, &b->blas, sizeof(a->blas)) == 0;
}

/* Whether one is to replace the other in a table. */
static bool same_place(const struct mien_tuned *a, const struct mien_tuned *b)
{
    if (a->skip != MIEN_TUNED_USABLE || b->skip != MIEN_TUNED_USABLE) {
        return a->skip != MIEN_TUNED_USABLE && b->skip != MIEN_TUNED_USABLE &&
               mien_tuned_same(a, b);
    }
    return same_shape(a, b) && a->size[0] == b->size[0];
}

enum mien_status mien_tuning_put(struct mien_tuning *tuning, const struct mien_tuned *entry,
                                 struct mien_error *err)
{
    for (size_t i = 0; i < tuning->count; i++) {
        if (same_place(&tuning->entries[i], entry)) {
            tuning->entries[i] = *entry;
            return MIEN_OK;
        }
    }
    struct mien_tuned *const entries =
        mien_realloc(tuning->entries, tuning->count + 1, sizeof(*entries), err);
    if (entries == NULL) {
        return MIEN_ERR_MEMORY;
    }
    tuning->entries = entries;
    tuning->entries[tuning->count++] = *entry;
    return MIEN_OK;
}

const struct mien_tuned *mien_tuning_find(const struct mien_tuning *tuning,
                                          const struct mien_tuned *key)
{
    const struct mien_tuned *found = NULL;
    double nearest = FARTHEST_BATCH;
    for (size_t i = 0; tuning != NULL && i < tuning->count; i++) {
        const struct mien_tuned *const entry = &tuning->entries[i];
        if (entry->skip != MIEN_TUNED_USABLE || !same_shape(entry, key)) {
            continue;
        }
        if (entry->op == MIEN_TUNED_BLAS) { /* has no batch */
            return entry;
        }
        const double ratio = (double)entry->size[0] / (double)key->size[0];
        const double distance = ratio < 1.0 ? 1.0 / ratio : ratio;
        if (distance < nearest || (distance <= nearest && found == NULL)) {
            nearest = distance;
            found = entry;
        }
    }
    return found;
}

bool mien_tuning_skips(const struct mien_tuning *tuning, const struct mien_tuned *candidate)
{
    for (size_t i = 0; tuning != NULL && i < tuning->count; i++) {
        if (tuning->entries[i].skip != MIEN_TUNED_USABLE &&
            mien_tuned_same(&tuning->entries[i], candidate)) {
            return true;
        }
    }
    return false;
}

/* The variant and the parameters of a pass's entry, where it has one that may be used. */
static void take_entry(struct mien_conv2d *op, const struct mien_tuning *tuning,
                       enum mien_conv2d_pass pass)
{
    struct mien_tuned key = mien_tuned_conv2d(op, pass);
    const struct mien_tuned *const found = mien_tuning_find(tuning, &key);
    struct mien_conv2d tuned = *op;
    if (found == NULL || mien_tuning_bars(tuning, found)) {
        return;
    }
    key.variant = found->variant;
    memcpy(key.param, found->param, sizeof(key.param));
    if (mien_tuned_to_conv2d(&tuned, &key, NULL) != MIEN_OK) {
        return;
    }
    tuned.local_bytes =
        op->local_bytes; /* another device may have had more, as of a run that goes on */
    if (mien_conv2d_fits(&tuned, pass)) {
        op->variant[pass] = tuned.variant[pass];
        memcpy(op->param[pass], tuned.param[pass], sizeof(op->param[pass]));
    }
}

void mien_tuning_apply(const struct mien_tuning *tuning, struct mien_conv2d *op)
{
    for (int p = 0; tuning != NULL && p < MIEN_CONV2D_PASSES; p++) {
        const enum mien_conv2d_pass pass = (enum mien_conv2d_pass)p;
        take_entry(op, tuning, pass);
        if (mien_tuning_barred(tuning, MIEN_TUNED_CONV2D, pass, (int)op->variant[pass])) {
            mien_conv2d_avoid(op, pass, tuning->barred[MIEN_TUNED_CONV2D][pass]);
        }
    }
    op->poolless = tuning != NULL ? tuning->barred_pools : 0;
}

/* Whether all passes of dense layers may be computed so. */
static bool allows_dense(const struct mien_tuning *tuning, int variant)
{
    bool allowed = true;
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        allowed = allowed && !mien_tuning_barred(tuning, MIEN_TUNED_DENSE,
                                                 (enum mien_conv2d_pass)pass, variant);
    }
    return allowed;
}

/* Whether CLBlast computes a dense layer that own kernels could; `faster`: it was found to be. */
static bool takes_clblast(const struct mien_tuning *tuning, bool faster)
{
    return allows_dense(tuning, MIEN_TUNED_CLBLAST) &&
           (faster || !allows_dense(tuning, MIEN_TUNED_OWN));
}

bool mien_tuning_wants_clblast(const struct mien_tuning *tuning, const struct mien_act *x, int out)
{
    const struct mien_dense op = { .n = x->n, .in = x->c, .out = out, .lanes = x->lanes };
    const struct mien_tuned key = mien_tuned_dense(&op, MIEN_TUNED_OWN);
    const struct mien_tuned *const found = mien_tuning_find(tuning, &key);
    return takes_clblast(tuning, found != NULL && found->variant == MIEN_TUNED_CLBLAST);
}

bool mien_tuning_has_clblast(const struct mien_tuning *tuning)
{
    bool faster = false;
    for (size_t i = 0; i < tuning->count; i++) {
        const struct mien_tuned *const entry = &tuning->entries[i];
        faster = faster || (entry->op == MIEN_TUNED_DENSE && entry->variant == MIEN_TUNED_CLBLAST &&
                            entry->skip == MIEN_TUNED_USABLE);
    }
    return takes_clblast(tuning, faster);
}

const struct mien_blas_params *mien_tuning_blas(const struct mien_tuning *tuning)
{
    const struct mien_tuned key = mien_tuned_blas(NULL);
    const struct mien_tuned *const found = mien_tuning_find(tuning, &key);
    const bool set = found != NULL && found->variant == MIEN_TUNED_SET;
    return set && !mien_tuning_bars(tuning, found) ? &found->blas : NULL;
}
