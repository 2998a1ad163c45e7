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

/* From the environment, as the C library's locale would say, without setting a locale. */
static bool shows_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *const value = getenv(names[i]); // NOLINT(concurrency-mt-unsafe): one thread yet
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

void term_init(struct term *term, const char *command)
{
    *term = (struct term){
        .command = command,
        .log = { .line = log_line, .progress = log_progress, .user = term },
        .bars = isatty(STDERR_FILENO) == 1,
        .blocks = shows_utf8(),
    };
}

void term_print(struct term *term, const char *fmt, ...)
{
    term_clear(term);
    va_list args;
    va_start(args, fmt);
    (void)vprintf(fmt, args); /* what fails here is seen by term_finish() */
    va_end(args);
}

json_t *term_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

enum mien_status term_json(struct term *term, json_t *value, struct mien_error *err)
{
    char *const text =
        value != NULL ? json_dumps(value, JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY) : NULL;
    json_decref(value);
    if (text == NULL) {
        return mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the JSON result");
    }
    term_print(term, "%s\n", text);
    free(text);
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
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    term_clear(term);
    (void)fprintf(stderr, "mien%s%s: %s\n", *term->command != '\0' ? " " : "", term->command, text);
}

/* "01:05", "2:03:07", "--:--" for what is not known. */
static void format_time(char *out, size_t bytes, double seconds)
{
    if (!(seconds >= 0 && seconds < 3600.0 * 1000)) {
        (void)snprintf(out, bytes, "--:--");
        return;
    }
    const unsigned s = (unsigned)lround(seconds) % (3600 * 1000); /* the compiler sees a bound */
    if (s >= 3600) {
        (void)snprintf(out, bytes, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    } else {
        (void)snprintf(out, bytes, "%02u:%02u", s / 60, s % 60);
    }
}

/* `out` has room for 3 bytes a column and the end. */
static void format_blocks(char *out, int columns, double part, bool blocks)
{
    static const char *const eighths[] = { " ",
                                           "\xE2\x96\x8F",
                                           "\xE2\x96\x8E",
                                           "\xE2\x96\x8D",
                                           "\xE2\x96\x8C",
                                           "\xE2\x96\x8B",
                                           "\xE2\x96\x8A",
                                           "\xE2\x96\x89",
                                           "\xE2\x96\x88" };
    const int filled = (int)(part * columns * 8);
    size_t used = 0;
    for (int i = 0; i < columns; i++) {
        const int here = filled - i * 8;
        const int level = here >= 8 ? 8 : (here > 0 ? here : 0);
        const char *const cell = blocks ? eighths[level] : (level >= 4 ? "#" : " ");
        memcpy(out + used, cell, strlen(cell));
        used += strlen(cell);
    }
    out[used] = '\0';
}

void term_format_bar(char *out, size_t bytes, const char *what, size_t done, size_t total,
                     double elapsed_s, const char *extra, bool blocks)
{
    enum { COLUMNS = 20 };
    char bar[3 * COLUMNS + 1];
    char elapsed[16];
    char left[16];
    char rate[24] = "?";
    const double part = total == 0 ? 1 : (done >= total ? 1 : (double)done / (double)total);
    format_blocks(bar, COLUMNS, part, blocks);
    format_time(elapsed, sizeof(elapsed), elapsed_s);
    format_time(left, sizeof(left), part > 0 ? elapsed_s * (1 - part) / part : -1);
    if (done > 0 && elapsed_s > 0) {
        (void)snprintf(rate, sizeof(rate), "%.4g", (double)done / elapsed_s);
    }
    (void)snprintf(out, bytes, "%s: %3d%%|%s| %zu/%zu [%s<%s, %s/s%s%s]", what, (int)(part * 100),
                   bar, done, total, elapsed, left, rate, extra != NULL ? ", " : "",
                   extra != NULL ? extra : "");
}

/* The longest beginning of `text` that takes at most `columns` on the screen, in bytes. */
static int fitting(const char *text, int columns)
{
    int bytes = 0;
    for (int shown = 0; text[bytes] != '\0'; bytes++) {
        const bool continued = ((unsigned char)text[bytes] & 0xC0) == 0x80;
        if (!continued && ++shown > columns) {
            break;
        }
    }
    return bytes;
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
        term_clear(term);
        term->what[0] = '\0';
        return;
    }
    if (now - term->drawn_s < 0.1) {
        return;
    }
    term->drawn_s = now;
    struct winsize window = { 0 };
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
    char text[512];
    term_format_bar(text, sizeof(text), what, done, total, now - term->start_s, extra,
                    term->blocks);
    (void)fprintf(stderr, "\r%.*s\033[K", fitting(text, (known ? window.ws_col : 80) - 1), text);
    (void)fflush(stderr);
    term->drawn = true;
}

void term_clear(struct term *term)
{
    if (term->drawn) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        term->drawn = false;
    }
}

enum mien_status term_finish(struct term *term, struct mien_error *err)
{
    term_clear(term);
    errno = 0;
    const bool flushed = fflush(stdout) == 0;
    if (flushed && ferror(stdout) == 0) {
        return MIEN_OK;
    }
    char text[128] = "unknown cause"; /* an earlier write failed, and its errno is gone */
    return mien_fail(err, MIEN_ERR_IO, "cannot write the result to the standard output: %s",
                     errno != 0 ? strerror_r(errno, text, sizeof(text)) : text);
}
