/** recipe_parts.h - what the recipe_*.c files share: the table of keys, the YAML reader (internal)
 */
#ifndef MIEN_NN_RECIPE_PARTS_H
#define MIEN_NN_RECIPE_PARTS_H

#include "nn/recipe.h"

enum {
    MIEN_RECIPE_MAX_BYTES = 1 << 20,
    MIEN_RECIPE_MAX_LAYERS = 256,
    MIEN_RECIPE_QUOTE_BYTES = 44,
};

/** A recipe as libcyaml reads it: every value still the text that the file has, NULL where absent.
 */
struct mien_recipe_text {
    char *name;
    struct mien_input_text {
        char *channels, *height, *width, *margin;
    } input;
    struct mien_normalize_text {
        char *mean, *std;
    } normalize;
    struct mien_augment_text {
        char *mirror, *rotate, *scale, *shift, *brightness, *contrast, *erase, *mixup;
    } augment;
    char **layers;
    uint32_t layers_count;
    struct mien_train_text {
        char *batch, *accumulate, *epochs, *stop_at_train_accuracy, *seed, *label_smoothing,
            *soft_targets, *class_weights, *ema, *clip_norm, *sam;
        struct mien_optimizer_text {
            char *kind, *rate, *momentum, *nesterov, *weight_decay, *decay_all, *beta1, *beta2,
                *epsilon;
        } optimizer;
        struct mien_schedule_text {
            char *kind, *step, *patience, *gamma, *min_rate, *warmup;
        } schedule;
    } train;
};

/** Where a key or a list entry stands in the file; "train.batch", "layers[3]". */
struct mien_recipe_mark {
    char path[64];
    int line; /**< of the value, from 1 */
};

struct mien_recipe_marks {
    struct mien_recipe_mark *items;
    size_t count;
};

/**
 * Walk the YAML events of a text: remember the line of every value, and refuse what a recipe has no
 * use for before anything is built from it (anchors and aliases, tags, deep nesting, repeated keys,
 * several documents, more than 1024 values).
 *
 * Ownership  marks->items is the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_FORMAT, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_recipe_scan(struct mien_recipe_marks *marks, const char *text, size_t bytes,
                                  const char *where, struct mien_error *err);

/** Line of a path, 0 when the file does not have it. */
int mien_recipe_line(const struct mien_recipe_marks *marks, const char *path);

/**
 * Read the text through libcyaml's schema: which keys there are, and what is a group, a list, a
 * text.
 *
 * Ownership  *out is the caller's, release with mien_recipe_text_destroy(); NULL on error
 * Errors     MIEN_ERR_FORMAT, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_recipe_text_read(struct mien_recipe_text **out, const char *text,
                                       size_t bytes, const char *where, struct mien_error *err);
void mien_recipe_text_destroy(struct mien_recipe_text *text); /* NULL is allowed */

enum mien_field_kind {
    MIEN_FIELD_TEXT,          /**< char[64], printable ASCII */
    MIEN_FIELD_INT,           /**< int */
    MIEN_FIELD_CHANNELS,      /**< int: what an image can have, 1 or 3 */
    MIEN_FIELD_SEED,          /**< uint64_t, all of it */
    MIEN_FIELD_FLOAT,         /**< float */
    MIEN_FIELD_BOOL,          /**< bool */
    MIEN_FIELD_CLASS_WEIGHTS, /**< char[MIEN_CLASS_WEIGHTS_BYTES]: see nn/class_weights.h */
    MIEN_FIELD_CHOICE,        /**< an enum with values 0, 1, ... in the order of `choices` */
};

/** One scalar of a recipe: reading, settings, defaults and writing all go through it. */
struct mien_recipe_field {
    const char *path;     /**< "train.optimizer.rate" */
    const char *fallback; /**< the default, as text; NULL: must be stated */
    enum mien_field_kind kind;
    size_t offset;              /**< in struct mien_recipe */
    size_t text_offset;         /**< in struct mien_recipe_text, of a char * */
    double min, max;            /**< of ints and floats, both included */
    const char *const *choices; /**< ends with NULL */
};

/** The table, in the order in which a recipe is written. */
const struct mien_recipe_field *mien_recipe_fields(size_t *count);
/** The field of a path, NULL when there is none. */
const struct mien_recipe_field *mien_recipe_field_find(const char *path);
/** Whether `path` is a group of keys ("train.optimizer"). */
bool mien_recipe_is_group(const char *path);
/** " (did you mean a or b)", or what there is in its group when no key is near. */
void mien_recipe_near(char *out, size_t bytes, const char *path);

/** Errors  MIEN_ERR_FORMAT: path, what it got, what it wanted; the field is then unchanged */
MIEN_CHECK_RESULT
enum mien_status mien_recipe_field_set(struct mien_recipe *recipe,
                                       const struct mien_recipe_field *field, const char *value,
                                       struct mien_error *err);
/** Bytes of any value as YAML: a list of class weights all of quotes. */
enum { MIEN_FIELD_BYTES = 2 * MIEN_CLASS_WEIGHTS_BYTES + 4 };

/** The value as YAML. */
void mien_recipe_field_format(char *out, size_t bytes, const struct mien_recipe *recipe,
                              const struct mien_recipe_field *field);

/** Parse one line of `layers:`.  Errors  MIEN_ERR_FORMAT: what it got and what it wanted, no line
 */
MIEN_CHECK_RESULT
enum mien_status mien_layer_spec_parse(struct mien_layer_spec *out, const char *text,
                                       struct mien_error *err);

/** Text of a stranger for an error line: cut to 40 bytes, one line, printable. */
const char *mien_recipe_quote(char out[MIEN_RECIPE_QUOTE_BYTES], const char *text);

/** A whole number from min to max, digits only; false, with *out unchanged, for anything else. */
MIEN_CHECK_RESULT
bool mien_recipe_whole(int *out, const char *text, int min, int max);

/** A decimal number from min to max; false, with *out unchanged, for anything else. */
MIEN_CHECK_RESULT
bool mien_recipe_real(float *out, const char *text, double min, double max);

/** A number in the fewest digits that read back as the same float; nine always do. */
void mien_recipe_format_real(char *out, size_t bytes, float value);

#endif
