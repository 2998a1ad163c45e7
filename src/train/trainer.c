/* trainer.c - a model in training: steps and epochs */
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "nn/weights.h"
#include "train/class_weights.h"

struct mien_trainer_memory mien_trainer_plan(const struct mien_network *network,
                                             const struct mien_recipe *recipe, int batch)
{
    return (struct mien_trainer_memory){
        .optimizer = mien_optimizer_bytes(&recipe->train, network->flat_floats) +
                     mien_sharpness_bytes(recipe->train.sam, network->flat_floats),
        .batches = mien_loader_batch_bytes(recipe, network->classes, batch) +
                   (mien_weighs_classes(recipe) ? (size_t)network->classes * sizeof(cl_float) : 0) +
                   mien_softmax_stats_bytes(batch) + sizeof(struct mien_guard),
    };
}

/* What training takes at least beside the model, the data set not being on the device. */
static size_t beside_model(const struct mien_network *network, const struct mien_recipe *recipe,
                           int batch)
{
    const struct mien_trainer_memory plan = mien_trainer_plan(network, recipe, batch);
    return plan.optimizer + plan.batches -
           mien_loader_batch_bytes(recipe, network->classes, batch) +
           mien_loader_least_bytes(recipe, network->classes, batch) +
           mien_softmax_stats_bytes(batch); /* of an evaluation */
}

static enum mien_status create_class_weights(struct mien_trainer *trainer, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_dataset *const set = trainer->set;
    const size_t classes = (size_t)set->class_count;
    if (!mien_weighs_classes(trainer->file->recipe)) {
        return MIEN_OK;
    }
    float *const weights = mien_calloc(classes, sizeof(*weights), err);
    trainer->class_weight_values = weights;
    if (weights == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_weigh_classes(weights, trainer->file->recipe, set, err));
    TRY(mien_cl_buffer_create(&trainer->class_weights, trainer->cl, classes * sizeof(*weights),
                              err));
    TRY(mien_cl_write(trainer->cl, trainer->class_weights, 0, weights, classes * sizeof(*weights),
                      err));

done:
    return st;
}

static enum mien_status check_data(const struct mien_recipe *recipe, const struct mien_dataset *set,
                                   struct mien_error *err)
{
    if (set->splits[MIEN_SPLIT_TRAIN].count == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "the data has no training images");
    }
    if (recipe->train.soft_targets > 0.0f && set->targets == NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "the recipe learns from target distributions (train.soft_targets), and "
                         "the data has none; mien pack --targets adds them");
    }
    return MIEN_OK;
}

