/** onnx.h - a trained network as an ONNX file, for other programs to run (internal) */
#ifndef MIEN_EXPORT_ONNX_H
#define MIEN_EXPORT_ONNX_H

#include "train/model_file.h"

/** Every operation that is needed is in this set since 2020; so is what reads it. */
enum { MIEN_ONNX_OPSET = 13, MIEN_ONNX_IR = 7 };

struct mien_onnx_options {
    bool normalize; /**< take pixels 0 to 255 of images as they are loaded; cut off the margin and
                         normalise inside */
    bool softmax;   /**< give probabilities, not logits */
};

/** What was written. */
struct mien_onnx_about {
    const char *input, *output; /**< names: "image" or "pixels", "logits" or "probabilities" */
    int channels, height, width;
    size_t nodes, bytes;
};

/** Whether this library was built with protobuf-c. */
bool mien_onnx_available(void);

/**
 * Write a network as ONNX: float32, input [batch][channels][height][width] with a batch of any
 * size, output [batch][classes].  metadata_props hold "classes" (JSON), "recipe" (YAML), "version",
 * and what an input that is not `pixels` wants: "margin", "normalize_mean", "normalize_std".
 *
 * Errors    MIEN_ERR_USAGE: built without protobuf-c; MIEN_ERR_NOT_FINITE: a weight;
 *           MIEN_ERR_SHAPE: more than 2 GiB; MIEN_ERR_IO, MIEN_ERR_MEMORY.  What was at `path` is
 *           then untouched
 * Numerics  as exact as whoever runs the file: docs/numerics.md
 * Source    https://github.com/onnx/onnx/blob/main/docs/Operators.md, opset MIEN_ONNX_OPSET
 */
MIEN_CHECK_RESULT
enum mien_status mien_onnx_write(struct mien_onnx_about *out, const char *path,
                                 const struct mien_model_file *file,
                                 const struct mien_onnx_options *options, struct mien_error *err);

#endif
