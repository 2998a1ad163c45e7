/* run_files.c - the files of a run folder beside checkpoints and history */
#include "train/run_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/listing.h"

/* Names of a run's own files, and of what is left of one that was being written. */
static bool is_own(const char *name)
{
    static const char *const own[] = { "recipe.yaml",
                                       "history.csv",
                                       "best.safetensors",
                                       "run.json",
                                       "steps.csv",
                                       "last.safetensors.tmp-",
                                       "epoch-",
                                       "replay.safetensors",
                                       "report.html",
                                       "report.json",
                                       "." };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strncmp(name, own[i], strlen(own[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the folder has the description of a run, which is the first thing that a run writes. */
static bool was_begun(const char *folder)
{
    json_t *info = NULL;
    char *const path = mien_path_join(folder, "run.json", NULL);
    const bool begun = path != NULL &&
                       mien_json_read(&info, path, MIEN_RUN_INFO_LARGEST_BYTES, NULL) == MIEN_OK &&
                       json_is_string(json_object_get(info, "mien")) &&
                       json_is_string(json_object_get(info, "state"));
    json_decref(info);
    free(path);
    return begun;
}

static enum mien_status check_names(const char *folder, const struct mien_listing *listing,
                                    struct mien_error *err)
{
    const char *left = NULL; /* what a run could have left */
    for (size_t i = 0; i < listing->count; i++) {
        if (strcmp(listing->items[i].name, "last.safetensors") == 0) {
            return mien_fail(
                err, MIEN_ERR_IO,
                "%s holds a run already: go on with --resume, or choose another folder", folder);
        }
    }
    for (size_t i = 0; i < listing->count; i++) {
        const char *const name = listing->items[i].name;
        if (!is_own(name)) {
            return mien_fail(err, MIEN_ERR_IO,
                             "%.400s holds other files (%.100s): a run wants a folder of its own",
                             folder, name);
        }
        const bool nobodys = name[0] == '.' || strncmp(name, "run.json.tmp-", 13) == 0;
        left = left == NULL && !nobodys ? name : left;
    }
    if (left != NULL && !was_begun(folder)) {
        return mien_fail(
            err, MIEN_ERR_IO,
            "%.400s holds %.100s, and no run.json says that a run left it: a run wants "
            "a folder of its own",
            folder, left);
    }
    return MIEN_OK;
}

enum mien_status mien_run_check_folder(const char *folder, struct mien_error *err)
{
    struct mien_listing listing;
    if (access(folder, F_OK) != 0 && errno == ENOENT) {
        return MIEN_OK;
    }
    enum mien_status st = mien_listing_read(&listing, folder, err);
    st = st == MIEN_OK ? check_names(folder, &listing, err) : st;
    mien_listing_finish(&listing);
    return st;
}

/* Where the file system knows no locks, a run goes on without. */
static enum mien_status lock_folder(struct mien_run_paths *paths, const char *folder,
                                    struct mien_error *err)
{
    paths->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    paths->locked = paths->lock >= 0;
    if (paths->locked && flock(paths->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return mien_fail(err, MIEN_ERR_IO, "%s is in use by another run", folder);
    }
    return MIEN_OK;
}

enum mien_status mien_run_paths_init(struct mien_run_paths *paths, const char *folder, bool resume,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *paths = (struct mien_run_paths){
        .recipe = mien_path_join(folder, "recipe.yaml", err),
        .history = mien_path_join(folder, "history.csv", err),
        .last = mien_path_join(folder, "last.safetensors", err),
        .best = mien_path_join(folder, "best.safetensors", err),
        .info = mien_path_join(folder, "run.json", err),
        .steps = mien_path_join(folder, "steps.csv", err),
        .replay = mien_path_join(folder, "replay.safetensors", err),
    };
    if (paths->recipe == NULL || paths->history == NULL || paths->last == NULL ||
        paths->best == NULL || paths->info == NULL || paths->steps == NULL ||
        paths->replay == NULL) {
        return MIEN_ERR_MEMORY;
    }
    if (!resume) {
        TRY(mien_folder_make(folder, err));
    }
    TRY(lock_folder(paths, folder, err));
    if (!resume) {
        TRY(mien_run_check_folder(folder, err));
    }

done:
    return st;
}

void mien_run_clear(const struct mien_run_paths *paths)
{
    const char *const old[] = { paths->history, paths->best, paths->steps, paths->replay };
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        (void)remove(old[i]);
    }
}

void mien_run_paths_finish(struct mien_run_paths *paths)
{
    if (paths->locked) {
        (void)close(paths->lock);
    }
    free(paths->recipe);
    free(paths->history);
    free(paths->last);
    free(paths->best);
    free(paths->info);
    free(paths->steps);
    free(paths->replay);
    *paths = (struct mien_run_paths){ 0 };
}

static const char steps_header[] = "epoch,step,loss\n";
enum { STEPS_LIMIT_BYTES = 1 << 30 };

/* Bytes of the header and the rows that are not behind the position. */
static size_t count_kept(const char *text, size_t bytes, const struct mien_position *position)
{
    const size_t header = sizeof(steps_header) - 1;
    size_t kept = bytes >= header && memcmp(text, steps_header, header) == 0 ? header : 0;
    const char *end = NULL;
    while (kept > 0 && (end = memchr(text + kept, '\n', bytes - kept)) != NULL) {
        char *after = NULL;
        const bool number = text[kept] >= '0' && text[kept] <= '9'; /* and no empty line */
        const long epoch = strtol(text + kept, &after, 10);
        const unsigned long step = *after == ',' ? strtoul(after + 1, NULL, 10) : 0;
        if (!number || epoch < 1 || step < 1 || epoch > position->epoch + 1L ||
            (epoch == position->epoch + 1L && step > position->step)) {
            break;
        }
        kept = (size_t)(end - text) + 1;
    }
    return kept;
}

enum mien_status mien_run_open_steps(FILE **out, const char *path,
                                     const struct mien_position *position, bool resume,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    unsigned char *old = NULL;
    size_t bytes = 0;
    *out = NULL;
    if (resume && mien_path_is_file(path)) {
        TRY(mien_file_read(&old, &bytes, path, STEPS_LIMIT_BYTES, err));
    }
    const size_t kept = old != NULL ? count_kept((const char *)old, bytes, position) : 0;
    TRY(mien_file_replace(path, kept > 0 ? (const char *)old : steps_header,
                          kept > 0 ? kept : sizeof(steps_header) - 1, err));
    *out = fopen(path, "a");
    if (*out == NULL) {
        st = mien_fail(err, MIEN_ERR_IO, "%s cannot be written", path);
    }

done:
    free(old);
    return st;
}

enum mien_status mien_run_flush_steps(FILE *steps, const char *path, struct mien_error *err)
{
    return fflush(steps) == 0 && fsync(fileno(steps)) == 0
               ? MIEN_OK
               : mien_fail(err, MIEN_ERR_IO, "%s cannot be written", path);
}

enum mien_status mien_run_write_recipe(const char *path, const struct mien_recipe *recipe,
                                       struct mien_error *err)
{
    char *text = NULL;
    enum mien_status st = mien_recipe_format(&text, recipe, err);
    if (st == MIEN_OK) {
        st = mien_file_replace(path, text, strlen(text), err);
    }
    free(text);
    return st;
}

static json_t *describe_device(const struct mien_device_info *device)
{
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:i}", "name", mien_json_text(device->name), "kind",
                     mien_device_kind_name(device->kind), "platform",
                     mien_json_text(device->platform_name), "driver",
                     mien_json_text(device->driver), "opencl", mien_json_text(device->version),
                     "compute_units", (int)device->compute_units);
}

static json_t *describe_data(const struct mien_trainer *trainer, const char *path)
{
    char fingerprint[24];
    (void)snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, trainer->set->fingerprint);
    json_t *data = json_pack("{s:s, s:s, s:o}", "fingerprint", fingerprint, "kept_on",
                             mien_loader_resident(trainer->loader) ? "device" : "host", "path",
                             path != NULL ? mien_json_text(path) : json_null());
    for (int i = 0; i < MIEN_SPLITS; i++) {
        mien_json_set(&data, mien_split_name((enum mien_split)i),
                      json_integer((json_int_t)trainer->set->splits[i].count));
    }
    return data;
}

void mien_run_add_commands(json_t **info, const char *before_path, const char *command, bool begins)
{
    json_t *old = NULL;
    const enum mien_status st =
        before_path != NULL ? mien_json_read(&old, before_path, MIEN_RUN_INFO_LARGEST_BYTES, NULL)
                            : MIEN_OK;
    (void)st; /* what it said of commands is lost, and the run is not */
    const char *const begun = json_string_value(json_object_get(old, "command"));
    const json_t *const before = json_object_get(old, "resumed_by");
    json_t *resumed = json_is_array(before) ? json_deep_copy(before) : json_array();
    if (begun != NULL && begins) {
        mien_json_append(&resumed, mien_json_text(command));
    }
    mien_json_set(info, "command", mien_json_text(begun != NULL ? begun : command));
    mien_json_set(info, "resumed_by", resumed);
    json_decref(old);
}

static json_t *describe_options(const struct mien_run_options *options,
                                const struct mien_dataset *set)
{
    json_t *object = json_pack("{s:b, s:f, s:s, s:i}", "shuffle", (int)options->trainer.shuffle,
                               "split", set->split, "blas", mien_blas_name(options->trainer.blas),
                               "keep_every", options->keep_every);
    if (set->exclude != NULL) {
        mien_json_set(&object, "exclude", mien_json_text(set->exclude));
    }
    return object;
}

/* Where a run's numbers first were not finite. */
static json_t *describe_lost(const struct mien_run_lost *lost)
{
    const struct mien_nonfinite *const first = &lost->first;
    json_t *object =
        json_pack("{s:s, s:i, s:i, s:f, s:b}", "what", lost->what, "epoch", lost->place.epoch,
                  "step", lost->place.step, "rate", lost->place.rate, "replay", (int)lost->written);
    if (first->count > 0) {
        json_t *const found = json_pack("{s:s, s:s, s:s, s:I, s:I}", "pass", first->label, "kernel",
                                        first->kernel, "tensor", first->what, "not_finite",
                                        (json_int_t)first->count, "numbers", (json_int_t)first->of);
        mien_json_set(&object, "first", found);
    }
    return object;
}

static enum mien_status write_info(const char *path, const struct mien_trainer *trainer,
                                   const struct mien_run_options *options,
                                   const struct mien_run_result *result, const char *failure,
                                   const struct mien_run_lost *lost, struct mien_error *err)
{
    const char *const state = failure != NULL ? "failed" : result != NULL ? "ended" : "running";
    json_t *info = json_object();
    mien_json_set(&info, "mien", json_string(MIEN_VERSION));
    mien_json_set(&info, "recipe", mien_json_text(trainer->file->recipe->name));
    mien_run_add_commands(&info, options->resume ? path : NULL,
                          options->command != NULL ? options->command : "",
                          result == NULL && failure == NULL);
    mien_json_set(&info, "options", describe_options(options, trainer->set));
    mien_json_set(&info, "device", describe_device(mien_cl_device(trainer->cl)));
    mien_json_set(&info, "data", describe_data(trainer, options->data));
    mien_json_set(&info, "batch", json_integer(mien_model_batch(trainer->model)));
    mien_json_set(&info, "accumulate", json_integer(trainer->file->recipe->train.accumulate));
    mien_json_set(&info, "state", json_string(state));
    if (failure != NULL) {
        mien_json_set(&info, "error", mien_json_text(failure));
    }
    if (lost != NULL && lost->what != NULL) {
        mien_json_set(&info, "lost", describe_lost(lost));
    }
    if (result != NULL) {
        mien_json_set(&info, "ended_because", json_string(mien_run_end_text(result->end)));
        mien_json_set(&info, "epochs", json_integer(result->epochs));
        mien_json_set(&info, "best_epoch", json_integer(result->best_epoch));
        mien_json_set(&info, "best_accuracy", mien_json_real(result->best_accuracy));
        mien_json_set(&info, "device_peak_bytes", json_integer((json_int_t)result->peak_bytes));
        mien_json_set(&info, "seconds", mien_json_real(result->seconds));
    }
    const enum mien_status st =
        mien_json_write(path, info, JSON_INDENT(2) | JSON_REAL_PRECISION(9), err);
    json_decref(info);
    return st;
}

enum mien_status mien_run_write_info(const char *path, const struct mien_trainer *trainer,
                                     const struct mien_run_options *options,
                                     const struct mien_run_result *result, struct mien_error *err)
{
    return write_info(path, trainer, options, result, NULL, NULL, err);
}

void mien_run_note_failure(const char *path, const struct mien_trainer *trainer,
                           const struct mien_run_options *options, const char *failure,
                           const struct mien_run_lost *lost)
{
    const enum mien_status st = write_info(path, trainer, options, NULL, failure, lost, NULL);
    (void)st; /* where the disk is full, the failure itself says so */
}
