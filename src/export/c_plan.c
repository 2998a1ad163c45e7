/* c_plan.c - which buffer each layer of a network in C reads and writes */
#include "export/c_plan.h"

#include <stdlib.h>

#include "base/memory.h"

struct planner {
    struct mien_c_plan *plan;
    bool *busy; /* [buffer_count]: what is in the buffer is still needed */
};

static size_t floats_of(const struct mien_shape *shape)
{
    return (size_t)shape->c * (size_t)shape->h * (size_t)shape->w;
}

/* A buffer that nothing needs, made as large as wanted: the largest one, or a new one. */
static int take_buffer(struct planner *planner, size_t floats)
{
    struct mien_c_plan *const plan = planner->plan;
    int best = plan->buffer_count;
    for (int i = 0; i < plan->buffer_count; i++) {
        if (!planner->busy[i] &&
            (best == plan->buffer_count || plan->buffers[i] > plan->buffers[best])) {
            best = i;
        }
    }
    plan->buffer_count += best == plan->buffer_count ? 1 : 0;
    plan->buffers[best] = floats > plan->buffers[best] ? floats : plan->buffers[best];
    planner->busy[best] = true;
    return best;
}

/* What a layer does to the tensor that it takes. */
enum effect { EFFECT_NONE, EFFECT_IN_PLACE, EFFECT_ANOTHER };

static enum effect effect_of(enum mien_layer_kind kind)
{
    switch (kind) {
    case MIEN_LAYER_FLATTEN:                     /* the order of numbers is the same */
    case MIEN_LAYER_DROPOUT: return EFFECT_NONE; /* trains only */
    case MIEN_LAYER_RELU:
    case MIEN_LAYER_BATCHNORM: return EFFECT_IN_PLACE;
    case MIEN_LAYER_CONV:
    case MIEN_LAYER_DENSE:
    case MIEN_LAYER_MAXPOOL:
    case MIEN_LAYER_AVGPOOL:
    case MIEN_LAYER_GLOBALAVGPOOL: break;
    }
    return EFFECT_ANOTHER;
}

static void plan_layer(struct planner *planner, const struct mien_layer *layer, int *current)
{
    const enum effect effect = effect_of(layer->spec.kind);
    const int from = *current;
    if (effect == EFFECT_NONE) {
        return;
    }
    if (effect == EFFECT_ANOTHER) {
        *current = take_buffer(planner, floats_of(&layer->out));
        planner->busy[from] = false;
    }
    planner->plan->steps[planner->plan->step_count++] =
        (struct mien_c_step){ layer, from, *current };
}

enum mien_status mien_c_plan_make(struct mien_c_plan *plan, const struct mien_network *network,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    const size_t most = network->layer_count + 1;
    struct planner planner = { .plan = plan };
    *plan = (struct mien_c_plan){ .steps = NULL };
    plan->steps = mien_calloc(most, sizeof(*plan->steps), err);
    plan->buffers = mien_calloc(most, sizeof(*plan->buffers), err);
    planner.busy = mien_calloc(most, sizeof(*planner.busy), err);
    if (plan->steps == NULL || plan->buffers == NULL || planner.busy == NULL) {
        goto done;
    }
    plan->input = take_buffer(&planner, floats_of(&network->input));
    plan->output = plan->input;
    for (size_t i = 0; i < network->layer_count; i++) {
        plan_layer(&planner, &network->layers[i], &plan->output);
    }
    st = MIEN_OK;

done:
    free(planner.busy);
    return st;
}

void mien_c_plan_finish(struct mien_c_plan *plan)
{
    free(plan->steps);
    free(plan->buffers);
    *plan = (struct mien_c_plan){ .steps = NULL };
}
