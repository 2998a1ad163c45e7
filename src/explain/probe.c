/* probe.c - a trained network asked about many changed copies of images */
#include "explain/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/weights.h"
#include "ops/relayout.h"

struct mien_probe {
    struct mien_cl *cl;
    const struct mien_network *network;
    struct mien_model *model;
    struct mien_cl_buffer *rows; /* the largest tensor of a batch, plain */
    size_t *taps;                /* [tap_count] layers */
    size_t tap_count;
    float *images, *gradients, *logits, *seeds; /* of a batch, plain */
    int32_t *classes;
    float **outputs, **output_gradients; /* [tap_count], likewise */
};

static size_t floats_of(const struct mien_act *act)
{
    return (size_t)act->n * (size_t)act->c * (size_t)act->h * (size_t)act->w;
}

/* Host memory for a batch of a tensor. */
static float *allocate(const struct mien_act *act, struct mien_error *err)
{
    return mien_calloc(floats_of(act), sizeof(float), err);
}

static enum mien_status allocate_taps(struct mien_probe *probe, struct mien_error *err)
{
    const int batch = mien_model_batch(probe->model);
    probe->outputs = mien_calloc(probe->tap_count, sizeof(float *), err);
    probe->output_gradients = mien_calloc(probe->tap_count, sizeof(float *), err);
    if (probe->outputs == NULL || probe->output_gradients == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < probe->tap_count; i++) {
        const struct mien_act act = mien_model_tap_act(probe->model, i, batch);
        probe->outputs[i] = allocate(&act, err);
        probe->output_gradients[i] = allocate(&act, err);
        if (probe->outputs[i] == NULL || probe->output_gradients[i] == NULL) {
            return MIEN_ERR_MEMORY;
        }
    }
    return MIEN_OK;
}

