/* table_file.c - tables of tuning as JSON: in a device's file, and in checkpoints */
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/print.h"
#include "cl/device_file.h"
#include "tune/table_blas.h"

#define FORMAT "mien-tuning 1"
enum { LARGEST_FILE = 4 << 20 };

static const char *const op_names[MIEN_TUNED_OPS] = { "conv2d", "dense", "clblast" };
static const char *const dense_variants[] = { "own", "clblast" };
/* By enum mien_tuned_skip; the first is not written. */
static const char *const skip_words[] = { "", "hung", "died" };
static const char *const size_names[MIEN_TUNED_OPS][MIEN_TUNED_SIZES] = {
    { "n", "c", "h", "w", "oc", "kh", "kw", "stride", "pad", "lanes" },
    { "n", "in", "out", "lanes" },
    { NULL },
};

static const char *variant_name(const struct mien_tuned *entry)
{
    switch (entry->op) {
    case MIEN_TUNED_DENSE: return dense_variants[entry->variant];
    case MIEN_TUNED_BLAS: return mien_tuned_blas_variants[entry->variant];
    case MIEN_TUNED_CONV2D: break;
    }
    return mien_conv2d_variant_name((enum mien_conv2d_variant)entry->variant);
}

static json_t *describe(const struct mien_tuned *entry)
{
    json_t *object = json_object();
    mien_json_set(&object, "op", json_string(op_names[entry->op]));
    for (int i = 0; i < MIEN_TUNED_SIZES && size_names[entry->op][i] != NULL; i++) {
        mien_json_set(&object, size_names[entry->op][i], json_integer(entry->size[i]));
    }
    if (entry->op == MIEN_TUNED_CONV2D) {
        mien_json_set(&object, "pass", json_string(mien_conv2d_pass_name(entry->pass)));
    }
    mien_json_set(&object, "variant", json_string(variant_name(entry)));
    if (entry->op == MIEN_TUNED_BLAS) {
        mien_tuned_blas_describe(&object, entry);
    }
    for (int i = 0; entry->op == MIEN_TUNED_CONV2D && i < MIEN_CONV2D_PARAMS; i++) {
        const struct mien_conv2d_param *const params =
            mien_conv2d_params((enum mien_conv2d_variant)entry->variant, entry->pass);
        if (params[i].name != NULL && entry->param[i] != 0) {
            mien_json_set(&object, params[i].name, json_integer(entry->param[i]));
        }
    }
    if (entry->ms > 0.0) {
        mien_json_set(&object, "ms", json_real(entry->ms));
        mien_json_set(&object, "default_ms", json_real(entry->default_ms));
    }
    if (entry->skip != MIEN_TUNED_USABLE) {
        mien_json_set(&object, "skip", json_string(skip_words[entry->skip]));
    }
    return object;
}

/* A list of entries: `head`, then the entries with `between` them, then `tail`. */
struct entries {
    const struct mien_tuning *tuning;
    const char *head, *between, *tail;
    bool *failed; /* there was no memory for an entry */
};

static void print_entries(FILE *to, const void *user)
{
    const struct entries *const list = user;
    (void)fputs(list->head, to);
    for (size_t i = 0; i < list->tuning->count; i++) {
        json_t *const entry = describe(&list->tuning->entries[i]);
        char *const text =
            entry != NULL ? json_dumps(entry, JSON_REAL_PRECISION(6) | JSON_PRESERVE_ORDER) : NULL;
        (void)fputs(i > 0 ? list->between : "", to);
        *list->failed = *list->failed || text == NULL;
        (void)fputs(text != NULL ? text : "", to);
        free(text);
        json_decref(entry);
    }
    (void)fputs(list->tail, to);
}

/* free() it; NULL: no memory */
static char *write_entries(const struct mien_tuning *tuning, const char *head, const char *between,
                           const char *tail, struct mien_error *err)
{
    bool failed = false;
    char *text = NULL;
    const struct entries list = { tuning, head, between, tail, &failed };
    if (mien_print(&text, NULL, print_entries, &list, "what was tuned", err) == MIEN_OK && failed) {
        (void)mien_fail(err, MIEN_ERR_MEMORY, "no memory for the text of %zu tuned shapes",
                        tuning->count);
        free(text);
        return NULL;
    }
    return text;
}

