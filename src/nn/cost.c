/* cost.c - the arithmetic and the memory traffic that each pass of a model cannot do without */
#include "nn/cost.h"

#include "base/memory.h"
#include "nn/node.h"

static double act_bytes(const struct mien_act *act)
{
    return (double)mien_act_floats(act) * (double)sizeof(cl_float);
}

static double buffer_bytes(const struct mien_cl_buffer *buffer)
{
    return buffer == NULL ? 0.0 : (double)mien_cl_buffer_bytes(buffer);
}

static double param_bytes(const struct mien_node *node)
{
    double bytes = 0.0;
    for (int i = 0; i < MIEN_NODE_PARAMS; i++) {
        bytes += buffer_bytes(node->params[i]);
    }
    return bytes;
}

static double value_bytes(const struct mien_graph *graph, const struct mien_value *value)
{
    return value->item == MIEN_NO_ITEM ? 0.0 : (double)graph->plan.items[value->item].bytes;
}

static double extra_bytes(const struct mien_graph *graph, const struct mien_node *node)
{
    return value_bytes(graph, &node->extra) + value_bytes(graph, &node->winner);
}

/* Of the second input of an addition or a product, or the second gradient of a fork. */
static double skip_bytes(const struct mien_node *node, const struct mien_value *skip)
{
    return skip->item == MIEN_NO_ITEM ? 0.0 : act_bytes(&node->out);
}

/* Forward; and backward but for the pooling of a convolution, which only moves numbers there. */
static double node_flop(const struct mien_node *node, bool backward)
{
    const bool counted = node->pooled != NULL && !(backward && node->class == &mien_node_conv);
    const double pooled = counted ? node->pooled->flop : 0.0;
    return node->class == &mien_node_relayout ? 0.0 : (node->layer->flop + pooled) * node->in.n;
}

/* Gradient of the input: reads dy and what the node's class says, writes dx. */
static double backward_bytes(const struct mien_graph *graph, const struct mien_node *node,
                             bool weights)
{
    const bool has_dx = node->dx.item != MIEN_NO_ITEM;
    const bool mask = node->after_relu && has_dx;
    const bool reads_x = (node->class->reads_input && !weights) ||
                         (node->class->bends_input && has_dx) ||
                         (mask && !node->class->masks_output);
    const bool reads_y = node->class->reads_output || (mask && node->class->masks_output);
    return act_bytes(&node->out) + (has_dx ? act_bytes(&node->in) : 0.0) +
           (reads_x ? act_bytes(&node->in) : 0.0) + (reads_y ? act_bytes(&node->out) : 0.0) +
           skip_bytes(node, &node->dskip) + (weights ? 0.0 : extra_bytes(graph, node)) +
           param_bytes(node);
}

/* Of the gates: a multiply-add for each number; of what the mark kept: a multiplication. */
static size_t product_costs(struct mien_cost *out, const struct mien_node *node)
{
    const double gates = act_bytes(&node->in);
    const double kept = act_bytes(&node->out);
    size_t count = 0;
    if (node->dx.item != MIEN_NO_ITEM) {
        out[count++] = (struct mien_cost){ node->labels[MIEN_LABEL_BACKWARD_FILTER],
                                           2.0 * node_flop(node, true),
                                           2.0 * kept + (node->after_relu ? 2.0 : 1.0) * gates };
    }
    if (node->dskip.item != MIEN_NO_ITEM) {
        out[count++] = (struct mien_cost){ node->labels[MIEN_LABEL_BACKWARD], node_flop(node, true),
                                           2.0 * kept + gates };
    }
    return count;
}

enum mien_status mien_model_costs(struct mien_cost **out, size_t *count,
                                  const struct mien_model *model, struct mien_error *err)
{
    const struct mien_graph *const graph = mien_model_graph(model);
    *count = 0;
    *out = mien_calloc(graph->count * MIEN_NODE_LABELS, sizeof(**out), err);
    if (*out == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < graph->count; i++) {
        const struct mien_node *const node = &graph->nodes[i];
        if (node->class->passes_on) {
            continue; /* nothing is launched */
        }
        (*out)[(*count)++] =
            (struct mien_cost){ node->labels[MIEN_LABEL_FORWARD], node_flop(node, false),
                                act_bytes(&node->in) + act_bytes(&node->out) +
                                    skip_bytes(node, &node->skip) + extra_bytes(graph, node) +
                                    param_bytes(node) };
    }
    for (size_t i = graph->count; i > 0; i--) {
        const struct mien_node *const node = &graph->nodes[i - 1];
        const bool weights = node->class == &mien_node_conv || node->class == &mien_node_dense;
        if (node->dy.item == MIEN_NO_ITEM) {
            continue; /* no layer before it has parameters */
        }
        if (node->class->multiplies) {
            *count += product_costs(*out + *count, node);
            continue;
        }
        if (weights) {
            (*out)[(*count)++] =
                (struct mien_cost){ node->labels[MIEN_LABEL_BACKWARD_FILTER], node_flop(node, true),
                                    act_bytes(&node->in) + act_bytes(&node->out) +
                                        extra_bytes(graph, node) + param_bytes(node) };
        }
        if (!weights || node->dx.item != MIEN_NO_ITEM) {
            (*out)[(*count)++] =
                (struct mien_cost){ node->labels[MIEN_LABEL_BACKWARD], node_flop(node, true),
                                    backward_bytes(graph, node, weights) };
        }
    }
    return MIEN_OK;
}
