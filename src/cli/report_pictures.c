/* report_pictures.c - images of a data set, and what a model makes of them, for a report */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/report_parts.h"
#include "data/image.h"
#include "explain/explain.h"
#include "explain/picture.h"
#include "train/metrics.h"

enum { OVERLAY = 96, COPIES = 16, MOST_LAYERS = 4, MOST_CHANNELS = 16, MOST_TAPS = 5 };

static enum mien_status no_memory(struct mien_error *err)
{
    return mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the report");
}

static size_t image_bytes(const struct mien_dataset *set)
{
    return (size_t)set->channels * (size_t)set->height * (size_t)set->width;
}

static json_t *name_of(const struct mien_dataset *set, size_t index)
{
    char number[MIEN_DATASET_NAME_BYTES];
    return mien_json_text(mien_dataset_name(number, set, index));
}

/* Images of one class, evenly from its first to its last. */
static json_t *sample_class(const struct report_answers *answers, enum mien_split split, int class)
{
    const struct mien_dataset *const set = answers->set;
    const size_t first = set->splits[split].first;
    const size_t end = first + set->splits[split].count;
    json_t *const list = json_array();
    size_t count = 0;
    for (size_t i = first; i < end; i++) {
        count += set->labels[i] == class ? 1 : 0;
    }
    const size_t most = (size_t)answers->samples;
    const size_t wanted = count < most ? count : most;
    size_t seen = 0;
    for (size_t i = first; i < end && json_array_size(list) < wanted; i++) {
        if (set->labels[i] != class) {
            continue;
        }
        if (seen == json_array_size(list) * count / wanted) {
            json_t *const picture = report_picture(set->images + i * image_bytes(set),
                                                   set->channels, set->height, set->width);
            if (json_array_append_new(
                    list, json_pack("{s:o, s:o}", "name", name_of(set, i), "png", picture)) != 0) {
                break;
            }
        }
        seen++;
    }
    const bool good = json_array_size(list) == wanted;
    json_t *const group = good ? json_pack("{s:o, s:I, s:O}", "class",
                                           mien_json_text(answers->model->file.classes[class]),
                                           "count", (json_int_t)count, "images", list)
                               : NULL;
    json_decref(list);
    return group;
}

enum mien_status report_add_samples(json_t *report, const struct report_answers *answers,
                                    struct mien_error *err)
{
    const bool trained = answers->set->splits[MIEN_SPLIT_TRAIN].count > 0;
    const enum mien_split split = trained ? MIEN_SPLIT_TRAIN : answers->split;
    json_t *const groups = json_array();
    enum mien_status st =
        json_object_set_new(report, "samples", groups) == 0 ? MIEN_OK : no_memory(err);
    for (int k = 0; st == MIEN_OK && answers->samples > 0 && k < answers->model->file.class_count;
         k++) {
        if (json_array_append_new(groups, sample_class(answers, split, k)) != 0) {
            st = no_memory(err);
        }
    }
    return st;
}

/* A model on the device, to be asked; what it sees of images is their middle. */
struct work {
    const struct report_answers *answers;
    struct mien_probe *probe;
    struct mien_shape input;
    size_t taps[MOST_TAPS];
    size_t tap_count;
    const struct mien_layer *gradcam; /* NULL: no layer has a map */
    size_t gradcam_tap;
    size_t layers[MOST_LAYERS]; /* taps of the layers whose maps are shown */
    size_t layer_count;
};

static const float *row_of(const struct report_answers *answers, size_t image)
{
    return answers->probabilities + image * (size_t)answers->model->file.class_count;
}

static int label_of(const struct report_answers *answers, size_t image)
{
    return answers->set->labels[answers->set->splits[answers->split].first + image];
}

static const uint8_t *pixels_of(const struct report_answers *answers, size_t image)
{
    const struct mien_dataset *const set = answers->set;
    return set->images + (set->splits[answers->split].first + image) * image_bytes(set);
}

static size_t tap_of(struct work *work, size_t layer)
{
    for (size_t i = 0; i < work->tap_count; i++) {
        if (work->taps[i] == layer) {
            return i;
        }
    }
    work->taps[work->tap_count] = layer;
    return work->tap_count++;
}

/* Where a convolution's output is best seen: behind batch norm and what cuts it off below zero. */
static size_t output_of(const struct mien_network *network, size_t conv)
{
    size_t i = conv + 1;
    while (i < network->layer_count && network->layers[i].spec.kind == MIEN_LAYER_BATCHNORM) {
        i++;
    }
    const enum mien_layer_kind kind =
        i < network->layer_count ? network->layers[i].spec.kind : MIEN_LAYER_FLATTEN;
    const bool active = mien_layer_is_activation(kind);
    return active ? i : conv;
}

