/* cmd_predict.c - `mien predict`: class probabilities of images */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/images.h"
#include "cli/model_line.h"
#include "cli/session.h"
#include "cli/text.h"
#include "train/ensemble.h"
#include "train/metrics.h"
#include "train/predict.h"
#include "train/views.h"

enum { BATCH = 150 };

struct predict_options {
    struct common_options common;
    const char *model;
    struct opt_strings images, others;
    int top;   /* 0: not given */
    int views; /* index of session_view_choices */
    int blas;  /* enum mien_blas */
};

#define FIELD(name) offsetof(struct predict_options, name)

static const struct opt predict_table[] = {
    { "top", OPT_INT, FIELD(top), "K",
      "print the K most probable classes; else all for one image, one for many", .min = 1,
      .max = 65536 },
    { "views", OPT_CHOICE, FIELD(views), "N", SESSION_VIEWS_HELP, .choices = session_view_choices },
    { "model", OPT_STRINGS, FIELD(others), "FILE",
      "average with what this model says too; may come again", .role = OPT_INPUT },
    { "blas", OPT_CHOICE, FIELD(blas), "KIND", SESSION_BLAS_HELP, .choices = session_blas_choices },
    { .name = NULL },
};

static const struct positional predict_positionals[] = {
    /* Looked at by model_line_read() and one by one: a missing image does not keep the others from
     * being predicted. */
    { "MODEL", FIELD(model), 0, 1, MODEL_LINE_MODEL_HELP, OPT_ANY },
    { "IMAGE", FIELD(images), 1, OPT_MANY, MODEL_LINE_IMAGE_HELP, OPT_ANY },
    { .name = NULL },
};

static const struct predict_options predict_defaults = { .common = { .seed = -1 } };

/* A run over all images, a batch at a time. */
struct work {
    const struct predict_options *options;
    struct term *term;
    struct model_line line;
    struct session_model *models; /* MODEL, then those of --model */
    size_t model_count;
    const struct mien_model_file *first; /* of models: whose classes are told */
    struct images images;
    int width; /* columns of the longest path */
    json_t *predictions;

    /* The batch at hand. */
    uint8_t *pixels; /* [BATCH][h][w][c], with room for the largest */
    size_t indices[BATCH];
    float *probabilities; /* [BATCH][classes] */
    struct mien_ensemble mean;
};

static void measure_paths(struct work *work)
{
    for (size_t i = 0; i < work->images.paths.count; i++) {
        const int columns = text_columns(work->images.paths.items[i]);
        work->width = columns > work->width ? columns : work->width;
    }
}

