/* cmd_train.c - `mien train`: trains a recipe's network into a run folder, or goes on with one */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/prove.h"
#include "cli/session.h"
#include "cli/stop.h"
#include "cli/train_origin.h"
#include "cli/train_replay.h"
#include "cli/train_view.h"
#include "nn/tuned.h"
#include "train/checkpoint.h"
#include "train/class_map.h"
#include "train/run.h"

#define FIELD(name) offsetof(struct train_options, name)

static const struct opt train_table[] = {
    { "recipe", OPT_STRING, FIELD(recipe), "FILE",
      "network and method, for example recipes/report.yaml", .role = OPT_INPUT },
    { "out", OPT_STRING, FIELD(out), "RUN", "new or empty folder for the run's files",
      .role = OPT_ANY },
    { "resume", OPT_STRING, FIELD(resume), "RUN", "go on with the run in this folder",
      .role = OPT_INPUT },
    { "replay", OPT_STRING, FIELD(replay), "FILE",
      "repeat the step that a run left in replay.safetensors when its loss or a gradient was not "
      "finite",
      .role = OPT_INPUT },
    { "epochs", OPT_INT, FIELD(settings), "N", "passes over the training images, at most", .min = 1,
      .max = 100000, .setting = "train.epochs" },
    { "batch", OPT_INT, FIELD(settings), "N", "images that are computed at once", .min = 1,
      .max = 65536, .setting = "train.batch" },
    { "accumulate", OPT_INT, FIELD(settings), "N", "batches whose gradients make one step",
      .min = 1, .max = 65536, .setting = "train.accumulate" },
    { "rate", OPT_DOUBLE, FIELD(settings), "RATE", "learning rate per step", .min = 0, .max = 1000,
      .setting = "train.optimizer.rate" },
    { "set", OPT_STRINGS, FIELD(settings), "KEY=VALUE",
      "put a value over the recipe's; may come again", .role = OPT_ANY },
    { "init", OPT_STRING, FIELD(init), "FILE",
      "start from these weights (safetensors, with PyTorch's names and shapes)",
      .role = OPT_INPUT },
    { "split", OPT_DOUBLE, FIELD(split), "PART",
      "set aside this part of the training images where the data has no validation set [0]",
      .min = 0, .max = 0.9 },
    { "exclude", OPT_STRING, FIELD(exclude), "FILE", SESSION_EXCLUDE_HELP, .role = OPT_INPUT },
    { "keep-every", OPT_INT, FIELD(keep_every), "N", "also keep the weights of every Nth epoch",
      .min = 0, .max = 100000 },
    { "no-shuffle", OPT_FLAG, FIELD(no_shuffle), NULL,
      "take the images in their order in every epoch", .role = OPT_ANY },
    { "no-selftest", OPT_FLAG, FIELD(no_selftest), NULL, PROVE_LEAVE_OUT_HELP, .role = OPT_ANY },
    { "watch", OPT_FLAG, FIELD(watch), NULL,
      "keep report.html in the run's folder current, and draw curves on the terminal",
      .role = OPT_ANY },
    { "tensorboard", OPT_STRING, FIELD(board), "DIR",
      "add loss, accuracy and rate of each epoch to event files in this folder", .role = OPT_ANY },
    { "max-steps", OPT_INT, FIELD(max_steps), "N",
      "stop after N steps, and write the loss of each to steps.csv", .min = 0, .max = 1000000000 },
    { "blas", OPT_CHOICE, FIELD(blas), "KIND", SESSION_BLAS_HELP " [auto]",
      .choices = session_blas_choices },
    { "tuning", OPT_STRING, FIELD(tuning), "FILE", SESSION_TUNING_HELP, .role = OPT_ANY },
    { "data-memory", OPT_INT, FIELD(data_mib), "MIB",
      "most device memory for the images, else they stay on the host; 0: half of the device's",
      .min = 0, .max = 1 << 20 },
    { .name = NULL },
};

static const struct positional train_positionals[] = {
    { "DATA", FIELD(data), 0, 1,
      "folder of class folders, fer2013.csv, or a packed file; with --resume the run's own",
      OPT_INPUT },
    { .name = NULL },
};

/* What a run that goes on knows of itself is not given: any value may be meant. */
static const struct train_options train_defaults = {
    .common = { .seed = -1 }, .split = -1.0, .keep_every = -1, .blas = -1
};

