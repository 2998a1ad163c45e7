/* recipe_fields.c - the one table of a recipe's values: reading, defaults, settings, writing */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/class_weights.h"
#include "nn/recipe_parts.h"

_Static_assert(sizeof(enum mien_optimizer_kind) == sizeof(int), "choices are stored as int");
_Static_assert(sizeof(enum mien_schedule_kind) == sizeof(int), "choices are stored as int");

static const char *const optimizer_names[] = { "sgd", "adam", "adamw", NULL };
static const char *const schedule_names[] = { "constant", "step",    "cosine",
                                              "onecycle", "plateau", NULL };

#define AT(member)                                                                                 \
    .offset = offsetof(struct mien_recipe, member),                                                \
    .text_offset = offsetof(struct mien_recipe_text, member)
#define INT(key, member, initial, low, high)                                                       \
    {                                                                                              \
        .path = (key), .fallback = (initial), .kind = MIEN_FIELD_INT, AT(member), .min = (low),    \
        .max = (high)                                                                              \
    }
#define FLOAT(key, member, initial, low, high)                                                     \
    {                                                                                              \
        .path = (key), .fallback = (initial), .kind = MIEN_FIELD_FLOAT, AT(member), .min = (low),  \
        .max = (high)                                                                              \
    }
#define CHOICE(key, member, initial, names)                                                        \
    {                                                                                              \
        .path = (key), .fallback = (initial), .kind = MIEN_FIELD_CHOICE, AT(member),               \
        .choices = (names)                                                                         \
    }
#define OTHER(key, member, initial, what)                                                          \
    {                                                                                              \
        .path = (key), .fallback = (initial), .kind = (what), AT(member)                           \
    }

static const struct mien_recipe_field fields[] = {
    OTHER("name", name, "unnamed", MIEN_FIELD_TEXT),
    OTHER("input.channels", input.channels, NULL, MIEN_FIELD_CHANNELS),
    INT("input.height", input.height, NULL, 1, 4096),
    INT("input.width", input.width, NULL, 1, 4096),
    INT("input.margin", input.margin, "0", 0, 64),
    FLOAT("normalize.mean", normalize.mean, "0", -1000, 1000),
    FLOAT("normalize.std", normalize.std, "1", 1e-6, 1000),
    OTHER("augment.mirror", augment.mirror, "false", MIEN_FIELD_BOOL),
    FLOAT("augment.rotate", augment.rotate, "0", 0, 180),
    FLOAT("augment.scale", augment.scale, "0", 0, 0.9),
    FLOAT("augment.shift", augment.shift, "0", 0, 0.5),
    FLOAT("augment.brightness", augment.brightness, "0", 0, 2),
    FLOAT("augment.contrast", augment.contrast, "0", 0, 1),
    FLOAT("augment.erase", augment.erase, "0", 0, 1),
    FLOAT("augment.mixup", augment.mixup, "0", 0, 10),
    INT("train.batch", train.batch, "150", 1, 65536),
    INT("train.accumulate", train.accumulate, "1", 1, 65536),
    INT("train.epochs", train.epochs, "50", 1, 100000),
    FLOAT("train.stop_at_train_accuracy", train.stop_at_train_accuracy, "0", 0, 1),
    OTHER("train.seed", train.seed, "1", MIEN_FIELD_SEED),
    FLOAT("train.label_smoothing", train.label_smoothing, "0", 0, 1),
    FLOAT("train.soft_targets", train.soft_targets, "0", 0, 1),
    OTHER("train.class_weights", train.class_weights, "none", MIEN_FIELD_CLASS_WEIGHTS),
    FLOAT("train.ema", train.ema, "0", 0, 0.999999),
    FLOAT("train.clip_norm", train.clip_norm, "0", 0, 1e6),
    FLOAT("train.sam", train.sam, "0", 0, 100),
    CHOICE("train.optimizer.kind", train.optimizer.kind, "sgd", optimizer_names),
    FLOAT("train.optimizer.rate", train.optimizer.rate, "0.01", 0, 1000),
    FLOAT("train.optimizer.momentum", train.optimizer.momentum, "0", 0, 0.9999),
    OTHER("train.optimizer.nesterov", train.optimizer.nesterov, "false", MIEN_FIELD_BOOL),
    FLOAT("train.optimizer.weight_decay", train.optimizer.weight_decay, "0", 0, 10),
    OTHER("train.optimizer.decay_all", train.optimizer.decay_all, "false", MIEN_FIELD_BOOL),
    FLOAT("train.optimizer.beta1", train.optimizer.beta1, "0.9", 0, 0.9999),
    FLOAT("train.optimizer.beta2", train.optimizer.beta2, "0.999", 0, 0.999999),
    FLOAT("train.optimizer.epsilon", train.optimizer.epsilon, "1e-8", 1e-12, 1),
    CHOICE("train.schedule.kind", train.schedule.kind, "constant", schedule_names),
    INT("train.schedule.step", train.schedule.step, "10", 1, 100000),
    INT("train.schedule.patience", train.schedule.patience, "5", 0, 100000),
    FLOAT("train.schedule.gamma", train.schedule.gamma, "0.1", 1e-6, 1),
    FLOAT("train.schedule.min_rate", train.schedule.min_rate, "0", 0, 1000),
    FLOAT("train.schedule.warmup", train.schedule.warmup, "0", 0, 100000),
};
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]), NAME_BYTES = 64 };

