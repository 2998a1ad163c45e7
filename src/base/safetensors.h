/**
 * safetensors.h - the one container of mien: weights, checkpoints, packed data sets (internal)
 *
 * Eight bytes of little-endian header length, a JSON header, raw little-endian tensors.  Read
 * strictly: header size, lengths, overlaps and holes, types, shapes against lengths, duplicate
 * names.
 *
 * Source  https://github.com/huggingface/safetensors (format description)
 */
#ifndef MIEN_BASE_SAFETENSORS_H
#define MIEN_BASE_SAFETENSORS_H

#include "base/error.h"

enum { MIEN_TENSOR_MAX_RANK = 8 };

/* Of the file's length of the header, and the most that the header may have, as its inventor's. */
enum { MIEN_SAFETENSORS_PREFIX_BYTES = 8, MIEN_SAFETENSORS_MAX_HEADER_BYTES = 100000000 };

enum mien_dtype {
    MIEN_U8,
    MIEN_I32,
    MIEN_I64,
    MIEN_F16,
    MIEN_BF16,
    MIEN_F32,
    MIEN_F64,
    MIEN_DTYPE_OTHER
};

/** "F32" and so on; "other" for a type mien has no use for. */
const char *mien_dtype_name(enum mien_dtype dtype);

/** Bytes of one element; 0 for MIEN_DTYPE_OTHER. */
size_t mien_dtype_bytes(enum mien_dtype dtype);

/** One tensor.  In a file that was read, everything it points to is borrowed from the file. */
struct mien_tensor {
    const char *name;
    enum mien_dtype dtype;
    int rank; /**< 0 for a scalar */
    size_t shape[MIEN_TENSOR_MAX_RANK];
    const void *data; /**< little-endian, at least 1-byte aligned: copy before reading as float */
    size_t bytes;
};

/** Whether a type is one of those that mien_tensor_floats() takes: F32, F16, BF16. */
bool mien_dtype_is_weight(enum mien_dtype dtype);

/**
 * The elements of a tensor of such a type as float32, exactly.
 *
 * Shapes  out [tensor->bytes / mien_dtype_bytes(tensor->dtype)], overwritten
 */
void mien_tensor_floats(float *out, const struct mien_tensor *tensor);

struct mien_safetensors; /* an open file: mapped, checked */

/**
 * Map and check a file.
 *
 * Ownership  *out is the caller's, release with mien_safetensors_close(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_FORMAT (what, where, what was expected), MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_safetensors_open(struct mien_safetensors **out, const char *path,
                                       struct mien_error *err);
/** The same for bytes in memory, which must outlive *out; for tests and fuzzing. */
MIEN_CHECK_RESULT
enum mien_status mien_safetensors_parse(struct mien_safetensors **out, const void *data,
                                        size_t bytes, struct mien_error *err);
void mien_safetensors_close(struct mien_safetensors *file); /* NULL is allowed */

size_t mien_safetensors_count(const struct mien_safetensors *file);
/** Tensor `index` in file order (by offset). */
const struct mien_tensor *mien_safetensors_at(const struct mien_safetensors *file, size_t index);
/** NULL when there is none of that name. */
const struct mien_tensor *mien_safetensors_find(const struct mien_safetensors *file,
                                                const char *name);
/** A value of __metadata__, NULL when there is none. */
const char *mien_safetensors_metadata(const struct mien_safetensors *file, const char *key);

struct mien_metadata {
    const char *key, *value;
};

/**
 * Write a file atomically.  Tensors are laid out in the order given, without gaps, the first at a
 * multiple of 8 bytes: what is wide goes first where readers are to find it aligned.  Names must
 * differ.
 *
 * Equal arguments give equal bytes.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_USAGE (a name twice or not UTF-8, `bytes` that do
 * not fit the shape, MIEN_DTYPE_OTHER); then what was at `path` before is untouched
 */
MIEN_CHECK_RESULT
enum mien_status mien_safetensors_write(const char *path, const struct mien_tensor *tensors,
                                        size_t count, const struct mien_metadata *metadata,
                                        size_t metadata_count, struct mien_error *err);

#endif
