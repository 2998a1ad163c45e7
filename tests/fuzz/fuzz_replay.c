/*
 * fuzz_replay.c - one step of a run out of a file, as `mien train --replay` reads it, and on a
 * device
 *
 * Where there is no device only the first part runs.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "train/replay.h"

/* More arithmetic than a fuzzer has time for, and not what is looked for. */
enum { MOST_IMAGES = 64, MOST_FLOATS = 1 << 14, MOST_LAYERS = 16 };

/* One for the whole process; NULL without a device. */
static struct mien_cl *shared_device(void)
{
    static bool tried;
    static struct mien_cl *cl;
    if (!tried) {
        struct mien_error err = { "" };
        const enum mien_status st = mien_cl_open(&cl, NULL, &err);
        tried = true;
        fuzz_expect(st == MIEN_OK ||
                        (st == MIEN_ERR_NO_DEVICE && getenv("MIEN_REQUIRE_DEVICE") == NULL),
                    "the device can be opened");
    }
    return cl;
}

static void touch(const struct mien_replay *replay)
{
    const size_t floats = replay->images * (size_t)replay->shape[0] * (size_t)replay->shape[1] *
                          (size_t)replay->shape[2];
    fuzz_touch(replay->device, strlen(replay->device));
    fuzz_touch(replay->driver, strlen(replay->driver));
    fuzz_touch(replay->found, strlen(replay->found));
    fuzz_touch(replay->input, floats * sizeof(float));
    fuzz_touch(replay->labels[0], replay->images * sizeof(int32_t));
    fuzz_touch(replay->labels[1], replay->images * sizeof(int32_t));
    fuzz_touch(replay->seconds, replay->batches * sizeof(float));
    fuzz_touch(replay->share, replay->batches * sizeof(float));
    for (size_t i = 0; i < 2 * replay->images; i++) {
        const int32_t label = replay->labels[i / replay->images][i % replay->images];
        fuzz_expect(label >= 0 && label < replay->file.class_count,
                    "a label is one of the classes");
    }
    if (replay->class_shares != NULL) {
        fuzz_touch(replay->class_shares,
                   replay->images * (size_t)replay->file.class_count * sizeof(float));
    }
    if (replay->class_weights != NULL) {
        fuzz_touch(replay->class_weights, (size_t)replay->file.class_count * sizeof(float));
    }
}

/* The step itself, where it is one of a network like that of the corpus: each other one is compiled
 * for anew. */
static void repeat(const struct mien_replay *replay, struct mien_cl *cl)
{
    const struct mien_network *const network = replay->file.network;
    struct mien_nonfinite found = { .count = 0 };
    struct mien_error err = { "" };
    if (replay->images > MOST_IMAGES || replay->batch > MOST_IMAGES ||
        network->parameters > MOST_FLOATS || network->layer_count > MOST_LAYERS ||
        network->input.h > 8 || network->input.w > 8) {
        return;
    }
    const enum mien_status st =
        mien_replay_run(&found, replay, cl, replay->blas, &replay->tuning, &err);
    fuzz_outcome(st, st == MIEN_OK ? &found : NULL, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_replay replay;
    struct mien_error err = { "" };
    const enum mien_status st = mien_replay_read(&replay, fuzz_file(data, size), &err);
    fuzz_outcome(st, st == MIEN_OK ? &replay : NULL, &err);
    if (st == MIEN_OK) {
        fuzz_expect(replay.images > 0 && replay.batches > 0, "a step has images");
        touch(&replay);
        if (shared_device() != NULL) {
            repeat(&replay, shared_device());
        }
    } else {
        fuzz_expect(replay.input == NULL && replay.device == NULL, "an error leaves nothing");
    }
    mien_replay_finish(&replay);
    return 0;
}
