/* replay_run.c - one step of a run out of a file, repeated on a device */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "nn/weights.h"
#include "train/replay.h"

enum { MOST_BATCH = 65536 };

/* A tensor of this type and rank whose first dimension is `rows`, unless that is 0; copied. */
static enum mien_status copy_tensor(void **out, const struct mien_tensor **found,
                                    const struct mien_safetensors *file, const char *name,
                                    enum mien_dtype dtype, int rank, size_t rows,
                                    struct mien_error *err)
{
    const struct mien_tensor *const tensor = mien_safetensors_find(file, name);
    *out = NULL;
    if (tensor == NULL || tensor->dtype != dtype || tensor->rank != rank || tensor->bytes == 0 ||
        (rows > 0 && tensor->shape[0] != rows)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "'%s' is missing, or of another type or shape",
                         name);
    }
    *out = mien_calloc(tensor->bytes, 1, err);
    if (*out == NULL) {
        return MIEN_ERR_MEMORY;
    }
    memcpy(*out, tensor->data, tensor->bytes);
    *found = tensor;
    return MIEN_OK;
}

static enum mien_status copy_text(char **out, const json_t *about, const char *key,
                                  struct mien_error *err)
{
    const char *const text = json_string_value(json_object_get(about, key));
    if (text == NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT, "metadata '" MIEN_REPLAY_KEY "' has no '%s'", key);
    }
    *out = mien_strdup(text, err);
    return *out != NULL ? MIEN_OK : MIEN_ERR_MEMORY;
}

/* A whole number from 1 to `most`. */
static enum mien_status read_number(int *out, const json_t *about, const char *key, int most,
                                    struct mien_error *err)
{
    const json_int_t number = json_integer_value(json_object_get(about, key));
    *out = number >= 1 && number <= most ? (int)number : 0;
    return *out > 0
               ? MIEN_OK
               : mien_fail(err, MIEN_ERR_FORMAT,
                           "metadata '" MIEN_REPLAY_KEY "': '%s' is not from 1 to %d", key, most);
}

static enum mien_status read_about(struct mien_replay *out, const char *text,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *about = NULL;
    TRY(text != NULL ? mien_json_parse(&about, text, err) : MIEN_OK);
    if (!json_is_object(about)) {
        st = mien_fail(err, MIEN_ERR_FORMAT,
                       "no '" MIEN_REPLAY_KEY "' in the metadata: not a step to replay");
        goto done;
    }
    TRY(read_number(&out->place.epoch, about, "epoch", 1000000, err));
    TRY(read_number(&out->place.step, about, "step", INT32_MAX, err));
    TRY(read_number(&out->place.steps, about, "steps", INT32_MAX, err));
    TRY(read_number(&out->batch, about, "batch", MOST_BATCH, err));
    TRY(copy_text(&out->device, about, "device", err));
    TRY(copy_text(&out->driver, about, "driver", err));
    TRY(copy_text(&out->found, about, "found", err));
    const json_int_t draw = json_integer_value(json_object_get(about, "draw"));
    if (draw < 0 || draw > UINT32_MAX) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "metadata '" MIEN_REPLAY_KEY "': no such 'draw'");
        goto done;
    }
    out->draw = (uint32_t)draw;
    out->place.rate = json_number_value(json_object_get(about, "rate"));
    const char *const word = json_string_value(json_object_get(about, "blas"));
    for (int i = MIEN_BLAS_AUTO; word != NULL && i <= MIEN_BLAS_CLBLAST; i++) {
        out->blas =
            strcmp(word, mien_blas_name((enum mien_blas)i)) == 0 ? (enum mien_blas)i : out->blas;
    }

done:
    json_decref(about);
    return st;
}

static enum mien_status check_labels(const struct mien_replay *replay, struct mien_error *err)
{
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < replay->images; i++) {
            const int32_t label = replay->labels[k][i];
            if (label < 0 || label >= replay->file.class_count) {
                return mien_fail(err, MIEN_ERR_FORMAT,
                                 "label %zu is %" PRId32 ": there are %d "
                                 "classes",
                                 i, label, replay->file.class_count);
            }
        }
    }
    return MIEN_OK;
}

