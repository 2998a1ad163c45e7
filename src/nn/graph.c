/* graph.c - from a network's layers to nodes: fusion and layout */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "nn/node.h"
#include "tune/table.h"

/* A tensor between two nodes. */
struct tensor {
    struct mien_act act;
    struct mien_value value, gradient;
    bool after_relu; /* a ReLU made it */
    bool trained;    /* gradients must reach it: a layer before has parameters, or the input's
                        gradient is wanted */
};

/* What a mark keeps for the layers that add it or multiply it. */
struct mark {
    struct tensor tensor; /* without a gradient */
    size_t fork;          /* the node for the next of them, where gradients must reach it */
};

/* Of a layer at most: a change of layout, itself, and of what takes a mark the one there. */
enum { MAX_NODES = 3 };

static const struct mien_value no_value = { MIEN_NO_ITEM, NULL };

struct builder {
    struct mien_graph *graph;
    const struct mien_network *network;
    const struct mien_model_options *options;
    struct tensor now;       /* what the next node takes */
    struct mien_value given; /* the gradient of the next node's output, where it is there before */
    struct mark *marks;      /* [layer_count], those of kind mark are used */
};

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
    case MIEN_LAYER_MARK:                 /* see add_mark() */
    case MIEN_LAYER_FLATTEN: return NULL; /* the layout of features is that of c x h x w */
    }
    return NULL;
}

static enum mien_status add_value(struct mien_value *out, struct builder *b, size_t bytes,
                                  struct mien_error *err)
{
    out->buffer = NULL;
    return mien_plan_add(&out->item, &b->graph->plan, bytes, err);
}

