/* cmd_tune.c - `mien tune`: finds the fastest kernels for a network on this device, and keeps them
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/tune_guard.h"
#include "nn/tuned.h"
#include "train/bench.h"
#include "tune/table_blas.h"

struct tune_options {
    struct common_options common;
    const char *recipe, *export;
    struct opt_strings settings;
    int seconds, limit, classes, blas;
    bool reset;
};

#define FIELD(name) offsetof(struct tune_options, name)

static const struct opt tune_table[] = {
    { "seconds", OPT_INT, FIELD(seconds), "N", "time to search", .min = 1, .max = 86400 },
    { "limit", OPT_INT, FIELD(limit), "SECONDS",
      "time for one candidate, which is left alone from then on when it needs more", .min = 1,
      .max = 86400 },
    { "batch", OPT_INT, FIELD(settings), "N", "images of a step", .min = 1, .max = 65536,
      .setting = "train.batch" },
    { "classes", OPT_INT, FIELD(classes), "N", "classes to tell apart", .min = 2, .max = 10000 },
    { "blas", OPT_CHOICE, FIELD(blas), "KIND", SESSION_BLAS_HELP, .choices = session_blas_choices },
    { "set", OPT_STRINGS, FIELD(settings), "KEY=VALUE",
      "put a value over the recipe's; may come again", .role = OPT_ANY },
    { "export", OPT_STRING, FIELD(export), "FILE",
      "also write all that is known of this device to a file", .role = OPT_OUTPUT },
    { "reset", OPT_FLAG, FIELD(reset), NULL, "forget what was found on this device before",
      .role = OPT_ANY },
    { .name = NULL },
};

static const struct positional tune_positionals[] = {
    { "RECIPE", FIELD(recipe), 1, 1, "network to tune for, for example recipes/report.yaml",
      OPT_INPUT },
    { .name = NULL },
};

static const struct tune_options tune_defaults = {
    .common = { .seed = -1 }, .seconds = 60, .limit = 30, .classes = 7
};

/* A search under way, in the process for it. */
struct tuner {
    const struct tune_options *options;
    struct term *term;
    const struct tune_line *line; /* to the process that watches */
    struct session session;
    struct mien_model_file file;
    char *path; /* of the device's table */
    struct mien_search_task *tasks;
    struct mien_search_result *results;
    size_t count;
    struct mien_times before, after; /* whole steps; zeros: not measured */
};

static const char *variant_name(const struct mien_tuned *entry)
{
    switch (entry->op) {
    case MIEN_TUNED_DENSE: return entry->variant == MIEN_TUNED_OWN ? "own" : "clblast";
    case MIEN_TUNED_BLAS: return mien_tuned_blas_variants[entry->variant];
    case MIEN_TUNED_CONV2D: break;
    }
    return mien_conv2d_variant_name((enum mien_conv2d_variant)entry->variant);
}

/* "winograd tiles 2 inputs 32" */
enum { CHOICE_BYTES = MIEN_BLAS_TEXT_BYTES };
static void write_choice(char *out, size_t bytes, const struct mien_tuned *entry)
{
    if (entry->op == MIEN_TUNED_BLAS && entry->variant == MIEN_TUNED_SET) {
        char text[MIEN_BLAS_TEXT_BYTES];
        mien_blas_text(text, &entry->blas);
        (void)snprintf(out, bytes, "%s", text);
        return;
    }
    int length = snprintf(out, bytes, "%s", variant_name(entry));
    for (int i = 0; entry->op == MIEN_TUNED_CONV2D && i < MIEN_CONV2D_PARAMS; i++) {
        const struct mien_conv2d_param *const param =
            &mien_conv2d_params((enum mien_conv2d_variant)entry->variant, entry->pass)[i];
        if (param->name != NULL && length >= 0 && (size_t)length < bytes) {
            length += snprintf(out + length, bytes - (size_t)length, " %s %d", param->name,
                               entry->param[i]);
        }
    }
}

static enum mien_status tell_candidate(void *user, const struct mien_search_task *task,
                                       const struct mien_tuned *candidate, struct mien_error *err)
{
    const struct tuner *const t = user;
    char name[256] = "";
    if (candidate != NULL) {
        char choice[CHOICE_BYTES];
        write_choice(choice, sizeof(choice), candidate);
        (void)snprintf(name, sizeof(name), "%s, %s", task->label, choice);
    }
    return tune_tell_candidate(t->line, name, candidate, err);
}

