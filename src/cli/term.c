/* term.c - results, errors, notices and progress on the terminal */
#include "cli/term.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/bar.h"

/* From the environment, as the C library's locale would say, without setting a locale. */
static bool shows_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *const value = getenv(names[i]);
        if (value != NULL && *value != '\0') {
            return strstr(value, "UTF-8") != NULL || strstr(value, "utf8") != NULL;
        }
    }
    return false;
}

static void log_line(void *user, const char *text)
{
    struct term *const term = user;
    if (!term->quiet) {
        term_clear(term);
        (void)fprintf(stderr, "%s\n", text);
    }
}

static void log_progress(void *user, const char *what, size_t done, size_t total)
{
    term_progress(user, what, done, total, NULL);
}

/* A terminal that can go back to a line that it has shown. */
static bool goes_back(void)
{
    const char *const kind = getenv("TERM"); // NOLINT(concurrency-mt-unsafe): one thread yet
    return isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1 && kind != NULL &&
           *kind != '\0' && strcmp(kind, "dumb") != 0;
}

/* https://no-color.org: set, and not to nothing. */
static bool wants_colours(void)
{
    const char *const none = getenv("NO_COLOR"); // NOLINT(concurrency-mt-unsafe): one thread yet
    return none == NULL || *none == '\0';
}

void term_init(struct term *term, const char *command)
{
    const bool view = goes_back();
    *term = (struct term){
        .command = command,
        .log = { .line = log_line, .progress = log_progress, .user = term },
        .bars = isatty(STDERR_FILENO) == 1,
        .blocks = shows_utf8(),
        .view = view,
        .colours = view && wants_colours(),
    };
}

/* Only the first: what is written after it often fails for another reason, or not at all. */
static void keep_failure(struct term *term)
{
    if (term->write_errno == 0) {
        term->write_errno = errno;
    }
}

void term_wrote(struct term *term)
{
    if (ferror(stdout) != 0) {
        keep_failure(term);
    }
}

/* Whatever a name in it says: a line feed is the only control character that mien itself prints. */
static void put_result(struct term *term, char *text)
{
    for (char *at = text; *at != '\0';) {
        const int bytes = *at == '\n' ? 0 : mien_control_bytes(at);
        memset(at, '?', (size_t)bytes);
        at += bytes > 0 ? bytes : 1;
    }
    errno = 0;
    if (fputs(text, stdout) < 0) { /* term_finish() will say so */
        keep_failure(term);
    }
}

void term_print(struct term *term, const char *fmt, ...)
{
    char text[2048];
    char *longer = NULL;
    va_list args;
    va_list again;
    va_start(args, fmt);
    va_copy(again, args);
    term_clear(term);
    const int length = vsnprintf(text, sizeof(text), fmt, args);
    if (length >= (int)sizeof(text)) {
        longer = malloc((size_t)length + 1);
        errno = ENOMEM;
    }
    if (longer != NULL) {
        (void)vsnprintf(longer, (size_t)length + 1, fmt, again);
    }
    if (length < 0 || (length >= (int)sizeof(text) && longer == NULL)) {
        keep_failure(term);
    } else {
        put_result(term, longer != NULL ? longer : text);
    }
    free(longer);
    va_end(again);
    va_end(args);
}

void term_flush(struct term *term)
{
    errno = 0;
    if (fflush(stdout) != 0) {
        keep_failure(term);
    }
}

/* JSON's own form of the control characters that jansson leaves as they are: delete, and UTF-8's
 * C1. Takes `json` over; free() what comes back. */
