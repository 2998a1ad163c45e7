/** cmd_explain.h - maps of a chunk of images, and the files they become (internal to mien explain)
 */
#ifndef MIEN_CLI_CMD_EXPLAIN_H
#define MIEN_CLI_CMD_EXPLAIN_H

#include <jansson.h>

#include "explain/explain.h"
#include "train/model_file.h"

enum explain_method {
    EXPLAIN_SALIENCY,
    EXPLAIN_GRADCAM,
    EXPLAIN_OCCLUSION,
    EXPLAIN_INTEGRATED,
    EXPLAIN_METHODS
};
extern const char *const explain_method_names[EXPLAIN_METHODS + 1]; /* NULL ends them */

/** What to explain, and how. */
struct explain_plan {
    const struct mien_model_file *model; /**< borrowed */
    struct mien_probe *probe;            /**< with the layer of Grad-CAM as its first tap */
    bool methods[EXPLAIN_METHODS];
    struct mien_saliency saliency;
    struct mien_occlusion occlusion;
    int steps;    /**< of integrated gradients */
    int *classes; /**< [class_count] to explain; -1: the predicted one */
    size_t class_count;
    const char *folder; /**< where files go */
    int size;           /**< pixels of a panel's longer side */
    bool raw;           /**< .npy too */
};

/** Names of files that are taken. */
struct explain_names {
    char **items;
    size_t count, room;
};
void explain_names_finish(struct explain_names *names); /* zeroed is allowed */

/**
 * Explain `count` images, and write the pictures.
 *
 * Shapes   pixels [count][mien_recipe_image_bytes()]; paths [count] of the images
 * results  gets an object for each: "file", "class", "probability", "probabilities", "maps"
 * Errors   MIEN_ERR_CL, MIEN_ERR_MEMORY, MIEN_ERR_NOT_FINITE, MIEN_ERR_IO
 */
MIEN_CHECK_RESULT
enum mien_status explain_images(json_t *results, struct explain_names *names,
                                const struct explain_plan *plan, const uint8_t *pixels,
                                const char *const *paths, size_t count, struct mien_error *err);

#endif
