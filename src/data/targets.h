/** targets.h - target distributions: what is right for an image, as shares of all classes
 * (internal)
 */
#ifndef MIEN_DATA_TARGETS_H
#define MIEN_DATA_TARGETS_H

#include "data/dataset.h"

/** Errors  MIEN_ERR_FORMAT: a row of set->targets that is not shares of 0 to 1 that sum to 1 */
MIEN_CHECK_RESULT
enum mien_status mien_targets_check(const struct mien_dataset *set, struct mien_error *err);

/**
 * Give a set the target distributions of a CSV file, in the place of any that it has.
 *
 * The file's first row names its columns: `image`, the name of an image in the set (as in
 * set->names, or its number where there are none), and classes by name or alias; columns with other
 * names are passed over.  A row has votes or probabilities, of which only the proportions count. An
 * image that the file does not have, or only zeros for, gets its label.
 *
 * log     told how many images the file has, what it has not, and the columns that it was not asked
 *         for
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: with path and line, what is no such file;
 * an image that comes twice; none that is in the set
 */
MIEN_CHECK_RESULT
enum mien_status mien_targets_read(struct mien_dataset *set, const char *path,
                                   const struct mien_log *log, struct mien_error *err);

#endif
