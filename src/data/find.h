/** find.h - the image files below a folder, in one order on every machine (internal) */
#ifndef MIEN_DATA_FIND_H
#define MIEN_DATA_FIND_H

#include <stdbool.h>

#include "base/error.h"

/** Paths of files; zeroed is none. */
struct mien_paths {
    size_t count, capacity;
    char **items;
};

/** Whether a file's name has the ending of a PNG or JPEG file and no dot in front. */
bool mien_name_is_image(const char *name);
/** Whether a folder is one that systems and archivers leave behind (".git", "__MACOSX"). */
bool mien_name_is_ignored(const char *name);

/** Append a copy of `path`.  Errors  MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status mien_paths_add(struct mien_paths *paths, const char *path, struct mien_error *err);

/**
 * Append every image below `folder`, told by its name, in byte order of the names at each level.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: no image, folders nested too deep or in a
 *         circle of links; then `paths` is as it was
 */
MIEN_CHECK_RESULT
enum mien_status mien_paths_find(struct mien_paths *paths, const char *folder,
                                 struct mien_error *err);
void mien_paths_finish(struct mien_paths *paths); /* zeroed is allowed */

#endif
