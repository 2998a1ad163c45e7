/* cmd_explain.c - `mien explain`: pictures of what in an image speaks for a class */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/cmd_explain.h"
#include "cli/commands.h"
#include "cli/images.h"
#include "cli/model_line.h"
#include "cli/session.h"
#include "cli/text.h"

enum { CHUNK = 16, COPIES = 128 }; /* images decoded, copies on the device at a time */

struct explain_options {
    struct common_options common;
    const char *model, *out, *methods, *layer;
    struct opt_strings images, classes;
    int samples, window, stride, steps, size, blas; /* -1: not given */
    double noise;                                   /* -1: not given */
    bool raw;
};

#define FIELD(name) offsetof(struct explain_options, name)

static const struct opt explain_table[] = {
    { "out", OPT_STRING, FIELD(out), "DIR", "new or empty folder for the pictures",
      .role = OPT_FOLDER, .required = true },
    { "method", OPT_STRING, FIELD(methods), "LIST",
      "with commas: saliency, gradcam, occlusion, integrated; all unless stated", .role = OPT_ANY },
    { "class", OPT_STRINGS, FIELD(classes), "NAME",
      "class to explain, or predicted, or all; may come again; predicted unless stated",
      .role = OPT_ANY },
    { "layer", OPT_STRING, FIELD(layer), "NAME",
      "of gradcam: the layer to look at, as mien summary names it; else the last convolution, "
      "addition or product, or the activation behind it",
      .role = OPT_ANY },
    { "samples", OPT_INT, FIELD(samples), "N",
      "of saliency: SmoothGrad, the mean over N noisy copies", .min = 2, .max = 100000 },
    { "noise", OPT_DOUBLE, FIELD(noise), "S",
      "of --samples: its deviation, as a share of the image's range; 0.15 unless stated", .min = 0,
      .max = 10 },
    { "window", OPT_INT, FIELD(window), "N",
      "of occlusion: side of the square in pixels; a sixth of the shorter side unless stated",
      .min = 1, .max = 4096 },
    { "stride", OPT_INT, FIELD(stride), "N",
      "of occlusion: pixels from one square to the next; a quarter of the window unless stated",
      .min = 1, .max = 4096 },
    { "steps", OPT_INT, FIELD(steps), "N", "of integrated: gradients on the way; 64 unless stated",
      .min = 1, .max = 100000 },
    { "size", OPT_INT, FIELD(size), "PX", "longer side of the image in a picture", .min = 16,
      .max = 4096 },
    { "raw", OPT_FLAG, FIELD(raw), NULL, "write the maps' numbers too, as NumPy's .npy",
      .role = OPT_ANY },
    { "blas", OPT_CHOICE, FIELD(blas), "KIND", SESSION_BLAS_HELP, .choices = session_blas_choices },
    { .name = NULL },
};

static const struct positional explain_positionals[] = {
    { "MODEL", FIELD(model), 0, 1, MODEL_LINE_MODEL_HELP, OPT_ANY },
    { "IMAGE", FIELD(images), 1, OPT_MANY, MODEL_LINE_IMAGE_HELP, OPT_ANY },
    { .name = NULL },
};

static const struct explain_options explain_defaults = {
    .common = { .seed = -1 },
    .samples = -1,
    .window = -1,
    .stride = -1,
    .steps = -1,
    .size = 384,
    .noise = -1,
};

/* "; did you mean X?", or nothing. */
static const char *suggest(char *out, size_t bytes, const char *typed, const char *const *words)
{
    const char *const near = opt_nearest(typed, words);
    out[0] = '\0';
    if (near != NULL) {
        (void)snprintf(out, bytes, "; did you mean %.40s?", near);
    }
    return out;
}