static char *escape_controls(char *json, struct mien_error *err)
{
    enum { ESCAPE = 6 }; /* "\u009B" */
    size_t found = 0;
    for (const char *at = json; *at != '\0'; at++) {
        found += mien_control_bytes(at) > 0 ? 1 : 0;
    }
    if (found == 0) {
        return json;
    }
    const size_t room = strlen(json) + found * ESCAPE + 1;
    char *const out = mien_calloc(room, 1, err);
    size_t used = 0;
    for (const char *at = json; out != NULL && *at != '\0';) {
        const int bytes = mien_control_bytes(at);
        if (bytes > 0) {
            const unsigned char last = (unsigned char)at[bytes - 1]; /* of C1, the character */
            used += (size_t)snprintf(out + used, room - used, "\\u%04X", (unsigned)last);
        } else {
            out[used++] = *at;
        }
        at += bytes > 0 ? bytes : 1;
    }
    free(json);
    return out;
}

enum mien_status term_json(struct term *term, json_t *value, struct mien_error *err)
{
    char *const text =
        value != NULL ? json_dumps(value, JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY) : NULL;
    json_decref(value);
    if (text == NULL) {
        return mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the JSON result");
    }
    char *const plain = escape_controls(text, err);
    if (plain == NULL) {
        return MIEN_ERR_MEMORY;
    }
    term_print(term, "%s\n", plain);
    free(plain);
    return MIEN_OK;
}

void term_error(struct term *term, const char *fmt, ...)
{
    char text[sizeof(((struct mien_error *)NULL)->text) + 128];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    /* A file's name may hold a line feed or an escape sequence: neither may reach the terminal. */
    mien_one_line(text);
    term_clear(term);
    (void)fprintf(stderr, "mien%s%s: %s\n", *term->command != '\0' ? " " : "", term->command, text);
}

void term_size(int *columns, int *lines)
{
    struct winsize window = { 0 };
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0;
    *columns = known && window.ws_col > 0 ? window.ws_col : 80;
    *lines = known && window.ws_row > 0 ? window.ws_row : 24;
}

static void clear_bar(struct term *term)
{
    if (term->drawn) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        term->drawn = false;
    }
}

void term_block(struct term *term, const char *text, int lines)
{
    term_clear(term);
    (void)fputs(text, stderr);
    (void)fflush(stderr);
    term->block_lines = lines;
}

void term_keep(struct term *term)
{
    clear_bar(term);
    term->block_lines = 0;
}

void term_progress(struct term *term, const char *what, size_t done, size_t total,
                   const char *extra)
{
    if (term->quiet || !term->bars) {
        return;
    }
    const double now = mien_now_s();
    if (done == 0 || strncmp(term->what, what, sizeof(term->what) - 1) != 0) {
        (void)snprintf(term->what, sizeof(term->what), "%s", what);
        term->start_s = now;
        term->drawn_s = now;
    }
    if (done >= total) {
        clear_bar(term);
        term->what[0] = '\0';
        return;
    }
    if (now - term->drawn_s < 0.1) {
        return;
    }
    term->drawn_s = now;
    int columns = 0;
    int lines = 0;
    term_size(&columns, &lines);
    char text[512];
    const struct bar bar = {
        .what = what,
        .done = done,
        .total = total,
        .elapsed_s = now - term->start_s,
        .extra = extra,
        .blocks = term->blocks,
        .columns = columns - 1, /* in the last one some terminals wrap */
    };
    (void)bar_format(text, sizeof(text), &bar);
    mien_one_line(text);
    (void)fprintf(stderr, "\r%s\033[K", text);
    (void)fflush(stderr);
    term->drawn = true;
}

void term_clear(struct term *term)
{
    clear_bar(term);
    if (term->block_lines > 0) {
        (void)fprintf(stderr, "\033[%dA\033[J", term->block_lines);
        (void)fflush(stderr);
        term->block_lines = 0;
    }
}

enum mien_status term_finish(struct term *term, struct mien_error *err)
{
    term_clear(term);
    term_flush(term);
    if (term->write_errno == 0 && ferror(stdout) == 0) {
        return MIEN_OK;
    }
    char text[128] = "unknown cause"; /* who wrote around term_print() lost it */
    return mien_fail(err, MIEN_ERR_IO, "cannot write the result to the standard output: %s",
                     term->write_errno != 0 ? strerror_r(term->write_errno, text, sizeof(text))
                                            : text);
}
