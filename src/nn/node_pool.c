/* node_pool.c - pooling, lone ReLUs and changes of layout in a model */
#include "nn/node.h"
#include "ops/relayout.h"
#include "ops/relu.h"

static enum mien_status setup_pool(struct mien_node *node, enum mien_pool_kind kind,
                                   struct mien_error *err)
{
    const struct mien_layer_spec *const spec = &node->layer->spec;
    const bool global = spec->kind == MIEN_LAYER_GLOBALAVGPOOL;
    const enum mien_status st =
        global ? mien_pool_init(&node->op.pool, kind, &node->in, node->in.h, node->in.w, 1, 0, err)
               : mien_pool_init(&node->op.pool, kind, &node->in, spec->kernel_h, spec->kernel_w,
                                spec->stride, spec->pad, err);
    if (st == MIEN_OK) {
        node->out = mien_pool_output(&node->op.pool);
    }
    return st;
}

enum mien_status mien_node_setup_pool(struct mien_node *node, const struct mien_act *before,
                                      struct mien_error *err)
{
    const struct mien_layer_spec *const spec = &node->pooled->spec;
    return mien_pool_init(&node->pool, MIEN_POOL_MAX, before, spec->kernel_h, spec->kernel_w,
                          spec->stride, spec->pad, err);
}

static enum mien_status setup_maxpool(struct mien_node *node, size_t *work_bytes,
                                      size_t *extra_bytes, struct mien_error *err)
{
    const enum mien_status st = setup_pool(node, MIEN_POOL_MAX, err);
    *work_bytes = 0;
    *extra_bytes = st == MIEN_OK && node->backward ? mien_pool_winner_bytes(&node->op.pool) : 0;
    return st;
}

static enum mien_status forward_maxpool(const struct mien_node *node, const struct mien_pass *pass,
                                        struct mien_error *err)
{
    struct mien_pool op = node->op.pool;
    op.n = pass->n;
    return mien_pool_max_fwd(pass->cl, node->y.buffer, node->extra.buffer, node->x.buffer, &op,
                             node->relu, err);
}

static enum mien_status backward_maxpool(const struct mien_node *node, const struct mien_pass *pass,
                                         struct mien_error *err)
{
    struct mien_pool op = node->op.pool;
    op.n = pass->n;
    if (node->dx.buffer == NULL) {
        return MIEN_OK;
    }
    return mien_pool_max_bwd(pass->cl, node->dx.buffer, node->dy.buffer, node->extra.buffer,
                             node->after_relu ? node->y.buffer : NULL, &op, err);
}

const struct mien_node_class mien_node_maxpool = {
    .fuses_relu = true,
    .masks_output = true,
    .setup = setup_maxpool,
    .forward = forward_maxpool,
    .backward = backward_maxpool,
};

static enum mien_status setup_avgpool(struct mien_node *node, size_t *work_bytes,
                                      size_t *extra_bytes, struct mien_error *err)
{
    *work_bytes = 0;
    *extra_bytes = 0;
    return setup_pool(node, MIEN_POOL_AVG, err);
}

static enum mien_status forward_avgpool(const struct mien_node *node, const struct mien_pass *pass,
                                        struct mien_error *err)
{
    struct mien_pool op = node->op.pool;
    op.n = pass->n;
    return mien_pool_avg_fwd(pass->cl, node->y.buffer, node->x.buffer, &op, node->relu, err);
}

static enum mien_status backward_avgpool(const struct mien_node *node, const struct mien_pass *pass,
                                         struct mien_error *err)
{
    struct mien_pool op = node->op.pool;
    op.n = pass->n;
    if (node->dx.buffer == NULL) {
        return MIEN_OK;
    }
    return mien_pool_avg_bwd(pass->cl, node->dx.buffer, node->dy.buffer,
                             node->after_relu ? node->x.buffer : NULL, &op, err);
}

const struct mien_node_class mien_node_avgpool = {
    .fuses_relu = true,
    .setup = setup_avgpool,
    .forward = forward_avgpool,
    .backward = backward_avgpool,
};

static enum mien_status setup_relu(struct mien_node *node, size_t *work_bytes, size_t *extra_bytes,
                                   struct mien_error *err)
{
    (void)err;
    node->out = node->in;
    *work_bytes = 0;
    *extra_bytes = 0;
    return MIEN_OK;
}

static enum mien_status forward_relu(const struct mien_node *node, const struct mien_pass *pass,
                                     struct mien_error *err)
{
    struct mien_act act = node->in;
    act.n = pass->n;
    return mien_relu_fwd(pass->cl, node->y.buffer, node->x.buffer, &act, err);
}

static enum mien_status backward_relu(const struct mien_node *node, const struct mien_pass *pass,
                                      struct mien_error *err)
{
    struct mien_act act = node->in;
    act.n = pass->n;
    if (node->dx.buffer == NULL) {
        return MIEN_OK;
    }
    /* Where y is above zero so is x: a mask for a ReLU before this one would change nothing. */
    return mien_relu_bwd(pass->cl, node->dx.buffer, node->dy.buffer, node->y.buffer, &act, err);
}

const struct mien_node_class mien_node_relu = {
    .reads_output = true,
    .masks_output = true,
    .setup = setup_relu,
    .forward = forward_relu,
    .backward = backward_relu,
};

/* Blocked activations to plain rows, for CLBlast, and rows to blocks where gates come out of it. */
static enum mien_status setup_relayout(struct mien_node *node, size_t *work_bytes,
                                       size_t *extra_bytes, struct mien_error *err)
{
    (void)err;
    node->out = node->in;
    node->out.lanes = node->in.lanes == 1 ? node->lanes : 1;
    *work_bytes = 0;
    *extra_bytes = 0;
    return MIEN_OK;
}

static enum mien_status forward_relayout(const struct mien_node *node, const struct mien_pass *pass,
                                         struct mien_error *err)
{
    struct mien_act act = node->in.lanes > 1 ? node->in : node->out;
    act.n = pass->n;
    return node->in.lanes > 1
               ? mien_relayout_to_rows(pass->cl, node->y.buffer, node->x.buffer, &act, err)
               : mien_relayout_from_rows(pass->cl, node->y.buffer, node->x.buffer, &act, err);
}

static enum mien_status backward_relayout(const struct mien_node *node,
                                          const struct mien_pass *pass, struct mien_error *err)
{
    struct mien_act act = node->in.lanes > 1 ? node->in : node->out;
    act.n = pass->n;
    if (node->dx.buffer == NULL) {
        return MIEN_OK;
    }
    return node->in.lanes > 1
               ? mien_relayout_from_rows(pass->cl, node->dx.buffer, node->dy.buffer, &act, err)
               : mien_relayout_to_rows(pass->cl, node->dx.buffer, node->dy.buffer, &act, err);
}

const struct mien_node_class mien_node_relayout = {
    .setup = setup_relayout,
    .forward = forward_relayout,
    .backward = backward_relayout,
};
