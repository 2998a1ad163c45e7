/* cmd_selftest.c - `mien selftest`: every kernel of this device against plain C */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cmd_selftest.h"
#include "cli/commands.h"
#include "cli/stop.h"
#include "train/selftest.h"

#define FIELD(name) offsetof(struct selftest_options, name)

static const struct opt selftest_table[] = {
    { "quick", OPT_FLAG, FIELD(quick), NULL, "few shapes, and no parameters beside the defaults",
      .role = OPT_ANY },
    { "filter", OPT_STRING, FIELD(filter), "TEXT", "only operations with this text in their name",
      .role = OPT_ANY },
    { "classes", OPT_INT, FIELD(classes), "N", "of a recipe: classes to tell apart [7]", .min = 2,
      .max = 10000 },
    { "set", OPT_STRINGS, FIELD(settings), "KEY=VALUE",
      "put a value over the recipe's; may come again", .role = OPT_ANY },
    { "against", OPT_STRING, FIELD(against), "DEVICE",
      "instead: steps of RECIPE on this device too, and how far the two are apart",
      .role = OPT_ANY },
    { "steps", OPT_INT, FIELD(steps), "N", "of --against: steps to make [3]", .min = 1,
      .max = 1000 },
    { .name = NULL },
};

static const struct positional selftest_positionals[] = {
    { "RECIPE", FIELD(shapes), 0, 1,
      "also check the shapes of this network, a recipe's or a model's", OPT_INPUT },
    { .name = NULL },
};

static const struct selftest_options selftest_defaults = { .common = { .seed = -1 } };

enum { USUAL_CLASSES = 7 };

/* What is tested with, and what came of it. */
struct subject {
    struct session session;
    struct mien_model_file file; /* zeroed: the table's shapes alone */
    struct mien_verdicts verdicts;
    double seconds;
};

static void print_verdict(struct term *term, const struct mien_verdict *v)
{
    char name[80];
    (void)snprintf(name, sizeof(name), "%s%s%s", v->kernel, v->variant[0] != '\0' ? ", " : "",
                   v->variant);
    term_print(term, "%-34s %7zu  %9.1e  %9.1e %9.2f  %s\n", name, v->checks, v->worst.error,
               v->worst.tolerance, v->ms, v->failed == 0 ? "passed" : "FAILED");
    if (v->failed > 0) {
        term_print(term, "  %zu of %zu failed, the worst with %s: %s%s%s\n", v->failed, v->checks,
                   v->where, mien_fault_name(v->worst.fault), v->worst.text[0] != '\0' ? ": " : "",
                   v->worst.text);
    }
}

static void print_all(struct term *term, const struct subject *subject)
{
    const struct mien_verdicts *const verdicts = &subject->verdicts;
    const size_t failed = mien_verdicts_failed(verdicts);
    const char *const device = mien_cl_device(subject->session.cl)->name;
    term_print(term, "%-34s %7s  %9s  %9s %9s\n", "kernel and variant", "checks", "error",
               "allowed", "ms");
    for (size_t i = 0; i < verdicts->count; i++) {
        print_verdict(term, &verdicts->items[i]);
    }
    if (failed == 0) {
        term_print(term, "all %zu kernels passed %zu checks in %.1f s on %s\n", verdicts->count,
                   mien_verdicts_checks(verdicts), subject->seconds, device);
    } else {
        term_print(term, "%zu of %zu kernels FAILED on %s\n", failed, verdicts->count, device);
    }
}

static json_t *describe(const struct mien_verdict *v)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:s, s:o, s:o, s:o}", "kernel", v->kernel,
                     "variant", v->variant, "checks", (json_int_t)v->checks, "failed",
                     (json_int_t)v->failed, "error", mien_json_real(v->worst.error), "tolerance",
                     mien_json_real(v->worst.tolerance), "fault", mien_fault_name(v->worst.fault),
                     "where", mien_json_text(v->where), "text", mien_json_text(v->worst.text), "ms",
                     mien_json_real(v->ms));
}

static enum mien_status print_json(struct term *term, const struct subject *subject,
                                   struct mien_error *err)
{
    const struct mien_verdicts *const verdicts = &subject->verdicts;
    const size_t failed = mien_verdicts_failed(verdicts);
    json_t *list = json_array();
    for (size_t i = 0; i < verdicts->count; i++) {
        mien_json_append(&list, describe(&verdicts->items[i]));
    }
    json_t *object = json_pack("{s:b, s:I, s:I, s:o, s:o, s:s}", "passed", failed == 0, "checks",
                               (json_int_t)mien_verdicts_checks(verdicts), "failed",
                               (json_int_t)failed, "seconds", mien_json_real(subject->seconds),
                               "kernels", list, "mien", MIEN_VERSION);
    session_describe(&subject->session, &object);
    return term_json(term, object, err);
}

