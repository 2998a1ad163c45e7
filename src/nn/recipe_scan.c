/* recipe_scan.c - YAML events to lines of values, and a refusal of what recipes have no use for */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "nn/recipe_parts.h"

enum { MAX_DEPTH = 4, MAX_MARKS = 1024 };

struct scan {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; libyaml zeroes it when deleted */
    struct mien_recipe_marks *marks;
    const char *where;
    const char *text;
    size_t bytes;
    struct mien_error *err;
};

static int line_of_byte(const struct scan *scan, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset && i < scan->bytes; i++) {
        line += scan->text[i] == '\n';
    }
    return line;
}

static int event_line(const struct scan *scan)
{
    return (int)scan->event.start_mark.line + 1;
}

static enum mien_status next_event(struct scan *scan)
{
    yaml_event_delete(&scan->event);
    if (yaml_parser_parse(&scan->parser, &scan->event) != 0) {
        return MIEN_OK;
    }
    const yaml_parser_t *parser = &scan->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return mien_fail(scan->err, MIEN_ERR_MEMORY, "%s: no memory to read it", scan->where);
    }
    const int line = parser->error == YAML_READER_ERROR ? line_of_byte(scan, parser->problem_offset)
                                                        : (int)parser->problem_mark.line + 1;
    return mien_fail(scan->err, MIEN_ERR_FORMAT, "%s:%d: not YAML: %s", scan->where, line,
                     parser->problem == NULL ? "unknown problem" : parser->problem);
}

/* Anchors are refused with their aliases: without them no text is longer than its file. */
static enum mien_status check_plain(const struct scan *scan)
{
    const yaml_event_t *event = &scan->event;
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT: anchor = event->data.alias.anchor; break;
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default: break;
    }
    if (anchor == NULL && tag == NULL) {
        return MIEN_OK;
    }
    char quote[MIEN_RECIPE_QUOTE_BYTES];
    return mien_fail(
        scan->err, MIEN_ERR_FORMAT,
        "%s:%d: got the YAML %s \"%s\", expected plain values: recipes have no anchors, "
        "aliases or tags",
        scan->where, event_line(scan), anchor != NULL ? "anchor or alias" : "tag",
        mien_recipe_quote(quote, (const char *)(anchor != NULL ? anchor : tag)));
}

static enum mien_status add_mark(const struct scan *scan, const char *path)
{
    struct mien_recipe_marks *marks = scan->marks;
    const int before = mien_recipe_line(marks, path);
    if (before != 0) {
        return mien_fail(scan->err, MIEN_ERR_FORMAT, "%s:%d: %s is already given on line %d",
                         scan->where, event_line(scan), path, before);
    }
    if (marks->count == MAX_MARKS) {
        return mien_fail(scan->err, MIEN_ERR_FORMAT,
                         "%s:%d: more than %d values, expected at most %d layers", scan->where,
                         event_line(scan), MAX_MARKS, MIEN_RECIPE_MAX_LAYERS);
    }
    if (marks->count % 64 == 0) {
        void *grown =
            mien_realloc(marks->items, marks->count + 64, sizeof(*marks->items), scan->err);
        if (grown == NULL) {
            return MIEN_ERR_MEMORY;
        }
        marks->items = grown;
    }
    struct mien_recipe_mark *mark = &marks->items[marks->count++];
    (void)snprintf(mark->path, sizeof(mark->path), "%s", path);
    mark->line = event_line(scan);
    return MIEN_OK;
}

/* The path of what is inside `path`: an entry of a list (key NULL) or the value of a key. */
static enum mien_status join(const struct scan *scan, char out[64], const char *path,
                             const char *key, size_t index)
{
    const int length = key == NULL ? snprintf(out, 64, "%s[%zu]", path, index)
                                   : snprintf(out, 64, "%s%s%s", path, path[0] ? "." : "", key);
    if (length >= 0 && length < 64) {
        return MIEN_OK;
    }
    char quote[MIEN_RECIPE_QUOTE_BYTES];
    return mien_fail(scan->err, MIEN_ERR_FORMAT, "%s:%d: unknown key \"%s\"", scan->where,
                     event_line(scan), mien_recipe_quote(quote, key == NULL ? path : key));
}

/* Read the key in the current event and step on to its value. */
static enum mien_status read_key(struct scan *scan, char out[64], const char *path)
{
    enum mien_status st = MIEN_OK;
    const yaml_event_t *event = &scan->event;
    TRY(check_plain(scan));
    if (event->type != YAML_SCALAR_EVENT ||
        strlen((const char *)event->data.scalar.value) != event->data.scalar.length) {
        return mien_fail(scan->err, MIEN_ERR_FORMAT, "%s:%d: expected a key of plain text",
                         scan->where, event_line(scan));
    }
    TRY(join(scan, out, path, (const char *)event->data.scalar.value, 0));
    TRY(next_event(scan));
done:
    return st;
}