static enum mien_status read_tensors(struct mien_replay *out, const struct mien_safetensors *file,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_tensor *tensor = NULL;
    void *data = NULL;
    TRY(copy_tensor(&data, &tensor, file, MIEN_REPLAY_INPUT, MIEN_F32, 4, 0, err));
    out->input = data;
    out->images = tensor->shape[0];
    for (int i = 0; i < 3; i++) {
        out->shape[i] = tensor->shape[i + 1] <= INT32_MAX ? (int)tensor->shape[i + 1] : 0;
    }
    out->batches = (out->images + (size_t)out->batch - 1) / (size_t)out->batch;
    for (int k = 0; k < 2; k++) {
        TRY(copy_tensor(&data, &tensor, file,
                        k == 0 ? MIEN_REPLAY_LABELS : MIEN_REPLAY_OTHER_LABELS, MIEN_I32, 1,
                        out->images, err));
        out->labels[k] = data;
    }
    TRY(check_labels(out, err));
    TRY(copy_tensor(&data, &tensor, file, MIEN_REPLAY_SECONDS, MIEN_F32, 1, out->batches, err));
    out->seconds = data;
    TRY(copy_tensor(&data, &tensor, file, MIEN_REPLAY_SHARE, MIEN_F32, 1, out->batches, err));
    out->share = data;
    if (mien_safetensors_find(file, MIEN_REPLAY_CLASS_WEIGHTS) != NULL) {
        TRY(copy_tensor(&data, &tensor, file, MIEN_REPLAY_CLASS_WEIGHTS, MIEN_F32, 1,
                        (size_t)out->file.class_count, err));
        out->class_weights = data;
    }
    if (out->file.recipe->train.soft_targets > 0.0f ||
        mien_safetensors_find(file, MIEN_REPLAY_CLASS_SHARES) != NULL) {
        TRY(copy_tensor(&data, &tensor, file, MIEN_REPLAY_CLASS_SHARES, MIEN_F32, 2, out->images,
                        err));
        out->class_shares = data;
        if (tensor->shape[1] != (size_t)out->file.class_count) {
            st = mien_fail(err, MIEN_ERR_FORMAT, "'%s' is of %zu classes; expected %d",
                           MIEN_REPLAY_CLASS_SHARES, tensor->shape[1], out->file.class_count);
        }
    }

done:
    return st;
}

enum mien_status mien_replay_read(struct mien_replay *out, const char *path, struct mien_error *err)
{
    struct mien_safetensors *file = NULL;
    *out = (struct mien_replay){ .blas = MIEN_BLAS_AUTO };
    enum mien_status st = mien_safetensors_open(&file, path, err);
    if (st != MIEN_OK) {
        return st;
    }
    const char *const variants = mien_safetensors_metadata(file, MIEN_REPLAY_VARIANTS);
    st = mien_model_file_read(&out->file, file, err);
    st =
        st == MIEN_OK ? read_about(out, mien_safetensors_metadata(file, MIEN_REPLAY_KEY), err) : st;
    st = st == MIEN_OK ? read_tensors(out, file, err) : st;
    st = st == MIEN_OK && variants != NULL ? mien_tuning_parse(&out->tuning, variants, err) : st;
    mien_safetensors_close(file);
    if (st != MIEN_OK) {
        st = mien_wrap(err, st == MIEN_ERR_SHAPE ? MIEN_ERR_FORMAT : st, "%s", path);
        mien_replay_finish(out);
    }
    return st;
}

void mien_replay_finish(struct mien_replay *replay)
{
    mien_model_file_finish(&replay->file);
    mien_tuning_finish(&replay->tuning);
    free(replay->device);
    free(replay->driver);
    free(replay->found);
    free(replay->input);
    free(replay->labels[0]);
    free(replay->labels[1]);
    free(replay->seconds);
    free(replay->share);
    free(replay->class_shares);
    free(replay->class_weights);
    *replay = (struct mien_replay){ .blas = MIEN_BLAS_AUTO };
}

/* What a replay needs on its device. */
struct stage {
    struct mien_cl *cl;
    struct mien_model *model;
    struct mien_sharpness sharpness;
    struct mien_cl_buffer *labels, *shares, *class_weights, *stats;
};

static enum mien_status check_shape(const struct mien_replay *replay, const struct mien_act *in,
                                    struct mien_error *err)
{
    if (in->c == replay->shape[0] && in->h == replay->shape[1] && in->w == replay->shape[2]) {
        return MIEN_OK;
    }
    return mien_fail(err, MIEN_ERR_FORMAT,
                     "the replay's images are %d x %d x %d, its network takes %d x %d x %d",
                     replay->shape[0], replay->shape[1], replay->shape[2], in->c, in->h, in->w);
}

/* Of the shares of an image's classes. */
static size_t replay_row_bytes(const struct mien_replay *replay)
{
    return (size_t)replay->file.class_count * sizeof(float);
}

