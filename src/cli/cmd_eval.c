/* cmd_eval.c - `mien eval`: how good a model is on a split of a data set */
#include <stdlib.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/text.h"
#include "train/class_map.h"
#include "train/evaluate.h"

struct eval_options {
    struct common_options common;
    const char *model, *data, *exclude;
    int split; /* enum mien_split, -1: not given */
    int batch; /* 0: the recipe's */
    int blas;  /* enum mien_blas */
};

#define FIELD(name) offsetof(struct eval_options, name)

static const char *const split_choices[] = { "train", "validation", "test", NULL };

static const struct opt eval_table[] = {
    { "split", OPT_CHOICE, FIELD(split), "SPLIT",
      "train, validation or test; else validation, or test, or train, whichever is there first",
      .choices = split_choices },
    { "exclude", OPT_STRING, FIELD(exclude), "FILE", SESSION_EXCLUDE_HELP, .role = OPT_INPUT },
    { "batch", OPT_INT, FIELD(batch), "N", "images at a time; else as many as in training",
      .min = 1, .max = 65536 },
    { "blas", OPT_CHOICE, FIELD(blas), "KIND", SESSION_BLAS_HELP, .choices = session_blas_choices },
    { .name = NULL },
};

static const struct positional eval_positionals[] = {
    { "MODEL", FIELD(model), 1, 1, "trained network, for example run/best.safetensors", OPT_INPUT },
    { "DATA", FIELD(data), 1, 1, "folder of class folders, fer2013.csv, or a packed file",
      OPT_INPUT },
    { .name = NULL },
};

static const struct eval_options eval_defaults = { .common = { .seed = -1 }, .split = -1 };

/* What one evaluation found. */
struct result {
    const char *model, *data;
    const struct session *session;
    const struct mien_model_file *file;
    enum mien_split split;
    struct mien_judgement judged;
};

static enum mien_status choose_split(enum mien_split *out, const struct mien_dataset *set,
                                     int wanted, struct term *term, struct mien_error *err)
{
    static const enum mien_split order[] = { MIEN_SPLIT_VALIDATION, MIEN_SPLIT_TEST,
                                             MIEN_SPLIT_TRAIN };
    if (wanted >= 0) {
        *out = (enum mien_split)wanted;
        if (set->splits[wanted].count == 0) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "no %s images; the data has %zu of train, %zu of validation and %zu "
                             "of test",
                             split_choices[wanted], set->splits[MIEN_SPLIT_TRAIN].count,
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

static json_t *describe_class(const char *name, const struct mien_class_metrics *c)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "class", text_json(name), "precision",
                     term_real(c->precision), "recall", term_real(c->recall), "f1",
                     term_real(c->f1), "support", (json_int_t)c->support);
}

static json_t *describe(const struct result *result)
{
    const struct mien_metrics *const m = &result->judged.metrics;
    json_t *const classes = json_array();
    json_t *const per_class = json_array();
    json_t *const confusion = json_array();
    for (int k = 0; k < m->classes; k++) {
        const char *const name = result->file->classes[k];
        json_t *const row = json_array();
        for (int j = 0; j < m->classes; j++) {
            const size_t at = (size_t)k * (size_t)m->classes + (size_t)j;
            (void)json_array_append_new(row, json_integer((json_int_t)m->confusion[at]));
        }
        (void)json_array_append_new(classes, text_json(name));
        (void)json_array_append_new(per_class, describe_class(name, &m->per_class[k]));
        (void)json_array_append_new(confusion, row);
    }
    json_t *const object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:s, s:o}", "accuracy",
        term_real(m->accuracy), "loss", term_real(result->judged.loss), "macro_f1",
        term_real(m->macro_f1), "top2", term_real(m->top2), "ece", term_real(m->ece), "classes",
        classes, "per_class", per_class, "confusion", confusion, "images", (json_int_t)m->images,
        "split", mien_split_name(result->split), "seconds", term_real(result->judged.seconds));
    if (object != NULL) {
        session_describe(result->session, object);
    }
    return object;
}

static void print_classes(struct term *term, const struct result *result, int width)
{
    const struct mien_metrics *const m = &result->judged.metrics;
    char cell[128];
    term_print(term, "%s  images  precision  recall     F1\n",
               text_cell(cell, sizeof(cell), "class", width));
    for (int k = 0; k < m->classes; k++) {
        const struct mien_class_metrics *const c = &m->per_class[k];
        term_print(term, "%s  %6zu  %9.3f  %6.3f  %5.3f\n",
                   text_cell(cell, sizeof(cell), result->file->classes[k], width), c->support,
                   c->precision, c->recall, c->f1);
    }
    term_print(term, "%s  %6s  %9.3f  %6.3f  %5.3f\n", text_cell(cell, sizeof(cell), "mean", width),
               "", m->macro_precision, m->macro_recall, m->macro_f1);
}

