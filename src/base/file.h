/** file.h - whole files: mapped, read, replaced atomically; paths and folders (internal) */
#ifndef MIEN_BASE_FILE_H
#define MIEN_BASE_FILE_H

#include <stdbool.h>

#include "base/error.h"

/** A file mapped for reading.  An empty file has bytes 0 and data NULL. */
struct mien_file_map {
    const unsigned char *data;
    size_t bytes;
};

/**
 * Errors  MIEN_ERR_IO, MIEN_ERR_FORMAT: it is no regular file, or a link to none; the path is in
 * the text, *out is then zeroed
 */
MIEN_CHECK_RESULT
enum mien_status mien_file_map(struct mien_file_map *out, const char *path, struct mien_error *err);
void mien_file_unmap(struct mien_file_map *map); /* zeroed or NULL is allowed */

/**
 * Read a whole file; a zero byte follows the last one.
 *
 * Ownership  *data is the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT when it is larger than `limit` bytes or
 * no regular file
 */
MIEN_CHECK_RESULT
enum mien_status mien_file_read(unsigned char **data, size_t *bytes, const char *path, size_t limit,
                                struct mien_error *err);

/**
 * A file that replaces `path` in one step: written beside it under a temporary name, flushed to the
 * disk, renamed.  Until commit() the old file is untouched; a crash leaves the old or the new one.
 * A link is followed; a folder, a pipe or a device is refused.  Where the process ignores SIGXFSZ
 * (mien does, a host program should) a file-size limit is an error like a full disk.
 */
struct mien_atomic_file;
MIEN_CHECK_RESULT
enum mien_status mien_atomic_open(struct mien_atomic_file **out, const char *path,
                                  struct mien_error *err);
MIEN_CHECK_RESULT
enum mien_status mien_atomic_write(struct mien_atomic_file *file, const void *data, size_t bytes,
                                   struct mien_error *err);
/**
 * Flush, rename and release.  `file` is gone either way.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY: the temporary file is removed, the old one untouched; but
 *         MIEN_ERR_IO also where the disk fails when the folder is flushed, which the text says:
 *         the file is the new one then, and may not survive a power cut
 */
MIEN_CHECK_RESULT
enum mien_status mien_atomic_commit(struct mien_atomic_file *file, struct mien_error *err);
void mien_atomic_abort(struct mien_atomic_file *file); /* NULL is allowed */

/** All of the above for one block of memory. */
MIEN_CHECK_RESULT
enum mien_status mien_file_replace(const char *path, const void *data, size_t bytes,
                                   struct mien_error *err);

/** Make a folder and its parents; it is no error when it is there. */
MIEN_CHECK_RESULT
enum mien_status mien_folder_make(const char *path, struct mien_error *err);

bool mien_path_is_file(const char *path);
bool mien_path_is_folder(const char *path);

/** "a/b" from "a" and "b"; release with free(); NULL and MIEN_ERR_MEMORY's text when refused. */
MIEN_CHECK_RESULT
char *mien_path_join(const char *folder, const char *name, struct mien_error *err);

/** The folder that a path is in, "." of one without a slash; free() it.  NULL: MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
char *mien_path_folder(const char *path, struct mien_error *err);

/**
 * mien's folder under the user's cache folder ($MIEN_CACHE, else $XDG_CACHE_HOME/mien, else
 * ~/.cache/mien); not made here.  NULL without a text when there is no such place.
 */
char *mien_cache_folder(void);

#endif
