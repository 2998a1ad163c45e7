/** model_file.h - a trained network in one safetensors file: recipe, classes, weights (internal) */
#ifndef MIEN_TRAIN_MODEL_FILE_H
#define MIEN_TRAIN_MODEL_FILE_H

#include "base/safetensors.h"
#include "nn/network.h"

/** What a weights file or a checkpoint says, in host memory. */
struct mien_model_file {
    struct mien_recipe *recipe;
    struct mien_network *network;
    int class_count;
    char **classes;
    float *weights; /**< flat, [network->flat_floats] */
};

/**
 * Read a file that mien wrote: weights or a checkpoint.
 *
 * Ownership  release with mien_model_file_finish(); zeroed on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT: the path, and what is missing or
 * damaged
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_file_load(struct mien_model_file *out, const char *path,
                                      struct mien_error *err);
/** The same from an open file, which the result does not refer to. */
MIEN_CHECK_RESULT
enum mien_status mien_model_file_read(struct mien_model_file *out,
                                      const struct mien_safetensors *file, struct mien_error *err);
void mien_model_file_finish(struct mien_model_file *file); /* zeroed is allowed */

/**
 * Write weights with the recipe, the classes and the version in the metadata.
 *
 * more, more_count           further tensors behind the weights (a checkpoint's state); may be
 * NULL, 0 metadata, metadata_count   further metadata Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY; then
 * what was at `path` is untouched
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_file_save(const char *path, const struct mien_model_file *file,
                                      const struct mien_tensor *more, size_t more_count,
                                      const struct mien_metadata *metadata, size_t metadata_count,
                                      struct mien_error *err);

#endif
