/* optimizer.c - a recipe's optimiser with its state on the device */
#include "train/optimizer.h"

#include <stdlib.h>

#include "base/memory.h"
#include "ops/accumulate.h"
#include "ops/average.h"
#include "ops/clip.h"
#include "ops/guard.h"
#include "ops/optimizer.h"

enum { MAX_STATES = 2 };

struct mien_optimizer {
    struct mien_model *model; /* borrowed */
    struct mien_train_spec spec;
    long steps;
    int state_count;
    struct mien_cl_buffer *states[MAX_STATES];
    struct mien_cl_buffer *decayed; /* [flat_floats / 128] uint8 */
    struct mien_cl_buffer *average; /* of the parameters; NULL without */
    struct mien_cl_buffer *sum;     /* of the gradients of a step's batches; NULL: of one batch */
    struct mien_cl_buffer *clip;    /* of mien_clip_factor(); NULL where nothing is clipped */
};

static int states_of(const struct mien_train_spec *spec)
{
    if (spec->optimizer.kind != MIEN_OPTIMIZER_SGD) {
        return 2;
    }
    return spec->optimizer.momentum > 0.0f ? 1 : 0;
}

size_t mien_optimizer_bytes(const struct mien_train_spec *spec, size_t flat_floats)
{
    const size_t buffers =
        (size_t)states_of(spec) + (spec->ema > 0.0f ? 1 : 0) + (spec->accumulate > 1 ? 1 : 0);
    const size_t clip = spec->clip_norm > 0.0f ? mien_clip_bytes(flat_floats) : 0;
    return buffers * flat_floats * sizeof(cl_float) + flat_floats / MIEN_DECAY_BLOCK + clip;
}

static enum mien_status upload_decayed(struct mien_optimizer *optimizer, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl *const cl = mien_model_cl(optimizer->model);
    const struct mien_network *const network = mien_model_network(optimizer->model);
    const size_t blocks = network->flat_floats / MIEN_DECAY_BLOCK;
    uint8_t *const decayed = mien_calloc(blocks, 1, err);
    if (decayed == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < network->param_count; i++) {
        const struct mien_param *const param = &network->params[i];
        const bool all = optimizer->spec.optimizer.decay_all && param->trainable;
        for (size_t at = 0; at < param->count; at += MIEN_DECAY_BLOCK) {
            decayed[(param->offset + at) / MIEN_DECAY_BLOCK] = param->decayed || all ? 1 : 0;
        }
    }
    TRY(mien_cl_buffer_create(&optimizer->decayed, cl, blocks, err));
    TRY(mien_cl_write(cl, optimizer->decayed, 0, decayed, blocks, err));

done:
    free(decayed);
    return st;
}

enum mien_status mien_optimizer_average_start(struct mien_optimizer *optimizer, const float *flat,
                                              struct mien_error *err)
{
    struct mien_model *const model = optimizer->model;
    if (optimizer->average == NULL) {
        return MIEN_OK;
    }
    return mien_cl_write(mien_model_cl(model), optimizer->average, 0, flat,
                         mien_model_network(model)->flat_floats * sizeof(*flat), err);
}

enum mien_status mien_optimizer_create(struct mien_optimizer **out, struct mien_model *model,
                                       const struct mien_train_spec *spec, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = NULL;
    struct mien_optimizer *optimizer = mien_calloc(1, sizeof(*optimizer), err);
    if (optimizer == NULL) {
        return MIEN_ERR_MEMORY;
    }
    optimizer->model = model;
    optimizer->spec = *spec;
    optimizer->state_count = states_of(spec);
    TRY(upload_decayed(optimizer, err));
    for (int i = 0; i < optimizer->state_count; i++) {
        TRY(mien_cl_buffer_create(&optimizer->states[i], mien_model_cl(model),
                                  mien_cl_buffer_bytes(mien_model_values(model)), err));
        TRY(mien_cl_fill(mien_model_cl(model), optimizer->states[i], 0, err));
    }
    if (spec->ema > 0.0f) {
        TRY(mien_cl_buffer_create(&optimizer->average, mien_model_cl(model),
                                  mien_cl_buffer_bytes(mien_model_values(model)), err));
        TRY(mien_cl_fill(mien_model_cl(model), optimizer->average, 0, err));
    }
    if (spec->accumulate > 1) {
        TRY(mien_cl_buffer_create(&optimizer->sum, mien_model_cl(model),
                                  mien_cl_buffer_bytes(mien_model_values(model)), err));
    }
    if (spec->clip_norm > 0.0f) {
        TRY(mien_cl_buffer_create(&optimizer->clip, mien_model_cl(model),
                                  mien_clip_bytes(mien_model_network(model)->flat_floats), err));
    }
    *out = optimizer;
    optimizer = NULL;

done:
    mien_optimizer_destroy(optimizer);
    return st;
}

void mien_optimizer_destroy(struct mien_optimizer *optimizer)
{
    if (optimizer == NULL) {
        return;
    }
    for (int i = 0; i < optimizer->state_count; i++) {
        mien_cl_buffer_destroy(optimizer->states[i]);
    }
    mien_cl_buffer_destroy(optimizer->decayed);
    mien_cl_buffer_destroy(optimizer->average);
    mien_cl_buffer_destroy(optimizer->sum);
    mien_cl_buffer_destroy(optimizer->clip);
    free(optimizer);
}

