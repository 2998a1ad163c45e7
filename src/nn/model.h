/** model.h - a network on a device: its memory, its weights, forward and backward (internal) */
#ifndef MIEN_NN_MODEL_H
#define MIEN_NN_MODEL_H

#include "nn/network.h"
#include "ops/tensor.h"

struct mien_model;
struct mien_tuning; /* tune/table.h */
struct mien_blas_params;

/** Who computes the products of dense layers. */
enum mien_blas {
    MIEN_BLAS_AUTO, /**< own kernels on CPU devices unless tuning says otherwise, else CLBlast */
    MIEN_BLAS_OWN,  /**< the vector kernels; CPU devices only */
    MIEN_BLAS_CLBLAST,
};

struct mien_model_options {
    int batch;  /**< images of a step, at most; >= 1 */
    bool train; /**< plan memory for the backward pass too */
    bool again; /**< with `train`: a batch may run once more, so its images stay */
    enum mien_blas blas;
    int lanes;          /**< of activations, see ops/tensor.h; 0: what suits the device, or 1 where
                             there is none */
    size_t local_bytes; /**< local memory of the device; 0: what the device has, or no limit where
                              there is none */
    const struct mien_tuning *tuning; /**< of the device, or of the run that goes on; borrowed for
                                           the call; NULL: defaults */
    size_t beside_bytes; /**< device memory that the caller is going to take beside the model, for
                              the check of what fits */
    bool explain; /**< not with `train`: a backward pass through the network as it evaluates, to
                       the gradient of its input instead of its parameters' */
    /** Layers (indices) whose outputs are there after the forward pass and, with `explain`,
     * together with their gradients after the backward pass; each needs a place of its own, and
     * costs the fusion with its ReLU.  Borrowed for the call. */
    const size_t *taps;
    size_t tap_count;
};

/** "auto", "own", "clblast". */
const char *mien_blas_name(enum mien_blas blas);

/** Device memory of a model, in bytes; nothing is allocated later. */
struct mien_model_memory {
    size_t parameters;  /**< weights */
    size_t gradients;   /**< of the weights; 0 without training */
    size_t activations; /**< activations and their gradients, sharing slots by lifetime, and the
                             weights of evaluation with batch norm in them */
    size_t unshared;    /**< what activations would take without sharing */
    size_t scratch;     /**< one work buffer for all kernels */
};

size_t mien_model_memory_bytes(
    const struct mien_model_memory *memory); /**< of all, but `unshared` */

/**
 * See whether a model fits a device.  Some drivers end the program where memory runs out, so what
 * cannot fit must not be tried.
 *
 * beside, taken   bytes that the caller needs too, and that are in use already
 * Errors          MIEN_ERR_MEMORY: what is needed and what there is
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_check_fit(const struct mien_model_memory *memory, int batch,
                                      size_t beside, size_t taken,
                                      const struct mien_device_info *device,
                                      struct mien_error *err);

/**
 * Plan the memory of a network without a device.
 *
 * Errors  MIEN_ERR_SHAPE, MIEN_ERR_USAGE (blas; a tapped layer that is nothing of its own, as
 *         flatten is), MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_plan(struct mien_model_memory *out, const struct mien_network *network,
                                 const struct mien_model_options *options, struct mien_error *err);

/**
 * Put a network on a device; the weights are zero until mien_weights_upload().
 *
 * Ownership  *out is the caller's, release with mien_model_destroy(); NULL on error; `cl` and
 *            `network` are borrowed and must outlive it
 * Errors     MIEN_ERR_MEMORY, MIEN_ERR_SHAPE, MIEN_ERR_USAGE, MIEN_ERR_CL
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_create(struct mien_model **out, struct mien_cl *cl,
                                   const struct mien_network *network,
                                   const struct mien_model_options *options,
                                   struct mien_error *err);
void mien_model_destroy(struct mien_model *model); /* NULL is allowed */

