/* run_best.c - the weights of a run's best epoch, and of which epoch they are */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "base/safetensors.h"
#include "train/run_files.h"

/* The checkpoint says the same under the same names. */
#define EPOCH_KEY    "best_epoch"
#define ACCURACY_KEY "best_accuracy"

enum { TEXT_BYTES = 32 };

static enum mien_status write_texts(char epoch[TEXT_BYTES], char accuracy[TEXT_BYTES],
                                    const struct mien_position *at, struct mien_error *err)
{
    struct mien_plain_numbers numbers;
    const enum mien_status st = mien_plain_numbers_begin(&numbers, err);
    if (st == MIEN_OK) {
        (void)snprintf(epoch, TEXT_BYTES, "%d", at->best_epoch);
        (void)snprintf(accuracy, TEXT_BYTES, "%.17g", at->best_accuracy);
        mien_plain_numbers_end(&numbers);
    }
    return st;
}

enum mien_status mien_run_save_best(const char *path, const struct mien_trainer *trainer,
                                    struct mien_error *err)
{
    char epoch[TEXT_BYTES];
    char accuracy[TEXT_BYTES];
    const enum mien_status st = write_texts(epoch, accuracy, &trainer->position, err);
    const struct mien_metadata metadata[] = { { EPOCH_KEY, epoch }, { ACCURACY_KEY, accuracy } };
    return st == MIEN_OK ? mien_model_file_save(path, trainer->file, NULL, 0, metadata, 2, err)
                         : st;
}

/* Why the file has not the weights of the best epoch; NULL: it has. */
static enum mien_status doubt(const char **why, const char *path, const struct mien_position *at,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_safetensors *file = NULL;
    char want[2][TEXT_BYTES];
    if (!mien_path_is_file(path)) {
        *why = "is gone, and with it";
        return MIEN_OK;
    }
    *why = NULL;
    TRY(write_texts(want[0], want[1], at, err));
    st = mien_safetensors_open(&file, path, err);
    if (st == MIEN_ERR_FORMAT || st == MIEN_ERR_IO) { /* the next best epoch replaces it */
        *why = "cannot be read, nor";
        st = MIEN_OK;
    }
    if (file != NULL) {
        const char *const epoch = mien_safetensors_metadata(file, EPOCH_KEY);
        const char *const accuracy = mien_safetensors_metadata(file, ACCURACY_KEY);
        const bool other = (epoch != NULL && strcmp(epoch, want[0]) != 0) ||
                           (accuracy != NULL && strcmp(accuracy, want[1]) != 0);
        *why = other ? "is of an epoch that does not count, which took the place of" : NULL;
    }

done:
    mien_safetensors_close(file);
    return st;
}

enum mien_status mien_run_find_best(struct mien_trainer *trainer, const char *path,
                                    const struct mien_log *log, struct mien_error *err)
{
    struct mien_position *const at = &trainer->position;
    const char *why = NULL;
    const enum mien_status st = at->best_epoch > 0 ? doubt(&why, path, at, err) : MIEN_OK;
    if (st != MIEN_OK || why == NULL) {
        return st;
    }
    if (at->best_epoch == at->epoch && at->step == 0) {
        return mien_run_save_best(path, trainer, err);
    }
    mien_log_line(
        log, "%s %s the weights of epoch %d: the best epoch is chosen anew among those to come",
        path, why, at->best_epoch);
    at->best_epoch = 0;
    at->best_accuracy = 0.0;
    return MIEN_OK;
}
