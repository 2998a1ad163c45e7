/* explain_maps.c - maps of a chunk of images, and the files they become */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/cmd_explain.h"
#include "cli/term.h"
#include "explain/picture.h"
#include "train/metrics.h"

const char *const explain_method_names[EXPLAIN_METHODS + 1] = { "saliency", "gradcam", "occlusion",
                                                                "integrated", NULL };

/* Parts of a map's values that may be beyond the strongest colour: single pixels stand out far in
 * gradients. */
static const double clipped[EXPLAIN_METHODS] = { 0.01, 0.0, 0.0, 0.01 };
static const bool has_sign[EXPLAIN_METHODS] = { false, false, true, true };

/* A chunk on its way; targets are pairs of an image and one of its classes. */
struct chunk {
    const struct explain_plan *plan;
    struct explain_names *names;
    const char *const *paths;
    size_t count;
    struct mien_shape input;
    uint8_t *pixels;      /* [count][h][w][c] of what the network sees */
    float *images;        /* [count][c][h][w], normalised */
    float *probabilities; /* [count][classes] */
    int32_t *classes;     /* [count][plan->class_count] */
    json_t **lists;       /* [count] maps of each image; borrowed from the results */

    /* The method at hand. */
    enum explain_method method;
    struct mien_shape shape; /* of its maps */
    float *maps, *ends;
};

void explain_names_finish(struct explain_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct explain_names){ .items = NULL };
}

