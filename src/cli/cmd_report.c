/* cmd_report.c - `mien report`: a run or a model on one page */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/letters.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/report_parts.h"
#include "cli/text.h"
#include "train/class_map.h"

struct report_options {
    struct common_options common;
    const char *source, *data, *out, *exclude, *image;
    int split;                   /* enum mien_split, -1: not given */
    int views;                   /* index of session_view_choices */
    int samples, mistakes, blas; /* below 0: not given */
};

#define FIELD(name) offsetof(struct report_options, name)

static const struct opt report_table[] = {
    { "out", OPT_STRING, FIELD(out), "FILE",
      "the page, ending in .html; else report.html in the run's folder, or beside the model",
      .role = OPT_OUTPUT },
    { "split", OPT_CHOICE, FIELD(split), "SPLIT",
      "train, validation or test; else validation, or test, or train, whichever is there first",
      .choices = eval_split_choices },
    { "exclude", OPT_STRING, FIELD(exclude), "FILE", SESSION_EXCLUDE_HELP, .role = OPT_INPUT },
    { "views", OPT_CHOICE, FIELD(views), "N", SESSION_VIEWS_HELP, .choices = session_view_choices },
    { "samples", OPT_INT, FIELD(samples), "N", "images of each class to show [8]", .min = 0,
      .max = 64 },
    { "mistakes", OPT_INT, FIELD(mistakes), "N", "of the most confident mistakes to show [12]",
      .min = 0, .max = 256 },
    { "image", OPT_STRING, FIELD(image), "FILE",
      "PNG or JPEG whose feature maps to show; else one of the data", .role = OPT_INPUT },
    { "blas", OPT_CHOICE, FIELD(blas), "KIND", SESSION_BLAS_HELP " [auto]",
      .choices = session_blas_choices },
    { .name = NULL },
};

static const struct positional report_positionals[] = {
    { "RUN", FIELD(source), 1, 1, "run folder, model, or report.json to write the page of again",
      OPT_INPUT },
    { "DATA", FIELD(data), 0, 1,
      "folder of class folders, fer2013.csv, or a packed file; else the run's own", OPT_INPUT },
    { .name = NULL },
};

static const struct report_options report_defaults = {
    .common = { .seed = -1 }, .split = -1, .samples = -1, .mistakes = -1, .blas = -1
};

/* A report under way. */
struct work {
    const struct report_options *options;
    struct term *term;
    char *page, *json; /* where it goes */
    char *model_path;
    struct session_model model;
    struct session session;
    char *data, *exclude; /* where the images are; NULL: not known */
    double split;         /* as the run set images aside */
    struct mien_dataset *set;
    struct mien_class_map map;
    json_t *report;
};

