/** json_memory.h - a reader of JSON whose library has no memory left */
#ifndef MIEN_TESTS_SUPPORT_JSON_MEMORY_H
#define MIEN_TESTS_SUPPORT_JSON_MEMORY_H

#include "base/error.h"

/**
 * Read with one more of jansson's allocations each time, until that succeeds, and fail unless each
 * failure was told as want of memory; but for a third, where jansson takes it for a wrong token.
 *
 * read  of a file with classes; `user` is handed on
 */
void json_memory_runs_out(enum mien_status (*read)(void *user, struct mien_error *err), void *user);

#endif