static const struct mien_cl_buffer *gradients_of(const struct mien_optimizer *optimizer)
{
    return optimizer->sum != NULL ? optimizer->sum : mien_model_gradients(optimizer->model);
}

enum mien_status mien_optimizer_add(struct mien_optimizer *optimizer, bool begins,
                                    struct mien_error *err)
{
    struct mien_model *const model = optimizer->model;
    if (optimizer->sum == NULL) {
        return MIEN_OK;
    }
    mien_cl_label(mien_model_cl(model), "accumulate");
    return mien_accumulate(mien_model_cl(model), optimizer->sum, mien_model_gradients(model),
                           mien_model_network(model)->flat_floats, begins, err);
}

static enum mien_status update_parameters(struct mien_optimizer *optimizer,
                                          const struct mien_cl_buffer *guard, float rate,
                                          struct mien_error *err)
{
    struct mien_model *const model = optimizer->model;
    struct mien_cl *const cl = mien_model_cl(model);
    const struct mien_train_spec *const spec = &optimizer->spec;
    const size_t count = mien_model_network(model)->flat_floats;
    if (spec->optimizer.kind == MIEN_OPTIMIZER_SGD) {
        const struct mien_sgd op = {
            .rate = rate,
            .momentum = spec->optimizer.momentum,
            .decay = spec->optimizer.weight_decay,
            .nesterov = spec->optimizer.nesterov,
            .clip = optimizer->clip,
            .guard = guard,
        };
        return mien_sgd_step(cl, mien_model_values(model), optimizer->states[0],
                             gradients_of(optimizer), optimizer->decayed, count, &op, err);
    }
    const struct mien_adam op = {
        .rate = rate,
        .beta1 = spec->optimizer.beta1,
        .beta2 = spec->optimizer.beta2,
        .epsilon = spec->optimizer.epsilon,
        .decay = spec->optimizer.weight_decay,
        .decoupled = spec->optimizer.kind == MIEN_OPTIMIZER_ADAMW,
        .step = optimizer->steps,
        .clip = optimizer->clip,
        .guard = guard,
    };
    const struct mien_adam_state state = { optimizer->states[0], optimizer->states[1] };
    return mien_adam_step(cl, mien_model_values(model), &state, gradients_of(optimizer),
                          optimizer->decayed, count, &op, err);
}

/*
 * The average starts as the first weights and keeps (1 + t) / (10 + t) of itself in step t, until
 * that is more than the recipe's share: so the first weights are soon forgotten.
 */
static float average_share(const struct mien_optimizer *optimizer)
{
    const double t = (double)optimizer->steps;
    const double keep = (1.0 + t) / (10.0 + t);
    const double most = (double)optimizer->spec.ema;
    return (float)(1.0 - (keep < most ? keep : most));
}

enum mien_status mien_optimizer_step(struct mien_optimizer *optimizer, struct mien_cl_buffer *guard,
                                     const struct mien_cl_buffer *stats, int number, float rate,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_model *const model = optimizer->model;
    struct mien_cl *const cl = mien_model_cl(model);
    const size_t count = mien_model_network(model)->flat_floats;
    optimizer->steps++;
    mien_cl_label(cl, "guard");
    TRY(mien_guard_step(cl, guard, gradients_of(optimizer), stats, count, number, err));
    if (optimizer->clip != NULL) {
        mien_cl_label(cl, "clip");
        TRY(mien_clip_factor(cl, optimizer->clip, gradients_of(optimizer), count,
                             optimizer->spec.clip_norm, err));
    }
    mien_cl_label(cl, "optimizer");
    TRY(update_parameters(optimizer, guard, rate, err));
    if (optimizer->average != NULL) {
        mien_cl_label(cl, "average");
        TRY(mien_average_update(cl, optimizer->average, mien_model_values(model), count,
                                average_share(optimizer), err));
    }

done:
    return st;
}

const char *mien_optimizer_kernel(const struct mien_train_spec *spec)
{
    return spec->optimizer.kind == MIEN_OPTIMIZER_SGD ? "sgd_step" : "adam_step";
}

struct mien_cl_buffer *mien_optimizer_average(const struct mien_optimizer *optimizer)
{
    return optimizer->average;
}

enum mien_status mien_optimizer_swap(struct mien_optimizer *optimizer, struct mien_error *err)
{
    struct mien_model *const model = optimizer->model;
    if (optimizer->average == NULL) {
        return MIEN_OK;
    }
    mien_cl_label(mien_model_cl(model), "average");
    return mien_average_swap(mien_model_cl(model), optimizer->average, mien_model_values(model),
                             mien_model_network(model)->flat_floats, err);
}

long mien_optimizer_steps(const struct mien_optimizer *optimizer)
{
    return optimizer->steps;
}

void mien_optimizer_set_steps(struct mien_optimizer *optimizer, long steps)
{
    optimizer->steps = steps;
}

const char *mien_optimizer_state_name(const struct mien_optimizer *optimizer, int index)
{
    static const char *const adam[MAX_STATES] = { "adam_mean", "adam_square" };
    if (index < 0 || index >= optimizer->state_count) {
        return NULL;
    }
    return optimizer->spec.optimizer.kind == MIEN_OPTIMIZER_SGD ? "momentum" : adam[index];
}

struct mien_cl_buffer *mien_optimizer_state(const struct mien_optimizer *optimizer, int index)
{
    return index >= 0 && index < optimizer->state_count ? optimizer->states[index] : NULL;
}
