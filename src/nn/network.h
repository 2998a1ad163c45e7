/** network.h - a recipe's layers with every shape worked out, before any device is touched
 * (internal) */
#ifndef MIEN_NN_NETWORK_H
#define MIEN_NN_NETWORK_H

#include "nn/recipe.h"

/** What one image is between two layers. */
struct mien_shape {
    int c, h, w; /**< after flatten and dense: c features of 1 x 1 */
};

/** A trainable (or, for batch norm's running values, remembered) tensor of a layer. */
struct mien_param {
    char name[48]; /**< as PyTorch's state_dict: "conv1.weight", "dense2.bias" */
    int rank;
    size_t shape[4]; /**< conv [out][in][kh][kw], dense [out][in], bias [out] */
    size_t count;    /**< product of shape */
    size_t offset;   /**< in floats, in the flat parameter buffer; a multiple of 128 */
    size_t fan_in;   /**< for the initial values */
    bool trainable;  /**< false: batch norm's running mean and variance */
    bool decayed;    /**< weight decay applies */
};

struct mien_layer {
    struct mien_layer_spec spec; /**< width resolved: never 0 where it counts */
    int number;                  /**< among those of its kind, from 1 */
    char name[32];               /**< kind and number: "conv1", "relu1", "maxpool1", "dense3" */
    int from;                    /**< the layer whose output it takes; -1: the input */
    int skip;      /**< add: the other one, a mark or the projection of it; multiply: a mark; -1 for
                      all others */
    int uses;      /**< mark: how many layers of kind add or multiply take it */
    bool projects; /**< part of an add, between a mark and the sum: "add1.conv" */
    struct mien_shape in, out;
    int first_param, param_count; /**< into network.params */
    double flop;                  /**< of one image, forward; a multiply-add counts 2 */
};

struct mien_network {
    int classes;
    struct mien_shape input;
    struct mien_layer *layers; /**< those of the recipe, and in front of an add its projection */
    size_t layer_count;
    struct mien_param *params;
    size_t param_count;
    size_t parameters;  /**< trainable numbers */
    size_t flat_floats; /**< size of the flat parameter buffer, with padding */
};

/** Whether a pooling's windows lie side by side: its stride is the window, without padding. */
static inline bool mien_pooling_is_tiled(const struct mien_layer_spec *spec)
{
    return spec->stride == spec->kernel_h && spec->stride == spec->kernel_w && spec->pad == 0;
}

/**
 * Work out every shape, parameter and its place.
 *
 * Ownership  *out is the caller's, release with mien_network_destroy(); NULL on error
 * Errors     MIEN_ERR_SHAPE: recipe line, layer, what it got and what it wanted; the last layer
 *            must give `classes` features of 1 x 1; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_network_create(struct mien_network **out, const struct mien_recipe *recipe,
                                     int classes, struct mien_error *err);
void mien_network_destroy(struct mien_network *network); /* NULL is allowed */

#endif