static enum mien_status parse_methods(bool methods[EXPLAIN_METHODS], const char *text,
                                      struct mien_error *err)
{
    for (const char *word = text;; word++) {
        const size_t length = strcspn(word, ",");
        char copy[32];
        char near[64];
        int found = -1;
        (void)snprintf(copy, sizeof(copy), "%.*s", length < 31 ? (int)length : 31, word);
        for (int m = 0; m < EXPLAIN_METHODS; m++) {
            found = strcmp(copy, explain_method_names[m]) == 0 ? m : found;
        }
        if (found < 0) {
            return mien_fail(err, MIEN_ERR_USAGE,
                             "--method: '%s' is none of saliency, gradcam, occlusion, integrated%s",
                             copy, suggest(near, sizeof(near), copy, explain_method_names));
        }
        methods[found] = true;
        word += length;
        if (*word == '\0') {
            return MIEN_OK;
        }
    }
}

/* An option of a method that is not asked for would do nothing. */
static enum mien_status check_options(const struct explain_options *o, const bool *methods,
                                      struct mien_error *err)
{
    const struct {
        const char *name;
        bool given;
        enum explain_method of;
    } parts[] = {
        { "samples", o->samples >= 0, EXPLAIN_SALIENCY },
        { "layer", o->layer != NULL, EXPLAIN_GRADCAM },
        { "window", o->window >= 0, EXPLAIN_OCCLUSION },
        { "stride", o->stride >= 0, EXPLAIN_OCCLUSION },
        { "steps", o->steps >= 0, EXPLAIN_INTEGRATED },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].given && !methods[parts[i].of]) {
            return mien_fail(err, MIEN_ERR_USAGE, "--%s is for --method %s", parts[i].name,
                             explain_method_names[parts[i].of]);
        }
    }
    if (o->noise >= 0 && o->samples < 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "--noise is for --samples");
    }
    if (o->common.seed >= 0 && o->samples < 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "--seed is for --samples");
    }
    return MIEN_OK;
}

static enum mien_status refuse_class(const struct mien_model_file *model, const char *name,
                                     struct mien_error *err)
{
    char near[256];
    const size_t count = (size_t)model->class_count;
    const char **const names = mien_calloc(count + 1, sizeof(char *), err);
    if (names == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t k = 0; k < count; k++) {
        names[k] = model->classes[k];
    }
    (void)suggest(near, sizeof(near), name, names);
    free(names);
    return mien_fail(err, MIEN_ERR_USAGE, "--class: the model has no class '%.200s'%s", name, near);
}

/* The class of that name; -1: none. */
static int find_class(const struct mien_model_file *model, const char *name)
{
    for (int k = 0; k < model->class_count; k++) {
        if (strcmp(name, model->classes[k]) == 0) {
            return k;
        }
    }
    return -1;
}

/* The classes to explain; "all" and "predicted" are words unless a class has that name. */
static enum mien_status choose_classes(struct explain_plan *plan, const struct opt_strings *named,
                                       struct mien_error *err)
{
    const struct mien_model_file *const model = plan->model;
    const size_t most = (named->count + 1) * (size_t)model->class_count + 1;
    plan->classes = mien_calloc(most, sizeof(*plan->classes), err);
    if (plan->classes == NULL) {
        return MIEN_ERR_MEMORY;
    }
    if (named->count == 0) {
        plan->classes[plan->class_count++] = -1;
    }
    for (size_t i = 0; i < named->count; i++) {
        const char *const name = named->items[i];
        const int found = find_class(model, name);
        if (found < 0 && strcmp(name, "all") == 0) {
            for (int k = 0; k < model->class_count; k++) {
                plan->classes[plan->class_count++] = k;
            }
        } else if (found >= 0 || strcmp(name, "predicted") == 0) {
            plan->classes[plan->class_count++] = found;
        } else {
            return refuse_class(model, name, err);
        }
    }
    return MIEN_OK;
}

static enum mien_status plan_occlusion(struct mien_occlusion *out, const struct explain_options *o,
                                       const struct mien_shape *input, struct mien_error *err)
{
    const int shorter = input->h < input->w ? input->h : input->w;
    const int window = o->window > 0 ? o->window : shorter / 6 > 1 ? shorter / 6 : 1;
    const int stride = o->stride > 0 ? o->stride : window / 4 > 1 ? window / 4 : 1;
    if (window > shorter) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "--window: %d is more than the model's images have, %dx%d", window,
                         input->h, input->w);
    }
    if (stride > window) {
        return mien_fail(
            err, MIEN_ERR_USAGE,
            "--stride: %d is more than the window, %d: pixels between would be left out", stride,
            window);
    }
    *out = (struct mien_occlusion){ .window = window, .stride = stride };
    return MIEN_OK;
}

