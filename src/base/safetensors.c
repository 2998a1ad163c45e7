/* safetensors.c - reading: the header checked against the file, tensor by tensor */
#include "base/safetensors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/half.h"
#include "base/json.h"
#include "base/memory.h"

enum {
    PREFIX_BYTES = MIEN_SAFETENSORS_PREFIX_BYTES,
    MAX_HEADER_BYTES = MIEN_SAFETENSORS_MAX_HEADER_BYTES,
    QUOTE_BYTES = 64
};
enum { POINTER_BYTES = sizeof(const struct mien_tensor *) };

struct mien_safetensors {
    struct mien_file_map map; /* zeroed when the bytes are the caller's */
    json_t *header;           /* owns the names and the metadata */
    struct mien_tensor *tensors;
    const struct mien_tensor **by_name; /* sorted, for bsearch() */
    size_t count;
};

/* Every type of the format in whole bytes; those mien has no use for are checked all the same. */
static const struct {
    const char *name;
    enum mien_dtype dtype;
    size_t bytes;
} dtypes[] = {
    { "U8", MIEN_U8, 1 },
    { "I32", MIEN_I32, 4 },
    { "I64", MIEN_I64, 8 },
    { "F32", MIEN_F32, 4 },
    { "F64", MIEN_F64, 8 },
    { "BOOL", MIEN_DTYPE_OTHER, 1 },
    { "I8", MIEN_DTYPE_OTHER, 1 },
    { "F8_E5M2", MIEN_DTYPE_OTHER, 1 },
    { "F8_E4M3", MIEN_DTYPE_OTHER, 1 },
    { "F8_E8M0", MIEN_DTYPE_OTHER, 1 },
    { "I16", MIEN_DTYPE_OTHER, 2 },
    { "U16", MIEN_DTYPE_OTHER, 2 },
    { "F16", MIEN_F16, 2 },
    { "BF16", MIEN_BF16, 2 },
    { "U32", MIEN_DTYPE_OTHER, 4 },
    { "U64", MIEN_DTYPE_OTHER, 8 },
    { "C64", MIEN_DTYPE_OTHER, 8 },
};

enum { DTYPE_COUNT = sizeof(dtypes) / sizeof(dtypes[0]) };

const char *mien_dtype_name(enum mien_dtype dtype)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++) {
        if (dtypes[i].dtype == dtype && dtype != MIEN_DTYPE_OTHER) {
            return dtypes[i].name;
        }
    }
    return "other";
}

size_t mien_dtype_bytes(enum mien_dtype dtype)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++) {
        if (dtypes[i].dtype == dtype && dtype != MIEN_DTYPE_OTHER) {
            return dtypes[i].bytes;
        }
    }
    return 0;
}

bool mien_dtype_is_weight(enum mien_dtype dtype)
{
    return dtype == MIEN_F32 || dtype == MIEN_F16 || dtype == MIEN_BF16;
}

void mien_tensor_floats(float *out, const struct mien_tensor *tensor)
{
    const unsigned char *const bytes = tensor->data;
    if (tensor->dtype == MIEN_F32) {
        memcpy(out, bytes, tensor->bytes);
        return;
    }
    for (size_t i = 0; i < tensor->bytes / 2; i++) {
        const uint16_t bits = (uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
        out[i] = tensor->dtype == MIEN_F16 ? mien_half_value(bits) : mien_bfloat_value(bits);
    }
}

/* Text from the file for an error's one line: no control characters, cut. */
static const char *quote(char out[QUOTE_BYTES], const char *text)
{
    size_t i = 0;
    for (; text[i] != '\0' && i + 4 < QUOTE_BYTES; i++) {
        out[i] = text[i];
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            out[i] = '?';
        }
    }
    (void)memcpy(out + i, text[i] == '\0' ? "" : "...", text[i] == '\0' ? 1 : 4);
    return out;
}

