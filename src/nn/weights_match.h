/**
 * weights_match.h - which tensors of a file are which parameters, also under other names (internal)
 *
 * A *module* is what has one name in front of its last dot: "features.0" with "weight" and "bias",
 * "bn1" with running values beside them.  Its kind is told by its tensors: running values make a
 * batch norm, a weight of four dimensions a convolution, one of two a dense layer.
 */
#ifndef MIEN_NN_WEIGHTS_MATCH_H
#define MIEN_NN_WEIGHTS_MATCH_H

#include "base/safetensors.h"
#include "nn/network.h"

/** One line of a map: a tensor, or a module, of the file, and its name in the network. */
struct mien_weights_name {
    const char *theirs, *ours;
    int line; /**< in the map's file, from 1 */
};

struct mien_weights_map {
    char *path, *text; /**< owned */
    struct mien_weights_name *names;
    size_t count;
};

/**
 * Read a map: on each line a name of the file and one of the network, blanks between; '#' begins a
 * comment.
 *
 * Ownership  release with mien_weights_map_finish(), also after an error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: path and line
 */
MIEN_CHECK_RESULT
enum mien_status mien_weights_map_read(struct mien_weights_map *out, const char *path,
                                       struct mien_error *err);
void mien_weights_map_finish(struct mien_weights_map *map); /* zeroed is allowed */

/**
 * Find the tensor of every parameter.  What the map names is taken as it says.  Of the rest: where
 * every parameter is there under its own name, these are taken, and other tensors matter only if
 * `strict`.  Otherwise modules are taken in the order of their names, numbers in them as numbers:
 * each module of the network gets the first one left of its kind and shapes, and none may be left
 * over (counters such as num_batches_tracked may).
 *
 * Shapes  out [network->param_count], overwritten; tensors are borrowed from the file
 * map     NULL: none
 * Errors  MIEN_ERR_FORMAT: what is missing and what is left over; what the map names and nobody
 * has; a shape or a type that differs.  MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_weights_match(const struct mien_tensor **out,
                                    const struct mien_network *network,
                                    const struct mien_safetensors *file,
                                    const struct mien_weights_map *map, bool strict,
                                    struct mien_error *err);

/** Copy matched tensors, F32, F16 or BF16, into the flat array. */
void mien_weights_take(float *flat, const struct mien_network *network,
                       const struct mien_tensor *const *tensors);

#endif
