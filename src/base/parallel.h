/** parallel.h - the same function over many indices on all cores (internal) */
#ifndef MIEN_BASE_PARALLEL_H
#define MIEN_BASE_PARALLEL_H

#include "base/error.h"
#include "base/log.h"

/** Cores this process may use (its affinity mask), at least 1. */
int mien_cpu_count(void);

/**
 * Call work(user, index, err) for every index in [0, count), on up to `threads` threads (0: all
 * cores).
 *
 * The order is not defined; work() for different indices runs at the same time and shares nothing
 * but `user`.  Progress is reported to `log` under the name `what`, from the calling thread.
 * Errors  the failure of the lowest index that failed; the others may or may not have run
 */
MIEN_CHECK_RESULT
enum mien_status mien_parallel_for(size_t count, int threads,
                                   enum mien_status (*work)(void *user, size_t index,
                                                            struct mien_error *err),
                                   void *user, const struct mien_log *log, const char *what,
                                   struct mien_error *err);

#endif