/* Kept at once, so that a driver that dies over the next candidate loses nothing. */
static enum mien_status keep(void *user, const struct mien_search_result *result,
                             struct mien_error *err)
{
    struct tuner *const t = user;
    struct mien_tuning *const tuning = &t->session.tuning;
    enum mien_status st = MIEN_OK;
    if (result->done) {
        TRY(mien_tuning_put(tuning, &result->chosen, err));
        TRY(mien_tuning_save(t->path, tuning, mien_cl_device(t->session.cl), err));
    }
    TRY(tune_tell_result(t->line, (size_t)(result - t->results), result, err));

done:
    return st;
}

static enum mien_status prepare(struct tuner *t, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct tune_past *const past = t->line->past;
    const struct mien_device_info *const device = mien_cl_device(t->session.cl);
    const struct mien_model_options options = { .batch = t->file.recipe->train.batch,
                                                .train = true,
                                                .blas = (enum mien_blas)t->options->blas,
                                                .tuning = &t->session.tuning,
                                                .lanes = mien_device_lanes(device) };
    const bool fresh = t->options->reset && !past->again;
    t->path = mien_tuning_path(device, err);
    if (t->path == NULL) {
        return mien_fail(err, MIEN_ERR_IO,
                         "no folder to keep the result in: set MIEN_CACHE or HOME");
    }
    TRY(session_tune(&t->session, fresh ? "none" : NULL, t->term, err)); /* bars stay */
    for (size_t i = 0; i < past->skips.count; i++) {
        TRY(mien_tuning_put(&t->session.tuning, &past->skips.entries[i], err));
    }
    /* Before a minute of work: an unwritable folder, and --reset. */
    TRY(mien_tuning_save(t->path, &t->session.tuning, device, err));
    TRY(mien_network_tasks(&t->tasks, &t->count, t->file.network, &options, err));
    t->results = mien_calloc(t->count, sizeof(*t->results), err);
    st = t->results == NULL ? MIEN_ERR_MEMORY : MIEN_OK;
    for (size_t i = 0; st == MIEN_OK && i < t->count && i < past->count; i++) {
        t->results[i] = past->results[i];
    }

done:
    return st;
}

static bool changed(const struct mien_search_result *result)
{
    return result->chosen.variant != result->standard.variant ||
           memcmp(result->chosen.param, result->standard.param, sizeof(result->chosen.param)) != 0;
}

/* Whether whole steps show anything, and may be run. */
static bool worth_steps(const struct tuner *t)
{
    size_t changes = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (mien_tuning_skips(&t->session.tuning, &t->results[i].standard)) {
            return false;
        }
        changes += changed(&t->results[i]) ? 1 : 0;
    }
    return changes > 0 && !t->line->past->no_steps && !tune_stop(NULL);
}

/* Whether CLBlast has had other parameters than its usual ones in this process: only another one
 * can show what steps take without. */
static bool sets_tried(const struct tuner *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->tasks[i].key.op == MIEN_TUNED_BLAS && t->results[i].tried > 1) {
            return true;
        }
    }
    return false;
}

/* Whole steps without and with what is known now. */
static enum mien_status measure_steps(struct tuner *t, struct mien_error *err)
{
    enum { WARMUP = 2, FEWEST = 3, MOST = 15 };
    const double spend_ms = 1500.0;
    enum mien_status st = MIEN_OK;
    struct mien_bench_step step;
    struct mien_bench_options options = { .warmup = WARMUP,
                                          .repeat = 1,
                                          .blas = (enum mien_blas)t->options->blas };
    TRY(tune_tell_steps(t->line, err));
    TRY(mien_bench_step(&step, t->session.cl, &t->file, &options, err));
    const double wanted = spend_ms / (step.step.min_ms + 1e-3);
    options.repeat = (int)(wanted < FEWEST ? FEWEST : wanted > MOST ? MOST : wanted);
    TRY(mien_bench_step(&step, t->session.cl, &t->file, &options, err));
    t->before = step.step;
    options.tuning = &t->session.tuning;
    TRY(mien_bench_step(&step, t->session.cl, &t->file, &options, err));
    t->after = step.step;
    TRY(tune_tell_candidate(t->line, "", NULL, err));

done:
    return st;
}

