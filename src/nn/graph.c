/* graph.c - from a network's layers to nodes: fusion, layout, and how long each tensor lives */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "nn/node.h"
#include "tune/table.h"

/*
 * Moments of a step: 0 the batch is gathered, i + 1 node i runs forward, count + 1 the loss, then
 * the nodes backward from the last to the first.
 */
struct builder {
    struct mien_graph *graph;
    const struct mien_model_options *options;
    struct mien_act act;               /* of the tensor that the next node takes */
    struct mien_value value, gradient; /* that tensor and its gradient */
    bool after_relu;                   /* a ReLU made it */
    bool trained; /* gradients must go on from here: a layer before has parameters, or the input's
                     gradient is wanted */
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

static void fill_labels(struct mien_node *node)
{
    const bool weights = node->class == &mien_node_conv || node->class == &mien_node_dense;
    const char *const passes[MIEN_NODE_LABELS] = {
        [MIEN_LABEL_FORWARD] = "forward",
        [MIEN_LABEL_BACKWARD] = weights ? "backward data" : "backward",
        [MIEN_LABEL_BACKWARD_FILTER] = "backward filter",
    };
    for (int i = 0; i < MIEN_NODE_LABELS; i++) {
        (void)snprintf(node->labels[i], MIEN_LABEL_BYTES, "%s%s %s", node->layer->name,
                       node->class == &mien_node_relayout ? " relayout" : "", passes[i]);
    }
}

/* Append a node that takes the builder's tensor, and make its output the builder's tensor. */
static enum mien_status add_node(struct builder *b, const struct mien_node_class *class,
                                 const struct mien_layer *layer, bool relu, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    size_t work_bytes = 0;
    size_t extra_bytes = 0;
    struct mien_node *const node = &b->graph->nodes[b->graph->count++];
    *node = (struct mien_node){
        .class = class,
        .layer = layer,
        .local_bytes = b->options->local_bytes,
        .tuning = b->options->tuning,
        .in = b->act,
        .relu = relu,
        .after_relu = b->after_relu && !class->keeps_sign,
        .x = b->value,
        .dx = { MIEN_NO_ITEM, NULL },
        .dy = { MIEN_NO_ITEM, NULL },
        .extra = { MIEN_NO_ITEM, NULL },
    };
    fill_labels(node);
    st = class->setup(node, &work_bytes, &extra_bytes, err);
    node->tuning = NULL;
    TRY(st);
    TRY(mien_act_check(&node->out, "output", err));
    if (work_bytes / sizeof(cl_float) > INT_MAX) {
        st =
            mien_fail(err, MIEN_ERR_SHAPE, "its kernels want %zu bytes of scratch: at most %zu fit",
                      work_bytes, (size_t)INT_MAX * sizeof(cl_float));
        goto done;
    }
    b->graph->work_bytes = work_bytes > b->graph->work_bytes ? work_bytes : b->graph->work_bytes;
    TRY(add_value(&node->y, b, act_bytes(&node->out), err));
    if (extra_bytes > 0) {
        TRY(add_value(&node->extra, b, extra_bytes, err));
    }
    const bool has_params = class != &mien_node_relayout && layer->param_count > 0;
    if (b->options->train || b->options->explain) {
        node->dx = b->trained ? b->gradient : node->dx;
        b->trained = b->trained || has_params;
        if (b->trained) {
            TRY(add_value(&node->dy, b, act_bytes(&node->out), err));
        }
    }
    b->value = node->y;
    b->gradient = node->dy;
    b->act = node->out;
    b->after_relu = relu || (b->after_relu && class->keeps_sign);

done:
    return st == MIEN_OK ? st
                         : mien_wrap(err, st, "recipe line %d, %s", layer->spec.line, layer->name);
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

static enum mien_status add_layer(struct builder *b, const struct mien_network *network, size_t i,
                                  struct mien_error *err)
{
    const struct mien_layer *const layer = &network->layers[i];
    const struct mien_node_class *const class = class_of(layer->spec.kind);
    if (class == NULL || (class == &mien_node_dropout && !b->options->train)) {
        const struct mien_shape *const out = &layer->out;
        b->act = (struct mien_act){ b->act.n, out->c, out->h, out->w, b->act.lanes };
        return MIEN_OK;
    }
    const bool clblast =
        b->options->blas == MIEN_BLAS_CLBLAST ||
        (b->options->blas == MIEN_BLAS_AUTO &&
         mien_tuning_wants_clblast(b->options->tuning, &b->act, layer->spec.width));
    if (class == &mien_node_dense && b->act.lanes > 1 && clblast) {
        const bool after_relu = b->after_relu;
        b->after_relu = false; /* the dense layer masks: the same numbers in another order */
        const enum mien_status st = add_node(b, &mien_node_relayout, layer, false, err);
        if (st != MIEN_OK) {
            return st;
        }
        b->after_relu = after_relu;
    }
    /* A fused ReLU leaves no trace of what went into it, and its gradient comes masked. */
    const bool relu = class->fuses_relu && i + 1 < network->layer_count &&
                      network->layers[i + 1].spec.kind == MIEN_LAYER_RELU &&
                      !is_tapped(b->options, i) && !is_tapped(b->options, i + 1);
    return add_node(b, class, layer, relu, err);
}

static void use(struct mien_plan *plan, const struct mien_value *value, int moment)
{
    if (value->item != MIEN_NO_ITEM) {
        mien_plan_use(plan, value->item, moment);
    }
}

/* Taps, and what comes out at either end of a model to explain, outlive the last pass. */
static void plan_outputs(struct mien_graph *graph, const struct mien_model_options *options)
{
    struct mien_plan *const plan = &graph->plan;
    const int loss = (int)graph->count + 1;
    const int end = options->explain ? loss + (int)graph->count : loss;
    use(plan, &graph->logits, end);
    use(plan, &graph->logits_gradient, loss);
    use(plan, &graph->input_gradient, end);
    for (size_t i = 0; i < options->tap_count; i++) {
        use(plan, &graph->nodes[graph->taps[i]].y, end);
        use(plan, &graph->nodes[graph->taps[i]].dy, end);
    }
}

/* Tell the plan at which moments each node needs which tensor. */
static void plan_lives(struct mien_graph *graph, const struct mien_model_options *options)
{
    struct mien_plan *const plan = &graph->plan;
    const int loss = (int)graph->count + 1;
    use(plan, &graph->input, 0);
    for (size_t i = 0; i < graph->count; i++) {
        const struct mien_node *const node = &graph->nodes[i];
        const int forward = (int)i + 1;
        const int backward = loss + (int)(graph->count - i);
        const bool mask = node->after_relu && node->dx.item != MIEN_NO_ITEM;
        use(plan, &node->x, forward);
        use(plan, &node->y, forward);
        use(plan, &node->extra, forward);
        if (!options->train && !options->explain) {
            continue;
        }
        use(plan, &node->extra, backward);
        use(plan, &node->dy, backward);
        use(plan, &node->dx, backward);
        if ((node->class->reads_input && options->train) || (mask && !node->class->masks_output)) {
            use(plan, &node->x, backward);
        }
        if (node->class->reads_output || (mask && node->class->masks_output)) {
            use(plan, &node->y, backward);
        }
    }
    plan_outputs(graph, options);
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
        while (node < graph->count && (graph->nodes[node].layer != layer ||
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

enum mien_status mien_graph_build(struct mien_graph *graph, const struct mien_network *network,
                                  const struct mien_model_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const int lanes = options->lanes > 0 ? options->lanes : 1;
    *graph = (struct mien_graph){ .logits_gradient = { MIEN_NO_ITEM, NULL },
                                  .input_gradient = { MIEN_NO_ITEM, NULL } };
    struct builder b = {
        .graph = graph,
        .options = options,
        .act = { options->batch, network->input.c, network->input.h, network->input.w, lanes },
        .gradient = { MIEN_NO_ITEM, NULL },
        .trained = options->explain,
    };
    assert(!options->train || !options->explain);
    if (options->blas == MIEN_BLAS_OWN && lanes == 1) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "own matrix kernels are for CPU devices: choose clblast or auto");
    }
    TRY(mien_act_check(&b.act, "input", err));
    graph->input_act = b.act;
    graph->nodes = mien_calloc(network->layer_count * 2, sizeof(*graph->nodes), err);
    if (graph->nodes == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(add_value(&b.value, &b, act_bytes(&b.act), err));
    graph->input = b.value;
    if (options->explain) {
        TRY(add_value(&b.gradient, &b, act_bytes(&b.act), err));
        graph->input_gradient = b.gradient;
    }
    for (size_t i = 0; i < network->layer_count; i++) {
        const bool fused = network->layers[i].spec.kind == MIEN_LAYER_RELU && graph->count > 0 &&
                           graph->nodes[graph->count - 1].relu && b.after_relu;
        if (!fused || network->layers[i - 1].spec.kind == MIEN_LAYER_RELU ||
            network->layers[i - 1].spec.kind == MIEN_LAYER_FLATTEN) {
            TRY(add_layer(&b, network, i, err));
        }
    }
    graph->logits = b.value;
    graph->logits_gradient = b.gradient;
    graph->output_act = b.act;
    graph->output_after_relu = b.after_relu;
    TRY(find_taps(graph, network, options, err));
    plan_lives(graph, options);
    TRY(mien_plan_solve(&graph->plan, err));

done:
    return st;
}

void mien_graph_finish(struct mien_graph *graph)
{
    free(graph->nodes);
    free(graph->taps);
    mien_plan_finish(&graph->plan);
    *graph = (struct mien_graph){ 0 };
}
