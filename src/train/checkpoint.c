/* checkpoint.c - the whole state of a run in one file, and back */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "nn/tuned.h"

/* Tensors behind the weights: at most two of the optimiser, trained weights, sums of the epoch. */
enum { MAX_STATES = 4, TEXT_BYTES = 64, NAME_BYTES = 40 };

/* The state that is no tensor goes into the metadata as decimal texts. */
enum key {
    KEY_EPOCH,
    KEY_STEP,
    KEY_BEST_EPOCH,
    KEY_BEST_ACCURACY,
    KEY_TRAIN_ACCURACY,
    KEY_OPTIMIZER_STEPS,
    KEY_FINGERPRINT,
    KEY_BATCH,
    KEY_SHUFFLE,
    KEY_ACCUMULATE,
    KEY_PLATEAU_EPOCHS,
    KEY_PLATEAU_BEST,
    KEY_PLATEAU_BAD,
    KEY_PLATEAU_DROPS,
    KEYS
};
static const struct {
    const char *name;
    uint64_t most; /* of a whole number; 0: it is an accuracy, 0 to 1 */
} keys[KEYS] = {
    [KEY_EPOCH] = { "epoch", 1000000 },
    [KEY_STEP] = { "step", INT32_MAX },
    [KEY_BEST_EPOCH] = { "best_epoch", 1000000 },
    [KEY_BEST_ACCURACY] = { "best_accuracy", 0 },
    [KEY_TRAIN_ACCURACY] = { "train_accuracy", 0 },
    [KEY_OPTIMIZER_STEPS] = { "optimizer_steps", INT64_MAX },
    [KEY_FINGERPRINT] = { "data_fingerprint", UINT64_MAX },
    [KEY_BATCH] = { "batch", INT32_MAX },
    [KEY_SHUFFLE] = { "shuffle", 1 },
    [KEY_ACCUMULATE] = { "accumulate", 65536 },
    [KEY_PLATEAU_EPOCHS] = { "plateau_epochs", 1000000 },
    [KEY_PLATEAU_BEST] = { "plateau_best", 0 },
    [KEY_PLATEAU_BAD] = { "plateau_bad", 1000000 },
    [KEY_PLATEAU_DROPS] = { "plateau_drops", 1000000 },
};

#define VARIANTS_KEY "variants" /* behind them: what mien_tuning_format() writes */
#define AVERAGED_KEY "averaged" /* 1: the weights are an average, those in training are a state */
enum { MORE_KEYS = 2 };

static const char sums_name[] = "state.epoch_sums";
static const char trained_name[] = "state.weights";

static enum mien_status write_texts(char texts[KEYS][TEXT_BYTES],
                                    const struct mien_trainer *trainer, struct mien_error *err)
{
    struct mien_plain_numbers numbers;
    const enum mien_status st = mien_plain_numbers_begin(&numbers, err);
    if (st != MIEN_OK) {
        return st;
    }
    const struct mien_position *const at = &trainer->position;
    (void)snprintf(texts[KEY_EPOCH], TEXT_BYTES, "%d", at->epoch);
    (void)snprintf(texts[KEY_STEP], TEXT_BYTES, "%zu", at->step);
    (void)snprintf(texts[KEY_BEST_EPOCH], TEXT_BYTES, "%d", at->best_epoch);
    (void)snprintf(texts[KEY_BEST_ACCURACY], TEXT_BYTES, "%.17g", at->best_accuracy);
    (void)snprintf(texts[KEY_TRAIN_ACCURACY], TEXT_BYTES, "%.17g", at->train_accuracy);
    (void)snprintf(texts[KEY_OPTIMIZER_STEPS], TEXT_BYTES, "%ld",
                   mien_optimizer_steps(trainer->optimizer));
    (void)snprintf(texts[KEY_FINGERPRINT], TEXT_BYTES, "%016" PRIx64, trainer->set->fingerprint);
    (void)snprintf(texts[KEY_BATCH], TEXT_BYTES, "%d", mien_model_batch(trainer->model));
    (void)snprintf(texts[KEY_SHUFFLE], TEXT_BYTES, "%d", trainer->options.shuffle ? 1 : 0);
    (void)snprintf(texts[KEY_ACCUMULATE], TEXT_BYTES, "%d",
                   trainer->file->recipe->train.accumulate);
    (void)snprintf(texts[KEY_PLATEAU_EPOCHS], TEXT_BYTES, "%d", at->plateau.epochs);
    (void)snprintf(texts[KEY_PLATEAU_BEST], TEXT_BYTES, "%.17g", at->plateau.best);
    (void)snprintf(texts[KEY_PLATEAU_BAD], TEXT_BYTES, "%d", at->plateau.bad);
    (void)snprintf(texts[KEY_PLATEAU_DROPS], TEXT_BYTES, "%d", at->plateau.drops);
    mien_plain_numbers_end(&numbers);
    return MIEN_OK;
}

/* What the file holds behind the weights, as it is on the device. */
struct states {
    struct mien_tensor tensors[MAX_STATES];
    char names[MAX_STATES][NAME_BYTES]; /* of the optimiser's */
    void *data[MAX_STATES];             /* of the tensors, owned */
    size_t count;
};

