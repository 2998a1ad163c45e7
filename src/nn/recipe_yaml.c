/* recipe_yaml.c - libcyaml's schema of a recipe, and libcyaml's complaints as one line */
#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/recipe_parts.h"

/* Every value is read as text: the table in recipe_fields.c gives it its type and its limits. */
#define VALUE(group, member)                                                                       \
    CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct group,        \
                           member, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t input_fields[] = {
    VALUE(mien_input_text, channels),
    VALUE(mien_input_text, height),
    VALUE(mien_input_text, width),
    VALUE(mien_input_text, margin),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t normalize_fields[] = {
    VALUE(mien_normalize_text, mean),
    VALUE(mien_normalize_text, std),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t augment_fields[] = {
    VALUE(mien_augment_text, mirror),
    VALUE(mien_augment_text, rotate),
    VALUE(mien_augment_text, scale),
    VALUE(mien_augment_text, shift),
    VALUE(mien_augment_text, brightness),
    VALUE(mien_augment_text, contrast),
    VALUE(mien_augment_text, erase),
    VALUE(mien_augment_text, mixup),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t optimizer_fields[] = {
    VALUE(mien_optimizer_text, kind),         VALUE(mien_optimizer_text, rate),
    VALUE(mien_optimizer_text, momentum),     VALUE(mien_optimizer_text, nesterov),
    VALUE(mien_optimizer_text, weight_decay), VALUE(mien_optimizer_text, decay_all),
    VALUE(mien_optimizer_text, beta1),        VALUE(mien_optimizer_text, beta2),
    VALUE(mien_optimizer_text, epsilon),      CYAML_FIELD_END,
};

static const cyaml_schema_field_t schedule_fields[] = {
    VALUE(mien_schedule_text, kind),
    VALUE(mien_schedule_text, step),
    VALUE(mien_schedule_text, patience),
    VALUE(mien_schedule_text, gamma),
    VALUE(mien_schedule_text, min_rate),
    VALUE(mien_schedule_text, warmup),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t train_fields[] = {
    VALUE(mien_train_text, batch),
    VALUE(mien_train_text, accumulate),
    VALUE(mien_train_text, epochs),
    VALUE(mien_train_text, stop_at_train_accuracy),
    VALUE(mien_train_text, seed),
    VALUE(mien_train_text, label_smoothing),
    VALUE(mien_train_text, soft_targets),
    VALUE(mien_train_text, class_weights),
    VALUE(mien_train_text, ema),
    VALUE(mien_train_text, clip_norm),
    VALUE(mien_train_text, sam),
    CYAML_FIELD_MAPPING("optimizer", CYAML_FLAG_OPTIONAL, struct mien_train_text, optimizer,
                        optimizer_fields),
    CYAML_FIELD_MAPPING("schedule", CYAML_FLAG_OPTIONAL, struct mien_train_text, schedule,
                        schedule_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t layer_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED),
};

static const cyaml_schema_field_t recipe_fields[] = {
    VALUE(mien_recipe_text, name),
    CYAML_FIELD_MAPPING("input", CYAML_FLAG_DEFAULT, struct mien_recipe_text, input, input_fields),
    CYAML_FIELD_MAPPING("normalize", CYAML_FLAG_OPTIONAL, struct mien_recipe_text, normalize,
                        normalize_fields),
    CYAML_FIELD_MAPPING("augment", CYAML_FLAG_OPTIONAL, struct mien_recipe_text, augment,
                        augment_fields),
    CYAML_FIELD_SEQUENCE("layers", CYAML_FLAG_POINTER, struct mien_recipe_text, layers,
                         &layer_value, 1, MIEN_RECIPE_MAX_LAYERS),
    CYAML_FIELD_MAPPING("train", CYAML_FLAG_OPTIONAL, struct mien_recipe_text, train, train_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t recipe_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct mien_recipe_text, recipe_fields),
};

/* What libcyaml logged: first the complaint, then a backtrace with lines, innermost first. */
struct complaint {
    char text[256];
    char place[128];
};

__attribute__((format(printf, 3, 0))) static void keep_line(cyaml_log_t level, void *user,
                                                            const char *format, va_list args)
{
    struct complaint *complaint = user;
    char line[256];
    (void)level;
    (void)vsnprintf(line, sizeof(line), format, args);
    for (char *c = line; *c != '\0'; c++) {
        *c = (char)(*c >= ' ' && *c <= '~' ? *c : ' ');
    }
    size_t length = strlen(line);
    while (length > 0 && line[length - 1] == ' ') {
        line[--length] = '\0';
    }
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    if (strstr(text, "(line: ") != NULL) {
        if (complaint->place[0] == '\0') {
            text += strspn(text, " ");
            (void)snprintf(complaint->place, sizeof(complaint->place), "%.120s", text);
        }
    } else if (complaint->text[0] == '\0' && strcmp(text, "Backtrace:") != 0) {
        (void)snprintf(complaint->text, sizeof(complaint->text), "%s", text);
    }
}

/* libcyaml's memory comes from here, so that whoever counts what mien allocates counts it too. */
static void *allocate(void *context, void *old, size_t bytes)
{
    (void)context;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, bytes);
}

static cyaml_config_t make_config(struct complaint *complaint)
{
    return (cyaml_config_t){
        .log_fn = keep_line,
        .log_ctx = complaint,
        .mem_fn = allocate,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };
}

/* libcyaml's words for what stands in a file, and ours. */
static const char *plain_word(const char *word)
{
    if (strncmp(word, "MAPPING", 7) == 0) {
        return "keys with values";
    }
    return strncmp(word, "SEQUENCE", 8) == 0 ? "a list" : "one value";
}

static enum mien_status complain(cyaml_err_t code, const struct complaint *complaint,
                                 const char *where, struct mien_error *err)
{
    char entry[16] = "";
    char key[64] = "the recipe";
    char wanted[32];
    char got[32];
    const char *place = complaint->place;
    const char *at = strstr(place, "(line: ");
    const long line = at == NULL ? 0 : strtol(at + strlen("(line: "), NULL, 10);
    const char *text = complaint->text[0] != '\0' ? complaint->text : cyaml_strerror(code);
    /* mien_recipe_scan() has parsed this very text: libyaml can only be short of memory now. */
    if (code == CYAML_ERR_OOM || code == CYAML_ERR_LIBYAML_PARSER_INIT ||
        code == CYAML_ERR_LIBYAML_PARSER) {
        return mien_fail(err, MIEN_ERR_MEMORY, "%s: no memory to read it", where);
    }
    /* A backtrace begins at the last thing that was right: of no use for what is missing. */
    if (code == CYAML_ERR_MAPPING_FIELD_MISSING &&
        sscanf(text, "Missing required mapping field: %63s", key) == 1) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s: %s is missing", where, key);
    }
    if (code == CYAML_ERR_SEQUENCE_ENTRIES_MIN || code == CYAML_ERR_SEQUENCE_ENTRIES_MAX) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s:%ld: layers: got %s, expected 1 to %d", where,
                         line, code == CYAML_ERR_SEQUENCE_ENTRIES_MIN ? "none" : "more",
                         MIEN_RECIPE_MAX_LAYERS);
    }
    if (sscanf(place, "in sequence entry '%15[0-9]", entry) == 1) {
        (void)snprintf(key, sizeof(key), "layer %s", entry);
    } else {
        (void)sscanf(place, "in mapping field '%63[^']", key);
    }
    if (sscanf(text, "Expecting %31[A-Z], got event: %31[A-Z_]", wanted, got) == 2) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s:%ld: %s: got %s, expected %s", where, line, key,
                         plain_word(got), plain_word(wanted));
    }
    return mien_fail(err, MIEN_ERR_FORMAT, "%s:%ld: %s: %s", where, line, key, text);
}

enum mien_status mien_recipe_text_read(struct mien_recipe_text **out, const char *text,
                                       size_t bytes, const char *where, struct mien_error *err)
{
    struct complaint complaint = { { 0 }, { 0 } };
    const cyaml_config_t config = make_config(&complaint);
    cyaml_data_t *data = NULL;
    *out = NULL;
    const cyaml_err_t code =
        cyaml_load_data((const uint8_t *)text, bytes, &config, &recipe_value, &data, NULL);
    if (code != CYAML_OK) {
        return complain(code, &complaint, where, err);
    }
    if (data == NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s: empty, expected a recipe", where);
    }
    *out = data;
    return MIEN_OK;
}

void mien_recipe_text_destroy(struct mien_recipe_text *text)
{
    struct complaint complaint = { { 0 }, { 0 } };
    const cyaml_config_t config = make_config(&complaint);
    if (text != NULL) {
        (void)cyaml_free(&config, &recipe_value, text, 0);
    }
}