/* A replay file says everything but where, and with which kernels. */
static enum mien_status check_replay(const struct train_options *o, struct mien_error *err)
{
    if (o->data != NULL || o->recipe != NULL || o->out != NULL || o->resume != NULL ||
        o->init != NULL || o->exclude != NULL || o->settings.count > 0 || o->split >= 0.0 ||
        o->max_steps > 0 || o->keep_every >= 0 || o->data_mib > 0 || o->no_shuffle || o->watch ||
        o->board != NULL || o->common.seed >= 0) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "--replay takes everything from its file: only --device, --tuning, --blas "
                         "and --no-selftest go with it");
    }
    return MIEN_OK;
}

static enum mien_status check_options(const struct train_options *o, struct mien_error *err)
{
    if (o->resume == NULL && (o->recipe == NULL || o->out == NULL || o->data == NULL)) {
        return mien_fail(
            err, MIEN_ERR_USAGE,
            "a new run needs DATA, --recipe FILE and --out RUN; an old one --resume RUN");
    }
    if (o->resume != NULL && (o->recipe != NULL || o->out != NULL || o->init != NULL)) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "--resume takes the run's own recipe, folder and weights");
    }
    if (o->resume != NULL && o->common.seed >= 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "--resume takes the run's own seed");
    }
    if (o->resume != NULL && o->tuning != NULL) {
        return mien_fail(err, MIEN_ERR_USAGE, "--resume takes the kernels that the run began with");
    }
    return MIEN_OK;
}

/* A new run: the recipe, the data, and weights drawn or read. */
static enum mien_status begin(struct mien_model_file *file, struct mien_dataset **set,
                              struct train_origin *origin, const struct train_options *o,
                              struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_recipe *recipe = NULL;
    TRY(mien_recipe_load(&recipe, o->recipe, (const char *const *)o->settings.items,
                         o->settings.count, err));
    if (o->common.seed >= 0) {
        recipe->train.seed = (uint64_t)o->common.seed;
    }
    TRY(mien_run_check_folder(o->out, err));
    TRY(train_origin_take(origin, o, err));
    const struct mien_data_options load = train_origin_data(origin, recipe, term);
    TRY(mien_dataset_load(set, o->data, &load, err));
    struct mien_recipe *const given = recipe;
    recipe = NULL;
    TRY(mien_model_file_create(file, given, (*set)->classes, (*set)->class_count, err));
    if (o->init != NULL) {
        TRY(mien_model_file_take_weights(file, o->init, err));
    }

done:
    mien_recipe_destroy(recipe);
    return st;
}

/* An old run: what its last checkpoint and its run.json say. */
static enum mien_status go_on(struct mien_model_file *file, struct mien_dataset **set,
                              struct train_origin *origin, const struct train_options *o,
                              struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *const last = mien_path_join(o->resume, "last.safetensors", err);
    if (last == NULL) {
        return MIEN_ERR_MEMORY;
    }
    if (!mien_path_is_file(last)) {
        st = mien_fail(err, MIEN_ERR_FORMAT,
                       "%s holds no run to go on with: it has no last.safetensors", o->resume);
        goto done;
    }
    TRY(mien_model_file_load(file, last, err));
    TRY(mien_model_file_set(file, (const char *const *)o->settings.items, o->settings.count, err));
    TRY(train_origin_read(origin, last, o, err));
    if (o->data == NULL && access(origin->data, R_OK) != 0) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "%s, the run's data, cannot be read: give DATA",
                       origin->data);
        goto done;
    }
    const struct mien_data_options load = train_origin_data(origin, file->recipe, term);
    TRY(mien_dataset_load(set, origin->data, &load, err));

done:
    free(last);
    return st;
}

static enum mien_status print_result(const struct train_options *o,
                                     const struct mien_run_result *result, const char *folder,
                                     struct term *term, struct mien_error *err)
{
    if (o->common.json) {
        return term_json(
            term,
            json_pack("{s:o, s:s, s:i, s:i, s:o, s:I, s:o}", "run", mien_json_text(folder),
                      "ended_because", mien_run_end_text(result->end), "epochs", result->epochs,
                      "best_epoch", result->best_epoch, "best_accuracy",
                      mien_json_real(result->best_accuracy), "device_peak_bytes",
                      (json_int_t)result->peak_bytes, "seconds", mien_json_real(result->seconds)),
            err);
    }
    term_print(term, "%s after %d epochs, %.1f s", mien_run_end_text(result->end), result->epochs,
               result->seconds);
    if (result->best_epoch > 0) {
        term_print(term, "; best: epoch %d with %.2f %%", result->best_epoch,
                   result->best_accuracy * 100.0);
    }
    term_print(term, "; run in %s\n", folder);
    return MIEN_OK;
}

