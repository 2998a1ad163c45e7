/* session.c - the device that a command works on, and a trained network on it */
#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/letters.h"
#include "base/memory.h"
#include "nn/weights.h"
#include "train/class_weights.h"
#include "train/views.h"

const char *const session_blas_choices[] = { "auto", "own", "clblast", NULL };

const char *const session_view_choices[] = { "1", "2", "10", NULL };

int session_views(int choice)
{
    static const int views[] = { 1, 2, MIEN_MOST_VIEWS };
    return views[choice];
}

enum mien_status session_open(struct session *out, const struct common_options *common,
                              bool profile, struct term *term, struct mien_error *err)
{
    const struct mien_cl_options options = {
        .device = common->device,
        .profile = profile,
        .log = &term->log,
    };
    *out = (struct session){ .cl = NULL };
    const enum mien_status st = mien_cl_open(&out->cl, &options, err);
    if (st != MIEN_OK) {
        return st;
    }
    const struct mien_device_info *const device = mien_cl_device(out->cl);
    mien_log_line(&term->log, "device: %s (%s), %s", device->name,
                  mien_device_kind_name(device->kind), device->platform_name);
    return MIEN_OK;
}

void session_close(struct session *session)
{
    mien_cl_close(session->cl);
    mien_proof_finish(&session->proof);
    mien_tuning_finish(&session->tuning);
    *session = (struct session){ .cl = NULL };
}

enum mien_status session_read_tuning(struct mien_tuning *tuning, struct mien_proof *proof,
                                     const struct mien_device_info *device, const char *wanted,
                                     struct term *term, struct mien_error *err)
{
    struct mien_error problem = { "" };
    enum mien_status st = mien_proof_read(proof, device, err);
    if (st == MIEN_OK && wanted != NULL && strcmp(wanted, "none") != 0) {
        st = mien_tuning_load(tuning, wanted, device, err);
    }
    mien_proof_bar(&proof->wrong, &proof->set, tuning);
    if (st != MIEN_OK || wanted != NULL) {
        return st;
    }
    char *const path = mien_tuning_path(device, &problem);
    if (path != NULL && mien_path_is_file(path) &&
        mien_tuning_load(tuning, path, device, &problem) != MIEN_OK) {
        mien_log_line(&term->log, "tuning is not used: %s", problem.text);
    }
    free(path);
    mien_proof_bar(&proof->wrong, &proof->set, tuning); /* the table is another now */
    return MIEN_OK;
}

enum mien_status session_tune(struct session *session, const char *wanted, struct term *term,
                              struct mien_error *err)
{
    return session_read_tuning(&session->tuning, &session->proof, mien_cl_device(session->cl),
                               wanted, term, err);
}

void session_describe(const struct session *session, json_t **object)
{
    const struct mien_device_info *const device = mien_cl_device(session->cl);
    mien_json_set(object, "device", mien_json_text(device->name));
    mien_json_set(object, "driver", mien_json_text(device->driver));
}

bool session_is_safetensors(const char *path)
{
    return mien_has_ending(path, ".safetensors");
}

/* A name, and the ending behind it. */
static enum mien_status check_ending(const char *what, const char *path, const char *ending,
                                     struct mien_error *err)
{
    return mien_has_ending(path, ending)
               ? MIEN_OK
               : mien_fail(err, MIEN_ERR_USAGE, "%s: '%s' does not end in %s", what, path, ending);
}

enum mien_status session_check_safetensors(const char *what, const char *path,
                                           struct mien_error *err)
{
    struct mien_safetensors *old = NULL;
    const enum mien_status st = check_ending(what, path, ".safetensors", err);
    if (st != MIEN_OK || !mien_path_is_file(path)) {
        return st;
    }
    struct mien_error cause;
    if (mien_safetensors_open(&old, path, &cause) != MIEN_OK) {
        return mien_fail(err, MIEN_ERR_IO, "%s is there and no safetensors file: it is left alone",
                         path);
    }
    mien_safetensors_close(old);
    return MIEN_OK;
}

enum mien_status session_check_picture(const char *what, const char *path, struct mien_error *err)
{
    return check_ending(what, path, ".png", err);
}

/* A run's folder is near enough to its model to say which file was meant. */
static enum mien_status refuse_folder(const char *path, struct mien_error *err)
{
    char *const best = mien_path_join(path, "best.safetensors", err);
    if (best == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const bool run = mien_path_is_file(best);
    const enum mien_status st =
        mien_fail(err, MIEN_ERR_FORMAT, "%.400s is a folder, expected a model%s%.400s%s", path,
                  run ? ": did you mean " : "", run ? best : "", run ? "?" : "");
    free(best);
    return st;
}

enum mien_status session_model_read(struct session_model *out, const char *path,
                                    struct mien_error *err)
{
    *out = (struct session_model){ .model = NULL };
    if (mien_path_is_folder(path)) {
        return refuse_folder(path, err);
    }
    const enum mien_status st = mien_model_file_load(&out->file, path, err);
    if (st == MIEN_ERR_FORMAT && mien_has_ending(path, ".yaml")) {
        return mien_fail(err, st,
                         "%.400s: a recipe, not a trained model: train it first, with 'mien train "
                         "DATA --recipe %.400s --out RUN'",
                         path, path);
    }
    return st;
}

enum mien_status session_model_of_recipe(struct mien_model_file *out, const char *path,
                                         const struct opt_strings *settings, int classes,
                                         struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_recipe *recipe = NULL;
    struct mien_class_list names = { 0 };
    *out = (struct mien_model_file){ .recipe = NULL };
    TRY(mien_recipe_load(&recipe, path, (const char *const *)settings->items, settings->count,
                         err));
    TRY(mien_make_up_classes(&names, recipe, classes, err));
    struct mien_recipe *const given = recipe;
    recipe = NULL;
    TRY(mien_model_file_create(out, given, names.names, classes, err));

done:
    mien_recipe_destroy(recipe);
    mien_class_list_finish(&names);
    return st;
}

enum mien_status session_model_place(struct session_model *out, const struct session *session,
                                     int batch, enum mien_blas blas, struct mien_error *err)
{
    const struct mien_model_options options = { .batch = batch,
                                                .blas = blas,
                                                .tuning = &session->tuning };
    enum mien_status st =
        mien_model_create(&out->model, session->cl, out->file.network, &options, err);
    if (st == MIEN_OK) {
        st = mien_weights_upload(out->model, out->file.weights, err);
    }
    return st;
}

void session_model_unplace(struct session_model *model)
{
    mien_model_destroy(model->model);
    model->model = NULL;
}

void session_model_finish(struct session_model *model)
{
    session_model_unplace(model);
    mien_model_file_finish(&model->file);
    *model = (struct session_model){ .model = NULL };
}
