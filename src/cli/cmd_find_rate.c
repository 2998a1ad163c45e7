/* cmd_find_rate.c - `mien find-rate`: a learning-rate range test, its curve and what it suggests */
#include <math.h>

#include "base/error.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/stop.h"
#include "cli/training.h"
#include "train/rate_test.h"

struct find_rate_options {
    struct common_options common;
    struct training_options training;
    const char *out, *init;
    double from, to;
    int steps;
};

#define FIELD(name) offsetof(struct find_rate_options, name)

static const struct opt find_rate_table[] = {
    TRAINING_RECIPE_OPTION(FIELD(training)),
    { "out", OPT_STRING, FIELD(out), "FILE", "picture of the curve to write, NAME.png",
      .role = OPT_OUTPUT, .required = true },
    { "from", OPT_DOUBLE, FIELD(from), "RATE", "rate of the first step", .min = 1e-12,
      .max = 1000 },
    { "to", OPT_DOUBLE, FIELD(to), "RATE", "rate of the last step, if the loss lasts so long",
      .min = 1e-12, .max = 1000 },
    { "steps", OPT_INT, FIELD(steps), "N", "steps from one to the other", .min = 30,
      .max = 100000 },
    { "init", OPT_STRING, FIELD(init), "FILE",
      "start from these weights (safetensors, with PyTorch's names and shapes)",
      .role = OPT_INPUT },
    TRAINING_SET_OPTION(FIELD(training)),
    TRAINING_DATA_OPTIONS(FIELD(training)),
    TRAINING_KERNEL_OPTIONS(FIELD(training)),
    { .name = NULL },
};

static const struct positional find_rate_positionals[] = {
    TRAINING_DATA_POSITIONAL(FIELD(training)),
    { .name = NULL },
};

static const struct find_rate_options find_rate_defaults = {
    .common = { .seed = -1 },
    .from = 1e-5,
    .to = 10,
    .steps = 200,
};

/* The progress line's own. */
struct watch {
    struct term *term;
    size_t steps;
};

static void show_progress(void *user, size_t done, const struct mien_rate_point *point)
{
    const struct watch *const watch = user;
    char extra[64];
    (void)snprintf(extra, sizeof(extra), "rate %.2g loss %.4f", point->rate, point->smooth);
    term_progress(watch->term, "range test", done, watch->steps, extra);
}

/* A curve needs two points. */
static enum mien_status check_curve(const struct mien_rate_curve *curve,
                                    const struct find_rate_options *o, struct mien_error *err)
{
    return curve->count >= 2
               ? MIEN_OK
               : mien_fail(err, MIEN_ERR_NOT_FINITE,
                           "the loss is not finite in the first steps, from a rate of %g on: try a "
                           "smaller --from",
                           o->from);
}

static json_t *describe_points(const struct mien_rate_curve *curve)
{
    json_t *points = json_array();
    for (size_t i = 0; i < curve->count; i++) {
        const struct mien_rate_point *const point = &curve->points[i];
        mien_json_append(&points, json_pack("{s:o, s:o, s:o}", "rate", mien_json_real(point->rate),
                                            "loss", mien_json_real(point->loss), "smoothed",
                                            mien_json_real(point->smooth)));
    }
    return points;
}

/* A rate, or null where there is none. */
static json_t *real_or_null(double rate)
{
    return rate > 0.0 ? mien_json_real(rate) : json_null();
}

static enum mien_status print_json(const struct find_rate_options *o,
                                   const struct training *training,
                                   const struct mien_rate_curve *curve, struct term *term,
                                   struct mien_error *err)
{
    json_t *object = json_pack(
        "{s:o, s:s, s:i, s:o, s:o, s:o, s:b, s:o, s:o}", "curve", mien_json_text(o->out),
        "ended_because", mien_rate_end_text(curve->end), "steps", (int)curve->count, "steepest",
        real_or_null(curve->steepest), "lowest", real_or_null(curve->lowest), "tenth_of_lowest",
        real_or_null(curve->lowest / 10.0), "still_falling", curve->open, "recipe_rate",
        mien_json_real((double)training->file.recipe->train.optimizer.rate), "points",
        describe_points(curve));
    session_describe(&training->session, &object);
    return term_json(term, object, err);
}