/* "FOLDER/report.html", or the name of a file with another ending. */
static enum mien_status choose_page(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct report_options *const o = work->options;
    if (o->out != NULL) {
        if (!mien_has_ending(o->out, ".html")) {
            return mien_fail(err, MIEN_ERR_USAGE, "--out: '%s' does not end in .html", o->out);
        }
        work->page = mien_strdup(o->out, err);
    } else if (mien_path_is_folder(o->source)) {
        work->page = mien_path_join(o->source, "report.html", err);
    } else {
        const char *const slash = strrchr(o->source, '/');
        const char *const dot = strrchr(o->source, '.');
        const size_t stem = dot != NULL && dot > o->source && (slash == NULL || dot > slash + 1)
                                ? (size_t)(dot - o->source)
                                : strlen(o->source);
        work->page = mien_calloc(stem + sizeof(".html"), 1, err);
        if (work->page != NULL) {
            memcpy(work->page, o->source, stem);
            memcpy(work->page + stem, ".html", sizeof(".html"));
        }
    }
    if (work->page == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(report_json_path(&work->json, work->page, err));
    TRY(opt_check_path(OPT_OUTPUT, work->page, err));
    TRY(opt_check_path(OPT_OUTPUT, work->json, err));

done:
    return st;
}

/* The best weights of a run, else the last ones. */
static enum mien_status find_model(struct work *work, struct mien_error *err)
{
    const char *const source = work->options->source;
    if (!mien_path_is_folder(source)) {
        work->model_path = mien_strdup(source, err);
        return work->model_path != NULL ? MIEN_OK : MIEN_ERR_MEMORY;
    }
    static const char *const names[] = { "best.safetensors", "last.safetensors" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        free(work->model_path);
        work->model_path = mien_path_join(source, names[i], err);
        if (work->model_path == NULL) {
            return MIEN_ERR_MEMORY;
        }
        if (mien_path_is_file(work->model_path)) {
            return MIEN_OK;
        }
    }
    return mien_fail(err, MIEN_ERR_FORMAT,
                     "%s holds no run: it has neither best.safetensors nor last.safetensors",
                     source);
}

/* The data that is named, else the run's own where it is still there; none is no failure. */
static enum mien_status find_data(struct work *work, struct mien_error *err)
{
    const struct report_options *const o = work->options;
    const json_t *const run = json_object_get(work->report, "run");
    const json_t *const options = json_object_get(run, "options");
    if (o->data != NULL) {
        work->data = mien_strdup(o->data, err);
        work->exclude = o->exclude != NULL ? mien_strdup(o->exclude, err) : NULL;
        if (work->data == NULL || (o->exclude != NULL && work->exclude == NULL)) {
            return MIEN_ERR_MEMORY;
        }
    } else {
        work->data = text_of_key(json_object_get(run, "data"), "path");
        work->exclude =
            o->exclude != NULL ? mien_strdup(o->exclude, err) : text_of_key(options, "exclude");
    }
    const double split = json_number_value(json_object_get(options, "split"));
    work->split = split > 0.0 && split <= 0.9 ? split : 0.0;
    if (work->data != NULL && access(work->data, R_OK) != 0) {
        mien_log_line(&work->term->log,
                      "%s, the run's data, cannot be read: the report does without; give DATA",
                      work->data);
        free(work->data);
        work->data = NULL;
    }
    return MIEN_OK;
}

static enum mien_status load_data(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_model_file *const file = &work->model.file;
    struct mien_data_options options = mien_recipe_data_options(file->recipe);
    options.split = work->split;
    options.exclude = work->exclude;
    options.log = &work->term->log;
    TRY(mien_dataset_load(&work->set, work->data, &options, err));
    st = mien_class_map_create(&work->map, work->set, file->classes, file->class_count, err);
    st = st == MIEN_OK ? st : mien_wrap(err, st, "%s", work->data);

done:
    return st;
}

/* A run's numbers are about its own data. */
static void compare_data(const struct work *work)
{
    const json_t *const data = json_object_get(json_object_get(work->report, "evaluation"), "data");
    const char *const was = json_string_value(json_object_get(
        json_object_get(json_object_get(work->report, "run"), "data"), "fingerprint"));
    const char *const is = json_string_value(json_object_get(data, "fingerprint"));
    if (was != NULL && is != NULL && strcmp(was, is) != 0) {
        mien_log_line(&work->term->log, "%s is not the data that the run was trained on",
                      work->data);
    }
}

/* All that the data and the device are needed for. */
static enum mien_status add_answers(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct report_options *const o = work->options;
    struct report_answers answers = {
        .model = &work->model,
        .model_path = work->model_path,
        .session = &work->session,
        .blas = o->blas >= 0 ? (enum mien_blas)o->blas : MIEN_BLAS_AUTO,
        .data = work->data,
        .set = &work->map.set,
        .views = session_views(o->views),
        .samples = o->samples >= 0 ? o->samples : REPORT_SAMPLES,
        .mistakes = o->mistakes >= 0 ? o->mistakes : REPORT_MISTAKES,
        .image = o->image,
        .log = &work->term->log,
    };
    TRY(load_data(work, err));
    st = eval_choose_split(&answers.split, &work->map.set, o->split, work->term, err);
    if (st != MIEN_OK) {
        return mien_wrap(err, st, "%s", work->data);
    }
    TRY(session_open(&work->session, &o->common, false, work->term, err));
    TRY(session_tune(&work->session, NULL, work->term, err));
    TRY(report_add_answers(work->report, &answers, err));
    compare_data(work);

done:
    return st;
}

/* Options of an evaluation are nothing without one. */
static enum mien_status check_options(const struct report_options *o, bool evaluates,
                                      const char *why, struct mien_error *err)
{
    const struct {
        const char *name;
        bool given;
    } parts[] = {
        { "DATA", o->data != NULL },
        { "--split", o->split >= 0 },
        { "--exclude", o->exclude != NULL },
        { "--views", o->views > 0 },
        { "--image", o->image != NULL },
        { "--samples", o->samples >= 0 },
        { "--mistakes", o->mistakes >= 0 },
        { "--blas", o->blas >= 0 },
        { "--device", o->common.device != NULL },
    };
    for (size_t i = 0; !evaluates && i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].given) {
            return mien_fail(err, MIEN_ERR_USAGE, "%s: %s", parts[i].name, why);
        }
    }
    return MIEN_OK;
}

