/* node_batchnorm.c - batch normalisation in a model, with a max-pooling behind it or without */
#include "nn/node.h"

static enum mien_status setup(struct mien_node *node, size_t *work_bytes, size_t *extra_bytes,
                              struct mien_error *err)
{
    node->op.batchnorm = (struct mien_batchnorm){
        .act = node->in,
        .eps = 1e-5f,
        .momentum = 0.1f,
        .relu = node->relu,
        .after_relu = node->after_relu,
    };
    node->out = node->in;
    *work_bytes = mien_batchnorm_work_bytes(&node->op.batchnorm);
    *extra_bytes = mien_batchnorm_saved_bytes(&node->op.batchnorm);
    if (node->pooled != NULL) {
        const enum mien_status st = mien_node_setup_pool(node, &node->in, err);
        if (st != MIEN_OK) {
            return st;
        }
        node->out = mien_pool_output(&node->pool);
    }
    return MIEN_OK;
}

/* The order of network.c: weight, bias, running mean, running variance. */
static struct mien_batchnorm_buffers buffers_of(const struct mien_node *node,
                                                const struct mien_pass *pass)
{
    return (struct mien_batchnorm_buffers){
        .weight = node->params[0],
        .bias = node->params[1],
        .running_mean = node->params[2],
        .running_var = node->params[3],
        .saved = node->extra.buffer,
        .dweight = node->gradients[0],
        .dbias = node->gradients[1],
        .work = pass->work,
    };
}

enum mien_status mien_node_fold(const struct mien_node *node, struct mien_cl *cl,
                                struct mien_error *err)
{
    const struct mien_pass none = { .cl = cl };
    const struct mien_node *const norm = node->norm;
    const struct mien_batchnorm_buffers buffers = buffers_of(norm, &none);
    const size_t bytes = mien_cl_buffer_bytes(node->params[0]);
    const struct mien_batchnorm_fold fold = {
        .weight = node->folded_weight.buffer,
        .bias = node->folded_bias.buffer,
        .from_weight = node->params[0],
        .from_bias = node->params[1],
        .each = (cl_int)(bytes / sizeof(cl_float)) / node->out.c,
    };
    return mien_batchnorm_fold(cl, &fold, &buffers, &norm->op.batchnorm, err);
}

/* Evaluation behind a node that has this one in its weights: at most the pooling is left to do. */
static enum mien_status forward_folded(const struct mien_node *node, const struct mien_pass *pass,
                                       struct mien_error *err)
{
    struct mien_pool pool = node->pool;
    pool.n = pass->n;
    return node->pooled == NULL || node->pooled_before
               ? MIEN_OK
               : mien_pool_max_fwd(pass->cl, node->y.buffer, NULL, node->x.buffer, &pool, false,
                                   err);
}

static enum mien_status forward_pooled(const struct mien_node *node, const struct mien_pass *pass,
                                       const struct mien_batchnorm *op, struct mien_error *err)
{
    const struct mien_batchnorm_buffers buffers = buffers_of(node, pass);
    struct mien_pool pool = node->pool;
    pool.n = pass->n;
    return pass->train ? mien_batchnorm_pool_fwd(pass->cl, node->y.buffer, node->winner.buffer,
                                                 node->x.buffer, &buffers, op, &pool, err)
                       : mien_batchnorm_pool_eval(pass->cl, node->y.buffer, node->x.buffer,
                                                  &buffers, op, &pool, err);
}

static enum mien_status forward(const struct mien_node *node, const struct mien_pass *pass,
                                struct mien_error *err)
{
    struct mien_batchnorm op = node->op.batchnorm;
    const struct mien_batchnorm_buffers buffers = buffers_of(node, pass);
    op.act.n = pass->n;
    if (node->folds && !pass->train) {
        return forward_folded(node, pass, err);
    }
    if (node->pooled != NULL) {
        return forward_pooled(node, pass, &op, err);
    }
    return pass->train
               ? mien_batchnorm_fwd(pass->cl, node->y.buffer, node->x.buffer, &buffers, &op, err)
               : mien_batchnorm_eval(pass->cl, node->y.buffer, node->x.buffer, &buffers, &op, err);
}

static enum mien_status backward(const struct mien_node *node, const struct mien_pass *pass,
                                 struct mien_error *err)
{
    struct mien_batchnorm op = node->op.batchnorm;
    struct mien_pool pool = node->pool;
    const struct mien_batchnorm_buffers buffers = buffers_of(node, pass);
    op.act.n = pass->n;
    pool.n = pass->n;
    if (!pass->train) {
        return mien_batchnorm_eval_bwd(pass->cl, node->dx.buffer, node->dy.buffer, node->x.buffer,
                                       &buffers, &op, err);
    }
    if (node->pooled != NULL) {
        return mien_batchnorm_pool_bwd(pass->cl, node->dx.buffer, node->dy.buffer,
                                       node->winner.buffer, node->x.buffer, &buffers, &op, &pool,
                                       err);
    }
    return mien_batchnorm_bwd(pass->cl, node->dx.buffer, node->dy.buffer, node->x.buffer, &buffers,
                              &op, err);
}

const struct mien_node_class mien_node_batchnorm = {
    .fuses_relu = true,
    .reads_input = true,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
