/* bench.c - whole training steps, measured on made-up data */
#include "train/bench.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "nn/cost.h"
#include "train/made_up.h"
#include "train/trainer.h"

/* Batches of the made-up set: enough that a step does not find the last one's images in a cache. */
enum { BATCHES = 4 };

/* A set in memory that lives on the device like any other, and a model in training on it. */
struct bench {
    struct mien_made_up made_up;
    struct mien_trainer trainer;
};

static void finish(struct bench *bench)
{
    mien_trainer_finish(&bench->trainer);
    mien_made_up_finish(&bench->made_up);
}

/* One step; the epoch never ends, so that nothing but steps is measured. */
static enum mien_status step(struct bench *bench, struct mien_error *err)
{
    if (bench->trainer.position.step == mien_trainer_steps(&bench->trainer)) {
        bench->trainer.position.step = 0;
    }
    return mien_trainer_step(&bench->trainer, err);
}

/* Everything up to the first measured step; `bench` is zeroed before. */
static enum mien_status begin(struct bench *bench, struct mien_cl *cl, struct mien_model_file *file,
                              const struct mien_bench_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_trainer_options training = { .blas = options->blas,
                                                   .tuning = options->tuning,
                                                   .shuffle = true };
    TRY(mien_made_up_init(&bench->made_up, file, BATCHES, err));
    TRY(mien_trainer_init(&bench->trainer, cl, file, &bench->made_up.set, &training, err));
    TRY(mien_trainer_begin_epoch(&bench->trainer, err));
    for (int i = 0; i < options->warmup; i++) {
        TRY(step(bench, err));
    }
    TRY(mien_cl_finish(cl, err));

done:
    return st;
}

/* Forward and backward: sharpness-aware minimisation takes two of both with each batch. */
static double passes_of_batch(const struct mien_recipe *recipe)
{
    return recipe->train.sam > 0.0f ? 2.0 : 1.0;
}

static double step_flop(const struct mien_model_file *file, int images)
{
    double flop = 0.0;
    for (size_t i = 0; i < file->network->layer_count; i++) {
        flop += file->network->layers[i].flop;
    }
    return 3.0 * passes_of_batch(file->recipe) * flop * images;
}

enum mien_status mien_bench_step(struct mien_bench_step *out, struct mien_cl *cl,
                                 struct mien_model_file *file,
                                 const struct mien_bench_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct bench bench = { .made_up = { .images = NULL } };
    struct mien_softmax_stats stats;
    double *const ms = mien_calloc((size_t)options->repeat, sizeof(*ms), err);
    if (ms == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(begin(&bench, cl, file, options, err));
    for (int i = 0; i < options->repeat; i++) {
        const double start_ms = mien_now_ms();
        TRY(step(&bench, err));
        TRY(mien_cl_finish(cl, err));
        ms[i] = mien_now_ms() - start_ms;
        mien_log_progress(options->log, "steps", (size_t)i + 1, (size_t)options->repeat);
    }
    const double start_ms = mien_now_ms();
    for (int i = 0; i < options->repeat; i++) {
        TRY(step(&bench, err));
    }
    TRY(mien_cl_finish(cl, err));
    out->flow_ms = (mien_now_ms() - start_ms) / options->repeat;
    TRY(mien_trainer_stats(&stats, &bench.trainer, err));
    mien_times_of(&out->step, ms, (size_t)options->repeat);
    out->batch = (int)mien_trainer_step_images(&bench.trainer);
    out->flop = step_flop(file, out->batch);
    out->loss = stats.loss / stats.weight;
    out->device_bytes = mien_cl_bytes(cl);

done:
    finish(&bench);
    free(ms);
    return st;
}

/* Times of one step after the other under each label, before they are summed up. */
struct ledger {
    struct mien_bench_passes *passes;
    double *ms; /* [room][repeat] */
    size_t room, repeat;
};

static struct mien_bench_pass *find_pass(struct ledger *ledger, const char *label,
                                         struct mien_error *err)
{
    struct mien_bench_passes *const passes = ledger->passes;
    for (size_t i = 0; i < passes->count; i++) {
        if (strcmp(passes->items[i].label, label) == 0) {
            return &passes->items[i];
        }
    }
    if (passes->count == ledger->room) {
        const size_t room = ledger->room == 0 ? 64 : ledger->room * 2;
        void *const items = mien_realloc(passes->items, room, sizeof(*passes->items), err);
        if (items == NULL) {
            return NULL;
        }
        passes->items = items;
        size_t bytes = 0;
        void *const ms = mien_size_mul(&bytes, ledger->repeat, sizeof(*ledger->ms))
                             ? mien_realloc(ledger->ms, room, bytes, err)
                             : NULL;
        if (ms == NULL) {
            return NULL;
        }
        ledger->ms = ms;
        ledger->room = room;
    }
    assert(ledger->ms != NULL); /* there is room */
    struct mien_bench_pass *const pass = &passes->items[passes->count];
    *pass = (struct mien_bench_pass){ .launches = 0 };
    (void)snprintf(pass->label, sizeof(pass->label), "%s", label);
    memset(ledger->ms + passes->count * ledger->repeat, 0, ledger->repeat * sizeof(*ledger->ms));
    passes->count++;
    return pass;
}

static enum mien_status enter(struct ledger *ledger, size_t step_index,
                              const struct mien_cl_sample *samples, size_t count,
                              struct mien_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct mien_bench_pass *const pass = find_pass(ledger, samples[i].label, err);
        if (pass == NULL) {
            return MIEN_ERR_MEMORY;
        }
        assert(ledger->ms != NULL); /* it was made with the passes */
        const size_t index = (size_t)(pass - ledger->passes->items);
        ledger->ms[index * ledger->repeat + step_index] += mien_device_ms(&samples[i], 1);
        pass->launches += step_index == 0 ? 1 : 0;
        pass->slices += step_index == 0 ? (int)samples[i].slices : 0;
    }
    return MIEN_OK;
}

