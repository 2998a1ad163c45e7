/* network.c - shapes, names and parameters of a recipe's layers */
#include "nn/network.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Parameters of one layer at most: batch norm's four. */
enum { MAX_LAYER_PARAMS = 4, OFFSET_FLOATS = 128, MAX_CLASSES = 65536 };
/* A line of a recipe: an add with its projection and batch norm. */
enum { MAX_LINE_LAYERS = 3 };

/* Kernels index with int, so no tensor may have more elements than an int counts. */
static const size_t max_elements = 0x7fffffff;

struct builder {
    struct mien_network *network;
    const struct mien_recipe *recipe;
    int *numbers; /* [MIEN_LAYER_KINDS], layers of each kind so far */
    struct mien_error *err;
};

/* "recipe.yaml:7: conv3 (conv 32 5x5): ..." */
MIEN_PRINTF(3, 4)
static enum mien_status refuse(const struct builder *builder, const struct mien_layer *layer,
                               const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    char spec[MIEN_LAYER_TEXT_BYTES];
    char line[24] = "";
    const char *where = builder->recipe->where == NULL ? "recipe" : builder->recipe->where;
    mien_layer_spec_format(spec, &layer->spec);
    if (layer->spec.line > 0) {
        (void)snprintf(line, sizeof(line), ":%d", layer->spec.line);
    }
    return mien_fail(builder->err, MIEN_ERR_SHAPE, "%s%s: %s (%s): %s", where, line, layer->name,
                     spec, text);
}

static double elements(const struct mien_shape *shape)
{
    return (double)shape->c * shape->h * shape->w;
}

static enum mien_status slide(const struct builder *builder, struct mien_layer *layer)
{
    const struct mien_layer_spec *spec = &layer->spec;
    if (spec->kernel_h < 1 || spec->kernel_w < 1 || spec->stride < 1 || spec->pad < 0 ||
        spec->pad > 4096) {
        return refuse(builder, layer, "kernel, stride or pad out of range");
    }
    const int64_t high = (int64_t)layer->in.h + 2 * spec->pad;
    const int64_t wide = (int64_t)layer->in.w + 2 * spec->pad;
    if (spec->kernel_h > high || spec->kernel_w > wide) {
        return refuse(builder, layer, "%s %dx%d does not fit in %" PRId64 "x%" PRId64 "%s",
                      spec->kind == MIEN_LAYER_CONV ? "kernel" : "window", spec->kernel_h,
                      spec->kernel_w, high, wide, spec->pad > 0 ? " (padding included)" : "");
    }
    layer->out.h = (int)((high - spec->kernel_h) / spec->stride + 1);
    layer->out.w = (int)((wide - spec->kernel_w) / spec->stride + 1);
    return MIEN_OK;
}

static enum mien_status add_param(const struct builder *builder, struct mien_layer *layer,
                                  const char *name, int rank, const size_t *shape)
{
    struct mien_network *network = builder->network;
    struct mien_param *param = &network->params[network->param_count];
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        param->shape[i] = shape[i];
        if (!mien_size_mul(&count, count, shape[i]) || count > max_elements) {
            return refuse(builder, layer, "%s has more than %zu values", name, max_elements);
        }
    }
    const size_t padded = (count + OFFSET_FLOATS - 1) / OFFSET_FLOATS * OFFSET_FLOATS;
    if (padded > max_elements - network->flat_floats) {
        return refuse(builder, layer, "the network has more than %zu parameters with this layer",
                      max_elements);
    }
    (void)snprintf(param->name, sizeof(param->name), "%s.%s", layer->name, name);
    param->rank = rank;
    param->count = count;
    param->offset = network->flat_floats;
    param->trainable = strncmp(name, "running_", 8) != 0;
    param->decayed = rank > 1;
    network->flat_floats += padded;
    network->parameters += param->trainable ? count : 0;
    network->param_count++;
    layer->param_count++;
    return MIEN_OK;
}

