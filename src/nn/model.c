/* model.c - a network on a device: its memory, forward and backward */
#include "nn/model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/number.h"
#include "cl/blas.h"
#include "nn/node.h"
#include "ops/relu.h"
#include "tune/table.h"

struct mien_model {
    struct mien_cl *cl;                 /* borrowed */
    const struct mien_network *network; /* borrowed */
    struct mien_graph graph;
    struct mien_model_memory memory;
    int batch;
    bool train;                    /* its backward pass is one of training */
    bool folded;                   /* the nodes' weights with batch norm in them are up to date */
    struct mien_cl_buffer **slots; /* [graph.plan.slot_count] */
    struct mien_cl_buffer *values, *gradients, *work;
    struct mien_draw draw; /* of the last step of training */

    bool clblast;  /* products go through it, with parameters that this model was made with: */
    bool blas_set; /* `blas`, else the device's usual ones */
    struct mien_blas_params blas;

    /* Who looks at every result, or NULL. */
    enum mien_status (*look)(void *user, const struct mien_computed *computed,
                             struct mien_error *err);
    void *look_user;
};

const char *mien_blas_name(enum mien_blas blas)
{
    switch (blas) {
    case MIEN_BLAS_AUTO: return "auto";
    case MIEN_BLAS_OWN: return "own";
    case MIEN_BLAS_CLBLAST: return "clblast";
    }
    return "auto";
}

static void fill_memory(struct mien_model_memory *out, const struct mien_graph *graph,
                        const struct mien_network *network, bool train)
{
    *out = (struct mien_model_memory){
        .parameters = network->flat_floats * sizeof(cl_float),
        .gradients = train ? network->flat_floats * sizeof(cl_float) : 0,
        .activations = mien_plan_bytes(&graph->plan),
        .scratch = graph->work_bytes,
    };
    for (size_t i = 0; i < graph->plan.count; i++) {
        out->unshared += graph->plan.items[i].bytes;
    }
}

enum mien_status mien_model_plan(struct mien_model_memory *out, const struct mien_network *network,
                                 const struct mien_model_options *options, struct mien_error *err)
{
    struct mien_graph graph;
    *out = (struct mien_model_memory){ 0 };
    const enum mien_status st = mien_graph_build(&graph, network, options, err);
    if (st == MIEN_OK) {
        fill_memory(out, &graph, network, options->train);
    }
    mien_graph_finish(&graph);
    return st;
}

static void bind(const struct mien_model *model, struct mien_value *value)
{
    if (value->item != MIEN_NO_ITEM) {
        value->buffer = model->slots[model->graph.plan.items[value->item].slot];
    }
}

static enum mien_status allocate_slots(struct mien_model *model, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_graph *const graph = &model->graph;
    model->slots = mien_calloc(graph->plan.slot_count, sizeof(struct mien_cl_buffer *), err);
    if (model->slots == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < graph->plan.slot_count; i++) {
        TRY(mien_cl_buffer_create(&model->slots[i], model->cl, graph->plan.slot_bytes[i], err));
        TRY(mien_cl_fill(model->cl, model->slots[i], 0, err)); /* unused lanes start finite */
    }
    for (size_t i = 0; i < graph->count; i++) {
        struct mien_node *const node = &graph->nodes[i];
        bind(model, &node->x);
        bind(model, &node->y);
        bind(model, &node->dx);
        bind(model, &node->dy);
        bind(model, &node->extra);
        bind(model, &node->winner);
        bind(model, &node->unpooled);
        bind(model, &node->skip);
        bind(model, &node->dskip);
        bind(model, &node->normed);
        bind(model, &node->folded_weight);
        bind(model, &node->folded_bias);
    }
    bind(model, &graph->input);
    bind(model, &graph->logits);
    bind(model, &graph->logits_gradient);
    bind(model, &graph->input_gradient);
    if (graph->work_bytes > 0) {
        TRY(mien_cl_buffer_create(&model->work, model->cl, graph->work_bytes, err));
    }

done:
    return st;
}

