/* cmd_eval_result.c - what `mien eval` found, as text and as JSON */
#include <math.h>

#include "base/json.h"
#include "cli/cmd_eval.h"
#include "cli/text.h"

static json_t *describe_class(const char *name, const struct mien_class_metrics *c)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "class", mien_json_text(name), "precision",
                     mien_json_real(c->precision), "recall", mien_json_real(c->recall), "f1",
                     mien_json_real(c->f1), "support", (json_int_t)c->support);
}

/* Accuracy and confidence of each bin of the calibration error; null where it has no images. */
static json_t *describe_calibration(const struct mien_metrics *m)
{
    json_t *list = json_array();
    for (int b = 0; b < MIEN_ECE_BINS; b++) {
        const struct mien_calibration_bin *const bin = &m->bins[b];
        const double images = (double)bin->images;
        mien_json_append(
            &list,
            json_pack("{s:o, s:o, s:I, s:o, s:o}", "from",
                      mien_json_real((double)b / MIEN_ECE_BINS), "to",
                      mien_json_real((double)(b + 1) / MIEN_ECE_BINS), "images",
                      (json_int_t)bin->images, "confidence",
                      mien_json_real(bin->images > 0 ? bin->confidence / images : (double)NAN),
                      "accuracy",
                      mien_json_real(bin->images > 0 ? (double)bin->hits / images : (double)NAN)));
    }
    return list;
}

static json_t *describe_members(const struct eval_result *result)
{
    json_t *list = json_array();
    for (size_t i = 0; i < result->member_count; i++) {
        const struct eval_member *const member = &result->members[i];
        mien_json_append(&list, json_pack("{s:o, s:o, s:o}", "model", mien_json_text(member->model),
                                          "accuracy", mien_json_real(member->accuracy), "loss",
                                          mien_json_real(member->loss)));
    }
    return list;
}

json_t *eval_describe(const struct eval_result *result)
{
    const struct mien_metrics *const m = &result->judged.metrics;
    json_t *per_class = json_array();
    json_t *confusion = json_array();
    for (int k = 0; k < m->classes; k++) {
        json_t *row = json_array();
        for (int j = 0; j < m->classes; j++) {
            const size_t at = (size_t)k * (size_t)m->classes + (size_t)j;
            mien_json_append(&row, json_integer((json_int_t)m->confusion[at]));
        }
        mien_json_append(&per_class, describe_class(result->classes[k], &m->per_class[k]));
        mien_json_append(&confusion, row);
    }
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:s, s:i, s:o, s:o}", "accuracy",
        mien_json_real(m->accuracy), "loss", mien_json_real(result->judged.loss), "macro_f1",
        mien_json_real(m->macro_f1), "top2", mien_json_real(m->top2), "ece", mien_json_real(m->ece),
        "classes", mien_json_texts(result->classes, m->classes), "per_class", per_class,
        "confusion", confusion, "calibration", describe_calibration(m), "images",
        (json_int_t)m->images, "split", mien_split_name(result->split), "views", result->views,
        "models", describe_members(result), "seconds", mien_json_real(result->judged.seconds));
    session_describe(result->session, &object);
    return object;
}

static void print_classes(struct term *term, const struct eval_result *result, int width)
{
    const struct mien_metrics *const m = &result->judged.metrics;
    char cell[128];
    term_print(term, "%s  images  precision  recall     F1\n",
               text_cell(cell, sizeof(cell), "class", width));
    for (int k = 0; k < m->classes; k++) {
        const struct mien_class_metrics *const c = &m->per_class[k];
        term_print(term, "%s  %6zu  %9.3f  %6.3f  %5.3f\n",
                   text_cell(cell, sizeof(cell), result->classes[k], width), c->support,
                   c->precision, c->recall, c->f1);
    }
    term_print(term, "%s  %6s  %9.3f  %6.3f  %5.3f\n", text_cell(cell, sizeof(cell), "mean", width),
               "", m->macro_precision, m->macro_recall, m->macro_f1);
}

static void print_confusion(struct term *term, const struct eval_result *result, int width)
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
        const char *const name = result->classes[k];
        const int columns = text_columns(name);
        term_print(term, "  %*s%s", columns < COLUMN ? COLUMN - columns : 0, "",
                   text_cell(cell, sizeof(cell), name, columns < COLUMN ? 0 : COLUMN));
    }
    term_print(term, "\n");
    for (int k = 0; k < m->classes; k++) {
        term_print(term, "%s", text_cell(cell, sizeof(cell), result->classes[k], width));
        for (int j = 0; j < m->classes; j++) {
            const size_t at = (size_t)k * (size_t)m->classes + (size_t)j;
            term_print(term, "  %*zu", COLUMN, m->confusion[at]);
        }
        term_print(term, "\n");
    }
}

static void print_title(struct term *term, const struct eval_result *result)
{
    char path[TEXT_LINE_BYTES];
    if (result->member_count > 1) {
        term_print(term, "the mean of %zu models", result->member_count);
    } else {
        term_print(term, "%s", text_cell(path, sizeof(path), result->members[0].model, 0));
    }
    term_print(term, " on the %s images of %s", mien_split_name(result->split),
               text_cell(path, sizeof(path), result->data, 0));
    if (result->views > 1) {
        term_print(term, ", %d views each", result->views);
    }
    term_print(term, "\n\n");
}

void eval_print(struct term *term, const struct eval_result *result)
{
    enum { WIDEST = 24 };
    char rate[TEXT_RATE_BYTES];
    char path[TEXT_LINE_BYTES];
    const struct mien_metrics *const m = &result->judged.metrics;
    int width = 5;
    for (int k = 0; k < m->classes; k++) {
        const int columns = text_columns(result->classes[k]);
        width = columns > width ? columns : width;
    }
    width = width < WIDEST ? width : WIDEST;
    print_title(term, result);
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
    if (result->member_count > 1) {
        term_print(term, "\neach alone\n");
    }
    for (size_t i = 0; result->member_count > 1 && i < result->member_count; i++) {
        term_print(term, "  %5.2f %%  loss %.4f  %s\n", 100 * result->members[i].accuracy,
                   result->members[i].loss,
                   text_cell(path, sizeof(path), result->members[i].model, 0));
    }
}
