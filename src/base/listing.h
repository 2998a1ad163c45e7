/** listing.h - what a folder holds, in byte order of the names (internal) */
#ifndef MIEN_BASE_LISTING_H
#define MIEN_BASE_LISTING_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct mien_listed {
    const char *name;
    bool is_folder; /**< through symbolic links */
};

struct mien_listing {
    size_t count;
    struct mien_listed *items; /**< without "." and ".." */
    char *text;                /**< private: what the names point into */
    dev_t device;              /**< with inode: which folder this is */
    ino_t inode;
};

/**
 * Read a folder.
 *
 * Ownership  *out is the caller's, release with mien_listing_finish(); zeroed on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_listing_read(struct mien_listing *out, const char *path,
                                   struct mien_error *err);
void mien_listing_finish(struct mien_listing *listing); /* zeroed is allowed */

/** A folder on the way down, whose list is read; the chain shows circles of links. */
struct mien_level {
    const struct mien_level *up; /**< NULL: where the way begins */
    int depth;
    struct mien_listing list;
};

/** Errors  MIEN_ERR_FORMAT: deeper than `most`, or one of the folders above it again; with `path`
 */
MIEN_CHECK_RESULT
enum mien_status mien_level_check(const struct mien_level *level, int most, const char *path,
                                  struct mien_error *err);

#endif
