/* checkpoint.c - the whole state of a run in one file, and back */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MAX_STATES = 2, TEXT_BYTES = 64, NAME_BYTES = 40 };

/* Positions go into the metadata as decimal texts, in this order. */
static const char *const keys[] = { "epoch",           "step",
                                    "best_epoch",      "best_accuracy",
                                    "optimizer_steps", "data_fingerprint" };
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static void write_texts(char texts[KEYS][TEXT_BYTES], const struct mien_trainer *trainer)
{
    const struct mien_position *const at = &trainer->position;
    (void)snprintf(texts[0], TEXT_BYTES, "%d", at->epoch);
    (void)snprintf(texts[1], TEXT_BYTES, "%zu", at->step);
    (void)snprintf(texts[2], TEXT_BYTES, "%d", at->best_epoch);
    (void)snprintf(texts[3], TEXT_BYTES, "%.17g", at->best_accuracy);
    (void)snprintf(texts[4], TEXT_BYTES, "%ld", mien_optimizer_steps(trainer->optimizer));
    (void)snprintf(texts[5], TEXT_BYTES, "%016" PRIx64, trainer->set->fingerprint);
}

static enum mien_status read_buffer(struct mien_tensor *out, char name[NAME_BYTES],
                                    struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                                    enum mien_dtype dtype, struct mien_error *err)
{
    const size_t bytes = mien_cl_buffer_bytes(buffer);
    void *const data = mien_calloc(bytes, 1, err);
    if (data == NULL) {
        return MIEN_ERR_MEMORY;
    }
    *out = (struct mien_tensor){
        .name = name,
        .dtype = dtype,
        .rank = 1,
        .shape = { dtype == MIEN_F32 ? bytes / sizeof(float) : bytes },
        .data = data,
        .bytes = bytes,
    };
    return mien_cl_read(cl, data, buffer, 0, bytes, err);
}

enum mien_status mien_checkpoint_save(const char *path, struct mien_trainer *trainer,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_tensor state[MAX_STATES + 1] = { 0 };
    char names[MAX_STATES + 1][NAME_BYTES];
    char texts[KEYS][TEXT_BYTES];
    struct mien_metadata metadata[KEYS];
    size_t count = 0;

    TRY(mien_trainer_download(trainer, err));
    for (int i = 0; mien_optimizer_state_name(trainer->optimizer, i) != NULL; i++) {
        (void)snprintf(names[count], NAME_BYTES, "state.%s",
                       mien_optimizer_state_name(trainer->optimizer, i));
        count++;
        TRY(read_buffer(&state[count - 1], names[count - 1], trainer->cl,
                        mien_optimizer_state(trainer->optimizer, i), MIEN_F32, err));
    }
    (void)snprintf(names[count], NAME_BYTES, "state.epoch_sums");
    count++;
    TRY(read_buffer(&state[count - 1], names[count - 1], trainer->cl, trainer->stats, MIEN_U8,
                    err));
    write_texts(texts, trainer);
    for (size_t i = 0; i < KEYS; i++) {
        metadata[i] = (struct mien_metadata){ keys[i], texts[i] };
    }
    TRY(mien_model_file_save(path, trainer->file, state, count, metadata, KEYS, err));

done:
    for (size_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)state[i].data); /* allocated by read_buffer() */
    }
    return st;
}

/* A metadata number in [0, most]. */
static enum mien_status read_number(uint64_t *out, const struct mien_safetensors *file,
                                    const char *key, int base, uint64_t most,
                                    struct mien_error *err)
{
    const char *const text = mien_safetensors_metadata(file, key);
    char *end = NULL;
    if (text == NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "no '%s' in the metadata: weights only, not a checkpoint to go on from",
                         key);
    }
    const bool digit = (text[0] >= '0' && text[0] <= '9') || (base == 16 && text[0] >= 'a');
    *out = strtoull(text, &end, base);
    if (!digit || *end != '\0' || *out > most) {
        return mien_fail(err, MIEN_ERR_FORMAT, "metadata '%s' is '%.32s': a number up to %" PRIu64,
                         key, text, most);
    }
    return MIEN_OK;
}

static enum mien_status restore_position(struct mien_trainer *trainer,
                                         const struct mien_safetensors *file,
                                         struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    uint64_t number[KEYS] = { 0 };
    const uint64_t most[KEYS] = { 1000000,   mien_trainer_steps(trainer), 1000000, 0, INT64_MAX,
                                  UINT64_MAX };
    for (size_t i = 0; i < KEYS; i++) {
        if (most[i] > 0) {
            TRY(read_number(&number[i], file, keys[i], i == 5 ? 16 : 10, most[i], err));
        }
    }
    const char *const accuracy = mien_safetensors_metadata(file, keys[3]);
    const double best = accuracy != NULL ? strtod(accuracy, NULL) : -1.0;
    if (!(best >= 0.0 && best <= 1.0)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "metadata '%s' is not an accuracy", keys[3]);
    }
    if (number[5] != trainer->set->fingerprint) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "the run was on other data (fingerprint %016" PRIx64
                         ", this is %016" PRIx64 ")",
                         number[5], trainer->set->fingerprint);
    }
    trainer->position = (struct mien_position){
        .epoch = (int)number[0],
        .step = (size_t)number[1],
        .best_epoch = (int)number[2],
        .best_accuracy = best,
    };
    mien_optimizer_set_steps(trainer->optimizer, (long)number[4]);

done:
    return st;
}

static enum mien_status restore_buffer(struct mien_trainer *trainer,
                                       const struct mien_safetensors *file, const char *name,
                                       struct mien_cl_buffer *buffer, struct mien_error *err)
{
    const struct mien_tensor *const tensor = mien_safetensors_find(file, name);
    if (tensor == NULL || tensor->bytes != mien_cl_buffer_bytes(buffer)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s is missing or has %zu bytes: %zu are wanted",
                         name, tensor == NULL ? (size_t)0 : tensor->bytes,
                         mien_cl_buffer_bytes(buffer));
    }
    return mien_cl_write(trainer->cl, buffer, 0, tensor->data, tensor->bytes, err);
}

enum mien_status mien_checkpoint_restore(struct mien_trainer *trainer, const char *path,
                                         struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_safetensors *file = NULL;
    char name[NAME_BYTES];

    TRY(mien_safetensors_open(&file, path, err));
    st = restore_position(trainer, file, err);
    for (int i = 0; st == MIEN_OK && mien_optimizer_state_name(trainer->optimizer, i) != NULL;
         i++) {
        (void)snprintf(name, sizeof(name), "state.%s",
                       mien_optimizer_state_name(trainer->optimizer, i));
        st = restore_buffer(trainer, file, name, mien_optimizer_state(trainer->optimizer, i), err);
    }
    if (st == MIEN_OK) {
        st = restore_buffer(trainer, file, "state.epoch_sums", trainer->stats, err);
    }
    st = st == MIEN_OK ? st : mien_wrap(err, st, "%s", path);

done:
    mien_safetensors_close(file);
    return st;
}
