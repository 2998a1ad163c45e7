/* selftest_against.c - `mien selftest --against`: the same steps on two devices */
#include "base/error.h"
#include "base/json.h"
#include "cli/cmd_selftest.h"
#include "cli/stop.h"
#include "train/against.h"

enum { USUAL_STEPS = 3 };

static const char *name_of(const struct session *session)
{
    return mien_cl_device(session->cl)->name;
}

static void print(struct term *term, const struct mien_apart *apart, int steps,
                  const struct session *here, const struct session *there)
{
    double most = apart->loss;
    term_print(term, "%-20s %9s %6s %9s\n", "layer", "gradient", "step", "weights");
    for (size_t i = 0; i < apart->count; i++) {
        const struct mien_layer_apart *const layer = &apart->layers[i];
        term_print(term, "%-20s %9.1e %6d %9.1e  %s\n", layer->layer, layer->gradient, layer->step,
                   layer->weight, mien_layer_is_apart(layer) ? "FAILED" : "passed");
        most = layer->gradient > most ? layer->gradient : most;
    }
    if (mien_apart_failed(apart)) {
        term_print(term, "%d steps on %s and %s are too far apart: %.1e is allowed\n", steps,
                   name_of(here), name_of(there), MIEN_APART_TOLERANCE);
    } else {
        term_print(term, "%d steps on %s and %s: at most %.1e apart, %.1e is allowed\n", steps,
                   name_of(here), name_of(there), most, MIEN_APART_TOLERANCE);
    }
}

static enum mien_status print_json(struct term *term, const struct mien_apart *apart, int steps,
                                   const struct session *here, const struct session *there,
                                   struct mien_error *err)
{
    json_t *list = json_array();
    json_t *other = json_object();
    for (size_t i = 0; i < apart->count; i++) {
        const struct mien_layer_apart *const layer = &apart->layers[i];
        mien_json_append(&list, json_pack("{s:s, s:o, s:i, s:o}", "layer", layer->layer, "gradient",
                                          mien_json_real(layer->gradient), "step", layer->step,
                                          "weights", mien_json_real(layer->weight)));
    }
    session_describe(there, &other);
    json_t *object = json_pack(
        "{s:b, s:i, s:o, s:o, s:o, s:s, s:o}", "passed", !mien_apart_failed(apart), "steps", steps,
        "tolerance", mien_json_real(MIEN_APART_TOLERANCE), "loss", mien_json_real(apart->loss),
        "layers", list, "mien", MIEN_VERSION, "against", other);
    session_describe(here, &object);
    return term_json(term, object, err);
}

enum mien_status selftest_against(const struct selftest_options *o, struct session *session,
                                  struct mien_model_file *file, struct term *term,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct session other = { .cl = NULL };
    struct mien_apart apart = { .layers = NULL };
    struct common_options common = o->common;
    const struct mien_against_options options = {
        .steps = o->steps > 0 ? o->steps : USUAL_STEPS,
        .log = &term->log,
        .stop = stop_wanted,
    };
    common.device = o->against;
    TRY(session_open(&other, &common, false, term, err));
    TRY(session_tune(session, NULL, term, err));
    TRY(session_tune(&other, NULL, term, err));
    const struct mien_against_side sides[2] = { { session->cl, &session->tuning },
                                                { other.cl, &other.tuning } };
    TRY(mien_against(&apart, sides, file, &options, err));
    term_clear(term);
    if (o->common.json) {
        TRY(print_json(term, &apart, options.steps, session, &other, err));
    } else {
        print(term, &apart, options.steps, session, &other);
    }
    if (mien_apart_failed(&apart)) {
        st = mien_fail(err, MIEN_ERR_CL,
                       "%s and %s do not compute the same: 'mien selftest' on "
                       "each tells which is wrong",
                       name_of(session), name_of(&other));
    }

done:
    mien_apart_finish(&apart);
    session_close(&other);
    return st;
}