/* The layer for Grad-CAM; one without a map is refused, and where none has one, so is the method.
 */
static enum mien_status choose_layer(size_t *index, const struct explain_options *o,
                                     const struct mien_network *network, struct mien_error *err)
{
    const struct mien_layer *layer = mien_explain_default_layer(network);
    if (o->layer == NULL && layer == NULL) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "--method gradcam: the model has no convolution to look at");
    }
    if (o->layer != NULL) {
        const char **const names = mien_calloc(network->layer_count + 1, sizeof(char *), err);
        if (names == NULL) {
            return MIEN_ERR_MEMORY;
        }
        layer = NULL;
        for (size_t i = 0; i < network->layer_count; i++) {
            names[i] = network->layers[i].name;
            layer = strcmp(names[i], o->layer) == 0 ? &network->layers[i] : layer;
        }
        char near[256];
        (void)suggest(near, sizeof(near), o->layer, names);
        free(names);
        if (layer == NULL) {
            return mien_fail(err, MIEN_ERR_USAGE, "--layer: the model has no layer '%.100s'%s",
                             o->layer, near);
        }
    }
    if (layer->out.h * layer->out.w < 2) {
        return mien_fail(err, MIEN_ERR_USAGE, "--layer: %s gives no map: %dx%dx%d", layer->name,
                         layer->out.c, layer->out.h, layer->out.w);
    }
    *index = (size_t)(layer - network->layers);
    return MIEN_OK;
}

/* All that can be said to be wrong before a device is opened. */
static enum mien_status make_plan(struct explain_plan *plan, size_t *layer,
                                  const struct explain_options *o, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_network *const network = plan->model->network;
    if (o->methods != NULL) {
        TRY(parse_methods(plan->methods, o->methods, err));
    } else {
        const bool maps = o->layer != NULL || mien_explain_default_layer(network) != NULL;
        for (int m = 0; m < EXPLAIN_METHODS; m++) {
            plan->methods[m] = m != EXPLAIN_GRADCAM || maps;
        }
    }
    TRY(check_options(o, plan->methods, err));
    TRY(choose_classes(plan, &o->classes, err));
    if (plan->methods[EXPLAIN_GRADCAM]) {
        TRY(choose_layer(layer, o, network, err));
    }
    if (plan->methods[EXPLAIN_OCCLUSION]) {
        TRY(plan_occlusion(&plan->occlusion, o, &network->input, err));
    }
    plan->saliency = (struct mien_saliency){
        .samples = o->samples > 0 ? o->samples : 1,
        .noise = o->noise >= 0 ? o->noise : 0.15,
        .seed = o->common.seed >= 0 ? (uint64_t)o->common.seed : 1,
    };
    plan->steps = o->steps > 0 ? o->steps : 64;
    plan->folder = o->out;
    plan->size = o->size;
    plan->raw = o->raw;

done:
    return st;
}

static void print_results(struct term *term, const json_t *results)
{
    size_t i = 0;
    size_t k = 0;
    const json_t *image = NULL;
    const json_t *map = NULL;
    char cell[4096];
    json_array_foreach(results, i, image)
    {
        term_print(
            term, "%s",
            text_cell(cell, sizeof(cell), json_string_value(json_object_get(image, "file")), 0));
        term_print(
            term, "  %s  %.1f %%\n",
            text_cell(cell, sizeof(cell), json_string_value(json_object_get(image, "class")), 0),
            100.0 * json_number_value(json_object_get(image, "probability")));
        json_array_foreach(json_object_get(image, "maps"), k, map)
        {
            term_print(term, "  %s\n",
                       text_cell(cell, sizeof(cell),
                                 json_string_value(json_object_get(map, "picture")), 0));
        }
    }
}

/* What one call works on. */
struct work {
    const struct explain_options *options;
    struct term *term;
    struct session session;
    struct model_line line;
    struct session_model model;
    struct images images;
    struct explain_plan plan;
    struct explain_names names;
    json_t *results;
    uint8_t *pixels; /* [CHUNK] images */
};

