/* node_conv.c - convolution and dense layers in a model */
#include "base/error.h"
#include "nn/node.h"
#include "tune/table.h"

/* A variant that computes wrong numbers here is not used, whatever else that means. */
static enum mien_status check_barred(const struct mien_node *node, struct mien_error *err)
{
    for (int p = 0; p < MIEN_CONV2D_PASSES; p++) {
        const enum mien_conv2d_pass pass = (enum mien_conv2d_pass)p;
        const enum mien_conv2d_variant variant = node->op.conv.variant[p];
        if ((pass == MIEN_CONV2D_FWD || node->backward) &&
            mien_tuning_barred(node->tuning, MIEN_TUNED_CONV2D, pass, (int)variant)) {
            return mien_fail(
                err, MIEN_ERR_CL,
                "%s: conv2d %s, %s computes wrong numbers on this device, and no other "
                "variant takes its shape; 'mien selftest' tells more",
                node->layer->name, mien_conv2d_pass_name(pass), mien_conv2d_variant_name(variant));
        }
    }
    return MIEN_OK;
}

/* The variant has the last word on whether the pooling is part of it. */
static enum mien_status setup_pooled(struct mien_node *node, struct mien_error *err)
{
    const int edge = node->pooled->spec.stride;
    if (!mien_conv2d_pools(&node->op.conv, MIEN_CONV2D_FWD, edge)) {
        node->pooled = NULL;
        return MIEN_OK;
    }
    const struct mien_act unpooled = node->out;
    const enum mien_status st = mien_node_setup_pool(node, &unpooled, err);
    node->op.conv.pool = edge;
    node->out = mien_pool_output(&node->pool);
    return st;
}

static enum mien_status setup_conv(struct mien_node *node, size_t *work_bytes, size_t *extra_bytes,
                                   struct mien_error *err)
{
    const struct mien_layer_spec *const spec = &node->layer->spec;
    enum mien_status st = mien_conv2d_init(&node->op.conv, &node->in, spec->width, spec->kernel_h,
                                           spec->kernel_w, spec->stride, spec->pad, err);
    st = st == MIEN_OK && spec->groups > 1 ? mien_conv2d_group(&node->op.conv, spec->groups, err)
                                           : st;
    if (st != MIEN_OK) {
        return st;
    }
    mien_conv2d_fit(&node->op.conv, node->local_bytes);
    if (node->op.conv.groups == 1) {
        mien_tuning_apply(node->tuning, &node->op.conv); /* groups have one variant */
    }
    st = check_barred(node, err);
    if (st != MIEN_OK) {
        return st;
    }
    node->op.conv.relu = node->relu;
    node->out = mien_conv2d_output(&node->op.conv);
    if (node->pooled != NULL) {
        st = setup_pooled(node, err);
    }
    *work_bytes = mien_conv2d_work_bytes(&node->op.conv);
    *extra_bytes = 0;
    return st;
}

static enum mien_status forward_conv(const struct mien_node *node, const struct mien_pass *pass,
                                     struct mien_error *err)
{
    struct mien_conv2d op = node->op.conv;
    op.n = pass->n;
    const bool normed = node->norm != NULL && !pass->train;
    if (normed) {
        op.relu = node->norm->relu;
        op.pool = node->norm->pooled_before ? node->norm->pool.stride : 0;
    }
    struct mien_cl_buffer *const y = normed ? node->normed.buffer : node->y.buffer;
    const struct mien_cl_buffer *const weight =
        normed ? node->folded_weight.buffer : node->params[0];
    const struct mien_cl_buffer *const bias = normed ? node->folded_bias.buffer : node->params[1];
    const struct mien_conv2d_out out = { y, node->winner.buffer };
    return mien_conv2d_fwd(pass->cl, &out, node->x.buffer, weight, bias, pass->work, &op, err);
}

/* The gradient of what the convolution made before the pooling.  What a ReLU stopped is zero in dy:
 * the layer behind masks it. */
static enum mien_status unpool(const struct mien_node *node, const struct mien_pass *pass,
                               struct mien_error *err)
{
    struct mien_pool pool = node->pool;
    pool.n = pass->n;
    return mien_pool_max_bwd(pass->cl, node->unpooled.buffer, node->dy.buffer, node->winner.buffer,
                             NULL, &pool, err);
}

/* The gradient of what the convolution itself made. */
static struct mien_cl_buffer *gradient_of(const struct mien_node *node)
{
    return node->unpooled.buffer != NULL ? node->unpooled.buffer : node->dy.buffer;
}

