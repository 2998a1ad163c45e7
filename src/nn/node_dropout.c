/* node_dropout.c - dropout in a model in training; in others it is nothing */
#include "nn/node.h"
#include "ops/dropout.h"

static enum mien_status setup(struct mien_node *node, size_t *work_bytes, size_t *extra_bytes,
                              struct mien_error *err)
{
    (void)err;
    node->out = node->in;
    *work_bytes = 0;
    *extra_bytes = 0;
    return MIEN_OK;
}

/* The mask is drawn in both passes instead of kept; an evaluation drops nothing. */
static struct mien_dropout op_of(const struct mien_node *node, const struct mien_pass *pass)
{
    struct mien_act act = node->in;
    act.n = pass->n;
    return (struct mien_dropout){
        .act = act,
        .rate = pass->train ? node->layer->spec.rate : 0.0f,
        .seed = pass->draw.seed,
        .step = pass->draw.step,
        .layer = (cl_uint)node->layer->number,
    };
}

static enum mien_status forward(const struct mien_node *node, const struct mien_pass *pass,
                                struct mien_error *err)
{
    const struct mien_dropout op = op_of(node, pass);
    return mien_dropout(pass->cl, node->y.buffer, node->x.buffer, &op, err);
}

static enum mien_status backward(const struct mien_node *node, const struct mien_pass *pass,
                                 struct mien_error *err)
{
    const struct mien_dropout op = op_of(node, pass);
    if (node->dx.buffer == NULL) {
        return MIEN_OK;
    }
    return mien_dropout(pass->cl, node->dx.buffer, node->dy.buffer, &op, err);
}

const struct mien_node_class mien_node_dropout = {
    .keeps_sign = true,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
