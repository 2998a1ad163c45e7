/* test_onnx.c - what an ONNX file of a network holds, read back through protobuf-c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/onnx.h"
#include "onnx.pb-c.h"
#include "support/scratch.h"
#include "support/training.h"

struct fixture {
    char *folder, *path;
    struct mien_dataset *set;
    struct mien_model_file file;
    MienOnnx__ModelProto *model;
    struct mien_onnx_about about;
    struct mien_error err;
};

static int setup(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->path = scratch_path(f->folder, "m.onnx");
    f->set = set_make(&(struct set_sizes){ 4, 0, 3, 12, 10, 4 }, 1);
    *state = f;
    return 0;
}

static void forget(struct fixture *f)
{
    mien_onnx__model_proto__free_unpacked(f->model, NULL);
    f->model = NULL;
    mien_model_file_finish(&f->file);
}

static int teardown(void **state)
{
    struct fixture *const f = *state;
    forget(f);
    set_free(f->set);
    scratch_remove(f->folder);
    free(f->path);
    free(f);
    return 0;
}

/* A network of these layers for 3x12x10 images and four classes. */
static void make(struct fixture *f, const char *layers)
{
    char recipe[1024];
    (void)snprintf(recipe, sizeof(recipe),
                   "name: small one\ninput: { channels: 3, height: 12, width: 10 }\n"
                   "normalize: { mean: 0.4, std: 0.25 }\nlayers: %s\n",
                   layers);
    forget(f);
    f->file = model_for(recipe, f->set);
}

static void write_model(struct fixture *f, bool normalize, bool softmax)
{
    const struct mien_onnx_options options = { normalize, softmax };
    size_t bytes = 0;
    mien_onnx__model_proto__free_unpacked(f->model, NULL);
    must(mien_onnx_write(&f->about, f->path, &f->file, &options, &f->err), &f->err);
    unsigned char *const data = scratch_read(f->path, &bytes);
    assert_int_equal(bytes, f->about.bytes);
    f->model = mien_onnx__model_proto__unpack(NULL, bytes, data);
    free(data);
    assert_non_null(f->model);
    assert_int_equal(f->model->graph->n_node, f->about.nodes);
}

MIEN_PRINTF(3, 4)
static void add(char *text, size_t bytes, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    assert_true(vsnprintf(text + used, bytes - used, format, args) < (int)(bytes - used));
    va_end(args);
}

/* "conv1 = Conv(image, conv1.weight, conv1.bias) pads=1,1,1,1" */
static void expect_node(const struct fixture *f, size_t index, const char *want)
{
    char got[512] = "";
    assert_true(index < f->model->graph->n_node);
    const MienOnnx__NodeProto *const node = f->model->graph->node[index];
    assert_int_equal(node->n_output, 1);
    assert_string_equal(node->name, node->output[0]);
    add(got, sizeof(got), "%s = %s(", node->output[0], node->op_type);
    for (size_t i = 0; i < node->n_input; i++) {
        add(got, sizeof(got), "%s%s", i > 0 ? ", " : "", node->input[i]);
    }
    add(got, sizeof(got), ")");
    for (size_t i = 0; i < node->n_attribute; i++) {
        const MienOnnx__AttributeProto *const attribute = node->attribute[i];
        add(got, sizeof(got), " %s=", attribute->name);
        switch (attribute->type) {
        case MIEN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
            add(got, sizeof(got), "%g", (double)attribute->f);
            break;
        case MIEN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
            add(got, sizeof(got), "%d", (int)attribute->i);
            break;
        case MIEN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
            for (size_t k = 0; k < attribute->n_ints; k++) {
                add(got, sizeof(got), "%s%d", k > 0 ? "," : "", (int)attribute->ints[k]);
            }
            break;
        default: fail_msg("attribute %s has no type", attribute->name);
        }
    }
    assert_string_equal(got, want);
}

static const MienOnnx__TensorProto *find_constant(const struct fixture *f, const char *name)
{
    const MienOnnx__GraphProto *const graph = f->model->graph;
    for (size_t i = 0; i < graph->n_initializer; i++) {
        if (strcmp(graph->initializer[i]->name, name) == 0) {
            return graph->initializer[i];
        }
    }
    fail_msg("no constant %s", name);
    return NULL;
}

static float scalar(const struct fixture *f, const char *name)
{
    float value = 0;
    const MienOnnx__TensorProto *const tensor = find_constant(f, name);
    assert_int_equal(tensor->n_dims, 0);
    assert_int_equal(tensor->raw_data.len, sizeof(value));
    memcpy(&value, tensor->raw_data.data, sizeof(value));
    return value;
}