static bool is_taken(const struct explain_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Keep a name that is not taken yet.  Errors  MIEN_ERR_MEMORY */
static enum mien_status take_name(struct explain_names *names, const char *name,
                                  struct mien_error *err)
{
    if (names->count == names->room) {
        const size_t room = names->room * 2 + 16;
        void *const items = mien_realloc(names->items, room, sizeof(char *), err);
        if (items == NULL) {
            return MIEN_ERR_MEMORY;
        }
        names->items = items;
        names->room = room;
    }
    names->items[names->count] = mien_strdup(name, err);
    if (names->items[names->count] == NULL) {
        return MIEN_ERR_MEMORY;
    }
    names->count++;
    return MIEN_OK;
}

/* Letters, digits and "._-" as they are, for a part of a file's name; never a dot in front. */
static void append_safe(char *out, size_t bytes, const char *text, size_t length)
{
    size_t used = strlen(out);
    for (size_t i = 0; i < length && text[i] != '\0' && used + 1 < bytes; i++) {
        const unsigned char c = (unsigned char)text[i];
        const bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                            (c >= 'a' && c <= 'z') || c == '_' || c == '-' ||
                            (c == '.' && used > 0);
        out[used++] = letter ? (char)c : '_';
    }
    out[used] = '\0';
}

enum { NAME_BYTES = 160 };

/* "000003-happy-gradcam", or with "-2" and so on behind it where that is taken. */
static enum mien_status name_file(char out[NAME_BYTES], const struct chunk *chunk, size_t image,
                                  int class, struct mien_error *err)
{
    const char *const path = chunk->paths[image];
    const char *const slash = strrchr(path, '/');
    const char *const last = slash != NULL && slash[1] != '\0' ? slash + 1 : path;
    const char *const base = strcmp(last, "-") == 0 ? "stdin" : last;
    const char *const dot = strrchr(base, '.');
    const char *const class_name = chunk->plan->model->classes[class];
    char name[NAME_BYTES] = "";
    append_safe(name, 64, base, dot != NULL && dot > base ? (size_t)(dot - base) : strlen(base));
    append_safe(name, NAME_BYTES, "-", 1);
    append_safe(name, strlen(name) + 33, class_name, strlen(class_name));
    append_safe(name, NAME_BYTES, "-", 1);
    append_safe(name, NAME_BYTES, explain_method_names[chunk->method], 16);
    (void)snprintf(out, NAME_BYTES, "%s", name);
    for (int number = 2; is_taken(chunk->names, out); number++) {
        (void)snprintf(out, NAME_BYTES, "%.140s-%d", name, number);
    }
    return take_name(chunk->names, out, err);
}

/* "Grad-CAM at relu2, 000003.png". */
static void write_note(char *out, size_t bytes, const struct chunk *chunk, size_t image)
{
    const struct explain_plan *const plan = chunk->plan;
    const char *const slash = strrchr(chunk->paths[image], '/');
    const char *const file = slash != NULL ? slash + 1 : chunk->paths[image];
    char how[96];
    switch (chunk->method) {
    case EXPLAIN_SALIENCY:
        (void)snprintf(how, sizeof(how),
                       plan->saliency.samples > 1 ? "saliency, mean of %d noisy copies"
                                                  : "saliency",
                       plan->saliency.samples);
        break;
    case EXPLAIN_GRADCAM:
        (void)snprintf(how, sizeof(how), "Grad-CAM at %s", mien_probe_layer(plan->probe, 0)->name);
        break;
    case EXPLAIN_OCCLUSION:
        (void)snprintf(how, sizeof(how), "occlusion by %dx%d", plan->occlusion.window,
                       plan->occlusion.window);
        break;
    case EXPLAIN_INTEGRATED: (void)snprintf(how, sizeof(how), "integrated gradients"); break;
    case EXPLAIN_METHODS: how[0] = '\0'; break;
    }
    (void)snprintf(out, bytes, "%s, %.60s", how, file);
}

static const float *row_of(const struct chunk *chunk, size_t image)
{
    return chunk->probabilities + image * (size_t)chunk->plan->model->class_count;
}

/* "sad 0.4 %, taken for happy 98.0 %". */
static void write_title(char *out, size_t bytes, const struct chunk *chunk, size_t image, int class)
{
    const struct mien_model_file *const model = chunk->plan->model;
    const float *const row = row_of(chunk, image);
    const int top = mien_metrics_top(row, model->class_count);
    int used =
        snprintf(out, bytes, "%.40s %.1f %%", model->classes[class], 100.0 * (double)row[class]);
    if (top != class) {
        (void)snprintf(out + used, bytes - (size_t)used, ", taken for %.40s %.1f %%",
                       model->classes[top], 100.0 * (double)row[top]);
    }
}

static enum mien_status write_picture(const char *path, const struct chunk *chunk, size_t image,
                                      int class, const float *map, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_canvas canvas = { .pixels = NULL };
    char title[160];
    char note[192];
    const struct mien_shape *const in = &chunk->input;
    struct mien_map_view view = {
        .pixels = chunk->pixels + image * (size_t)in->c * (size_t)in->h * (size_t)in->w,
        .channels = in->c,
        .h = in->h,
        .w = in->w,
        .map = map,
        .map_h = chunk->shape.h,
        .map_w = chunk->shape.w,
        .has_sign = has_sign[chunk->method],
    };
    const double beyond = clipped[chunk->method];
    const size_t count = (size_t)chunk->shape.h * (size_t)chunk->shape.w;
    write_title(title, sizeof(title), chunk, image, class);
    write_note(note, sizeof(note), chunk, image);
    TRY(mien_map_limit(&view.limit, map, count, beyond, err));
    TRY(mien_map_picture(&canvas, &view, title, note, beyond > 0.0, chunk->plan->size, err));
    TRY(mien_canvas_write(&canvas, path, err));

done:
    mien_canvas_finish(&canvas);
    return st;
}

/* What a map says in numbers. */
static json_t *describe_map(const struct chunk *chunk, size_t target, int class, const float *map)
{
    const size_t image = target / chunk->plan->class_count;
    const size_t count = (size_t)chunk->shape.h * (size_t)chunk->shape.w;
    double low = (double)map[0];
    double high = (double)map[0];
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, (double)map[i]);
        high = fmax(high, (double)map[i]);
        sum += (double)map[i];
    }
    json_t *object =
        json_pack("{s:o, s:o, s:s, s:[i, i], s:o, s:o}", "class",
                  mien_json_text(chunk->plan->model->classes[class]), "probability",
                  mien_json_real((double)row_of(chunk, image)[class]), "method",
                  explain_method_names[chunk->method], "size", chunk->shape.h, chunk->shape.w,
                  "minimum", mien_json_real(low), "maximum", mien_json_real(high));
    if (chunk->method == EXPLAIN_GRADCAM) {
        mien_json_set(&object, "layer", json_string(mien_probe_layer(chunk->plan->probe, 0)->name));
    }
    if (chunk->method == EXPLAIN_INTEGRATED) {
        mien_json_set(&object, "sum", mien_json_real(sum));
        mien_json_set(&object, "baseline_logit", mien_json_real((double)chunk->ends[2 * target]));
        mien_json_set(&object, "logit", mien_json_real((double)chunk->ends[2 * target + 1]));
    }
    return object;
}

