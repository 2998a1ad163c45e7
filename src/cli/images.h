/** images.h - images named on a command's line: found, decoded, and what could not be read */
#ifndef MIEN_CLI_IMAGES_H
#define MIEN_CLI_IMAGES_H

#include <jansson.h>

#include "cli/opt.h"
#include "cli/term.h"
#include "data/find.h"
#include "nn/recipe.h"

/** Images to go through, and those that were none. */
struct images {
    struct term *term;
    struct mien_paths paths; /**< files as they are named, folders with the images below them */
    bool *told;              /**< [paths.count]: that this one cannot be read */
    size_t named;            /**< arguments */
    unsigned char *piped;    /**< what came in for the path "-"; NULL: that is not among them */
    size_t piped_bytes;
    size_t tried, failures; /**< files, and folders without any */
    json_t *failed;         /**< [{"file", "error"}] */
    struct mien_error first_failure;
};

/**
 * Find the images.  What cannot be read is told on stderr and kept; see images_judge().  "-" is one
 * image from the standard input, read here to its end.
 *
 * Ownership  release with images_finish(), also after an error
 * Errors     MIEN_ERR_USAGE: "-" comes again; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status images_init(struct images *images, const struct opt_strings *named,
                             struct term *term, struct mien_error *err);
void images_finish(struct images *images); /* zeroed is allowed */

/**
 * Decode images first .. first + count - 1 to what a recipe asks for; those that cannot be read are
 * told, once, and left out, here and when they are decoded for another recipe.
 *
 * Shapes  pixels [count][mien_recipe_image_bytes()]: the *good ones in order, without gaps;
 *         indices [count]: of those in paths
 * Errors  MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status images_decode(uint8_t *pixels, size_t *indices, size_t *good,
                               struct images *images, size_t first, size_t count,
                               const struct mien_recipe *recipe, struct mien_error *err);

/**
 * The command's own result: that some images could not be read, while the others were `done`
 * ("predicted").  Errors  MIEN_ERR_FORMAT where one could not
 */
MIEN_CHECK_RESULT
enum mien_status images_judge(const struct images *images, const char *done,
                              struct mien_error *err);

#endif