static void test_onnx__every_layer_becomes_its_node(void **state)
{
    struct fixture *const f = *state;
    make(f, "[conv 5 3x2 pad 1 stride 2, batchnorm, relu, avgpool 2x3 stride 1 pad 1, maxpool 2, "
            "conv 6 1x1 bias no, flatten, dense 9, relu, batchnorm, dense classes bias no]");
    write_model(f, false, false);
    static const char *const want[] = {
        "conv1 = Conv(image, conv1.weight, conv1.bias) kernel_shape=3,2 strides=2,2 pads=1,1,1,1",
        "batchnorm1 = BatchNormalization(conv1, batchnorm1.weight, batchnorm1.bias, "
        "batchnorm1.running_mean, batchnorm1.running_var) epsilon=1e-05",
        "relu1 = Relu(batchnorm1)",
        "avgpool1 = AveragePool(relu1) kernel_shape=2,3 strides=1,1 pads=1,1,1,1 "
        "count_include_pad=1",
        "maxpool1 = MaxPool(avgpool1) kernel_shape=2,2 strides=2,2 pads=0,0,0,0",
        "conv2 = Conv(maxpool1, conv2.weight) kernel_shape=1,1 strides=1,1 pads=0,0,0,0",
        "flatten1 = Flatten(conv2) axis=1",
        "dense1 = Gemm(flatten1, dense1.weight, dense1.bias) transB=1",
        "relu2 = Relu(dense1)",
        "batchnorm2 = BatchNormalization(relu2, batchnorm2.weight, batchnorm2.bias, "
        "batchnorm2.running_mean, batchnorm2.running_var) epsilon=1e-05",
        "dense2 = Gemm(batchnorm2, dense2.weight) transB=1",
        "logits = Identity(dense2)",
    };
    const size_t count = sizeof(want) / sizeof(want[0]);
    for (size_t i = 0; i < count; i++) {
        expect_node(f, i, want[i]);
    }
    assert_int_equal(f->model->graph->n_node, count);
}

