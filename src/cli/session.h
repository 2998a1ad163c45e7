/** session.h - the device that a command works on, opened as its options say */
#ifndef MIEN_CLI_SESSION_H
#define MIEN_CLI_SESSION_H

#include "cl/cl.h"
#include "cli/opt.h"
#include "cli/term.h"
#include "nn/model.h"
#include "train/model_file.h"
#include "train/proof.h"
#include "tune/table.h"

/** An open device, and what is known to be fastest on it; zeroed is none. */
struct session {
    struct mien_cl *cl;
    struct mien_tuning tuning; /**< empty until session_tune() */
    struct mien_proof proof;   /**< empty until session_tune(), which has what failed avoided */
};

/**
 * Open the device that --device, else MIEN_DEVICE, else "auto" names, and say which it is in a
 * notice.
 *
 * profile    record every launch, see mien_cl_profile()
 * Ownership  release with session_close(); zeroed on error; `term` must outlive it
 * Errors     MIEN_ERR_NO_DEVICE; MIEN_ERR_USAGE: a name that fits several; MIEN_ERR_CL,
 *            MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status session_open(struct session *out, const struct common_options *common,
                              bool profile, struct term *term, struct mien_error *err);
void session_close(struct session *session); /* zeroed is allowed */

/** For an option --tuning that keeps a const char *. */
#define SESSION_TUNING_HELP                                                                        \
    "take this file's kernel choices, not those that mien tune keeps for the device; none: "       \
    "defaults"

/**
 * Take the device's tuning, for the models that are put on it from now on.
 *
 * wanted  a file, "none", or NULL: the one in the user's cache folder, where it is there; one that
 *         is damaged or foreign is passed over with a notice
 * Errors  MIEN_ERR_MEMORY; of a `wanted` file also MIEN_ERR_IO, MIEN_ERR_FORMAT
 */
MIEN_CHECK_RESULT
enum mien_status session_tune(struct session *session, const char *wanted, struct term *term,
                              struct mien_error *err);

/**
 * The same of a device that need not be open.
 *
 * tuning, proof  zeroed
 * Ownership      release with mien_tuning_finish() and mien_proof_finish(), also after an error
 */
MIEN_CHECK_RESULT
enum mien_status session_read_tuning(struct mien_tuning *tuning, struct mien_proof *proof,
                                     const struct mien_device_info *device, const char *wanted,
                                     struct term *term, struct mien_error *err);

/** Put "device" and "driver" into a JSON object. */
void session_describe(const struct session *session, json_t **object);

/** Whether a path has that ending, and a name before it. */
bool session_is_safetensors(const char *path);

/**
 * See that a safetensors file may be written: by this ending it is known again, and nothing else is
 * to be written over.
 *
 * what    the argument that names it, for errors: "OUT"
 * Errors  MIEN_ERR_USAGE: another ending; MIEN_ERR_IO: the file is there and is none
 */
MIEN_CHECK_RESULT
enum mien_status session_check_safetensors(const char *what, const char *path,
                                           struct mien_error *err);

/** The same of a picture, NAME.png. */
MIEN_CHECK_RESULT
enum mien_status session_check_picture(const char *what, const char *path, struct mien_error *err);

/** For an option --exclude that keeps a const char *, for struct mien_data_options. */
#define SESSION_EXCLUDE_HELP "leave out the images that this file lists, as mien check writes it"

/** For an option --blas that keeps an enum mien_blas: OPT_CHOICE's words, and its help. */
extern const char *const session_blas_choices[];
#define SESSION_BLAS_HELP "matrix products of dense layers: own kernels (CPU devices) or CLBlast"

/** For an option --views that keeps an int: OPT_CHOICE's words, its help, and how many are meant.
 */
extern const char *const session_view_choices[];
#define SESSION_VIEWS_HELP                                                                         \
    "views of each image, whose logits are averaged: the middle, also mirrored, ten crops"
int session_views(int choice);

/** A trained network on the session's device, for forward passes; zeroed is none. */
struct session_model {
    struct mien_model_file file;
    struct mien_model *model;
};

/**
 * Read a model.
 *
 * Ownership  release with session_model_finish()
 * Errors     as mien_model_file_load()
 */
MIEN_CHECK_RESULT
enum mien_status session_model_read(struct session_model *out, const char *path,
                                    struct mien_error *err);

/**
 * A model of a recipe, with its initial weights and numbers for the names of its classes.
 *
 * Ownership  release with mien_model_file_finish(); zeroed on error
 * Errors     as mien_recipe_load() and mien_model_file_create()
 */
MIEN_CHECK_RESULT
enum mien_status session_model_of_recipe(struct mien_model_file *out, const char *path,
                                         const struct opt_strings *settings, int classes,
                                         struct mien_error *err);

/**
 * Put a model that was read on the device.
 *
 * Ownership  release with session_model_finish(), before session_close(), also after an error
 * Errors     MIEN_ERR_SHAPE, MIEN_ERR_USAGE (blas), MIEN_ERR_CL, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status session_model_place(struct session_model *out, const struct session *session,
                                     int batch, enum mien_blas blas, struct mien_error *err);
/** Take it off the device again; what was read stays.  One that is not placed is allowed. */
void session_model_unplace(struct session_model *model);
void session_model_finish(struct session_model *model); /* zeroed is allowed */

#endif
