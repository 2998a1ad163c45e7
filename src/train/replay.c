/* replay.c - one step of a run into a file */
#include "train/replay.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/tuned.h"
#include "nn/weights.h"

enum { MOST_TENSORS = 7 };

/* A step as it goes into the file; arrays as in struct mien_replay. */
struct capture {
    struct mien_trainer *trainer;
    size_t images, batches, image_floats;
    float *weights, *input, *seconds, *share, *class_shares;
    int32_t *labels, *others;
    uint32_t draw;
    size_t share_count; /* of an image: the classes; 0: its labels are what is right */
};

static void release(struct capture *c)
{
    free(c->weights);
    free(c->input);
    free(c->seconds);
    free(c->share);
    free(c->class_shares);
    free(c->labels);
    free(c->others);
}

static enum mien_status allocate(struct capture *c, size_t step, struct mien_error *err)
{
    const struct mien_act in = mien_model_input_act(c->trainer->model, 1);
    c->batches = mien_trainer_step_batches(c->trainer, step);
    c->images = c->batches * (size_t)mien_model_batch(c->trainer->model); /* at most */
    c->image_floats = (size_t)in.c * (size_t)in.h * (size_t)in.w;
    c->weights = mien_calloc(c->trainer->file->network->flat_floats, sizeof(*c->weights), err);
    c->input = mien_calloc(c->images, c->image_floats * sizeof(*c->input), err);
    c->seconds = mien_calloc(c->batches, sizeof(*c->seconds), err);
    c->share = mien_calloc(c->batches, sizeof(*c->share), err);
    if (c->trainer->file->recipe->train.soft_targets > 0.0f) {
        c->share_count = (size_t)c->trainer->file->class_count;
    }
    c->class_shares = mien_calloc(c->images, c->share_count * sizeof(float), err);
    c->labels = mien_calloc(c->images, sizeof(*c->labels), err);
    c->others = mien_calloc(c->images, sizeof(*c->others), err);
    c->images = 0;
    return c->weights != NULL && c->input != NULL && c->seconds != NULL && c->share != NULL &&
                   c->class_shares != NULL && c->labels != NULL && c->others != NULL
               ? MIEN_OK
               : MIEN_ERR_MEMORY;
}

