/** log.h - lines for people, handed to a callback: the library itself never prints (internal) */
#ifndef MIEN_BASE_LOG_H
#define MIEN_BASE_LOG_H

#include "mien.h"

MIEN_PRINTF(2, 3)
void mien_log_line(const struct mien_log *log, const char *fmt, ...);
void mien_log_progress(const struct mien_log *log, const char *what, size_t done, size_t total);

#endif
