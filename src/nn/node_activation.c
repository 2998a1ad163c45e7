/* node_activation.c - leaky ReLU, sigmoid, SiLU and GELU in a model */
#include "nn/node.h"
#include "ops/activation.h"

static enum mien_status setup(struct mien_node *node, size_t *work_bytes, size_t *extra_bytes,
                              struct mien_error *err)
{
    (void)err;
    node->out = node->in;
    *work_bytes = 0;
    *extra_bytes = 0;
    return MIEN_OK;
}

static struct mien_activation op_of(const struct mien_node *node, const struct mien_pass *pass)
{
    const struct mien_layer_spec *const spec = &node->layer->spec;
    struct mien_act act = node->in;
    act.n = pass->n;
    return (struct mien_activation){
        .kind = spec->kind == MIEN_LAYER_SIGMOID ? MIEN_ACTIVATION_SIGMOID
                : spec->kind == MIEN_LAYER_SILU  ? MIEN_ACTIVATION_SILU
                : spec->kind == MIEN_LAYER_GELU  ? MIEN_ACTIVATION_GELU
                                                 : MIEN_ACTIVATION_LEAKYRELU,
        .act = act,
        .slope = spec->slope,
        .after_relu = node->after_relu,
    };
}

static enum mien_status forward(const struct mien_node *node, const struct mien_pass *pass,
                                struct mien_error *err)
{
    const struct mien_activation op = op_of(node, pass);
    return mien_activation_fwd(pass->cl, node->y.buffer, node->x.buffer, &op, err);
}

static enum mien_status backward(const struct mien_node *node, const struct mien_pass *pass,
                                 struct mien_error *err)
{
    const struct mien_activation op = op_of(node, pass);
    if (node->dx.buffer == NULL) {
        return MIEN_OK;
    }
    return mien_activation_bwd(pass->cl, node->dx.buffer, node->dy.buffer, node->x.buffer, &op,
                               err);
}

const struct mien_node_class mien_node_activation = {
    .bends_input = true,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
