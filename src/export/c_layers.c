/* c_layers.c - the functions that layers become in C, and the calls of them */
#include <string.h>

#include "export/c_parts.h"
#include "export/weights.h"

/*
 * The functions, as they are written into NAME.c.  Tensors of one image are
 * [channels][height][width].
 */
static const char convolve[] =
    "/*\n"
    " * Convolution (cross-correlation) with `pad` zeros around, in groups of channels: x "
    "[ci][hi][wi] to\n"
    " * y [co][ho][wo], weight [co][ci / groups][kh][kw], bias [co] or NULL.\n"
    " */\n"
    "static void convolve(float *y, const float *x, const float *weight, const float *bias, int "
    "ci,\n"
    "                     int hi, int wi, int co, int ho, int wo, int kh, int kw, int stride,\n"
    "                     int pad, int groups)\n"
    "{\n"
    "    const int seen = ci / groups;\n"
    "    for (int o = 0; o < co; o++) {\n"
    "        const float *const first = x + (long)(o / (co / groups)) * seen * hi * wi;\n"
    "        for (int at = 0; at < ho * wo; at++) {\n"
    "            y[at] = bias != NULL ? bias[o] : 0.0f;\n"
    "        }\n"
    "        for (int i = 0; i < seen; i++) {\n"
    "            for (int k = 0; k < kh * kw; k++) {\n"
    "                add_shifted(y, first + (long)i * hi * wi, *weight++, hi, wi, ho, wo, k / kw - "
    "pad,\n"
    "                            k % kw - pad, stride);\n"
    "            }\n"
    "        }\n"
    "        y += ho * wo;\n"
    "    }\n"
    "}\n"
    "\n";

static const char add_shifted[] =
    "/*\n"
    " * y [ho][wo] += w * x, where y[v][h] takes x[v * stride + down][h * stride + right]; what "
    "would be\n"
    " * outside of x [hi][wi] is zero.\n"
    " */\n"
    "static void add_shifted(float *y, const float *x, float w, int hi, int wi, int ho, int wo, "
    "int down,\n"
    "                        int right, int stride)\n"
    "{\n"
    "    int first = 0;\n"
    "    int end = wo;\n"
    "    while (first < wo && first * stride + right < 0) {\n"
    "        first++;\n"
    "    }\n"
    "    while (end > first && (end - 1) * stride + right >= wi) {\n"
    "        end--;\n"
    "    }\n"
    "    for (int v = 0; v < ho; v++) {\n"
    "        const int row = v * stride + down;\n"
    "        if (row < 0 || row >= hi) {\n"
    "            continue;\n"
    "        }\n"
    "        const float *const in = x + row * wi;\n"
    "        float *const out = y + v * wo;\n"
    "        if (stride == 1) { /* compilers make vectors of this one */\n"
    "            for (int h = first; h < end; h++) {\n"
    "                out[h] += w * in[h + right];\n"
    "            }\n"
    "        } else {\n"
    "            for (int h = first; h < end; h++) {\n"
    "                out[h] += w * in[h * stride + right];\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n"
    "\n";

static const char dense[] =
    "/* y [out] = weight [out][in] x [in] + bias [out], which may be NULL. */\n"
    "static void dense(float *y, const float *x, const float *weight, const float *bias, int in, "
    "int out)\n"
    "{\n"
    "    for (int o = 0; o < out; o++) {\n"
    "        double sum = bias != NULL ? (double)bias[o] : 0.0;\n"
    "        for (int i = 0; i < in; i++) {\n"
    "            sum += (double)*weight++ * (double)x[i];\n"
    "        }\n"
    "        y[o] = (float)sum;\n"
    "    }\n"
    "}\n"
    "\n";

