/* graph.c - from a network's layers to nodes: fusion and layout */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "nn/graph_internal.h"
#include "tune/table.h"

/* Of a layer at most: a change of layout, itself, and of what takes a mark the one there. */
enum { MAX_NODES = 3 };

static const struct mien_node_class *class_of(enum mien_layer_kind kind)
{
    switch (kind) {
    case MIEN_LAYER_CONV: return &mien_node_conv;
    case MIEN_LAYER_DENSE: return &mien_node_dense;
    case MIEN_LAYER_RELU: return &mien_node_relu;
    case MIEN_LAYER_MAXPOOL: return &mien_node_maxpool;
    case MIEN_LAYER_AVGPOOL:
    case MIEN_LAYER_GLOBALAVGPOOL: return &mien_node_avgpool;
    case MIEN_LAYER_BATCHNORM: return &mien_node_batchnorm;
    case MIEN_LAYER_DROPOUT: return &mien_node_dropout;
    case MIEN_LAYER_ADD: return &mien_node_add;
    case MIEN_LAYER_MULTIPLY: return &mien_node_multiply;
    case MIEN_LAYER_LEAKYRELU:
    case MIEN_LAYER_SIGMOID:
    case MIEN_LAYER_SILU:
    case MIEN_LAYER_GELU: return &mien_node_activation;
    case MIEN_LAYER_MARK:                 /* see mien_graph_add_mark() */
    case MIEN_LAYER_FLATTEN: return NULL; /* the layout of features is that of c x h x w */
    }
    return NULL;
}

enum mien_status mien_graph_add_value(struct mien_value *out, struct graph_builder *b, size_t bytes,
                                      struct mien_error *err)
{
    out->buffer = NULL;
    return mien_plan_add(&out->item, &b->graph->plan, bytes, err);
}

static bool is_tapped(const struct mien_model_options *options, size_t layer)
{
    for (size_t i = 0; i < options->tap_count; i++) {
        if (options->taps[i] == layer) {
            return true;
        }
    }
    return false;
}

/*
 * The convolution or dense layer that a batch norm comes straight behind, and is part of in
 * evaluation; NULL: none.  Models to explain have all layers apart.
 */
static struct mien_node *folded_into(const struct graph_builder *b,
                                     const struct mien_node_class *class,
                                     const struct mien_layer *layer)
{
    /* Of the layers before there may be no node, such as of flatten. */
    if (class != &mien_node_batchnorm || b->options->explain || layer->from < 0 ||
        b->graph->count == 0 || is_tapped(b->options, (size_t)layer->from)) {
        return NULL;
    }
    struct mien_node *const before = &b->graph->nodes[b->graph->count - 1];
    const bool weights = before->class == &mien_node_conv || before->class == &mien_node_dense;
    return weights && before->layer == &b->network->layers[layer->from] ? before : NULL;
}

/* Whether `before`, which has the batch norm `node` in its weights in evaluation, makes its pooling
 * too. */
static bool pools_norm(const struct mien_node *before, const struct mien_node *node)
{
    return node->pooled != NULL && before->class == &mien_node_conv &&
           mien_conv2d_pools(&before->op.conv, MIEN_CONV2D_FWD, node->pool.stride);
}

/* `node`, which has all but the place of its result, is part of the one in front in evaluation. */
static enum mien_status fold(struct graph_builder *b, struct mien_node *node,
                             struct mien_node *before, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t weights = b->network->params[before->layer->first_param].count;
    before->norm = node;
    node->folds = true;
    node->pooled_before = pools_norm(before, node);
    before->normed = node->pooled != NULL && !node->pooled_before ? before->y : node->y;
    TRY(mien_graph_add_value(&before->folded_weight, b, weights * sizeof(cl_float), err));
    TRY(mien_graph_add_value(&before->folded_bias, b, (size_t)before->out.c * sizeof(cl_float),
                             err));

done:
    return st;
}

