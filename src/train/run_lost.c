/* run_lost.c - what a run says whose numbers are not finite any more */
#include <stdio.h>

#include "base/file.h"
#include "train/run_files.h"

/* The step that the guard names, else the last one made. */
static struct mien_replay_place find_place(const struct mien_trainer *trainer,
                                           const struct mien_guard *guard)
{
    const struct mien_position *const at = &trainer->position;
    const size_t steps = mien_trainer_steps(trainer);
    const size_t step = guard->step > 0 ? (size_t)guard->step : at->step;
    return (struct mien_replay_place){
        .epoch = at->epoch + 1,
        .step = (int)step,
        .steps = (int)steps,
        .rate = (double)mien_schedule_rate(&trainer->file->recipe->train, at->epoch, step - 1,
                                           steps, at->plateau.drops),
    };
}

enum mien_status mien_run_lose(struct mien_run_lost *out, struct mien_trainer *trainer,
                               const struct mien_run_paths *paths, struct mien_error *err)
{
    struct mien_guard guard;
    struct mien_error why = { "" };
    char first[MIEN_NONFINITE_BYTES] = "not in the step repeated: the device computes it otherwise";
    enum mien_status st = mien_trainer_guard(&guard, trainer, err);
    if (st != MIEN_OK) {
        return st;
    }
    *out = (struct mien_run_lost){
        .what = (guard.faults & MIEN_GUARD_LOSS) != 0 ? "the loss" : "a gradient",
        .place = find_place(trainer, &guard),
    };
    st = mien_replay_write(&out->first, paths->replay, trainer, &out->place, &why);
    out->written = st == MIEN_OK;
    if (out->first.count > 0) {
        mien_nonfinite_text(first, &out->first);
    } else if (!out->written) {
        (void)snprintf(first, sizeof(first), "where is not known");
    }
    const bool saved = mien_path_is_file(paths->last);
    return mien_fail(
        err, MIEN_ERR_NOT_FINITE,
        "%s is not finite in epoch %d, step %d of %d, at a learning rate of %g: first "
        "%s; try a smaller rate%s; %.200s %s%.200s%s%s",
        out->what, out->place.epoch, out->place.step, out->place.steps, out->place.rate, first,
        trainer->file->recipe->train.sam > 0.0f ? " or sam" : "", paths->replay,
        out->written ? "repeats the step" : "could not be written: ", out->written ? "" : why.text,
        saved ? "; last.safetensors is as it was" : "", saved ? ", go on with --resume" : "");
}