char *mien_tuning_format(const struct mien_tuning *tuning, struct mien_error *err)
{
    return write_entries(tuning, "[", ", ", "]", err);
}

static enum mien_status read_int(int *out, const json_t *object, const char *key,
                                 struct mien_error *err)
{
    const json_t *const value = json_object_get(object, key);
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > INT_MAX) {
        return mien_fail(err, MIEN_ERR_FORMAT, "'%s' is not a number from 0 to %d", key, INT_MAX);
    }
    *out = (int)number;
    return MIEN_OK;
}

/* The word under `key`, which must be one of `count`. */
static enum mien_status read_word(int *out, const json_t *object, const char *key,
                                  const char *const *words, int count, struct mien_error *err)
{
    const char *const got = json_string_value(json_object_get(object, key));
    for (int i = 0; got != NULL && i < count; i++) {
        if (strcmp(got, words[i]) == 0) {
            *out = i;
            return MIEN_OK;
        }
    }
    return mien_fail(err, MIEN_ERR_FORMAT, "'%s' is '%.32s', which is unknown", key,
                     got != NULL ? got : "");
}

static enum mien_status read_ms(double *out, const json_t *object, const char *key,
                                struct mien_error *err)
{
    const json_t *const value = json_object_get(object, key);
    *out = json_number_value(value);
    if ((value != NULL && !json_is_number(value)) || !isfinite(*out) || *out < 0.0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "'%s' is not a time", key);
    }
    return MIEN_OK;
}

static enum mien_status read_conv2d(struct mien_tuned *out, const json_t *object,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_conv2d op;
    const char *passes[MIEN_CONV2D_PASSES];
    const char *variants[MIEN_CONV2D_VARIANTS];
    int pass = 0;
    for (int i = 0; i < MIEN_CONV2D_PASSES; i++) {
        passes[i] = mien_conv2d_pass_name((enum mien_conv2d_pass)i);
    }
    for (int i = 0; i < MIEN_CONV2D_VARIANTS; i++) {
        variants[i] = mien_conv2d_variant_name((enum mien_conv2d_variant)i);
    }
    TRY(read_word(&pass, object, "pass", passes, MIEN_CONV2D_PASSES, err));
    TRY(read_word(&out->variant, object, "variant", variants, MIEN_CONV2D_VARIANTS, err));
    out->pass = (enum mien_conv2d_pass)pass;
    const struct mien_conv2d_param *const params =
        mien_conv2d_params((enum mien_conv2d_variant)out->variant, out->pass);
    for (int i = 0; i < MIEN_CONV2D_PARAMS; i++) {
        const bool given =
            params[i].name != NULL && json_object_get(object, params[i].name) != NULL;
        TRY(given ? read_int(&out->param[i], object, params[i].name, err) : MIEN_OK);
    }
    TRY(mien_tuned_to_conv2d(&op, out, err));

done:
    return st;
}

static enum mien_status read_dense(struct mien_tuned *out, const json_t *object,
                                   struct mien_error *err)
{
    struct mien_dense op;
    const struct mien_act x = { out->size[0], out->size[1], 1, 1, out->size[3] };
    enum mien_status st = read_word(&out->variant, object, "variant", dense_variants, 2, err);
    st = st == MIEN_OK ? mien_act_check(&x, "input", err) : st;
    return st == MIEN_OK ? mien_dense_init(&op, &x, out->size[2], err) : st;
}

static enum mien_status read_entry(struct mien_tuned *out, const json_t *object,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    int op = 0;
    *out = (struct mien_tuned){ .pass = MIEN_CONV2D_FWD };
    TRY(read_word(&op, object, "op", op_names, MIEN_TUNED_OPS, err));
    out->op = (enum mien_tuned_op)op;
    for (int i = 0; i < MIEN_TUNED_SIZES && size_names[op][i] != NULL; i++) {
        TRY(read_int(&out->size[i], object, size_names[op][i], err));
    }
    switch (out->op) {
    case MIEN_TUNED_CONV2D: TRY(read_conv2d(out, object, err)); break;
    case MIEN_TUNED_DENSE: TRY(read_dense(out, object, err)); break;
    case MIEN_TUNED_BLAS:
        TRY(read_word(&out->variant, object, "variant", mien_tuned_blas_variants, 2, err));
        TRY(mien_tuned_blas_read(out, object, err));
        break;
    }
    TRY(read_ms(&out->ms, object, "ms", err));
    TRY(read_ms(&out->default_ms, object, "default_ms", err));
    if (json_object_get(object, "skip") != NULL) {
        int skip = 0;
        TRY(read_word(&skip, object, "skip", skip_words + MIEN_TUNED_HUNG, 2, err));
        out->skip = (enum mien_tuned_skip)(skip + MIEN_TUNED_HUNG);
    }

done:
    return st;
}

