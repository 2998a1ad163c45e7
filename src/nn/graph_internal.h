/** graph_internal.h - what is known while a network's layers become nodes (internal to graph*.c) */
#ifndef MIEN_NN_GRAPH_INTERNAL_H
#define MIEN_NN_GRAPH_INTERNAL_H

#include "nn/node.h"

/* A tensor between two nodes. */
struct graph_tensor {
    struct mien_act act;
    struct mien_value value, gradient;
    bool after_relu; /* a ReLU made it */
    bool trained;    /* gradients must reach it: a layer before has parameters, or the input's
                        gradient is wanted */
};

/* What a mark keeps for the layers that add it or multiply it. */
struct graph_mark {
    struct graph_tensor tensor; /* without a gradient */
    size_t fork;                /* the node for the next of them, where gradients must reach it */
};

/* How far a graph is built. */
struct graph_builder {
    struct mien_graph *graph;
    const struct mien_network *network;
    const struct mien_model_options *options;
    struct graph_tensor now;  /* what the next node takes */
    struct mien_value given;  /* the gradient of the next node's output, where it is there before */
    struct graph_mark *marks; /* [layer_count], those of kind mark are used */
};

#define MIEN_NO_VALUE ((struct mien_value){ MIEN_NO_ITEM, NULL })

static inline size_t mien_graph_act_bytes(const struct mien_act *act)
{
    return mien_act_floats(act) * sizeof(cl_float);
}

/** A tensor of so many bytes in the plan. */
MIEN_CHECK_RESULT
enum mien_status mien_graph_add_value(struct mien_value *out, struct graph_builder *b, size_t bytes,
                                      struct mien_error *err);

/** Append a node that takes the builder's tensor, and make its output the builder's tensor. */
MIEN_CHECK_RESULT
enum mien_status mien_graph_add_node(struct graph_builder *b, const struct mien_node_class *class,
                                     const struct mien_layer *layer,
                                     const struct mien_layer *pooled, bool relu,
                                     struct mien_error *err);

/** Append a change of layout in front of a layer: blocks to rows, or rows to blocks. */
MIEN_CHECK_RESULT
enum mien_status mien_graph_add_relayout(struct graph_builder *b, const struct mien_layer *layer,
                                         struct mien_error *err);

/** Append the nodes of layer `i`, which takes what comes straight along. */
MIEN_CHECK_RESULT
enum mien_status mien_graph_add_layer(struct graph_builder *b, size_t i, struct mien_error *err);

/** Whether the node of layer `i` ends in the ReLU behind it: that leaves no trace of what went into
 * it, and its gradient comes masked. */
bool mien_graph_fuses_relu(const struct graph_builder *b, const struct mien_node_class *class,
                           size_t i);

/** Append the nodes of layer `i`, a mark. */
MIEN_CHECK_RESULT
enum mien_status mien_graph_add_mark(struct graph_builder *b, size_t i, struct mien_error *err);
/** The same of an addition, from its mark on. */
MIEN_CHECK_RESULT
enum mien_status mien_graph_add_sum(struct graph_builder *b, size_t i, struct mien_error *err);
/** The same of a product. */
MIEN_CHECK_RESULT
enum mien_status mien_graph_add_product(struct graph_builder *b, size_t i, struct mien_error *err);

#endif