/* A window of the flat buffers for each parameter of each node. */
static enum mien_status allocate_params(struct mien_model *model, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_network *const network = model->network;
    const size_t bytes = network->flat_floats * sizeof(cl_float);
    TRY(mien_cl_buffer_create(&model->values, model->cl, bytes, err));
    TRY(mien_cl_fill(model->cl, model->values, 0, err));
    if (model->memory.gradients > 0) {
        TRY(mien_cl_buffer_create(&model->gradients, model->cl, bytes, err));
        TRY(mien_cl_fill(model->cl, model->gradients, 0, err));
    }
    for (size_t i = 0; i < model->graph.count; i++) {
        struct mien_node *const node = &model->graph.nodes[i];
        const int count = node->class == &mien_node_relayout ? 0 : node->layer->param_count;
        for (int p = 0; p < count; p++) {
            const struct mien_param *const param = &network->params[node->layer->first_param + p];
            const size_t offset = param->offset * sizeof(cl_float);
            const size_t size = param->count * sizeof(cl_float);
            TRY(mien_cl_buffer_window(&node->params[p], model->values, offset, size, err));
            if (model->gradients != NULL && param->trainable) {
                TRY(mien_cl_buffer_window(&node->gradients[p], model->gradients, offset, size,
                                          err));
            }
        }
    }

done:
    return st;
}

size_t mien_model_memory_bytes(const struct mien_model_memory *memory)
{
    return memory->parameters + memory->gradients + memory->activations + memory->scratch;
}

enum mien_status mien_model_check_fit(const struct mien_model_memory *memory, int batch,
                                      size_t beside, size_t taken,
                                      const struct mien_device_info *device, struct mien_error *err)
{
    const size_t model = mien_model_memory_bytes(memory);
    char text[5][MIEN_MIB_BYTES];
    char parts[2 * MIEN_MIB_BYTES + 64] = "";
    char used[MIEN_MIB_BYTES + 32] = "";
    if ((double)model + (double)beside + (double)taken <= (double)device->global_bytes) {
        return MIEN_OK;
    }
    if (beside > 0) {
        (void)snprintf(parts, sizeof(parts), " (the network %s, %s %s)", mien_mib(text[0], model),
                       memory->gradients > 0 ? "its training" : "beside it",
                       mien_mib(text[1], beside));
    }
    if (taken > 0) {
        (void)snprintf(used, sizeof(used), ", %s of it in use", mien_mib(text[2], taken));
    }
    return mien_fail(err, MIEN_ERR_MEMORY,
                     "batches of %d need %s%s, %s has %s%s: try a smaller batch", batch,
                     mien_mib(text[3], model + beside), parts, device->name,
                     mien_mib(text[4], device->global_bytes), used);
}

/* CLBlast's parameters; those that it refuses are done without, with a notice. */
static void choose_blas(struct mien_model *model, const struct mien_tuning *tuning)
{
    const struct mien_blas_params *const wanted = mien_tuning_blas(tuning);
    for (size_t i = 0; i < model->graph.count; i++) {
        const struct mien_node *const node = &model->graph.nodes[i];
        model->clblast =
            model->clblast || (node->class == &mien_node_dense && node->op.dense.lanes == 1);
    }
    if (!model->clblast) {
        return;
    }
    model->blas_set = wanted != NULL && mien_blas_take(model->cl, wanted);
    if (model->blas_set) {
        model->blas = *wanted;
    } else { /* where that cannot be, CLBlast stays as it is: the notice says so */
        model->clblast = mien_blas_take(model->cl, NULL);
    }
}

/* Another model may have had others since. */
static enum mien_status use_blas(const struct mien_model *model, struct mien_error *err)
{
    return model->clblast ? mien_blas_use(model->cl, model->blas_set ? &model->blas : NULL, err)
                          : MIEN_OK;
}

const struct mien_blas_params *mien_model_blas(const struct mien_model *model)
{
    return model->blas_set ? &model->blas : NULL;
}

enum mien_status mien_model_create(struct mien_model **out, struct mien_cl *cl,
                                   const struct mien_network *network,
                                   const struct mien_model_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_model_options resolved = *options;

    *out = NULL;
    struct mien_model *model = mien_calloc(1, sizeof(*model), err);
    if (model == NULL) {
        return MIEN_ERR_MEMORY;
    }
    resolved.lanes = options->lanes > 0 ? options->lanes : mien_device_lanes(mien_cl_device(cl));
    if (resolved.local_bytes == 0) {
        resolved.local_bytes = (size_t)mien_cl_device(cl)->local_bytes;
    }
    model->cl = cl;
    model->network = network;
    model->batch = options->batch;
    model->train = options->train;
    TRY(mien_graph_build(&model->graph, network, &resolved, err));
    fill_memory(&model->memory, &model->graph, network, options->train);
    TRY(mien_model_check_fit(&model->memory, model->batch, options->beside_bytes, mien_cl_bytes(cl),
                             mien_cl_device(cl), err));
    TRY(allocate_params(model, err));
    TRY(allocate_slots(model, err));
    choose_blas(model, options->tuning);
    *out = model;
    model = NULL;

done:
    mien_model_destroy(model);
    return st;
}

