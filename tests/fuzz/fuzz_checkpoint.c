/*
 * fuzz_checkpoint.c - checkpoints to go on from: what the host reads, and the state for the device
 *
 * Where there is no device only the first part runs.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "train/checkpoint.h"

enum { SIDE = 3, IMAGES = 8, CLASSES = 7 };

/* That of tests/fuzz/make_corpus.py. */
static const char recipe[] =
    "input: { channels: 1, height: 3, width: 3 }\n"
    "layers: [ conv 2 2x2, batchnorm, relu, flatten, dense classes ]\n"
    "train: { batch: 4, epochs: 1, ema: 0.5, optimizer: { kind: adam, rate: 0.01 } }\n";

static char names[CLASSES][2] = { "a", "b", "c", "d", "e", "f", "g" };
static char *classes[CLASSES] = { names[0], names[1], names[2], names[3],
                                  names[4], names[5], names[6] };
static const uint8_t images[IMAGES * SIDE * SIDE];
static const int32_t labels[IMAGES];
static const struct mien_dataset set = {
    .count = IMAGES,
    .channels = 1,
    .height = SIDE,
    .width = SIDE,
    .images = images,
    .labels = labels,
    .class_count = CLASSES,
    .classes = classes,
    .splits = { { 0, IMAGES }, { IMAGES, 0 }, { IMAGES, 0 } },
    .fingerprint = 1,
};
static const struct mien_trainer_options options = { .shuffle = true };

/* One for the whole process; NULL without a device. */
static struct mien_trainer *shared_trainer(void)
{
    static bool tried;
    static bool there;
    static struct mien_cl *cl;
    static struct mien_model_file file;
    static struct mien_trainer trainer;
    if (tried) {
        return there ? &trainer : NULL;
    }
    tried = true;
    struct mien_error err = { "" };
    struct mien_recipe *parsed = NULL;
    const enum mien_status st = mien_cl_open(&cl, NULL, &err);
    if (st == MIEN_ERR_NO_DEVICE && getenv("MIEN_REQUIRE_DEVICE") == NULL) {
        return NULL;
    }
    fuzz_expect(st == MIEN_OK, "the device can be opened");
    fuzz_expect(mien_recipe_parse(&parsed, recipe, strlen(recipe), "", NULL, 0, &err) == MIEN_OK &&
                    mien_model_file_create(&file, parsed, classes, CLASSES, &err) == MIEN_OK &&
                    mien_trainer_init(&trainer, cl, &file, &set, &options, &err) == MIEN_OK,
                "there is a trainer");
    there = true;
    return &trainer;
}

/* Also the first step after it, wherever in the epoch that is. */
static void restore(struct mien_trainer *trainer, const char *path)
{
    struct mien_error err = { "" };
    enum mien_status st = mien_checkpoint_restore(trainer, path, &err);
    fuzz_outcome(st, st == MIEN_OK ? trainer : NULL, &err);
    if (st != MIEN_OK) {
        return;
    }
    fuzz_expect(trainer->position.step <= mien_trainer_steps(trainer), "the step is in the epoch");
    st = mien_trainer_begin_epoch(trainer, &err);
    if (st == MIEN_OK && trainer->position.step < mien_trainer_steps(trainer)) {
        st = mien_trainer_step(trainer, &err);
    }
    fuzz_outcome(st, st == MIEN_OK ? trainer : NULL, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const path = fuzz_file(data, size);
    struct mien_trainer *const trainer = shared_trainer();
    struct mien_error err = { "" };
    struct mien_tuning tuning = { .entries = NULL };
    bool shuffled = false;
    enum mien_status st = mien_checkpoint_tuning(&tuning, path, &err);
    fuzz_outcome(st, st == MIEN_OK ? &tuning : NULL, &err);
    mien_tuning_finish(&tuning);
    st = mien_checkpoint_shuffled(&shuffled, path, &err);
    fuzz_outcome(st, st == MIEN_OK ? &shuffled : NULL, &err);
    if (trainer != NULL) {
        restore(trainer, path);
    }
    return 0;
}
