/** dataset.h - labelled images in host memory, whatever form they came in (internal) */
#ifndef MIEN_DATA_DATASET_H
#define MIEN_DATA_DATASET_H

#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"

/**
 * Images of one size with one label each, ordered by split: training first, then validation, then
 * test; inside a split by class folder and file name (folders) or by row (CSV), so that the order
 * is the same on every machine.
 */
struct mien_dataset {
    size_t count;
    int channels, height, width; /**< 1 (gray) or 3 (RGB); pixels */
    const uint8_t *images;       /**< [count][height][width][channels] */
    const int32_t *labels;       /**< [count], index into classes */
    const float *targets;        /**< [count][class_count], what is right for each image: shares
                                      from 0 to 1 that sum to 1; NULL: the labels alone */
    char **names; /**< [count], path inside the data set, or the number of a CSV file's row, from
                       0; NULL when the form has none */
    int class_count;
    char **classes; /**< canonical names where known ("angry" ...), sorted by name; a
                         packed file's own order */
    struct {
        size_t first, count;
    } splits[MIEN_SPLITS];
    uint64_t
        fingerprint; /**< of pixels, labels, targets, splits and classes: same data, same number */
    double split;    /**< part of the training images that was to be set aside when it was loaded */
    char *exclude;   /**< list of images that were left out then; NULL: none */

    size_t resized;   /**< images that came in another size */
    size_t converted; /**< images that came in another colour form or depth */
    size_t skipped;   /**< files in class folders that are not images, by name */

    void *storage; /**< private: what images and labels live in */
};

/**
 * Load a data set from any form: a folder (class folders, with or without split folders and
 * images/), a fer2013.csv or the folder it lies in alone, or a packed .safetensors file;
 * docs/data.md describes them.
 *
 * Ownership  *out is the caller's, release with mien_dataset_destroy(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT (which file, what, what was expected),
 *            MIEN_ERR_USAGE (options)
 */
MIEN_CHECK_RESULT
enum mien_status mien_dataset_load(struct mien_dataset **out, const char *path,
                                   const struct mien_data_options *options, struct mien_error *err);
void mien_dataset_destroy(struct mien_dataset *set); /* NULL is allowed */

/** One split as a set of its own, which borrows all that it has; its fingerprint is that of the
 * whole.
 */
struct mien_dataset mien_dataset_split(const struct mien_dataset *set, enum mien_split split);

enum { MIEN_DATASET_NAME_BYTES = 24 };

/** An image's name, or its number in a set without names, for which there is `number`. */
const char *mien_dataset_name(char number[MIEN_DATASET_NAME_BYTES], const struct mien_dataset *set,
                              size_t index);

/** Write one packed file (safetensors), which mien_dataset_load() maps. */
MIEN_CHECK_RESULT
enum mien_status mien_dataset_pack(const struct mien_dataset *set, const char *path,
                                   struct mien_error *err);

struct mien_synth_options {
    size_t count; /**< training images over all classes; a fifth as many for validation */
    uint64_t seed;
    const struct mien_log *log;
};

/**
 * Draw synthetic expressive faces into folder/train/<class>/ and folder/validation/<class>/.
 *
 * Shapes    48 x 48 gray PNG, the seven classes in turn
 * Errors    MIEN_ERR_IO, MIEN_ERR_MEMORY
 *           MIEN_ERR_USAGE  the folder is not empty, a count out of range
 * Numerics  each image is a function of (seed, split, index)
 */
MIEN_CHECK_RESULT
enum mien_status mien_synth_write(const char *folder, const struct mien_synth_options *options,
                                  struct mien_error *err);

/** Validation images that it draws beside `count` for training: a fifth, at least one a class. */
size_t mien_synth_validation(size_t count);

#endif