/* A JSON number that is a whole, non-negative one and fits. */
static bool read_size(size_t *out, const json_t *number)
{
    if (!json_is_integer(number)) {
        return false;
    }
    const json_int_t value = json_integer_value(number);
    if (value < 0 || (uintmax_t)value > SIZE_MAX) {
        return false;
    }
    *out = (size_t)value;
    return true;
}

static enum mien_status read_dtype(struct mien_tensor *tensor, size_t *element_bytes,
                                   const json_t *dtype, struct mien_error *err)
{
    char text[QUOTE_BYTES];
    const char *const name = json_string_value(dtype);
    if (name == NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT, "its dtype is missing or not a text");
    }
    for (size_t i = 0; i < DTYPE_COUNT; i++) {
        if (strcmp(dtypes[i].name, name) == 0) {
            tensor->dtype = dtypes[i].dtype;
            *element_bytes = dtypes[i].bytes;
            return MIEN_OK;
        }
    }
    return mien_fail(err, MIEN_ERR_FORMAT, "its dtype '%s' is unknown", quote(text, name));
}

/* The sizes and, from them, the bytes that the tensor must take. */
static enum mien_status read_shape(struct mien_tensor *tensor, size_t element_bytes,
                                   const json_t *shape, struct mien_error *err)
{
    if (!json_is_array(shape)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "its shape is missing or not a list");
    }
    const size_t rank = json_array_size(shape);
    if (rank > MIEN_TENSOR_MAX_RANK) {
        return mien_fail(err, MIEN_ERR_FORMAT, "its shape has %zu sizes, expected at most %d", rank,
                         MIEN_TENSOR_MAX_RANK);
    }
    tensor->rank = (int)rank;
    bool empty = false;
    size_t bytes = element_bytes;
    for (size_t i = 0; i < rank; i++) {
        if (!read_size(&tensor->shape[i], json_array_get(shape, i))) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "size %zu of its shape is not a whole number from 0 up", i);
        }
        /* A size of 0 must not hide others whose product would not fit. */
        empty = empty || tensor->shape[i] == 0;
        if (!mien_size_mul(&bytes, bytes, tensor->shape[i] == 0 ? 1 : tensor->shape[i])) {
            return mien_fail(err, MIEN_ERR_FORMAT, "its shape has too many elements to count");
        }
    }
    tensor->bytes = empty ? 0 : bytes;
    return MIEN_OK;
}

static enum mien_status read_offsets(struct mien_tensor *tensor, const unsigned char *data,
                                     size_t bytes, const json_t *offsets, struct mien_error *err)
{
    size_t begin = 0;
    size_t end = 0;
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !read_size(&begin, json_array_get(offsets, 0)) ||
        !read_size(&end, json_array_get(offsets, 1))) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "its data_offsets are not two whole numbers from 0 up");
    }
    if (begin > end || end > bytes) {
        return mien_fail(
            err, MIEN_ERR_FORMAT,
            "its data_offsets are [%zu, %zu], expected to lie within %zu bytes of data", begin, end,
            bytes);
    }
    if (end - begin != tensor->bytes) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "its data_offsets [%zu, %zu] span %zu bytes, its shape and dtype take %zu",
                         begin, end, end - begin, tensor->bytes);
    }
    tensor->data = data + begin;
    return MIEN_OK;
}

static enum mien_status read_tensor(struct mien_tensor *tensor, json_t *entry,
                                    const unsigned char *data, size_t bytes, struct mien_error *err)
{
    if (!json_is_object(entry)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "its entry is not an object");
    }
    char text[QUOTE_BYTES];
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(entry, key, value)
    {
        if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 &&
            strcmp(key, "data_offsets") != 0) {
            return mien_fail(err, MIEN_ERR_FORMAT, "its entry has an unknown key '%s'",
                             quote(text, key));
        }
    }
    size_t element_bytes = 0;
    enum mien_status st = read_dtype(tensor, &element_bytes, json_object_get(entry, "dtype"), err);
    if (st == MIEN_OK) {
        st = read_shape(tensor, element_bytes, json_object_get(entry, "shape"), err);
    }
    if (st == MIEN_OK) {
        st = read_offsets(tensor, data, bytes, json_object_get(entry, "data_offsets"), err);
    }
    return st;
}