static void fill_labels(struct mien_node *node)
{
    const struct mien_layer *const pooled = node->pooled;
    const bool weights = node->class == &mien_node_conv || node->class == &mien_node_dense;
    const char *const passes[MIEN_NODE_LABELS] = {
        [MIEN_LABEL_FORWARD] = "forward",
        [MIEN_LABEL_BACKWARD] = weights || node->class->multiplies ? "backward data" : "backward",
        [MIEN_LABEL_BACKWARD_FILTER] =
            node->class->multiplies ? "backward gates" : "backward filter",
    };
    for (int i = 0; i < MIEN_NODE_LABELS; i++) {
        (void)snprintf(node->labels[i], MIEN_LABEL_BYTES, "%s%s%s%s %s", node->layer->name,
                       pooled != NULL ? "+" : "", pooled != NULL ? pooled->name : "",
                       node->class == &mien_node_relayout ? " relayout" : "", passes[i]);
    }
}

/* Scratch is one buffer for all nodes. */
static enum mien_status add_work(struct mien_graph *graph, size_t bytes, struct mien_error *err)
{
    if (bytes / sizeof(cl_float) > INT_MAX) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "its kernels want %zu bytes of scratch: at most %zu fit", bytes,
                         (size_t)INT_MAX * sizeof(cl_float));
    }
    graph->work_bytes = bytes > graph->work_bytes ? bytes : graph->work_bytes;
    return MIEN_OK;
}

/* What the backward pass of a pooling inside of the node needs. */
static enum mien_status add_pooling(struct mien_node *node, struct graph_builder *b,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    if (node->pooled == NULL || !b->options->train) {
        return MIEN_OK;
    }
    TRY(mien_graph_add_value(&node->winner, b, mien_pool_winner_bytes(&node->pool), err));
    /* Without a gradient of the input nobody but the filter's looks at what is in front of the
     * pooling, and that one may do without. */
    if (node->class == &mien_node_conv &&
        (b->now.gradient.item != MIEN_NO_ITEM ||
         !mien_conv2d_pools(&node->op.conv, MIEN_CONV2D_BWD_FILTER, node->pool.stride))) {
        const struct mien_act unpooled = mien_conv2d_output(&node->op.conv);
        TRY(mien_graph_add_value(&node->unpooled, b, mien_graph_act_bytes(&unpooled), err));
    }

done:
    return st;
}

enum mien_status mien_graph_add_node(struct graph_builder *b, const struct mien_node_class *class,
                                     const struct mien_layer *layer,
                                     const struct mien_layer *pooled, bool relu,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    size_t work_bytes = 0;
    size_t extra_bytes = 0;
    struct mien_node *const before = folded_into(b, class, layer);
    struct mien_node *const node = &b->graph->nodes[b->graph->count++];
    *node = (struct mien_node){
        .class = class,
        .layer = layer,
        .local_bytes = b->options->local_bytes,
        .lanes = b->options->lanes > 0 ? b->options->lanes : 1,
        .tuning = b->options->tuning,
        .backward = mien_model_has_gradients(b->options),
        .in = b->now.act,
        .pooled = pooled,
        .relu = relu,
        .after_relu = b->now.after_relu && !class->keeps_sign,
        .x = b->now.value,
        .y = b->now.value,
        .dx = MIEN_NO_VALUE,
        .dy = MIEN_NO_VALUE,
        .extra = MIEN_NO_VALUE,
        .winner = MIEN_NO_VALUE,
        .unpooled = MIEN_NO_VALUE,
        .skip = MIEN_NO_VALUE,
        .dskip = MIEN_NO_VALUE,
        .normed = MIEN_NO_VALUE,
        .folded_weight = MIEN_NO_VALUE,
        .folded_bias = MIEN_NO_VALUE,
    };
    st = class->setup(node, &work_bytes, &extra_bytes, err);
    node->tuning = NULL;
    TRY(st);
    fill_labels(node);
    TRY(mien_act_check(&node->out, "output", err));
    TRY(add_work(b->graph, work_bytes, err));
    /* Without training the node in front makes y at once, but for a pooling that it cannot. */
    const bool in_place = before != NULL && !mien_model_has_gradients(b->options) &&
                          (node->pooled == NULL || pools_norm(before, node));
    if (in_place) {
        b->graph->plan.items[node->y.item].bytes = mien_graph_act_bytes(&node->out);
    }
    if (!class->passes_on && !in_place) {
        TRY(mien_graph_add_value(&node->y, b, mien_graph_act_bytes(&node->out), err));
    }
    if (before != NULL) {
        TRY(fold(b, node, before, err));
    }
    if (extra_bytes > 0) {
        TRY(mien_graph_add_value(&node->extra, b, extra_bytes, err));
    }
    TRY(add_pooling(node, b, err));
    const bool has_params = class != &mien_node_relayout && layer->param_count > 0;
    if (mien_model_has_gradients(b->options)) {
        node->dx = b->now.gradient;
        b->now.trained = b->now.trained || has_params;
        if (b->now.trained && b->given.item == MIEN_NO_ITEM) {
            TRY(mien_graph_add_value(&node->dy, b, mien_graph_act_bytes(&node->out), err));
        } else {
            node->dy = b->given;
        }
    }
    b->given = MIEN_NO_VALUE;
    b->now.value = node->y;
    b->now.gradient = node->dy;
    b->now.act = node->out;
    b->now.after_relu = relu || (b->now.after_relu && class->keeps_sign);

done:
    return st == MIEN_OK ? st
                         : mien_wrap(err, st, "recipe line %d, %s", layer->spec.line, layer->name);
}

