/** scan.h - finding the image files of a folder data set, before any is opened (internal to data)
 */
#ifndef MIEN_DATA_SCAN_H
#define MIEN_DATA_SCAN_H

#include "base/log.h"
#include "data/classes.h"
#include "data/dataset.h"

/** One image file. */
struct mien_found {
    size_t name; /**< where its path inside the data set begins in `text` */
    int folder;  /**< index into `folders`, later into `classes` */
    int split;   /**< enum mien_split */
};

/** All image files below one root. */
struct mien_scan {
    const char *root;               /**< borrowed */
    const struct mien_log *log;     /**< may be NULL */
    struct mien_class_list folders; /**< names of class folders as they are written */
    struct mien_class_list classes; /**< what they stand for, sorted */
    size_t count, capacity;
    struct mien_found *found;
    size_t text_bytes, text_capacity;
    char *text;
    size_t skipped;  /**< files in class folders that are not images, by name */
    bool has_splits; /**< there are folders named train, validation, test or the like */
};

/**
 * Find every image.  `root` and `log` must be set, the rest zeroed.  On return found[].folder
 * is the index into `classes`, and splits that only file names tell (PublicTest_...) are set.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT  no class folders, one without images, two
 *         folders for one split, folders nested too deep or in a circle
 */
MIEN_CHECK_RESULT
enum mien_status mien_scan_run(struct mien_scan *scan, struct mien_error *err);
void mien_scan_finish(struct mien_scan *scan); /* zeroed is allowed */

/** The second half of it (scan_classes.c): from folder names to classes, from file names to splits.
 */
MIEN_CHECK_RESULT
enum mien_status mien_scan_name_classes(struct mien_scan *scan, struct mien_error *err);
void mien_scan_name_splits(struct mien_scan *scan);

#endif