static const char batchnorm[] =
    "/* y = (x - mean) / sqrt(variance + eps) * weight + bias, for each channel; in place is "
    "allowed. */\n"
    "static void batchnorm(float *y, const float *x, const float *weight, const float *bias,\n"
    "                      const float *mean, const float *variance, int channels, int pixels)\n"
    "{\n"
    "    for (int c = 0; c < channels; c++) {\n"
    "        const float scale = (float)((double)weight[c] / sqrt((double)variance[c] + 1e-5));\n"
    "        for (int i = 0; i < pixels; i++) {\n"
    "            *y++ = (*x++ - mean[c]) * scale + bias[c];\n"
    "        }\n"
    "    }\n"
    "}\n"
    "\n";

static const char relu[] = "/* y = max(x, 0); in place is allowed. */\n"
                           "static void relu(float *y, const float *x, int count)\n"
                           "{\n"
                           "    for (int i = 0; i < count; i++) {\n"
                           "        y[i] = x[i] > 0.0f ? x[i] : 0.0f;\n"
                           "    }\n"
                           "}\n"
                           "\n";

static const char add[] = "/* y = a + b; in place of either is allowed. */\n"
                          "static void add(float *y, const float *a, const float *b, int count)\n"
                          "{\n"
                          "    for (int i = 0; i < count; i++) {\n"
                          "        y[i] = a[i] + b[i];\n"
                          "    }\n"
                          "}\n"
                          "\n";

static const char multiply[] =
    "/* y = x gates, each channel of x by its number. */\n"
    "static void multiply(float *y, const float *gates, const float *x, int channels, int "
    "pixels)\n"
    "{\n"
    "    for (int c = 0; c < channels; c++) {\n"
    "        for (int i = 0; i < pixels; i++) {\n"
    "            *y++ = *x++ * gates[c];\n"
    "        }\n"
    "    }\n"
    "}\n"
    "\n";

static const char leakyrelu[] =
    "/* y = x, below zero slope x; in place is allowed. */\n"
    "static void leakyrelu(float *y, const float *x, float slope, int count)\n"
    "{\n"
    "    for (int i = 0; i < count; i++) {\n"
    "        y[i] = x[i] > 0.0f ? x[i] : slope * x[i];\n"
    "    }\n"
    "}\n"
    "\n";

static const char sigmoid[] = "/* y = 1 / (1 + exp(-x)); in place is allowed. */\n"
                              "static void sigmoid(float *y, const float *x, int count)\n"
                              "{\n"
                              "    for (int i = 0; i < count; i++) {\n"
                              "        y[i] = 1.0f / (1.0f + expf(-x[i]));\n"
                              "    }\n"
                              "}\n"
                              "\n";

static const char silu[] = "/* y = x / (1 + exp(-x)); in place is allowed. */\n"
                           "static void silu(float *y, const float *x, int count)\n"
                           "{\n"
                           "    for (int i = 0; i < count; i++) {\n"
                           "        y[i] = x[i] / (1.0f + expf(-x[i]));\n"
                           "    }\n"
                           "}\n"
                           "\n";

static const char gelu[] =
    "/* y = x times the share of a normal distribution below x; in place is allowed. */\n"
    "static void gelu(float *y, const float *x, int count)\n"
    "{\n"
    "    for (int i = 0; i < count; i++) {\n"
    "        y[i] = x[i] * 0.5f * erfcf(x[i] * -0.70710678f);\n"
    "    }\n"
    "}\n"
    "\n";

static const char maxpool[] =
    "/* The largest of each window; padding is less than anything. */\n"
    "static void maxpool(float *y, const float *x, int channels, int hi, int wi, int ho, int wo, "
    "int kh,\n"
    "                    int kw, int stride, int pad)\n"
    "{\n"
    "    for (int at = 0; at < channels * ho * wo; at++) {\n"
    "        const float *const plane = x + (long)(at / (ho * wo)) * hi * wi;\n"
    "        float best = -HUGE_VALF;\n"
    "        for (int k = 0; k < kh * kw; k++) {\n"
    "            const int row = at / wo % ho * stride + k / kw - pad;\n"
    "            const int column = at % wo * stride + k % kw - pad;\n"
    "            if (row >= 0 && row < hi && column >= 0 && column < wi &&\n"
    "                plane[row * wi + column] > best) {\n"
    "                best = plane[row * wi + column];\n"
    "            }\n"
    "        }\n"
    "        y[at] = best;\n"
    "    }\n"
    "}\n"
    "\n";