static enum mien_status backward_filter(const struct mien_node *node, const struct mien_pass *pass,
                                        const struct mien_conv2d *op, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl_buffer *const dweight = node->gradients[0];
    struct mien_cl_buffer *const dbias = node->gradients[1];
    const struct mien_conv2d_pooled pooled = { node->dy.buffer, node->winner.buffer };
    if (node->pooled != NULL && node->unpooled.buffer == NULL) {
        return mien_conv2d_bwd_filter_pooled(pass->cl, dweight, dbias, &pooled, node->x.buffer,
                                             pass->work, op, err);
    }
    TRY(node->pooled != NULL ? unpool(node, pass, err) : MIEN_OK);
    TRY(mien_conv2d_bwd_filter(pass->cl, dweight, dbias, gradient_of(node), node->x.buffer,
                               pass->work, op, err));

done:
    return st;
}

static enum mien_status backward_conv(const struct mien_node *node, const struct mien_pass *pass,
                                      struct mien_error *err)
{
    struct mien_conv2d op = node->op.conv;
    op.n = pass->n;
    enum mien_status st = MIEN_OK;
    if (pass->train) { /* models to explain have no poolings in their convolutions */
        mien_cl_label(pass->cl, node->labels[MIEN_LABEL_BACKWARD_FILTER]);
        TRY(backward_filter(node, pass, &op, err));
    }
    if (node->dx.buffer != NULL) {
        mien_cl_label(pass->cl, node->labels[MIEN_LABEL_BACKWARD]);
        TRY(mien_conv2d_bwd_data(pass->cl, node->dx.buffer, gradient_of(node), node->params[0],
                                 node->after_relu ? node->x.buffer : NULL, pass->work, &op, err));
    }

done:
    return st;
}

const struct mien_node_class mien_node_conv = {
    .fuses_relu = true,
    .reads_input = true,
    .setup = setup_conv,
    .forward = forward_conv,
    .backward = backward_conv,
};

static enum mien_status setup_dense(struct mien_node *node, size_t *work_bytes, size_t *extra_bytes,
                                    struct mien_error *err)
{
    const enum mien_status st =
        mien_dense_init(&node->op.dense, &node->in, node->layer->spec.width, err);
    if (st != MIEN_OK) {
        return st;
    }
    node->op.dense.relu = node->relu;
    node->out = (struct mien_act){ node->in.n, node->layer->spec.width, 1, 1, node->in.lanes };
    *work_bytes = mien_dense_work_bytes(&node->op.dense);
    *extra_bytes = 0;
    return MIEN_OK;
}

static enum mien_status forward_dense(const struct mien_node *node, const struct mien_pass *pass,
                                      struct mien_error *err)
{
    struct mien_dense op = node->op.dense;
    op.n = pass->n;
    if (node->norm != NULL && !pass->train) {
        op.relu = node->norm->relu;
        return mien_dense_fwd(pass->cl, node->normed.buffer, node->x.buffer,
                              node->folded_weight.buffer, node->folded_bias.buffer, pass->work, &op,
                              err);
    }
    return mien_dense_fwd(pass->cl, node->y.buffer, node->x.buffer, node->params[0],
                          node->params[1], pass->work, &op, err);
}

static enum mien_status backward_dense(const struct mien_node *node, const struct mien_pass *pass,
                                       struct mien_error *err)
{
    struct mien_dense op = node->op.dense;
    op.n = pass->n;
    enum mien_status st = MIEN_OK;
    if (pass->train) {
        mien_cl_label(pass->cl, node->labels[MIEN_LABEL_BACKWARD_FILTER]);
        st = mien_dense_bwd_weight(pass->cl, node->gradients[0], node->gradients[1],
                                   node->dy.buffer, node->x.buffer, pass->work, &op, err);
    }
    if (st != MIEN_OK || node->dx.buffer == NULL) {
        return st;
    }
    mien_cl_label(pass->cl, node->labels[MIEN_LABEL_BACKWARD]);
    return mien_dense_bwd_data(pass->cl, node->dx.buffer, node->dy.buffer, node->params[0],
                               node->after_relu ? node->x.buffer : NULL, pass->work, &op, err);
}

const struct mien_node_class mien_node_dense = {
    .fuses_relu = true,
    .reads_input = true,
    .setup = setup_dense,
    .forward = forward_dense,
    .backward = backward_dense,
};