const struct mien_recipe_field *mien_recipe_fields(size_t *count)
{
    *count = FIELD_COUNT;
    return fields;
}

const struct mien_recipe_field *mien_recipe_field_find(const char *path)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(fields[i].path, path) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

bool mien_recipe_is_group(const char *path)
{
    const size_t length = strlen(path);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (length > 0 && strncmp(fields[i].path, path, length) == 0 &&
            fields[i].path[length] == '.') {
            return true;
        }
    }
    return false;
}

const char *mien_recipe_quote(char out[MIEN_RECIPE_QUOTE_BYTES], const char *text)
{
    const size_t most = MIEN_RECIPE_QUOTE_BYTES - 4;
    size_t i = 0;
    for (; i < most && text[i] != '\0'; i++) {
        const bool printable = text[i] >= ' ' && text[i] <= '~';
        out[i] = (char)(printable ? text[i] : '?');
    }
    (void)snprintf(out + i, MIEN_RECIPE_QUOTE_BYTES - i, "%s", text[i] == '\0' ? "" : "...");
    return out;
}

bool mien_recipe_whole(int *out, const char *text, int min, int max)
{
    if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1]))) {
        return false;
    }
    char *end = NULL;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max) {
        return false;
    }
    *out = (int)value;
    return true;
}

static bool read_seed(uint64_t *out, const char *text)
{
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > UINT64_MAX) {
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

static bool read_channels(int *out, const char *text)
{
    int value = 0;
    if (!mien_recipe_whole(&value, text, 1, 3) || value == 2) {
        return false;
    }
    *out = value;
    return true;
}

bool mien_recipe_real(float *out, const char *text, double min, double max)
{
    /* Decimal only: strtod() would also take hexadecimal, "inf" and "nan". */
    if (text[0] == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') {
        return false;
    }
    char *end = NULL;
    const double value = strtod(text, &end);
    /* Compared as floats, so that a limit which was rounded on the way is still inside. */
    if (end == text || *end != '\0' || !(fabs(value) <= 1e30) || (float)value < (float)min ||
        (float)value > (float)max) {
        return false;
    }
    *out = (float)value;
    return true;
}

static bool read_bool(bool *out, const char *text)
{
    static const char *const words[] = { "false", "no", "off", "true", "yes", "on" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i >= 3;
            return true;
        }
    }
    return false;
}

static bool read_name(char *out, const char *text)
{
    const size_t length = strlen(text);
    if (length == 0 || length >= NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
    }
    memcpy(out, text, length + 1);
    return true;
}

static bool read_class_weights(char *out, const char *text)
{
    const size_t length = strlen(text);
    if (length >= MIEN_CLASS_WEIGHTS_BYTES || !mien_class_weights_valid(text)) {
        return false;
    }
    memcpy(out, text, length + 1);
    return true;
}

static bool read_choice(void *out, const char *text, const char *const *choices)
{
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(text, choices[i]) == 0) {
            memcpy(out, &i, sizeof(i));
            return true;
        }
    }
    return false;
}

