/* safetensors_write.c - writing: equal arguments give equal bytes */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include "base/utf8.h"

enum {
    PREFIX_BYTES = MIEN_SAFETENSORS_PREFIX_BYTES,
    MAX_HEADER_BYTES = MIEN_SAFETENSORS_MAX_HEADER_BYTES
};

static enum mien_status refuse_memory(struct mien_error *err)
{
    return mien_fail(err, MIEN_ERR_MEMORY, "no memory for the header");
}

/* Text that JSON can hold, as a new value. */
static enum mien_status make_text(json_t **out, const char *text, struct mien_error *err)
{
    *out = NULL;
    if (!mien_is_utf8(text)) {
        return mien_fail(err, MIEN_ERR_USAGE, "'%.100s' is not UTF-8 text", text);
    }
    *out = json_string(text);
    return *out != NULL ? MIEN_OK : refuse_memory(err);
}

/* Add to an object that must not have the key yet; takes over `value`, which may be NULL. */
static enum mien_status add_new(json_t *object, const char *key, json_t *value,
                                struct mien_error *err)
{
    if (value != NULL && json_object_get(object, key) != NULL) {
        json_decref(value);
        return mien_fail(err, MIEN_ERR_USAGE, "the name '%.100s' is given twice", key);
    }
    return json_object_set_new(object, key, value) == 0 ? MIEN_OK : refuse_memory(err);
}

static enum mien_status add_metadata(json_t *header, const struct mien_metadata *metadata,
                                     size_t count, struct mien_error *err)
{
    if (count == 0) {
        return MIEN_OK;
    }
    json_t *const object = json_object();
    enum mien_status st = add_new(header, "__metadata__", object, err);
    for (size_t i = 0; i < count && st == MIEN_OK; i++) {
        json_t *key = NULL; /* only to check it */
        json_t *value = NULL;
        st = make_text(&key, metadata[i].key, err);
        json_decref(key);
        if (st == MIEN_OK) {
            st = make_text(&value, metadata[i].value, err);
        }
        if (st == MIEN_OK) {
            st = add_new(object, metadata[i].key, value, err);
        }
        if (st != MIEN_OK) {
            st = mien_wrap(err, st, "metadata '%.100s'", metadata[i].key);
        }
    }
    return st;
}

/* What the shape says must be what the caller hands over. */
static enum mien_status check_tensor(const struct mien_tensor *tensor, struct mien_error *err)
{
    if (strcmp(tensor->name, "__metadata__") == 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "no tensor can be named so");
    }
    size_t bytes = mien_dtype_bytes(tensor->dtype);
    if (bytes == 0 || tensor->rank < 0 || tensor->rank > MIEN_TENSOR_MAX_RANK) {
        return mien_fail(err, MIEN_ERR_USAGE, "its type or its %d sizes cannot be written",
                         tensor->rank);
    }
    for (int i = 0; i < tensor->rank; i++) {
        if (!mien_size_mul(&bytes, bytes, tensor->shape[i]) || tensor->shape[i] > INT64_MAX) {
            return mien_fail(err, MIEN_ERR_USAGE, "its shape has too many elements to count");
        }
    }
    if (bytes != tensor->bytes) {
        return mien_fail(err, MIEN_ERR_USAGE, "it has %zu bytes, its shape and type take %zu",
                         tensor->bytes, bytes);
    }
    return MIEN_OK;
}

static enum mien_status add_number(json_t *list, size_t number, struct mien_error *err)
{
    return json_array_append_new(list, json_integer((json_int_t)number)) == 0 ? MIEN_OK
                                                                              : refuse_memory(err);
}

/* The tensor's entry; *at moves from its first byte to the one behind it. */
static enum mien_status add_tensor(json_t *header, const struct mien_tensor *tensor, size_t *at,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *name = NULL; /* only to check it */
    TRY(check_tensor(tensor, err));
    if (tensor->bytes > INT64_MAX - *at) {
        TRY(mien_fail(err, MIEN_ERR_USAGE, "the file would have too many bytes to count"));
    }
    TRY(make_text(&name, tensor->name, err));
    json_t *const entry = json_object();
    TRY(add_new(header, tensor->name, entry, err));
    TRY(add_new(entry, "dtype", json_string(mien_dtype_name(tensor->dtype)), err));
    json_t *const shape = json_array();
    TRY(add_new(entry, "shape", shape, err));
    for (int i = 0; i < tensor->rank; i++) {
        TRY(add_number(shape, tensor->shape[i], err));
    }
    json_t *const offsets = json_array();
    TRY(add_new(entry, "data_offsets", offsets, err));
    TRY(add_number(offsets, *at, err));
    *at += tensor->bytes;
    TRY(add_number(offsets, *at, err));
done:
    json_decref(name);
    return st == MIEN_OK ? st : mien_wrap(err, st, "tensor '%.100s'", tensor->name);
}

/* Length, JSON, and the spaces that make the tensors begin at a multiple of 8 bytes. */
static enum mien_status pack_header(unsigned char **out, size_t *out_bytes, const json_t *header,
                                    struct mien_error *err)
{
    const size_t length = json_dumpb(header, NULL, 0, JSON_COMPACT);
    const size_t padded = (length + 7) / 8 * 8;
    if (length == 0) {
        return refuse_memory(err);
    }
    if (padded > MAX_HEADER_BYTES) {
        return mien_fail(err, MIEN_ERR_USAGE, "the header takes %zu bytes, expected at most %d",
                         padded, MAX_HEADER_BYTES);
    }
    unsigned char *const block = mien_calloc(PREFIX_BYTES + padded, 1, err);
    if (block == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int i = 0; i < PREFIX_BYTES; i++) {
        block[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    }
    memset(block + PREFIX_BYTES, ' ', padded);
    if (json_dumpb(header, (char *)block + PREFIX_BYTES, length, JSON_COMPACT) != length) {
        free(block);
        return refuse_memory(err);
    }
    *out = block;
    *out_bytes = PREFIX_BYTES + padded;
    return MIEN_OK;
}

static enum mien_status build_header(unsigned char **out, size_t *out_bytes,
                                     const struct mien_tensor *tensors, size_t count,
                                     const struct mien_metadata *metadata, size_t metadata_count,
                                     struct mien_error *err)
{
    *out = NULL;
    *out_bytes = 0;
    json_t *const header = json_object();
    if (header == NULL) {
        return refuse_memory(err);
    }
    enum mien_status st = MIEN_OK;
    TRY(add_metadata(header, metadata, metadata_count, err));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(add_tensor(header, &tensors[i], &at, err));
    }
    TRY(pack_header(out, out_bytes, header, err));
done:
    json_decref(header);
    return st;
}

enum mien_status mien_safetensors_write(const char *path, const struct mien_tensor *tensors,
                                        size_t count, const struct mien_metadata *metadata,
                                        size_t metadata_count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_atomic_file *file = NULL;
    unsigned char *header = NULL;
    size_t header_bytes = 0;
    st = build_header(&header, &header_bytes, tensors, count, metadata, metadata_count, err);
    if (st != MIEN_OK) {
        TRY(mien_wrap(err, st, "cannot write %.200s", path));
    }
    TRY(mien_atomic_open(&file, path, err));
    TRY(mien_atomic_write(file, header, header_bytes, err));
    for (size_t i = 0; i < count; i++) {
        TRY(mien_atomic_write(file, tensors[i].data, tensors[i].bytes, err));
    }
    struct mien_atomic_file *const finished = file;
    file = NULL;
    TRY(mien_atomic_commit(finished, err));
done:
    mien_atomic_abort(file);
    free(header);
    return st;
}