/* "FOLDER/NAMEEND"; free() it. */
static char *path_for(const struct chunk *chunk, const char *name, const char *end,
                      struct mien_error *err)
{
    char whole[NAME_BYTES + 8];
    (void)snprintf(whole, sizeof(whole), "%s%s", name, end);
    return mien_path_join(chunk->plan->folder, whole, err);
}

static enum mien_status write_target(struct chunk *chunk, size_t target, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char name[NAME_BYTES];
    char *picture = NULL;
    char *raw = NULL;
    const size_t image = target / chunk->plan->class_count;
    const int class = chunk->classes[target];
    const size_t shape[2] = { (size_t)chunk->shape.h, (size_t)chunk->shape.w };
    const float *const map = chunk->maps + target * shape[0] * shape[1];
    TRY(name_file(name, chunk, image, class, err));
    picture = path_for(chunk, name, ".png", err);
    raw = path_for(chunk, name, ".npy", err);
    if (picture == NULL || raw == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    TRY(write_picture(picture, chunk, image, class, map, err));
    json_t *object = describe_map(chunk, target, class, map);
    mien_json_set(&object, "picture", mien_json_text(picture));
    if (chunk->plan->raw) {
        mien_json_set(&object, "raw", mien_json_text(raw));
    }
    if (json_array_append_new(chunk->lists[image], object) != 0) {
        st = mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the result");
        goto done;
    }
    if (chunk->plan->raw) {
        TRY(mien_npy_write(raw, map, shape, 2, err));
    }

done:
    free(picture);
    free(raw);
    return st;
}

/* A class that is named and predicted too has one map. */
static bool is_repeated(const struct chunk *chunk, size_t target)
{
    const size_t first = target / chunk->plan->class_count * chunk->plan->class_count;
    for (size_t i = first; i < target; i++) {
        if (chunk->classes[i] == chunk->classes[target]) {
            return true;
        }
    }
    return false;
}

static enum mien_status compute(struct chunk *chunk, struct mien_error *err)
{
    const struct explain_plan *const plan = chunk->plan;
    const struct mien_targets targets = { chunk->images, chunk->count, chunk->classes,
                                          plan->class_count };
    switch (chunk->method) {
    case EXPLAIN_SALIENCY:
        return mien_explain_saliency(chunk->maps, plan->probe, &targets, &plan->saliency, err);
    case EXPLAIN_GRADCAM: return mien_explain_gradcam(chunk->maps, plan->probe, &targets, 0, err);
    case EXPLAIN_OCCLUSION:
        return mien_explain_occlusion(chunk->maps, plan->probe, &targets, &plan->occlusion, err);
    case EXPLAIN_INTEGRATED:
        return mien_explain_integrated(chunk->maps, chunk->ends, plan->probe, &targets, plan->steps,
                                       err);
    case EXPLAIN_METHODS: break;
    }
    return MIEN_OK;
}

static enum mien_status run_method(struct chunk *chunk, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    const size_t targets = chunk->count * chunk->plan->class_count;
    chunk->shape = chunk->method == EXPLAIN_GRADCAM ? mien_probe_layer(chunk->plan->probe, 0)->out
                                                    : chunk->input;
    const size_t pixels = (size_t)chunk->shape.h * (size_t)chunk->shape.w;
    chunk->maps = mien_calloc(targets, pixels * sizeof(*chunk->maps), err);
    chunk->ends = mien_calloc(targets, 2 * sizeof(*chunk->ends), err);
    if (chunk->maps == NULL || chunk->ends == NULL) {
        goto done;
    }
    TRY(compute(chunk, err));
    for (size_t t = 0; t < targets; t++) {
        if (!is_repeated(chunk, t)) {
            TRY(write_target(chunk, t, err));
        }
    }

done:
    free(chunk->maps);
    free(chunk->ends);
    return st;
}

/* The chunk's images as the network takes them, what it says of them, and whom to ask about. */
static enum mien_status prepare(struct chunk *chunk, const uint8_t *pixels, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct explain_plan *const plan = chunk->plan;
    const struct mien_recipe *const recipe = plan->model->recipe;
    const size_t loaded = mien_recipe_image_bytes(recipe);
    const size_t seen = (size_t)chunk->input.c * (size_t)chunk->input.h * (size_t)chunk->input.w;
    const size_t classes = (size_t)plan->model->class_count;
    chunk->pixels = mien_calloc(chunk->count, seen, err);
    chunk->images = mien_calloc(chunk->count, seen * sizeof(*chunk->images), err);
    chunk->probabilities = mien_calloc(chunk->count, classes * sizeof(float), err);
    chunk->classes = mien_calloc(chunk->count, plan->class_count * sizeof(int32_t), err);
    chunk->lists = mien_calloc(chunk->count, sizeof(json_t *), err);
    if (chunk->pixels == NULL || chunk->images == NULL || chunk->probabilities == NULL ||
        chunk->classes == NULL || chunk->lists == NULL) {
        return MIEN_ERR_MEMORY;
    }
    mien_explain_normalize(chunk->images, pixels, chunk->count, recipe);
    TRY(mien_probe_logits(chunk->probabilities, plan->probe, chunk->images, chunk->count, err));
    for (size_t i = 0; i < chunk->count; i++) {
        float *const row = chunk->probabilities + i * classes;
        mien_probe_softmax(row, plan->model->class_count);
        mien_explain_middle(chunk->pixels + i * seen, pixels + i * loaded, recipe);
        for (size_t k = 0; k < plan->class_count; k++) {
            chunk->classes[i * plan->class_count + k] =
                plan->classes[k] >= 0 ? plan->classes[k]
                                      : mien_metrics_top(row, plan->model->class_count);
        }
    }

done:
    return st;
}

/* An object for each image, whose list of maps is filled as they come. */
static enum mien_status begin_results(json_t *results, struct chunk *chunk, struct mien_error *err)
{
    const struct mien_model_file *const model = chunk->plan->model;
    for (size_t i = 0; i < chunk->count; i++) {
        const float *const row = row_of(chunk, i);
        const int top = mien_metrics_top(row, model->class_count);
        json_t *all = json_array();
        for (int k = 0; k < model->class_count; k++) {
            mien_json_append(&all, mien_json_real((double)row[k]));
        }
        chunk->lists[i] = json_array();
        json_t *const object = json_pack(
            "{s:o, s:o, s:o, s:o, s:o}", "file", mien_json_text(chunk->paths[i]), "class",
            mien_json_text(model->classes[top]), "probability", mien_json_real((double)row[top]),
            "probabilities", all, "maps", chunk->lists[i]);
        if (json_array_append_new(results, object) != 0) {
            return mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the result");
        }
    }
    return MIEN_OK;
}

enum mien_status explain_images(json_t *results, struct explain_names *names,
                                const struct explain_plan *plan, const uint8_t *pixels,
                                const char *const *paths, size_t count, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct chunk chunk = {
        .plan = plan,
        .names = names,
        .paths = paths,
        .count = count,
        .input = mien_probe_network(plan->probe)->input,
    };
    TRY(prepare(&chunk, pixels, err));
    TRY(begin_results(results, &chunk, err));
    for (int m = 0; m < EXPLAIN_METHODS; m++) {
        chunk.method = (enum explain_method)m;
        if (plan->methods[m]) {
            TRY(run_method(&chunk, err));
        }
    }

done:
    free(chunk.pixels);
    free(chunk.images);
    free(chunk.probabilities);
    free(chunk.classes);
    free(chunk.lists);
    return st;
}
