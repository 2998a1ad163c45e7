/* recipe.c - a recipe from YAML and settings, and back */
#include "nn/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/print.h"
#include "nn/recipe_parts.h"

/* Keys first: libcyaml would refuse an unknown one too, but cannot say which are near. */
static enum mien_status check_keys(const struct mien_recipe_marks *marks, const char *where,
                                   struct mien_error *err)
{
    for (size_t i = 0; i < marks->count; i++) {
        const char *path = marks->items[i].path;
        if (mien_recipe_field_find(path) != NULL || mien_recipe_is_group(path) ||
            strcmp(path, "layers") == 0 || strchr(path, '[') != NULL) {
            continue;
        }
        char near[256];
        char quote[MIEN_RECIPE_QUOTE_BYTES];
        mien_recipe_near(near, sizeof(near), path);
        return mien_fail(err, MIEN_ERR_FORMAT, "%s:%d: unknown key %s%s", where,
                         marks->items[i].line, mien_recipe_quote(quote, path), near);
    }
    return MIEN_OK;
}

static enum mien_status read_fields(struct mien_recipe *recipe, const struct mien_recipe_text *text,
                                    const struct mien_recipe_marks *marks, struct mien_error *err)
{
    size_t count = 0;
    const struct mien_recipe_field *fields = mien_recipe_fields(&count);
    for (size_t i = 0; i < count; i++) {
        const char *value;
        memcpy(&value, (const char *)text + fields[i].text_offset, sizeof(value));
        const int line = value == NULL ? 0 : mien_recipe_line(marks, fields[i].path);
        if (value == NULL && fields[i].fallback == NULL) {
            return mien_fail(err, MIEN_ERR_FORMAT, "%s: %s is missing", recipe->where,
                             fields[i].path);
        }
        const enum mien_status st = mien_recipe_field_set(
            recipe, &fields[i], value == NULL ? fields[i].fallback : value, err);
        if (st != MIEN_OK) {
            return mien_wrap(err, st, "%s:%d", recipe->where, line);
        }
    }
    return MIEN_OK;
}

static enum mien_status read_layers(struct mien_recipe *recipe, const struct mien_recipe_text *text,
                                    const struct mien_recipe_marks *marks, struct mien_error *err)
{
    recipe->layers = mien_calloc(text->layers_count, sizeof(*recipe->layers), err);
    if (recipe->layers == NULL) {
        return MIEN_ERR_MEMORY;
    }
    recipe->layer_count = text->layers_count;
    for (size_t i = 0; i < recipe->layer_count; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "layers[%zu]", i);
        const int line = mien_recipe_line(marks, path);
        const enum mien_status st = mien_layer_spec_parse(&recipe->layers[i], text->layers[i], err);
        if (st != MIEN_OK) {
            char quote[MIEN_RECIPE_QUOTE_BYTES];
            return mien_wrap(err, st, "%s:%d: layer %zu (%s)", recipe->where, line, i + 1,
                             mien_recipe_quote(quote, text->layers[i]));
        }
        recipe->layers[i].line = line;
    }
    return MIEN_OK;
}

/* "train.optimizer.rate=0.05" over what the file says. */
static enum mien_status apply_setting(struct mien_recipe *recipe, const char *setting,
                                      struct mien_error *err)
{
    char quote[MIEN_RECIPE_QUOTE_BYTES];
    mien_recipe_quote(quote, setting);
    char path[64];
    const size_t length = strcspn(setting, "=");
    if (setting[length] == '\0' || length == 0) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "setting \"%s\": expected KEY=VALUE, such as train.epochs=20", quote);
    }
    (void)snprintf(path, sizeof(path), "%.*s", length < 64 ? (int)length : 63, setting);
    if (strcmp(path, "layers") == 0 || strncmp(path, "layers[", 7) == 0 ||
        strncmp(path, "layers.", 7) == 0) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "setting \"%s\": layers cannot be set here, only in the recipe file",
                         quote);
    }
    const struct mien_recipe_field *field = length < 64 ? mien_recipe_field_find(path) : NULL;
    if (field == NULL) {
        char near[256];
        char key[MIEN_RECIPE_QUOTE_BYTES];
        const bool group = mien_recipe_is_group(path);
        (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s", group ? ".?" : "");
        mien_recipe_near(near, sizeof(near), path);
        path[strlen(path) - (group ? 2 : 0)] = '\0';
        return mien_fail(err, MIEN_ERR_USAGE, "setting \"%s\": %s %s%s", quote,
                         group ? "cannot set the whole group" : "unknown key",
                         mien_recipe_quote(key, path), near);
    }
    if (mien_recipe_field_set(recipe, field, setting + length + 1, err) != MIEN_OK) {
        return mien_wrap(err, MIEN_ERR_USAGE, "setting \"%s\"", quote);
    }
    return MIEN_OK;
}

