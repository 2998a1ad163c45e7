/* recipe_layer.c - one line of `layers:`, parsed and written */
#include <stdio.h>
#include <string.h>

#include "nn/recipe_parts.h"

enum { MAX_WORDS = 16, WORD_BYTES = 24, MAX_WIDTH = 65536, MAX_STRIDE = 64, MAX_PAD = 64 };
enum { MAX_CONV_KERNEL = 7, MAX_POOL_WINDOW = 64 };
enum { MAX_WINNERS = 256 }; /* pixels of a window, of which the largest is kept as a byte */

static const char *const kind_names[] = {
    [MIEN_LAYER_CONV] = "conv",
    [MIEN_LAYER_DENSE] = "dense",
    [MIEN_LAYER_RELU] = "relu",
    [MIEN_LAYER_MAXPOOL] = "maxpool",
    [MIEN_LAYER_AVGPOOL] = "avgpool",
    [MIEN_LAYER_GLOBALAVGPOOL] = "globalavgpool",
    [MIEN_LAYER_FLATTEN] = "flatten",
    [MIEN_LAYER_BATCHNORM] = "batchnorm",
    [MIEN_LAYER_DROPOUT] = "dropout",
    [MIEN_LAYER_MARK] = "mark",
    [MIEN_LAYER_ADD] = "add",
    [MIEN_LAYER_MULTIPLY] = "multiply",
    [MIEN_LAYER_LEAKYRELU] = "leakyrelu",
    [MIEN_LAYER_SIGMOID] = "sigmoid",
    [MIEN_LAYER_SILU] = "silu",
    [MIEN_LAYER_GELU] = "gelu",
};

const char *mien_layer_kind_name(enum mien_layer_kind kind)
{
    return kind_names[kind];
}

bool mien_layer_is_activation(enum mien_layer_kind kind)
{
    return kind == MIEN_LAYER_RELU || kind == MIEN_LAYER_LEAKYRELU || kind == MIEN_LAYER_SIGMOID ||
           kind == MIEN_LAYER_SILU || kind == MIEN_LAYER_GELU;
}

bool mien_layer_takes_mark(enum mien_layer_kind kind)
{
    return kind == MIEN_LAYER_ADD || kind == MIEN_LAYER_MULTIPLY;
}

/* A line cut at its blanks. */
struct words {
    char word[MAX_WORDS][WORD_BYTES];
    int count, next;
};

static enum mien_status split(struct words *words, const char *text, struct mien_error *err)
{
    const char *blanks = " \t\r\n";
    words->count = 0;
    words->next = 0;
    for (const char *c = text + strspn(text, blanks); *c != '\0'; c += strspn(c, blanks)) {
        const size_t length = strcspn(c, blanks);
        if (words->count == MAX_WORDS || length >= WORD_BYTES) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "a layer has at most %d words of at most %d letters", MAX_WORDS,
                             WORD_BYTES - 1);
        }
        memcpy(words->word[words->count], c, length);
        words->word[words->count++][length] = '\0';
        c += length;
    }
    if (words->count == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "got an empty layer, expected a line such as \"conv 32 3x3\"");
    }
    return MIEN_OK;
}

/* The next word, "" after the last. */
static const char *take(struct words *words)
{
    return words->next < words->count ? words->word[words->next++] : "";
}

static enum mien_status wrong(struct mien_error *err, const char *what, const char *got,
                              const char *wanted)
{
    char quote[MIEN_RECIPE_QUOTE_BYTES];
    return mien_fail(err, MIEN_ERR_FORMAT, "%s: got %s%s%s, expected %s", what,
                     got[0] == '\0' ? "nothing" : "\"",
                     got[0] == '\0' ? "" : mien_recipe_quote(quote, got),
                     got[0] == '\0' ? "" : "\"", wanted);
}

static enum mien_status parse_kind(struct mien_layer_spec *spec, const char *word,
                                   struct mien_error *err)
{
    for (int i = 0; i < MIEN_LAYER_KINDS; i++) {
        if (strcmp(word, kind_names[i]) == 0) {
            spec->kind = (enum mien_layer_kind)i;
            return MIEN_OK;
        }
    }
    return wrong(err, "layer", word,
                 "conv, dense, relu, leakyrelu, sigmoid, silu, gelu, maxpool, avgpool, "
                 "globalavgpool, flatten, batchnorm, dropout, mark, add or multiply");
}

