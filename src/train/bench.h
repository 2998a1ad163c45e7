/** bench.h - whole training steps, measured on made-up data (internal) */
#ifndef MIEN_TRAIN_BENCH_H
#define MIEN_TRAIN_BENCH_H

#include "nn/model.h"
#include "train/model_file.h"
#include "tune/measure.h"

struct mien_bench_options {
    int warmup; /**< steps that are not measured, >= 1: kernels are compiled in the first */
    int repeat; /**< steps that are, >= 1 */
    enum mien_blas blas;
    const struct mien_tuning *tuning; /**< borrowed; NULL: defaults */
    const struct mien_log *log;       /**< progress; may be NULL */
};

/** Steps as a training run makes them: gather, forward, loss, backward, optimiser. */
struct mien_bench_step {
    int batch;
    struct mien_times step; /**< wall time of a step that is waited for */
    double flow_ms;         /**< wall time of a step among as many that are not waited for */
    double flop;            /**< of a step: three times the network's forward pass, six with sam */
    double loss;            /**< mean over all steps; the data is noise, so only that it is finite
                                 says something */
    size_t device_bytes;    /**< allocated on the device */
};

/**
 * Measure steps of a model with the batch of its recipe.
 *
 * Errors  MIEN_ERR_MEMORY, MIEN_ERR_CL, MIEN_ERR_SHAPE, MIEN_ERR_USAGE (blas; channels other than
 * those of the recipe are no images)
 */
MIEN_CHECK_RESULT
enum mien_status mien_bench_step(struct mien_bench_step *out, struct mien_cl *cl,
                                 struct mien_model_file *file,
                                 const struct mien_bench_options *options, struct mien_error *err);

/** What the device did under one label, in one step. */
struct mien_bench_pass {
    char label[96];           /**< "conv2 backward filter", "batch", "loss", "optimizer" */
    struct mien_times device; /**< of its launches, added up in each step */
    int launches, slices;     /**< in a step; commands that those were enqueued as */
    double flop, bytes;       /**< see struct mien_cost; 0 where it is not known */
};

struct mien_bench_passes {
    struct mien_bench_pass *items; /**< in the order of the step */
    size_t count;
    struct mien_times device, idle; /**< of a whole step: all launches; the gaps between them */
};

/**
 * Measure what the parts of a step take on the device, which was opened with `profile`.
 *
 * Ownership  release with mien_bench_passes_finish(), also after an error
 * Errors     as mien_bench_step()
 */
MIEN_CHECK_RESULT
enum mien_status mien_bench_passes(struct mien_bench_passes *out, struct mien_cl *cl,
                                   struct mien_model_file *file,
                                   const struct mien_bench_options *options,
                                   struct mien_error *err);
void mien_bench_passes_finish(struct mien_bench_passes *passes);

#endif
