/* weights_map.c - a file that says which name of a foreign file is which of the network */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "nn/weights_match.h"

enum { MAX_BYTES = 16 << 20 };

/* The next word of a line, ended in place; NULL behind the last.  '#' ends the line. */
static char *next_word(char **line)
{
    char *word = *line + strspn(*line, " \t\r");
    if (*word == '\0' || *word == '#') {
        *word = '\0';
        *line = word;
        return NULL;
    }
    char *end = word + strcspn(word, " \t\r#");
    if (*end == '#') {
        end[0] = '\0'; /* a comment right behind the word */
        *line = end;
        return word;
    }
    *line = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

enum mien_status mien_weights_map_read(struct mien_weights_map *out, const char *path,
                                       struct mien_error *err)
{
    unsigned char *data = NULL;
    size_t bytes = 0;
    size_t lines = 1;
    *out = (struct mien_weights_map){ .path = mien_strdup(path, err) };
    if (out->path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st = mien_file_read(&data, &bytes, path, MAX_BYTES, err);
    if (st != MIEN_OK) {
        return st;
    }
    out->text = (char *)data;
    for (size_t i = 0; i < bytes; i++) {
        lines += data[i] == '\n' ? 1 : 0;
    }
    out->names = mien_calloc(lines, sizeof(*out->names), err);
    if (out->names == NULL) {
        return MIEN_ERR_MEMORY;
    }
    char *next = out->text;
    for (size_t i = 0; i < lines; i++) {
        char *line = next;
        next += strcspn(next, "\n");
        if (*next == '\n') {
            *next++ = '\0';
        }
        const char *const theirs = next_word(&line);
        const char *const ours = theirs != NULL ? next_word(&line) : NULL;
        if (theirs == NULL) {
            continue;
        }
        if (ours == NULL || next_word(&line) != NULL) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "%.800s:%zu: expected two names, one of the weights and one of the "
                             "network",
                             path, i + 1);
        }
        out->names[out->count++] =
            (struct mien_weights_name){ .theirs = theirs, .ours = ours, .line = (int)i + 1 };
    }
    return MIEN_OK;
}

void mien_weights_map_finish(struct mien_weights_map *map)
{
    free(map->path);
    free(map->text);
    free(map->names);
    *map = (struct mien_weights_map){ .path = NULL };
}