enum mien_status mien_trainer_check_data(const struct mien_recipe *recipe,
                                         const struct mien_dataset *set, const char *where,
                                         struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    float *const weights = mien_calloc((size_t)set->class_count, sizeof(*weights), err);
    if (weights == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(check_data(recipe, set, err));
    TRY(mien_weigh_classes(weights, recipe, set, err));

done:
    free(weights);
    return st == MIEN_OK || where == NULL ? st : mien_wrap(err, st, "%s", where);
}

enum mien_status mien_trainer_init(struct mien_trainer *trainer, struct mien_cl *cl,
                                   struct mien_model_file *file, const struct mien_dataset *set,
                                   const struct mien_trainer_options *options,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_recipe *const recipe = file->recipe;
    *trainer = (struct mien_trainer){ .cl = cl, .set = set, .file = file, .options = *options };
    const size_t images = set->splits[MIEN_SPLIT_TRAIN].count;
    TRY(check_data(recipe, set, err)); /* its classes below */
    const int batch = images < (size_t)recipe->train.batch ? (int)images : recipe->train.batch;
    const struct mien_model_options model = {
        .batch = batch,
        .train = true,
        .again = recipe->train.sam > 0.0f,
        .blas = options->blas,
        .tuning = options->tuning,
        .beside_bytes = beside_model(file->network, recipe, batch),
    };
    const struct mien_loader_options loader = {
        .batch = batch,
        .recipe = recipe,
        .device_bytes = options->device_bytes,
        .targets = recipe->train.soft_targets > 0.0f,
    };
    TRY(mien_model_create(&trainer->model, cl, file->network, &model, err));
    trainer->options.tuning = NULL;
    TRY(mien_weights_upload(trainer->model, file->weights, err));
    TRY(mien_optimizer_create(&trainer->optimizer, trainer->model, &recipe->train, err));
    TRY(mien_optimizer_average_start(trainer->optimizer, file->weights, err));
    TRY(mien_sharpness_init(&trainer->sharpness, trainer->model, recipe->train.sam, err));
    TRY(mien_loader_create(&trainer->loader, cl, set, &loader, err));
    TRY(mien_cl_buffer_create(&trainer->stats, cl, mien_softmax_stats_bytes(batch), err));
    TRY(mien_softmax_stats_reset(cl, trainer->stats, err));
    TRY(mien_cl_buffer_create(&trainer->guard, cl, sizeof(struct mien_guard), err));
    TRY(mien_cl_fill(cl, trainer->guard, 0, err));
    TRY(create_class_weights(trainer, err));

done:
    return st;
}

void mien_trainer_finish(struct mien_trainer *trainer)
{
    if (trainer->cl != NULL) {
        mien_cl_drain(trainer->cl);
    }
    mien_cl_mark_drop(&trainer->before);
    mien_cl_buffer_destroy(trainer->stats);
    mien_cl_buffer_destroy(trainer->guard);
    mien_cl_buffer_destroy(trainer->class_weights);
    free(trainer->class_weight_values);
    mien_loader_destroy(trainer->loader);
    mien_sharpness_finish(&trainer->sharpness);
    mien_optimizer_destroy(trainer->optimizer);
    mien_model_destroy(trainer->model);
    *trainer = (struct mien_trainer){ 0 };
}

size_t mien_trainer_step_images(const struct mien_trainer *trainer)
{
    const struct mien_train_spec *const spec = &trainer->file->recipe->train;
    return (size_t)mien_model_batch(trainer->model) * (size_t)spec->accumulate;
}

size_t mien_trainer_steps(const struct mien_trainer *trainer)
{
    const size_t images = trainer->set->splits[MIEN_SPLIT_TRAIN].count;
    const size_t step = mien_trainer_step_images(trainer);
    return (images + step - 1) / step;
}

float mien_trainer_rate(const struct mien_trainer *trainer)
{
    const struct mien_position *const at = &trainer->position;
    return mien_schedule_rate(&trainer->file->recipe->train, at->epoch, at->step,
                              mien_trainer_steps(trainer), at->plateau.drops);
}

enum mien_status mien_trainer_begin_epoch(struct mien_trainer *trainer, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_loader *const loader = trainer->loader;
    const int epoch = trainer->position.epoch;
    if (trainer->position.step == 0) {
        TRY(mien_softmax_stats_reset(trainer->cl, trainer->stats, err));
    }
    if (trainer->options.shuffle) {
        const uint64_t seed = trainer->file->recipe->train.seed;
        TRY(mien_loader_shuffled(loader, MIEN_SPLIT_TRAIN, seed, epoch, err));
    } else {
        TRY(mien_loader_in_order(loader, MIEN_SPLIT_TRAIN, err));
    }
    mien_loader_augment(loader, epoch);

done:
    return st;
}

/* What the batch from image `first` on draws from: its number in the whole run. */
static struct mien_draw draw_of_batch(const struct mien_trainer *trainer, size_t first)
{
    const size_t batch = (size_t)mien_model_batch(trainer->model);
    const size_t batches = (mien_loader_count(trainer->loader) + batch - 1) / batch;
    const size_t number = (size_t)trainer->position.epoch * batches + first / batch;
    return (struct mien_draw){ trainer->file->recipe->train.seed, (uint32_t)number };
}

static size_t at_most(size_t value, size_t limit)
{
    return value < limit ? value : limit;
}

/* Images of a step of the epoch, of which the last has what is left. */
static size_t images_of_step(const struct mien_trainer *trainer, size_t step)
{
    const size_t most = mien_trainer_step_images(trainer);
    return at_most(mien_loader_count(trainer->loader) - step * most, most);
}

size_t mien_trainer_step_batches(const struct mien_trainer *trainer, size_t step)
{
    const size_t batch = (size_t)mien_model_batch(trainer->model);
    return (images_of_step(trainer, step) + batch - 1) / batch;
}

enum mien_status mien_trainer_load(struct mien_batch *out, struct mien_trainer *trainer,
                                   size_t step, size_t index, struct mien_error *err)
{
    const size_t batch = (size_t)mien_model_batch(trainer->model);
    const size_t images = images_of_step(trainer, step);
    const size_t step_first = step * mien_trainer_step_images(trainer);
    const size_t first = step_first + index * batch;
    const size_t n = at_most(images - index * batch, batch);
    const float *const weights = trainer->class_weight_values;
    const double whole = mien_loader_weight(trainer->loader, weights, step_first, images);
    const double part = mien_loader_weight(trainer->loader, weights, first, n);
    const enum mien_status st =
        mien_loader_load(trainer->loader, trainer->model, first, (int)n, err);
    *out = (struct mien_batch){
        .n = (int)n,
        .draw = draw_of_batch(trainer, first),
        .smoothing = trainer->file->recipe->train.label_smoothing,
        .second = mien_loader_second(trainer->loader),
        .share = (float)(part / whole),
        .target = { .labels = mien_loader_labels(trainer->loader),
                    .shares = mien_loader_shares(trainer->loader),
                    .weights = trainer->class_weights },
        .stats = trainer->stats,
        .sharpness = &trainer->sharpness,
    };
    return st;
}

/* Wait for the batch before the last, and have what the guard says behind this one. */
static enum mien_status wait_for_batch_before_last(struct mien_trainer *trainer,
                                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl_mark *now = NULL;
    TRY(mien_cl_read_later(trainer->cl, &trainer->guards[trainer->guard_next], trainer->guard, 0,
                           sizeof(trainer->guards[0]), err));
    trainer->guard_next = 1 - trainer->guard_next;
    TRY(mien_cl_mark(&now, trainer->cl, err));
    TRY(mien_cl_mark_wait(&trainer->before, err));
    trainer->before = now;
    now = NULL;

done:
    mien_cl_mark_drop(&now);
    return st;
}

enum mien_status mien_trainer_step_at(struct mien_trainer *trainer, float rate,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_batch batch;
    const size_t step = trainer->position.step;
    const size_t batches = mien_trainer_step_batches(trainer, step);
    for (size_t i = 0; i < batches; i++) {
        TRY(mien_trainer_load(&batch, trainer, step, i, err));
        TRY(mien_batch_run(trainer->model, &batch, err));
        TRY(mien_optimizer_add(trainer->optimizer, i == 0, err));
        if (i + 1 == batches) {
            TRY(mien_optimizer_step(trainer->optimizer, trainer->guard, trainer->stats,
                                    (int)step + 1, rate, err));
        }
        TRY(wait_for_batch_before_last(trainer, err));
    }
    trainer->position.step++;

done:
    return st;
}

enum mien_status mien_trainer_step(struct mien_trainer *trainer, struct mien_error *err)
{
    return mien_trainer_step_at(trainer, mien_trainer_rate(trainer), err);
}

const struct mien_guard *mien_trainer_guard_seen(const struct mien_trainer *trainer)
{
    return &trainer->guards[trainer->guard_next];
}

enum mien_status mien_trainer_guard(struct mien_guard *out, struct mien_trainer *trainer,
                                    struct mien_error *err)
{
    return mien_cl_read(trainer->cl, out, trainer->guard, 0, sizeof(*out), err);
}

enum mien_status mien_trainer_stats(struct mien_softmax_stats *out, struct mien_trainer *trainer,
                                    struct mien_error *err)
{
    return mien_softmax_stats_read(trainer->cl, out, trainer->stats, err);
}

/* Weights that are not finite are lost: they must not take the place of any that are. */
static enum mien_status check_weights(const struct mien_model_file *file, struct mien_error *err)
{
    for (size_t i = 0; i < file->network->param_count; i++) {
        const struct mien_param *const param = &file->network->params[i];
        for (size_t k = 0; k < param->count; k++) {
            if (!isfinite(file->weights[param->offset + k])) {
                return mien_fail(err, MIEN_ERR_NOT_FINITE,
                                 "%s is not finite any more: try a smaller learning rate",
                                 param->name);
            }
        }
    }
    return MIEN_OK;
}

enum mien_status mien_trainer_download(struct mien_trainer *trainer, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_cl_buffer *const average = mien_optimizer_average(trainer->optimizer);
    const size_t bytes = trainer->file->network->flat_floats * sizeof(*trainer->file->weights);
    TRY(mien_weights_download(trainer->file->weights, trainer->model, err));
    TRY(check_weights(trainer->file, err));
    if (average != NULL) {
        TRY(mien_cl_read(trainer->cl, trainer->file->weights, average, 0, bytes, err));
        TRY(check_weights(trainer->file, err));
    }

done:
    return st;
}