/* What a person who trains wants to know before it begins. */
static void announce(const struct mien_model_file *file, const struct mien_dataset *set,
                     struct term *term)
{
    mien_log_line(&term->log,
                  "%s: %zu parameters, %d classes; %zu training and %zu validation images",
                  file->recipe->name, file->network->parameters, file->class_count,
                  set->splits[MIEN_SPLIT_TRAIN].count, set->splits[MIEN_SPLIT_VALIDATION].count);
    if (set->resized > 0) {
        mien_log_line(&term->log, "resized to %dx%d: %zu of %zu images", set->height, set->width,
                      set->resized, set->count);
    }
    if (set->converted > 0) {
        mien_log_line(&term->log, "converted to 8-bit %s: %zu of %zu images",
                      set->channels == 1 ? "gray" : "RGB", set->converted, set->count);
    }
    if (set->splits[MIEN_SPLIT_VALIDATION].count == 0) {
        const bool plateau = file->recipe->train.schedule.kind == MIEN_SCHEDULE_PLATEAU;
        mien_log_line(&term->log,
                      "no validation images: the best epoch is chosen%s by training accuracy; "
                      "--split 0.1 would set some aside",
                      plateau ? ", and the rate lowered," : "");
    }
}

/* A network that could be faster here is worth a line. */
static enum mien_status suggest_tuning(const struct train_options *o, enum mien_blas blas,
                                       const struct session *session,
                                       const struct mien_model_file *file, struct term *term,
                                       struct mien_error *err)
{
    struct mien_search_task *tasks = NULL;
    size_t count = 0;
    size_t known = 0;
    const struct mien_model_options options = {
        .batch = file->recipe->train.batch,
        .train = true,
        .blas = blas,
        .tuning = &session->tuning,
        .lanes = mien_device_lanes(mien_cl_device(session->cl)),
    };
    if (o->resume != NULL || o->tuning != NULL) {
        return MIEN_OK;
    }
    const enum mien_status st = mien_network_tasks(&tasks, &count, file->network, &options, err);
    for (size_t i = 0; i < count; i++) {
        known += mien_tuning_find(&session->tuning, &tasks[i].key) != NULL ? 1 : 0;
    }
    if (count > 0 && known == 0) {
        mien_log_line(&term->log,
                      "not tuned for this network on this device: mien tune %s looks for faster "
                      "kernels for %zu passes and layers, a minute",
                      o->recipe, count);
    }
    free(tasks);
    return st;
}

/* A run that goes on does so where it was begun, unless it is told otherwise or cannot. */
static enum mien_status open_device(struct session *session, const struct train_options *o,
                                    const struct train_origin *origin, struct term *term,
                                    struct mien_error *err)
{
    struct common_options common = o->common;
    const bool free_choice = common.device == NULL && getenv("MIEN_DEVICE") == NULL;
    common.device = free_choice && origin->device != NULL ? origin->device : common.device;
    enum mien_status st = session_open(session, &common, false, term, err);
    if (st == MIEN_ERR_NO_DEVICE && common.device != o->common.device) {
        st = session_open(session, &o->common, false, term, err);
    }
    if (st != MIEN_OK || origin->device == NULL) {
        return st;
    }
    const struct mien_device_info *const device = mien_cl_device(session->cl);
    if (strcmp(device->name, origin->device) != 0 ||
        (origin->driver != NULL && strcmp(device->driver, origin->driver) != 0)) {
        mien_log_line(&term->log,
                      "the run was begun on %s (driver %s): the bits may differ from here on",
                      origin->device, origin->driver != NULL ? origin->driver : "unknown");
    }
    return MIEN_OK;
}

static enum mien_status replay(const struct train_options *o, struct term *term,
                               struct mien_error *err)
{
    const struct train_replay_options wanted = {
        .path = o->replay,
        .common = &o->common,
        .blas = o->blas,
        .tuning = o->tuning,
        .no_selftest = o->no_selftest,
    };
    const enum mien_status st = check_replay(o, err);
    return st != MIEN_OK ? st : train_replay(&wanted, term, err);
}

/* The kernels that a run uses which goes on. */
static enum mien_status read_kept(struct mien_tuning *out, const char *run, struct mien_error *err)
{
    char *const last = mien_path_join(run, "last.safetensors", err);
    const enum mien_status st =
        last != NULL ? mien_checkpoint_tuning(out, last, err) : MIEN_ERR_MEMORY;
    free(last);
    return st;
}

