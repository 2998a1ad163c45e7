/* cmd_eval.c - `mien eval`: how good a model is on a split of a data set */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cli/cmd_eval.h"
#include "cli/commands.h"
#include "train/class_map.h"
#include "train/ensemble.h"
#include "train/views.h"

struct eval_options {
    struct common_options common;
    struct opt_strings models;
    const char *data, *exclude, *predictions;
    int split; /* enum mien_split, -1: not given */
    int batch; /* 0: the recipe's */
    int views; /* index of session_view_choices */
    int blas;  /* enum mien_blas */
};

#define FIELD(name) offsetof(struct eval_options, name)

const char *const eval_split_choices[] = { "train", "validation", "test", NULL };

static const struct opt eval_table[] = {
    { "split", OPT_CHOICE, FIELD(split), "SPLIT",
      "train, validation or test; else validation, or test, or train, whichever is there first",
      .choices = eval_split_choices },
    { "exclude", OPT_STRING, FIELD(exclude), "FILE", SESSION_EXCLUDE_HELP, .role = OPT_INPUT },
    { "views", OPT_CHOICE, FIELD(views), "N", SESSION_VIEWS_HELP, .choices = session_view_choices },
    { "batch", OPT_INT, FIELD(batch), "N", "images at a time; else as many as in training",
      .min = 1, .max = 65536 },
    { "blas", OPT_CHOICE, FIELD(blas), "KIND", SESSION_BLAS_HELP, .choices = session_blas_choices },
    { "predictions", OPT_STRING, FIELD(predictions), "FILE",
      "write what was found of each image to NAME.csv: its label and the classes' probabilities",
      .role = OPT_OUTPUT },
    { .name = NULL },
};

static const struct positional eval_positionals[] = {
    { "MODEL", FIELD(models), 1, OPT_MANY,
      "trained network, for example run/best.safetensors; of several the mean", OPT_INPUT },
    { "DATA", FIELD(data), 1, 1, "folder of class folders, fer2013.csv, or a packed file",
      OPT_INPUT },
    { .name = NULL },
};

static const struct eval_options eval_defaults = { .common = { .seed = -1 }, .split = -1 };

/* An evaluation under way: all models are read before the first is put on the device. */
struct work {
    const struct eval_options *options;
    struct term *term;
    struct session session;
    struct session_model *models;
    struct eval_member *members; /* as many */
    size_t count;
    struct mien_dataset *set;  /* as the model at hand takes it, */
    struct mien_class_map map; /* with its classes */
    int32_t *labels;           /* of the split, in the first model's classes */
    float *probabilities;      /* [images of the split][classes] */
    struct mien_ensemble mean;
    struct eval_result result;
};

enum mien_status eval_choose_split(enum mien_split *out, const struct mien_dataset *set, int wanted,
                                   struct term *term, struct mien_error *err)
{
    static const enum mien_split order[] = { MIEN_SPLIT_VALIDATION, MIEN_SPLIT_TEST,
                                             MIEN_SPLIT_TRAIN };
    if (wanted >= 0) {
        *out = (enum mien_split)wanted;
        if (set->splits[wanted].count == 0) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "no %s images; the data has %zu of train, %zu of validation and %zu "
                             "of test",
                             eval_split_choices[wanted], set->splits[MIEN_SPLIT_TRAIN].count,
                             set->splits[MIEN_SPLIT_VALIDATION].count,
                             set->splits[MIEN_SPLIT_TEST].count);
        }
        return MIEN_OK;
    }
    size_t i = 0;
    while (i < MIEN_SPLITS - 1 && set->splits[order[i]].count == 0) {
        i++;
    }
    *out = order[i];
    if (*out != MIEN_SPLIT_VALIDATION) {
        mien_log_line(&term->log, "the data has no validation images: evaluating the %s images",
                      *out == MIEN_SPLIT_TRAIN ? "training" : mien_split_name(*out));
    }
    return MIEN_OK;
}

