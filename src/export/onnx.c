/* onnx.c - from a network's layers to ONNX nodes */
#include "export/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "export/onnx_build.h"
#include "export/weights.h"

enum { NAME_BYTES = 64 };

/* A tensor by its name. */
struct value {
    char name[NAME_BYTES];
    bool flat; /* [batch][c], not [batch][c][h][w] */
};

/* Where the walk along the layers is. */
struct walk {
    struct mien_onnx *onnx;
    const struct mien_model_file *file;
    struct value now;     /* what the next node takes */
    struct value input;   /* of the network */
    struct value *values; /* [layer_count]: what the layers give */
    size_t nodes;
};

static void add_node(struct walk *walk, const char *operation, const char *output,
                     const char *const *inputs)
{
    char copy[NAME_BYTES]; /* `output` may be the value itself */
    (void)snprintf(copy, sizeof(copy), "%s", output);
    mien_onnx_node(walk->onnx, operation, copy, inputs);
    memcpy(walk->now.name, copy, sizeof(copy));
    walk->nodes++;
}

/* A node of the value alone. */
static void add_simple(struct walk *walk, const char *operation, const char *output)
{
    const char *const inputs[] = { walk->now.name, NULL };
    add_node(walk, operation, output, inputs);
}

/* A node of the value and a constant; "NAME.PART" is the constant's name. */
static void add_scaled(struct walk *walk, const char *operation, const char *output, float factor)
{
    char name[2 * NAME_BYTES];
    (void)snprintf(name, sizeof(name), "%s.value", output);
    mien_onnx_scalar(walk->onnx, name, factor);
    const char *const inputs[] = { walk->now.name, name, NULL };
    add_node(walk, operation, output, inputs);
}

/* "NAME.PART", cut to what a name may have. */
static const char *part_of(char out[NAME_BYTES], const char *name, const char *part)
{
    (void)snprintf(out, NAME_BYTES, "%.40s.%s", name, part);
    return out;
}

/* Layers of features follow layers of pictures, and the other way round where these are 1 x 1. */
static void make_flat(struct walk *walk, const char *name)
{
    if (!walk->now.flat) {
        add_simple(walk, "Flatten", name);
        mien_onnx_int(walk->onnx, "axis", 1);
        walk->now.flat = true;
    }
}

static void make_picture(struct walk *walk, const struct mien_layer *layer)
{
    if (walk->now.flat) {
        char name[NAME_BYTES];
        char shape[NAME_BYTES];
        const int64_t dims[4] = { 0, layer->in.c, layer->in.h, layer->in.w }; /* 0: as it is */
        part_of(name, layer->name, "input");
        part_of(shape, layer->name, "shape");
        mien_onnx_ints(walk->onnx, shape, dims, 4);
        const char *const inputs[] = { walk->now.name, shape, NULL };
        add_node(walk, "Reshape", name, inputs);
        walk->now.flat = false;
    }
}

/* The weights of a layer behind the value, in the order of `ends`, those that it has. */
static void add_weighted(struct walk *walk, const char *operation, const struct mien_layer *layer,
                         const char *const *ends)
{
    enum { MOST = 6 };
    const char *inputs[MOST + 1] = { walk->now.name };
    size_t count = 1;
    for (; *ends != NULL && count < MOST; ends++) {
        const struct mien_param *const param = mien_export_param(walk->file->network, layer, *ends);
        if (param != NULL) {
            mien_onnx_floats(walk->onnx, param->name, param->shape, (size_t)param->rank,
                             walk->file->weights + param->offset);
            inputs[count++] = param->name;
        }
    }
    add_node(walk, operation, layer->name, inputs);
}

/* Attributes of whatever slides a window. */
static void add_window(struct walk *walk, const struct mien_layer_spec *spec)
{
    const int64_t kernel[2] = { spec->kernel_h, spec->kernel_w };
    const int64_t strides[2] = { spec->stride, spec->stride };
    const int64_t pads[4] = { spec->pad, spec->pad, spec->pad, spec->pad };
    mien_onnx_int_list(walk->onnx, "kernel_shape", kernel, 2);
    mien_onnx_int_list(walk->onnx, "strides", strides, 2);
    mien_onnx_int_list(walk->onnx, "pads", pads, 4);
}

/* What a mark, or its projection, gives is brought to the form of what it is added to. */
static void add_sum(struct walk *walk, const struct mien_layer *layer)
{
    const struct value along = walk->now;
    char name[NAME_BYTES];
    walk->now = walk->values[layer->skip];
    if (along.flat) {
        make_flat(walk, part_of(name, layer->name, "skip"));
    } else {
        make_picture(walk, layer);
    }
    const struct value skip = walk->now;
    const char *const inputs[] = { along.name, skip.name, NULL };
    add_node(walk, "Add", layer->name, inputs);
}

