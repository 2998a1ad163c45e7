/* prove.c - the self-test that comes before the first training on a device and driver */
#include "cli/prove.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/stop.h"
#include "train/selftest.h"

/*
 * The quick self-test with a context and queue of its own: what a kernel does to them, and what it
 * takes on the device, is nothing to the training that follows.
 */
static enum mien_status run(struct mien_verdicts *out, const struct session *session, bool clblast,
                            struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char place[32];
    struct mien_cl *cl = NULL;
    const struct mien_device_info *const device = mien_cl_device(session->cl);
    const struct mien_cl_options options = { .device = place, .log = &term->log };
    const struct mien_selftest what = {
        .wish = { .quick = true, .own_products = !clblast, .log = &term->log, .stop = stop_wanted },
    };
    (void)snprintf(place, sizeof(place), "%d:%d", device->platform_index, device->device_index);
    TRY(mien_cl_open(&cl, &options, err));
    TRY(mien_selftest_run(out, cl, &what, err));

done:
    mien_cl_close(cl);
    return st == MIEN_OK ? st : mien_wrap(err, st, "self-test");
}

static void tell_result(const struct mien_verdicts *verdicts, double seconds, struct term *term)
{
    const size_t failed = mien_verdicts_failed(verdicts);
    if (failed == 0) {
        mien_log_line(&term->log, "self-test of %zu checks passed, %.1f s",
                      mien_verdicts_checks(verdicts), seconds);
    } else {
        mien_log_line(&term->log,
                      "self-test: %zu of %zu kernels failed, %.1f s; 'mien selftest' tells more",
                      failed, verdicts->count, seconds);
    }
}

/* Whether a kernel was refused: memory may be short now and not next time. */
static bool was_refused(const struct mien_verdicts *verdicts)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        if (verdicts->items[i].failed > 0 && verdicts->items[i].worst.fault == MIEN_FAULT_REFUSED) {
            return true;
        }
    }
    return false;
}

static void remember(const struct mien_verdicts *verdicts, const struct session *session,
                     struct term *term)
{
    struct mien_error problem = { "" };
    if (was_refused(verdicts)) {
        mien_log_line(&term->log, "what the driver refused may pass another time: the self-test "
                                  "comes again, until 'mien selftest --quick' was run");
    } else if (mien_proof_write(verdicts, NULL, &session->proof.scope, mien_cl_device(session->cl),
                                &problem) != MIEN_OK) {
        mien_log_line(&term->log,
                      "the self-test is not remembered, and comes again (--no-selftest leaves it "
                      "out): %s",
                      problem.text);
    }
}

/* One self-test: what it says, and what follows from it. */
static enum mien_status prove(struct session *session, bool clblast, struct term *term,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_verdicts verdicts = { .items = NULL };
    const struct mien_proof_scope scope = { .clblast = clblast };
    const double start_ms = mien_now_ms();
    TRY(run(&verdicts, session, clblast, term, err));
    term_clear(term);
    tell_result(&verdicts, (mien_now_ms() - start_ms) / 1e3, term);
    TRY(mien_proof_take(&session->proof, &verdicts, &scope, err));
    mien_proof_bar(&session->proof.wrong, &session->proof.set, &session->tuning);
    remember(&verdicts, session, term);

done:
    mien_verdicts_finish(&verdicts);
    return st;
}

/* Whether CLBlast may compute dense layers: there are no own kernels for them on this device, or it
 * was asked for, found to be faster, or the own ones fail. */
static bool may_use_clblast(const struct session *session, const struct prove_wish *wish)
{
    if (mien_device_lanes(mien_cl_device(session->cl)) == 1 || wish->blas != MIEN_BLAS_AUTO) {
        return wish->blas != MIEN_BLAS_OWN;
    }
    return mien_tuning_has_clblast(&session->tuning) ||
           (wish->kept != NULL && mien_tuning_has_clblast(wish->kept));
}

enum mien_status prove_device(struct session *session, const struct prove_wish *wish,
                              struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    if (!wish->leave_out && !session->proof.known) {
        mien_log_line(&term->log, "new device, driver or version of mien: a self-test first, which "
                                  "--no-selftest leaves out");
        TRY(prove(session, may_use_clblast(session, wish), term, err));
    }
    if (!wish->leave_out && !session->proof.scope.clblast && may_use_clblast(session, wish)) {
        mien_log_line(&term->log,
                      "CLBlast was not looked at on this device: a self-test first, which "
                      "--no-selftest leaves out");
        TRY(prove(session, true, term, err));
    }

done:
    return st;
}

void prove_tell(const struct session *session, struct term *term)
{
    const struct mien_verdicts *const wrong = &session->proof.wrong;
    const bool other_set =
        mien_tuning_blas(&session->tuning) != NULL; /* than the one that failed */
    for (size_t i = 0; i < wrong->count; i++) {
        const struct mien_verdict *const v = &wrong->items[i];
        const bool past = other_set && strcmp(v->variant, MIEN_VERIFY_TUNED_BLAS) == 0;
        if (mien_proof_avoids(v) && !past) {
            mien_log_line(&term->log, "%s%s%s failed the self-test on this device: it is not used",
                          v->kernel, v->variant[0] != '\0' ? ", " : "", v->variant);
        }
    }
}

enum mien_status prove_network(const struct session *session, const struct mien_model_file *file,
                               enum mien_blas blas, struct mien_error *err)
{
    const int lanes = mien_device_lanes(mien_cl_device(session->cl));
    return mien_proof_check(&session->proof, file->recipe, file->network, lanes, blas, err);
}
