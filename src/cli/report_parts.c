/* report_parts.c - what a report says of a model and its run, and the files it becomes */
#include "cli/report_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "draw/canvas.h"
#include "nn/summary.h"
#include "report/report.h"
#include "train/history.h"
#include "train/run_files.h"

enum { MOST_FILTERS = 64 };

static enum mien_status no_memory(struct mien_error *err)
{
    return mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the report");
}

json_t *report_begin(const char *name, const char *command)
{
    json_t *report = json_pack("{s:s, s:s, s:o}", "format", MIEN_REPORT_FORMAT, "version",
                               MIEN_VERSION, "name", mien_json_text(name));
    if (command != NULL) {
        mien_json_set(&report, "command", mien_json_text(command));
    }
    return report;
}

enum mien_status report_add_model(json_t *report, const char *path,
                                  const struct mien_model_file *file, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *network = NULL;
    char *recipe = NULL;
    TRY(mien_summary_json(&network, file->network, err));
    TRY(mien_recipe_format(&recipe, file->recipe, err));
    if (json_object_set_new(report, "model",
                            json_pack("{s:o, s:o, s:O, s:o}", "file", mien_json_text(path),
                                      "classes", mien_json_texts(file->classes, file->class_count),
                                      "network", network, "recipe", mien_json_text(recipe))) != 0) {
        st = no_memory(err);
    }

done:
    json_decref(network);
    free(recipe);
    return st;
}

static json_t *describe_epoch(const struct mien_epoch *row)
{
    const double none = (double)NAN;
    return json_pack(
        "{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "epoch", row->epoch, "train_loss",
        mien_json_real(row->train_loss), "train_accuracy", mien_json_real(row->train_accuracy),
        "validation_loss", mien_json_real(row->validated ? row->validation_loss : none),
        "validation_accuracy", mien_json_real(row->validated ? row->validation_accuracy : none),
        "rate", mien_json_real(row->rate), "images_per_s", mien_json_real(row->images_per_s),
        "seconds", mien_json_real(row->seconds));
}

static enum mien_status add_history(json_t *report, const char *path, struct mien_error *err)
{
    struct mien_epoch *rows = NULL;
    size_t count = 0;
    enum mien_status st = mien_history_load(&rows, &count, path, err);
    if (st != MIEN_OK) {
        return st;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        mien_json_append(&list, describe_epoch(&rows[i]));
    }
    st = json_object_set_new(report, "history", list) == 0 ? MIEN_OK : no_memory(err);
    free(rows);
    return st;
}

enum mien_status report_add_info(json_t *report, const char *path, struct mien_error *err)
{
    json_t *info = NULL;
    const enum mien_status st = mien_json_read(&info, path, MIEN_RUN_INFO_LARGEST_BYTES, err);
    if (st != MIEN_OK) { /* the path is in the text */
        return st == MIEN_ERR_FORMAT ? mien_wrap(err, st, "not what mien wrote") : st;
    }
    if (!json_is_object(info)) {
        json_decref(info);
        return mien_fail(err, MIEN_ERR_FORMAT, "%s is not what mien wrote: no object", path);
    }
    return json_object_set_new(report, "run", info) == 0 ? MIEN_OK : no_memory(err);
}

enum mien_status report_add_run(json_t *report, const char *folder, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    char *const info = mien_path_join(folder, "run.json", err);
    char *const history = mien_path_join(folder, "history.csv", err);
    if (info == NULL || history == NULL) {
        goto done;
    }
    st = MIEN_OK;
    if (mien_path_is_file(info)) {
        TRY(report_add_info(report, info, err));
    }
    if (mien_path_is_file(history)) {
        TRY(add_history(report, history, err));
    }

done:
    free(info);
    free(history);
    return st;
}

json_t *report_picture(const uint8_t *pixels, int channels, int h, int w)
{
    unsigned char *data = NULL;
    size_t bytes = 0;
    char *text = NULL;
    if (mien_png_encode(&data, &bytes, pixels, channels, h, w, NULL) == MIEN_OK) {
        text = mien_base64(data, bytes, NULL);
    }
    json_t *const value = text != NULL ? json_string(text) : NULL;
    free(data);
    free(text);
    return value;
}