/* Weight and bias of conv (rank 4) and dense (rank 2). */
static enum mien_status add_weight(const struct builder *builder, struct mien_layer *layer,
                                   int rank, const size_t *shape)
{
    enum mien_status st = MIEN_OK;
    TRY(add_param(builder, layer, "weight", rank, shape));
    if (layer->spec.bias) {
        TRY(add_param(builder, layer, "bias", 1, shape));
    }
    for (int i = 0; i < layer->param_count; i++) {
        struct mien_param *param = &builder->network->params[layer->first_param + i];
        param->fan_in = builder->network->params[layer->first_param].count / shape[0];
    }
done:
    return st;
}

static enum mien_status build_conv(const struct builder *builder, struct mien_layer *layer)
{
    enum mien_status st = MIEN_OK;
    const struct mien_layer_spec *spec = &layer->spec;
    const int groups = spec->groups > 1 ? spec->groups : 1;
    if (layer->in.c % groups != 0 || spec->width % groups != 0) {
        return refuse(builder, layer,
                      "%d channels come in and %d go out: both must divide into %d groups",
                      layer->in.c, spec->width, groups);
    }
    TRY(slide(builder, layer));
    if (spec->pad >= spec->kernel_h || spec->pad >= spec->kernel_w) {
        return refuse(builder, layer,
                      "pad %d: expected less than the kernel %dx%d is high and wide", spec->pad,
                      spec->kernel_h, spec->kernel_w);
    }
    layer->out.c = spec->width;
    const int seen = layer->in.c / groups; /* channels that make one */
    const size_t shape[4] = { (size_t)spec->width, (size_t)seen, (size_t)spec->kernel_h,
                              (size_t)spec->kernel_w };
    layer->flop = 2.0 * elements(&layer->out) * seen * spec->kernel_h * spec->kernel_w;
    TRY(add_weight(builder, layer, 4, shape));
done:
    return st;
}

static enum mien_status build_dense(const struct builder *builder, struct mien_layer *layer)
{
    if (layer->in.h != 1 || layer->in.w != 1) {
        return refuse(builder, layer,
                      "got %dx%dx%d (channels x height x width), expected features of 1x1: add "
                      "flatten or globalavgpool before it",
                      layer->in.c, layer->in.h, layer->in.w);
    }
    layer->out = (struct mien_shape){ layer->spec.width, 1, 1 };
    layer->flop = 2.0 * layer->in.c * layer->spec.width;
    const size_t shape[2] = { (size_t)layer->spec.width, (size_t)layer->in.c };
    return add_weight(builder, layer, 2, shape);
}

static enum mien_status build_batchnorm(const struct builder *builder, struct mien_layer *layer)
{
    static const char *const names[] = { "weight", "bias", "running_mean", "running_var" };
    enum mien_status st = MIEN_OK;
    const size_t shape[1] = { (size_t)layer->in.c };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        TRY(add_param(builder, layer, names[i], 1, shape));
    }
    layer->flop = elements(&layer->out);
done:
    return st;
}

static enum mien_status build_pool(const struct builder *builder, struct mien_layer *layer)
{
    const struct mien_layer_spec *spec = &layer->spec;
    if (2 * (int64_t)spec->pad > spec->kernel_h || 2 * (int64_t)spec->pad > spec->kernel_w) {
        return refuse(builder, layer, "pad %d is more than half of the window %dx%d", spec->pad,
                      spec->kernel_h, spec->kernel_w);
    }
    layer->flop = elements(&layer->in);
    return slide(builder, layer);
}

