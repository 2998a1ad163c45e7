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
    case MIEN_LAYER_MULTIPLY:
    case MIEN_LAYER_LEAKYRELU:
    case MIEN_LAYER_SIGMOID:
    case MIEN_LAYER_SILU:
    case MIEN_LAYER_GELU: break;
    }
    return mien_layer_kind_name(kind);
}

static bool is_kind(const struct mien_network *network, size_t at, enum mien_layer_kind kind)
{
    return at < network->layer_count && network->layers[at].spec.kind == kind;
}

/* The max-pooling at a place, or behind a ReLU there, that the kernel of the layer before can end
 * in; NULL: none. */
static const struct mien_layer_spec *tiles_at(const struct mien_network *network, size_t at)
{
    at += is_kind(network, at, MIEN_LAYER_RELU) ? 1 : 0;
    const bool tiles = is_kind(network, at, MIEN_LAYER_MAXPOOL) &&
                       mien_pooling_is_tiled(&network->layers[at].spec);
    return tiles ? &network->layers[at].spec : NULL;
}

/* Edge of the windows of a max-pooling that a convolution's kernel can end in: it follows, with
 * batch norm and ReLU between them or without; 0: none. */
static int pool_behind(const struct mien_network *network, size_t index)
{
    const size_t at = index + (is_kind(network, index + 1, MIEN_LAYER_BATCHNORM) ? 2 : 1);
    const struct mien_layer_spec *const tiles =
        is_kind(network, index, MIEN_LAYER_CONV) ? tiles_at(network, at) : NULL;
    return tiles != NULL ? tiles->stride : 0;
}