static enum mien_status set_stage(struct stage *stage, const struct mien_replay *replay,
                                  enum mien_blas blas, const struct mien_tuning *tuning,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const float radius = replay->file.recipe->train.sam;
    const size_t labels_bytes = 2 * (size_t)replay->batch * sizeof(int32_t);
    const size_t shares_bytes =
        replay->class_shares != NULL ? (size_t)replay->batch * replay_row_bytes(replay) : 0;
    const size_t weights_bytes =
        replay->class_weights != NULL ? (size_t)replay->file.class_count * sizeof(float) : 0;
    const struct mien_model_options options = {
        .batch = replay->batch,
        .train = true,
        .again = radius > 0.0f,
        .blas = blas,
        .tuning = tuning,
        .beside_bytes = mien_sharpness_bytes(radius, replay->file.network->flat_floats) +
                        labels_bytes + shares_bytes + weights_bytes +
                        mien_softmax_stats_bytes(replay->batch),
    };
    TRY(mien_model_create(&stage->model, stage->cl, replay->file.network, &options, err));
    const struct mien_act in = mien_model_input_act(stage->model, 1);
    TRY(check_shape(replay, &in, err));
    TRY(mien_weights_upload(stage->model, replay->file.weights, err));
    TRY(mien_sharpness_init(&stage->sharpness, stage->model, radius, err));
    TRY(mien_cl_buffer_create(&stage->labels, stage->cl, labels_bytes, err));
    if (replay->class_shares != NULL) {
        TRY(mien_cl_buffer_create(&stage->shares, stage->cl, shares_bytes, err));
    }
    TRY(mien_cl_buffer_create(&stage->stats, stage->cl, mien_softmax_stats_bytes(replay->batch),
                              err));
    if (replay->class_weights != NULL) {
        TRY(mien_cl_buffer_create(&stage->class_weights, stage->cl, weights_bytes, err));
        TRY(mien_cl_write(stage->cl, stage->class_weights, 0, replay->class_weights, weights_bytes,
                          err));
    }

done:
    return st;
}

static void clear_stage(struct stage *stage)
{
    mien_cl_drain(stage->cl);
    mien_sharpness_finish(&stage->sharpness);
    mien_cl_buffer_destroy(stage->labels);
    mien_cl_buffer_destroy(stage->shares);
    mien_cl_buffer_destroy(stage->class_weights);
    mien_cl_buffer_destroy(stage->stats);
    mien_model_destroy(stage->model);
}

/* Images [first, first + n) into the model's input, as its layout has them. */
static enum mien_status put_images(const struct stage *stage, const struct mien_replay *replay,
                                   size_t first, size_t n, struct mien_error *err)
{
    const struct mien_act in = mien_model_input_act(stage->model, (int)n);
    const size_t lanes = (size_t)in.lanes;
    const size_t floats = mien_act_floats(&in);
    const size_t image = (size_t)in.c * (size_t)in.h * (size_t)in.w;
    float *const blocked = mien_calloc(floats, sizeof(*blocked), err);
    if (blocked == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t k = 0; k < n; k++) {
        float *const out = blocked + k / lanes * image * lanes + k % lanes;
        const float *const plain = replay->input + (first + k) * image;
        for (size_t i = 0; i < image; i++) {
            out[i * lanes] = plain[i];
        }
    }
    const enum mien_status st = mien_cl_write(stage->cl, mien_model_input(stage->model), 0, blocked,
                                              floats * sizeof(*blocked), err);
    free(blocked);
    return st;
}

static enum mien_status run_batch(struct mien_nonfinite *found, const struct stage *stage,
                                  const struct mien_replay *replay, size_t index,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t first = index * (size_t)replay->batch;
    const size_t left = replay->images - first;
    const size_t n = left < (size_t)replay->batch ? left : (size_t)replay->batch;
    const size_t bytes = n * sizeof(int32_t);
    const struct mien_batch batch = {
        .n = (int)n,
        .draw = { replay->file.recipe->train.seed, replay->draw + (uint32_t)index },
        .smoothing = replay->file.recipe->train.label_smoothing,
        .second = replay->seconds[index],
        .share = replay->share[index],
        .target = { .labels = stage->labels,
                    .shares = stage->shares,
                    .weights = stage->class_weights },
        .stats = stage->stats,
        .sharpness = &stage->sharpness,
    };
    TRY(put_images(stage, replay, first, n, err));
    TRY(mien_cl_write(stage->cl, stage->labels, 0, replay->labels[0] + first, bytes, err));
    TRY(mien_cl_write(stage->cl, stage->labels, bytes, replay->labels[1] + first, bytes, err));
    if (stage->shares != NULL) {
        const size_t row = replay_row_bytes(replay);
        TRY(mien_cl_write(stage->cl, stage->shares, 0,
                          replay->class_shares + first * (size_t)replay->file.class_count, n * row,
                          err));
    }
    TRY(mien_batch_trace(found, stage->model, &batch, err));

done:
    return st;
}

enum mien_status mien_replay_run(struct mien_nonfinite *found, const struct mien_replay *replay,
                                 struct mien_cl *cl, enum mien_blas blas,
                                 const struct mien_tuning *tuning, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct stage stage = { .cl = cl };
    mien_nonfinite_weights(found, replay->file.weights, replay->file.network,
                           mien_optimizer_kernel(&replay->file.recipe->train));
    if (found->count > 0) {
        return MIEN_OK;
    }
    TRY(set_stage(&stage, replay, blas, tuning, err));
    for (size_t i = 0; i < replay->batches && found->count == 0; i++) {
        TRY(run_batch(found, &stage, replay, i, err));
    }

done:
    clear_stage(&stage);
    return st;
}
