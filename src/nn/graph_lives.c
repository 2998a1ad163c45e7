/*
 * graph_lives.c - how long each tensor of a model's nodes lives
 *
 * Moments of a step: 0 the batch is gathered, i + 1 node i runs forward, count + 1 the loss, then
 * the nodes backward from the last to the first.
 */
#include "nn/node.h"

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

void mien_graph_plan_lives(struct mien_graph *graph, const struct mien_model_options *options)
{
    struct mien_plan *const plan = &graph->plan;
    const int loss = (int)graph->count + 1;
    use(plan, &graph->input, 0);
    if (options->again) {
        use(plan, &graph->input, loss + (int)graph->count);
    }
    for (size_t i = 0; i < graph->count; i++) {
        const struct mien_node *const node = &graph->nodes[i];
        const int forward = (int)i + 1;
        const int backward = loss + (int)(graph->count - i);
        const bool mask = node->after_relu && node->dx.item != MIEN_NO_ITEM;
        use(plan, &node->x, forward);
        use(plan, &node->skip, forward);
        use(plan, &node->y, forward);
        use(plan, &node->extra, forward);
        use(plan, &node->winner, forward);
        use(plan, &node->normed, forward);
        use(plan, &node->folded_weight, 0); /* from before the first batch of an evaluation */
        use(plan, &node->folded_weight, loss);
        use(plan, &node->folded_bias, 0);
        use(plan, &node->folded_bias, loss);
        if (!mien_model_has_gradients(options)) {
            continue;
        }
        use(plan, &node->extra, backward);
        use(plan, &node->winner, backward);
        use(plan, &node->unpooled, backward);
        use(plan, &node->dy, backward);
        use(plan, &node->dx, backward);
        use(plan, &node->dskip, backward);
        if ((node->class->reads_input && options->train) ||
            (node->class->bends_input && node->dx.item != MIEN_NO_ITEM) ||
            (mask && !node->class->masks_output)) {
            use(plan, &node->x, backward);
        }
        if (node->class->multiplies) {
            use(plan, &node->x, node->dskip.item != MIEN_NO_ITEM ? backward : forward);
            use(plan, &node->skip, node->dx.item != MIEN_NO_ITEM ? backward : forward);
        }
        if (node->class->reads_output || (mask && node->class->masks_output)) {
            use(plan, &node->y, backward);
        }
    }
    plan_outputs(graph, options);
}
