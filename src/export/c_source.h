/** c_source.h - a trained network as plain C, for programs without OpenCL or mien (internal) */
#ifndef MIEN_EXPORT_C_SOURCE_H
#define MIEN_EXPORT_C_SOURCE_H

#include "train/model_file.h"

enum { MIEN_C_NAME_BYTES = 72 };

/** What was written. */
struct mien_c_about {
    char name[MIEN_C_NAME_BYTES]; /**< of the files and in front of every global name */
    size_t buffer_bytes;          /**< static memory for activations */
    size_t weight_bytes;          /**< constants */
};

/**
 * Write a network as C99 that needs nothing but the C library with its mathematics: NAME.h, NAME.c
 * (readable, one function for each kind of layer, static buffers), NAME_weights.c and
 * NAME_example.c (a program that takes PGM or PPM files).
 *
 * folder    made where it is missing; must hold no files of these names
 * Errors    MIEN_ERR_NOT_FINITE: a weight; MIEN_ERR_IO, MIEN_ERR_MEMORY.  Nothing that was written
 *           is left then
 * Numerics  float32; the sums of dense layers and means in double: docs/numerics.md
 */
MIEN_CHECK_RESULT
enum mien_status mien_c_write(struct mien_c_about *out, const char *folder,
                              const struct mien_model_file *file, struct mien_error *err);

#endif
