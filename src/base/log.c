/* log.c - handing lines and progress to the callbacks */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

void mien_log_line(const struct mien_log *log, const char *fmt, ...)
{
    if (log == NULL || log->line == NULL) {
        return;
    }
    char text[2048];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    mien_one_line(text);
    log->line(log->user, text);
}

void mien_log_progress(const struct mien_log *log, const char *what, size_t done, size_t total)
{
    if (log != NULL && log->progress != NULL) {
        log->progress(log->user, what, done, total);
    }
}