static enum mien_status scan_value(struct scan *scan, const char *path, int depth);

/* What a list or a mapping holds; the current event is its start, and in the end its end. */
static enum mien_status scan_inside(struct scan *scan, const char *path, int depth)
{
    enum mien_status st = MIEN_OK;
    const bool list = scan->event.type == YAML_SEQUENCE_START_EVENT;
    const yaml_event_type_t end = list ? YAML_SEQUENCE_END_EVENT : YAML_MAPPING_END_EVENT;
    if (depth == MAX_DEPTH) {
        return mien_fail(scan->err, MIEN_ERR_FORMAT, "%s:%d: nested deeper than %d levels",
                         scan->where, event_line(scan), MAX_DEPTH);
    }
    TRY(next_event(scan));
    for (size_t i = 0; scan->event.type != end; i++) {
        char inner[64] = "";
        TRY(list ? join(scan, inner, path, NULL, i) : read_key(scan, inner, path));
        TRY(scan_value(scan, inner, depth + 1));
        TRY(next_event(scan));
    }
done:
    return st;
}

/* One value with all that is in it; the recursion ends at MAX_DEPTH. */
static enum mien_status scan_value(struct scan *scan, const char *path, int depth)
{
    enum mien_status st = MIEN_OK;
    const yaml_event_t *event = &scan->event;
    TRY(check_plain(scan));
    if (path[0] != '\0') {
        TRY(add_mark(scan, path));
    }
    if (event->type != YAML_SCALAR_EVENT) {
        return scan_inside(scan, path, depth);
    }
    if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL) {
        return mien_fail(scan->err, MIEN_ERR_FORMAT, "%s:%d: %s: got a NUL, expected text",
                         scan->where, event_line(scan), path);
    }
done:
    return st;
}

static enum mien_status scan_document(struct scan *scan)
{
    enum mien_status st = MIEN_OK;
    TRY(next_event(scan)); /* stream start */
    TRY(next_event(scan));
    if (scan->event.type != YAML_DOCUMENT_START_EVENT) {
        return mien_fail(scan->err, MIEN_ERR_FORMAT,
                         "%s: empty, expected a recipe with input and layers", scan->where);
    }
    TRY(next_event(scan));
    if (scan->event.type != YAML_MAPPING_START_EVENT) {
        return mien_fail(scan->err, MIEN_ERR_FORMAT,
                         "%s:%d: expected keys and values (name: ..., input: ..., layers: ...)",
                         scan->where, event_line(scan));
    }
    TRY(scan_value(scan, "", 0));
    TRY(next_event(scan)); /* document end */
    TRY(next_event(scan));
    if (scan->event.type != YAML_STREAM_END_EVENT) {
        return mien_fail(scan->err, MIEN_ERR_FORMAT,
                         "%s:%d: a second YAML document begins, expected one", scan->where,
                         event_line(scan));
    }
done:
    return st;
}

enum mien_status mien_recipe_scan(struct mien_recipe_marks *marks, const char *text, size_t bytes,
                                  const char *where, struct mien_error *err)
{
    struct scan scan = { .marks = marks, .where = where, .text = text, .bytes = bytes, .err = err };
    *marks = (struct mien_recipe_marks){ 0 };
    if (bytes > MIEN_RECIPE_MAX_BYTES) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s: %zu bytes, expected at most %d", where, bytes,
                         MIEN_RECIPE_MAX_BYTES);
    }
    const char *nul = bytes == 0 ? NULL : memchr(text, '\0', bytes);
    if (nul != NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s:%d: a NUL byte, expected YAML in UTF-8", where,
                         line_of_byte(&scan, (size_t)(nul - text)));
    }
    if (yaml_parser_initialize(&scan.parser) == 0) {
        return mien_fail(err, MIEN_ERR_MEMORY, "%s: no memory to read it", where);
    }
    yaml_parser_set_input_string(&scan.parser, (const unsigned char *)(bytes == 0 ? "" : text),
                                 bytes);
    const enum mien_status st = scan_document(&scan);
    yaml_event_delete(&scan.event);
    yaml_parser_delete(&scan.parser);
    if (st != MIEN_OK) {
        free(marks->items);
        *marks = (struct mien_recipe_marks){ 0 };
    }
    return st;
}

int mien_recipe_line(const struct mien_recipe_marks *marks, const char *path)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (strcmp(marks->items[i].path, path) == 0) {
            return marks->items[i].line;
        }
    }
    return 0;
}