/* The value times what is now. */
static void add_product(struct walk *walk, const struct value *value, const char *output)
{
    const char *const inputs[] = { value->name, walk->now.name, NULL };
    add_node(walk, "Mul", output, inputs);
}

/* What a mark kept times the value: two of features, or two of pictures. */
static void add_gated(struct walk *walk, const struct mien_layer *layer)
{
    char name[NAME_BYTES];
    const struct value skip = walk->values[layer->skip];
    if (skip.flat) {
        make_flat(walk, part_of(name, layer->name, "input"));
    } else {
        make_picture(walk, layer);
    }
    add_product(walk, &skip, layer->name);
    walk->now.flat = skip.flat;
}

static void add_silu(struct walk *walk, const struct mien_layer *layer)
{
    char name[NAME_BYTES];
    const struct value x = walk->now;
    add_simple(walk, "Sigmoid", part_of(name, layer->name, "sigmoid"));
    add_product(walk, &x, layer->name);
}

/* 0.5 x (1 + erf(x / sqrt(2))): operation set 13 has no node of its own for it. */
static void add_gelu(struct walk *walk, const struct mien_layer *layer)
{
    char name[NAME_BYTES];
    const struct value x = walk->now;
    add_scaled(walk, "Mul", part_of(name, layer->name, "scaled"), 0.70710678f);
    add_simple(walk, "Erf", part_of(name, layer->name, "erf"));
    add_scaled(walk, "Add", part_of(name, layer->name, "one"), 1.0f);
    add_scaled(walk, "Mul", part_of(name, layer->name, "share"), 0.5f);
    add_product(walk, &x, layer->name);
}

static void add_layer(struct walk *walk, const struct mien_layer *layer)
{
    static const char *const weight_bias[] = { "weight", "bias", NULL };
    static const char *const norm[] = { "weight", "bias", "running_mean", "running_var", NULL };
    char name[NAME_BYTES];
    switch (layer->spec.kind) {
    case MIEN_LAYER_CONV:
        make_picture(walk, layer);
        add_weighted(walk, "Conv", layer, weight_bias);
        add_window(walk, &layer->spec);
        if (layer->spec.groups > 1) { /* one is ONNX's default */
            mien_onnx_int(walk->onnx, "group", layer->spec.groups);
        }
        break;
    case MIEN_LAYER_DENSE:
        make_flat(walk, part_of(name, layer->name, "input"));
        add_weighted(walk, "Gemm", layer, weight_bias);
        mien_onnx_int(walk->onnx, "transB", 1);
        break;
    case MIEN_LAYER_BATCHNORM:
        add_weighted(walk, "BatchNormalization", layer, norm);
        mien_onnx_float(walk->onnx, "epsilon", 1e-5f);
        break;
    case MIEN_LAYER_RELU: add_simple(walk, "Relu", layer->name); break;
    case MIEN_LAYER_LEAKYRELU:
        add_simple(walk, "LeakyRelu", layer->name);
        mien_onnx_float(walk->onnx, "alpha", layer->spec.slope);
        break;
    case MIEN_LAYER_SIGMOID: add_simple(walk, "Sigmoid", layer->name); break;
    case MIEN_LAYER_SILU: add_silu(walk, layer); break;
    case MIEN_LAYER_GELU: add_gelu(walk, layer); break;
    case MIEN_LAYER_MAXPOOL:
        make_picture(walk, layer);
        add_simple(walk, "MaxPool", layer->name);
        add_window(walk, &layer->spec);
        break;
    case MIEN_LAYER_AVGPOOL:
        make_picture(walk, layer);
        add_simple(walk, "AveragePool", layer->name);
        add_window(walk, &layer->spec);
        mien_onnx_int(walk->onnx, "count_include_pad", 1);
        break;
    case MIEN_LAYER_GLOBALAVGPOOL:
        make_picture(walk, layer);
        add_simple(walk, "GlobalAveragePool", layer->name);
        break;
    case MIEN_LAYER_FLATTEN: make_flat(walk, layer->name); break;
    case MIEN_LAYER_ADD: add_sum(walk, layer); break;
    case MIEN_LAYER_MULTIPLY: add_gated(walk, layer); break;
    case MIEN_LAYER_MARK:
    case MIEN_LAYER_DROPOUT: break; /* trains only */
    }
}

