/* train_replay.c - `mien train --replay`: one step of a run repeated on a device */
#include "cli/train_replay.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "cli/prove.h"
#include "cli/stop.h"
#include "cli/text.h"
#include "train/replay.h"

/* What the file says, and what came of it here. */
struct outcome {
    const char *path;
    struct mien_replay replay;
    struct session session;
    struct mien_nonfinite first;
    bool same_kernels; /* the run's */
};

/* "nan", "inf" and "-inf", which JSON cannot say as numbers. */
static const char *name_of(float value)
{
    return isnan(value) ? "nan" : value > 0.0f ? "inf" : "-inf";
}

static json_t *describe_first(const struct mien_nonfinite *first)
{
    json_t *at = json_array();
    for (int i = first->flat ? 1 : 0; i < (first->flat ? 2 : 4); i++) {
        mien_json_append(&at, json_integer(first->at[i]));
    }
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:o}", "pass", first->label, "kernel",
                     first->kernel, "tensor", first->what, "not_finite", (json_int_t)first->count,
                     "numbers", (json_int_t)first->of, "value", name_of(first->value), "at", at);
}

static enum mien_status print_json(const struct outcome *o, struct term *term,
                                   struct mien_error *err)
{
    const struct mien_replay *const replay = &o->replay;
    json_t *object = json_object();
    session_describe(&o->session, &object);
    mien_json_set(&object, "replay", mien_json_text(o->path));
    mien_json_set(&object, "epoch", json_integer(replay->place.epoch));
    mien_json_set(&object, "step", json_integer(replay->place.step));
    mien_json_set(&object, "rate", mien_json_real(replay->place.rate));
    mien_json_set(&object, "images", json_integer((json_int_t)replay->images));
    mien_json_set(&object, "run_kernels", json_boolean(o->same_kernels));
    mien_json_set(&object, "run",
                  json_pack("{s:o, s:o, s:o}", "device", mien_json_text(replay->device), "driver",
                            mien_json_text(replay->driver), "first",
                            mien_json_text(replay->found)));
    mien_json_set(&object, "finite", json_boolean(o->first.count == 0));
    if (o->first.count > 0) {
        mien_json_set(&object, "first", describe_first(&o->first));
    }
    return term_json(term, object, err);
}

static void print_text(const struct outcome *o, struct term *term)
{
    const struct mien_replay *const replay = &o->replay;
    const struct mien_device_info *const device = mien_cl_device(o->session.cl);
    char run[3][TEXT_LINE_BYTES]; /* what the file says, in one line */
    char text[MIEN_NONFINITE_BYTES] = "every number of the step is finite";
    if (o->first.count > 0) {
        mien_nonfinite_text(text, &o->first);
    }
    term_print(term, "epoch %d, step %d of %d, %zu images, at a learning rate of %g\n",
               replay->place.epoch, replay->place.step, replay->place.steps, replay->images,
               replay->place.rate);
    term_print(term, "the run on %s (driver %s): %s\n",
               text_cell(run[0], sizeof(run[0]), replay->device, 0),
               text_cell(run[1], sizeof(run[1]), replay->driver, 0),
               replay->found[0] != '\0' ? text_cell(run[2], sizeof(run[2]), replay->found, 0)
                                        : "not finite, but not when repeated");
    term_print(term, "here on %s (driver %s), %s kernels: %s\n", device->name, device->driver,
               o->same_kernels ? "the run's" : "this device's", text);
}

/* The run's kernels where the device is the run's and nothing else is asked for. */
static enum mien_status choose_kernels(struct outcome *o, const char *tuning, struct term *term,
                                       struct mien_error *err)
{
    const struct mien_device_info *const device = mien_cl_device(o->session.cl);
    o->same_kernels = tuning == NULL && strcmp(device->name, o->replay.device) == 0 &&
                      strcmp(device->driver, o->replay.driver) == 0;
    return session_tune(&o->session, o->same_kernels ? "none" : tuning, term, err);
}

/* All that failed: the step is repeated even so, as it may be why. */
static void tell_proof(const struct session *session, struct term *term)
{
    const struct mien_verdicts *const wrong = &session->proof.wrong;
    for (size_t i = 0; i < wrong->count; i++) {
        const struct mien_verdict *const v = &wrong->items[i];
        mien_log_line(&term->log, "%s%s%s failed the self-test on this device", v->kernel,
                      v->variant[0] != '\0' ? ", " : "", v->variant);
    }
}

enum mien_status train_replay(const struct train_replay_options *options, struct term *term,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const char *const path = options->path;
    struct outcome o = { .path = path };
    TRY(mien_replay_read(&o.replay, path, err));
    TRY(session_open(&o.session, options->common, false, term, err));
    TRY(choose_kernels(&o, options->tuning, term, err));
    stop_on_signals();
    const struct prove_wish wish = {
        .leave_out = options->no_selftest,
        .blas = options->blas >= 0 ? (enum mien_blas)options->blas
                : o.same_kernels   ? o.replay.blas
                                   : MIEN_BLAS_AUTO,
        .kept = o.same_kernels ? &o.replay.tuning : NULL,
    };
    TRY(prove_device(&o.session, &wish, term, err));
    stop_as_usual();
    tell_proof(&o.session, term);
    TRY(mien_replay_run(&o.first, &o.replay, o.session.cl, wish.blas,
                        o.same_kernels ? &o.replay.tuning : &o.session.tuning, err));
    if (options->common->json) {
        TRY(print_json(&o, term, err));
    } else {
        print_text(&o, term);
    }
    if (o.first.count > 0) {
        st = mien_fail(err, MIEN_ERR_NOT_FINITE, "%.400s: not finite here either, in %s", path,
                       o.first.label);
    }

done:
    session_close(&o.session);
    mien_replay_finish(&o.replay);
    return st;
}
