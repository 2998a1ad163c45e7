/* classes.c - class names by alias, never by position */
#include "data/classes.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/letters.h"
#include "base/memory.h"
#include "base/utf8.h"

const char *const mien_fer2013_names[MIEN_EMOTIONS] = {
    "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral",
};

static const struct {
    const char *alias, *canonical;
} aliases[] = {
    { "angry", "angry" },     { "anger", "angry" },        { "mad", "angry" },
    { "disgust", "disgust" }, { "disgusted", "disgust" },  { "fear", "fear" },
    { "fearful", "fear" },    { "afraid", "fear" },        { "scared", "fear" },
    { "happy", "happy" },     { "happiness", "happy" },    { "joy", "happy" },
    { "neutral", "neutral" }, { "neutrality", "neutral" }, { "sad", "sad" },
    { "sadness", "sad" },     { "surprise", "surprise" },  { "surprised", "surprise" },
};

const char *mien_class_canonical(const char *name)
{
    const size_t digits = strspn(name, "0123456789");
    if (digits > 0) {
        name += digits;
        name += strspn(name, " -_.:)");
    }
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (mien_same_text(name, aliases[i].alias)) {
            return aliases[i].canonical;
        }
    }
    return NULL;
}

int mien_class_index(char *const *classes, int class_count, const char *name)
{
    for (int c = 0; c < class_count; c++) {
        if (strcmp(classes[c], name) == 0) {
            return c;
        }
    }
    return -1;
}

int mien_class_find(char *const *classes, int class_count, const char *name)
{
    const char *const wanted = mien_class_canonical(name);
    int found = mien_class_index(classes, class_count, name);
    for (int c = 0; found < 0 && wanted != NULL && c < class_count; c++) {
        const char *const own = mien_class_canonical(classes[c]);
        found = own != NULL && strcmp(wanted, own) == 0 ? c : found;
    }
    return found;
}

void mien_class_list_finish(struct mien_class_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->names[i]);
    }
    free(list->names);
    *list = (struct mien_class_list){ 0 };
}

int mien_class_list_find(const struct mien_class_list *list, const char *name)
{
    return mien_class_index(list->names, (int)list->count, name);
}

enum mien_status mien_class_list_add(struct mien_class_list *list, const char *name,
                                     struct mien_error *err)
{
    if (mien_class_list_find(list, name) >= 0) {
        return MIEN_OK;
    }
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
        char **const names = mien_realloc(list->names, capacity, sizeof(*names), err);
        if (names == NULL) {
            return MIEN_ERR_MEMORY;
        }
        list->names = names;
        list->capacity = capacity;
    }
    char *const copy = mien_strdup(name, err);
    if (copy == NULL) {
        return MIEN_ERR_MEMORY;
    }
    list->names[list->count++] = copy;
    return MIEN_OK;
}

enum mien_status mien_class_list_take(struct mien_class_list *list, const char *name,
                                      enum mien_status refusal, struct mien_error *err)
{
    if (list->count == MIEN_MAX_CLASSES) {
        return mien_fail(err, refusal, "more than %d classes", MIEN_MAX_CLASSES);
    }
    if (name == NULL || name[0] == '\0' || !mien_is_utf8(name) ||
        mien_class_list_find(list, name) >= 0) {
        return mien_fail(err, refusal,
                         "class %zu is \"%.100s\"; expected names in UTF-8, each once", list->count,
                         name == NULL ? "" : name);
    }
    return mien_class_list_add(list, name, err);
}

enum mien_status mien_class_list_parse(struct mien_class_list *list, const char *text,
                                       struct mien_error *err)
{
    json_t *array = NULL;
    enum mien_status st = text != NULL ? mien_json_parse(&array, text, err) : MIEN_OK;
    const size_t count = json_is_array(array) ? json_array_size(array) : 0;
    if (st == MIEN_OK && count == 0) {
        st = mien_fail(err, MIEN_ERR_FORMAT,
                       "no \"classes\" in the metadata; expected a JSON array of names");
    }
    for (size_t i = 0; i < count && st == MIEN_OK; i++) {
        st = mien_class_list_take(list, json_string_value(json_array_get(array, i)),
                                  MIEN_ERR_FORMAT, err);
    }
    json_decref(array);
    return st;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *const x = a;
    const char *const *const y = b;
    return strcmp(*x, *y);
}

void mien_class_list_sort(struct mien_class_list *list)
{
    if (list->count > 1) {
        qsort(list->names, list->count, sizeof(*list->names), compare_names);
    }
}

bool mien_class_list_is_fer2013(const struct mien_class_list *list)
{
    if (list->count != MIEN_EMOTIONS) {
        return false;
    }
    for (int i = 0; i < MIEN_EMOTIONS; i++) {
        const char digit[2] = { (char)('0' + i), '\0' };
        if (mien_class_list_find(list, digit) < 0) {
            return false;
        }
    }
    return true;
}