static enum mien_status read_buffer(struct states *states, const char *name, struct mien_cl *cl,
                                    const struct mien_cl_buffer *buffer, enum mien_dtype dtype,
                                    struct mien_error *err)
{
    const size_t bytes = mien_cl_buffer_bytes(buffer);
    void *const data = mien_calloc(bytes, 1, err);
    if (data == NULL) {
        return MIEN_ERR_MEMORY;
    }
    states->data[states->count] = data;
    states->tensors[states->count++] = (struct mien_tensor){
        .name = name,
        .dtype = dtype,
        .rank = 1,
        .shape = { dtype == MIEN_F32 ? bytes / sizeof(float) : bytes },
        .data = data,
        .bytes = bytes,
    };
    return mien_cl_read(cl, data, buffer, 0, bytes, err);
}

static enum mien_status read_states(struct states *states, const struct mien_trainer *trainer,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl *const cl = trainer->cl;
    const struct mien_optimizer *const optimizer = trainer->optimizer;
    for (int i = 0; mien_optimizer_state_name(optimizer, i) != NULL; i++) {
        char *const name = states->names[states->count];
        (void)snprintf(name, NAME_BYTES, "state.%s", mien_optimizer_state_name(optimizer, i));
        TRY(read_buffer(states, name, cl, mien_optimizer_state(optimizer, i), MIEN_F32, err));
    }
    if (mien_optimizer_average(optimizer) != NULL) {
        TRY(read_buffer(states, trained_name, cl, mien_model_values(trainer->model), MIEN_F32,
                        err));
    }
    TRY(read_buffer(states, sums_name, cl, trainer->stats, MIEN_U8, err));

done:
    return st;
}

enum mien_status mien_checkpoint_save(const char *path, struct mien_trainer *trainer,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct states states = { .count = 0 };
    char texts[KEYS][TEXT_BYTES];
    struct mien_metadata metadata[KEYS + MORE_KEYS];
    struct mien_tuning tuning = { .entries = NULL };
    char *variants = NULL;
    const bool averaged = mien_optimizer_average(trainer->optimizer) != NULL;

    TRY(mien_model_tuning(&tuning, trainer->model, err));
    variants = mien_tuning_format(&tuning, err);
    if (variants == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    TRY(mien_trainer_download(trainer, err));
    TRY(read_states(&states, trainer, err));
    TRY(write_texts(texts, trainer, err));
    for (size_t i = 0; i < KEYS; i++) {
        metadata[i] = (struct mien_metadata){ keys[i].name, texts[i] };
    }
    metadata[KEYS] = (struct mien_metadata){ VARIANTS_KEY, variants };
    metadata[KEYS + 1] = (struct mien_metadata){ AVERAGED_KEY, averaged ? "1" : "0" };
    TRY(mien_model_file_save(path, trainer->file, states.tensors, states.count, metadata,
                             KEYS + MORE_KEYS, err));

done:
    mien_tuning_finish(&tuning);
    free(variants);
    for (size_t i = 0; i < states.count; i++) {
        free(states.data[i]);
    }
    return st;
}

/* What the metadata says, in the order of `keys`. */
struct values {
    uint64_t number[KEYS];
    double accuracy[KEYS];
};

static enum mien_status read_number(uint64_t *out, const struct mien_safetensors *file,
                                    enum key key, struct mien_error *err)
{
    const char *const text = mien_safetensors_metadata(file, keys[key].name);
    const int base = key == KEY_FINGERPRINT ? 16 : 10;
    char *end = NULL;
    if (text == NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "no '%s' in the metadata: weights only, not a checkpoint to go on from",
                         keys[key].name);
    }
    const bool digit = (text[0] >= '0' && text[0] <= '9') || (base == 16 && text[0] >= 'a');
    *out = strtoull(text, &end, base);
    if (!digit || *end != '\0' || *out > keys[key].most) {
        return mien_fail(err, MIEN_ERR_FORMAT, "metadata '%s' is '%.32s': a number up to %" PRIu64,
                         keys[key].name, text, keys[key].most);
    }
    return MIEN_OK;
}

static enum mien_status read_accuracy(double *out, const struct mien_safetensors *file,
                                      enum key key, struct mien_error *err)
{
    const char *const text = mien_safetensors_metadata(file, keys[key].name);
    char *end = NULL;
    struct mien_plain_numbers numbers;
    const enum mien_status st = mien_plain_numbers_begin(&numbers, err);
    if (st != MIEN_OK) {
        return st;
    }
    *out = text != NULL ? strtod(text, &end) : -1.0;
    mien_plain_numbers_end(&numbers);
    if (text == NULL || end == text || *end != '\0' || !(*out >= 0.0 && *out <= 1.0)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "metadata '%s' is not an accuracy", keys[key].name);
    }
    return MIEN_OK;
}