/* What no single value shows. */
static enum mien_status check_whole(const struct mien_recipe *recipe, struct mien_error *err)
{
    const struct mien_train_spec *train = &recipe->train;
    if (train->optimizer.kind == MIEN_OPTIMIZER_SGD && train->optimizer.nesterov &&
        train->optimizer.momentum <= 0) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%s: train.optimizer.nesterov: got true with momentum 0, expected a "
                         "momentum above 0",
                         recipe->where);
    }
    if ((train->schedule.kind == MIEN_SCHEDULE_COSINE ||
         train->schedule.kind == MIEN_SCHEDULE_PLATEAU) &&
        train->schedule.min_rate > train->optimizer.rate) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%s: train.schedule.min_rate: got %.9g, expected at most "
                         "train.optimizer.rate, which is %.9g",
                         recipe->where, (double)train->schedule.min_rate,
                         (double)train->optimizer.rate);
    }
    return MIEN_OK;
}

static enum mien_status build(struct mien_recipe *recipe, const char *text, size_t bytes,
                              const char *const *settings, size_t setting_count,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_recipe_marks marks = { 0 };
    struct mien_recipe_text *values = NULL;
    TRY(mien_recipe_scan(&marks, text, bytes, recipe->where, err));
    TRY(check_keys(&marks, recipe->where, err));
    TRY(mien_recipe_text_read(&values, text, bytes, recipe->where, err));
    TRY(read_fields(recipe, values, &marks, err));
    TRY(read_layers(recipe, values, &marks, err));
    for (size_t i = 0; i < setting_count; i++) {
        TRY(apply_setting(recipe, settings[i], err));
    }
    TRY(check_whole(recipe, err));
done:
    mien_recipe_text_destroy(values);
    free(marks.items);
    return st;
}

enum mien_status mien_recipe_parse(struct mien_recipe **out, const char *text, size_t bytes,
                                   const char *where, const char *const *settings,
                                   size_t setting_count, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    struct mien_plain_numbers numbers;
    *out = NULL;
    struct mien_recipe *recipe = mien_calloc(1, sizeof(*recipe), err);
    if (recipe == NULL) {
        goto done;
    }
    recipe->where = mien_strdup(where, err);
    if (recipe->where == NULL) {
        goto done;
    }
    TRY(mien_plain_numbers_begin(&numbers, err));
    st = build(recipe, text, bytes, settings, setting_count, err);
    mien_plain_numbers_end(&numbers);
    if (st == MIEN_OK) {
        *out = recipe;
        recipe = NULL;
    }
done:
    mien_recipe_destroy(recipe);
    return st;
}

enum mien_status mien_recipe_load(struct mien_recipe **out, const char *path,
                                  const char *const *settings, size_t setting_count,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    unsigned char *data = NULL;
    size_t bytes = 0;
    *out = NULL;
    TRY(mien_file_read(&data, &bytes, path, MIEN_RECIPE_MAX_BYTES, err));
    TRY(mien_recipe_parse(out, (const char *)data, bytes, path, settings, setting_count, err));
done:
    free(data);
    return st;
}

void mien_recipe_destroy(struct mien_recipe *recipe)
{
    if (recipe != NULL) {
        free(recipe->layers);
        free(recipe->where);
        free(recipe);
    }
}

static void write_layers(FILE *file, const struct mien_recipe *recipe)
{
    (void)fputs("layers:\n", file);
    for (size_t i = 0; i < recipe->layer_count; i++) {
        char text[MIEN_LAYER_TEXT_BYTES];
        mien_layer_spec_format(text, &recipe->layers[i]);
        (void)fprintf(file, "  - %s\n", text);
    }
}

/* The names of the groups that `path` is in and the value before it was not, then its own name. */
static void write_key(FILE *file, const char *path, const char *before)
{
    int indent = 0;
    bool same = true;
    for (const char *dot = strchr(path, '.'); dot != NULL; dot = strchr(path, '.')) {
        const size_t length = (size_t)(dot - path) + 1;
        same = same && strncmp(path, before, length) == 0;
        if (!same) {
            (void)fprintf(file, "%*s%.*s:\n", indent, "", (int)length - 1, path);
        }
        before += same ? length : 0;
        path += length;
        indent += 2;
    }
    (void)fprintf(file, "%*s%s: ", indent, "", path);
}

static void write_recipe(FILE *to, const void *user)
{
    const struct mien_recipe *const recipe = user;
    size_t count = 0;
    bool layers = false;
    const char *before = "";
    const struct mien_recipe_field *fields = mien_recipe_fields(&count);
    for (size_t i = 0; i < count; i++) {
        char value[MIEN_FIELD_BYTES];
        if (!layers && strncmp(fields[i].path, "train.", 6) == 0) {
            write_layers(to, recipe);
            layers = true;
        }
        mien_recipe_field_format(value, sizeof(value), recipe, &fields[i]);
        write_key(to, fields[i].path, before);
        (void)fprintf(to, "%s\n", value);
        before = fields[i].path;
    }
}

enum mien_status mien_recipe_format(char **out, const struct mien_recipe *recipe,
                                    struct mien_error *err)
{
    char what[128];
    (void)snprintf(what, sizeof(what), "the text of the recipe %s", recipe->name);
    return mien_print(out, NULL, write_recipe, recipe, what, err);
}
