/* recipe_near.c - which keys somebody may have meant who wrote one that there is not */
#include <stdio.h>
#include <string.h>

#include "nn/recipe_parts.h"

enum { LIMIT = 40, MOST = 3, FAR = 3 };

/* A list that grows in a text of fixed size; what does not fit is left out. */
struct listing {
    char *text;
    size_t bytes, used;
};

static void add(struct listing *list, const char *text, size_t length)
{
    if (length + 2 <= list->bytes - list->used) { /* room for ")" as well */
        memcpy(list->text + list->used, text, length);
        list->used += length;
        list->text[list->used] = '\0';
    }
}

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? path : dot + 1;
}

/* Edit distance (insert, delete, change); longer texts count as far away. */
static size_t distance(const char *a, const char *b)
{
    const size_t rows = strlen(a);
    const size_t columns = strlen(b);
    if (rows > LIMIT || columns > LIMIT) {
        return LIMIT;
    }
    size_t row[LIMIT + 1];
    for (size_t j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= rows; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            const size_t above = row[j];
            const size_t change = diagonal + (a[i - 1] != b[j - 1]);
            const size_t shift = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = change < shift ? change : shift;
            diagonal = above;
        }
    }
    return row[columns];
}

/* The whole path is compared, and the last part alone, for a group that was forgotten or wrong. */
static int list_near(struct listing *list, const char *path)
{
    size_t count = 0;
    int named = 0;
    const struct mien_recipe_field *fields = mien_recipe_fields(&count);
    for (size_t want = 0; want < FAR; want++) {
        for (size_t i = 0; i < count && named < MOST; i++) {
            const size_t whole = distance(path, fields[i].path);
            const size_t part = distance(last_part(path), last_part(fields[i].path));
            if ((whole < part ? whole : part) == want) {
                const char *before = named++ == 0 ? " (did you mean " : " or ";
                add(list, before, strlen(before));
                add(list, fields[i].path, strlen(fields[i].path));
            }
        }
    }
    return named;
}

/* What there is in the group that `path` names, or at the top. */
static void list_group(struct listing *list, const char *path)
{
    char group[64] = "";
    const size_t length = (size_t)(last_part(path) - path);
    if (length > 1 && length < sizeof(group)) {
        memcpy(group, path, length - 1);
        group[length - 1] = '\0';
    }
    const size_t skip = mien_recipe_is_group(group) ? length : 0;
    size_t count = 0;
    const struct mien_recipe_field *fields = mien_recipe_fields(&count);
    const char *last = "";
    size_t last_length = 0;
    add(list, " (expected ", 11);
    if (skip == 0) {
        add(list, "layers, ", 8);
    }
    for (size_t i = 0; i < count; i++) {
        const char *child = fields[i].path + skip;
        if (strncmp(fields[i].path, path, skip) != 0) {
            continue;
        }
        const size_t child_length = strcspn(child, ".");
        if (child_length == last_length && strncmp(child, last, child_length) == 0) {
            continue;
        }
        add(list, ", ", last_length == 0 ? 0 : 2);
        add(list, child, child_length);
        last = child;
        last_length = child_length;
    }
}

void mien_recipe_near(char *out, size_t bytes, const char *path)
{
    struct listing list = { out, bytes, 0 };
    out[0] = '\0';
    if (list_near(&list, path) == 0) {
        list_group(&list, path);
    }
    out[list.used] = ')';
    out[list.used + 1] = '\0';
}
