/* csv.c - rows of comma-separated values */
#include "base/csv.h"

#include <stdbool.h>
#include <string.h>

struct mien_csv mien_csv_begin(char *text)
{
    const bool marked = strncmp(text, "\xef\xbb\xbf", 3) == 0;
    return (struct mien_csv){ .next = text + (marked ? 3 : 0), .line = 1, .next_line = 1 };
}

/* Past a line's end, if there is one. */
static char *pass_line_end(char *at, size_t *lines)
{
    at += at[0] == '\r' && at[1] == '\n' ? 1 : 0;
    if (*at == '\n') {
        at++;
        (*lines)++;
    }
    return at;
}

/* A value without quotes, which *end is to be made the end of.  Returns what it ends at. */
static char *cut_plain(const char **value, char **end, char *at)
{
    *value = at;
    at += strcspn(at, ",\n");
    *end = *at != ',' && at > *value && at[-1] == '\r' ? at - 1 : at;
    return at;
}

/* A value in quotes, which are taken off.  Returns what is behind it; NULL: it does not end. */
static char *cut_quoted(const char **value, size_t *lines, char *at)
{
    char *to = at;
    *value = to;
    for (at++; *at != '\0'; at++) {
        if (at[0] == '"' && at[1] != '"') {
            *to = '\0';
            return at + 1;
        }
        at += at[0] == '"' ? 1 : 0; /* two quotes stand for one */
        *lines += *at == '\n' ? 1 : 0;
        *to++ = *at;
    }
    return NULL;
}

static bool ends_line(const char *at)
{
    return at[0] == '\0' || at[0] == '\n' || (at[0] == '\r' && at[1] == '\n');
}

enum mien_status mien_csv_row(const char **fields, size_t most, size_t *count, struct mien_csv *csv,
                              struct mien_error *err)
{
    char *at = csv->next;
    *count = 0;
    while (*at != '\0' && ends_line(at)) {
        at = pass_line_end(at, &csv->next_line);
    }
    csv->line = csv->next_line;
    for (bool more = *at != '\0'; more;) {
        char *end = NULL;
        if (*count == most) {
            return mien_fail(err, MIEN_ERR_FORMAT, "more than %zu values", most);
        }
        const char **const field = &fields[(*count)++];
        at = *at == '"' ? cut_quoted(field, &csv->next_line, at) : cut_plain(field, &end, at);
        if (at == NULL) {
            return mien_fail(err, MIEN_ERR_FORMAT, "a quote that is not closed");
        }
        more = *at == ',';
        if (!more && !ends_line(at)) {
            return mien_fail(err, MIEN_ERR_FORMAT, "text behind a value in quotes");
        }
        at = more ? at + 1 : pass_line_end(at, &csv->next_line);
        if (end != NULL) {
            *end = '\0';
        }
    }
    csv->next = at;
    return MIEN_OK;
}

void mien_csv_put(FILE *to, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        (void)fputs(text, to);
        return;
    }
    (void)fputc('"', to);
    for (; *text != '\0'; text++) {
        (void)fprintf(to, "%s%c", *text == '"' ? "\"" : "", *text);
    }
    (void)fputc('"', to);
}