/* The device with what was tuned for it, and without what it computes wrong. */
static enum mien_status prepare(struct session *session, const struct mien_model_file *file,
                                const struct train_options *o, const struct train_origin *origin,
                                struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_tuning kept = { .entries = NULL };
    const struct prove_wish wish = { .leave_out = o->no_selftest,
                                     .blas = (enum mien_blas)origin->blas,
                                     .kept = &kept };
    TRY(open_device(session, o, origin, term, err));
    TRY(session_tune(session, o->tuning, term, err));
    TRY(o->resume != NULL ? read_kept(&kept, o->resume, err) : MIEN_OK);
    stop_on_signals();
    TRY(prove_device(session, &wish, term, err));
    prove_tell(session, term);
    TRY(prove_network(session, file, wish.blas, err));

done:
    mien_tuning_finish(&kept);
    return st;
}

/* The data as the network takes it, if it does. */
static enum mien_status suit(struct mien_class_map *out, const struct mien_dataset *set,
                             const struct mien_model_file *file, const char *data,
                             struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(mien_class_map_create(out, set, file->classes, file->class_count, err));
    TRY(mien_trainer_check_data(file->recipe, &out->set, data, err));

done:
    return st;
}

static enum mien_status train(const void *options, struct term *term, struct mien_error *err)
{
    const struct train_options *const o = options;
    const char *const folder = o->resume != NULL ? o->resume : o->out;
    enum mien_status st = MIEN_OK;
    struct session session = { .cl = NULL };
    struct mien_model_file file = { 0 };
    struct mien_dataset *set = NULL;
    struct mien_class_map map = { .labels = NULL };
    struct mien_run_result result;
    struct train_origin origin = { .data = NULL };
    struct train_view view = { .term = term };

    if (o->replay != NULL) {
        return replay(o, term, err);
    }
    TRY(check_options(o, err));
    TRY(train_view_check_board(o->board, err));
    TRY(o->resume != NULL ? go_on(&file, &set, &origin, o, term, err)
                          : begin(&file, &set, &origin, o, term, err));
    TRY(suit(&map, set, &file, origin.data, err));
    TRY(prepare(&session, &file, o, &origin, term, err));
    announce(&file, set, term);
    TRY(suggest_tuning(o, (enum mien_blas)origin.blas, &session, &file, term, err));
    view = (struct train_view){
        .term = term,
        .silent = o->common.json,
        .watch = o->watch,
        .board = o->board,
        .folder = folder,
        .data = origin.data,
        .set = &map.set,
        .file = &file,
    };
    TRY(train_view_init(&view, err));
    const struct mien_run_options run = {
        .folder = folder,
        .data = origin.data,
        .command = term->command_line,
        .resume = o->resume != NULL,
        .max_steps = (size_t)o->max_steps,
        .keep_every = origin.keep_every,
        .log_steps = o->max_steps > 0,
        .trainer = { .blas = (enum mien_blas)origin.blas,
                     .tuning = &session.tuning,
                     .shuffle = origin.shuffle,
                     .device_bytes = (size_t)o->data_mib << 20 },
        .stop = stop_wanted,
        .progress = term->bars && !term->quiet ? train_view_progress : NULL,
        .epoch = train_view_epoch,
        .user = &view,
        .log = &term->log,
    };
    st = mien_run(&result, session.cl, &file, &map.set, &run, err);
    const bool whole = st == MIEN_OK && result.end != MIEN_RUN_INTERRUPTED;
    train_view_end(&view, whole ? &session : NULL, (enum mien_blas)origin.blas);
    if (st != MIEN_OK) {
        goto done;
    }
    TRY(print_result(o, &result, folder, term, err));
    if (result.end == MIEN_RUN_INTERRUPTED) {
        st = mien_fail(err, MIEN_ERR_INTERRUPTED,
                       "stopped and saved; go on with: mien train --resume %s", folder);
    }

done:
    term_clear(term);
    train_view_finish(&view);
    mien_class_map_finish(&map);
    mien_dataset_destroy(set);
    mien_model_file_finish(&file);
    session_close(&session);
    train_origin_finish(&origin);
    return st;
}

const struct command cmd_train = {
    .name = "train",
    .summary = "Train a network on a data set, or go on with a run",
    .details =
        "Writes recipe.yaml, history.csv, run.json, last.safetensors and best.safetensors to\n"
        "the run's folder. Ctrl-C finishes the step, saves and exits with 130; a second one\n"
        "ends at once and does not save. --resume goes on from the last save and ends in the\n"
        "same weights as a run that was never stopped. A loss or gradient that is not finite ends\n"
        "the run; --replay repeats that step layer by layer, here or on another device.",
    .options = train_table,
    .positionals = train_positionals,
    .common = COMMON_DEVICE | COMMON_SEED | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct train_options),
    .defaults = &train_defaults,
    .run = train,
};
