/* node_multiply.c - what a mark kept times one number for each channel, in a model */
#include "nn/node.h"
#include "ops/multiply.h"

static enum mien_status setup(struct mien_node *node, size_t *work_bytes, size_t *extra_bytes,
                              struct mien_error *err)
{
    (void)err;
    const struct mien_shape *const out = &node->layer->out;
    node->out = (struct mien_act){ node->in.n, out->c, out->h, out->w, node->in.lanes };
    *work_bytes = 0;
    *extra_bytes = 0;
    return MIEN_OK;
}

static enum mien_status forward(const struct mien_node *node, const struct mien_pass *pass,
                                struct mien_error *err)
{
    struct mien_act act = node->out;
    act.n = pass->n;
    return mien_multiply(pass->cl, node->y.buffer, node->skip.buffer, node->x.buffer, &act, err);
}

static enum mien_status backward(const struct mien_node *node, const struct mien_pass *pass,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_act act = node->out;
    act.n = pass->n;
    if (node->dx.buffer != NULL) {
        mien_cl_label(pass->cl, node->labels[MIEN_LABEL_BACKWARD_FILTER]);
        TRY(mien_multiply_gates_bwd(pass->cl, node->dx.buffer, node->dy.buffer, node->skip.buffer,
                                    node->after_relu ? node->x.buffer : NULL, &act, err));
    }
    if (node->dskip.buffer != NULL) {
        mien_cl_label(pass->cl, node->labels[MIEN_LABEL_BACKWARD]);
        TRY(mien_multiply(pass->cl, node->dskip.buffer, node->dy.buffer, node->x.buffer, &act,
                          err));
    }

done:
    return st;
}

const struct mien_node_class mien_node_multiply = {
    .multiplies = true,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
