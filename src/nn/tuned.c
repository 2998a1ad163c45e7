/* tuned.c - what of a network can be tuned, and what a model uses */
#include "nn/tuned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/node.h"

/* Whether it is a convolution with more than one variant. */
static bool is_tunable(const struct mien_node *node)
{
    return node->class == &mien_node_conv && node->op.conv.groups == 1;
}

/* What was found so far.  The layers stand in the same memory, behind all tasks that there can be.
 */
struct tasks {
    struct mien_search_task *tasks, *layers;
    size_t count, layer_count;
};

/* Have what is chosen for a task be right in this form, too.  More than there is room for does not
 * come from recipes: forms are a few of bias, ReLU, mask and poolings of one shape. */
static void add_form(struct mien_search_task *task, const struct mien_search_form *form)
{
    for (int i = 0; i < task->form_count; i++) {
        const struct mien_search_form *const has = &task->forms[i];
        if (has->bias == form->bias && has->relu == form->relu && has->mask == form->mask &&
            has->pool == form->pool && has->unasked == form->unasked) {
            return;
        }
    }
    if (task->form_count < MIEN_SEARCH_FORMS) {
        task->forms[task->form_count++] = *form;
    }
}

/* Add a task, or one use and its forms to the same. */
static void add_task(struct mien_search_task *tasks, size_t *count,
                     const struct mien_search_task *task)
{
    for (size_t i = 0; i < *count; i++) {
        if (tasks[i].key.op == task->key.op && tasks[i].key.pass == task->key.pass &&
            memcmp(tasks[i].key.size, task->key.size, sizeof(task->key.size)) == 0) {
            tasks[i].uses++;
            for (int k = 0; k < task->form_count; k++) {
                add_form(&tasks[i], &task->forms[k]);
            }
            return;
        }
    }
    if (mien_search_has_choice(&task->key)) {
        tasks[(*count)++] = *task;
    }
}

/* A form with a pooling, as evaluation has it, and without, for variants that cannot make it: then
 * it is a kernel of its own. */
static void add_pooled(struct mien_search_task *task, struct mien_search_form form)
{
    form.unasked = form.pool > 0;
    add_form(task, &form);
    form.pool = 0;
    form.unasked = false;
    add_form(task, &form);
}

/* What a forward kernel does besides: in training first, then in evaluation, where a batch norm
 * behind the layer is in its weights. */
static void add_forms(struct mien_search_task *task, const struct mien_node *node,
                      const struct mien_search_form *training)
{
    add_form(task, training);
    add_pooled(task, *training);
    if (node->norm != NULL) {
        struct mien_search_form normed = *training;
        normed.bias = true;
        normed.relu = node->norm->relu;
        normed.pool = node->norm->pooled_before ? node->norm->pool.stride : 0;
        add_pooled(task, normed);
    }
}

static void add_conv_forms(struct mien_search_task *task, const struct mien_node *node,
                           enum mien_conv2d_pass pass)
{
    const bool bias = node->layer->param_count > 1;
    switch (pass) {
    case MIEN_CONV2D_FWD: {
        const struct mien_search_form form = { .bias = bias,
                                               .relu = node->relu,
                                               .pool = node->op.conv.pool };
        add_forms(task, node, &form);
        break;
    }
    case MIEN_CONV2D_BWD_DATA:
        add_form(task, &(struct mien_search_form){ .mask = node->after_relu });
        break;
    case MIEN_CONV2D_BWD_FILTER: {
        const bool pooled = node->pooled != NULL && node->unpooled.item == MIEN_NO_ITEM;
        add_form(task, &(struct mien_search_form){ .bias = bias,
                                                   .pool = pooled ? node->op.conv.pool : 0 });
        break;
    }
    }
}

static void add_conv(struct mien_search_task *tasks, size_t *count, const struct mien_node *node)
{
    static const enum mien_node_label labels[MIEN_CONV2D_PASSES] = {
        [MIEN_CONV2D_FWD] = MIEN_LABEL_FORWARD,
        [MIEN_CONV2D_BWD_DATA] = MIEN_LABEL_BACKWARD,
        [MIEN_CONV2D_BWD_FILTER] = MIEN_LABEL_BACKWARD_FILTER,
    };
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        if (pass == MIEN_CONV2D_BWD_DATA && node->dx.item == MIEN_NO_ITEM) {
            continue;
        }
        struct mien_search_task task = {
            .key = mien_tuned_conv2d(&node->op.conv, (enum mien_conv2d_pass)pass),
            .uses = 1,
        };
        add_conv_forms(&task, node, (enum mien_conv2d_pass)pass);
        (void)snprintf(task.label, sizeof(task.label), "%s", node->labels[labels[pass]]);
        add_task(tasks, count, &task);
    }
}