/* Options that mean nothing beside the others are mistakes. */
static enum mien_status check_options(const struct selftest_options *o, struct mien_error *err)
{
    const bool model = o->shapes != NULL && session_is_safetensors(o->shapes);
    if (o->shapes == NULL && (o->settings.count > 0 || o->classes != 0 || o->against != NULL)) {
        return mien_fail(err, MIEN_ERR_USAGE, "--%s is for a RECIPE, and none is named",
                         o->against != NULL ? "against"
                         : o->classes != 0  ? "classes"
                                            : "set");
    }
    if (model && o->classes != 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "--classes is for a RECIPE: a model has its own");
    }
    if (o->against == NULL && o->steps != 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "--steps is for --against");
    }
    if (o->against != NULL && (o->quick || o->filter != NULL)) {
        return mien_fail(err, MIEN_ERR_USAGE, "--%s is not for --against, which makes whole steps",
                         o->quick ? "quick" : "filter");
    }
    return MIEN_OK;
}

/* The network that is named, a recipe's or a model's. */
static enum mien_status read_network(struct mien_model_file *out, const struct selftest_options *o,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    if (o->shapes == NULL) {
        return MIEN_OK;
    }
    if (!session_is_safetensors(o->shapes) && !mien_path_is_folder(o->shapes)) {
        const int classes = o->classes != 0 ? o->classes : USUAL_CLASSES;
        return session_model_of_recipe(out, o->shapes, &o->settings, classes, err);
    }
    struct session_model model;
    TRY(session_model_read(&model, o->shapes, err));
    *out = model.file;
    TRY(mien_model_file_set(out, (const char *const *)o->settings.items, o->settings.count, err));

done:
    return st;
}

/* CLBlast's parameters of the device's table, as commands take it, whatever failed before. */
static void read_tuning(struct subject *subject, struct term *term)
{
    struct mien_error problem = { "" };
    const struct mien_device_info *const device = mien_cl_device(subject->session.cl);
    char *const path = mien_tuning_path(device, &problem);
    if (path != NULL && mien_path_is_file(path) &&
        mien_tuning_load(&subject->session.tuning, path, device, &problem) != MIEN_OK) {
        mien_log_line(&term->log, "tuning is not looked at: %s", problem.text);
    }
    free(path);
}

static enum mien_status run(struct subject *subject, const struct selftest_options *o,
                            struct term *term, struct mien_error *err)
{
    const struct mien_selftest what = {
        .wish = { .quick = o->quick, .filter = o->filter, .log = &term->log, .stop = stop_wanted },
        .recipe = subject->file.recipe,
        .network = subject->file.network,
        .blas = mien_tuning_blas(&subject->session.tuning),
    };
    const double start_ms = mien_now_ms();
    const enum mien_status st =
        mien_selftest_run(&subject->verdicts, subject->session.cl, &what, err);
    subject->seconds = (mien_now_ms() - start_ms) / 1e3;
    return st;
}

/* Other commands do without what failed; a part of the table says too little for that. */
static void keep(const struct selftest_options *o, const struct subject *subject, struct term *term)
{
    struct mien_error problem = { "" };
    const struct mien_proof_scope scope = { .whole = !o->quick,
                                            .network = o->shapes != NULL,
                                            .clblast = true };
    if (o->filter == NULL &&
        mien_proof_write(&subject->verdicts, mien_tuning_blas(&subject->session.tuning), &scope,
                         mien_cl_device(subject->session.cl), &problem) != MIEN_OK) {
        mien_log_line(&term->log, "what failed is not remembered: %s", problem.text);
    }
}

/* The kernels of one device, printed. */
static enum mien_status prove(const struct selftest_options *o, struct subject *subject,
                              struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    read_tuning(subject, term);
    TRY(run(subject, o, term, err));
    term_clear(term);
    if (o->common.json) {
        TRY(print_json(term, subject, err));
    } else {
        print_all(term, subject);
    }
    keep(o, subject, term);
    const size_t failed = mien_verdicts_failed(&subject->verdicts);
    if (failed > 0) {
        st = mien_fail(err, MIEN_ERR_CL,
                       "%zu of %zu kernels do not compute what plain C does: do not train on this "
                       "device with this driver",
                       failed, subject->verdicts.count);
    }

done:
    return st;
}

static enum mien_status selftest(const void *options, struct term *term, struct mien_error *err)
{
    const struct selftest_options *const o = options;
    enum mien_status st = MIEN_OK;
    struct subject subject = { .file = { .recipe = NULL } };

    TRY(check_options(o, err));
    TRY(read_network(&subject.file, o, err));
    TRY(session_open(&subject.session, &o->common, false, term, err));
    stop_on_signals();
    TRY(o->against != NULL ? selftest_against(o, &subject.session, &subject.file, term, err)
                           : prove(o, &subject, term, err));

done:
    mien_verdicts_finish(&subject.verdicts);
    mien_model_file_finish(&subject.file);
    session_close(&subject.session);
    return st;
}

const struct command cmd_selftest = {
    .name = "selftest",
    .summary = "Hold every kernel to plain C on this device",
    .details = "Every variant of every kernel runs on shapes that are awkward, between guarded\n"
               "bytes, and what comes out is compared with plain C in double precision; then a\n"
               "small network is trained whose losses are known. The exit code is 1 when one\n"
               "of them is wrong. With --against another device makes the same steps.",
    .options = selftest_table,
    .positionals = selftest_positionals,
    .common = COMMON_DEVICE | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct selftest_options),
    .defaults = &selftest_defaults,
    .run = selftest,
};