/* Whether its line has the width, kernel and options of a convolution. */
static bool is_conv(const struct mien_layer_spec *spec)
{
    return spec->kind == MIEN_LAYER_CONV || spec->project;
}

static enum mien_status parse_width(struct mien_layer_spec *spec, const char *word,
                                    struct mien_error *err)
{
    if (spec->kind == MIEN_LAYER_DENSE && strcmp(word, "classes") == 0) {
        spec->width = 0;
        return MIEN_OK;
    }
    if (!mien_recipe_whole(&spec->width, word, 1, MAX_WIDTH)) {
        return wrong(err, is_conv(spec) ? "conv width" : "dense width", word,
                     is_conv(spec) ? "a whole number from 1 to 65536"
                                   : "a whole number from 1 to 65536, or classes");
    }
    return MIEN_OK;
}

/* "3x5" (height, width); pools also "2" for 2x2. */
static enum mien_status parse_kernel(struct mien_layer_spec *spec, const char *word,
                                     struct mien_error *err)
{
    const bool conv = is_conv(spec);
    const int most = conv ? MAX_CONV_KERNEL : MAX_POOL_WINDOW;
    char high[WORD_BYTES];
    const size_t length = strcspn(word, "x");
    memcpy(high, word, length);
    high[length] = '\0';
    const char *wide = word[length] == 'x' ? word + length + 1 : conv ? "" : high;
    if (!mien_recipe_whole(&spec->kernel_h, high, 1, most) ||
        !mien_recipe_whole(&spec->kernel_w, wide, 1, most)) {
        return conv ? wrong(err, "conv kernel", word, "HxW with numbers from 1 to 7, such as 3x3")
                    : wrong(err, "window", word, "N or HxW with numbers from 1 to 64");
    }
    return MIEN_OK;
}

/* The name of a mark, and for an add what may follow: "conv", whose rest is read as a conv's. */
static enum mien_status parse_mark(struct mien_layer_spec *spec, struct words *words,
                                   struct mien_error *err)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const char *const name = take(words);
    if (name[0] == '\0' || name[strspn(name, letters)] != '\0') {
        return wrong(err, kind_names[spec->kind], name, "a name of letters, digits, - and _");
    }
    memcpy(spec->mark, name, strlen(name) + 1);
    if (spec->kind == MIEN_LAYER_ADD && words->next < words->count) {
        const char *const next = take(words);
        if (strcmp(next, kind_names[MIEN_LAYER_CONV]) != 0) {
            return wrong(err, "add", next, "conv, or nothing more");
        }
        spec->project = true;
    }
    return MIEN_OK;
}

static enum mien_status parse_rate(struct mien_layer_spec *spec, const char *word,
                                   struct mien_error *err)
{
    float rate = 0.0f;
    if (!mien_recipe_real(&rate, word, 0.0, 1.0) || !(rate < 1.0f)) {
        return wrong(err, "dropout rate", word, "a number from 0 to less than 1, such as 0.3");
    }
    spec->rate = rate;
    return MIEN_OK;
}

/* PyTorch's default; formatting leaves it out. */
static const float default_slope = 0.01f;

/* The slope may be left out. */
static enum mien_status parse_slope(struct mien_layer_spec *spec, const char *word,
                                    struct mien_error *err)
{
    spec->slope = default_slope;
    if (word[0] != '\0' && !mien_recipe_real(&spec->slope, word, 0.0, 1.0)) {
        return wrong(err, "slope", word, "a number from 0 to 1, such as 0.1");
    }
    return MIEN_OK;
}