static enum mien_status check_metadata(json_t *metadata, struct mien_error *err)
{
    char text[QUOTE_BYTES];
    if (!json_is_object(metadata)) {
        return mien_fail(err, MIEN_ERR_FORMAT, "__metadata__ is not an object");
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value)) {
            return mien_fail(err, MIEN_ERR_FORMAT, "__metadata__ '%s' is not a text",
                             quote(text, key));
        }
    }
    return MIEN_OK;
}

/* File order; tensors without bytes share an offset and are told by name. */
static int compare_places(const void *left, const void *right)
{
    const struct mien_tensor *const a = left;
    const struct mien_tensor *const b = right;
    if (a->data != b->data) {
        return (const unsigned char *)a->data < (const unsigned char *)b->data ? -1 : 1;
    }
    if (a->bytes != b->bytes) {
        return a->bytes < b->bytes ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static int compare_names(const void *left, const void *right)
{
    const struct mien_tensor *const *const a = left;
    const struct mien_tensor *const *const b = right;
    return strcmp((*a)->name, (*b)->name);
}

/* No overlap, no hole, nothing behind the last tensor. */
static enum mien_status check_places(const struct mien_safetensors *file, const unsigned char *data,
                                     size_t bytes, struct mien_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct mien_tensor *const tensor = &file->tensors[i];
        const size_t begin = (size_t)((const unsigned char *)tensor->data - data);
        if (begin != at) {
            char text[QUOTE_BYTES];
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "tensor '%s' begins at byte %zu of the data and %s: expected byte %zu",
                             quote(text, tensor->name), begin,
                             begin < at ? "overlaps another" : "leaves a hole", at);
        }
        at += tensor->bytes;
    }
    if (at != bytes) {
        return mien_fail(err, MIEN_ERR_FORMAT, "the tensors end at byte %zu of %zu bytes of data",
                         at, bytes);
    }
    return MIEN_OK;
}

