/* exclude.c - lists of images to leave out: reading, asking, writing */
#include "data/exclude.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

enum { MAX_BYTES = 256 << 20 };

struct listed {
    const char *name;
    bool found; /* the set has it */
};

struct mien_exclusion {
    char *path;
    char *text; /* what the names point into */
    size_t count;
    struct listed *items; /* sorted by name, each once */
};

/* What a backslash makes of the letter behind it; '\0' for letters that have no such meaning. */
static char plain_of(char letter)
{
    switch (letter) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '\\': return '\\';
    default: return '\0';
    }
}

static char letter_of(char plain)
{
    switch (plain) {
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\\': return '\\';
    default: return '\0';
    }
}

/* In place. */
static enum mien_status unescape(char *name, const char *path, size_t line, struct mien_error *err)
{
    char *to = name;
    for (const char *from = name; *from != '\0'; from++) {
        *to = *from;
        if (*from == '\\') {
            *to = plain_of(*++from);
            if (*to == '\0') {
                return mien_fail(err, MIEN_ERR_FORMAT,
                                 "%.800s:%zu: a backslash without \\, n, r or t behind it", path,
                                 line);
            }
        }
        to++;
    }
    *to = '\0';
    return MIEN_OK;
}

static int compare_items(const void *a, const void *b)
{
    const struct listed *const x = a;
    const struct listed *const y = b;
    return strcmp(x->name, y->name);
}

static void sort_once(struct mien_exclusion *list)
{
    size_t kept = 0;
    qsort(list->items, list->count, sizeof(*list->items), compare_items);
    for (size_t i = 0; i < list->count; i++) {
        if (i == 0 || strcmp(list->items[i].name, list->items[kept - 1].name) != 0) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

/* Cut the text at its lines; each becomes a name, unless there is none on it. */
static enum mien_status take_lines(struct mien_exclusion *list, size_t lines,
                                   struct mien_error *err)
{
    list->items = mien_calloc(lines, sizeof(*list->items), err);
    if (list->items == NULL) {
        return MIEN_ERR_MEMORY;
    }
    char *next = list->text;
    for (size_t i = 0; i < lines; i++) {
        char *name = next;
        next += strcspn(next, "\n");
        char *end = next;
        if (*next == '\n') {
            next++;
        }
        end -= end > name && end[-1] == '\r' ? 1 : 0;
        *end = '\0';
        if (*name == '#') {
            continue;
        }
        char *const tab = strchr(name, '\t');
        if (tab != NULL && tab[strspn(tab, "\t ")] != '#') {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "%.800s:%zu: a tab behind the name, but no comment behind the tab; "
                             "expected # and a comment",
                             list->path, i + 1);
        }
        if (tab != NULL) {
            *tab = '\0';
        }
        name += strncmp(name, "./", 2) == 0 ? 2 : 0;
        if (*name != '\0') {
            const enum mien_status st = unescape(name, list->path, i + 1, err);
            if (st != MIEN_OK) {
                return st;
            }
            list->items[list->count++].name = name;
        }
    }
    return MIEN_OK;
}

enum mien_status mien_exclusion_read(struct mien_exclusion **out, const char *path,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    unsigned char *data = NULL;
    size_t bytes = 0;
    *out = NULL;
    struct mien_exclusion *list = mien_calloc(1, sizeof(*list), err);
    if (list == NULL) {
        return st;
    }
    list->path = mien_strdup(path, err);
    if (list->path == NULL) {
        goto done;
    }
    TRY(mien_file_read(&data, &bytes, path, MAX_BYTES, err));
    list->text = (char *)data;
    if (strlen(list->text) != bytes) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "%.800s: not a list of images, it holds a zero byte",
                       path);
        goto done;
    }
    size_t lines = 1;
    for (size_t i = 0; i < bytes; i++) {
        lines += data[i] == '\n' ? 1 : 0;
    }
    TRY(take_lines(list, lines, err));
    sort_once(list);
    *out = list;
    list = NULL;

done:
    mien_exclusion_destroy(list);
    return st;
}

void mien_exclusion_destroy(struct mien_exclusion *exclusion)
{
    if (exclusion != NULL) {
        free(exclusion->path);
        free(exclusion->text);
        free(exclusion->items);
        free(exclusion);
    }
}

bool mien_exclusion_has(struct mien_exclusion *exclusion, const char *name)
{
    if (exclusion == NULL || exclusion->count == 0) {
        return false;
    }
    const struct listed wanted = { .name = name };
    struct listed *const item = bsearch(&wanted, exclusion->items, exclusion->count,
                                        sizeof(*exclusion->items), compare_items);
    if (item != NULL) {
        item->found = true;
    }
    return item != NULL;
}

enum mien_status mien_exclusion_settle(const struct mien_exclusion *exclusion, size_t count,
                                       size_t kept, const struct mien_log *log,
                                       struct mien_error *err)
{
    if (exclusion == NULL || exclusion->count == 0) {
        return MIEN_OK;
    }
    size_t missing = 0;
    const char *first = NULL;
    for (size_t i = 0; i < exclusion->count; i++) {
        if (!exclusion->items[i].found) {
            first = missing++ == 0 ? exclusion->items[i].name : first;
        }
    }
    if (missing == exclusion->count) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%.400s: none of its %zu names is in the data, the first is %.400s",
                         exclusion->path, exclusion->count, first);
    }
    if (kept == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%.800s: every one of the %zu images is on it",
                         exclusion->path, count);
    }
    mien_log_line(log, "%s: %zu of %zu images are left out", exclusion->path, count - kept, count);
    if (missing > 0) {
        mien_log_line(log, "%s: %zu of its names are not in the data, the first is %s",
                      exclusion->path, missing, first);
    }
    return MIEN_OK;
}

enum mien_status mien_exclusion_write(struct mien_atomic_file *file, const char *name,
                                      const char *why, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    const size_t most = 2 * strlen(name) + strlen(why) + sizeof("./\t# \n");
    char *const line = mien_calloc(most, 1, err);
    if (line == NULL) {
        return st;
    }
    char *to = line;
    if (*name == '#' || strncmp(name, "./", 2) == 0) {
        *to++ = '.';
        *to++ = '/';
    }
    for (; *name != '\0'; name++) {
        const char letter = letter_of(*name);
        if (letter != '\0') {
            *to++ = '\\';
        }
        *to++ = letter != '\0' ? letter : *name;
    }
    *to++ = '\t';
    *to++ = '#';
    *to++ = ' ';
    for (; *why != '\0'; why++) { /* a file's name in an error may hold anything */
        const bool control = (unsigned char)*why < 0x20 || *why == 0x7f;
        *to++ = control ? ' ' : *why;
    }
    *to++ = '\n';
    st = mien_atomic_write(file, line, (size_t)(to - line), err);
    free(line);
    return st;
}