static enum mien_status parse_option(struct mien_layer_spec *spec, const char *key,
                                     const char *value, struct mien_error *err)
{
    const bool windowed = spec->kernel_h > 0;
    if (windowed && strcmp(key, "stride") == 0) {
        return mien_recipe_whole(&spec->stride, value, 1, MAX_STRIDE)
                   ? MIEN_OK
                   : wrong(err, "stride", value, "a whole number from 1 to 64");
    }
    if (windowed && strcmp(key, "pad") == 0) {
        return mien_recipe_whole(&spec->pad, value, 0, MAX_PAD)
                   ? MIEN_OK
                   : wrong(err, "pad", value, "a whole number from 0 to 64");
    }
    if (is_conv(spec) && strcmp(key, "groups") == 0) {
        return mien_recipe_whole(&spec->groups, value, 1, MAX_WIDTH)
                   ? MIEN_OK
                   : wrong(err, "groups", value, "a whole number from 1 to 65536");
    }
    if ((is_conv(spec) || spec->kind == MIEN_LAYER_DENSE) && strcmp(key, "bias") == 0) {
        spec->bias = strcmp(value, "yes") == 0;
        return spec->bias || strcmp(value, "no") == 0 ? MIEN_OK
                                                      : wrong(err, "bias", value, "yes or no");
    }
    return wrong(err, kind_names[spec->kind], key,
                 spec->project                    ? "stride, pad, groups, bias or batchnorm"
                 : spec->kind == MIEN_LAYER_CONV  ? "stride, pad, groups or bias"
                 : spec->kind == MIEN_LAYER_DENSE ? "bias"
                 : windowed                       ? "stride or pad"
                                                  : "nothing more");
}

static enum mien_status parse_options(struct mien_layer_spec *spec, struct words *words,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const char *keys[MAX_WORDS];
    int count = 0;
    while (words->next < words->count) {
        const char *const key = take(words);
        for (int i = 0; i < count; i++) {
            if (strcmp(keys[i], key) == 0) {
                return wrong(err, kind_names[spec->kind], key, "each option once");
            }
        }
        keys[count++] = key;
        if (spec->project && strcmp(key, kind_names[MIEN_LAYER_BATCHNORM]) == 0) {
            spec->normalize = true; /* the one option without a value */
        } else {
            TRY(parse_option(spec, key, take(words), err));
        }
    }
done:
    return st;
}

/* Pools: the stride is the window unless stated; a window of padding alone has no value. */
static enum mien_status finish_pool(struct mien_layer_spec *spec, struct mien_error *err)
{
    const int least = spec->kernel_h < spec->kernel_w ? spec->kernel_h : spec->kernel_w;
    if (2 * spec->pad > least) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "pad: got %d, expected at most half of the window %dx%d", spec->pad,
                         spec->kernel_h, spec->kernel_w);
    }
    if (spec->kind == MIEN_LAYER_MAXPOOL && spec->kernel_h * spec->kernel_w > MAX_WINNERS) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "window: got %dx%d, expected at most %d pixels in one of maxpool",
                         spec->kernel_h, spec->kernel_w, MAX_WINNERS);
    }
    if (spec->stride == 0 && spec->kernel_h != spec->kernel_w) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "stride: got nothing, expected one, as the window %dx%d is not square",
                         spec->kernel_h, spec->kernel_w);
    }
    spec->stride = spec->stride == 0 ? spec->kernel_h : spec->stride;
    return MIEN_OK;
}

enum mien_status mien_layer_spec_parse(struct mien_layer_spec *out, const char *text,
                                       struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct words words;
    struct mien_layer_spec spec = { .kind = MIEN_LAYER_RELU };
    TRY(split(&words, text, err));
    TRY(parse_kind(&spec, take(&words), err));
    if (spec.kind == MIEN_LAYER_MARK || mien_layer_takes_mark(spec.kind)) {
        TRY(parse_mark(&spec, &words, err));
    }
    const bool conv = is_conv(&spec);
    const bool pool = spec.kind == MIEN_LAYER_MAXPOOL || spec.kind == MIEN_LAYER_AVGPOOL;
    if (conv || spec.kind == MIEN_LAYER_DENSE) {
        spec.bias = true;
        TRY(parse_width(&spec, take(&words), err));
    }
    if (conv || pool) {
        spec.stride = conv ? 1 : 0;
        spec.groups = conv ? 1 : 0;
        TRY(parse_kernel(&spec, take(&words), err));
    }
    if (spec.kind == MIEN_LAYER_DROPOUT) {
        TRY(parse_rate(&spec, take(&words), err));
    }
    if (spec.kind == MIEN_LAYER_LEAKYRELU) {
        TRY(parse_slope(&spec, take(&words), err));
    }
    TRY(parse_options(&spec, &words, err));
    if (pool) {
        TRY(finish_pool(&spec, err));
    }
    *out = spec;
done:
    return st;
}