static enum mien_status read_tensors(struct mien_safetensors *file, const unsigned char *data,
                                     size_t bytes, struct mien_error *err)
{
    const size_t entries = json_object_size(file->header);
    file->tensors = mien_calloc(entries, sizeof(*file->tensors), err);
    file->by_name = mien_calloc(entries, POINTER_BYTES, err);
    if (file->tensors == NULL || file->by_name == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const char *name = NULL;
    json_t *entry = NULL;
    json_object_foreach(file->header, name, entry)
    {
        enum mien_status st = MIEN_OK;
        if (strcmp(name, "__metadata__") == 0) {
            st = check_metadata(entry, err);
        } else {
            struct mien_tensor *const tensor = &file->tensors[file->count++];
            tensor->name = name;
            st = read_tensor(tensor, entry, data, bytes, err);
            if (st != MIEN_OK) {
                char text[QUOTE_BYTES];
                st = mien_wrap(err, st, "tensor '%s'", quote(text, name));
            }
        }
        if (st != MIEN_OK) {
            return st;
        }
    }
    qsort(file->tensors, file->count, sizeof(*file->tensors), compare_places);
    for (size_t i = 0; i < file->count; i++) {
        file->by_name[i] = &file->tensors[i];
    }
    qsort(file->by_name, file->count, POINTER_BYTES, compare_names);
    return check_places(file, data, bytes, err);
}

/* The JSON between the length and the tensors. */
static enum mien_status read_header(struct mien_safetensors *file, const unsigned char *data,
                                    size_t bytes, struct mien_error *err)
{
    if (bytes == 0 || data[0] != '{') {
        return mien_fail(err, MIEN_ERR_FORMAT, "the header does not begin with '{'");
    }
    json_error_t problem;
    file->header = json_loadb((const char *)data, bytes, JSON_REJECT_DUPLICATES, &problem);
    if (file->header == NULL && mien_json_lacks_memory(&problem)) {
        return mien_fail(err, MIEN_ERR_MEMORY, "no memory for a header of %zu bytes", bytes);
    }
    if (file->header == NULL) {
        char text[QUOTE_BYTES];
        return mien_fail(err, MIEN_ERR_FORMAT, "the header is not JSON: byte %d: %s",
                         problem.position, quote(text, problem.text));
    }
    return MIEN_OK;
}

/* Check everything; the bytes stay where they are and must outlive the file. */
static enum mien_status read_file(struct mien_safetensors *file, const unsigned char *data,
                                  size_t bytes, struct mien_error *err)
{
    if (bytes < PREFIX_BYTES) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "not a safetensors file: %zu bytes, expected at least %d", bytes,
                         PREFIX_BYTES);
    }
    uint64_t header_bytes = 0;
    for (int i = PREFIX_BYTES - 1; i >= 0; i--) {
        header_bytes = header_bytes << 8 | data[i];
    }
    const size_t rest = bytes - PREFIX_BYTES;
    if (header_bytes > MAX_HEADER_BYTES || header_bytes > rest) {
        return mien_fail(
            err, MIEN_ERR_FORMAT,
            "not a safetensors file or cut: a header of %llu bytes, expected at most %zu",
            (unsigned long long)header_bytes,
            rest < MAX_HEADER_BYTES ? rest : (size_t)MAX_HEADER_BYTES);
    }
    const enum mien_status st = read_header(file, data + PREFIX_BYTES, (size_t)header_bytes, err);
    if (st != MIEN_OK) {
        return st;
    }
    return read_tensors(file, data + PREFIX_BYTES + header_bytes, rest - (size_t)header_bytes, err);
}

enum mien_status mien_safetensors_parse(struct mien_safetensors **out, const void *data,
                                        size_t bytes, struct mien_error *err)
{
    *out = NULL;
    struct mien_safetensors *const file = mien_calloc(1, sizeof(*file), err);
    if (file == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st = read_file(file, data, bytes, err);
    if (st != MIEN_OK) {
        mien_safetensors_close(file);
        return st;
    }
    *out = file;
    return MIEN_OK;
}

enum mien_status mien_safetensors_open(struct mien_safetensors **out, const char *path,
                                       struct mien_error *err)
{
    *out = NULL;
    struct mien_file_map map = { NULL, 0 };
    enum mien_status st = mien_file_map(&map, path, err);
    if (st != MIEN_OK) {
        return st;
    }
    st = mien_safetensors_parse(out, map.data, map.bytes, err);
    if (st != MIEN_OK) {
        mien_file_unmap(&map);
        return mien_wrap(err, st, "%s", path);
    }
    (*out)->map = map;
    return MIEN_OK;
}

void mien_safetensors_close(struct mien_safetensors *file)
{
    if (file == NULL) {
        return;
    }
    json_decref(file->header);
    free(file->by_name);
    free(file->tensors);
    mien_file_unmap(&file->map);
    free(file);
}

size_t mien_safetensors_count(const struct mien_safetensors *file)
{
    return file->count;
}

const struct mien_tensor *mien_safetensors_at(const struct mien_safetensors *file, size_t index)
{
    return index < file->count ? &file->tensors[index] : NULL;
}

const struct mien_tensor *mien_safetensors_find(const struct mien_safetensors *file,
                                                const char *name)
{
    const struct mien_tensor wanted = { .name = name };
    const struct mien_tensor *const key = &wanted;
    const struct mien_tensor *const *const found =
        bsearch(&key, file->by_name, file->count, POINTER_BYTES, compare_names);
    return found == NULL ? NULL : *found;
}

const char *mien_safetensors_metadata(const struct mien_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}
