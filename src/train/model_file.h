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
 * A new model: the recipe's network for these classes, with PyTorch's initial values drawn by its
 * seed.
 *
 * Ownership  `recipe` becomes the model's, also on error; release with mien_model_file_finish()
 * Errors     MIEN_ERR_SHAPE, MIEN_ERR_MEMORY; zeroed then
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_file_create(struct mien_model_file *out, struct mien_recipe *recipe,
                                        char *const *classes, int class_count,
                                        struct mien_error *err);

/**
 * Put settings ("train.epochs=20") over the recipe of a model; its network must stay as it is.
 *
 * Errors  MIEN_ERR_USAGE, MIEN_ERR_FORMAT: as mien_recipe_parse(), or the input's size would change
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_file_set(struct mien_model_file *file, const char *const *settings,
                                     size_t setting_count, struct mien_error *err);

/**
 * Take the weights of another safetensors file, mien's or not: by name and shape, or, where the
 * names are others, in order; mien_weights_match() says how.
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_file_take_weights(struct mien_model_file *file, const char *path,
                                              struct mien_error *err);

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

/** The classes as a JSON array; free() it.  Errors  MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status mien_model_file_classes(char **out, const struct mien_model_file *file,
                                         struct mien_error *err);

/**
 * Write weights with the recipe, the classes and the version in the metadata.
 *
 * more      [more_count] further tensors behind the weights (a checkpoint's state); may be NULL, 0
 * metadata  [metadata_count] further metadata
 * Errors    MIEN_ERR_IO, MIEN_ERR_MEMORY; then what was at `path` is untouched
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_file_save(const char *path, const struct mien_model_file *file,
                                      const struct mien_tensor *more, size_t more_count,
                                      const struct mien_metadata *metadata, size_t metadata_count,
                                      struct mien_error *err);

/**
 * Write weights as above, those of convolutions and dense layers as F16 and the few others (biases,
 * batch norm) as F32: half the bytes.  mien_model_file_load() takes such a file as any other.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_NOT_FINITE: a weight, named, is or would become
 * infinite or NaN; then what was at `path` is untouched
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_file_save_half(const char *path, const struct mien_model_file *file,
                                           struct mien_error *err);

#endif
