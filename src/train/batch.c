/* batch.c - the gradients of one batch, and where its numbers first are not finite */
#include "train/batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { RECENT = 4 }; /* labels of one node: forward; backward filter and backward data */

/* A look through every result of a batch until one is not finite. */
struct tracer {
    struct mien_cl *cl;
    struct mien_nonfinite *found;
    struct {
        char label[64], kernel[64];
    } recent[RECENT]; /* the last kernel under each of the last labels */
    size_t next;
};

static void note_launch(void *user, const char *kernel, const char *label)
{
    struct tracer *const tracer = user;
    size_t at = (tracer->next + RECENT - 1) % RECENT;
    if (label == NULL || strcmp(tracer->recent[at].label, label) != 0) {
        at = tracer->next;
        tracer->next = (tracer->next + 1) % RECENT;
    }
    (void)snprintf(tracer->recent[at].label, sizeof(tracer->recent[at].label), "%s",
                   label != NULL ? label : "");
    (void)snprintf(tracer->recent[at].kernel, sizeof(tracer->recent[at].kernel), "%s", kernel);
}

static const char *kernel_of(const struct tracer *tracer, const char *label)
{
    for (size_t i = 0; i < RECENT; i++) {
        if (strcmp(tracer->recent[i].label, label) == 0) {
            return tracer->recent[i].kernel;
        }
    }
    return "";
}

/* Numbers of images that are there, in their plain order; unused lanes are nobody's business. */
static void scan(struct mien_nonfinite *found, const float *blocked, const struct mien_act *act)
{
    const size_t lanes = (size_t)act->lanes;
    const size_t image = (size_t)act->c * (size_t)act->h * (size_t)act->w;
    for (size_t n = 0; n < (size_t)act->n; n++) {
        const float *const first = blocked + n / lanes * image * lanes + n % lanes;
        for (size_t i = 0; i < image; i++) {
            if (isfinite(first[i * lanes])) {
                continue;
            }
            if (found->count++ == 0) {
                const size_t plane = (size_t)act->h * (size_t)act->w;
                found->value = first[i * lanes];
                found->at[0] = (int)n;
                found->at[1] = (int)(i / plane);
                found->at[2] = (int)(i % plane / (size_t)act->w);
                found->at[3] = (int)(i % (size_t)act->w);
            }
        }
    }
    found->of = (size_t)act->n * image;
}