static enum mien_status allocate_all(struct mien_probe *probe, size_t rows_bytes,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const int batch = mien_model_batch(probe->model);
    const struct mien_act in = mien_model_input_act(probe->model, batch);
    const struct mien_act out = mien_model_output_act(probe->model, batch);
    probe->images = allocate(&in, err);
    probe->gradients = allocate(&in, err);
    probe->logits = allocate(&out, err);
    probe->seeds = allocate(&out, err);
    probe->classes = mien_calloc((size_t)batch, sizeof(*probe->classes), err);
    if (probe->images == NULL || probe->gradients == NULL || probe->logits == NULL ||
        probe->seeds == NULL || probe->classes == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(allocate_taps(probe, err));
    TRY(mien_cl_buffer_create(&probe->rows, probe->cl, rows_bytes, err));

done:
    return st;
}

/* The largest tensor that goes to the host or comes from it, of one copy. */
static size_t most_floats(const struct mien_probe *probe)
{
    const struct mien_network *const network = probe->network;
    size_t most = (size_t)network->classes;
    for (size_t i = 0; i < probe->tap_count + 1; i++) {
        const struct mien_shape *const shape =
            i == 0 ? &network->input : &network->layers[probe->taps[i - 1]].out;
        const size_t floats = (size_t)shape->c * (size_t)shape->h * (size_t)shape->w;
        most = floats > most ? floats : most;
    }
    return most;
}

/* All that is of a batch. */
static void release(struct mien_probe *probe)
{
    for (size_t i = 0; i < probe->tap_count; i++) {
        free(probe->outputs != NULL ? probe->outputs[i] : NULL);
        free(probe->output_gradients != NULL ? probe->output_gradients[i] : NULL);
    }
    free(probe->outputs);
    free(probe->output_gradients);
    free(probe->images);
    free(probe->gradients);
    free(probe->logits);
    free(probe->seeds);
    free(probe->classes);
    mien_cl_buffer_destroy(probe->rows);
    mien_model_destroy(probe->model);
    probe->outputs = probe->output_gradients = NULL;
    probe->images = probe->gradients = probe->logits = probe->seeds = NULL;
    probe->classes = NULL;
    probe->rows = NULL;
    probe->model = NULL;
}

/*
 * As many copies as asked for, or half of them, and so on, until they fit: the device, the host,
 * and the indices of a tensor.
 */
static enum mien_status place(struct mien_probe *probe, const struct mien_probe_options *options,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    bool smaller = false;
    struct mien_model_options model = {
        .batch = options->batch,
        .blas = options->blas,
        .tuning = options->tuning,
        .explain = true,
        .taps = options->taps,
        .tap_count = options->tap_count,
    };
    do {
        release(probe);
        model.beside_bytes = (size_t)model.batch * most_floats(probe) * sizeof(cl_float);
        st = mien_model_create(&probe->model, probe->cl, probe->network, &model, err);
        st = st == MIEN_OK ? allocate_all(probe, model.beside_bytes, err) : st;
        smaller = (st == MIEN_ERR_MEMORY || st == MIEN_ERR_SHAPE) && model.batch > 1;
        model.batch /= 2;
    } while (smaller);
    return st;
}

enum mien_status mien_probe_create(struct mien_probe **out, struct mien_cl *cl,
                                   const struct mien_network *network, const float *weights,
                                   const struct mien_probe_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    *out = NULL;
    struct mien_probe *probe = mien_calloc(1, sizeof(*probe), err);
    if (probe == NULL) {
        return MIEN_ERR_MEMORY;
    }
    probe->cl = cl;
    probe->network = network;
    probe->taps = mien_calloc(options->tap_count, sizeof(*probe->taps), err);
    if (probe->taps == NULL) {
        goto done;
    }
    probe->tap_count = options->tap_count;
    if (options->tap_count > 0) {
        memcpy(probe->taps, options->taps, options->tap_count * sizeof(*probe->taps));
    }
    TRY(place(probe, options, err));
    TRY(mien_weights_upload(probe->model, weights, err));
    *out = probe;
    probe = NULL;

done:
    mien_probe_destroy(probe);
    return st;
}

void mien_probe_destroy(struct mien_probe *probe)
{
    if (probe == NULL) {
        return;
    }
    release(probe);
    free(probe->taps);
    free(probe);
}

const struct mien_network *mien_probe_network(const struct mien_probe *probe)
{
    return probe->network;
}

const struct mien_layer *mien_probe_layer(const struct mien_probe *probe, size_t tap)
{
    return &probe->network->layers[probe->taps[tap]];
}

static enum mien_status upload(struct mien_probe *probe, struct mien_cl_buffer *to,
                               const float *plain, const struct mien_act *act,
                               struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_cl_write(probe->cl, probe->rows, 0, plain, floats_of(act) * sizeof(*plain), err));
    TRY(mien_relayout_from_rows(probe->cl, to, probe->rows, act, err));

done:
    return st;
}

static enum mien_status download(struct mien_probe *probe, float *plain,
                                 const struct mien_cl_buffer *from, const struct mien_act *act,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_relayout_to_rows(probe->cl, probe->rows, from, act, err));
    TRY(mien_cl_read(probe->cl, plain, probe->rows, 0, floats_of(act) * sizeof(*plain), err));

done:
    return st;
}

/* One for the logit that a copy's gradient is of, zero for the others: then back to the input. */
static enum mien_status go_back(struct mien_probe *probe, int n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act in = mien_model_input_act(probe->model, n);
    const struct mien_act out = mien_model_output_act(probe->model, n);
    memset(probe->seeds, 0, floats_of(&out) * sizeof(*probe->seeds));
    for (int i = 0; i < n; i++) {
        probe->seeds[(size_t)i * (size_t)out.c + (size_t)probe->classes[i]] = 1.0f;
    }
    TRY(upload(probe, mien_model_logits_gradient(probe->model), probe->seeds, &out, err));
    TRY(mien_model_backward(probe->model, n, err));
    TRY(download(probe, probe->gradients, mien_model_input_gradient(probe->model), &in, err));

done:
    return st;
}