void mien_model_destroy(struct mien_model *model)
{
    if (model == NULL) {
        return;
    }
    for (size_t i = 0; i < model->graph.count; i++) {
        for (int p = 0; p < MIEN_NODE_PARAMS; p++) {
            mien_cl_buffer_destroy(model->graph.nodes[i].params[p]);
            mien_cl_buffer_destroy(model->graph.nodes[i].gradients[p]);
        }
    }
    for (size_t i = 0; model->slots != NULL && i < model->graph.plan.slot_count; i++) {
        mien_cl_buffer_destroy(model->slots[i]);
    }
    mien_cl_buffer_destroy(model->values);
    mien_cl_buffer_destroy(model->gradients);
    mien_cl_buffer_destroy(model->work);
    free(model->slots);
    mien_cl_label(model->cl, ""); /* the nodes' labels go with them */
    mien_graph_finish(&model->graph);
    free(model);
}

const struct mien_network *mien_model_network(const struct mien_model *model)
{
    return model->network;
}

const struct mien_model_memory *mien_model_memory(const struct mien_model *model)
{
    return &model->memory;
}

const struct mien_graph *mien_model_graph(const struct mien_model *model)
{
    return &model->graph;
}

int mien_model_batch(const struct mien_model *model)
{
    return model->batch;
}

struct mien_cl *mien_model_cl(const struct mien_model *model)
{
    return model->cl;
}

struct mien_cl_buffer *mien_model_values(const struct mien_model *model)
{
    return model->values;
}

struct mien_cl_buffer *mien_model_gradients(const struct mien_model *model)
{
    return model->gradients;
}

struct mien_act mien_model_input_act(const struct mien_model *model, int n)
{
    struct mien_act act = model->graph.input_act;
    act.n = n;
    return act;
}

struct mien_cl_buffer *mien_model_input(const struct mien_model *model)
{
    return model->graph.input.buffer;
}

struct mien_act mien_model_output_act(const struct mien_model *model, int n)
{
    struct mien_act act = model->graph.output_act;
    act.n = n;
    return act;
}

struct mien_cl_buffer *mien_model_logits(const struct mien_model *model)
{
    return model->graph.logits.buffer;
}

struct mien_cl_buffer *mien_model_logits_gradient(const struct mien_model *model)
{
    return model->graph.logits_gradient.buffer;
}

struct mien_cl_buffer *mien_model_input_gradient(const struct mien_model *model)
{
    return model->graph.input_gradient.buffer;
}

struct mien_act mien_model_tap_act(const struct mien_model *model, size_t tap, int n)
{
    struct mien_act act = model->graph.nodes[model->graph.taps[tap]].out;
    act.n = n;
    return act;
}

struct mien_cl_buffer *mien_model_tap(const struct mien_model *model, size_t tap)
{
    return model->graph.nodes[model->graph.taps[tap]].y.buffer;
}

struct mien_cl_buffer *mien_model_tap_gradient(const struct mien_model *model, size_t tap)
{
    return model->graph.nodes[model->graph.taps[tap]].dy.buffer;
}

void mien_model_watch(struct mien_model *model,
                      enum mien_status (*look)(void *user, const struct mien_computed *computed,
                                               struct mien_error *err),
                      void *user)
{
    model->look = look;
    model->look_user = user;
}

static enum mien_status show_output(const struct mien_model *model, const struct mien_node *node,
                                    int n, struct mien_error *err)
{
    struct mien_computed output = {
        .label = node->labels[MIEN_LABEL_FORWARD],
        .what = "output",
        .buffer = node->y.buffer,
        .act = node->out,
    };
    output.act.n = n;
    return model->look != NULL ? model->look(model->look_user, &output, err) : MIEN_OK;
}

