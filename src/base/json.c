/* json.c - files of JSON, which anybody may have written, and JSON that is whole or not at all */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"

bool mien_json_lacks_memory(const json_error_t *problem)
{
    return problem->text[0] == '\0' || json_error_code(problem) == json_error_out_of_memory;
}

enum mien_status mien_json_parse(json_t **out, const char *text, struct mien_error *err)
{
    json_error_t problem;
    *out = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    return *out == NULL && mien_json_lacks_memory(&problem)
               ? mien_fail(err, MIEN_ERR_MEMORY, "no memory for JSON of %zu bytes", strlen(text))
               : MIEN_OK;
}

enum mien_status mien_json_read(json_t **out, const char *path, size_t limit,
                                struct mien_error *err)
{
    unsigned char *text = NULL;
    size_t bytes = 0;
    json_error_t problem;
    *out = NULL;
    enum mien_status st = mien_file_read(&text, &bytes, path, limit, err);
    if (st != MIEN_OK) {
        return st; /* the path is in the text */
    }
    *out = json_loadb((const char *)text, bytes, JSON_REJECT_DUPLICATES, &problem);
    free(text);
    if (*out == NULL) {
        st = mien_json_lacks_memory(&problem)
                 ? mien_fail(err, MIEN_ERR_MEMORY, "no memory for %.500s", path)
                 : mien_fail(err, MIEN_ERR_FORMAT, "%.500s: line %d: %s", path, problem.line,
                             problem.text);
    }
    return st;
}

static void keep_if(bool put, json_t **whole)
{
    if (!put) {
        json_decref(*whole);
        *whole = NULL;
    }
}

void mien_json_set(json_t **object, const char *key, json_t *value)
{
    keep_if(json_object_set_new(*object, key, value) == 0, object);
}

void mien_json_append(json_t **array, json_t *value)
{
    keep_if(json_array_append_new(*array, value) == 0, array);
}

json_t *mien_json_text(const char *text)
{
    if (mien_is_utf8(text)) {
        return json_string(text);
    }
    char *const copy = strdup(text);
    if (copy == NULL) {
        return NULL;
    }
    mien_ascii_only(copy);
    json_t *const value = json_string(copy);
    free(copy);
    return value;
}

json_t *mien_json_texts(char *const *texts, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        mien_json_append(&list, mien_json_text(texts[i]));
    }
    return list;
}

json_t *mien_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

enum mien_status mien_json_write(const char *path, const json_t *value, size_t flags,
                                 struct mien_error *err)
{
    char *const text = value != NULL ? json_dumps(value, flags) : NULL;
    if (text == NULL) {
        return mien_fail(err, MIEN_ERR_MEMORY, "no memory for %s", path);
    }
    const enum mien_status st = mien_file_replace(path, text, strlen(text), err);
    free(text);
    return st;
}
