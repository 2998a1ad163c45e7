/* gradients.c - explanations from gradients: saliency, Grad-CAM, integrated gradients */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "explain/explain.h"

/* Copies of each target, one behind another: what all three methods have in common. */
struct work {
    const struct mien_targets *targets;
    size_t copies; /* of a target */
    int c, pixels; /* of an image */
    float *sums;   /* [targets][c][pixels]: of the copies' gradients */
    float *maps, *ends;
    const struct mien_saliency *saliency;
    float *ranges; /* [images] standard deviation of the noise */
    size_t tap;
    struct mien_shape shape; /* of the tapped layer */
    float *channels;
};

static size_t image_floats(const struct work *work)
{
    return (size_t)work->c * (size_t)work->pixels;
}

static size_t count_targets(const struct mien_targets *targets)
{
    return targets->image_count * targets->per_image;
}

static const float *image_of(const struct work *work, size_t target)
{
    return work->targets->images + target / work->targets->per_image * image_floats(work);
}

static struct work begin(const struct mien_probe *probe, const struct mien_targets *targets,
                         size_t copies)
{
    const struct mien_shape *const input = &mien_probe_network(probe)->input;
    return (struct work){
        .targets = targets, .copies = copies, .c = input->c, .pixels = input->h * input->w
    };
}

/* Copies of the images as they are, or fainter or noisier ones: `change` makes them. */
static void make(const struct work *work, const struct mien_probe_batch *batch,
                 void (*change)(const struct work *work, float *image, size_t target, size_t copy))
{
    const size_t floats = image_floats(work);
    for (int i = 0; i < batch->n; i++) {
        const size_t at = batch->first + (size_t)i;
        const size_t target = at / work->copies;
        float *const image = batch->images + (size_t)i * floats;
        memcpy(image, image_of(work, target), floats * sizeof(*image));
        batch->classes[i] = work->targets->classes[target];
        if (change != NULL) {
            change(work, image, target, at % work->copies);
        }
    }
}

static void take_sums(void *user, const struct mien_probe_batch *batch)
{
    const struct work *const work = user;
    const size_t floats = image_floats(work);
    for (int i = 0; i < batch->n; i++) {
        const size_t target = (batch->first + (size_t)i) / work->copies;
        const float *const from = batch->gradients + (size_t)i * floats;
        float *const to = work->sums + target * floats;
        for (size_t k = 0; k < floats; k++) {
            to[k] += from[k];
        }
    }
}

/* Standard normal numbers from pairs of uniform ones (Box and Muller). */
static void add_noise(const struct work *work, float *image, size_t target, size_t copy)
{
    const size_t floats = image_floats(work);
    const float deviation = work->ranges[target / work->targets->per_image];
    for (size_t k = 0; k < floats; k += 4) {
        uint32_t bits[4];
        mien_random_block(bits, work->saliency->seed, MIEN_STREAM_EXPLAIN, (uint32_t)copy, k / 4);
        for (size_t pair = 0; pair < 2; pair++) {
            const float u = 1.0f - mien_random_unit(bits[2 * pair]); /* (0, 1] */
            const float radius = deviation * sqrtf(-2.0f * logf(u));
            const float turn = 6.2831853f * mien_random_unit(bits[2 * pair + 1]);
            const size_t at = k + 2 * pair;
            if (at < floats) {
                image[at] += radius * cosf(turn);
            }
            if (at + 1 < floats) {
                image[at + 1] += radius * sinf(turn);
            }
        }
    }
}

static void make_noisy(void *user, const struct mien_probe_batch *batch)
{
    const struct work *const work = user;
    make(work, batch, work->copies > 1 ? add_noise : NULL);
}

static enum mien_status measure_ranges(struct work *work, struct mien_error *err)
{
    const size_t floats = image_floats(work);
    work->ranges = mien_calloc(work->targets->image_count, sizeof(*work->ranges), err);
    if (work->ranges == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < work->targets->image_count; i++) {
        const float *const image = work->targets->images + i * floats;
        float low = image[0];
        float high = image[0];
        for (size_t k = 1; k < floats; k++) {
            low = fminf(low, image[k]);
            high = fmaxf(high, image[k]);
        }
        work->ranges[i] = (float)work->saliency->noise * (high - low);
    }
    return MIEN_OK;
}