/* Of a step. */
static double batches_of(const struct bench *bench)
{
    return (double)bench->trainer.file->recipe->train.accumulate;
}

static double passes_of(const struct bench *bench)
{
    return batches_of(bench) * passes_of_batch(bench->trainer.file->recipe);
}

/* What the parts around the network's own passes cannot do without. */
static void add_trainer_costs(struct mien_bench_passes *passes, const struct bench *bench)
{
    const struct mien_model *const model = bench->trainer.model;
    const int n = mien_model_batch(model);
    const double batches = batches_of(bench);
    const double bytes = (double)mien_cl_buffer_bytes(mien_model_values(model));
    const struct mien_act in = mien_model_input_act(model, n);
    const struct mien_act out = mien_model_output_act(model, n);
    double flat = 3.0 * bytes; /* parameters read and written, gradients read */
    for (int i = 0; mien_optimizer_state(bench->trainer.optimizer, i) != NULL; i++) {
        flat +=
            2.0 * (double)mien_cl_buffer_bytes(mien_optimizer_state(bench->trainer.optimizer, i));
    }
    const struct mien_cost costs[] = {
        { "batch", 0.0,
          batches * ((double)in.n * in.c * in.h * in.w +
                     (double)mien_act_floats(&in) * sizeof(cl_float)) },
        { "loss", 0.0, passes_of(bench) * 2.0 * (double)mien_act_floats(&out) * sizeof(cl_float) },
        { "sharpness", 0.0, batches * 9.0 * bytes }, /* norm 1, up 4, back 4 */
        { "accumulate", 0.0, (3.0 * batches - 1.0) * bytes },
        { "clip", 0.0, bytes },
        { "guard", 0.0, bytes },
        { "optimizer", 0.0, flat },
        { "average", 0.0, 3.0 * bytes },
    };
    for (size_t i = 0; i < passes->count; i++) {
        for (size_t k = 0; k < sizeof(costs) / sizeof(costs[0]); k++) {
            if (strcmp(passes->items[i].label, costs[k].label) == 0) {
                passes->items[i].bytes = costs[k].bytes;
            }
        }
    }
}

static enum mien_status add_costs(struct mien_bench_passes *passes, const struct bench *bench,
                                  struct mien_error *err)
{
    struct mien_cost *costs = NULL;
    size_t count = 0;
    const enum mien_status st = mien_model_costs(&costs, &count, bench->trainer.model, err);
    for (size_t i = 0; st == MIEN_OK && i < passes->count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (strcmp(passes->items[i].label, costs[k].label) == 0) {
                passes->items[i].flop = costs[k].flop * passes_of(bench);
                passes->items[i].bytes = costs[k].bytes * passes_of(bench);
            }
        }
    }
    add_trainer_costs(passes, bench);
    free(costs);
    return st;
}

enum mien_status mien_bench_passes(struct mien_bench_passes *out, struct mien_cl *cl,
                                   struct mien_model_file *file,
                                   const struct mien_bench_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct bench bench = { .made_up = { .images = NULL } };
    struct ledger ledger = { .passes = out, .repeat = (size_t)options->repeat };
    const struct mien_cl_sample *samples = NULL;
    size_t count = 0;
    *out = (struct mien_bench_passes){ .items = NULL };
    double *const whole = mien_calloc(ledger.repeat * 2, sizeof(*whole), err);
    if (whole == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(begin(&bench, cl, file, options, err));
    TRY(mien_cl_profile(cl, &samples, &count, err)); /* the warm-up's */
    for (size_t i = 0; i < ledger.repeat; i++) {
        TRY(step(&bench, err));
        TRY(mien_cl_profile(cl, &samples, &count, err));
        TRY(enter(&ledger, i, samples, count, err));
        mien_log_progress(options->log, "layers", i + 1, ledger.repeat);
        whole[i] = mien_device_ms(samples, count);
        whole[ledger.repeat + i] = mien_idle_ms(samples, count);
    }
    for (size_t i = 0; i < out->count; i++) {
        mien_times_of(&out->items[i].device, ledger.ms + i * ledger.repeat, ledger.repeat);
    }
    mien_times_of(&out->device, whole, ledger.repeat);
    mien_times_of(&out->idle, whole + ledger.repeat, ledger.repeat);
    TRY(add_costs(out, &bench, err));

done:
    finish(&bench);
    free(ledger.ms);
    free(whole);
    return st;
}

void mien_bench_passes_finish(struct mien_bench_passes *passes)
{
    free(passes->items);
    *passes = (struct mien_bench_passes){ .items = NULL };
}
