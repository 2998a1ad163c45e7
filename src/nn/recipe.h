/** recipe.h - what a network is and how it is trained, as read from YAML (internal) */
#ifndef MIEN_NN_RECIPE_H
#define MIEN_NN_RECIPE_H

#include <stdbool.h>

#include "base/error.h"

enum mien_layer_kind {
    MIEN_LAYER_CONV,
    MIEN_LAYER_DENSE,
    MIEN_LAYER_RELU,
    MIEN_LAYER_MAXPOOL,
    MIEN_LAYER_AVGPOOL,
    MIEN_LAYER_GLOBALAVGPOOL,
    MIEN_LAYER_FLATTEN,
    MIEN_LAYER_BATCHNORM,
    MIEN_LAYER_DROPOUT,
    MIEN_LAYER_MARK,
    MIEN_LAYER_ADD,
    MIEN_LAYER_MULTIPLY,
    MIEN_LAYER_LEAKYRELU,
    MIEN_LAYER_SIGMOID,
    MIEN_LAYER_SILU,
    MIEN_LAYER_GELU,
};
enum { MIEN_LAYER_KINDS = MIEN_LAYER_GELU + 1, MIEN_MARK_BYTES = 24 };

/** One line of `layers:`, parsed; see docs/recipes.md for the grammar. */
struct mien_layer_spec {
    enum mien_layer_kind kind;
    int line;  /**< in the recipe file, from 1; 0 when it did not come from a file */
    int width; /**< conv: output channels; dense: output features; 0 stands for `classes` */
    int kernel_h, kernel_w; /**< conv 1..7; pools 1..64 */
    int stride;             /**< conv: 1 unless stated; pools: the window unless stated */
    int pad;                /**< zeros on each side (max-pooling: -infinity) */
    int groups;             /**< conv: of channels; 1 unless stated */
    bool bias;
    float rate;                 /**< dropout: share that is dropped, 0 <= rate < 1 */
    float slope;                /**< leakyrelu: of what is below zero, 0 to 1 */
    char mark[MIEN_MARK_BYTES]; /**< mark, add and multiply: the name that joins them */
    bool project;   /**< add: what was marked goes through a convolution, given as that of conv */
    bool normalize; /**< add: and through batch norm behind it */
};

enum mien_optimizer_kind { MIEN_OPTIMIZER_SGD, MIEN_OPTIMIZER_ADAM, MIEN_OPTIMIZER_ADAMW };
enum mien_schedule_kind {
    MIEN_SCHEDULE_CONSTANT,
    MIEN_SCHEDULE_STEP,
    MIEN_SCHEDULE_COSINE,
    MIEN_SCHEDULE_ONECYCLE,
    MIEN_SCHEDULE_PLATEAU,
};

/** How training images are changed, each by its own draw; what is 0 or false is left alone. */
struct mien_augment_spec {
    bool mirror;      /**< left and right, every other image */
    float rotate;     /**< degrees, up to so many to either side */
    float scale;      /**< 0.1: by a factor of 0.9 to 1.1 */
    float shift;      /**< share of the loaded image's sides, up to so far each way */
    float brightness; /**< added to the normalised image, up to so much up or down */
    float contrast;   /**< 0.2: the normalised image times 0.8 to 1.2 */
    float erase;      /**< probability that a rectangle becomes the mean */
    float mixup; /**< alpha of the Beta(alpha, alpha) that draws each batch's mixture; 0: none */
};

enum { MIEN_CLASS_WEIGHTS_BYTES = 1024 };

struct mien_train_spec {
    int batch;                    /**< images that are computed at once; 150 unless stated */
    int accumulate;               /**< batches of a step; 1 unless stated */
    int epochs;                   /**< at most */
    float stop_at_train_accuracy; /**< 0..1, stops after the epoch that reaches it; 0: never */
    uint64_t seed;
    float label_smoothing; /**< 0..1 */
    float soft_targets;    /**< 0..1: the part that the data's target distributions have in what is
                              right; the labels have the rest */
    char class_weights[MIEN_CLASS_WEIGHTS_BYTES]; /**< see nn/class_weights.h */
    float ema;       /**< of the weights: share of the old average that a step keeps, 0: no
                          average */
    float clip_norm; /**< most that the norm of all gradients may be; 0: any */
    float sam;       /**< radius of sharpness-aware minimisation; 0: none */
    struct {
        enum mien_optimizer_kind kind;
        float rate;                  /**< learning rate per step */
        float momentum;              /**< sgd */
        bool nesterov;               /**< sgd */
        float weight_decay;          /**< on weights of conv and dense layers */
        bool decay_all;              /**< and on biases and batch norm too */
        float beta1, beta2, epsilon; /**< adam, adamw */
    } optimizer;
    struct {
        enum mien_schedule_kind kind;
        int step;       /**< step: epochs between two drops */
        int patience;   /**< plateau: epochs in a row without a better accuracy that are borne */
        float gamma;    /**< step, plateau: factor of a drop */
        float min_rate; /**< cosine: the rate at the end; plateau: the lowest */
        float warmup; /**< epochs of linear warm-up before any of them; of onecycle, of its rise */
    } schedule;
};

struct mien_recipe {
    char *where; /**< what errors call it: the file's path; owned; NULL reads "recipe" */
    char name[64];
    struct {
        int channels, height, width;
        int margin; /**< pixels that images are loaded larger by on each side */
    } input;
    struct {
        float mean, std; /**< of pixel/255, the same for all channels */
    } normalize;
    struct mien_augment_spec augment;
    struct mien_layer_spec *layers;
    size_t layer_count;
    struct mien_train_spec train;
};

/** The resolved recipe as YAML that mien_recipe_parse() reads back to an equal one; free() it. */
MIEN_CHECK_RESULT
enum mien_status mien_recipe_format(char **out, const struct mien_recipe *recipe,
                                    struct mien_error *err);

/** Bytes of an image as it is loaded: mien_recipe_data_options() has its sides. */
size_t mien_recipe_image_bytes(const struct mien_recipe *recipe);

enum { MIEN_AUGMENT_TEXT_BYTES = 256 };

/** What training does to images: "mirror true, rotate 10", as in the recipe; "" where nothing. */
void mien_recipe_augment_text(char out[MIEN_AUGMENT_TEXT_BYTES], const struct mien_recipe *recipe);

enum { MIEN_LAYER_TEXT_BYTES = 112 };

/** A layer as its line in a recipe, without what is the default: "conv 64 3x3 pad 1 bias no". */
void mien_layer_spec_format(char out[MIEN_LAYER_TEXT_BYTES], const struct mien_layer_spec *spec);

/** Whether layers of this kind are activations: ReLU and its like, number by number. */
bool mien_layer_is_activation(enum mien_layer_kind kind);

/** Whether layers of this kind take what a mark kept beside what comes straight along. */
bool mien_layer_takes_mark(enum mien_layer_kind kind);

/** "conv", "maxpool": the first word of a layer's line. */
const char *mien_layer_kind_name(enum mien_layer_kind kind);

#endif