static struct mien_search_task dense_task(const struct mien_node *node)
{
    struct mien_search_task task = {
        .key = mien_tuned_dense(&node->op.dense,
                                node->op.dense.lanes > 1 ? MIEN_TUNED_OWN : MIEN_TUNED_CLBLAST),
        .uses = 1,
    };
    const struct mien_search_form form = {
        .bias = node->layer->param_count > 1,
        .relu = node->relu,
        .mask = node->after_relu,
    };
    add_forms(&task, node, &form);
    (void)snprintf(task.label, sizeof(task.label), "%s", node->layer->name);
    return task;
}

/* Who computes a dense layer, and, for all that CLBlast might compute, with what parameters. */
static void add_dense(struct tasks *tasks, const struct mien_node *node,
                      const struct mien_model_options *options)
{
    const struct mien_search_task task = dense_task(node);
    if (options->blas == MIEN_BLAS_AUTO) {
        add_task(tasks->tasks, &tasks->count, &task);
    }
    for (size_t i = 0; i < tasks->layer_count; i++) {
        struct mien_search_task *const layer = &tasks->layers[i];
        if (memcmp(layer->key.size, task.key.size, sizeof(task.key.size)) == 0) {
            layer->uses++;
            return;
        }
    }
    if (options->blas != MIEN_BLAS_OWN) {
        tasks->layers[tasks->layer_count++] = task;
    }
}

static void add_blas(struct tasks *tasks)
{
    struct mien_search_task task = {
        .key = mien_tuned_blas(NULL),
        .label = "CLBlast, dense layers",
        .uses = 1,
        .layers = tasks->layers,
        .layer_count = tasks->layer_count,
        .own = tasks->layer_count > 0 && tasks->layers[0].key.variant == MIEN_TUNED_OWN,
    };
    if (tasks->layer_count > 0) {
        add_task(tasks->tasks, &tasks->count, &task);
    }
}

enum mien_status mien_network_tasks(struct mien_search_task **out, size_t *count,
                                    const struct mien_network *network,
                                    const struct mien_model_options *options,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_graph graph;
    struct mien_model_options untuned = *options;
    struct tasks tasks = { .tasks = NULL };
    struct mien_tuning bars = { .entries = NULL };
    if (options->tuning != NULL) {
        mien_tuning_bar_all(&bars, options->tuning);
    }
    untuned.tuning = &bars;
    untuned.train = true;
    *out = NULL;
    *count = 0;
    TRY(mien_graph_build(&graph, network, &untuned, err));
    const size_t most = graph.count * MIEN_CONV2D_PASSES + 1;
    tasks.tasks = mien_calloc(most + graph.count, sizeof(*tasks.tasks), err);
    if (tasks.tasks == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    tasks.layers = tasks.tasks + most;
    for (size_t i = 0; i < graph.count; i++) {
        const struct mien_node *const node = &graph.nodes[i];
        if (is_tunable(node)) {
            add_conv(tasks.tasks, &tasks.count, node);
        } else if (node->class == &mien_node_dense) {
            add_dense(&tasks, node, options);
        }
    }
    add_blas(&tasks);
    *out = tasks.tasks;
    *count = tasks.count;

done:
    mien_graph_finish(&graph);
    return st;
}

static enum mien_status put_conv(struct mien_tuning *out, const struct mien_node *node,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (int pass = 0; st == MIEN_OK && pass < MIEN_CONV2D_PASSES; pass++) {
        const struct mien_tuned entry =
            mien_tuned_conv2d(&node->op.conv, (enum mien_conv2d_pass)pass);
        st = mien_tuning_put(out, &entry, err);
    }
    return st;
}

/* `relayout` is the node in front of it where CLBlast computes it, else NULL. */
static enum mien_status put_dense(struct mien_tuning *out, const struct mien_node *node,
                                  const struct mien_node *relayout, struct mien_error *err)
{
    struct mien_dense op = node->op.dense;
    if (relayout == NULL && op.lanes == 1) {
        return MIEN_OK; /* nobody else could */
    }
    op.lanes = relayout != NULL ? relayout->in.lanes : op.lanes; /* as it was found */
    const struct mien_tuned entry =
        mien_tuned_dense(&op, relayout != NULL ? MIEN_TUNED_CLBLAST : MIEN_TUNED_OWN);
    return mien_tuning_put(out, &entry, err);
}

enum mien_status mien_model_tuning(struct mien_tuning *out, const struct mien_model *model,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_graph *const graph = mien_model_graph(model);
    const struct mien_node *relayout = NULL;
    *out = (struct mien_tuning){ .entries = NULL };
    for (size_t i = 0; st == MIEN_OK && i < graph->count; i++) {
        const struct mien_node *const node = &graph->nodes[i];
        if (is_tunable(node)) {
            st = put_conv(out, node, err);
        } else if (node->class == &mien_node_dense) {
            st = put_dense(out, node, relayout, err);
        }
        relayout = node->class == &mien_node_relayout ? node : NULL;
    }
    if (st == MIEN_OK && mien_model_blas(model) != NULL) {
        const struct mien_tuned entry = mien_tuned_blas(mien_model_blas(model));
        st = mien_tuning_put(out, &entry, err);
    }
    return st;
}