static enum mien_status run_chunk(struct work *work, size_t first, size_t count,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    size_t indices[CHUNK];
    const char *paths[CHUNK];
    size_t good = 0;
    json_t *const results = json_array();
    TRY(images_decode(work->pixels, indices, &good, &work->images, first, count,
                      work->plan.model->recipe, err));
    for (size_t i = 0; i < good; i++) {
        paths[i] = work->images.paths.items[indices[i]];
    }
    if (good > 0) {
        TRY(mien_folder_make(work->plan.folder, err));
        TRY(explain_images(results, &work->names, &work->plan, work->pixels, paths, good, err));
    }
    if (!work->options->common.json) {
        print_results(work->term, results);
    } else if (json_array_extend(work->results, results) != 0) {
        st = mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the result");
    }

done:
    json_decref(results);
    return st;
}

static enum mien_status run_all(struct work *work, size_t layer, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct explain_options *const o = work->options;
    const size_t count = work->images.paths.count;
    const struct mien_probe_options probe = {
        .batch = COPIES,
        .blas = (enum mien_blas)o->blas,
        .tuning = &work->session.tuning,
        .taps = &layer,
        .tap_count = work->plan.methods[EXPLAIN_GRADCAM] ? 1 : 0,
    };
    TRY(session_open(&work->session, &o->common, false, work->term, err));
    TRY(session_tune(&work->session, NULL, work->term, err));
    TRY(mien_probe_create(&work->plan.probe, work->session.cl, work->model.file.network,
                          work->model.file.weights, &probe, err));
    work->pixels = mien_calloc(CHUNK, mien_recipe_image_bytes(work->model.file.recipe), err);
    if (work->pixels == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t first = 0; first < count; first += CHUNK) {
        const size_t n = count - first < CHUNK ? count - first : CHUNK;
        TRY(run_chunk(work, first, n, err));
        if (count > CHUNK) {
            mien_log_progress(&work->term->log, "explaining", first + n, count);
        }
    }

done:
    return st;
}

static json_t *describe(const struct work *work)
{
    const struct mien_model_file *const file = &work->model.file;
    json_t *object =
        json_pack("{s:o, s:O, s:O}", "classes", mien_json_texts(file->classes, file->class_count),
                  "images", work->results, "failed", work->images.failed);
    if (work->session.cl != NULL) {
        session_describe(&work->session, &object);
    }
    return object;
}

static enum mien_status explain(const void *options, struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct work work = { .options = options, .term = term, .results = json_array() };
    size_t layer = 0;
    TRY(model_line_read(&work.line, work.options->model, &work.options->images, term, err));
    TRY(session_model_read(&work.model, work.line.model, err));
    work.plan.model = &work.model.file;
    TRY(make_plan(&work.plan, &layer, work.options, err));
    TRY(images_init(&work.images, &work.line.images, term, err));
    if (work.images.paths.count > 0) {
        TRY(run_all(&work, layer, err));
    }
    if (work.options->common.json) {
        TRY(term_json(term, describe(&work), err));
    }
    TRY(images_judge(&work.images, "explained", err));

done:
    mien_probe_destroy(work.plan.probe);
    explain_names_finish(&work.names);
    free(work.plan.classes);
    free(work.pixels);
    json_decref(work.results);
    images_finish(&work.images);
    model_line_finish(&work.line);
    session_model_finish(&work.model);
    session_close(&work.session);
    return st;
}

const struct command cmd_explain = {
    .name = "explain",
    .summary = "Show what in an image speaks for a class",
    .details =
        "Writes a picture for each image, class and method: the image, the map, and the two\n"
        "over each other. saliency: where a small change changes the class's score most.\n"
        "gradcam: where the last convolution saw what speaks for the class. occlusion: how far\n"
        "the score falls where a gray square covers the image. integrated: how much each pixel\n"
        "adds to the score, beside a gray image. docs/explain.md says what each is worth.",
    .options = explain_table,
    .positionals = explain_positionals,
    .common = COMMON_DEVICE | COMMON_SEED | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct explain_options),
    .defaults = &explain_defaults,
    .run = explain,
};