static void print_text(const struct find_rate_options *o, const struct mien_rate_curve *curve,
                       struct term *term)
{
    const struct mien_rate_point *const last = &curve->points[curve->count - 1];
    term_print(term, "%s: %zu steps from a rate of %.3g to %.3g; %s\n", o->out, curve->count,
               o->from, last->rate, mien_rate_end_text(curve->end));
    if (curve->lowest == 0.0) {
        term_print(term, "the loss never clearly falls: there is no rate to suggest\n");
        return;
    }
    if (curve->steepest > 0.0) {
        term_print(term, "  --rate %-8.2g  where the loss falls most steeply\n", curve->steepest);
    }
    term_print(term, "  --rate %-8.2g  a tenth of %.2g, where it is lowest%s\n",
               curve->lowest / 10.0, curve->lowest,
               curve->open ? "; it still falls at the end: try a larger --to" : "");
}

static enum mien_status find_rate(const void *options, struct term *term, struct mien_error *err)
{
    const struct find_rate_options *const o = options;
    enum mien_status st = MIEN_OK;
    struct training training = { .set = NULL };
    struct mien_rate_curve curve = { .points = NULL };
    struct mien_plot plot = { .keys = 0 };
    struct watch watch = { term, (size_t)o->steps };

    if (!(o->from < o->to)) {
        return mien_fail(err, MIEN_ERR_USAGE, "--from %g is not below --to %g", o->from, o->to);
    }
    TRY(session_check_picture("--out", o->out, err));
    TRY(training_open(&training, &o->training, &o->common, term, err));
    TRY(mien_trainer_check_data(training.file.recipe, training.set, o->training.data, err));
    if (o->init != NULL) {
        TRY(mien_model_file_take_weights(&training.file, o->init, err));
    }
    stop_on_signals();
    const struct prove_wish wish = { .leave_out = o->training.no_selftest,
                                     .blas = (enum mien_blas)o->training.blas };
    TRY(prove_device(&training.session, &wish, term, err));
    prove_tell(&training.session, term);
    TRY(prove_network(&training.session, &training.file, wish.blas, err));
    mien_log_line(&term->log, "%s: %d steps at rates from %g to %g, or until the loss diverges",
                  training.file.recipe->name, o->steps, o->from, o->to);
    const struct mien_rate_test_options test = {
        .from = o->from,
        .to = o->to,
        .steps = (size_t)o->steps,
        .trainer = training_run_options(&o->training, &training.session),
        .stop = stop_wanted,
        .progress = term->bars && !term->quiet ? show_progress : NULL,
        .user = &watch,
    };
    TRY(mien_rate_test(&curve, training.session.cl, &training.file, training.set, &test, err));
    term_clear(term);
    TRY(check_curve(&curve, o, err));
    TRY(mien_rate_draw(&plot, &curve, o->from, o->to, training.file.recipe, err));
    TRY(mien_canvas_write(&plot.canvas, o->out, err));
    if (o->common.json) {
        TRY(print_json(o, &training, &curve, term, err));
    } else {
        print_text(o, &curve, term);
    }
    if (curve.end == MIEN_RATE_INTERRUPTED) {
        st = mien_fail(err, MIEN_ERR_INTERRUPTED, "stopped; %s has the curve so far", o->out);
    }

done:
    term_clear(term);
    mien_plot_finish(&plot);
    mien_rate_curve_finish(&curve);
    training_close(&training);
    return st;
}

const struct command cmd_find_rate = {
    .name = "find-rate",
    .summary = "Find a learning rate: the loss while the rate rises",
    .details =
        "Trains from new weights with a rate that rises by the same factor in each step, until\n"
        "the loss diverges, and draws the loss over the rate. Nothing else is kept. Two rates\n"
        "are told: where the loss falls most steeply, and a tenth of that where it is lowest.\n"
        "Ctrl-C draws the curve so far and exits with 130.",
    .options = find_rate_table,
    .positionals = find_rate_positionals,
    .common = COMMON_DEVICE | COMMON_SEED | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct find_rate_options),
    .defaults = &find_rate_defaults,
    .run = find_rate,
};