static enum mien_status look(void *user, const struct mien_computed *computed,
                             struct mien_error *err)
{
    struct tracer *const tracer = user;
    struct mien_nonfinite *const found = tracer->found;
    const size_t floats = mien_act_floats(&computed->act);
    if (found->count > 0) {
        return MIEN_OK; /* only the first counts */
    }
    float *const numbers = mien_calloc(floats, sizeof(*numbers), err);
    if (numbers == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st =
        mien_cl_read(tracer->cl, numbers, computed->buffer, 0, floats * sizeof(*numbers), err);
    if (st == MIEN_OK) {
        scan(found, numbers, &computed->act);
    }
    free(numbers);
    if (found->count > 0) {
        found->flat = computed->act.n == 1 && computed->act.h == 1 && computed->act.w == 1;
        (void)snprintf(found->label, sizeof(found->label), "%s", computed->label);
        (void)snprintf(found->what, sizeof(found->what), "%s", computed->what);
        (void)snprintf(found->kernel, sizeof(found->kernel), "%s",
                       kernel_of(tracer, computed->label));
    }
    return st;
}

static enum mien_status look_at(struct tracer *tracer, const char *label, const char *what,
                                const struct mien_cl_buffer *buffer, const struct mien_act *act,
                                struct mien_error *err)
{
    const struct mien_computed computed = { label, what, buffer, *act };
    return tracer != NULL ? look(tracer, &computed, err) : MIEN_OK;
}

/* A loss of its own that is not finite shows in the gradient of the logits too, but for infinity.
 */
static enum mien_status look_at_loss(struct tracer *tracer, const struct mien_batch *batch,
                                     struct mien_error *err)
{
    struct mien_softmax_stats stats;
    if (tracer == NULL || tracer->found->count > 0) {
        return MIEN_OK;
    }
    const enum mien_status st = mien_softmax_stats_read(tracer->cl, &stats, batch->stats, err);
    if (st == MIEN_OK && !isfinite(stats.loss)) {
        *tracer->found = (struct mien_nonfinite){
            .count = 1,
            .of = 1,
            .value = (float)stats.loss,
            .flat = true,
            .label = "loss",
            .what = "sum over the images",
        };
        (void)snprintf(tracer->found->kernel, sizeof(tracer->found->kernel), "%s",
                       kernel_of(tracer, "loss"));
    }
    return st;
}

/* Forward, loss and backward, with the parameters as they are; `stats`: NULL, or the batch's. */
static enum mien_status pass(struct mien_model *model, const struct mien_batch *batch,
                             struct mien_cl_buffer *stats, struct tracer *tracer,
                             struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl *const cl = mien_model_cl(model);
    const struct mien_act in = mien_model_input_act(model, batch->n);
    const struct mien_act out = mien_model_output_act(model, batch->n);
    const struct mien_softmax loss = {
        .n = batch->n,
        .classes = out.c,
        .lanes = out.lanes,
        .smoothing = batch->smoothing,
        .second = batch->second,
        .scale = batch->share,
    };
    TRY(look_at(tracer, "batch", "images", mien_model_input(model), &in, err));
    TRY(mien_model_forward(model, batch->n, &batch->draw, err));
    mien_cl_label(cl, "loss");
    TRY(mien_softmax_loss(cl, mien_model_logits_gradient(model), stats, mien_model_logits(model),
                          &batch->target, &loss, err));
    TRY(look_at(tracer, "loss", "gradient of the logits", mien_model_logits_gradient(model), &out,
                err));
    TRY(stats != NULL ? look_at_loss(tracer, batch, err) : MIEN_OK);
    TRY(mien_model_backward(model, batch->n, err));

done:
    return st;
}

/* Found in the second pass, with weights that are nowhere to be seen. */
static void note_climb(struct mien_nonfinite *found)
{
    const size_t used = strlen(found->what);
    (void)snprintf(found->what + used, sizeof(found->what) - used, " with sam's weights");
}

static enum mien_status run(struct mien_model *model, const struct mien_batch *batch,
                            struct tracer *tracer, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_sharpness *const sharpness = batch->sharpness;
    TRY(pass(model, batch, batch->stats, tracer, err));
    if (sharpness != NULL && sharpness->radius > 0.0f) {
        const bool found_before = tracer != NULL && tracer->found->count > 0;
        TRY(mien_sharpness_climb(sharpness, model, err));
        TRY(pass(model, batch, NULL, tracer, err));
        TRY(mien_sharpness_return(sharpness, model, err));
        if (tracer != NULL && !found_before && tracer->found->count > 0) {
            note_climb(tracer->found);
        }
    }

done:
    return st;
}

enum mien_status mien_batch_run(struct mien_model *model, const struct mien_batch *batch,
                                struct mien_error *err)
{
    return run(model, batch, NULL, err);
}

enum mien_status mien_batch_trace(struct mien_nonfinite *found, struct mien_model *model,
                                  const struct mien_batch *batch, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct tracer tracer = { .cl = mien_model_cl(model), .found = found };
    *found = (struct mien_nonfinite){ .count = 0 };
    TRY(mien_softmax_stats_reset(tracer.cl, batch->stats, err));
    mien_cl_watch(tracer.cl, note_launch, &tracer);
    mien_model_watch(model, look, &tracer);
    TRY(run(model, batch, &tracer, err));

done:
    mien_cl_watch(tracer.cl, NULL, NULL);
    mien_model_watch(model, NULL, NULL);
    return st;
}

void mien_nonfinite_weights(struct mien_nonfinite *found, const float *flat,
                            const struct mien_network *network, const char *kernel)
{
    *found = (struct mien_nonfinite){ .count = 0 };
    for (size_t i = 0; i < network->param_count && found->count == 0; i++) {
        const struct mien_param *const param = &network->params[i];
        const struct mien_act act = { 1, (cl_int)param->count, 1, 1, 1 };
        if (param->trainable) { /* a step of training does not read the others */
            scan(found, flat + param->offset, &act);
            (void)snprintf(found->what, sizeof(found->what), "%s", param->name);
        }
    }
    found->flat = true;
    (void)snprintf(found->label, sizeof(found->label), "optimizer of the step before");
    (void)snprintf(found->kernel, sizeof(found->kernel), "%s", kernel);
}

void mien_nonfinite_text(char out[MIEN_NONFINITE_BYTES], const struct mien_nonfinite *found)
{
    char at[64];
    if (found->flat) {
        (void)snprintf(at, sizeof(at), "[%d]", found->at[1]);
    } else {
        (void)snprintf(at, sizeof(at), "[%d][%d][%d][%d]", found->at[0], found->at[1], found->at[2],
                       found->at[3]);
    }
    (void)snprintf(out, MIEN_NONFINITE_BYTES,
                   "%s%s%s%s: %s, %zu of %zu numbers, the first %s at %s", found->label,
                   found->kernel[0] != '\0' ? " (kernel " : "", found->kernel,
                   found->kernel[0] != '\0' ? ")" : "", found->what, found->count, found->of,
                   isnan(found->value)   ? "nan"
                   : found->value > 0.0f ? "inf"
                                         : "-inf",
                   at);
}