/* First those of its parameters, which are computed first. */
static enum mien_status show_gradients(const struct mien_model *model, const struct mien_node *node,
                                       int n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char what[MIEN_LABEL_BYTES];
    const bool apart = node->class == &mien_node_conv || node->class == &mien_node_dense;
    for (int p = 0; model->look != NULL && p < MIEN_NODE_PARAMS; p++) {
        if (node->gradients[p] == NULL) {
            continue;
        }
        const struct mien_param *const param =
            &model->network->params[node->layer->first_param + p];
        (void)snprintf(what, sizeof(what), "gradient of %s", param->name);
        const struct mien_computed gradient = {
            .label = node->labels[apart ? MIEN_LABEL_BACKWARD_FILTER : MIEN_LABEL_BACKWARD],
            .what = what,
            .buffer = node->gradients[p],
            .act = { 1, (cl_int)param->count, 1, 1, 1 },
        };
        TRY(model->look(model->look_user, &gradient, err));
    }
    const struct mien_computed of_input = {
        .label = node->labels[node->class->multiplies ? MIEN_LABEL_BACKWARD_FILTER
                                                      : MIEN_LABEL_BACKWARD],
        .what = "gradient of the input",
        .buffer = node->dx.buffer,
        .act = { n, node->in.c, node->in.h, node->in.w, node->in.lanes },
    };
    const struct mien_computed of_skip = {
        .label = node->labels[MIEN_LABEL_BACKWARD],
        .what = "gradient of what the mark kept",
        .buffer = node->class->multiplies ? node->dskip.buffer : NULL,
        .act = { n, node->out.c, node->out.h, node->out.w, node->out.lanes },
    };
    if (model->look != NULL && of_input.buffer != NULL) {
        TRY(model->look(model->look_user, &of_input, err));
    }
    if (model->look != NULL && of_skip.buffer != NULL) {
        TRY(model->look(model->look_user, &of_skip, err));
    }

done:
    return st;
}

void mien_model_weights_changed(struct mien_model *model)
{
    model->folded = false;
}

/* Before the first batch of an evaluation. */
static enum mien_status fold_norms(struct mien_model *model, struct mien_error *err)
{
    for (size_t i = 0; !model->folded && i < model->graph.count; i++) {
        const struct mien_node *const node = &model->graph.nodes[i];
        if (node->norm != NULL) {
            mien_cl_label(model->cl, node->norm->labels[MIEN_LABEL_FORWARD]);
            const enum mien_status st = mien_node_fold(node, model->cl, err);
            if (st != MIEN_OK) {
                return mien_wrap(err, st, "%s forward", node->norm->layer->name);
            }
        }
    }
    model->folded = true;
    return MIEN_OK;
}

enum mien_status mien_model_forward(struct mien_model *model, int n, const struct mien_draw *train,
                                    struct mien_error *err)
{
    model->draw = train != NULL ? *train : model->draw;
    const struct mien_pass pass = { model->cl, model->work, n, train != NULL, model->draw };
    enum mien_status ready = use_blas(model, err);
    if (train != NULL) {
        model->folded = false; /* the plan has given their memory to gradients */
    } else {
        ready = ready == MIEN_OK ? fold_norms(model, err) : ready;
    }
    if (ready != MIEN_OK) {
        return ready;
    }
    for (size_t i = 0; i < model->graph.count; i++) {
        const struct mien_node *const node = &model->graph.nodes[i];
        mien_cl_label(model->cl, node->labels[MIEN_LABEL_FORWARD]);
        enum mien_status st = node->class->forward(node, &pass, err);
        /* In evaluation a batch norm shows what the node in front of it made. */
        st = st == MIEN_OK && (pass.train || node->norm == NULL) ? show_output(model, node, n, err)
                                                                 : st;
        if (st != MIEN_OK) {
            return mien_wrap(err, st, "%s forward", node->layer->name);
        }
    }
    return MIEN_OK;
}

enum mien_status mien_model_backward(struct mien_model *model, int n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_pass pass = { model->cl, model->work, n, model->train, model->draw };
    const struct mien_graph *const graph = &model->graph;
    TRY(use_blas(model, err));
    if (graph->output_after_relu && graph->logits_gradient.buffer != NULL) {
        const struct mien_act act = mien_model_output_act(model, n);
        TRY(mien_relu_bwd(model->cl, graph->logits_gradient.buffer, graph->logits_gradient.buffer,
                          graph->logits.buffer, &act, err));
    }
    for (size_t i = graph->count; i > 0; i--) {
        const struct mien_node *const node = &graph->nodes[i - 1];
        if (node->dy.buffer == NULL) {
            continue; /* no layer before it has parameters */
        }
        mien_cl_label(model->cl, node->labels[MIEN_LABEL_BACKWARD]);
        st = node->class->backward(node, &pass, err);
        st = st == MIEN_OK ? show_gradients(model, node, n, err) : st;
        if (st != MIEN_OK) {
            return mien_wrap(err, st, "%s backward", node->layer->name);
        }
    }

done:
    return st;
}