/* "conv 64 3x3 stride 2 pad 1 groups 8 bias no" */
static void format_conv(char *out, size_t bytes, const struct mien_layer_spec *spec)
{
    char stride[24] = "";
    char pad[24] = "";
    char groups[24] = "";
    if (spec->stride != 1) {
        (void)snprintf(stride, sizeof(stride), " stride %d", spec->stride);
    }
    if (spec->pad != 0) {
        (void)snprintf(pad, sizeof(pad), " pad %d", spec->pad);
    }
    if (spec->groups > 1) {
        (void)snprintf(groups, sizeof(groups), " groups %d", spec->groups);
    }
    (void)snprintf(out, bytes, "%s %d %dx%d%s%s%s%s", kind_names[MIEN_LAYER_CONV], spec->width,
                   spec->kernel_h, spec->kernel_w, stride, pad, groups,
                   spec->bias ? "" : " bias no");
}

static void format_pool(char *out, size_t bytes, const struct mien_layer_spec *spec)
{
    char wide[16] = "";
    char stride[24] = "";
    char pad[24] = "";
    const bool square = spec->kernel_h == spec->kernel_w;
    if (!square) {
        (void)snprintf(wide, sizeof(wide), "x%d", spec->kernel_w);
    }
    if (spec->stride != spec->kernel_h || !square) {
        (void)snprintf(stride, sizeof(stride), " stride %d", spec->stride);
    }
    if (spec->pad != 0) {
        (void)snprintf(pad, sizeof(pad), " pad %d", spec->pad);
    }
    (void)snprintf(out, bytes, "%s %d%s%s%s", kind_names[spec->kind], spec->kernel_h, wide, stride,
                   pad);
}

void mien_layer_spec_format(char out[MIEN_LAYER_TEXT_BYTES], const struct mien_layer_spec *spec)
{
    const size_t bytes = MIEN_LAYER_TEXT_BYTES;
    const char *const name = kind_names[spec->kind];
    switch (spec->kind) {
    case MIEN_LAYER_CONV: format_conv(out, bytes, spec); break;
    case MIEN_LAYER_DENSE: {
        char width[16] = "classes";
        if (spec->width != 0) {
            (void)snprintf(width, sizeof(width), "%d", spec->width);
        }
        (void)snprintf(out, bytes, "%s %s%s", name, width, spec->bias ? "" : " bias no");
        break;
    }
    case MIEN_LAYER_MAXPOOL:
    case MIEN_LAYER_AVGPOOL: format_pool(out, bytes, spec); break;
    case MIEN_LAYER_DROPOUT: {
        char rate[24];
        mien_recipe_format_real(rate, sizeof(rate), spec->rate);
        (void)snprintf(out, bytes, "%s %s", name, rate);
        break;
    }
    case MIEN_LAYER_LEAKYRELU: {
        char slope[24] = " ";
        mien_recipe_format_real(slope + 1, sizeof(slope) - 1, spec->slope);
        (void)snprintf(out, bytes, "%s%s", name, spec->slope == default_slope ? "" : slope);
        break;
    }
    case MIEN_LAYER_MARK:
    case MIEN_LAYER_MULTIPLY: (void)snprintf(out, bytes, "%s %s", name, spec->mark); break;
    case MIEN_LAYER_ADD: {
        char conv[MIEN_LAYER_TEXT_BYTES / 2] = "";
        if (spec->project) {
            format_conv(conv, sizeof(conv), spec);
        }
        (void)snprintf(out, bytes, "%s %s%s%s%s", name, spec->mark, spec->project ? " " : "", conv,
                       spec->normalize ? " batchnorm" : "");
        break;
    }
    case MIEN_LAYER_RELU:
    case MIEN_LAYER_SIGMOID:
    case MIEN_LAYER_SILU:
    case MIEN_LAYER_GELU:
    case MIEN_LAYER_GLOBALAVGPOOL:
    case MIEN_LAYER_FLATTEN:
    case MIEN_LAYER_BATCHNORM: (void)snprintf(out, bytes, "%s", name); break;
    }
}
