/* node_add.c - residual additions in a model: the sum, and the mark where its gradients meet */
#include "nn/node.h"
#include "ops/add.h"
#include "ops/relu.h"

static enum mien_status setup(struct mien_node *node, size_t *work_bytes, size_t *extra_bytes,
                              struct mien_error *err)
{
    (void)err;
    node->out = node->in;
    *work_bytes = 0;
    *extra_bytes = 0;
    return MIEN_OK;
}

static enum mien_status forward_add(const struct mien_node *node, const struct mien_pass *pass,
                                    struct mien_error *err)
{
    struct mien_act act = node->in;
    act.n = pass->n;
    return mien_add_fwd(pass->cl, node->y.buffer, node->x.buffer, node->skip.buffer, &act,
                        node->relu, err);
}

/*
 * The gradient of both inputs is that of the sum, in the same memory (the ReLU behind it was masked
 * by who took its output): only a ReLU before the sum asks for a tensor of its own.
 */
static enum mien_status backward_add(const struct mien_node *node, const struct mien_pass *pass,
                                     struct mien_error *err)
{
    struct mien_act act = node->in;
    act.n = pass->n;
    if (node->dx.buffer == NULL || node->dx.item == node->dy.item) {
        return MIEN_OK;
    }
    return mien_relu_bwd(pass->cl, node->dx.buffer, node->dy.buffer, node->x.buffer, &act, err);
}

const struct mien_node_class mien_node_add = {
    .fuses_relu = true,
    .setup = setup,
    .forward = forward_add,
    .backward = backward_add,
};

/* Two read the same tensor: the layer behind the mark, and an addition or a product. */
static enum mien_status forward_fork(const struct mien_node *node, const struct mien_pass *pass,
                                     struct mien_error *err)
{
    (void)node;
    (void)pass;
    (void)err;
    return MIEN_OK;
}

static enum mien_status backward_fork(const struct mien_node *node, const struct mien_pass *pass,
                                      struct mien_error *err)
{
    struct mien_act act = node->in;
    act.n = pass->n;
    return mien_add_bwd(pass->cl, node->dx.buffer, node->dy.buffer, node->dskip.buffer,
                        node->after_relu ? node->x.buffer : NULL, &act, err);
}

const struct mien_node_class mien_node_fork = {
    .passes_on = true,
    .setup = setup,
    .forward = forward_fork,
    .backward = backward_fork,
};
