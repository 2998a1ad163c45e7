/** exclude.h - lists of images to leave out, by their names inside the data set (internal to data)
 *
 * A text file, one image a line; `mien check` writes them and people may.  A name is followed, at
 * will, by a tab and a comment that begins with '#'; a line that begins with '#' is a comment, an
 * empty one nothing.  In a name, \\ stands for a backslash, \n, \r and \t for those characters; a
 * name that begins with '#' is written with "./" in front.
 */
#ifndef MIEN_DATA_EXCLUDE_H
#define MIEN_DATA_EXCLUDE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"

struct mien_exclusion;

/**
 * Read a list.
 *
 * Ownership  *out is the caller's, release with mien_exclusion_destroy(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: what is no such list, with path and
 * line
 */
MIEN_CHECK_RESULT
enum mien_status mien_exclusion_read(struct mien_exclusion **out, const char *path,
                                     struct mien_error *err);
void mien_exclusion_destroy(struct mien_exclusion *exclusion); /* NULL is allowed */

/** Whether an image is on the list, which remembers the question; a NULL list is empty. */
bool mien_exclusion_has(struct mien_exclusion *exclusion, const char *name);

/**
 * After every image of a set was asked for: say in a notice how many are left out, and how many
 * names of the list the set does not have.
 *
 * count, kept  images of the set, and those that were not on the list
 * Errors       MIEN_ERR_FORMAT: none of the list's names is in the set, or nothing else is
 */
MIEN_CHECK_RESULT
enum mien_status mien_exclusion_settle(const struct mien_exclusion *exclusion, size_t count,
                                       size_t kept, const struct mien_log *log,
                                       struct mien_error *err);

/** A list to be written. */
struct mien_atomic_file;

/** One line: the name, and `why` as its comment.  Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status mien_exclusion_write(struct mien_atomic_file *file, const char *name,
                                      const char *why, struct mien_error *err);

#endif