/* Indices of classes, the most probable first. */
struct ranked {
    float probability;
    int index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *const x = a;
    const struct ranked *const y = b;
    if (x->probability != y->probability) {
        return x->probability < y->probability ? 1 : -1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

static void rank(struct ranked *out, const float *probabilities, int classes)
{
    for (int k = 0; k < classes; k++) {
        out[k] = (struct ranked){ probabilities[k], k };
    }
    qsort(out, (size_t)classes, sizeof(*out), compare_ranked);
}

static void print_table(struct work *work, const char *file, const struct ranked *ranked, int top)
{
    enum { WIDEST = 32, BAR = 30 };
    char *const *const classes = work->first->classes;
    char cell[8 * WIDEST];
    char bar[4 * BAR];
    char path[4096];
    int width = 0;
    for (int i = 0; i < top; i++) {
        const int columns = text_columns(classes[ranked[i].index]);
        width = columns > width ? columns : width;
    }
    width = width < WIDEST ? width : WIDEST;
    term_print(work->term, "%s\n", text_cell(path, sizeof(path), file, 0));
    for (int i = 0; i < top; i++) {
        const double p = (double)ranked[i].probability;
        text_bar(bar, sizeof(bar), p, BAR, work->term->blocks);
        term_print(work->term, "  %s  %5.1f %%%s%s\n",
                   text_cell(cell, sizeof(cell), classes[ranked[i].index], width), 100 * p,
                   bar[0] != '\0' ? "  " : "", bar);
    }
}

static void print_line(struct work *work, const char *file, const struct ranked *ranked, int top)
{
    enum { WIDEST = 32 };
    char *const *const classes = work->first->classes;
    char cell[8 * WIDEST];
    char path[4096];
    int width = 0;
    for (int k = 0; k < work->first->class_count; k++) {
        const int columns = text_columns(classes[k]);
        width = columns > width ? columns : width;
    }
    width = width < WIDEST ? width : WIDEST;
    term_print(work->term, "%s", text_cell(path, sizeof(path), file, work->width));
    for (int i = 0; i < top; i++) {
        term_print(work->term, "  %s  %5.1f %%",
                   text_cell(cell, sizeof(cell), classes[ranked[i].index], width),
                   100 * (double)ranked[i].probability);
    }
    term_print(work->term, "\n");
}

static enum mien_status print_one(struct work *work, const char *file, const float *probabilities,
                                  struct mien_error *err)
{
    const int classes = work->first->class_count;
    const bool alone = work->images.paths.count == 1;
    const int wanted = work->options->top > 0 ? work->options->top : alone ? classes : 1;
    const int top = wanted < classes ? wanted : classes;
    struct ranked *const ranked = mien_calloc((size_t)classes, sizeof(*ranked), err);
    if (ranked == NULL) {
        return MIEN_ERR_MEMORY;
    }
    rank(ranked, probabilities, classes);
    if (alone) {
        print_table(work, file, ranked, top);
    } else {
        print_line(work, file, ranked, top);
    }
    free(ranked);
    return MIEN_OK;
}

static enum mien_status keep_one(struct work *work, const char *file, const float *probabilities,
                                 struct mien_error *err)
{
    const struct mien_model_file *const model = work->first;
    const int top = mien_metrics_top(probabilities, model->class_count);
    json_t *list = json_array();
    for (int k = 0; k < model->class_count; k++) {
        mien_json_append(&list, mien_json_real((double)probabilities[k]));
    }
    json_t *const item =
        json_pack("{s:o, s:o, s:o, s:o}", "file", mien_json_text(file), "class",
                  mien_json_text(model->classes[top]), "probability",
                  mien_json_real((double)probabilities[top]), "probabilities", list);
    return json_array_append_new(work->predictions, item) == 0
               ? MIEN_OK
               : mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the JSON result");
}

/* What one model says of those of the images first .. first + n - 1 that can be read. */
static enum mien_status run_model(struct work *work, const struct session_model *model,
                                  size_t *good, size_t first, size_t n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_recipe *const recipe = model->file.recipe;
    TRY(images_decode(work->pixels, work->indices, good, &work->images, first, n, recipe, err));
    if (work->mean.members == 0) {
        mien_ensemble_clear(&work->mean, *good);
    }
    TRY(mien_predict_pixels(work->probabilities, model->model, recipe, work->pixels, *good,
                            session_views(work->options->views), err));
    TRY(mien_ensemble_add(&work->mean, work->probabilities, model->file.classes,
                          model->file.class_count, err));

done:
    return st;
}

static const char *model_path(const struct work *work, size_t index)
{
    return index == 0 ? work->line.model : work->options->others.items[index - 1];
}

static enum mien_status run_batch(struct work *work, size_t first, size_t n, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    size_t good = 0;
    work->mean.members = 0;
    for (size_t i = 0; i < work->model_count; i++) {
        st = run_model(work, &work->models[i], &good, first, n, err);
        if (st != MIEN_OK) {
            return mien_wrap(err, st, "%s", model_path(work, i));
        }
    }
    mien_ensemble_mean(work->probabilities, &work->mean);
    for (size_t i = 0; i < good; i++) {
        const char *const file = work->images.paths.items[work->indices[i]];
        const float *const probabilities =
            work->probabilities + i * (size_t)work->first->class_count;
        TRY(work->options->common.json ? keep_one(work, file, probabilities, err)
                                       : print_one(work, file, probabilities, err));
    }

done:
    return st;
}

static enum mien_status run_all(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_model_file *const first = work->first;
    const size_t batch = (size_t)mien_model_batch(work->models[0].model);
    const size_t count = work->images.paths.count;
    size_t most = 0;
    for (size_t i = 0; i < work->model_count; i++) {
        const size_t bytes = mien_recipe_image_bytes(work->models[i].file.recipe);
        most = bytes > most ? bytes : most;
    }
    work->pixels = mien_calloc(batch, most, err);
    work->probabilities = mien_calloc(batch, (size_t)first->class_count * sizeof(float), err);
    if (work->pixels == NULL || work->probabilities == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t at = 0; at < count; at += batch) {
        const size_t n = count - at < batch ? count - at : batch;
        TRY(run_batch(work, at, n, err));
        if (count > batch) {
            mien_log_progress(&work->term->log, "predicting", at + n, count);
        }
    }

done:
    return st;
}

/* All models, before an image is looked at; they must tell the same classes apart. */
static enum mien_status read_models(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct predict_options *const o = work->options;
    const size_t count = 1 + o->others.count;
    work->models = mien_calloc(count, sizeof(*work->models), err);
    if (work->models == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const struct mien_model_file *const file = &work->models[i].file;
        TRY(session_model_read(&work->models[i], model_path(work, i), err));
        work->model_count++;
        if (i == 0) {
            work->first = file;
            TRY(mien_ensemble_init(&work->mean, file->classes, file->class_count, BATCH, err));
        }
        st = mien_views_check(session_views(o->views), file->recipe, err);
        st = st == MIEN_OK ? mien_ensemble_match(&work->mean, file->classes, file->class_count, err)
                           : st;
        if (st != MIEN_OK) {
            return mien_wrap(err, st, "%s", model_path(work, i));
        }
    }

done:
    return st;
}

static enum mien_status place_models(struct work *work, const struct session *session,
                                     struct mien_error *err)
{
    const size_t count = work->images.paths.count;
    for (size_t i = 0; i < work->model_count; i++) {
        const enum mien_status st =
            session_model_place(&work->models[i], session, count < BATCH ? (int)count : BATCH,
                                (enum mien_blas)work->options->blas, err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    return MIEN_OK;
}

static json_t *describe(struct work *work, const struct session *session)
{
    json_t *object = json_pack("{s:o, s:O, s:O}", "classes",
                               mien_json_texts(work->first->classes, work->first->class_count),
                               "predictions", work->predictions, "failed", work->images.failed);
    if (session->cl != NULL) {
        session_describe(session, &object);
    }
    return object;
}

static enum mien_status predict(const void *options, struct term *term, struct mien_error *err)
{
    struct session session = { .cl = NULL };
    enum mien_status st = MIEN_OK;
    struct work *const work = mien_calloc(1, sizeof(*work), err);
    if (work == NULL) {
        return MIEN_ERR_MEMORY;
    }
    work->options = options;
    work->term = term;
    work->predictions = json_array();
    TRY(model_line_read(&work->line, work->options->model, &work->options->images, term, err));
    TRY(read_models(work, err));
    TRY(images_init(&work->images, &work->line.images, term, err));
    measure_paths(work);
    if (work->images.paths.count > 0) {
        TRY(session_open(&session, &work->options->common, false, term, err));
        TRY(session_tune(&session, NULL, term, err));
        TRY(place_models(work, &session, err));
        TRY(run_all(work, err));
    }
    if (work->options->common.json) {
        TRY(term_json(term, describe(work, &session), err));
    }
    TRY(images_judge(&work->images, "predicted", err));

done:
    json_decref(work->predictions);
    free(work->pixels);
    free(work->probabilities);
    images_finish(&work->images);
    model_line_finish(&work->line);
    mien_ensemble_finish(&work->mean);
    for (size_t i = 0; i < work->model_count; i++) {
        session_model_finish(&work->models[i]);
    }
    free(work->models);
    session_close(&session);
    free(work);
    return st;
}

const struct command cmd_predict = {
    .name = "predict",
    .summary = "Tell the classes of images, with probabilities",
    .details = "Images may be of any size, gray or RGB, PNG or JPEG; they are converted to what\n"
               "the model takes, whole: cut a face out first. One that cannot be read is\n"
               "named, the others are predicted, and the exit code is 4.\n\n"
               "Without MODEL the one that ships tells seven facial expressions apart.",
    .options = predict_table,
    .positionals = predict_positionals,
    .common = COMMON_DEVICE | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct predict_options),
    .defaults = &predict_defaults,
    .run = predict,
};
