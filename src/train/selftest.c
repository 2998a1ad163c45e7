/* selftest.c - all that a device computes for training, against plain C */
#include "train/selftest.h"

#include <string.h>

#include "base/error.h"
#include "train/known.h"
#include "train/proof.h"

/* Of the reference for one shape of a network: some tens of milliseconds. */
#define NETWORK_WORK 2e7
/* Flat parameters come in blocks of so many floats. */
enum { BLOCK = 128 };

const char *mien_selftest_row(enum mien_layer_kind kind)
{
    switch (kind) {
    case MIEN_LAYER_GLOBALAVGPOOL: return "avgpool";
    case MIEN_LAYER_MARK:
    case MIEN_LAYER_FLATTEN: return NULL;
    case MIEN_LAYER_CONV: return "conv2d";
    case MIEN_LAYER_DENSE:
    case MIEN_LAYER_RELU:
    case MIEN_LAYER_MAXPOOL:
    case MIEN_LAYER_AVGPOOL:
    case MIEN_LAYER_BATCHNORM:
    case MIEN_LAYER_DROPOUT:
    case MIEN_LAYER_ADD:
    case MIEN_LAYER_LEAKYRELU:
    case MIEN_LAYER_SILU:
    case MIEN_LAYER_GELU: break;
    }
    return mien_layer_kind_name(kind);
}

/* Edge of the windows of a max-pooling that a convolution's kernel can end in: it follows, with
 * batch norm and ReLU between them or without; 0: none. */
static int pool_behind(const struct mien_network *network, size_t index)
{
    size_t at = index + 1;
    if (network->layers[index].spec.kind != MIEN_LAYER_CONV) {
        return 0;
    }
    at += at < network->layer_count && network->layers[at].spec.kind == MIEN_LAYER_BATCHNORM;
    at += at < network->layer_count && network->layers[at].spec.kind == MIEN_LAYER_RELU;
    if (at >= network->layer_count || network->layers[at].spec.kind != MIEN_LAYER_MAXPOOL) {
        return 0;
    }
    const struct mien_layer_spec *const spec = &network->layers[at].spec;
    return mien_pooling_is_tiled(spec) ? spec->stride : 0;
}

static struct mien_verify_shape shape_of(const struct mien_network *network, size_t index,
                                         int batch)
{
    const struct mien_layer *const layer = &network->layers[index];
    const struct mien_layer_spec *const spec = &layer->spec;
    const bool whole = spec->kind == MIEN_LAYER_GLOBALAVGPOOL; /* one window of all pixels */
    const bool wide = spec->kind == MIEN_LAYER_CONV || spec->kind == MIEN_LAYER_DENSE;
    return (struct mien_verify_shape){
        .n = batch,
        .c = layer->in.c,
        .h = layer->in.h,
        .w = layer->in.w,
        .width = wide ? spec->width : 0,
        .kh = whole ? layer->in.h : spec->kernel_h,
        .kw = whole ? layer->in.w : spec->kernel_w,
        .stride = whole ? 1 : spec->stride,
        .pad = spec->pad,
        .bias = spec->bias,
        .relu = index + 1 < network->layer_count &&
                network->layers[index + 1].spec.kind == MIEN_LAYER_RELU,
        .mask = layer->from >= 0 && network->layers[layer->from].spec.kind == MIEN_LAYER_RELU,
        .groups = spec->groups,
        .pool = pool_behind(network, index),
    };
}

static bool is_same(const struct mien_verify_shape *a, const struct mien_verify_shape *b)
{
    return a->c == b->c && a->h == b->h && a->w == b->w && a->width == b->width && a->kh == b->kh &&
           a->kw == b->kw && a->stride == b->stride && a->pad == b->pad && a->groups == b->groups &&
           a->bias == b->bias && a->relu == b->relu && a->mask == b->mask && a->pool == b->pool;
}

/* Whether a layer before this one is of the same kind and sizes. */
static bool is_checked(const struct mien_network *network, size_t index, int batch)
{
    const struct mien_verify_shape shape = shape_of(network, index, batch);
    for (size_t i = 0; i < index; i++) {
        const struct mien_verify_shape other = shape_of(network, i, batch);
        if (network->layers[i].spec.kind == network->layers[index].spec.kind &&
            is_same(&shape, &other)) {
            return true;
        }
    }
    return false;
}