static void test_onnx__weights_keep_their_names_shapes_and_bits(void **state)
{
    struct fixture *const f = *state;
    make(f, "[conv 5 3x3, batchnorm, flatten, dense classes]");
    write_model(f, false, false);
    assert_int_equal(f->model->graph->n_initializer, f->file.network->param_count);
    for (size_t i = 0; i < f->file.network->param_count; i++) {
        const struct mien_param *const param = &f->file.network->params[i];
        const MienOnnx__TensorProto *const tensor = find_constant(f, param->name);
        assert_int_equal(tensor->data_type, MIEN_ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
        assert_int_equal(tensor->n_dims, param->rank);
        for (int k = 0; k < param->rank; k++) {
            assert_int_equal(tensor->dims[k], param->shape[k]);
        }
        assert_int_equal(tensor->raw_data.len, param->count * sizeof(float));
        assert_memory_equal(tensor->raw_data.data, f->file.weights + param->offset,
                            tensor->raw_data.len);
    }
}

static void expect_tensor(const MienOnnx__ValueInfoProto *value, const char *name,
                          const int64_t *dims, size_t rank)
{
    const MienOnnx__TypeProto__Tensor *const tensor = value->type->tensor_type;
    assert_string_equal(value->name, name);
    assert_int_equal(tensor->elem_type, MIEN_ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    assert_int_equal(tensor->shape->n_dim, rank);
    assert_string_equal(tensor->shape->dim[0]->dim_param, "batch");
    for (size_t i = 1; i < rank; i++) {
        assert_int_equal(tensor->shape->dim[i]->dim_value, dims[i]);
    }
}

static const char *metadata(const struct fixture *f, const char *key)
{
    for (size_t i = 0; i < f->model->n_metadata_props; i++) {
        if (strcmp(f->model->metadata_props[i]->key, key) == 0) {
            return f->model->metadata_props[i]->value;
        }
    }
    fail_msg("no metadata %s", key);
    return NULL;
}

static void test_onnx__says_what_it_takes_and_gives(void **state)
{
    struct fixture *const f = *state;
    const int64_t input[4] = { 0, 3, 12, 10 };
    const int64_t output[2] = { 0, 4 };
    make(f, "[flatten, dense classes]");
    write_model(f, false, false);
    assert_int_equal(f->model->ir_version, 7);
    assert_int_equal(f->model->n_opset_import, 1);
    assert_string_equal(f->model->opset_import[0]->domain, "");
    assert_int_equal(f->model->opset_import[0]->version, 13);
    assert_string_equal(f->model->producer_name, "mien");
    assert_string_equal(f->model->graph->name, "small one");
    assert_int_equal(f->model->graph->n_input, 1);
    assert_int_equal(f->model->graph->n_output, 1);
    expect_tensor(f->model->graph->input[0], "image", input, 4);
    expect_tensor(f->model->graph->output[0], "logits", output, 2);
    assert_string_equal(metadata(f, "classes"), "[\"c0\",\"c1\",\"c2\",\"c3\"]");
    assert_string_equal(metadata(f, "normalize_mean"), "0.400000006");
    assert_string_equal(metadata(f, "normalize_std"), "0.25");
    assert_string_equal(metadata(f, "margin"), "0");
    assert_non_null(strstr(metadata(f, "recipe"), "name: \"small one\""));
    assert_true(strlen(metadata(f, "version")) > 0);

    write_model(f, true, true);
    expect_tensor(f->model->graph->input[0], "pixels", input, 4);
    expect_tensor(f->model->graph->output[0], "probabilities", output, 2);
    expect_node(f, 0, "normalize.scaled = Mul(pixels, normalize.scaled.value)");
    expect_node(f, 1, "normalize = Sub(normalize.scaled, normalize.value)");
    expect_node(f, 2, "flatten1 = Flatten(normalize) axis=1");
    expect_node(f, 4, "probabilities = Softmax(dense1) axis=1");
    assert_true(fabsf(scalar(f, "normalize.scaled.value") - 1.0f / (255.0f * 0.25f)) < 1e-9f);
    assert_true(fabsf(scalar(f, "normalize.value") - 1.6f) < 1e-6f);
}

static void test_onnx__pixels_come_with_the_margin(void **state)
{
    struct fixture *const f = *state;
    const int64_t inside[4] = { 0, 3, 12, 10 };
    const int64_t loaded[4] = { 0, 3, 18, 16 };
    const int64_t want[2] = { 3, 3 };
    make(f, "[flatten, dense classes]");
    f->file.recipe->input.margin = 3;
    write_model(f, false, false);
    expect_tensor(f->model->graph->input[0], "image", inside, 4);
    assert_string_equal(metadata(f, "margin"), "3");
    write_model(f, true, false);
    expect_tensor(f->model->graph->input[0], "pixels", loaded, 4);
    expect_node(f, 0, "crop = Slice(pixels, crop.starts, crop.ends, crop.axes)");
    expect_node(f, 1, "normalize.scaled = Mul(crop, normalize.scaled.value)");
    assert_memory_equal(find_constant(f, "crop.starts")->raw_data.data, want, sizeof(want));
    const int64_t ends[2] = { 15, 13 };
    assert_memory_equal(find_constant(f, "crop.ends")->raw_data.data, ends, sizeof(ends));
}

/* Features may meet layers of pictures, and pictures layers of features. */
static void test_onnx__shapes_are_changed_where_layers_want_others(void **state)
{
    struct fixture *const f = *state;
    make(f, "[conv 8 3x3, globalavgpool, dense 6, conv 5 1x1, maxpool 1, dense 4, avgpool 1]");
    write_model(f, false, false);
    expect_node(f, 1, "globalavgpool1 = GlobalAveragePool(conv1)");
    expect_node(f, 2, "dense1.input = Flatten(globalavgpool1) axis=1");
    expect_node(f, 4, "conv2.input = Reshape(dense1, conv2.shape)");
    expect_node(f, 7, "dense2.input = Flatten(maxpool1) axis=1");
    expect_node(f, 9, "avgpool1.input = Reshape(dense2, avgpool1.shape)");
    expect_node(f, 11, "flat = Flatten(avgpool1) axis=1");
    expect_node(f, 12, "logits = Identity(flat)");
    const MienOnnx__TensorProto *const shape = find_constant(f, "conv2.shape");
    const int64_t want[4] = { 0, 6, 1, 1 };
    assert_int_equal(shape->data_type, MIEN_ONNX__TENSOR_PROTO__DATA_TYPE__INT64);
    assert_int_equal(shape->raw_data.len, sizeof(want));
    assert_memory_equal(shape->raw_data.data, want, sizeof(want));
}

static void test_onnx__the_same_network_gives_the_same_bytes(void **state)
{
    struct fixture *const f = *state;
    size_t first_bytes = 0;
    size_t bytes = 0;
    make(f, "[conv 5 3x3, relu, flatten, dense classes]");
    write_model(f, true, false);
    unsigned char *const first = scratch_read(f->path, &first_bytes);
    write_model(f, true, false);
    unsigned char *const second = scratch_read(f->path, &bytes);
    assert_int_equal(bytes, first_bytes);
    assert_memory_equal(second, first, bytes);
    free(first);
    free(second);
}

static void test_onnx__refuses_what_cannot_be_and_keeps_the_old_file(void **state)
{
    struct fixture *const f = *state;
    const struct mien_onnx_options options = { false, false };
    char *const nowhere = scratch_path(f->folder, "no/m.onnx");
    make(f, "[flatten, dense classes]");
    scratch_write(f->path, "old", 3);
    f->file.weights[7] = NAN;
    must_fail(mien_onnx_write(&f->about, f->path, &f->file, &options, &f->err), MIEN_ERR_NOT_FINITE,
              &f->err, "dense1.weight: value 7 is not finite");
    f->file.weights[7] = 0;
    must_fail(mien_onnx_write(&f->about, nowhere, &f->file, &options, &f->err), MIEN_ERR_IO,
              &f->err, "no/m.onnx");
    size_t bytes = 0;
    unsigned char *const data = scratch_read(f->path, &bytes);
    assert_int_equal(bytes, 3);
    free(data);
    free(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_onnx__every_layer_becomes_its_node),
        TEST(test_onnx__weights_keep_their_names_shapes_and_bits),
        TEST(test_onnx__says_what_it_takes_and_gives),
        TEST(test_onnx__pixels_come_with_the_margin),
        TEST(test_onnx__shapes_are_changed_where_layers_want_others),
        TEST(test_onnx__the_same_network_gives_the_same_bytes),
        TEST(test_onnx__refuses_what_cannot_be_and_keeps_the_old_file),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
