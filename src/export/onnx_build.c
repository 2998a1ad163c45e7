/* onnx_build.c - an ONNX model put together message by message, through protobuf-c */
#include "export/onnx_build.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "export/onnx.h"
#include "onnx.pb-c.h"

/* Everything that the messages point to lies in blocks, released together. */
struct block {
    struct block *next;
    max_align_t data[];
};

struct mien_onnx {
    MienOnnx__ModelProto model;
    MienOnnx__GraphProto graph;
    struct block *blocks;
    enum mien_status status;
    struct mien_error err;
};

/* Zeroed memory that lives as long as the model; NULL after a failure. */
static void *take(struct mien_onnx *onnx, size_t bytes)
{
    if (onnx->status != MIEN_OK) {
        return NULL;
    }
    struct block *const block = bytes < SIZE_MAX - sizeof(*block)
                                    ? mien_calloc(1, sizeof(*block) + bytes, &onnx->err)
                                    : NULL;
    if (block == NULL) {
        onnx->status = MIEN_ERR_MEMORY;
        return NULL;
    }
    block->next = onnx->blocks;
    onnx->blocks = block;
    return block->data;
}

static void *take_copy(struct mien_onnx *onnx, const void *data, size_t bytes)
{
    void *const copy = take(onnx, bytes);
    if (copy != NULL && bytes > 0) {
        memcpy(copy, data, bytes);
    }
    return copy;
}

static char *take_text(struct mien_onnx *onnx, const char *text)
{
    return take_copy(onnx, text, strlen(text) + 1);
}

/* The list with room for one more: it grows by doubling, the old one stays in its block. */
static void *make_room(struct mien_onnx *onnx, void *list, size_t count)
{
    if ((count & (count - 1)) != 0) {
        return onnx->status == MIEN_OK ? list : NULL; /* not a power of two: there is room */
    }
    void *const grown = take(onnx, (count > 0 ? 2 * count : 1) * sizeof(void *));
    if (grown != NULL && count > 0) {
        memcpy(grown, list, count * sizeof(void *));
    }
    return grown;
}

/* Append a pointer to a message's list of pointers; nothing after a failure. */
#define PUSH(onnx, list, count, item)                                                              \
    do {                                                                                           \
        void *const room = make_room(onnx, list, count);                                           \
        if (room != NULL) {                                                                        \
            (list) = room;                                                                         \
            (list)[(count)++] = (item);                                                            \
        }                                                                                          \
    } while (0)

enum mien_status mien_onnx_create(struct mien_onnx **out, const char *name, struct mien_error *err)
{
    static const MienOnnx__ModelProto model = MIEN_ONNX__MODEL_PROTO__INIT;
    static const MienOnnx__GraphProto graph = MIEN_ONNX__GRAPH_PROTO__INIT;
    *out = NULL;
    struct mien_onnx *const onnx = mien_calloc(1, sizeof(*onnx), err);
    if (onnx == NULL) {
        return MIEN_ERR_MEMORY;
    }
    onnx->model = model;
    onnx->graph = graph;
    onnx->model.graph = &onnx->graph;
    onnx->model.has_ir_version = 1;
    onnx->model.ir_version = MIEN_ONNX_IR;
    onnx->model.producer_name = take_text(onnx, "mien");
    onnx->model.producer_version = take_text(onnx, MIEN_VERSION);
    onnx->graph.name = take_text(onnx, name);
    MienOnnx__OperatorSetIdProto *const opset = take(onnx, sizeof(*opset));
    if (opset != NULL) {
        mien_onnx__operator_set_id_proto__init(opset);
        opset->domain = take_text(onnx, "");
        opset->has_version = 1;
        opset->version = MIEN_ONNX_OPSET;
        PUSH(onnx, onnx->model.opset_import, onnx->model.n_opset_import, opset);
    }
    *out = onnx; /* what failed is told by mien_onnx_save() */
    return MIEN_OK;
}

void mien_onnx_destroy(struct mien_onnx *onnx)
{
    if (onnx == NULL) {
        return;
    }
    while (onnx->blocks != NULL) {
        struct block *const next = onnx->blocks->next;
        free(onnx->blocks);
        onnx->blocks = next;
    }
    free(onnx);
}