static size_t act_bytes(const struct mien_act *act)
{
    return mien_act_floats(act) * sizeof(cl_float);
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
static struct mien_node *folded_into(const struct builder *b, const struct mien_node_class *class,
                                     const struct mien_layer *layer)
{
    if (class != &mien_node_batchnorm || b->options->explain || layer->from < 0 ||
        is_tapped(b->options, (size_t)layer->from)) {
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
           mien_conv2d_pools(&before->op.conv, node->pool.stride);
}

/* `node`, which has all but the place of its result, is part of the one in front in evaluation. */
static enum mien_status fold(struct builder *b, struct mien_node *node, struct mien_node *before,
                             struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t weights = b->network->params[before->layer->first_param].count;
    before->norm = node;
    node->folds = true;
    node->pooled_before = pools_norm(before, node);
    before->normed = node->pooled != NULL && !node->pooled_before ? before->y : node->y;
    TRY(add_value(&before->folded_weight, b, weights * sizeof(cl_float), err));
    TRY(add_value(&before->folded_bias, b, (size_t)before->out.c * sizeof(cl_float), err));

done:
    return st;
}

static void fill_labels(struct mien_node *node)
{
    const struct mien_layer *const pooled = node->pooled;
    const bool weights = node->class == &mien_node_conv || node->class == &mien_node_dense;
    const char *const passes[MIEN_NODE_LABELS] = {
        [MIEN_LABEL_FORWARD] = "forward",
        [MIEN_LABEL_BACKWARD] = weights ? "backward data" : "backward",
        [MIEN_LABEL_BACKWARD_FILTER] = "backward filter",
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
static enum mien_status add_pooling(struct mien_node *node, struct builder *b,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    if (node->pooled == NULL || !b->options->train) {
        return MIEN_OK;
    }
    TRY(add_value(&node->winner, b, mien_pool_winner_bytes(&node->pool), err));
    if (node->class == &mien_node_conv) {
        const struct mien_act unpooled = mien_conv2d_output(&node->op.conv);
        TRY(add_value(&node->unpooled, b, act_bytes(&unpooled), err));
    }

done:
    return st;
}

/* Append a node that takes the builder's tensor, and make its output the builder's tensor. */
static enum mien_status add_node(struct builder *b, const struct mien_node_class *class,
                                 const struct mien_layer *layer, const struct mien_layer *pooled,
                                 bool relu, struct mien_error *err)
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
        .tuning = b->options->tuning,
        .backward = mien_model_has_gradients(b->options),
        .in = b->now.act,
        .pooled = pooled,
        .relu = relu,
        .after_relu = b->now.after_relu && !class->keeps_sign,
        .x = b->now.value,
        .y = b->now.value,
        .dx = no_value,
        .dy = no_value,
        .extra = no_value,
        .winner = no_value,
        .unpooled = no_value,
        .skip = no_value,
        .dskip = no_value,
        .normed = no_value,
        .folded_weight = no_value,
        .folded_bias = no_value,
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
        b->graph->plan.items[node->y.item].bytes = act_bytes(&node->out);
    }
    if (!class->passes_on && !in_place) {
        TRY(add_value(&node->y, b, act_bytes(&node->out), err));
    }
    if (before != NULL) {
        TRY(fold(b, node, before, err));
    }
    if (extra_bytes > 0) {
        TRY(add_value(&node->extra, b, extra_bytes, err));
    }
    TRY(add_pooling(node, b, err));
    const bool has_params = class != &mien_node_relayout && layer->param_count > 0;
    if (mien_model_has_gradients(b->options)) {
        node->dx = b->now.gradient;
        b->now.trained = b->now.trained || has_params;
        if (b->now.trained && b->given.item == MIEN_NO_ITEM) {
            TRY(add_value(&node->dy, b, act_bytes(&node->out), err));
        } else {
            node->dy = b->given;
        }
    }
    b->given = no_value;
    b->now.value = node->y;
    b->now.gradient = node->dy;
    b->now.act = node->out;
    b->now.after_relu = relu || (b->now.after_relu && class->keeps_sign);

done:
    return st == MIEN_OK ? st
                         : mien_wrap(err, st, "recipe line %d, %s", layer->spec.line, layer->name);
}

/* A fused ReLU leaves no trace of what went into it, and its gradient comes masked. */
static bool fuses_relu(const struct builder *b, const struct mien_node_class *class, size_t i)
{
    return class->fuses_relu && i + 1 < b->network->layer_count &&
           b->network->layers[i + 1].spec.kind == MIEN_LAYER_RELU && !is_tapped(b->options, i) &&
           !is_tapped(b->options, i + 1);
}

/*
 * The max-pooling behind a convolution or a batch norm, with a ReLU between them or without, that
 * becomes part of it if it can; NULL: none.  Models to explain have all layers apart.
 */
static const struct mien_layer *fused_pool(const struct builder *b,
                                           const struct mien_node_class *class, size_t i)
{
    const size_t at = i + (fuses_relu(b, class, i) ? 2 : 1);
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

static enum mien_status add_layer(struct builder *b, size_t i, struct mien_error *err)
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
        const bool after_relu = b->now.after_relu;
        b->now.after_relu = false; /* the dense layer masks: the same numbers in another order */
        const enum mien_status st = add_node(b, &mien_node_relayout, layer, NULL, false, err);
        if (st != MIEN_OK) {
            return st;
        }
        b->now.after_relu = after_relu;
    }
    const struct mien_layer *const pooled = fused_pool(b, class, i);
    return add_node(b, class, layer, pooled, fuses_relu(b, class, i), err);
}

/*
 * Keep the tensor for those that take it.  Where gradients must reach it, a node for each of them
 * sums what comes from it and from the layers behind the mark; the first masks for a ReLU before.
 */
static enum mien_status add_mark(struct builder *b, size_t i, struct mien_error *err)
{
    const struct mien_layer *const layer = &b->network->layers[i];
    struct mark *const mark = &b->marks[i];
    *mark = (struct mark){ .tensor = b->now, .fork = b->graph->count };
    mark->tensor.gradient = no_value;
    mark->tensor.after_relu = false;
    for (int k = 0; mien_model_has_gradients(b->options) && b->now.trained && k < layer->uses;
         k++) {
        const enum mien_status st = add_node(b, &mien_node_fork, layer, NULL, false, err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    return MIEN_OK;
}

/*
 * From the mark to the sum or the product: the layers of the projection, and a change of layout
 * where dense layers of CLBlast lie between.  `sum` is the gradient of what the last node here
 * makes.
 */
static enum mien_status add_skip(struct builder *b, size_t i, const struct mien_act *want,
                                 const struct mien_value *sum, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_layer *const layers = b->network->layers;
    size_t first = i;
    while (layers[first - 1].projects) {
        first--;
    }
    struct mark *const mark = &b->marks[first < i ? layers[first].from : layers[i].skip];
    const bool relayout = mark->tensor.act.lanes != want->lanes;
    b->now = mark->tensor;
    if (mien_model_has_gradients(b->options) && b->now.trained) {
        struct mien_value *const dskip = &b->graph->nodes[mark->fork++].dskip;
        *dskip = *sum;
        if (first < i || relayout) {
            TRY(add_value(dskip, b, act_bytes(&b->now.act), err));
        }
        b->now.gradient = *dskip;
    }
    for (size_t k = first; k < i; k++) {
        b->given = k + 1 == i && !relayout ? *sum : no_value;
        TRY(add_layer(b, k, err));
    }
    if (relayout) {
        b->given = b->now.trained ? *sum : no_value;
        TRY(add_node(b, &mien_node_relayout, &layers[i], NULL, false, err));
    }

done:
    return st;
}

static enum mien_status add_sum(struct builder *b, size_t i, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_layer *const layer = &b->network->layers[i];
    struct tensor now = b->now;
    /* The gradient of what comes straight along can be that of the sum, unless a ReLU masks it. */
    struct mien_value sum = now.after_relu ? no_value : now.gradient;
    const bool trained = now.trained || b->network->layers[i - 1].projects;
    if (mien_model_has_gradients(b->options) && trained && sum.item == MIEN_NO_ITEM) {
        TRY(add_value(&sum, b, act_bytes(&now.act), err));
    }
    TRY(add_skip(b, i, &now.act, &sum, err));
    const struct mien_value skip = b->now.value;
    now.trained = now.trained || b->now.trained;
    b->now = now;
    b->given = now.trained ? sum : no_value;
    TRY(add_node(b, &mien_node_add, layer, NULL, fuses_relu(b, &mien_node_add, i), err));
    b->graph->nodes[b->graph->count - 1].skip = skip;

done:
    return st;
}

/* A product has a gradient of its own for what the mark kept, as it is not that of the product. */
static enum mien_status add_product(struct builder *b, size_t i, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_layer *const layer = &b->network->layers[i];
    const struct tensor gates = b->now;
    struct mien_value dskip = no_value;
    if (mien_model_has_gradients(b->options) && b->marks[layer->skip].tensor.trained) {
        const struct mien_shape *const out = &layer->out;
        const struct mien_act act = { gates.act.n, out->c, out->h, out->w, gates.act.lanes };
        TRY(add_value(&dskip, b, act_bytes(&act), err));
    }
    TRY(add_skip(b, i, &gates.act, &dskip, err));
    const struct mien_value skip = b->now.value;
    const bool trained = gates.trained || b->now.trained;
    b->now = gates;
    b->now.trained = trained;
    TRY(add_node(b, &mien_node_multiply, layer, NULL, false, err));
    struct mien_node *const node = &b->graph->nodes[b->graph->count - 1];
    node->skip = skip;
    node->dskip = dskip;

done:
    return st;
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

static enum mien_status add_layers(struct builder *b, struct mien_error *err)
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
        case MIEN_LAYER_MARK: TRY(add_mark(b, i, err)); break;
        case MIEN_LAYER_ADD: TRY(add_sum(b, i, err)); break;
        case MIEN_LAYER_MULTIPLY: TRY(add_product(b, i, err)); break;
        default: TRY(add_layer(b, i, err)); break;
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
    *graph = (struct mien_graph){ .logits_gradient = no_value, .input_gradient = no_value };
    struct builder b = {
        .graph = graph,
        .network = network,
        .options = options,
        .now = { .act = { options->batch, input->c, input->h, input->w, lanes },
                 .gradient = no_value,
                 .trained = options->explain },
        .given = no_value,
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
    TRY(add_value(&b.now.value, &b, act_bytes(&b.now.act), err));
    graph->input = b.now.value;
    if (options->explain) {
        TRY(add_value(&b.now.gradient, &b, act_bytes(&b.now.act), err));
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
