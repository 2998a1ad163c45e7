/* c_plan.c - which buffer each layer of a network in C reads and writes */
#include "export/c_plan.h"

#include <stdlib.h>

#include "base/memory.h"

struct planner {
    struct mien_c_plan *plan;
    const struct mien_network *network;
    int *readers; /* [buffer_count]: layers that are still to read what is in the buffer */
    int *results; /* [layer_count]: the buffer of each layer's output */
};

static size_t floats_of(const struct mien_shape *shape)
{
    return (size_t)shape->c * (size_t)shape->h * (size_t)shape->w;
}

/* How many layers read the output of layer `i` (-1: the image); the caller reads the last one. */
static int readers_of(const struct mien_network *network, int i)
{
    int count = i == (int)network->layer_count - 1 ? 1 : 0;
    for (size_t k = 0; k < network->layer_count; k++) {
        const struct mien_layer *const layer = &network->layers[k];
        count += layer->from == i ? 1 : 0;
        count += mien_layer_takes_mark(layer->spec.kind) && layer->skip == i ? 1 : 0;
    }
    return count;
}

/* A buffer that nothing needs, made as large as wanted: the largest one, or a new one. */
static int take_buffer(struct planner *planner, size_t floats)
{
    struct mien_c_plan *const plan = planner->plan;
    int best = plan->buffer_count;
    for (int i = 0; i < plan->buffer_count; i++) {
        if (planner->readers[i] == 0 &&
            (best == plan->buffer_count || plan->buffers[i] > plan->buffers[best])) {
            best = i;
        }
    }
    plan->buffer_count += best == plan->buffer_count ? 1 : 0;
    plan->buffers[best] = floats > plan->buffers[best] ? floats : plan->buffers[best];
    return best;
}

/* What a layer does to the tensor that it takes. */
enum effect { EFFECT_NONE, EFFECT_IN_PLACE, EFFECT_ANOTHER };

static enum effect effect_of(enum mien_layer_kind kind)
{
    switch (kind) {
    case MIEN_LAYER_FLATTEN: /* the order of numbers is the same */
    case MIEN_LAYER_MARK:
    case MIEN_LAYER_DROPOUT: return EFFECT_NONE; /* trains only */
    case MIEN_LAYER_ADD:
    case MIEN_LAYER_RELU:
    case MIEN_LAYER_LEAKYRELU:
    case MIEN_LAYER_SIGMOID:
    case MIEN_LAYER_SILU:
    case MIEN_LAYER_GELU:
    case MIEN_LAYER_BATCHNORM: return EFFECT_IN_PLACE;
    case MIEN_LAYER_CONV:
    case MIEN_LAYER_DENSE:
    case MIEN_LAYER_MULTIPLY:
    case MIEN_LAYER_MAXPOOL:
    case MIEN_LAYER_AVGPOOL:
    case MIEN_LAYER_GLOBALAVGPOOL: break;
    }
    return EFFECT_ANOTHER;
}

static void plan_layer(struct planner *planner, int i)
{
    struct mien_c_plan *const plan = planner->plan;
    const struct mien_layer *const layer = &planner->network->layers[i];
    const enum effect effect = effect_of(layer->spec.kind);
    const bool joins = mien_layer_takes_mark(layer->spec.kind);
    const int from = layer->from < 0 ? plan->input : planner->results[layer->from];
    const int skip = joins ? planner->results[layer->skip] : -1;
    int to = from;
    if (effect == EFFECT_ANOTHER ||
        (effect == EFFECT_IN_PLACE && planner->readers[from] > 1)) { /* it is needed as it is */
        to = take_buffer(planner, floats_of(&layer->out));
    }
    planner->readers[from]--;
    if (joins) {
        planner->readers[skip]--;
    }
    planner->readers[to] += readers_of(planner->network, i);
    planner->results[i] = to;
    if (effect != EFFECT_NONE) {
        plan->steps[plan->step_count++] = (struct mien_c_step){ layer, from, to, skip };
    }
}

enum mien_status mien_c_plan_make(struct mien_c_plan *plan, const struct mien_network *network,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    const size_t most = network->layer_count + 1;
    struct planner planner = { .plan = plan, .network = network };
    *plan = (struct mien_c_plan){ .steps = NULL };
    plan->steps = mien_calloc(most, sizeof(*plan->steps), err);
    plan->buffers = mien_calloc(most, sizeof(*plan->buffers), err);
    planner.readers = mien_calloc(most, sizeof(*planner.readers), err);
    planner.results = mien_calloc(most, sizeof(*planner.results), err);
    if (plan->steps == NULL || plan->buffers == NULL || planner.readers == NULL ||
        planner.results == NULL) {
        goto done;
    }
    plan->input = take_buffer(&planner, floats_of(&network->input));
    planner.readers[plan->input] = readers_of(network, -1);
    for (int i = 0; i < (int)network->layer_count; i++) {
        plan_layer(&planner, i);
    }
    plan->output = planner.results[network->layer_count - 1];
    st = MIEN_OK;

done:
    free(planner.readers);
    free(planner.results);
    return st;
}

void mien_c_plan_finish(struct mien_c_plan *plan)
{
    free(plan->steps);
    free(plan->buffers);
    *plan = (struct mien_c_plan){ .steps = NULL };
}
