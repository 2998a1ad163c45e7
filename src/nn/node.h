/** node.h - one operation of a model: what model.c runs and the node_*.c files provide (internal to
 * nn) */
#ifndef MIEN_NN_NODE_H
#define MIEN_NN_NODE_H

#include "nn/model.h"
#include "nn/plan.h"
#include "ops/batchnorm_pool.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/pool.h"

enum { MIEN_NODE_PARAMS = 4 };

/** What the launches of a node are labelled as, see mien_cl_label(). */
enum mien_node_label {
    MIEN_LABEL_FORWARD,
    MIEN_LABEL_BACKWARD, /**< of the input; "backward data" where there are weights or gates too */
    MIEN_LABEL_BACKWARD_FILTER, /**< of a product "backward gates" */
};
enum { MIEN_NODE_LABELS = 3, MIEN_LABEL_BYTES = 96 };

/** No tensor: an index into the plan that is not used. */
#define MIEN_NO_ITEM ((size_t)-1)

/** A buffer of the model, known to the plan by `item` and to the device once it is allocated. */
struct mien_value {
    size_t item;                   /**< MIEN_NO_ITEM: not needed */
    struct mien_cl_buffer *buffer; /**< borrowed from the model's slots */
};

struct mien_node;

/** What one call of a pass needs to know. */
struct mien_pass {
    struct mien_cl *cl;
    struct mien_cl_buffer *work;
    int n; /**< images */
    bool train;
    struct mien_draw draw; /**< where train is set */
};

/** The behaviour of a kind of node. */
struct mien_node_class {
    bool fuses_relu;   /**< its forward kernel can end in ReLU */
    bool reads_input;  /**< its backward pass needs x in training, also without a mask */
    bool bends_input;  /**< its backward pass of the input needs x, in every model */
    bool reads_output; /**< its backward pass needs y, also without a mask */
    bool masks_output; /**< its mask for a ReLU before it is its output y, not its input */
    bool multiplies;   /**< its backward pass needs x for dskip and skip for dx, in every model */
    bool passes_on;    /**< y is x, in the same memory */
    bool keeps_sign;   /**< y is above zero only where x is: a ReLU before it is masked behind it */
    /** Fill node->op, node->out, *work_bytes and *extra_bytes from node->layer and node->in. */
    enum mien_status (*setup)(struct mien_node *node, size_t *work_bytes, size_t *extra_bytes,
                              struct mien_error *err);
    enum mien_status (*forward)(const struct mien_node *node, const struct mien_pass *pass,
                                struct mien_error *err);
    /** dx (where node->dx is there) and, in training, the gradients of its parameters, from dy. */
    enum mien_status (*backward)(const struct mien_node *node, const struct mien_pass *pass,
                                 struct mien_error *err);
};

struct mien_node {
    const struct mien_node_class *class;
    const struct mien_layer
        *layer;         /**< borrowed; the relayout in front of a dense layer has that one's */
    size_t local_bytes; /**< of the device, for setup() alone; 0: no limit */
    int lanes;          /**< of the device's activations, for setup() alone */
    const struct mien_tuning *tuning; /**< borrowed, for setup() alone; NULL: defaults */
    bool backward;                    /**< it has a backward pass; for setup() alone */
    struct mien_act in, out;          /**< for a whole batch */
    char labels[MIEN_NODE_LABELS][MIEN_LABEL_BYTES]; /**< "conv2 backward filter" */
    union {
        struct mien_conv2d conv;
        struct mien_dense dense;
        struct mien_pool pool;
        struct mien_batchnorm batchnorm;
    } op;
    /** conv, batchnorm: the max-pooling that is part of it, or NULL; setup() of a node that cannot
     * have it sets it to NULL. */
    const struct mien_layer *pooled;
    struct mien_pool pool; /**< that pooling */
    bool relu;             /**< the ReLU behind it is part of its forward kernel */
    bool after_relu;       /**< a ReLU made its input: its backward pass masks dx */
    struct mien_value x, y, dx, dy, extra;
    struct mien_value winner;   /**< of that pooling */
    struct mien_value unpooled; /**< conv: the gradient of what that pooling takes, where a kernel
                                   needs it */
    struct mien_value skip;     /**< add, multiply: what is added to x, multiplied by x */
    struct mien_value dskip;    /**< fork: the gradient that comes from who took what the mark kept;
                                     multiply: the gradient of skip */
    struct mien_node *norm;   /**< conv, dense: the batch norm that is part of it in evaluation, or
                                   NULL */
    struct mien_value normed; /**< then it makes this in evaluation, */
    struct mien_value folded_weight, folded_bias; /**< from these */
    bool folds;         /**< batchnorm: it is part of the node in front in evaluation, */
    bool pooled_before; /**< and that one makes its pooling as well */
    struct mien_cl_buffer *params[MIEN_NODE_PARAMS];    /**< windows, owned by the model */
    struct mien_cl_buffer *gradients[MIEN_NODE_PARAMS]; /**< likewise */
};

/** Fill node->pool from the layer node->pooled, which is behind `before`.  Errors  MIEN_ERR_SHAPE
 */
MIEN_CHECK_RESULT
enum mien_status mien_node_setup_pool(struct mien_node *node, const struct mien_act *before,
                                      struct mien_error *err);

/** Compute the weights of a node with its batch norm in them; node->norm is not NULL. */
MIEN_CHECK_RESULT
enum mien_status mien_node_fold(const struct mien_node *node, struct mien_cl *cl,
                                struct mien_error *err);

/** The nodes of a network and the plan of their memory; no device is needed. */
struct mien_graph {
    struct mien_node *nodes;
    size_t count;
    struct mien_plan plan;
    struct mien_value input, logits, logits_gradient;
    struct mien_value input_gradient; /**< of a model to explain, else no item */
    size_t *taps;                     /**< nodes whose outputs are kept, as the options name them */
    struct mien_act input_act, output_act; /**< for a whole batch */
    bool output_after_relu; /**< the network ends in a ReLU: the loss gradient is masked */
    size_t work_bytes;      /**< scratch of the hungriest node */
};

/**
 * Choose the nodes for a network's layers, fuse what can be fused, and plan the memory.
 *
 * Ownership  release with mien_graph_finish(), also after an error
 * Errors     as mien_model_plan()
 */
MIEN_CHECK_RESULT
enum mien_status mien_graph_build(struct mien_graph *graph, const struct mien_network *network,
                                  const struct mien_model_options *options, struct mien_error *err);
void mien_graph_finish(struct mien_graph *graph);

/** Whether a model runs backward. */
static inline bool mien_model_has_gradients(const struct mien_model_options *options)
{
    return options->train || options->explain;
}

/** Tell the graph's plan at which moments each node needs which tensor. */
void mien_graph_plan_lives(struct mien_graph *graph, const struct mien_model_options *options);

/** The nodes of a model; borrowed. */
const struct mien_graph *mien_model_graph(const struct mien_model *model);

extern const struct mien_node_class mien_node_conv, mien_node_dense, mien_node_relu,
    mien_node_maxpool, mien_node_avgpool, mien_node_batchnorm, mien_node_dropout, mien_node_add,
    mien_node_multiply, mien_node_fork, mien_node_activation, mien_node_relayout;

#endif