static const char avgpool[] =
    "/* The mean of each window; padding counts as zeros. */\n"
    "static void avgpool(float *y, const float *x, int channels, int hi, int wi, int ho, int wo, "
    "int kh,\n"
    "                    int kw, int stride, int pad)\n"
    "{\n"
    "    for (int at = 0; at < channels * ho * wo; at++) {\n"
    "        const float *const plane = x + (long)(at / (ho * wo)) * hi * wi;\n"
    "        double sum = 0.0;\n"
    "        for (int k = 0; k < kh * kw; k++) {\n"
    "            const int row = at / wo % ho * stride + k / kw - pad;\n"
    "            const int column = at % wo * stride + k % kw - pad;\n"
    "            if (row >= 0 && row < hi && column >= 0 && column < wi) {\n"
    "                sum += (double)plane[row * wi + column];\n"
    "            }\n"
    "        }\n"
    "        y[at] = (float)(sum / (kh * kw));\n"
    "    }\n"
    "}\n"
    "\n";

static const char globalavgpool[] =
    "/* The mean of each channel. */\n"
    "static void globalavgpool(float *y, const float *x, int channels, int pixels)\n"
    "{\n"
    "    for (int c = 0; c < channels; c++) {\n"
    "        double sum = 0.0;\n"
    "        for (int i = 0; i < pixels; i++) {\n"
    "            sum += (double)*x++;\n"
    "        }\n"
    "        y[c] = (float)(sum / pixels);\n"
    "    }\n"
    "}\n"
    "\n";

/* The functions that a kind of layer needs, each behind those that it calls; NULL ends them. */
enum { MOST_FUNCTIONS = 2 };

static void functions_of(const char *out[MOST_FUNCTIONS + 1], enum mien_layer_kind kind)
{
    out[0] = NULL;
    out[1] = NULL;
    out[2] = NULL;
    switch (kind) {
    case MIEN_LAYER_CONV:
        out[0] = add_shifted;
        out[1] = convolve;
        break;
    case MIEN_LAYER_DENSE: out[0] = dense; break;
    case MIEN_LAYER_RELU: out[0] = relu; break;
    case MIEN_LAYER_LEAKYRELU: out[0] = leakyrelu; break;
    case MIEN_LAYER_SIGMOID: out[0] = sigmoid; break;
    case MIEN_LAYER_SILU: out[0] = silu; break;
    case MIEN_LAYER_GELU: out[0] = gelu; break;
    case MIEN_LAYER_MAXPOOL: out[0] = maxpool; break;
    case MIEN_LAYER_AVGPOOL: out[0] = avgpool; break;
    case MIEN_LAYER_GLOBALAVGPOOL: out[0] = globalavgpool; break;
    case MIEN_LAYER_BATCHNORM: out[0] = batchnorm; break;
    case MIEN_LAYER_ADD: out[0] = add; break;
    case MIEN_LAYER_MULTIPLY: out[0] = multiply; break;
    case MIEN_LAYER_MARK:
    case MIEN_LAYER_FLATTEN:
    case MIEN_LAYER_DROPOUT: break; /* trains only */
    }
}

/* Whether a layer before this one needed the function already. */
static bool is_printed(const char *function, const struct mien_network *network, size_t layer)
{
    const char *functions[MOST_FUNCTIONS + 1];
    for (size_t i = 0; i < layer; i++) {
        functions_of(functions, network->layers[i].spec.kind);
        for (int k = 0; functions[k] != NULL; k++) {
            if (functions[k] == function) {
                return true;
            }
        }
    }
    return false;
}

