/* against.c - the same training steps on two devices, and how far they are apart */
#include "train/against.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/made_up.h"

/* One device's training, and where its numbers come to. */
struct side {
    struct mien_trainer trainer;
    float *numbers;                   /* [flat_floats] */
    double loss;                      /* mean of the step */
    struct mien_softmax_stats before; /* until the step before */
};

void mien_apart_finish(struct mien_apart *apart)
{
    free(apart->layers);
    *apart = (struct mien_apart){ .layers = NULL };
}

/* NaN is no small distance. */
static bool is_far(double distance)
{
    return !(distance <= MIEN_APART_TOLERANCE);
}

bool mien_layer_is_apart(const struct mien_layer_apart *layer)
{
    return is_far(layer->gradient);
}

bool mien_apart_failed(const struct mien_apart *apart)
{
    bool failed = is_far(apart->loss);
    for (size_t i = 0; i < apart->count; i++) {
        failed = failed || mien_layer_is_apart(&apart->layers[i]);
    }
    return failed;
}

/* The largest distance of a layer's numbers, of the largest of them. */
static double distance(const float *a, const float *b, const struct mien_network *network,
                       const struct mien_layer *layer, bool trainable)
{
    double most = 0.0;
    double scale = 0.0;
    for (int p = layer->first_param; p < layer->first_param + layer->param_count; p++) {
        const struct mien_param *const param = &network->params[p];
        for (size_t i = 0; (param->trainable || !trainable) && i < param->count; i++) {
            const double here = (double)a[param->offset + i];
            const double there = (double)b[param->offset + i];
            if (!isfinite(here) || !isfinite(there)) {
                return (double)NAN;
            }
            most = fabs(here - there) > most ? fabs(here - there) : most;
            scale = fabs(here) > scale ? fabs(here) : scale;
        }
    }
    return most == 0.0 ? 0.0 : most / scale; /* infinite where one has nothing but zeros */
}

static enum mien_status name_layers(struct mien_apart *out, const struct mien_network *network,
                                    struct mien_error *err)
{
    out->layers = mien_calloc(network->layer_count, sizeof(*out->layers), err);
    if (out->layers == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < network->layer_count; i++) {
        if (network->layers[i].param_count > 0) {
            struct mien_layer_apart *const apart = &out->layers[out->count++];
            apart->step = 1;
            (void)snprintf(apart->layer, sizeof(apart->layer), "%s", network->layers[i].name);
        }
    }
    return MIEN_OK;
}

/* Fetch the flat gradients or weights. */
static enum mien_status fetch(struct side *side, const struct mien_cl_buffer *buffer,
                              struct mien_error *err)
{
    const size_t count = side->trainer.file->network->flat_floats;
    return mien_cl_read(side->trainer.cl, side->numbers, buffer, 0, count * sizeof(float), err);
}

static enum mien_status make_step(struct side *side, int step, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_softmax_stats stats;
    side->trainer.position.step = (size_t)step;
    TRY(mien_trainer_step(&side->trainer, err));
    TRY(mien_trainer_stats(&stats, &side->trainer, err));
    side->loss = mien_softmax_mean_loss(&stats, &side->before);
    side->before = stats;

done:
    return st;
}

/* Keep what is larger, and NaN above all. */
static bool is_more(double distance, double most)
{
    return !isnan(most) && !(distance <= most);
}

static enum mien_status compare_step(struct mien_apart *out, struct side sides[2], int step,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_network *const network = sides[0].trainer.file->network;
    for (int i = 0; i < 2; i++) {
        TRY(make_step(&sides[i], step, err));
        TRY(fetch(&sides[i], mien_model_gradients(sides[i].trainer.model), err));
    }
    const double loss = fabs(sides[0].loss - sides[1].loss) / fabs(sides[0].loss);
    out->loss = is_more(loss, out->loss) ? loss : out->loss;
    size_t at = 0;
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_layer *const layer = &network->layers[i];
        if (layer->param_count > 0) {
            struct mien_layer_apart *const apart = &out->layers[at++];
            const double here = distance(sides[0].numbers, sides[1].numbers, network, layer, true);
            if (is_more(here, apart->gradient)) {
                apart->gradient = here;
                apart->step = step + 1;
            }
        }
    }

done:
    return st;
}

static enum mien_status compare_weights(struct mien_apart *out, struct side sides[2],
                                        struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_network *const network = sides[0].trainer.file->network;
    size_t at = 0;
    for (int i = 0; i < 2; i++) {
        TRY(fetch(&sides[i], mien_model_values(sides[i].trainer.model), err));
    }
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_layer *const layer = &network->layers[i];
        if (layer->param_count > 0) {
            out->layers[at++].weight =
                distance(sides[0].numbers, sides[1].numbers, network, layer, false);
        }
    }

done:
    return st;
}

static enum mien_status begin(struct side *side, const struct mien_against_side *on,
                              struct mien_model_file *file, const struct mien_dataset *set,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_trainer_options options = { .tuning = on->tuning, .shuffle = true };
    side->numbers = mien_calloc(file->network->flat_floats, sizeof(*side->numbers), err);
    if (side->numbers == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_trainer_init(&side->trainer, on->cl, file, set, &options, err));
    TRY(mien_trainer_begin_epoch(&side->trainer, err));

done:
    return st;
}

enum mien_status mien_against(struct mien_apart *out, const struct mien_against_side sides[2],
                              struct mien_model_file *file,
                              const struct mien_against_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_made_up made_up = { .images = NULL };
    struct side both[2] = { { .numbers = NULL }, { .numbers = NULL } };
    *out = (struct mien_apart){ .layers = NULL };
    TRY(mien_made_up_init(&made_up, file, (size_t)options->steps + 1, err));
    TRY(name_layers(out, file->network, err));
    for (int i = 0; i < 2; i++) {
        TRY(begin(&both[i], &sides[i], file, &made_up.set, err));
    }
    for (int step = 0; step < options->steps; step++) {
        if (options->stop != NULL && options->stop(options->user)) {
            st = mien_fail(err, MIEN_ERR_INTERRUPTED, "stopped");
            goto done;
        }
        TRY(compare_step(out, both, step, err));
        mien_log_progress(options->log, "steps", (size_t)step + 1, (size_t)options->steps);
    }
    TRY(compare_weights(out, both, err));
    TRY(compare_step(out, both, options->steps, err)); /* sees what the last update made */

done:
    for (int i = 0; i < 2; i++) {
        mien_trainer_finish(&both[i].trainer);
        free(both[i].numbers);
    }
    mien_made_up_finish(&made_up);
    return st;
}