/* The convolutions' outputs from the first to the last, not more than are looked at. */
static enum mien_status choose_taps(struct work *work, struct mien_error *err)
{
    const struct mien_network *const network = work->answers->model->file.network;
    size_t *const maps = mien_calloc(network->layer_count, sizeof(*maps), err);
    size_t count = 0;
    if (maps == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct mien_layer *const layer = &network->layers[i];
        if (layer->spec.kind == MIEN_LAYER_CONV && !layer->projects &&
            layer->out.h * layer->out.w > 1) {
            maps[count++] = output_of(network, i);
        }
    }
    const size_t shown = count < MOST_LAYERS ? count : MOST_LAYERS;
    for (size_t i = 0; i < shown; i++) {
        const size_t at = shown > 1 ? i * (count - 1) / (shown - 1) : 0;
        work->layers[work->layer_count++] = tap_of(work, maps[at]);
    }
    work->gradcam = mien_explain_default_layer(network);
    if (work->gradcam != NULL) {
        work->gradcam_tap = tap_of(work, (size_t)(work->gradcam - network->layers));
    }
    free(maps);
    return MIEN_OK;
}

/* The images of which the model was surest and wrong, the surest first. */
static size_t find_mistakes(size_t *out, const struct report_answers *answers)
{
    const size_t images = answers->set->splits[answers->split].count;
    const int classes = answers->model->file.class_count;
    size_t used = 0;
    for (size_t i = 0; i < images; i++) {
        const float *const row = row_of(answers, i);
        const int top = mien_metrics_top(row, classes);
        if (top == label_of(answers, i)) {
            continue;
        }
        size_t at = used;
        while (at > 0) {
            const float *const other = row_of(answers, out[at - 1]);
            if (!(row[top] > other[mien_metrics_top(other, classes)])) {
                break;
            }
            at--;
        }
        if (at < (size_t)answers->mistakes) {
            used = used < (size_t)answers->mistakes ? used + 1 : used;
            memmove(out + at + 1, out + at, (used - at - 1) * sizeof(*out));
            out[at] = i;
        }
    }
    return used;
}

/* A map over the image that it is about, in base64. */
static json_t *draw_overlay(const struct work *work, const uint8_t *pixels, const float *map)
{
    const struct mien_shape *const in = &work->input;
    const struct mien_shape *const out = &work->gradcam->out;
    struct mien_canvas canvas = { .pixels = NULL };
    struct mien_map_view view = {
        .pixels = pixels,
        .channels = in->c,
        .h = in->h,
        .w = in->w,
        .map = map,
        .map_h = out->h,
        .map_w = out->w,
    };
    const int longer = in->h > in->w ? in->h : in->w;
    const int size = longer > OVERLAY ? longer : OVERLAY;
    json_t *picture = NULL;
    if (mien_map_limit(&view.limit, map, (size_t)out->h * (size_t)out->w, 0.0, NULL) == MIEN_OK &&
        mien_map_panel(&canvas, &view, MIEN_PANEL_OVERLAY, size * in->w / longer,
                       size * in->h / longer, NULL) == MIEN_OK) {
        picture = report_picture(&canvas.pixels[0].r, 3, canvas.height, canvas.width);
    }
    mien_canvas_finish(&canvas);
    return picture;
}