/* One filter: of three channels in their colours, else of its first channel blue to orange. */
static void draw_filter(struct mien_colour *out, const float *weights, const size_t *shape,
                        double limit)
{
    const size_t pixels = shape[2] * shape[3];
    for (size_t i = 0; i < pixels; i++) {
        if (shape[1] == 3) {
            uint8_t part[3];
            for (size_t c = 0; c < 3; c++) {
                part[c] = (uint8_t)lround(
                    127.5 + 127.5 * fmin(fmax((double)weights[c * pixels + i] / limit, -1.0), 1.0));
            }
            out[i] = (struct mien_colour){ part[0], part[1], part[2] };
        } else {
            out[i] = mien_colour_signed((double)weights[i] / limit);
        }
    }
}

static const struct mien_param *first_filters(const struct mien_network *network,
                                              const struct mien_layer **layer)
{
    for (size_t i = 0; i < network->layer_count; i++) {
        *layer = &network->layers[i];
        if ((*layer)->spec.kind == MIEN_LAYER_CONV && (*layer)->param_count > 0) {
            return &network->params[(*layer)->first_param];
        }
    }
    return NULL;
}

enum mien_status report_add_filters(json_t *report, const struct mien_model_file *file,
                                    struct mien_error *err)
{
    const struct mien_layer *layer = NULL;
    const struct mien_param *const param = first_filters(file->network, &layer);
    if (param == NULL) {
        return MIEN_OK;
    }
    const float *const weights = file->weights + param->offset;
    const size_t each = param->count / param->shape[0];
    const size_t shown = param->shape[0] < MOST_FILTERS ? param->shape[0] : MOST_FILTERS;
    double limit = 1e-30;
    for (size_t i = 0; i < param->count; i++) {
        limit = fmax(limit, fabs((double)weights[i])); /* passes NaN over */
    }
    struct mien_colour *const pixels =
        mien_calloc(param->shape[2] * param->shape[3], sizeof(*pixels), err);
    if (pixels == NULL) {
        return MIEN_ERR_MEMORY;
    }
    json_t *list = json_array();
    for (size_t k = 0; k < shown; k++) {
        draw_filter(pixels, weights + k * each, param->shape, limit);
        mien_json_append(&list, json_pack("{s:I, s:o}", "channel", (json_int_t)k, "png",
                                          report_picture(&pixels[0].r, 3, (int)param->shape[2],
                                                         (int)param->shape[3])));
    }
    free(pixels);
    const bool good =
        json_array_size(list) == shown &&
        json_object_set_new(report, "filters",
                            json_pack("{s:s, s:I, s:I, s:I, s:b, s:O}", "layer", layer->name,
                                      "count", (json_int_t)param->shape[0], "height",
                                      (json_int_t)param->shape[2], "width",
                                      (json_int_t)param->shape[3], "colour",
                                      (int)(param->shape[1] == 3), "pictures", list)) == 0;
    json_decref(list);
    return good ? MIEN_OK : no_memory(err);
}

enum mien_status report_write(const char *page, const char *json, const json_t *report,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *html = NULL;
    size_t bytes = 0;
    TRY(mien_report_page(&html, &bytes, report, err));
    TRY(json != NULL ? mien_json_write(json, report, JSON_REAL_PRECISION(9), err) : MIEN_OK);
    TRY(mien_file_replace(page, html, bytes, err));

done:
    free(html);
    return st;
}

enum mien_status report_json_path(char **out, const char *page, struct mien_error *err)
{
    static const char ending[] = ".html";
    const size_t stem = strlen(page) - strlen(ending);
    *out = mien_calloc(stem + sizeof(".json"), 1, err);
    if (*out == NULL) {
        return MIEN_ERR_MEMORY;
    }
    memcpy(*out, page, stem);
    memcpy(*out + stem, ".json", sizeof(".json"));
    return MIEN_OK;
}
