/**
 * onnx_build.h - an ONNX model put together message by message (internal to src/export)
 *
 * A failure (no memory, a model that is too large) is remembered: every later call does nothing,
 * and mien_onnx_save() returns it.  So a graph is described without a check behind every line.
 */
#ifndef MIEN_EXPORT_ONNX_BUILD_H
#define MIEN_EXPORT_ONNX_BUILD_H

#include <stdint.h>

#include "base/error.h"

struct mien_onnx;

/** In the place of the first dimension of a tensor: the batch, of any size. */
#define MIEN_ONNX_BATCH (-1)

/**
 * A model without nodes, named `name`.
 *
 * Ownership  *out is the caller's, release with mien_onnx_destroy(); NULL on error
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_onnx_create(struct mien_onnx **out, const char *name, struct mien_error *err);
void mien_onnx_destroy(struct mien_onnx *onnx); /* NULL is allowed */

/** An input or an output of the graph: float32 with these dimensions; `about` says what it holds.
 */
void mien_onnx_input(struct mien_onnx *onnx, const char *name, const int64_t *dims, size_t rank,
                     const char *about);
void mien_onnx_output(struct mien_onnx *onnx, const char *name, const int64_t *dims, size_t rank,
                      const char *about);

/** Constant tensors.  Ownership  `data` is borrowed until mien_onnx_save(), `values` are copied */
void mien_onnx_floats(struct mien_onnx *onnx, const char *name, const size_t *dims, size_t rank,
                      const float *data);
void mien_onnx_ints(struct mien_onnx *onnx, const char *name, const int64_t *values, size_t count);
void mien_onnx_scalar(struct mien_onnx *onnx, const char *name, float value);

/** A node of one output, whose name is its own; NULL ends the inputs. */
void mien_onnx_node(struct mien_onnx *onnx, const char *operation, const char *output,
                    const char *const *inputs);
/** Attributes of the last node. */
void mien_onnx_int(struct mien_onnx *onnx, const char *name, int64_t value);
void mien_onnx_float(struct mien_onnx *onnx, const char *name, float value);
void mien_onnx_int_list(struct mien_onnx *onnx, const char *name, const int64_t *values,
                        size_t count);

/** A text for whoever opens the file. */
void mien_onnx_metadata(struct mien_onnx *onnx, const char *key, const char *value);

/**
 * Write the file.
 *
 * bytes   its size; may be NULL
 * Errors  that of an earlier call; MIEN_ERR_SHAPE: more than 2 GiB, which one ONNX file cannot
 * hold; MIEN_ERR_IO, MIEN_ERR_MEMORY.  What was at `path` is then untouched
 */
MIEN_CHECK_RESULT
enum mien_status mien_onnx_save(size_t *bytes, struct mien_onnx *onnx, const char *path,
                                struct mien_error *err);

#endif