static MienOnnx__TensorShapeProto *make_shape(struct mien_onnx *onnx, const int64_t *dims,
                                              size_t rank)
{
    MienOnnx__TensorShapeProto *const shape = take(onnx, sizeof(*shape));
    if (shape == NULL) {
        return NULL;
    }
    mien_onnx__tensor_shape_proto__init(shape);
    for (size_t i = 0; i < rank; i++) {
        MienOnnx__TensorShapeProto__Dimension *const dim = take(onnx, sizeof(*dim));
        if (dim == NULL) {
            return NULL;
        }
        mien_onnx__tensor_shape_proto__dimension__init(dim);
        if (dims[i] == MIEN_ONNX_BATCH) {
            dim->value_case = MIEN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dim->dim_param = take_text(onnx, "batch");
        } else {
            dim->value_case = MIEN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dim->dim_value = dims[i];
        }
        PUSH(onnx, shape->dim, shape->n_dim, dim);
    }
    return shape;
}

static MienOnnx__ValueInfoProto *make_value(struct mien_onnx *onnx, const char *name,
                                            const int64_t *dims, size_t rank, const char *about)
{
    MienOnnx__ValueInfoProto *const value = take(onnx, sizeof(*value));
    MienOnnx__TypeProto *const type = take(onnx, sizeof(*type));
    MienOnnx__TypeProto__Tensor *const tensor = take(onnx, sizeof(*tensor));
    if (tensor == NULL) {
        return NULL;
    }
    mien_onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = 1;
    tensor->elem_type = MIEN_ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = make_shape(onnx, dims, rank);
    mien_onnx__type_proto__init(type);
    type->tensor_type = tensor;
    mien_onnx__value_info_proto__init(value);
    value->name = take_text(onnx, name);
    value->type = type;
    value->doc_string = take_text(onnx, about);
    return value;
}

void mien_onnx_input(struct mien_onnx *onnx, const char *name, const int64_t *dims, size_t rank,
                     const char *about)
{
    MienOnnx__ValueInfoProto *const value = make_value(onnx, name, dims, rank, about);
    PUSH(onnx, onnx->graph.input, onnx->graph.n_input, value);
}

void mien_onnx_output(struct mien_onnx *onnx, const char *name, const int64_t *dims, size_t rank,
                      const char *about)
{
    MienOnnx__ValueInfoProto *const value = make_value(onnx, name, dims, rank, about);
    PUSH(onnx, onnx->graph.output, onnx->graph.n_output, value);
}

/* A constant without its data yet; NULL after a failure. */
static MienOnnx__TensorProto *add_tensor(struct mien_onnx *onnx, const char *name, int type)
{
    MienOnnx__TensorProto *const tensor = take(onnx, sizeof(*tensor));
    if (tensor == NULL) {
        return NULL;
    }
    mien_onnx__tensor_proto__init(tensor);
    tensor->name = take_text(onnx, name);
    tensor->has_data_type = 1;
    tensor->data_type = type;
    tensor->has_raw_data = 1;
    PUSH(onnx, onnx->graph.initializer, onnx->graph.n_initializer, tensor);
    return tensor;
}