static json_t *describe_mistake(const struct work *work, size_t image, const uint8_t *pixels,
                                const float *map)
{
    const struct report_answers *const answers = work->answers;
    const float *const row = row_of(answers, image);
    const int top = mien_metrics_top(row, answers->model->file.class_count);
    const int truth = label_of(answers, image);
    json_t *const object =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name",
                  name_of(answers->set, answers->set->splits[answers->split].first + image),
                  "truth", mien_json_text(answers->model->file.classes[truth]), "truth_probability",
                  mien_json_real((double)row[truth]), "predicted",
                  mien_json_text(answers->model->file.classes[top]), "probability",
                  mien_json_real((double)row[top]), "png",
                  report_picture(pixels, work->input.c, work->input.h, work->input.w));
    if (object != NULL && map != NULL &&
        json_object_set_new(object, "overlay", draw_overlay(work, pixels, map)) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static enum mien_status add_mistakes(json_t *report, struct work *work, const size_t *images,
                                     size_t count, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    const struct report_answers *const answers = work->answers;
    const struct mien_shape *const in = &work->input;
    const size_t floats = (size_t)in->c * (size_t)in->h * (size_t)in->w;
    const size_t map =
        work->gradcam != NULL ? (size_t)work->gradcam->out.h * (size_t)work->gradcam->out.w : 0;
    json_t *const list = json_array();
    uint8_t *const pixels = mien_calloc(count, floats, err);
    float *const inputs = mien_calloc(count, floats * sizeof(*inputs), err);
    float *const maps = mien_calloc(count, (map + 1) * sizeof(*maps), err);
    int32_t *const classes = mien_calloc(count, sizeof(*classes), err);
    if (pixels == NULL || inputs == NULL || maps == NULL || classes == NULL) {
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t *const loaded = pixels_of(answers, images[i]);
        mien_explain_middle(pixels + i * floats, loaded, answers->model->file.recipe);
        mien_explain_normalize(inputs + i * floats, loaded, 1, answers->model->file.recipe);
        classes[i] = mien_metrics_top(row_of(answers, images[i]), answers->model->file.class_count);
    }
    const struct mien_targets targets = { inputs, count, classes, 1 };
    if (work->gradcam != NULL && count > 0) {
        TRY(mien_explain_gradcam(maps, work->probe, &targets, work->gradcam_tap, err));
        if (json_object_set_new(report, "gradcam_layer", json_string(work->gradcam->name)) != 0) {
            st = no_memory(err);
            goto done;
        }
    }
    st = json_object_set(report, "mistakes", list) == 0 ? MIEN_OK : no_memory(err);
    for (size_t i = 0; st == MIEN_OK && i < count; i++) {
        if (json_array_append_new(list, describe_mistake(work, images[i], pixels + i * floats,
                                                         map > 0 ? maps + i * map : NULL)) != 0) {
            st = no_memory(err);
        }
    }

done:
    json_decref(list);
    free(pixels);
    free(inputs);
    free(maps);
    free(classes);
    return st;
}

/* The image whose maps are shown, and what the model says of it. */
struct subject {
    const float *input; /* [c][h][w] */
    float *probabilities;
    json_t *layers; /* filled on the way */
    const struct work *work;
    bool failed;
};

static void make_subject(void *user, const struct mien_probe_batch *batch)
{
    const struct subject *const subject = user;
    const struct mien_shape *const in = &subject->work->input;
    memcpy(batch->images, subject->input,
           (size_t)in->c * (size_t)in->h * (size_t)in->w * sizeof(*batch->images));
}

/* A channel, and how strongly it responds: the mean of its sizes. */
struct response {
    double strength;
    int channel;
};

static int compare_responses(const void *a, const void *b)
{
    const struct response *const x = a;
    const struct response *const y = b;
    return x->strength < y->strength ? 1 : x->strength > y->strength ? -1 : x->channel - y->channel;
}

/* The strongest channels of a layer's output, in colours up to its largest value. */
static json_t *draw_channels(const float *output, const struct mien_shape *shape)
{
    const size_t pixels = (size_t)shape->h * (size_t)shape->w;
    json_t *list = json_array();
    double limit = 1e-30;
    struct response *const order = mien_calloc((size_t)shape->c, sizeof(*order), NULL);
    struct mien_colour *const colours = mien_calloc(pixels, sizeof(*colours), NULL);
    if (order == NULL || colours == NULL || list == NULL) {
        json_decref(list);
        list = NULL;
        goto done;
    }
    for (int c = 0; c < shape->c; c++) {
        order[c].channel = c;
        for (size_t i = 0; i < pixels; i++) {
            const double value = (double)output[(size_t)c * pixels + i];
            order[c].strength += fabs(value);
            limit = fmax(limit, value);
        }
    }
    qsort(order, (size_t)shape->c, sizeof(*order), compare_responses);
    for (int k = 0; k < shape->c && k < MOST_CHANNELS; k++) {
        const float *const channel = output + (size_t)order[k].channel * pixels;
        for (size_t i = 0; i < pixels; i++) {
            colours[i] = mien_colour_heat((double)channel[i] / limit);
        }
        mien_json_append(&list, json_pack("{s:i, s:o}", "channel", order[k].channel, "png",
                                          report_picture(&colours[0].r, 3, shape->h, shape->w)));
    }

done:
    free(order);
    free(colours);
    return list;
}

static void take_subject(void *user, const struct mien_probe_batch *batch)
{
    struct subject *const subject = user;
    const struct work *const work = subject->work;
    const int classes = work->answers->model->file.class_count;
    memcpy(subject->probabilities, batch->logits, (size_t)classes * sizeof(float));
    mien_probe_softmax(subject->probabilities, classes);
    for (size_t i = 0; i < work->layer_count; i++) {
        const struct mien_layer *const layer = mien_probe_layer(work->probe, work->layers[i]);
        const struct mien_shape *const shape = &layer->out;
        if (json_array_append_new(
                subject->layers,
                json_pack("{s:s, s:i, s:i, s:i, s:o}", "layer", layer->name, "channels", shape->c,
                          "height", shape->h, "width", shape->w, "pictures",
                          draw_channels(batch->outputs[work->layers[i]], shape))) != 0) {
            subject->failed = true;
        }
    }
}

/* The image that the model was surest of and right, or the first. */
static size_t choose_image(const struct report_answers *answers)
{
    const int classes = answers->model->file.class_count;
    size_t best = 0;
    float most = 0.0f;
    for (size_t i = 0; i < answers->set->splits[answers->split].count; i++) {
        const float *const row = row_of(answers, i);
        const int top = mien_metrics_top(row, classes);
        if (top == label_of(answers, i) && row[top] > most) {
            most = row[top];
            best = i;
        }
    }
    return best;
}

/* Pixels as they are loaded, of the file that was named or of an image of the split. */
static enum mien_status load_image(uint8_t *pixels, json_t **name,
                                   const struct report_answers *answers, struct mien_error *err)
{
    const struct mien_dataset *const set = answers->set;
    if (answers->image == NULL) {
        const size_t image = choose_image(answers);
        memcpy(pixels, pixels_of(answers, image), image_bytes(set));
        *name = name_of(set, set->splits[answers->split].first + image);
        return *name != NULL ? MIEN_OK : no_memory(err);
    }
    enum mien_status st = MIEN_OK;
    struct mien_bitmap bitmap = { .pixels = NULL };
    TRY(mien_bitmap_read(&bitmap, answers->image, err));
    TRY(mien_bitmap_fit(pixels, &bitmap, set->channels, set->height, set->width, err));
    *name = mien_json_text(answers->image);
    st = *name != NULL ? MIEN_OK : no_memory(err);

done:
    mien_bitmap_finish(&bitmap);
    return st;
}

static enum mien_status add_maps(json_t *report, struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    const struct report_answers *const answers = work->answers;
    const struct mien_model_file *const file = &answers->model->file;
    const struct mien_shape *const in = &work->input;
    const size_t floats = (size_t)in->c * (size_t)in->h * (size_t)in->w;
    json_t *name = NULL;
    uint8_t *const pixels = mien_calloc(image_bytes(answers->set), 1, err);
    uint8_t *const seen = mien_calloc(floats, 1, err);
    float *const input = mien_calloc(floats, sizeof(*input), err);
    struct subject subject = {
        .input = input,
        .probabilities = mien_calloc((size_t)file->class_count, sizeof(float), err),
        .layers = json_array(),
        .work = work,
    };
    const struct mien_probe_job job = {
        .count = 1, .taps = true, .make = make_subject, .take = take_subject, .user = &subject
    };
    if (pixels == NULL || seen == NULL || input == NULL || subject.probabilities == NULL) {
        goto done;
    }
    TRY(load_image(pixels, &name, answers, err));
    mien_explain_middle(seen, pixels, file->recipe);
    mien_explain_normalize(input, pixels, 1, file->recipe);
    TRY(mien_probe_run(work->probe, &job, err));
    const int top = mien_metrics_top(subject.probabilities, file->class_count);
    json_t *const maps = json_pack(
        "{s:O, s:o, s:o, s:o, s:O}", "name", name, "predicted", mien_json_text(file->classes[top]),
        "probability", mien_json_real((double)subject.probabilities[top]), "png",
        report_picture(seen, in->c, in->h, in->w), "layers", subject.layers);
    if (subject.failed || json_object_set_new(report, "maps", maps) != 0) {
        st = no_memory(err);
    }

done:
    json_decref(name);
    json_decref(subject.layers);
    free(subject.probabilities);
    free(pixels);
    free(seen);
    free(input);
    return st;
}

enum mien_status report_add_pictures(json_t *report, const struct report_answers *answers,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct work work = { .answers = answers, .input = answers->model->file.network->input };
    size_t *const mistakes = mien_calloc((size_t)answers->mistakes + 1, sizeof(*mistakes), err);
    if (mistakes == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(choose_taps(&work, err));
    const struct mien_probe_options options = {
        .batch = COPIES,
        .blas = answers->blas,
        .tuning = &answers->session->tuning,
        .taps = work.taps,
        .tap_count = work.tap_count,
    };
    TRY(mien_probe_create(&work.probe, answers->session->cl, answers->model->file.network,
                          answers->model->file.weights, &options, err));
    TRY(add_mistakes(report, &work, mistakes, find_mistakes(mistakes, answers), err));
    if (work.layer_count > 0) {
        TRY(add_maps(report, &work, err));
    }

done:
    mien_probe_destroy(work.probe);
    free(mistakes);
    return st;
}
