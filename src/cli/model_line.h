/** model_line.h - "[MODEL] IMAGE...": which argument is the model, and the one that ships */
#ifndef MIEN_CLI_MODEL_LINE_H
#define MIEN_CLI_MODEL_LINE_H

#include "cli/opt.h"
#include "cli/term.h"

/** What a command's line names; zeroed is nothing. */
struct model_line {
    const char *model;
    struct opt_strings images; /**< its strings are those of the options */
    char *shipped;             /**< `model`, where it is the one that ships */
};

/** For the rows of a table of positionals that leave a const char * and a struct opt_strings. */
#define MODEL_LINE_MODEL_HELP                                                                      \
    "trained network, for example run/best.safetensors; the one that ships where none is named"
#define MODEL_LINE_IMAGE_HELP "PNG or JPEG files, folders with such files, or - for a pipe"

/**
 * Tell the model from the images.
 *
 * The first of several arguments is an image if it is "-", begins as PNG or JPEG files do or, where
 * its content tells nothing, is a folder that holds no run, or has the name of an image; else it is
 * the model.  A single argument is an image unless it is a model.  Without a model MIEN_MODEL names
 * it, or the one that was installed, or built, with the program is taken; which one is told in a
 * notice.
 *
 * model, images  as the table's rows left them; borrowed
 * Ownership      release with model_line_finish(), also after an error
 * Errors         MIEN_ERR_FORMAT: a model that cannot be read, is not there, or is among the
 *                images; MIEN_ERR_USAGE: a model alone; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status model_line_read(struct model_line *out, const char *model,
                                 const struct opt_strings *images, struct term *term,
                                 struct mien_error *err);
void model_line_finish(struct model_line *line); /* zeroed is allowed */

#endif