const struct mien_network *mien_model_network(const struct mien_model *model);
const struct mien_model_memory *mien_model_memory(const struct mien_model *model);
int mien_model_batch(const struct mien_model *model);
struct mien_cl *mien_model_cl(const struct mien_model *model);
/** The parameters that CLBlast computes this model's products with; NULL: the device's usual ones,
 * or it has no product of CLBlast. */
const struct mien_blas_params *mien_model_blas(const struct mien_model *model);

/** The flat buffers: parameters and their gradients, network->flat_floats float32 each; borrowed.
 */
struct mien_cl_buffer *mien_model_values(const struct mien_model *model);
struct mien_cl_buffer *mien_model_gradients(
    const struct mien_model *model); /* NULL without training */

/** Where a batch goes in: shape of `n` images, and the buffer; borrowed. */
struct mien_act mien_model_input_act(const struct mien_model *model, int n);
struct mien_cl_buffer *mien_model_input(const struct mien_model *model);
/** What comes out: logits, and where the loss puts their gradient (NULL without training). */
struct mien_act mien_model_output_act(const struct mien_model *model, int n);
struct mien_cl_buffer *mien_model_logits(const struct mien_model *model);
struct mien_cl_buffer *mien_model_logits_gradient(const struct mien_model *model);
/** The gradient of the input, after a backward pass; NULL without `explain`. */
struct mien_cl_buffer *mien_model_input_gradient(const struct mien_model *model);
/** The output of the layer that options.taps[tap] named, and its gradient (NULL without `explain`);
 * borrowed. */
struct mien_act mien_model_tap_act(const struct mien_model *model, size_t tap, int n);
struct mien_cl_buffer *mien_model_tap(const struct mien_model *model, size_t tap);
struct mien_cl_buffer *mien_model_tap_gradient(const struct mien_model *model, size_t tap);

/** What a part of the network has just computed. */
struct mien_computed {
    const char *label; /**< of its launches, see mien_cl_label(): "conv2 backward filter" */
    const char *what;  /**< "output", "gradient of the input", "gradient of conv2.weight" */
    const struct mien_cl_buffer *buffer;
    struct mien_act act; /**< of the parameters' gradients: all numbers in c, one lane */
};

/**
 * Have every result of the passes looked at before the next one is computed, until `look` is NULL;
 * what it returns, where that is no success, ends the pass.
 */
void mien_model_watch(struct mien_model *model,
                      enum mien_status (*look)(void *user, const struct mien_computed *computed,
                                               struct mien_error *err),
                      void *user);

/** What a step draws its random numbers from (dropout): equal ones draw the same. */
struct mien_draw {
    uint64_t seed;
    uint32_t step; /**< of the whole run, so that no two steps draw the same */
};

/**
 * Say that weights are other ones than in the last evaluation.  A batch norm straight behind a
 * convolution or dense layer is part of that one's weights in evaluation: these are computed in
 * front of the first batch after this and after any step of training.  mien_weights_upload() and
 * mien_evaluate() say so.
 */
void mien_model_weights_changed(struct mien_model *model);

/**
 * Enqueue input -> logits for n images, n at most the batch.
 *
 * train   NULL evaluates, see mien_model_weights_changed(); else this is a step of training: what
 *         the backward pass needs is kept, batch norm uses and gathers the batch's statistics, and
 *         dropout drops
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY, with the layer's name
 */
MIEN_CHECK_RESULT
enum mien_status mien_model_forward(struct mien_model *model, int n, const struct mien_draw *train,
                                    struct mien_error *err);
/** Enqueue gradient of the logits -> gradients of all parameters, after a forward pass that was a
 * step of training: it draws what that one drew; of a model to `explain` -> gradient of the input,
 * after a forward pass that was none. */
MIEN_CHECK_RESULT
enum mien_status mien_model_backward(struct mien_model *model, int n, struct mien_error *err);

#endif