static enum mien_status build_layer(const struct builder *builder, struct mien_layer *layer)
{
    enum mien_status st = MIEN_OK;
    const struct mien_shape in = layer->in;
    layer->out = in;
    layer->first_param = (int)builder->network->param_count;
    if ((layer->spec.kind == MIEN_LAYER_CONV || layer->spec.kind == MIEN_LAYER_DENSE) &&
        layer->spec.width < 1) {
        return refuse(builder, layer, "width %d, expected at least 1", layer->spec.width);
    }
    switch (layer->spec.kind) {
    case MIEN_LAYER_CONV: TRY(build_conv(builder, layer)); break;
    case MIEN_LAYER_DENSE: TRY(build_dense(builder, layer)); break;
    case MIEN_LAYER_BATCHNORM: TRY(build_batchnorm(builder, layer)); break;
    case MIEN_LAYER_MAXPOOL:
    case MIEN_LAYER_AVGPOOL: TRY(build_pool(builder, layer)); break;
    case MIEN_LAYER_MARK: break;
    case MIEN_LAYER_MULTIPLY:
        layer->out = builder->network->layers[layer->skip].out;
        layer->flop = elements(&layer->out);
        break;
    case MIEN_LAYER_ADD:
    case MIEN_LAYER_RELU:
    case MIEN_LAYER_LEAKYRELU:
    case MIEN_LAYER_SIGMOID:
    case MIEN_LAYER_SILU:
    case MIEN_LAYER_GELU:
    case MIEN_LAYER_DROPOUT: layer->flop = elements(&in); break;
    case MIEN_LAYER_GLOBALAVGPOOL:
        layer->out = (struct mien_shape){ in.c, 1, 1 };
        layer->flop = elements(&in);
        break;
    case MIEN_LAYER_FLATTEN: layer->out = (struct mien_shape){ in.c * in.h * in.w, 1, 1 }; break;
    }
    if (elements(&layer->out) > (double)max_elements) {
        return refuse(builder, layer, "its output %dx%dx%d has more than %zu elements",
                      layer->out.c, layer->out.h, layer->out.w, max_elements);
    }
done:
    return st;
}

/* Append a layer that takes the output of layer `from`; `name` is filled from kind and number where
 * it is NULL. */
static enum mien_status append(const struct builder *builder, const struct mien_layer_spec *spec,
                               int from, const char *name)
{
    struct mien_network *const network = builder->network;
    struct mien_layer *const layer = &network->layers[network->layer_count++];
    layer->spec = *spec;
    layer->from = from;
    layer->skip = -1;
    layer->in = from < 0 ? network->input : network->layers[from].out;
    if (spec->kind == MIEN_LAYER_DENSE && spec->width == 0) {
        layer->spec.width = network->classes;
    }
    if (name != NULL) {
        (void)snprintf(layer->name, sizeof(layer->name), "%s", name);
        layer->projects = true;
    } else {
        layer->number = ++builder->numbers[spec->kind];
        (void)snprintf(layer->name, sizeof(layer->name), "%s%d", mien_layer_kind_name(spec->kind),
                       layer->number);
    }
    return mien_layer_takes_mark(spec->kind) ? MIEN_OK : build_layer(builder, layer);
}

static int last_layer(const struct builder *builder)
{
    return (int)builder->network->layer_count - 1;
}