static void describe(char *out, size_t bytes, const struct mien_recipe_field *field)
{
    switch (field->kind) {
    case MIEN_FIELD_TEXT:
        (void)snprintf(out, bytes, "1 to %d printable ASCII characters", NAME_BYTES - 1);
        break;
    case MIEN_FIELD_INT:
        (void)snprintf(out, bytes, "a whole number from %.0f to %.0f", field->min, field->max);
        break;
    case MIEN_FIELD_CHANNELS: (void)snprintf(out, bytes, "1 (gray) or 3 (RGB)"); break;
    case MIEN_FIELD_SEED:
        (void)snprintf(out, bytes, "a whole number from 0 to %" PRIu64, UINT64_MAX);
        break;
    case MIEN_FIELD_FLOAT:
        (void)snprintf(out, bytes, "a number from %.9g to %.9g", field->min, field->max);
        break;
    case MIEN_FIELD_BOOL: (void)snprintf(out, bytes, "true or false"); break;
    case MIEN_FIELD_CLASS_WEIGHTS:
        (void)snprintf(out, bytes,
                       "none, balanced, or classes, each once, with weights from 1e-6 to 1e6: "
                       "disgust 4; fear 1.5");
        break;
    case MIEN_FIELD_CHOICE: {
        size_t used = (size_t)snprintf(out, bytes, "one of %s", field->choices[0]);
        for (int i = 1; field->choices[i] != NULL && used < bytes; i++) {
            used += (size_t)snprintf(out + used, bytes - used, ", %s", field->choices[i]);
        }
        break;
    }
    }
}

enum mien_status mien_recipe_field_set(struct mien_recipe *recipe,
                                       const struct mien_recipe_field *field, const char *value,
                                       struct mien_error *err)
{
    void *place = (char *)recipe + field->offset;
    bool good = false;
    switch (field->kind) {
    case MIEN_FIELD_TEXT: good = read_name(place, value); break;
    case MIEN_FIELD_INT:
        good = mien_recipe_whole(place, value, (int)field->min, (int)field->max);
        break;
    case MIEN_FIELD_CHANNELS: good = read_channels(place, value); break;
    case MIEN_FIELD_SEED: good = read_seed(place, value); break;
    case MIEN_FIELD_FLOAT: good = mien_recipe_real(place, value, field->min, field->max); break;
    case MIEN_FIELD_BOOL: good = read_bool(place, value); break;
    case MIEN_FIELD_CLASS_WEIGHTS: good = read_class_weights(place, value); break;
    case MIEN_FIELD_CHOICE: good = read_choice(place, value, field->choices); break;
    }
    if (good) {
        return MIEN_OK;
    }
    char quote[MIEN_RECIPE_QUOTE_BYTES];
    char wanted[128];
    describe(wanted, sizeof(wanted), field);
    return mien_fail(err, MIEN_ERR_FORMAT, "%s: got \"%s\", expected %s", field->path,
                     mien_recipe_quote(quote, value), wanted);
}

/* In double quotes, so that no name can be taken for YAML. */
static void format_name(char *out, size_t bytes, const char *name)
{
    size_t used = 0;
    out[used++] = '"';
    for (size_t i = 0; name[i] != '\0' && used + 4 < bytes; i++) {
        if (name[i] == '"' || name[i] == '\\') {
            out[used++] = '\\';
        }
        out[used++] = name[i];
    }
    out[used++] = '"';
    out[used] = '\0';
}

void mien_recipe_format_real(char *out, size_t bytes, float value)
{
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(out, bytes, "%.*g", digits, (double)value);
        if ((float)strtod(out, NULL) == value) {
            return;
        }
    }
}

void mien_recipe_field_format(char *out, size_t bytes, const struct mien_recipe *recipe,
                              const struct mien_recipe_field *field)
{
    const void *place = (const char *)recipe + field->offset;
    switch (field->kind) {
    case MIEN_FIELD_TEXT: format_name(out, bytes, place); break;
    case MIEN_FIELD_CLASS_WEIGHTS:
        if (strchr(place, ' ') != NULL) {
            format_name(out, bytes, place);
        } else {
            (void)snprintf(out, bytes, "%s", (const char *)place);
        }
        break;
    case MIEN_FIELD_INT:
    case MIEN_FIELD_CHANNELS: (void)snprintf(out, bytes, "%d", *(const int *)place); break;
    case MIEN_FIELD_SEED: (void)snprintf(out, bytes, "%" PRIu64, *(const uint64_t *)place); break;
    case MIEN_FIELD_FLOAT: mien_recipe_format_real(out, bytes, *(const float *)place); break;
    case MIEN_FIELD_BOOL:
        (void)snprintf(out, bytes, "%s", *(const bool *)place ? "true" : "false");
        break;
    case MIEN_FIELD_CHOICE: {
        int index;
        memcpy(&index, place, sizeof(index));
        (void)snprintf(out, bytes, "%s", field->choices[index]);
        break;
    }
    }
}
