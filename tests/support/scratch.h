/** scratch.h - a folder for one test's files, and small file helpers */
#ifndef MIEN_TESTS_SUPPORT_SCRATCH_H
#define MIEN_TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

#include "mien.h"

/** Make an empty folder below $TMPDIR or /tmp; remove it with scratch_remove(). */
char *scratch_make(void);
/** Remove the folder with all that is in it, and release its name. */
void scratch_remove(char *folder);
/** "folder/name"; release with free(). */
char *scratch_path(const char *folder, const char *name);
/** Names in the folder, not counting "." and "..". */
size_t scratch_count(const char *folder);

void scratch_write(const char *path, const void *data, size_t bytes);
/** The whole file and a zero byte; release with free(). */
unsigned char *scratch_read(const char *path, size_t *bytes);
/** Both files have the same bytes. */
void scratch_same(const char *path, const char *other);

/** Fail the test with the error's text unless the status is MIEN_OK. */
void must(enum mien_status status, const struct mien_error *err);
/** The status is `want` and the text, one line, holds `part`. */
void must_fail(enum mien_status status, enum mien_status want, const struct mien_error *err,
               const char *part);

#endif