/* Sums of the gradients of all copies of each target; free(work->sums). */
static enum mien_status sum_gradients(struct work *work, struct mien_probe *probe,
                                      void (*maker)(void *, const struct mien_probe_batch *),
                                      struct mien_error *err)
{
    const size_t targets = count_targets(work->targets);
    work->sums = mien_calloc(targets, image_floats(work) * sizeof(*work->sums), err);
    if (work->sums == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const struct mien_probe_job job = { .count = targets * work->copies,
                                        .gradients = true,
                                        .make = maker,
                                        .take = take_sums,
                                        .user = work };
    return mien_probe_run(probe, &job, err);
}

enum mien_status mien_explain_saliency(float *maps, struct mien_probe *probe,
                                       const struct mien_targets *targets,
                                       const struct mien_saliency *op, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct work work = begin(probe, targets, (size_t)op->samples);
    work.saliency = op;
    TRY(measure_ranges(&work, err));
    TRY(sum_gradients(&work, probe, make_noisy, err));
    for (size_t t = 0; t < count_targets(targets); t++) {
        const float *const sums = work.sums + t * image_floats(&work);
        for (int k = 0; k < work.pixels; k++) {
            float most = 0.0f;
            for (int c = 0; c < work.c; c++) {
                most = fmaxf(most, fabsf(sums[c * work.pixels + k]));
            }
            maps[t * (size_t)work.pixels + (size_t)k] = most / (float)op->samples;
        }
    }

done:
    free(work.ranges);
    free(work.sums);
    return st;
}

/* Copy s is the image at (s + 1/2) / steps of its strength: the baseline is zero. */
static void fade(const struct work *work, float *image, size_t target, size_t copy)
{
    (void)target;
    const float strength = ((float)copy + 0.5f) / (float)work->copies;
    for (size_t k = 0; k < image_floats(work); k++) {
        image[k] *= strength;
    }
}

static void make_faded(void *user, const struct mien_probe_batch *batch)
{
    make(user, batch, fade);
}

/* The two ends of a target's way: copy 0 is the baseline, copy 1 the image. */
static void fade_wholly(const struct work *work, float *image, size_t target, size_t copy)
{
    (void)target;
    if (copy == 0) {
        memset(image, 0, image_floats(work) * sizeof(*image));
    }
}

static void make_ends(void *user, const struct mien_probe_batch *batch)
{
    make(user, batch, fade_wholly);
}

static void take_ends(void *user, const struct mien_probe_batch *batch)
{
    const struct work *const work = user;
    for (int i = 0; i < batch->n; i++) {
        const size_t at = batch->first + (size_t)i;
        const size_t classes = (size_t)work->shape.c;
        work->ends[at] = batch->logits[(size_t)i * classes + (size_t)batch->classes[i]];
    }
}

enum mien_status mien_explain_integrated(float *maps, float *ends, struct mien_probe *probe,
                                         const struct mien_targets *targets, int steps,
                                         struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct work work = begin(probe, targets, (size_t)steps);
    struct work both = begin(probe, targets, 2);
    both.ends = ends;
    both.shape.c = mien_probe_network(probe)->classes;
    const struct mien_probe_job job = {
        .count = 2 * count_targets(targets), .make = make_ends, .take = take_ends, .user = &both
    };
    TRY(mien_probe_run(probe, &job, err));
    TRY(sum_gradients(&work, probe, make_faded, err));
    for (size_t t = 0; t < count_targets(targets); t++) {
        const float *const sums = work.sums + t * image_floats(&work);
        const float *const image = image_of(&work, t);
        for (int k = 0; k < work.pixels; k++) {
            double sum = 0.0;
            for (int c = 0; c < work.c; c++) {
                const int at = c * work.pixels + k;
                sum += (double)sums[at] / steps * (double)image[at];
            }
            maps[t * (size_t)work.pixels + (size_t)k] = (float)sum;
        }
    }

done:
    free(work.sums);
    return st;
}

const struct mien_layer *mien_explain_default_layer(const struct mien_network *network)
{
    const struct mien_layer *found = NULL;
    /* No other layer but batch norm since the last convolution, sum or product. */
    bool open = false;
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_layer *const layer = &network->layers[i];
        const enum mien_layer_kind kind = layer->spec.kind;
        const bool active = mien_layer_is_activation(kind);
        const bool maps =
            mien_layer_takes_mark(kind) || (kind == MIEN_LAYER_CONV && !layer->projects);
        const bool here = layer->out.h * layer->out.w > 1 && (maps || (active && open));
        found = here ? layer : found;
        open = maps || (kind == MIEN_LAYER_BATCHNORM && open);
    }
    return found;
}

void mien_gradcam_channels(float *channels, const float *output, const float *gradient, int c,
                           int pixels)
{
    for (int k = 0; k < c; k++) {
        const size_t first = (size_t)k * (size_t)pixels;
        double sum = 0.0;
        for (int i = 0; i < pixels; i++) {
            sum += (double)gradient[first + (size_t)i];
        }
        const float weight = (float)(sum / pixels);
        for (int i = 0; i < pixels; i++) {
            channels[first + (size_t)i] = weight * output[first + (size_t)i];
        }
    }
}

static void make_plain(void *user, const struct mien_probe_batch *batch)
{
    make(user, batch, NULL);
}

static void take_gradcam(void *user, const struct mien_probe_batch *batch)
{
    const struct work *const work = user;
    const int pixels = work->shape.h * work->shape.w;
    const size_t floats = (size_t)work->shape.c * (size_t)pixels;
    for (int i = 0; i < batch->n; i++) {
        float *const map = work->maps + (batch->first + (size_t)i) * (size_t)pixels;
        mien_gradcam_channels(work->channels, batch->outputs[work->tap] + (size_t)i * floats,
                              batch->output_gradients[work->tap] + (size_t)i * floats,
                              work->shape.c, pixels);
        for (int k = 0; k < pixels; k++) {
            double sum = 0.0;
            for (int c = 0; c < work->shape.c; c++) {
                sum += (double)work->channels[c * pixels + k];
            }
            map[k] = sum > 0.0 ? (float)sum : 0.0f;
        }
    }
}

enum mien_status mien_explain_gradcam(float *maps, struct mien_probe *probe,
                                      const struct mien_targets *targets, size_t tap,
                                      struct mien_error *err)
{
    struct work work = begin(probe, targets, 1);
    work.maps = maps;
    work.tap = tap;
    work.shape = mien_probe_layer(probe, tap)->out;
    const size_t floats = (size_t)work.shape.c * (size_t)work.shape.h * (size_t)work.shape.w;
    work.channels = mien_calloc(floats, sizeof(*work.channels), err);
    if (work.channels == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const struct mien_probe_job job = { .count = count_targets(targets),
                                        .gradients = true,
                                        .taps = true,
                                        .make = make_plain,
                                        .take = take_gradcam,
                                        .user = &work };
    const enum mien_status st = mien_probe_run(probe, &job, err);
    free(work.channels);
    return st;
}