static enum mien_status collect(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct report_options *const o = work->options;
    const struct mien_model_file *const file = &work->model.file;
    TRY(find_model(work, err));
    TRY(session_model_read(&work->model, work->model_path, err));
    work->report = report_begin(file->recipe->name, work->term->command_line);
    if (work->report == NULL) {
        return mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the report");
    }
    if (mien_path_is_folder(o->source)) {
        TRY(report_add_run(work->report, o->source, err));
    }
    TRY(report_add_model(work->report, work->model_path, file, err));
    TRY(report_add_filters(work->report, file, err));
    TRY(find_data(work, err));
    TRY(check_options(o, work->data != NULL, "there is no data to evaluate on: give DATA", err));
    if (work->data != NULL) {
        TRY(add_answers(work, err));
    }

done:
    return st;
}

/* A report that was collected before. */
static enum mien_status read_report(struct work *work, struct mien_error *err)
{
    enum mien_status st =
        check_options(work->options, false, "a report.json has its results already", err);
    if (st != MIEN_OK) {
        return st;
    }
    const char *const path = work->options->source;
    free(work->json); /* it is what the page is written from */
    work->json = NULL;
    return mien_json_read(&work->report, path, REPORT_LARGEST_BYTES, err);
}

static enum mien_status print_result(const struct work *work, struct mien_error *err)
{
    const json_t *const evaluation = json_object_get(work->report, "evaluation");
    if (work->options->common.json) {
        json_t *object = json_pack("{s:o}", "page", mien_json_text(work->page));
        mien_json_set(&object, "report",
                      work->json != NULL ? mien_json_text(work->json)
                                         : mien_json_text(work->options->source));
        mien_json_set(&object, "accuracy",
                      json_is_object(evaluation)
                          ? json_incref(json_object_get(evaluation, "accuracy"))
                          : json_null());
        return term_json(work->term, object, err);
    }
    char path[TEXT_LINE_BYTES];
    term_print(work->term, "%s", text_cell(path, sizeof(path), work->page, 0));
    if (json_is_object(evaluation)) {
        term_print(work->term, "  accuracy %.2f %%",
                   100.0 * json_number_value(json_object_get(evaluation, "accuracy")));
    }
    term_print(work->term, "\n");
    return MIEN_OK;
}

static enum mien_status report(const void *options, struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct work work = { .options = options, .term = term };
    const char *const source = work.options->source;
    const bool collected = !mien_path_is_folder(source) && mien_has_ending(source, ".json");
    TRY(choose_page(&work, err));
    TRY(collected ? read_report(&work, err) : collect(&work, err));
    st = report_write(work.page, work.json, work.report, err);
    if (st == MIEN_ERR_FORMAT) {
        st = mien_wrap(err, st, "%s", source);
    }
    if (st == MIEN_OK) {
        st = print_result(&work, err);
    }

done:
    json_decref(work.report);
    mien_class_map_finish(&work.map);
    mien_dataset_destroy(work.set);
    session_model_finish(&work.model);
    session_close(&work.session);
    free(work.page);
    free(work.json);
    free(work.model_path);
    free(work.data);
    free(work.exclude);
    return st;
}

const struct command cmd_report = {
    .name = "report",
    .summary = "Show a run or a model on one page: curves, network, quality, mistakes",
    .details =
        "Writes an HTML file that needs nothing else, and what it shows as report.json beside\n"
        "it; 'mien report report.json' writes the page again, without data or device. The page\n"
        "has images of the data in it: mind who may see them.",
    .options = report_table,
    .positionals = report_positionals,
    .common = COMMON_DEVICE | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct report_options),
    .defaults = &report_defaults,
    .run = report,
};