static void print_table(const struct tuner *t)
{
    size_t unreached = 0;
    size_t partly = 0;
    size_t wrong = 0;
    size_t refused = 0;
    term_print(t->term, "%-32s %9s %9s %6s  %s\n", "layer and pass", "before ms", "after ms",
               "tried", "chosen");
    for (size_t i = 0; i < t->count; i++) {
        const struct mien_search_result *const r = &t->results[i];
        char choice[CHOICE_BYTES];
        char standard[CHOICE_BYTES];
        if (!r->done) {
            unreached++;
            continue;
        }
        partly += r->complete ? 0 : 1;
        wrong += r->wrong;
        refused += r->refused;
        write_choice(choice, sizeof(choice), &r->chosen);
        write_choice(standard, sizeof(standard), &r->standard);
        term_print(t->term, "%-32s %9.3f %9.3f %6zu  %s%s%s%s\n", r->task->label,
                   r->chosen.default_ms, r->chosen.ms, r->tried, choice,
                   changed(r) ? "  (was " : "  (as it was", changed(r) ? standard : "", ")");
        if (r->own_ms > 0.0) {
            term_print(t->term, "%-32s %9s %9.3f %6s  own kernels\n", "  the same layers", "",
                       r->own_ms, "");
        }
    }
    if (wrong + refused > 0) {
        term_print(t->term, "passed over: %zu with wrong numbers, %zu refused by the device\n",
                   wrong, refused);
    }
    if (unreached + partly > 0) {
        term_print(t->term, "time was up: %zu shapes not looked at, %zu not in full\n", unreached,
                   partly);
    }
}

/* What the network would try, and must not; NULL when it is nothing of this network. */
static const struct mien_search_task *task_of_skip(const struct tuner *t,
                                                   const struct mien_tuned *entry)
{
    for (size_t i = 0; entry->skip != MIEN_TUNED_USABLE && i < t->count; i++) {
        const struct mien_tuned *const key = &t->tasks[i].key;
        if (key->op == entry->op && key->pass == entry->pass &&
            memcmp(key->size, entry->size, sizeof(key->size)) == 0) {
            return &t->tasks[i];
        }
    }
    return NULL;
}

static void print_skips(const struct tuner *t)
{
    const struct mien_tuning *const known = &t->session.tuning;
    for (size_t i = 0; i < known->count; i++) {
        const struct mien_search_task *const task = task_of_skip(t, &known->entries[i]);
        if (task != NULL) {
            char choice[CHOICE_BYTES];
            write_choice(choice, sizeof(choice), &known->entries[i]);
            term_print(t->term, "left alone: %s, %s, which %s\n", task->label, choice,
                       known->entries[i].skip == MIEN_TUNED_HUNG ? "hung" : "ended the driver");
        }
    }
}

static void print_gain(const struct tuner *t)
{
    const struct mien_times *const before = &t->before;
    const struct mien_times *const after = &t->after;
    size_t changes = 0;
    for (size_t i = 0; i < t->count; i++) {
        changes += changed(&t->results[i]) ? 1 : 0;
    }
    if (before->median_ms > 0.0) {
        term_print(t->term,
                   "step of %d images: %.2f ms before, %.2f ms after: %.2f times as fast\n",
                   t->file.recipe->train.batch, before->median_ms, after->median_ms,
                   before->median_ms / after->median_ms);
    } else if (changes == 0) {
        term_print(t->term, "nothing faster than the defaults was found\n");
    }
    term_print(t->term, "kept in %s\n", t->path);
}

static json_t *describe_choice(const struct mien_tuned *entry)
{
    json_t *object = json_pack("{s:s}", "variant", variant_name(entry));
    if (entry->op == MIEN_TUNED_BLAS) {
        mien_tuned_blas_describe(&object, entry);
    }
    for (int i = 0; entry->op == MIEN_TUNED_CONV2D && i < MIEN_CONV2D_PARAMS; i++) {
        const struct mien_conv2d_param *const param =
            &mien_conv2d_params((enum mien_conv2d_variant)entry->variant, entry->pass)[i];
        if (param->name != NULL) {
            mien_json_set(&object, param->name, json_integer(entry->param[i]));
        }
    }
    return object;
}

static json_t *describe_skips(const struct tuner *t)
{
    const struct mien_tuning *const known = &t->session.tuning;
    json_t *list = json_array();
    for (size_t i = 0; i < known->count; i++) {
        const struct mien_search_task *const task = task_of_skip(t, &known->entries[i]);
        if (task != NULL) {
            mien_json_append(
                &list, json_pack("{s:s, s:o, s:s}", "name", task->label, "candidate",
                                 describe_choice(&known->entries[i]), "skip",
                                 known->entries[i].skip == MIEN_TUNED_HUNG ? "hung" : "died"));
        }
    }
    return list;
}