static enum mien_status check(struct mien_verdicts *out, struct mien_cl *cl,
                              const struct mien_verify_wish *wish, const char *row,
                              const struct mien_verify_shape *shape, struct mien_error *err)
{
    const struct mien_verify_care care = { .work = NETWORK_WORK, .blas = wish->blas };
    return !mien_verify_wanted(wish, row)
               ? MIEN_OK
               : mien_verify_one(out, cl, row, shape, MIEN_CONV2D_FWD, NULL, &care, err);
}

/* What a step does beside the layers: gathers images, computes the loss, changes the weights. */
static enum mien_status check_step(struct mien_verdicts *out, struct mien_cl *cl,
                                   const struct mien_selftest *what, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_wish *const wish = &what->wish;
    const struct mien_network *const network = what->network;
    const struct mien_recipe *const recipe = what->recipe;
    const int batch = recipe->train.batch;
    const struct mien_shape *const in = &network->input;
    const struct mien_verify_shape images = { .n = batch, .c = in->c, .h = in->h, .w = in->w };
    const struct mien_verify_shape classes = { .n = batch, .width = network->classes };
    const struct mien_verify_shape flat = { .c = (int)(network->flat_floats / BLOCK) };
    const bool sgd = recipe->train.optimizer.kind == MIEN_OPTIMIZER_SGD;
    TRY(check(out, cl, wish, "gather", &images, err));
    TRY(check(out, cl, wish, "softmax", &classes, err));
    TRY(check(out, cl, wish, sgd ? "sgd" : "adam", &flat, err));

done:
    return st;
}

/* The layers' shapes, each once, in every variant that takes them. */
static enum mien_status check_network(struct mien_verdicts *out, struct mien_cl *cl,
                                      const struct mien_selftest *what, struct mien_error *err)
{
    const struct mien_network *const network = what->network;
    const int batch = what->recipe->train.batch;
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_layer *const layer = &network->layers[i];
        const char *const row = mien_selftest_row(layer->spec.kind);
        mien_log_progress(what->wish.log, "shapes of the network", i, network->layer_count);
        enum mien_status st = mien_verify_go_on(&what->wish, err);
        if (st != MIEN_OK) {
            return st;
        }
        if (row == NULL || is_checked(network, i, batch)) {
            continue;
        }
        const struct mien_verify_shape shape = shape_of(network, i, batch);
        st = check(out, cl, &what->wish, row, &shape, err);
        if (st != MIEN_OK) {
            return mien_wrap(err, st, "%s", layer->name);
        }
    }
    mien_log_progress(what->wish.log, "shapes of the network", network->layer_count,
                      network->layer_count);
    return check_step(out, cl, what, err);
}

/* Dense layers by CLBlast with the parameters that were found for it. */
static enum mien_status check_tuned_blas(struct mien_verdicts *out, struct mien_cl *cl,
                                         const struct mien_selftest *what, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_network *const network = what->network;
    struct mien_verify_wish wish = what->wish;
    wish.blas = what->blas;
    TRY(mien_verify_table(out, cl, &wish, err));
    for (size_t i = 0; network != NULL && i < network->layer_count; i++) {
        const int batch = what->recipe->train.batch;
        if (network->layers[i].spec.kind == MIEN_LAYER_DENSE && !is_checked(network, i, batch)) {
            const struct mien_verify_shape shape = shape_of(network, i, batch);
            TRY(check(out, cl, &wish, "dense", &shape, err));
        }
    }

done:
    return st;
}

enum mien_status mien_selftest_run(struct mien_verdicts *out, struct mien_cl *cl,
                                   const struct mien_selftest *what, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_tuning avoided = { .entries = NULL };
    TRY(mien_verify_table(out, cl, &what->wish, err));
    TRY(what->network != NULL ? check_network(out, cl, what, err) : MIEN_OK);
    TRY(mien_verify_go_on(&what->wish, err));
    mien_proof_bar(out, &avoided); /* training would do without what failed */
    TRY(mien_verify_wanted(&what->wish, MIEN_KNOWN_NAME) ? mien_known_run(out, cl, &avoided, err)
                                                         : MIEN_OK);
    TRY(what->blas != NULL ? check_tuned_blas(out, cl, what, err) : MIEN_OK);
    if (out->count == 0) {
        st = mien_fail(err, MIEN_ERR_USAGE, "no operation has '%s' in its name", what->wish.filter);
    }

done:
    return st;
}
