/* summary.c - a network as a table and as JSON */
#include "nn/summary.h"

#include <stdio.h>

#include "base/print.h"

/* Trainable numbers of one layer. */
static size_t count_parameters(const struct mien_network *network, const struct mien_layer *layer)
{
    size_t count = 0;
    for (int i = 0; i < layer->param_count; i++) {
        const struct mien_param *param = &network->params[layer->first_param + i];
        count += param->trainable ? param->count : 0;
    }
    return count;
}

static double total_flop(const struct mien_network *network)
{
    double flop = 0;
    for (size_t i = 0; i < network->layer_count; i++) {
        flop += network->layers[i].flop;
    }
    return flop;
}

/* "1,234,567" */
static void format_count(char out[32], size_t value)
{
    char digits[24];
    const int length = snprintf(digits, sizeof(digits), "%zu", value);
    int used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
}

static void write_row(FILE *file, const char *name, const char *spec, const struct mien_shape *out,
                      size_t parameters, double flop)
{
    char shape[48] = "";
    char count[32];
    if (out != NULL) {
        (void)snprintf(shape, sizeof(shape), "%d x %d x %d", out->c, out->h, out->w);
    }
    format_count(count, parameters);
    (void)fprintf(file, "%-16s %-28s %18s %15s %12.3f\n", name, spec, shape, count, flop / 1e6);
}

static void write_summary(FILE *to, const void *user)
{
    const struct mien_network *const network = user;
    (void)fprintf(to, "%-16s %-28s %18s %15s %12s\n", "layer", "what", "output (c x h x w)",
                  "parameters", "MFLOP");
    write_row(to, "input", "", &network->input, 0, 0);
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_layer *layer = &network->layers[i];
        char spec[MIEN_LAYER_TEXT_BYTES];
        mien_layer_spec_format(spec, &layer->spec);
        write_row(to, layer->name, spec, &layer->out, count_parameters(network, layer),
                  layer->flop);
    }
    write_row(to, "total", "one image, forward", NULL, network->parameters, total_flop(network));
}

enum mien_status mien_summary_text(char **out, const struct mien_network *network,
                                   struct mien_error *err)
{
    return mien_print(out, NULL, write_summary, network, "the summary of a network", err);
}

static json_t *shape_json(const struct mien_shape *shape)
{
    return json_pack("[iii]", shape->c, shape->h, shape->w);
}

static json_t *layers_json(const struct mien_network *network)
{
    json_t *layers = json_array();
    for (size_t i = 0; layers != NULL && i < network->layer_count; i++) {
        const struct mien_layer *layer = &network->layers[i];
        char spec[MIEN_LAYER_TEXT_BYTES];
        mien_layer_spec_format(spec, &layer->spec);
        json_t *item = json_pack("{s:s, s:s, s:o, s:I, s:f}", "name", layer->name, "spec", spec,
                                 "output", shape_json(&layer->out), "parameters",
                                 (json_int_t)count_parameters(network, layer), "flop", layer->flop);
        if (item == NULL || json_array_append_new(layers, item) != 0) {
            json_decref(layers);
            return NULL;
        }
    }
    return layers;
}

enum mien_status mien_summary_json(json_t **out, const struct mien_network *network,
                                   struct mien_error *err)
{
    /* "o" takes its argument over, and fails on NULL. */
    *out = json_pack("{s:o, s:i, s:I, s:f, s:o}", "input", shape_json(&network->input), "classes",
                     network->classes, "parameters", (json_int_t)network->parameters, "flop",
                     total_flop(network), "layers", layers_json(network));
    return *out != NULL ? MIEN_OK
                        : mien_fail(err, MIEN_ERR_MEMORY, "no memory for the summary of a network");
}