/* The mark of this name, -1 where there is none. */
static int find_mark(const struct mien_network *network, const char *name)
{
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_layer_spec *const spec = &network->layers[i].spec;
        if (spec->kind == MIEN_LAYER_MARK && strcmp(spec->mark, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* What an add puts between the mark and the sum, as layers of its own. */
static enum mien_status append_projection(const struct builder *builder,
                                          const struct mien_layer_spec *add, int mark)
{
    enum mien_status st = MIEN_OK;
    char name[32];
    const int number = builder->numbers[MIEN_LAYER_ADD] + 1;
    struct mien_layer_spec conv = *add;
    conv.kind = MIEN_LAYER_CONV;
    conv.mark[0] = '\0';
    conv.project = conv.normalize = false;
    (void)snprintf(name, sizeof(name), "add%d.conv", number);
    TRY(append(builder, &conv, mark, name));
    if (add->normalize) {
        const struct mien_layer_spec batchnorm = { .kind = MIEN_LAYER_BATCHNORM,
                                                   .line = add->line };
        (void)snprintf(name, sizeof(name), "add%d.batchnorm", number);
        TRY(append(builder, &batchnorm, last_layer(builder), name));
    }
done:
    return st;
}

/* " has 8x4x4: project it, such as with ..." where a 1x1 convolution can make one shape the other.
 */
static void suggest_projection(char *out, size_t bytes, const struct mien_layer *layer,
                               const struct mien_shape *mark)
{
    const struct mien_shape *const want = &layer->in;
    out[0] = '\0';
    for (int stride = 1; stride <= 64 && !layer->spec.project; stride++) {
        if ((mark->h - 1) / stride + 1 == want->h && (mark->w - 1) / stride + 1 == want->w) {
            char step[24] = "";
            if (stride > 1) {
                (void)snprintf(step, sizeof(step), " stride %d", stride);
            }
            (void)snprintf(out, bytes, ": project it, such as by \"add %s conv %d 1x1%s\"",
                           layer->spec.mark, want->c, step);
            return;
        }
    }
}

/* Whether a layer can take what a mark kept beside what comes straight along. */
static enum mien_status check_joined(const struct builder *builder, const struct mien_layer *layer)
{
    const struct mien_layer *const layers = builder->network->layers;
    const struct mien_shape *const got = &layers[layer->skip].out;
    const struct mien_shape *const want = &layer->in;
    if (layer->spec.kind == MIEN_LAYER_MULTIPLY) {
        char hint[48] = "add globalavgpool before it";
        if (want->h * want->w == 1) {
            (void)snprintf(hint, sizeof(hint), "such as from \"conv %d 1x1\"", got->c);
        }
        return got->c == want->c && want->h == 1 && want->w == 1
                   ? MIEN_OK
                   : refuse(builder, layer,
                            "got %dx%dx%d (channels x height x width) to multiply by, expected "
                            "%dx1x1, one number for each channel of %s: %s",
                            want->c, want->h, want->w, got->c, layers[layer->skip].name, hint);
    }
    if (got->c != want->c || got->h != want->h || got->w != want->w) {
        char hint[96];
        suggest_projection(hint, sizeof(hint), layer, got);
        return refuse(builder, layer,
                      "%s gives %dx%dx%d (channels x height x width), expected %dx%dx%d to add to "
                      "%s%s",
                      layers[layer->skip].name, got->c, got->h, got->w, want->c, want->h, want->w,
                      layers[layer->from].name, hint);
    }
    return MIEN_OK;
}

/* An addition or a product. */
static enum mien_status append_joined(const struct builder *builder,
                                      const struct mien_layer_spec *spec)
{
    enum mien_status st = MIEN_OK;
    struct mien_network *const network = builder->network;
    const int from = last_layer(builder);
    const int mark = find_mark(network, spec->mark);
    if (mark >= 0 && spec->project) {
        TRY(append_projection(builder, spec, mark));
    }
    const int skip = mark >= 0 && spec->project ? last_layer(builder) : mark;
    TRY(append(builder, spec, from, NULL));
    struct mien_layer *const layer = &network->layers[last_layer(builder)];
    if (mark < 0) {
        return refuse(builder, layer, "there is no \"mark %s\" before it", spec->mark);
    }
    layer->skip = skip;
    network->layers[mark].uses++;
    TRY(check_joined(builder, layer));
    TRY(build_layer(builder, layer));
done:
    return st;
}

static enum mien_status append_mark(const struct builder *builder,
                                    const struct mien_layer_spec *spec)
{
    const int other = find_mark(builder->network, spec->mark);
    const enum mien_status st = append(builder, spec, last_layer(builder), NULL);
    return st == MIEN_OK && other >= 0
               ? refuse(builder, &builder->network->layers[last_layer(builder)],
                        "its name is that of %s already", builder->network->layers[other].name)
               : st;
}

static enum mien_status check_marks(const struct builder *builder)
{
    for (size_t i = 0; i < builder->network->layer_count; i++) {
        const struct mien_layer *const layer = &builder->network->layers[i];
        if (layer->spec.kind == MIEN_LAYER_MARK && layer->uses == 0) {
            return refuse(builder, layer,
                          "no layer takes it: expected \"add %s\" or \"multiply %s\" behind it",
                          layer->spec.mark, layer->spec.mark);
        }
    }
    return MIEN_OK;
}

static enum mien_status build_layers(const struct builder *builder)
{
    enum mien_status st = MIEN_OK;
    struct mien_network *network = builder->network;
    for (size_t i = 0; i < builder->recipe->layer_count; i++) {
        const struct mien_layer_spec *const spec = &builder->recipe->layers[i];
        switch (spec->kind) {
        case MIEN_LAYER_ADD:
        case MIEN_LAYER_MULTIPLY: TRY(append_joined(builder, spec)); break;
        case MIEN_LAYER_MARK: TRY(append_mark(builder, spec)); break;
        default: TRY(append(builder, spec, last_layer(builder), NULL)); break;
        }
    }
    TRY(check_marks(builder));
    const struct mien_layer *const last = &network->layers[last_layer(builder)];
    if (last->out.c != network->classes || last->out.h != 1 || last->out.w != 1) {
        return refuse(builder, last,
                      "the last layer gives %dx%dx%d (channels x height x width), expected one "
                      "number for each of the %d classes: end with \"dense classes\"",
                      last->out.c, last->out.h, last->out.w, network->classes);
    }
done:
    return st;
}

static enum mien_status check_input(const struct mien_recipe *recipe, int classes,
                                    struct mien_error *err)
{
    const char *where = recipe->where == NULL ? "recipe" : recipe->where;
    const int c = recipe->input.channels;
    const int h = recipe->input.height;
    const int w = recipe->input.width;
    const struct mien_shape input = { c, h, w };
    if (c < 1 || h < 1 || w < 1 || elements(&input) > (double)max_elements) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "%s: the input is %dx%dx%d (channels x height x width), expected 1 to %zu "
                         "elements",
                         where, c, h, w, max_elements);
    }
    if (classes < 1 || classes > MAX_CLASSES) {
        return mien_fail(err, MIEN_ERR_SHAPE, "%s: got %d classes, expected 1 to %d", where,
                         classes, MAX_CLASSES);
    }
    if (recipe->layer_count < 1 || recipe->layer_count > 65536) {
        return mien_fail(err, MIEN_ERR_SHAPE, "%s: got %zu layers, expected 1 to 65536", where,
                         recipe->layer_count);
    }
    return MIEN_OK;
}

enum mien_status mien_network_create(struct mien_network **out, const struct mien_recipe *recipe,
                                     int classes, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_network *network = NULL;
    *out = NULL;
    TRY(check_input(recipe, classes, err));
    network = mien_calloc(1, sizeof(*network), err);
    if (network == NULL) {
        return MIEN_ERR_MEMORY;
    }
    network->classes = classes;
    network->input =
        (struct mien_shape){ recipe->input.channels, recipe->input.height, recipe->input.width };
    const size_t most = recipe->layer_count * MAX_LINE_LAYERS;
    network->layers = mien_calloc(most, sizeof(*network->layers), err);
    network->params = mien_calloc(most * MAX_LAYER_PARAMS, sizeof(*network->params), err);
    if (network->layers == NULL || network->params == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    int numbers[MIEN_LAYER_KINDS] = { 0 };
    const struct builder builder = { network, recipe, numbers, err };
    TRY(build_layers(&builder));
    *out = network;
    network = NULL;
done:
    mien_network_destroy(network);
    return st;
}

void mien_network_destroy(struct mien_network *network)
{
    if (network != NULL) {
        free(network->layers);
        free(network->params);
        free(network);
    }
}