/* The images that stand in the model's input, behind those of the batches before. */
static enum mien_status take_images(struct capture *c, const struct mien_batch *batch,
                                    struct mien_error *err)
{
    const struct mien_act in = mien_model_input_act(c->trainer->model, batch->n);
    const size_t lanes = (size_t)in.lanes;
    const size_t floats = mien_act_floats(&in);
    float *const blocked = mien_calloc(floats, sizeof(*blocked), err);
    if (blocked == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st =
        mien_cl_read(c->trainer->cl, blocked, mien_model_input(c->trainer->model), 0,
                     floats * sizeof(*blocked), err);
    for (size_t n = 0; st == MIEN_OK && n < (size_t)batch->n; n++) {
        const float *const first = blocked + n / lanes * c->image_floats * lanes + n % lanes;
        float *const out = c->input + (c->images + n) * c->image_floats;
        for (size_t i = 0; i < c->image_floats; i++) {
            out[i] = first[i * lanes];
        }
    }
    free(blocked);
    return st;
}

static enum mien_status take_batch(struct capture *c, size_t index, const struct mien_batch *batch,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t bytes = (size_t)batch->n * sizeof(*c->labels);
    const bool mixed = batch->second > 0.0f;
    TRY(take_images(c, batch, err));
    const struct mien_softmax_target *const target = &batch->target;
    TRY(mien_cl_read(c->trainer->cl, c->labels + c->images, target->labels, 0, bytes, err));
    TRY(mien_cl_read(c->trainer->cl, c->others + c->images, target->labels, mixed ? bytes : 0,
                     bytes, err));
    if (c->share_count > 0) {
        TRY(mien_cl_read(c->trainer->cl, c->class_shares + c->images * c->share_count,
                         target->shares, 0, (size_t)batch->n * c->share_count * sizeof(float),
                         err));
    }
    c->seconds[index] = batch->second;
    c->share[index] = batch->share;
    c->draw = index == 0 ? batch->draw.step : c->draw;
    c->images += (size_t)batch->n;

done:
    return st;
}

static char *describe(const struct capture *c, const struct mien_replay_place *place,
                      const struct mien_nonfinite *found)
{
    char text[MIEN_NONFINITE_BYTES] = "";
    const struct mien_device_info *const device = mien_cl_device(c->trainer->cl);
    if (found->count > 0) {
        mien_nonfinite_text(text, found);
    }
    json_t *const about = json_pack(
        "{s:i, s:i, s:i, s:f, s:i, s:I, s:s, s:s, s:s, s:s}", "epoch", place->epoch, "step",
        place->step, "steps", place->steps, "rate", place->rate, "batch",
        mien_model_batch(c->trainer->model), "draw", (json_int_t)c->draw, "device", device->name,
        "driver", device->driver, "blas", mien_blas_name(c->trainer->options.blas), "found", text);
    char *const out = json_dumps(about, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(about);
    return out;
}

static size_t list_tensors(struct mien_tensor tensors[MOST_TENSORS], const struct capture *c)
{
    const struct mien_act in = mien_model_input_act(c->trainer->model, 1);
    const size_t classes = (size_t)c->trainer->file->class_count;
    const float *const class_weights = c->trainer->class_weight_values;
    const struct mien_tensor all[] = {
        { MIEN_REPLAY_INPUT,
          MIEN_F32,
          4,
          { c->images, (size_t)in.c, (size_t)in.h, (size_t)in.w },
          c->input,
          c->images * c->image_floats * sizeof(float) },
        { MIEN_REPLAY_LABELS, MIEN_I32, 1, { c->images }, c->labels, c->images * sizeof(int32_t) },
        { MIEN_REPLAY_OTHER_LABELS,
          MIEN_I32,
          1,
          { c->images },
          c->others,
          c->images * sizeof(int32_t) },
        { MIEN_REPLAY_SECONDS,
          MIEN_F32,
          1,
          { c->batches },
          c->seconds,
          c->batches * sizeof(float) },
        { MIEN_REPLAY_SHARE, MIEN_F32, 1, { c->batches }, c->share, c->batches * sizeof(float) },
    };
    size_t count = sizeof(all) / sizeof(all[0]);
    memcpy(tensors, all, sizeof(all));
    if (class_weights != NULL) {
        tensors[count++] = (struct mien_tensor){
            MIEN_REPLAY_CLASS_WEIGHTS, MIEN_F32, 1, { classes }, class_weights,
            classes * sizeof(float)
        };
    }
    if (c->share_count > 0) {
        tensors[count++] = (struct mien_tensor){
            MIEN_REPLAY_CLASS_SHARES, MIEN_F32,        2,
            { c->images, classes },   c->class_shares, c->images * classes * sizeof(float)
        };
    }
    return count;
}

static enum mien_status write_file(const char *path, const struct capture *c,
                                   const struct mien_replay_place *place,
                                   const struct mien_nonfinite *found, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_tensor tensors[MOST_TENSORS];
    struct mien_tuning tuning = { .entries = NULL };
    struct mien_model_file file = *c->trainer->file;
    char *variants = NULL;
    char *const about = describe(c, place, found);
    file.weights = c->weights;
    TRY(mien_model_tuning(&tuning, c->trainer->model, err));
    variants = mien_tuning_format(&tuning, err);
    if (about == NULL || variants == NULL) {
        st = mien_fail(err, MIEN_ERR_MEMORY, "no memory for %s", path);
        goto done;
    }
    const struct mien_metadata metadata[] = { { MIEN_REPLAY_KEY, about },
                                              { MIEN_REPLAY_VARIANTS, variants } };
    const size_t count = list_tensors(tensors, c);
    TRY(mien_model_file_save(path, &file, tensors, count, metadata, 2, err));

done:
    mien_tuning_finish(&tuning);
    free(variants);
    free(about);
    return st;
}

enum mien_status mien_replay_write(struct mien_nonfinite *found, const char *path,
                                   struct mien_trainer *trainer,
                                   const struct mien_replay_place *place, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct capture c = { .trainer = trainer };
    const size_t step = (size_t)place->step - 1;
    *found = (struct mien_nonfinite){ .count = 0 };
    TRY(allocate(&c, step, err));
    TRY(mien_weights_download(c.weights, trainer->model, err));
    mien_nonfinite_weights(found, c.weights, trainer->file->network,
                           mien_optimizer_kernel(&trainer->file->recipe->train));
    for (size_t i = 0; i < c.batches; i++) {
        struct mien_batch batch;
        TRY(mien_trainer_load(&batch, trainer, step, i, err));
        TRY(take_batch(&c, i, &batch, err));
        if (found->count == 0) {
            TRY(mien_batch_trace(found, trainer->model, &batch, err));
        }
    }
    TRY(write_file(path, &c, place, found, err));

done:
    release(&c);
    return st;
}