/* Files of older versions lack the last keys: what is not there is zero. */
static enum mien_status read_values(struct values *out, const struct mien_safetensors *file,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = (struct values){ .number = { 0 } };
    for (enum key key = 0; key < KEYS; key++) {
        if (key > KEY_SHUFFLE && mien_safetensors_metadata(file, keys[key].name) == NULL) {
            continue;
        }
        TRY(keys[key].most > 0 ? read_number(&out->number[key], file, key, err)
                               : read_accuracy(&out->accuracy[key], file, key, err));
    }

done:
    return st;
}

/* What an epoch began with must stay until its end. */
static enum mien_status check_epoch(const struct mien_trainer *trainer, const uint64_t number[KEYS],
                                    struct mien_error *err)
{
    const int batch = mien_model_batch(trainer->model);
    const int accumulate = trainer->file->recipe->train.accumulate;
    if (number[KEY_FINGERPRINT] != trainer->set->fingerprint) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "the run was on other data (fingerprint %016" PRIx64
                         ", this is %016" PRIx64 ")",
                         number[KEY_FINGERPRINT], trainer->set->fingerprint);
    }
    if (number[KEY_STEP] == 0) {
        return MIEN_OK;
    }
    if (number[KEY_BATCH] != (uint64_t)batch) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "the run stopped inside an epoch with batches of %" PRIu64
                         ": they cannot be of %d before its end",
                         number[KEY_BATCH], batch);
    }
    const uint64_t accumulated = number[KEY_ACCUMULATE] > 0 ? number[KEY_ACCUMULATE] : 1;
    if (accumulated != (uint64_t)accumulate) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "the run stopped inside an epoch with steps of %" PRIu64
                         " batches: they cannot be of %d before its end",
                         accumulated, accumulate);
    }
    if ((number[KEY_SHUFFLE] == 1) != trainer->options.shuffle) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "the run stopped inside an epoch that was %sshuffled: that cannot change "
                         "before its end",
                         number[KEY_SHUFFLE] == 1 ? "" : "not ");
    }
    if (number[KEY_STEP] > mien_trainer_steps(trainer)) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "metadata 'step' is %" PRIu64 ": an epoch has %zu steps", number[KEY_STEP],
                         mien_trainer_steps(trainer));
    }
    return MIEN_OK;
}

static enum mien_status restore_position(struct mien_trainer *trainer,
                                         const struct mien_safetensors *file,
                                         struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct values values;
    const uint64_t *const number = values.number;
    TRY(read_values(&values, file, err));
    TRY(check_epoch(trainer, number, err));
    trainer->position = (struct mien_position){
        .epoch = (int)number[KEY_EPOCH],
        .step = (size_t)number[KEY_STEP],
        .best_epoch = (int)number[KEY_BEST_EPOCH],
        .best_accuracy = values.accuracy[KEY_BEST_ACCURACY],
        .train_accuracy = values.accuracy[KEY_TRAIN_ACCURACY],
        .plateau = { .epochs = (int)number[KEY_PLATEAU_EPOCHS],
                     .best = values.accuracy[KEY_PLATEAU_BEST],
                     .bad = (int)number[KEY_PLATEAU_BAD],
                     .drops = (int)number[KEY_PLATEAU_DROPS] },
    };
    mien_optimizer_set_steps(trainer->optimizer, (long)number[KEY_OPTIMIZER_STEPS]);

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

enum mien_status mien_checkpoint_tuning(struct mien_tuning *out, const char *path,
                                        struct mien_error *err)
{
    struct mien_safetensors *file = NULL;
    *out = (struct mien_tuning){ .entries = NULL };
    enum mien_status st = mien_safetensors_open(&file, path, err);
    if (st != MIEN_OK) {
        return st;
    }
    const char *const text = mien_safetensors_metadata(file, VARIANTS_KEY);
    if (text != NULL) {
        st = mien_tuning_parse(out, text, err);
        st = st == MIEN_OK ? st : mien_wrap(err, st, "%s: metadata '" VARIANTS_KEY "'", path);
    }
    mien_safetensors_close(file);
    return st;
}

enum mien_status mien_checkpoint_shuffled(bool *out, const char *path, struct mien_error *err)
{
    struct mien_safetensors *file = NULL;
    uint64_t number = 0;
    enum mien_status st = mien_safetensors_open(&file, path, err);
    if (st != MIEN_OK) {
        return st;
    }
    st = read_number(&number, file, KEY_SHUFFLE, err);
    *out = number == 1;
    mien_safetensors_close(file);
    return st == MIEN_OK ? st : mien_wrap(err, st, "%s", path);
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
    if (st == MIEN_OK && trainer->position.step > 0) {
        st = restore_buffer(trainer, file, sums_name, trainer->stats, err);
    }
    const char *const averaged = mien_safetensors_metadata(file, AVERAGED_KEY);
    if (st == MIEN_OK && averaged != NULL && strcmp(averaged, "0") != 0) {
        st = restore_buffer(trainer, file, trained_name, mien_model_values(trainer->model), err);
    }
    st = st == MIEN_OK ? st : mien_wrap(err, st, "%s", path);

done:
    mien_safetensors_close(file);
    return st;
}
