/* graph_join.c - from marks and what takes them to nodes: additions and products */
#include "nn/graph_internal.h"

/*
 * Keep the tensor for those that take it.  Where gradients must reach it, a node for each of them
 * sums what comes from it and from the layers behind the mark; the first masks for a ReLU before.
 */
enum mien_status mien_graph_add_mark(struct graph_builder *b, size_t i, struct mien_error *err)
{
    const struct mien_layer *const layer = &b->network->layers[i];
    struct graph_mark *const mark = &b->marks[i];
    *mark = (struct graph_mark){ .tensor = b->now, .fork = b->graph->count };
    mark->tensor.gradient = MIEN_NO_VALUE;
    mark->tensor.after_relu = false;
    for (int k = 0; mien_model_has_gradients(b->options) && b->now.trained && k < layer->uses;
         k++) {
        const enum mien_status st =
            mien_graph_add_node(b, &mien_node_fork, layer, NULL, false, err);
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
static enum mien_status add_skip(struct graph_builder *b, size_t i, const struct mien_act *want,
                                 const struct mien_value *sum, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_layer *const layers = b->network->layers;
    size_t first = i;
    while (layers[first - 1].projects) {
        first--;
    }
    struct graph_mark *const mark = &b->marks[first < i ? layers[first].from : layers[i].skip];
    const bool relayout = mark->tensor.act.lanes != want->lanes;
    b->now = mark->tensor;
    if (mien_model_has_gradients(b->options) && b->now.trained) {
        struct mien_value *const dskip = &b->graph->nodes[mark->fork++].dskip;
        *dskip = *sum;
        if (first < i || relayout) {
            TRY(mien_graph_add_value(dskip, b, mien_graph_act_bytes(&b->now.act), err));
        }
        b->now.gradient = *dskip;
    }
    for (size_t k = first; k < i; k++) {
        b->given = k + 1 == i && !relayout ? *sum : MIEN_NO_VALUE;
        TRY(mien_graph_add_layer(b, k, err));
    }
    if (relayout) {
        b->given = b->now.trained ? *sum : MIEN_NO_VALUE;
        TRY(mien_graph_add_node(b, &mien_node_relayout, &layers[i], NULL, false, err));
    }

done:
    return st;
}

enum mien_status mien_graph_add_sum(struct graph_builder *b, size_t i, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_layer *const layer = &b->network->layers[i];
    struct graph_tensor now = b->now;
    /* The gradient of what comes straight along can be that of the sum, unless a ReLU masks it. */
    struct mien_value sum = now.after_relu ? MIEN_NO_VALUE : now.gradient;
    const bool trained = now.trained || b->network->layers[i - 1].projects;
    if (mien_model_has_gradients(b->options) && trained && sum.item == MIEN_NO_ITEM) {
        TRY(mien_graph_add_value(&sum, b, mien_graph_act_bytes(&now.act), err));
    }
    TRY(add_skip(b, i, &now.act, &sum, err));
    const struct mien_value skip = b->now.value;
    now.trained = now.trained || b->now.trained;
    b->now = now;
    b->given = now.trained ? sum : MIEN_NO_VALUE;
    TRY(mien_graph_add_node(b, &mien_node_add, layer, NULL,
                            mien_graph_fuses_relu(b, &mien_node_add, i), err));
    b->graph->nodes[b->graph->count - 1].skip = skip;

done:
    return st;
}

/*
 * A product has a gradient of its own for what the mark kept, as it is not that of the product.
 * Gates that dense layers of CLBlast made come back to the layout of what the mark kept, which is
 * larger.
 */
enum mien_status mien_graph_add_product(struct graph_builder *b, size_t i, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_layer *const layer = &b->network->layers[i];
    const struct graph_tensor *const kept = &b->marks[layer->skip].tensor;
    if (b->now.act.lanes == 1 && kept->act.lanes > 1) {
        TRY(mien_graph_add_relayout(b, layer, err));
    }
    const struct graph_tensor gates = b->now;
    struct mien_value dskip = MIEN_NO_VALUE;
    if (mien_model_has_gradients(b->options) && kept->trained) {
        const struct mien_shape *const out = &layer->out;
        const struct mien_act act = { gates.act.n, out->c, out->h, out->w, gates.act.lanes };
        TRY(mien_graph_add_value(&dskip, b, mien_graph_act_bytes(&act), err));
    }
    TRY(add_skip(b, i, &gates.act, &dskip, err));
    const struct mien_value skip = b->now.value;
    const bool trained = gates.trained || b->now.trained;
    b->now = gates;
    b->now.trained = trained;
    TRY(mien_graph_add_node(b, &mien_node_multiply, layer, NULL, false, err));
    struct mien_node *const node = &b->graph->nodes[b->graph->count - 1];
    node->skip = skip;
    node->dskip = dskip;

done:
    return st;
}