static void print_confusion(struct term *term, const struct result *result, int width)
{
    enum { MOST = 20, COLUMN = 8 };
    const struct mien_metrics *const m = &result->judged.metrics;
    char cell[128];
    if (m->classes > MOST) {
        term_print(term, "\nThe confusion matrix of %d classes is in the output of --json.\n",
                   m->classes);
        return;
    }
    term_print(term, "\nconfusion: a row is what images are, a column what they were taken for\n");
    term_print(term, "%s", text_cell(cell, sizeof(cell), "", width));
    for (int k = 0; k < m->classes; k++) {
        const char *const name = result->file->classes[k];
        const int columns = text_columns(name);
        term_print(term, "  %*s%s", columns < COLUMN ? COLUMN - columns : 0, "",
                   text_cell(cell, sizeof(cell), name, columns < COLUMN ? 0 : COLUMN));
    }
    term_print(term, "\n");
    for (int k = 0; k < m->classes; k++) {
        term_print(term, "%s", text_cell(cell, sizeof(cell), result->file->classes[k], width));
        for (int j = 0; j < m->classes; j++) {
            const size_t at = (size_t)k * (size_t)m->classes + (size_t)j;
            term_print(term, "  %*zu", COLUMN, m->confusion[at]);
        }
        term_print(term, "\n");
    }
}

static void print_summary(struct term *term, const struct result *result)
{
    enum { WIDEST = 24 };
    char rate[TEXT_RATE_BYTES];
    const struct mien_metrics *const m = &result->judged.metrics;
    int width = 5;
    for (int k = 0; k < m->classes; k++) {
        const int columns = text_columns(result->file->classes[k]);
        width = columns > width ? columns : width;
    }
    width = width < WIDEST ? width : WIDEST;
    term_print(term, "%s on the %s images of %s\n\n", result->model, mien_split_name(result->split),
               result->data);
    print_classes(term, result, width);
    print_confusion(term, result, width);
    const double right = m->accuracy * (double)m->images;
    term_print(term, "\naccuracy  %.2f %%  (%.0f of %zu)\n", 100 * m->accuracy, right, m->images);
    term_print(term, "top-2     %.2f %%  (right with the first or second guess)\n", 100 * m->top2);
    term_print(term, "macro F1  %.4f   (mean of the classes' F1)\n", m->macro_f1);
    term_print(term, "loss      %.4f\n", result->judged.loss);
    term_print(term, "ECE       %.4f   (how far confidence is from accuracy; 0 is best)\n", m->ece);
    term_print(term, "time      %.2f s, %s images/s\n", result->judged.seconds,
               text_rate(rate, (double)m->images / result->judged.seconds));
}

static enum mien_status load(struct mien_dataset **set, struct mien_class_map *map,
                             const struct eval_options *o, const struct mien_model_file *file,
                             struct term *term, struct mien_error *err)
{
    struct mien_data_options options = mien_recipe_data_options(file->recipe);
    options.exclude = o->exclude;
    options.log = &term->log;
    enum mien_status st = mien_dataset_load(set, o->data, &options, err);
    if (st != MIEN_OK) {
        return st;
    }
    if ((*set)->resized > 0) {
        mien_log_line(&term->log, "%zu images came in another size and were resized to %dx%d",
                      (*set)->resized, (*set)->height, (*set)->width);
    }
    st = mien_class_map_create(map, *set, file->classes, file->class_count, err);
    return st == MIEN_OK ? st : mien_wrap(err, st, "%s", o->data);
}

static int choose_batch(const struct eval_options *o, const struct mien_recipe *recipe,
                        size_t count)
{
    const int batch = o->batch > 0 ? o->batch : recipe->train.batch;
    return count < (size_t)batch ? (int)count : batch;
}

static enum mien_status eval(const void *options, struct term *term, struct mien_error *err)
{
    const struct eval_options *const o = options;
    struct session session = { .cl = NULL };
    struct session_model model = { .model = NULL };
    struct mien_dataset *set = NULL;
    struct mien_class_map map = { .labels = NULL };
    struct result result = { o->model,    o->data,          &session,
                             &model.file, MIEN_SPLIT_TRAIN, { .seconds = 0 } };
    enum mien_status st = MIEN_OK;
    TRY(session_model_read(&model, o->model, err));
    TRY(load(&set, &map, o, &model.file, term, err));
    st = choose_split(&result.split, &map.set, o->split, term, err);
    if (st != MIEN_OK) {
        st = mien_wrap(err, st, "%s", o->data);
        goto done;
    }
    TRY(session_open(&session, &o->common, false, term, err));
    TRY(session_tune(&session, NULL, term, err));
    TRY(session_model_place(&model, &session,
                            choose_batch(o, model.file.recipe, map.set.splits[result.split].count),
                            (enum mien_blas)o->blas, err));
    TRY(mien_judge(&result.judged, model.model, model.file.recipe, &map.set, result.split,
                   &term->log, err));
    if (o->common.json) {
        TRY(term_json(term, describe(&result), err));
    } else {
        print_summary(term, &result);
    }

done:
    mien_metrics_finish(&result.judged.metrics);
    mien_class_map_finish(&map);
    mien_dataset_destroy(set);
    session_model_finish(&model);
    session_close(&session);
    return st;
}

const struct command cmd_eval = {
    .name = "eval",
    .summary = "Measure how good a model is on a data set",
    .details = "The images are converted to what the model takes; classes go by their names, and\n"
               "the data may lack some. Precision is how many of the images taken for a class are\n"
               "of it, recall how many of its images were found, F1 their harmonic mean.",
    .options = eval_table,
    .positionals = eval_positionals,
    .common = COMMON_DEVICE | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct eval_options),
    .defaults = &eval_defaults,
    .run = eval,
};