bool mien_graph_fuses_relu(const struct graph_builder *b, const struct mien_node_class *class,
                           size_t i)
{
    return class->fuses_relu && i + 1 < b->network->layer_count &&
           b->network->layers[i + 1].spec.kind == MIEN_LAYER_RELU && !is_tapped(b->options, i) &&
           !is_tapped(b->options, i + 1);
}

/*
 * The max-pooling behind a convolution or a batch norm, with a ReLU between them or without, that
 * becomes part of it if it can; NULL: none.  Models to explain have all layers apart.
 */
static const struct mien_layer *fused_pool(const struct graph_builder *b,
                                           const struct mien_node_class *class, size_t i)
{
    const size_t at = i + (mien_graph_fuses_relu(b, class, i) ? 2 : 1);
    const bool able = class == &mien_node_batchnorm || class == &mien_node_conv;
    if (!able || b->options->explain || at >= b->network->layer_count) {
        return NULL;
    }
    const struct mien_layer *const layer = &b->network->layers[at];
    const struct mien_layer_spec *const spec = &layer->spec;
    const bool apart = spec->kind != MIEN_LAYER_MAXPOOL || is_tapped(b->options, i) ||
                       is_tapped(b->options, at) || !mien_pooling_is_tiled(spec);
    return apart ? NULL : layer;
}

enum mien_status mien_graph_add_relayout(struct graph_builder *b, const struct mien_layer *layer,
                                         struct mien_error *err)
{
    const bool after_relu = b->now.after_relu;
    b->now.after_relu = false; /* the node behind masks: the same numbers in another order */
    const enum mien_status st =
        mien_graph_add_node(b, &mien_node_relayout, layer, NULL, false, err);
    b->now.after_relu = after_relu;
    return st;
}