/* Images are loaded with a margin around what the network sees. */
static void add_crop(struct walk *walk, const struct mien_onnx_about *about, int margin)
{
    const int64_t starts[2] = { margin, margin };
    const int64_t ends[2] = { about->height - margin, about->width - margin };
    const int64_t axes[2] = { 2, 3 };
    mien_onnx_ints(walk->onnx, "crop.starts", starts, 2);
    mien_onnx_ints(walk->onnx, "crop.ends", ends, 2);
    mien_onnx_ints(walk->onnx, "crop.axes", axes, 2);
    const char *const inputs[] = { walk->now.name, "crop.starts", "crop.ends", "crop.axes", NULL };
    add_node(walk, "Slice", "crop", inputs);
}

static void add_input(struct walk *walk, const struct mien_onnx_about *about, bool normalize)
{
    const struct mien_recipe *const recipe = walk->file->recipe;
    const int64_t dims[4] = { MIEN_ONNX_BATCH, about->channels, about->height, about->width };
    (void)snprintf(walk->now.name, sizeof(walk->now.name), "%s", about->input);
    mien_onnx_input(walk->onnx, about->input, dims, 4,
                    normalize ? "pixels, 0 to 255"
                              : "(pixel / 255 - normalize_mean) / normalize_std");
    if (normalize && recipe->input.margin > 0) {
        add_crop(walk, about, recipe->input.margin);
    }
    if (normalize) {
        add_scaled(walk, "Mul", "normalize.scaled",
                   (float)(1.0 / (255.0 * (double)recipe->normalize.std)));
        add_scaled(walk, "Sub", "normalize",
                   (float)((double)recipe->normalize.mean / (double)recipe->normalize.std));
    }
}

static void add_output(struct walk *walk, const struct mien_onnx_about *about, bool softmax)
{
    const int64_t dims[2] = { MIEN_ONNX_BATCH, walk->file->class_count };
    make_flat(walk, "flat");
    /* The last node gets the output's name by being followed by one that has it. */
    add_simple(walk, softmax ? "Softmax" : "Identity", about->output);
    if (softmax) {
        mien_onnx_int(walk->onnx, "axis", 1);
    }
    mien_onnx_output(walk->onnx, about->output, dims, 2,
                     softmax ? "probabilities, in the order of the classes"
                             : "logits, in the order of the classes; softmax gives probabilities");
}

static enum mien_status add_metadata(struct mien_onnx *onnx, const struct mien_model_file *file,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *recipe = NULL;
    char *classes = NULL;
    char number[32];
    struct mien_plain_numbers plain;
    TRY(mien_recipe_format(&recipe, file->recipe, err));
    TRY(mien_model_file_classes(&classes, file, err));
    TRY(mien_plain_numbers_begin(&plain, err));
    mien_onnx_metadata(onnx, "version", MIEN_VERSION);
    mien_onnx_metadata(onnx, "classes", classes);
    mien_onnx_metadata(onnx, "recipe", recipe);
    (void)snprintf(number, sizeof(number), "%.9g", (double)file->recipe->normalize.mean);
    mien_onnx_metadata(onnx, "normalize_mean", number);
    (void)snprintf(number, sizeof(number), "%.9g", (double)file->recipe->normalize.std);
    mien_onnx_metadata(onnx, "normalize_std", number);
    (void)snprintf(number, sizeof(number), "%d", file->recipe->input.margin);
    mien_onnx_metadata(onnx, "margin", number);
    mien_plain_numbers_end(&plain);
done:
    free(recipe);
    free(classes);
    return st;
}

bool mien_onnx_available(void)
{
    return true;
}

enum mien_status mien_onnx_write(struct mien_onnx_about *out, const char *path,
                                 const struct mien_model_file *file,
                                 const struct mien_onnx_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_network *const network = file->network;
    const struct mien_data_options loaded = mien_recipe_data_options(file->recipe);
    struct walk walk = { .file = file };
    *out = (struct mien_onnx_about){
        .input = options->normalize ? "pixels" : "image",
        .output = options->softmax ? "probabilities" : "logits",
        .channels = network->input.c,
        .height = options->normalize ? loaded.height : network->input.h,
        .width = options->normalize ? loaded.width : network->input.w,
    };
    TRY(mien_export_check(file, err));
    walk.values = mien_calloc(network->layer_count, sizeof(*walk.values), err);
    if (walk.values == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_onnx_create(&walk.onnx, file->recipe->name, err));
    TRY(add_metadata(walk.onnx, file, err));
    add_input(&walk, out, options->normalize);
    walk.input = walk.now;
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_layer *const layer = &network->layers[i];
        walk.now = layer->from < 0 ? walk.input : walk.values[layer->from];
        add_layer(&walk, layer);
        walk.values[i] = walk.now;
    }
    add_output(&walk, out, options->softmax);
    out->nodes = walk.nodes;
    TRY(mien_onnx_save(&out->bytes, walk.onnx, path, err));

done:
    free(walk.values);
    mien_onnx_destroy(walk.onnx);
    return st;
}