static enum mien_status read_models(struct work *work, struct mien_error *err)
{
    const struct opt_strings *const named = &work->options->models;
    work->models = mien_calloc(named->count, sizeof(*work->models), err);
    work->members = mien_calloc(named->count, sizeof(*work->members), err);
    if (work->models == NULL || work->members == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < named->count; i++) {
        struct session_model *const model = &work->models[i];
        enum mien_status st = session_model_read(model, named->items[i], err);
        if (st != MIEN_OK) {
            return st;
        }
        work->count++;
        work->members[i].model = named->items[i];
        st = mien_views_check(work->result.views, model->file.recipe, err);
        if (st != MIEN_OK) {
            return mien_wrap(err, st, "%s", named->items[i]);
        }
    }
    return MIEN_OK;
}

static bool has_size(const struct mien_dataset *set, const struct mien_data_options *wanted)
{
    return set != NULL && set->channels == wanted->channels && set->height == wanted->height &&
           set->width == wanted->width;
}

/* The data as a model takes it: read again where that is another size than before. */
static enum mien_status load_for(struct work *work, const struct mien_model_file *file,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_data_options options = mien_recipe_data_options(file->recipe);
    options.exclude = work->options->exclude;
    options.log = &work->term->log;
    mien_class_map_finish(&work->map);
    if (!has_size(work->set, &options)) {
        mien_dataset_destroy(work->set);
        work->set = NULL;
        TRY(mien_dataset_load(&work->set, work->options->data, &options, err));
        if (work->set->resized > 0) {
            mien_log_line(&work->term->log,
                          "%zu images came in another size and were resized to %dx%d",
                          work->set->resized, work->set->height, work->set->width);
        }
    }
    st = mien_class_map_create(&work->map, work->set, file->classes, file->class_count, err);
    st = st == MIEN_OK ? st : mien_wrap(err, st, "%s", work->options->data);

done:
    return st;
}

