/* known.c - a tiny training run whose losses are known */
#include "train/known.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "train/trainer.h"

/* Twelve steps in float32 against float64: some 1e-7 where all is well. */
#define TOLERANCE 1e-5
enum { IMAGES = 32, SIDE = 12, CLASSES = 3, PARTS = 4, IMAGE_SEED = 3000, WEIGHT_SEED = 1000 };

static const char recipe_text[] =
    "input: { channels: 1, height: 12, width: 12 }\n"
    "normalize: { mean: 0.5, std: 0.25 }\n"
    "layers: [ conv 8 3x3 pad 1 bias no, batchnorm, relu, maxpool 2, conv 8 3x3 pad 1, relu,\n"
    "          flatten, dense classes ]\n"
    "train: { batch: 9, epochs: 3, label_smoothing: 0.1,\n"
    "         optimizer: { rate: 0.05, momentum: 0.9, nesterov: yes, weight_decay: 0.01 } }\n";

const double mien_known_losses[MIEN_KNOWN_STEPS] = {
    1.14797511623,  2.32050712467,  1.0147134229,   0.532224079807, 0.382992384071, 0.372640494707,
    0.373823685906, 0.356106885203, 0.327917923618, 0.323267730356, 0.305312838017, 0.295776302905
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Noise with a bright band whose place is the class. */
static void draw_images(uint8_t *pixels, int32_t *labels)
{
    uint32_t state = IMAGE_SEED;
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % CLASSES;
        for (int at = 0; at < SIDE * SIDE; at++) {
            const bool bright = at / SIDE / PARTS == labels[i];
            *pixels++ = (uint8_t)((next_random(&state) >> 17) + (bright ? 100u : 0u));
        }
    }
}

/* Uniform in +-1/sqrt(fan_in), a tensor after the other; batch norm's stay as they begin. */
static void draw_weights(float *weights, const struct mien_network *network)
{
    for (size_t p = 0; p < network->param_count; p++) {
        const struct mien_param *const param = &network->params[p];
        if (strncmp(param->name, "batchnorm", strlen("batchnorm")) == 0) {
            continue;
        }
        const size_t fan_in = param->rank > 1 ? param->count / (size_t)param->shape[0] : 1;
        uint32_t state = WEIGHT_SEED + (uint32_t)p;
        for (size_t i = 0; i < param->count; i++) {
            const double part = (double)next_random(&state) / (double)(1 << 24) - 0.5;
            weights[param->offset + i] = (float)(part * 2.0 / sqrt((double)fan_in));
        }
    }
}

/* Note how far a step's loss is from the known one. */
static void compare(struct mien_finding *finding, size_t step, double loss)
{
    char where[32];
    (void)snprintf(where, sizeof(where), "loss of step %zu", step + 1);
    mien_compare_one(finding, (float)loss, (float)mien_known_losses[step],
                     (float)mien_known_losses[step], where);
}

static enum mien_status train(struct mien_finding *finding, struct mien_trainer *trainer,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_softmax_stats before = { .loss = 0.0 };
    const size_t steps = mien_trainer_steps(trainer);
    for (size_t at = 0; at < MIEN_KNOWN_STEPS; at++) {
        struct mien_softmax_stats stats;
        trainer->position.epoch = (int)(at / steps);
        trainer->position.step = at % steps;
        if (trainer->position.step == 0) {
            before = (struct mien_softmax_stats){ .loss = 0.0 };
            TRY(mien_trainer_begin_epoch(trainer, err));
        }
        TRY(mien_trainer_step(trainer, err));
        TRY(mien_trainer_stats(&stats, trainer, err));
        compare(finding, at, mien_softmax_mean_loss(&stats, &before));
        before = stats;
    }

done:
    return st;
}

enum mien_status mien_known_run(struct mien_verdicts *out, struct mien_cl *cl,
                                const struct mien_tuning *tuning, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    static const char *const classes[CLASSES] = { "top", "middle", "bottom" };
    uint8_t pixels[IMAGES * SIDE * SIDE];
    int32_t labels[IMAGES];
    struct mien_recipe *recipe = NULL;
    struct mien_model_file file = { .recipe = NULL };
    struct mien_trainer trainer = { .cl = NULL };
    struct mien_error refused = { "" };
    struct mien_finding finding = { .tolerance = TOLERANCE };
    const struct mien_trainer_options options = { .tuning = tuning, .shuffle = false };
    const struct mien_dataset set = {
        .count = IMAGES,
        .channels = 1,
        .height = SIDE,
        .width = SIDE,
        .images = pixels,
        .labels = labels,
        .class_count = CLASSES,
        .classes = (char **)(uintptr_t)classes, /* which nobody writes to */
        .splits = { { 0, IMAGES }, { IMAGES, 0 }, { IMAGES, 0 } },
    };
    draw_images(pixels, labels);
    TRY(mien_recipe_parse(&recipe, recipe_text, strlen(recipe_text), "known", NULL, 0, err));
    TRY(mien_model_file_create(&file, recipe, set.classes, CLASSES, err));
    draw_weights(file.weights, file.network);
    const double start_ms = mien_now_ms();
    st = mien_trainer_init(&trainer, cl, &file, &set, &options, &refused);
    st = st == MIEN_OK ? train(&finding, &trainer, &refused) : st;
    if (st != MIEN_OK) {
        mien_finding_note(&finding, MIEN_FAULT_REFUSED, "%.250s", refused.text);
    }
    st = mien_verdicts_add(out, MIEN_KNOWN_NAME, "", &finding, "12 steps of a small network",
                           mien_now_ms() - start_ms, err);

done:
    mien_trainer_finish(&trainer);
    mien_model_file_finish(&file);
    return st;
}
