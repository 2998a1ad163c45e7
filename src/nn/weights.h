/** weights.h - a model's weights: initial values, to and from safetensors files (internal) */
#ifndef MIEN_NN_WEIGHTS_H
#define MIEN_NN_WEIGHTS_H

#include "base/safetensors.h"
#include "nn/model.h"

/**
 * PyTorch's initial values as one flat array: weights and biases uniform in +-1/sqrt(fan_in), batch
 * norm 1 and 0.  A function of `seed` alone.
 *
 * Shapes  flat [network->flat_floats], overwritten
 */
void mien_weights_init(float *flat, const struct mien_network *network, uint64_t seed);

/**
 * See whether a file has every tensor of a network.  To be asked before memory is allocated for
 * them: the network that a small file describes may be larger than memory.
 *
 * prefix  in front of every name, "" for weights
 * Errors  MIEN_ERR_FORMAT: a tensor is missing, or has another type or shape (both are stated)
 */
MIEN_CHECK_RESULT
enum mien_status mien_weights_check_file(const struct mien_network *network,
                                         const struct mien_safetensors *file, const char *prefix,
                                         struct mien_error *err);

/**
 * Copy the tensors of a file, F32, F16 or BF16, into the flat array by name.
 *
 * Errors  those of mien_weights_check_file(); then nothing was copied
 */
MIEN_CHECK_RESULT
enum mien_status mien_weights_from_file(float *flat, const struct mien_network *network,
                                        const struct mien_safetensors *file, const char *prefix,
                                        struct mien_error *err);

/**
 * Describe the flat array as named tensors, network->param_count of them, pointing into `flat`.
 *
 * Ownership  names are written to `names`, [param_count][64], which the tensors borrow
 */
void mien_weights_to_tensors(struct mien_tensor *tensors, char (*names)[64],
                             const struct mien_network *network, const float *flat,
                             const char *prefix);

enum { MIEN_SHAPE_BYTES = 96 };

/** "64x1x5x5", or "a single number", written to `out`, which it returns. */
const char *mien_weights_shape(char out[MIEN_SHAPE_BYTES], const size_t *shape, int rank);

/** Blocking copies between a flat array and the device's parameters. */
MIEN_CHECK_RESULT
enum mien_status mien_weights_upload(struct mien_model *model, const float *flat,
                                     struct mien_error *err);
MIEN_CHECK_RESULT
enum mien_status mien_weights_download(float *flat, const struct mien_model *model,
                                       struct mien_error *err);

#endif