static enum mien_status read_entries(struct mien_tuning *out, const json_t *list,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    if (!json_is_array(list)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "no list of tuned shapes");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct mien_tuned entry;
        st = read_entry(&entry, json_array_get(list, i), err);
        if (st != MIEN_OK) {
            st = mien_wrap(err, MIEN_ERR_FORMAT, "tuned shape %zu", i + 1);
            goto done;
        }
        TRY(mien_tuning_put(out, &entry, err));
    }

done:
    if (st != MIEN_OK) {
        mien_tuning_finish(out);
    }
    return st;
}

enum mien_status mien_tuning_parse(struct mien_tuning *out, const char *text,
                                   struct mien_error *err)
{
    *out = (struct mien_tuning){ .entries = NULL };
    json_t *list = NULL;
    enum mien_status st = mien_json_parse(&list, text, err);
    st = st == MIEN_OK ? read_entries(out, list, err) : st;
    json_decref(list);
    return st;
}

char *mien_tuning_path(const struct mien_device_info *device, struct mien_error *err)
{
    return mien_device_file_path("tuning", device, err);
}

static enum mien_status check_text(const json_t *root, const char *key, const char *want,
                                   struct mien_error *err)
{
    const char *const got = json_string_value(json_object_get(root, key));
    if (got == NULL || strcmp(got, want) != 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "its %s is '%.200s', here it is '%.200s'", key,
                         got != NULL ? got : "", want);
    }
    return MIEN_OK;
}

enum mien_status mien_tuning_load(struct mien_tuning *out, const char *path,
                                  const struct mien_device_info *device, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char description[MIEN_DEVICE_TEXT_BYTES];
    json_t *root = NULL;
    *out = (struct mien_tuning){ .entries = NULL };
    mien_device_text(description, device);
    st = mien_json_read(&root, path, LARGEST_FILE, err);
    if (st != MIEN_OK) {
        return st; /* the path is in the text */
    }
    if (!json_is_object(root)) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "not a whole JSON object");
        goto done;
    }
    TRY(check_text(root, "format", FORMAT, err));
    TRY(check_text(root, "mien", MIEN_VERSION, err));
    TRY(check_text(root, "device", description, err));
    TRY(read_entries(out, json_object_get(root, "shapes"), err));

done:
    st = st == MIEN_OK ? st : mien_wrap(err, st, "%s", path);
    json_decref(root);
    return st;
}

enum mien_status mien_tuning_save(const char *path, const struct mien_tuning *tuning,
                                  const struct mien_device_info *device, struct mien_error *err)
{
    char description[MIEN_DEVICE_TEXT_BYTES];
    mien_device_text(description, device);
    json_t *const value = json_string(description);
    char *const quoted = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    json_decref(value);
    const size_t room = MIEN_DEVICE_TEXT_BYTES * 6 + 128; /* JSON may need six letters for one */
    char *const head = mien_calloc(room, 1, err);
    char *text = NULL;
    enum mien_status st = MIEN_ERR_MEMORY;
    if (quoted == NULL) {
        st = mien_fail(err, MIEN_ERR_MEMORY, "no memory for %s", path);
    } else if (head != NULL) {
        (void)snprintf(head, room,
                       "{\"format\": \"" FORMAT
                       "\",\n \"mien\": \"%s\",\n \"device\": %s,\n \"shapes\": [\n  ",
                       MIEN_VERSION, quoted);
        text = write_entries(tuning, head, ",\n  ", "\n]}\n", err);
    }
    if (text != NULL) {
        st = mien_device_file_write(path, text, err);
    }
    free(text);
    free(head);
    free(quoted);
    return st;
}