void mien_c_print_functions(FILE *to, const struct mien_network *network)
{
    const char *functions[MOST_FUNCTIONS + 1];
    for (size_t i = 0; i < network->layer_count; i++) {
        functions_of(functions, network->layers[i].spec.kind);
        for (int k = 0; functions[k] != NULL; k++) {
            if (!is_printed(functions[k], network, i)) {
                (void)fputs(functions[k], to);
            }
        }
    }
}

/* ", NAME_conv1_weight" for each end; NULL where the layer has none of that. */
static void print_params(FILE *to, const struct mien_c_source *source,
                         const struct mien_layer *layer, const char *const *ends)
{
    char name[2 * MIEN_C_NAME_BYTES];
    for (; *ends != NULL; ends++) {
        const struct mien_param *const param =
            mien_export_param(source->file->network, layer, *ends);
        (void)fprintf(to, ", %s", param != NULL ? mien_c_param_name(name, source, param) : "NULL");
    }
}

void mien_c_print_step(FILE *to, const struct mien_c_source *source, const struct mien_c_step *step)
{
    static const char *const weight_bias[] = { "weight", "bias", NULL };
    static const char *const norm[] = { "weight", "bias", "running_mean", "running_var", NULL };
    const struct mien_layer *const layer = step->layer;
    const struct mien_layer_spec *const spec = &layer->spec;
    const struct mien_shape *const in = &layer->in;
    const struct mien_shape *const out = &layer->out;
    char line[MIEN_LAYER_TEXT_BYTES];
    mien_layer_spec_format(line, spec);
    (void)fprintf(to, "\n    /* %s (%s): %d x %d x %d */\n    ", layer->name, line, out->c, out->h,
                  out->w);
    const char *function = mien_layer_kind_name(spec->kind);
    (void)fprintf(to, "%s(buffer%d, buffer%d",
                  spec->kind == MIEN_LAYER_CONV ? "convolve" : function, step->to + 1,
                  step->from + 1);
    switch (spec->kind) {
    case MIEN_LAYER_CONV:
        print_params(to, source, layer, weight_bias);
        (void)fprintf(to, ",\n             %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d", in->c,
                      in->h, in->w, out->c, out->h, out->w, spec->kernel_h, spec->kernel_w,
                      spec->stride, spec->pad, spec->groups > 1 ? spec->groups : 1);
        break;
    case MIEN_LAYER_DENSE:
        print_params(to, source, layer, weight_bias);
        (void)fprintf(to, ", %d, %d", in->c, out->c);
        break;
    case MIEN_LAYER_BATCHNORM:
        print_params(to, source, layer, norm);
        (void)fprintf(to, ", %d, %d", in->c, in->h * in->w);
        break;
    case MIEN_LAYER_MAXPOOL:
    case MIEN_LAYER_AVGPOOL:
        (void)fprintf(to, ", %d, %d, %d, %d, %d, %d, %d, %d, %d", in->c, in->h, in->w, out->h,
                      out->w, spec->kernel_h, spec->kernel_w, spec->stride, spec->pad);
        break;
    case MIEN_LAYER_GLOBALAVGPOOL: (void)fprintf(to, ", %d, %d", in->c, in->h * in->w); break;
    case MIEN_LAYER_LEAKYRELU:
        (void)fprintf(to, ", (float)%.9g, %d", (double)spec->slope, in->c * in->h * in->w);
        break;
    case MIEN_LAYER_RELU:
    case MIEN_LAYER_SIGMOID:
    case MIEN_LAYER_SILU:
    case MIEN_LAYER_GELU: (void)fprintf(to, ", %d", in->c * in->h * in->w); break;
    case MIEN_LAYER_ADD:
        (void)fprintf(to, ", buffer%d, %d", step->skip + 1, in->c * in->h * in->w);
        break;
    case MIEN_LAYER_MULTIPLY:
        (void)fprintf(to, ", buffer%d, %d, %d", step->skip + 1, out->c, out->h * out->w);
        break;
    case MIEN_LAYER_MARK:
    case MIEN_LAYER_FLATTEN:
    case MIEN_LAYER_DROPOUT: break; /* trains only */
    }
    (void)fprintf(to, ");\n");
}