static enum mien_status print_json(const struct tuner *t, struct mien_error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < t->count; i++) {
        const struct mien_search_result *const r = &t->results[i];
        const bool reached = r->done;
        mien_json_append(
            &list,
            json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:b, s:I, s:I, s:I, s:b}", "name",
                      r->task->label, "uses", r->task->uses, "default",
                      describe_choice(&r->standard), "chosen", describe_choice(&r->chosen),
                      "default_ms", mien_json_real(reached ? r->chosen.default_ms : (double)NAN),
                      "ms", mien_json_real(reached ? r->chosen.ms : (double)NAN), "changed",
                      changed(r), "tried", (json_int_t)r->tried, "wrong", (json_int_t)r->wrong,
                      "refused", (json_int_t)r->refused, "complete", r->complete));
    }
    const bool steps = t->before.median_ms > 0.0;
    json_t *object =
        json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "network", t->file.recipe->name, "batch",
                  t->file.recipe->train.batch, "step_before_ms",
                  mien_json_real(steps ? t->before.median_ms : (double)NAN), "step_after_ms",
                  mien_json_real(steps ? t->after.median_ms : (double)NAN), "shapes", list,
                  "skipped", describe_skips(t), "file", mien_json_text(t->path));
    session_describe(&t->session, &object);
    return term_json(t->term, object, err);
}

static void finish(struct tuner *t)
{
    free(t->tasks);
    free(t->results);
    free(t->path);
    mien_model_file_finish(&t->file);
    session_close(&t->session);
}

static enum mien_status search(void *user, const struct tune_line *line, struct term *term,
                               struct mien_error *err)
{
    const struct tune_options *const o = user;
    enum mien_status st = MIEN_OK;
    struct tuner t = { .options = o, .term = term, .line = line };
    const bool quiet = term->quiet;

    TRY(session_model_of_recipe(&t.file, t.options->recipe, &t.options->settings,
                                t.options->classes, err));
    term->quiet = quiet || line->past->again; /* which device it is was said */
    st = session_open(&t.session, &o->common, false, term, err);
    term->quiet = quiet;
    TRY(st);
    TRY(prepare(&t, err));
    const struct mien_search_options options = {
        .seconds = o->seconds,
        .start_ms = line->past->start_ms,
        .log = &term->log,
        .stop = tune_stop,
        .found = keep,
        .at = tell_candidate,
        .user = &t,
        .known = &t.session.tuning,
        .resume = true,
    };
    TRY(mien_search(t.results, t.session.cl, t.tasks, t.count, &options, err));
    if (sets_tried(&t) && worth_steps(&t) && !line->past->fresh) {
        st = tune_tell_fresh(line, err);
        goto done;
    }
    if (o->export != NULL) {
        TRY(mien_tuning_save(o->export, &t.session.tuning, mien_cl_device(t.session.cl), err));
    }
    if (worth_steps(&t)) {
        TRY(measure_steps(&t, err));
    }
    term_clear(term);
    if (o->common.json) {
        TRY(print_json(&t, err));
    } else if (t.count == 0) {
        term_print(term, "nothing to choose: there is one way to compute each layer here\n");
    } else {
        print_table(&t);
        print_skips(&t);
        print_gain(&t);
    }
    if (tune_stop(NULL)) {
        st = mien_fail(err, MIEN_ERR_INTERRUPTED, "stopped; what was found is kept in %s", t.path);
    }

done:
    term_clear(term);
    finish(&t);
    return st;
}

static enum mien_status tune(const void *options, struct term *term, struct mien_error *err)
{
    struct tune_options own = *(const struct tune_options *)options;
    const struct tune_guard guard = {
        .seconds = own.seconds,
        .limit_s = own.limit,
        .search = search,
        .user = &own,
    };
    return tune_guard_run(&guard, term, err);
}

const struct command cmd_tune = {
    .name = "tune",
    .summary = "Find the fastest kernels for a network on this device",
    .details =
        "Tries kernel variants and their parameters for each layer and pass of the network,\n"
        "checks each against plain C before it is timed, and keeps the winners in a file in\n"
        "the user's cache folder, from which train, eval, predict and bench take them.  Where\n"
        "CLBlast computes dense layers, its parameters are searched for as well.",
    .options = tune_table,
    .positionals = tune_positionals,
    .common = COMMON_DEVICE | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct tune_options),
    .defaults = &tune_defaults,
    .run = tune,
};