enum mien_status mien_graph_add_layer(struct graph_builder *b, size_t i, struct mien_error *err)
{
    const struct mien_layer *const layer = &b->network->layers[i];
    const struct mien_node_class *const class = class_of(layer->spec.kind);
    if (class == NULL || (class == &mien_node_dropout && !b->options->train)) {
        const struct mien_shape *const out = &layer->out;
        b->now.act = (struct mien_act){ b->now.act.n, out->c, out->h, out->w, b->now.act.lanes };
        return MIEN_OK;
    }
    const bool clblast =
        b->options->blas == MIEN_BLAS_CLBLAST ||
        (b->options->blas == MIEN_BLAS_AUTO &&
         mien_tuning_wants_clblast(b->options->tuning, &b->now.act, layer->spec.width));
    if (class == &mien_node_dense && b->now.act.lanes > 1 && clblast) {
        const enum mien_status st = mien_graph_add_relayout(b, layer, err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    const struct mien_layer *const pooled = fused_pool(b, class, i);
    return mien_graph_add_node(b, class, layer, pooled, mien_graph_fuses_relu(b, class, i), err);
}

/* The node that each tap stands for; a layer that is none of its own cannot be tapped. */
static enum mien_status find_taps(struct mien_graph *graph, const struct mien_network *network,
                                  const struct mien_model_options *options, struct mien_error *err)
{
    graph->taps = mien_calloc(options->tap_count, sizeof(*graph->taps), err);
    if (graph->taps == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < options->tap_count; i++) {
        const struct mien_layer *const layer = &network->layers[options->taps[i]];
        size_t node = 0;
        while (node < graph->count &&
               (graph->nodes[node].layer != layer || graph->nodes[node].class == &mien_node_fork ||
                graph->nodes[node].class == &mien_node_relayout)) {
            node++;
        }
        if (node == graph->count) {
            return mien_fail(err, MIEN_ERR_USAGE, "%s has no output of its own", layer->name);
        }
        graph->taps[i] = node;
    }
    return MIEN_OK;
}

static enum mien_status add_layers(struct graph_builder *b, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_graph *const graph = b->graph;
    const struct mien_layer *const layers = b->network->layers;
    for (size_t i = 0; i < b->network->layer_count; i++) {
        const enum mien_layer_kind kind = layers[i].spec.kind;
        const bool fused = kind == MIEN_LAYER_RELU && graph->count > 0 &&
                           graph->nodes[graph->count - 1].relu && b->now.after_relu &&
                           layers[i - 1].spec.kind != MIEN_LAYER_RELU &&
                           layers[i - 1].spec.kind != MIEN_LAYER_FLATTEN;
        const bool pooled = graph->count > 0 && graph->nodes[graph->count - 1].pooled == &layers[i];
        if (fused || pooled || layers[i].projects) {
            continue; /* part of the node before, of the addition behind */
        }
        switch (kind) {
        case MIEN_LAYER_MARK: TRY(mien_graph_add_mark(b, i, err)); break;
        case MIEN_LAYER_ADD: TRY(mien_graph_add_sum(b, i, err)); break;
        case MIEN_LAYER_MULTIPLY: TRY(mien_graph_add_product(b, i, err)); break;
        default: TRY(mien_graph_add_layer(b, i, err)); break;
        }
    }

done:
    return st;
}

enum mien_status mien_graph_build(struct mien_graph *graph, const struct mien_network *network,
                                  const struct mien_model_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const int lanes = options->lanes > 0 ? options->lanes : 1;
    const struct mien_shape *const input = &network->input;
    *graph =
        (struct mien_graph){ .logits_gradient = MIEN_NO_VALUE, .input_gradient = MIEN_NO_VALUE };
    struct graph_builder b = {
        .graph = graph,
        .network = network,
        .options = options,
        .now = { .act = { options->batch, input->c, input->h, input->w, lanes },
                 .gradient = MIEN_NO_VALUE,
                 .trained = options->explain },
        .given = MIEN_NO_VALUE,
    };
    assert(!options->train || !options->explain);
    if (options->blas == MIEN_BLAS_OWN && lanes == 1) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "own matrix kernels are for CPU devices: choose clblast or auto");
    }
    TRY(mien_act_check(&b.now.act, "input", err));
    graph->input_act = b.now.act;
    graph->nodes = mien_calloc(network->layer_count * MAX_NODES, sizeof(*graph->nodes), err);
    b.marks = mien_calloc(network->layer_count, sizeof(*b.marks), err);
    if (graph->nodes == NULL || b.marks == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    TRY(mien_graph_add_value(&b.now.value, &b, mien_graph_act_bytes(&b.now.act), err));
    graph->input = b.now.value;
    if (options->explain) {
        TRY(mien_graph_add_value(&b.now.gradient, &b, mien_graph_act_bytes(&b.now.act), err));
        graph->input_gradient = b.now.gradient;
    }
    TRY(add_layers(&b, err));
    graph->logits = b.now.value;
    graph->logits_gradient = b.now.gradient;
    graph->output_act = b.now.act;
    graph->output_after_relu = b.now.after_relu;
    TRY(find_taps(graph, network, options, err));
    mien_graph_plan_lives(graph, options);
    TRY(mien_plan_solve(&graph->plan, err));

done:
    free(b.marks);
    return st;
}

void mien_graph_finish(struct mien_graph *graph)
{
    free(graph->nodes);
    free(graph->taps);
    mien_plan_finish(&graph->plan);
    *graph = (struct mien_graph){ 0 };
}