/* The data as the first model takes it says what is evaluated; then the others must suit. */
static enum mien_status prepare(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct eval_options *const o = work->options;
    const struct mien_model_file *const first = &work->models[0].file;
    struct eval_result *const result = &work->result;
    TRY(load_for(work, first, err));
    st = eval_choose_split(&result->split, &work->map.set, o->split, work->term, err);
    if (st != MIEN_OK) {
        st = mien_wrap(err, st, "%s", o->data);
        goto done;
    }
    const size_t images = work->map.set.splits[result->split].count;
    work->labels = mien_calloc(images, sizeof(*work->labels), err);
    work->probabilities =
        mien_calloc(images, (size_t)first->class_count * sizeof(*work->probabilities), err);
    if (work->labels == NULL || work->probabilities == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    memcpy(work->labels, work->map.set.labels + work->map.set.splits[result->split].first,
           images * sizeof(*work->labels));
    TRY(mien_ensemble_init(&work->mean, first->classes, first->class_count, images, err));
    for (size_t i = 1; i < work->count; i++) {
        const struct mien_model_file *const file = &work->models[i].file;
        st = mien_ensemble_match(&work->mean, file->classes, file->class_count, err);
        if (st != MIEN_OK) {
            st = mien_wrap(err, st, "%s", work->members[i].model);
            goto done;
        }
    }
    result->data = o->data;
    result->session = &work->session;
    result->classes = first->classes;
    result->members = work->members;
    result->member_count = work->count;

done:
    return st;
}

static int choose_batch(const struct eval_options *o, const struct mien_recipe *recipe,
                        size_t count)
{
    const int batch = o->batch > 0 ? o->batch : recipe->train.batch;
    return count < (size_t)batch ? (int)count : batch;
}

/* One model on the device at a time: what it says of all images, and what that is worth. */
static enum mien_status run_member(struct work *work, size_t index, struct mien_judgement *judged,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct eval_options *const o = work->options;
    struct session_model *const model = &work->models[index];
    const struct mien_model_file *const file = &model->file;
    const struct mien_evaluation_options options = {
        .split = work->result.split,
        .views = work->result.views,
        .log = &work->term->log,
    };
    *judged = (struct mien_judgement){ .seconds = 0 };
    TRY(load_for(work, file, err));
    TRY(session_model_place(model, &work->session, choose_batch(o, file->recipe, work->mean.count),
                            (enum mien_blas)o->blas, err));
    TRY(mien_judge(judged, work->probabilities, model->model, file->recipe, &work->map.set,
                   &options, err));
    work->members[index].accuracy = judged->metrics.accuracy;
    work->members[index].loss = judged->loss;
    TRY(mien_ensemble_add(&work->mean, work->probabilities, file->classes, file->class_count, err));

done:
    session_model_unplace(model);
    return st;
}

/* One model is judged as it is, by its logits; of several the mean of the probabilities is. */
static enum mien_status run_all(struct work *work, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_judgement *const total = &work->result.judged;
    double seconds = 0.0;
    for (size_t i = 0; i < work->count; i++) {
        mien_metrics_finish(&total->metrics);
        st = run_member(work, i, total, err);
        if (st != MIEN_OK) {
            return work->count > 1 ? mien_wrap(err, st, "%s", work->members[i].model) : st;
        }
        seconds += total->seconds;
    }
    if (work->count > 1) {
        mien_metrics_finish(&total->metrics);
        mien_ensemble_mean(work->probabilities, &work->mean);
        TRY(mien_metrics_compute(&total->metrics, work->probabilities, work->labels,
                                 work->mean.count, work->mean.class_count, err));
        total->loss = mien_ensemble_loss(&work->mean, work->labels);
    }
    total->seconds = seconds;

done:
    return st;
}

static enum mien_status write_predictions(const struct work *work, struct mien_error *err)
{
    const struct eval_predictions found = {
        .set = &work->map.set,
        .first = work->map.set.splits[work->result.split].first,
        .count = work->mean.count,
        .classes = work->mean.classes,
        .class_count = work->mean.class_count,
        .labels = work->labels,
        .probabilities = work->probabilities,
    };
    return eval_write_predictions(work->options->predictions, &found, err);
}

static enum mien_status eval(const void *options, struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct eval_options *const o = options;
    struct work work = { .options = o, .term = term };
    work.result.views = session_views(o->views);
    TRY(read_models(&work, err));
    if (o->predictions != NULL) {
        const struct mien_model_file *const first = &work.models[0].file;
        TRY(eval_check_predictions(o->predictions, o->data, first->classes, first->class_count,
                                   err));
    }
    TRY(prepare(&work, err));
    TRY(session_open(&work.session, &o->common, false, term, err));
    TRY(session_tune(&work.session, NULL, term, err));
    TRY(run_all(&work, err));
    if (o->common.json) {
        TRY(term_json(term, eval_describe(&work.result), err));
    } else {
        eval_print(term, &work.result);
    }
    TRY(o->predictions != NULL ? write_predictions(&work, err) : MIEN_OK);

done:
    mien_metrics_finish(&work.result.judged.metrics);
    mien_ensemble_finish(&work.mean);
    mien_class_map_finish(&work.map);
    mien_dataset_destroy(work.set);
    for (size_t i = 0; i < work.count; i++) {
        session_model_finish(&work.models[i]);
    }
    free(work.models);
    free(work.members);
    free(work.labels);
    free(work.probabilities);
    session_close(&work.session);
    return st;
}

const struct command cmd_eval = {
    .name = "eval",
    .summary = "Measure how good a model, or the mean of several, is on a data set",
    .details =
        "The images are converted to what the model takes; classes go by their names, and\n"
        "the data may lack some. Precision is how many of the images taken for a class are\n"
        "of it, recall how many of its images were found, F1 their harmonic mean.\n\n"
        "Several models may differ in layers, input and order of the classes: what is judged\n"
        "is the mean of their probabilities.",
    .options = eval_table,
    .positionals = eval_positionals,
    .common = COMMON_DEVICE | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct eval_options),
    .defaults = &eval_defaults,
    .run = eval,
};
