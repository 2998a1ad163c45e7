/** log.h - lines for people, handed to a callback: the library itself never prints (internal) */
#ifndef MIEN_BASE_LOG_H
#define MIEN_BASE_LOG_H

#include "mien.h"

/** Where notices go.  A NULL pointer to this struct, or a NULL `line`, drops them. */
struct mien_log {
    /** One finished line without its newline, for example "compiling 12 kernels, once". */
    void (*line)(void *user, const char *text);
    /** `done` of `total` of a long task named `what`; called from the calling thread only. */
    void (*progress)(void *user, const char *what, size_t done, size_t total);
    void *user;
};

MIEN_PRINTF(2, 3)
void mien_log_line(const struct mien_log *log, const char *fmt, ...);
void mien_log_progress(const struct mien_log *log, const char *what, size_t done, size_t total);

#endif
