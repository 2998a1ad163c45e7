/** trainer.h - a model in training: steps, epochs, and the state that a checkpoint holds (internal)
 */
#ifndef MIEN_TRAIN_TRAINER_H
#define MIEN_TRAIN_TRAINER_H

#include "nn/schedule.h"
#include "ops/guard.h"
#include "ops/softmax.h"
#include "train/batch.h"
#include "train/loader.h"
#include "train/model_file.h"
#include "train/optimizer.h"

struct mien_trainer_options {
    enum mien_blas blas;
    const struct mien_tuning *tuning; /**< borrowed for the call; NULL: defaults */
    bool shuffle;                     /**< false: every epoch takes the images in their order */
    size_t device_bytes;              /**< for the data set, see struct mien_loader_options */
};

/** How far a run is.  Plain data; saved with a checkpoint. */
struct mien_position {
    int epoch;      /**< epochs completed */
    size_t step;    /**< optimiser steps made in the epoch that is under way */
    int best_epoch; /**< the one with the best accuracy so far, from 1; 0: none yet */
    double best_accuracy;
    double train_accuracy; /**< of the last epoch completed; 0: none yet */
    struct mien_plateau plateau;
};

/**
 * Everything a training run needs on its device.  Fields are for reading; `position` is the run's
 * to write.
 */
struct mien_trainer {
    struct mien_cl *cl;             /**< borrowed */
    const struct mien_dataset *set; /**< borrowed */
    struct mien_model_file *file;   /**< borrowed: recipe, network, classes; its weights mirror the
                                       device   after mien_trainer_download() */
    struct mien_trainer_options options;
    struct mien_model *model;
    struct mien_loader *loader;
    struct mien_optimizer *optimizer;
    struct mien_sharpness sharpness;
    struct mien_cl_buffer *stats;         /**< of the epoch that is under way */
    struct mien_cl_buffer *class_weights; /**< [classes] float32; NULL: all count the same */
    float *class_weight_values;           /**< the same in host memory; owned */
    struct mien_cl_buffer *guard;         /**< whether a step's numbers were not finite */
    struct mien_guard guards[2]; /**< as the last two batches left it, once they are done */
    int guard_next;              /**< of guards: the one for the batch to come */
    struct mien_cl_mark *before; /**< the end of the batch before the last */
    struct mien_position position;
};

/** Device memory of training beside the model: the optimiser's state and what sharpness-aware
 * minimisation keeps; batches, class weights and statistics.  The data set comes on top, see
 * mien_loader_image_bytes(). */
struct mien_trainer_memory {
    size_t optimizer, batches;
};
struct mien_trainer_memory mien_trainer_plan(const struct mien_network *network,
                                             const struct mien_recipe *recipe, int batch);

/**
 * See that a recipe's data suits it, before anything is made for it.
 *
 * where   what errors call the data; may be NULL
 * Errors  MIEN_ERR_FORMAT: no training images; no target distributions for a recipe that learns
 * from them; a class that it weighs and that is not there; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_trainer_check_data(const struct mien_recipe *recipe,
                                         const struct mien_dataset *set, const char *where,
                                         struct mien_error *err);

/**
 * Put a model with its weights, a data set and an optimiser on the device.
 *
 * Ownership  release with mien_trainer_finish(), also after an error
 * Errors     MIEN_ERR_MEMORY, MIEN_ERR_CL; MIEN_ERR_FORMAT as mien_trainer_check_data()
 */
MIEN_CHECK_RESULT
enum mien_status mien_trainer_init(struct mien_trainer *trainer, struct mien_cl *cl,
                                   struct mien_model_file *file, const struct mien_dataset *set,
                                   const struct mien_trainer_options *options,
                                   struct mien_error *err);
void mien_trainer_finish(struct mien_trainer *trainer);

/** Images of a step: the batch times the batches that it accumulates. */
size_t mien_trainer_step_images(const struct mien_trainer *trainer);

/** Optimiser steps of an epoch; the last may have fewer images than the others. */
size_t mien_trainer_steps(const struct mien_trainer *trainer);

/** The learning rate of the step to come. */
float mien_trainer_rate(const struct mien_trainer *trainer);

/**
 * Draw the order and the changes of the images of the epoch under way, and forget the sums of the
 * one before unless steps of this one were made already (a resumed run).
 */
MIEN_CHECK_RESULT
enum mien_status mien_trainer_begin_epoch(struct mien_trainer *trainer, struct mien_error *err);

/**
 * Enqueue the next step: gather, forward, loss and backward of each of its batches, optimiser.
 * Waits only for the batch before the last, so that the queue never runs dry and never runs away.
 *
 * A batch counts by its part of the step's images (of their class weights), so the gradients are
 * those of one batch of all of them; batch norm takes the statistics of each batch.
 */
MIEN_CHECK_RESULT
enum mien_status mien_trainer_step(struct mien_trainer *trainer, struct mien_error *err);
/** The same at a rate of the caller's. */
MIEN_CHECK_RESULT
enum mien_status mien_trainer_step_at(struct mien_trainer *trainer, float rate,
                                      struct mien_error *err);

/** Batches of a step of the epoch, from 0. */
size_t mien_trainer_step_batches(const struct mien_trainer *trainer, size_t step);
/** Enqueue: one of them, from 0, into the model's input; *out is what to do with it. */
MIEN_CHECK_RESULT
enum mien_status mien_trainer_load(struct mien_batch *out, struct mien_trainer *trainer,
                                   size_t step, size_t index, struct mien_error *err);

/**
 * What is known without waiting of the first step of the epoch whose loss or gradient is not
 * finite; its number is from 1.  The device tells it of the batch before the last, and has left
 * weights and optimiser as they were before that step.
 */
const struct mien_guard *mien_trainer_guard_seen(const struct mien_trainer *trainer);
/** The same of all steps made so far; waits for the device. */
MIEN_CHECK_RESULT
enum mien_status mien_trainer_guard(struct mien_guard *out, struct mien_trainer *trainer,
                                    struct mien_error *err);

/** Sums over the epoch's steps so far; waits for the device. */
MIEN_CHECK_RESULT
enum mien_status mien_trainer_stats(struct mien_softmax_stats *out, struct mien_trainer *trainer,
                                    struct mien_error *err);

/**
 * Copy the device's weights into trainer->file->weights: their moving average where the recipe asks
 * for one, else those in training.
 *
 * Errors  MIEN_ERR_NOT_FINITE: a weight, named, in training or averaged; MIEN_ERR_CL,
 * MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_trainer_download(struct mien_trainer *trainer, struct mien_error *err);

#endif