void mien_onnx_floats(struct mien_onnx *onnx, const char *name, const size_t *dims, size_t rank,
                      const float *data)
{
    size_t count = 1;
    MienOnnx__TensorProto *const tensor =
        add_tensor(onnx, name, MIEN_ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    int64_t *const copy = take(onnx, rank * sizeof(*copy));
    if (copy == NULL) {
        return;
    }
    for (size_t i = 0; i < rank; i++) {
        copy[i] = (int64_t)dims[i];
        count *= dims[i];
    }
    /* It is only read. */
    union {
        const float *read;
        uint8_t *bytes;
    } const borrowed = { .read = data };
    tensor->n_dims = rank;
    tensor->dims = copy;
    tensor->raw_data.len = count * sizeof(*data);
    tensor->raw_data.data = borrowed.bytes;
}

void mien_onnx_ints(struct mien_onnx *onnx, const char *name, const int64_t *values, size_t count)
{
    const int64_t dims[1] = { (int64_t)count };
    MienOnnx__TensorProto *const tensor =
        add_tensor(onnx, name, MIEN_ONNX__TENSOR_PROTO__DATA_TYPE__INT64);
    int64_t *const shape = take_copy(onnx, dims, sizeof(dims));
    int64_t *const copy = take_copy(onnx, values, count * sizeof(*values));
    if (copy != NULL) {
        tensor->n_dims = 1;
        tensor->dims = shape;
        tensor->raw_data.len = count * sizeof(*values);
        tensor->raw_data.data = (uint8_t *)copy;
    }
}

void mien_onnx_scalar(struct mien_onnx *onnx, const char *name, float value)
{
    const float *const copy = take_copy(onnx, &value, sizeof(value));
    mien_onnx_floats(onnx, name, NULL, 0, copy);
}

void mien_onnx_node(struct mien_onnx *onnx, const char *operation, const char *output,
                    const char *const *inputs)
{
    MienOnnx__NodeProto *const node = take(onnx, sizeof(*node));
    if (node == NULL) {
        return;
    }
    mien_onnx__node_proto__init(node);
    node->op_type = take_text(onnx, operation);
    node->name = take_text(onnx, output);
    PUSH(onnx, node->output, node->n_output, node->name);
    for (; *inputs != NULL; inputs++) {
        char *const input = take_text(onnx, *inputs);
        PUSH(onnx, node->input, node->n_input, input);
    }
    PUSH(onnx, onnx->graph.node, onnx->graph.n_node, node);
}

/* An attribute of the last node, without its value yet; NULL after a failure. */
static MienOnnx__AttributeProto *add_attribute(struct mien_onnx *onnx, const char *name,
                                               MienOnnx__AttributeProto__AttributeType type)
{
    MienOnnx__AttributeProto *const attribute = take(onnx, sizeof(*attribute));
    if (attribute == NULL) {
        return NULL;
    }
    MienOnnx__NodeProto *const node = onnx->graph.node[onnx->graph.n_node - 1];
    mien_onnx__attribute_proto__init(attribute);
    attribute->name = take_text(onnx, name);
    attribute->has_type = 1;
    attribute->type = type;
    PUSH(onnx, node->attribute, node->n_attribute, attribute);
    return attribute;
}

void mien_onnx_int(struct mien_onnx *onnx, const char *name, int64_t value)
{
    MienOnnx__AttributeProto *const attribute =
        add_attribute(onnx, name, MIEN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (attribute != NULL) {
        attribute->has_i = 1;
        attribute->i = value;
    }
}

void mien_onnx_float(struct mien_onnx *onnx, const char *name, float value)
{
    MienOnnx__AttributeProto *const attribute =
        add_attribute(onnx, name, MIEN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (attribute != NULL) {
        attribute->has_f = 1;
        attribute->f = value;
    }
}

void mien_onnx_int_list(struct mien_onnx *onnx, const char *name, const int64_t *values,
                        size_t count)
{
    MienOnnx__AttributeProto *const attribute =
        add_attribute(onnx, name, MIEN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *const copy = take_copy(onnx, values, count * sizeof(*values));
    if (copy != NULL) {
        attribute->n_ints = count;
        attribute->ints = copy;
    }
}

void mien_onnx_metadata(struct mien_onnx *onnx, const char *key, const char *value)
{
    MienOnnx__StringStringEntryProto *const entry = take(onnx, sizeof(*entry));
    if (entry == NULL) {
        return;
    }
    mien_onnx__string_string_entry_proto__init(entry);
    entry->key = take_text(onnx, key);
    entry->value = take_text(onnx, value);
    PUSH(onnx, onnx->model.metadata_props, onnx->model.n_metadata_props, entry);
}

enum mien_status mien_onnx_save(size_t *bytes, struct mien_onnx *onnx, const char *path,
                                struct mien_error *err)
{
    if (onnx->status != MIEN_OK) {
        return mien_fail(err, onnx->status, "%s", onnx->err.text);
    }
    /* Checked on the sizes of the weights: the lengths inside of protobuf-c are not. */
    double sum = 0;
    for (size_t i = 0; i < onnx->graph.n_initializer; i++) {
        sum += (double)onnx->graph.initializer[i]->raw_data.len;
    }
    const size_t size =
        sum < INT_MAX ? mien_onnx__model_proto__get_packed_size(&onnx->model) : SIZE_MAX;
    if (size > INT_MAX) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "%s: the weights take %.0f bytes, one ONNX file holds at most %d", path,
                         sum, INT_MAX);
    }
    uint8_t *const data = mien_calloc(size, 1, err);
    if (data == NULL) {
        return MIEN_ERR_MEMORY;
    }
    (void)mien_onnx__model_proto__pack(&onnx->model, data);
    const enum mien_status st = mien_file_replace(path, data, size, err);
    if (bytes != NULL) {
        *bytes = size;
    }
    free(data);
    return st;
}