static enum mien_status read_taps(struct mien_probe *probe, int n, bool gradients,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (size_t i = 0; i < probe->tap_count; i++) {
        const struct mien_act act = mien_model_tap_act(probe->model, i, n);
        TRY(download(probe, probe->outputs[i], mien_model_tap(probe->model, i), &act, err));
        if (gradients) {
            TRY(download(probe, probe->output_gradients[i],
                         mien_model_tap_gradient(probe->model, i), &act, err));
        }
    }

done:
    return st;
}

/* Weights that are not finite, or absurd, show here. */
static enum mien_status check_finite(const struct mien_probe *probe, int n, struct mien_error *err)
{
    const size_t count = (size_t)n * (size_t)probe->network->classes;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(probe->logits[i])) {
            return mien_fail(err, MIEN_ERR_NOT_FINITE, "what the model gives is not finite");
        }
    }
    return MIEN_OK;
}

static enum mien_status run_batch(struct mien_probe *probe, const struct mien_probe_job *job,
                                  size_t first, int n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act in = mien_model_input_act(probe->model, n);
    const struct mien_act out = mien_model_output_act(probe->model, n);
    const struct mien_probe_batch batch = {
        .first = first,
        .n = n,
        .images = probe->images,
        .classes = probe->classes,
        .logits = probe->logits,
        .gradients = probe->gradients,
        .outputs = (const float *const *)probe->outputs,
        .output_gradients = (const float *const *)probe->output_gradients,
    };
    job->make(job->user, &batch);
    TRY(upload(probe, mien_model_input(probe->model), probe->images, &in, err));
    TRY(mien_model_forward(probe->model, n, NULL, err));
    TRY(download(probe, probe->logits, mien_model_logits(probe->model), &out, err));
    TRY(check_finite(probe, n, err));
    if (job->gradients) {
        TRY(go_back(probe, n, err));
    }
    if (job->taps) {
        TRY(read_taps(probe, n, job->gradients, err));
    }
    job->take(job->user, &batch);

done:
    return st;
}

enum mien_status mien_probe_run(struct mien_probe *probe, const struct mien_probe_job *job,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t limit = (size_t)mien_model_batch(probe->model);
    for (size_t first = 0; first < job->count; first += limit) {
        const size_t left = job->count - first;
        TRY(run_batch(probe, job, first, (int)(left < limit ? left : limit), err));
    }

done:
    if (st != MIEN_OK) {
        mien_cl_drain(probe->cl); /* nothing may run on what is released now */
    }
    return st;
}

/* Where the images come from and the logits go. */
struct plain {
    const float *images;
    float *logits;
    size_t image, classes; /* floats of each */
};

static void make_plain(void *user, const struct mien_probe_batch *batch)
{
    const struct plain *const plain = user;
    memcpy(batch->images, plain->images + batch->first * plain->image,
           (size_t)batch->n * plain->image * sizeof(*plain->images));
}

static void take_logits(void *user, const struct mien_probe_batch *batch)
{
    const struct plain *const plain = user;
    memcpy(plain->logits + batch->first * plain->classes, batch->logits,
           (size_t)batch->n * plain->classes * sizeof(*plain->logits));
}

/* NOLINTNEXTLINE(readability-non-const-parameter): take_logits() writes there */
enum mien_status mien_probe_logits(float *logits, struct mien_probe *probe, const float *images,
                                   size_t count, struct mien_error *err)
{
    const struct mien_shape *const input = &probe->network->input;
    struct plain plain = {
        .images = images,
        .logits = logits,
        .image = (size_t)input->c * (size_t)input->h * (size_t)input->w,
        .classes = (size_t)probe->network->classes,
    };
    const struct mien_probe_job job = {
        .count = count, .make = make_plain, .take = take_logits, .user = &plain
    };
    return mien_probe_run(probe, &job, err);
}

void mien_probe_softmax(float *row, int classes)
{
    double most = (double)row[0];
    double sum = 0.0;
    for (int k = 1; k < classes; k++) {
        most = fmax(most, (double)row[k]);
    }
    for (int k = 0; k < classes; k++) {
        sum += exp((double)row[k] - most);
    }
    for (int k = 0; k < classes; k++) {
        row[k] = (float)(exp((double)row[k] - most) / sum);
    }
}