static struct mien_verify_shape shape_of(const struct mien_network *network, size_t index,
                                         int batch)
{
    const struct mien_layer *const layer = &network->layers[index];
    const struct mien_layer_spec *const spec = &layer->spec;
    const bool whole = spec->kind == MIEN_LAYER_GLOBALAVGPOOL; /* one window of all pixels */
    const bool wide = spec->kind == MIEN_LAYER_CONV || spec->kind == MIEN_LAYER_DENSE;
    /* What a product multiplies has the shape of its result, what comes straight along is one
     * pixel. */
    const struct mien_shape *const takes =
        spec->kind == MIEN_LAYER_MULTIPLY ? &layer->out : &layer->in;
    return (struct mien_verify_shape){
        .n = batch,
        .c = takes->c,
        .h = takes->h,
        .w = takes->w,
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

/* What a layer is alone. */
static bool alone(struct mien_verify_shape *out, const struct mien_network *network, size_t index,
                  int batch)
{
    *out = shape_of(network, index, batch);
    return mien_selftest_row(network->layers[index].spec.kind) != NULL;
}

/* Batch norm that has the max-pooling behind it in its kernels. */
static bool with_pool(struct mien_verify_shape *out, const struct mien_network *network,
                      size_t index, int batch)
{
    const struct mien_layer_spec *const tiles =
        is_kind(network, index, MIEN_LAYER_BATCHNORM) ? tiles_at(network, index + 1) : NULL;
    if (tiles == NULL) {
        return false;
    }
    *out = shape_of(network, index, batch);
    out->kh = tiles->kernel_h;
    out->kw = tiles->kernel_w;
    out->stride = tiles->stride;
    out->pad = tiles->pad;
    return true;
}

/* Batch norm that evaluation has in the weights of the layer in front: those, channel by channel.
 */
static bool folded(struct mien_verify_shape *out, const struct mien_network *network, size_t index,
                   int batch)
{
    (void)batch;
    const struct mien_layer *const layer = &network->layers[index];
    if (layer->spec.kind != MIEN_LAYER_BATCHNORM || layer->from < 0) {
        return false;
    }
    const struct mien_layer *const before = &network->layers[layer->from];
    const struct mien_layer_spec *const spec = &before->spec;
    const bool conv = spec->kind == MIEN_LAYER_CONV;
    *out = (struct mien_verify_shape){
        .n = 1,
        .c = layer->in.c,
        .h = conv ? before->in.c / spec->groups * spec->kernel_h : before->in.c,
        .w = conv ? spec->kernel_w : 1,
        .bias = spec->bias,
    };
    return conv || spec->kind == MIEN_LAYER_DENSE;
}

/* What is checked of a layer: the row, NULL for that of its kind, and with which shape. */
static const struct part {
    const char *row;
    bool (*shape)(struct mien_verify_shape *out, const struct mien_network *network, size_t index,
                  int batch); /* false: the layer has no such part */
} parts[] = {
    { NULL, alone },
    { "batchnorm maxpool", with_pool },
    { "batchnorm fold", folded },
};
enum { ALONE, PARTS = sizeof(parts) / sizeof(parts[0]) };

/* Whether a layer before this one has a part of the same kind and sizes. */
static bool is_checked(const struct part *part, const struct mien_network *network, size_t index,
                       int batch)
{
    struct mien_verify_shape shape;
    struct mien_verify_shape other;
    const bool has = part->shape(&shape, network, index, batch);
    for (size_t i = 0; has && i < index; i++) {
        if (network->layers[i].spec.kind == network->layers[index].spec.kind &&
            part->shape(&other, network, i, batch) && is_same(&shape, &other)) {
            return true;
        }
    }
    return false;
}

static enum mien_status check(struct mien_verdicts *out, struct mien_cl *cl,
                              const struct mien_verify_wish *wish, const char *row,
                              const struct mien_verify_shape *shape, struct mien_error *err)
{
    const struct mien_verify_care care = { .work = NETWORK_WORK,
                                           .blas = wish->blas,
                                           .own_products = wish->own_products };
    return !mien_verify_wanted(wish, row)
               ? MIEN_OK
               : mien_verify_one(out, cl, row, shape, MIEN_CONV2D_FWD, NULL, &care, err);
}

const char *const mien_selftest_flat[MIEN_SELFTEST_FLAT] = {
    "sgd", "adam", "guard", "clip", "accumulate", "sam", "average",
};

bool mien_selftest_uses(const struct mien_train_spec *train, const char *row)
{
    const bool sgd = train->optimizer.kind == MIEN_OPTIMIZER_SGD;
    const bool sam = train->sam > 0.0f;
    const bool used[MIEN_SELFTEST_FLAT] = {
        sgd,
        !sgd,
        true,
        train->clip_norm > 0.0f || sam,
        train->accumulate > 1,
        sam,
        train->ema > 0.0f || sam,
    };
    for (int i = 0; i < MIEN_SELFTEST_FLAT; i++) {
        if (strcmp(mien_selftest_flat[i], row) == 0) {
            return used[i];
        }
    }
    return false;
}

static enum mien_status check_flat(struct mien_verdicts *out, struct mien_cl *cl,
                                   const struct mien_selftest *what, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_shape flat = { .c = (int)(what->network->flat_floats / BLOCK) };
    for (int i = 0; i < MIEN_SELFTEST_FLAT; i++) {
        const char *const row = mien_selftest_flat[i];
        TRY(mien_selftest_uses(&what->recipe->train, row)
                ? check(out, cl, &what->wish, row, &flat, err)
                : MIEN_OK);
    }

done:
    return st;
}

/* What a step does beside the layers: gathers images, computes the loss, changes the weights. */
static enum mien_status check_step(struct mien_verdicts *out, struct mien_cl *cl,
                                   const struct mien_selftest *what, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_verify_wish *const wish = &what->wish;
    const struct mien_network *const network = what->network;
    const int batch = what->recipe->train.batch;
    const struct mien_shape *const in = &network->input;
    const struct mien_verify_shape images = {
        .n = batch, .c = in->c, .h = in->h, .w = in->w, .pad = what->recipe->input.margin
    };
    const struct mien_verify_shape classes = { .n = batch, .width = network->classes };
    TRY(check(out, cl, wish, "gather", &images, err));
    TRY(check(out, cl, wish, "softmax", &classes, err));
    TRY(check_flat(out, cl, what, err));

done:
    return st;
}

static enum mien_status check_layer(struct mien_verdicts *out, struct mien_cl *cl,
                                    const struct mien_selftest *what, size_t index,
                                    struct mien_error *err)
{
    const struct mien_network *const network = what->network;
    const struct mien_layer *const layer = &network->layers[index];
    const int batch = what->recipe->train.batch;
    for (size_t i = 0; i < PARTS; i++) {
        struct mien_verify_shape shape;
        const struct part *const part = &parts[i];
        if (!part->shape(&shape, network, index, batch) ||
            is_checked(part, network, index, batch)) {
            continue;
        }
        const char *const row = part->row != NULL ? part->row : mien_selftest_row(layer->spec.kind);
        const enum mien_status st = check(out, cl, &what->wish, row, &shape, err);
        if (st != MIEN_OK) {
            return mien_wrap(err, st, "%s", layer->name);
        }
    }
    return MIEN_OK;
}

/* The layers' shapes, and those of what a model fuses of them, each once, in every variant that
 * takes them. */
static enum mien_status check_network(struct mien_verdicts *out, struct mien_cl *cl,
                                      const struct mien_selftest *what, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_network *const network = what->network;
    for (size_t i = 0; i < network->layer_count; i++) {
        mien_log_progress(what->wish.log, "shapes of the network", i, network->layer_count);
        TRY(mien_verify_go_on(&what->wish, err));
        TRY(check_layer(out, cl, what, i, err));
    }
    mien_log_progress(what->wish.log, "shapes of the network", network->layer_count,
                      network->layer_count);
    TRY(check_step(out, cl, what, err));

done:
    return st;
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
        if (is_kind(network, i, MIEN_LAYER_DENSE) &&
            !is_checked(&parts[ALONE], network, i, batch)) {
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
    mien_proof_bar(out, NULL, &avoided); /* training would do without what failed */
    TRY(mien_verify_wanted(&what->wish, MIEN_KNOWN_NAME) ? mien_known_run(out, cl, &avoided, err)
                                                         : MIEN_OK);
    TRY(what->blas != NULL ? check_tuned_blas(out, cl, what, err) : MIEN_OK);
    if (out->count == 0) {
        st = mien_fail(err, MIEN_ERR_USAGE, "no operation has '%s' in its name", what->wish.filter);
    }

done:
    return st;
}
