/* images.c - images named on a command's line */
#include "cli/images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/image.h"

static const char pipe_name[] = "-";

static enum mien_status note_failure(struct images *images, const char *file,
                                     const struct mien_error *cause, struct mien_error *err)
{
    if (images->failures++ == 0) {
        images->first_failure = *cause;
    }
    if (images->named > 1 || images->paths.count > 1) {
        term_error(images->term, "%s", cause->text);
    } /* else it is the only one, and the command ends with it: see images_judge() */
    json_t *const item =
        json_pack("{s:o, s:o}", "file", mien_json_text(file), "error", mien_json_text(cause->text));
    return json_array_append_new(images->failed, item) == 0
               ? MIEN_OK
               : mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the JSON result");
}

/* The standard input to its end, or to more than any image has. */
static enum mien_status read_pipe(struct images *images, struct mien_error *err)
{
    enum { LIMIT = MIEN_IMAGE_MAX_FILE_BYTES };
    size_t room = 0;
    if (isatty(STDIN_FILENO) == 1) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "-: the standard input is a terminal, expected an image from a pipe");
    }
    for (;;) {
        if (images->piped_bytes == room) {
            room = room == 0 ? 1 << 16 : 2 * room;
            unsigned char *const grown = mien_realloc(images->piped, room, 1, err);
            if (grown == NULL) {
                return MIEN_ERR_MEMORY;
            }
            images->piped = grown;
        }
        const ssize_t got =
            read(STDIN_FILENO, images->piped + images->piped_bytes, room - images->piped_bytes);
        if (got == 0) {
            return MIEN_OK;
        }
        if (got < 0 && errno != EINTR) {
            char text[128];
            return mien_fail(err, MIEN_ERR_FORMAT, "-: %s", strerror_r(errno, text, sizeof(text)));
        }
        images->piped_bytes += got > 0 ? (size_t)got : 0;
        if (images->piped_bytes > LIMIT) {
            return mien_fail(err, MIEN_ERR_FORMAT, "-: more than %d bytes, expected an image",
                             LIMIT);
        }
    }
}

static enum mien_status collect_pipe(struct images *images, struct mien_error *err)
{
    struct mien_error cause = { "" };
    if (images->piped != NULL) {
        return mien_fail(err, MIEN_ERR_USAGE, "the standard input, -, holds one image alone");
    }
    const enum mien_status st = read_pipe(images, &cause);
    if (st == MIEN_OK) {
        return mien_paths_add(&images->paths, pipe_name, err);
    }
    return st == MIEN_ERR_MEMORY ? mien_fail(err, st, "%s", cause.text)
                                 : note_failure(images, pipe_name, &cause, err);
}

/* A file as it is named, a folder with the images below it. */
static enum mien_status collect(struct images *images, const char *path, struct mien_error *err)
{
    if (strcmp(path, pipe_name) == 0) {
        return collect_pipe(images, err);
    }
    if (!mien_path_is_folder(path)) {
        return mien_paths_add(&images->paths, path, err);
    }
    struct mien_error cause = { "" };
    const enum mien_status st = mien_paths_find(&images->paths, path, &cause);
    if (st == MIEN_OK) {
        return MIEN_OK;
    }
    return st == MIEN_ERR_MEMORY ? mien_fail(err, st, "%s", cause.text)
                                 : note_failure(images, path, &cause, err);
}

enum mien_status images_init(struct images *images, const struct opt_strings *named,
                             struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *images = (struct images){ .term = term, .named = named->count, .failed = json_array() };
    for (size_t i = 0; i < named->count; i++) {
        TRY(collect(images, named->items[i], err));
    }
    images->tried = images->paths.count + images->failures;
    images->told = mien_calloc(images->paths.count + 1, sizeof(*images->told), err);
    st = images->told == NULL ? MIEN_ERR_MEMORY : MIEN_OK;

done:
    return st;
}

void images_finish(struct images *images)
{
    json_decref(images->failed);
    mien_paths_finish(&images->paths);
    free(images->told);
    free(images->piped);
    *images = (struct images){ .term = NULL };
}

/* One call of images_decode(). */
struct decoding {
    const struct images *images;
    char *const *files;
    const bool *told;
    const struct mien_recipe *recipe;
    uint8_t *pixels;
    size_t image_bytes;
    struct outcome {
        enum mien_status status;
        struct mien_error err;
    } * outcomes;
};

static enum mien_status load(uint8_t *pixels, const struct images *images, const char *file,
                             const struct mien_data_options *want, struct mien_error *err)
{
    if (strcmp(file, pipe_name) != 0) {
        return mien_image_load(pixels, file, want->channels, want->height, want->width, err);
    }
    const enum mien_status st = mien_image_decode(pixels, images->piped, images->piped_bytes,
                                                  want->channels, want->height, want->width, err);
    return st == MIEN_OK ? st : mien_wrap(err, st, "-");
}

static enum mien_status decode(void *user, size_t index, struct mien_error *err)
{
    struct decoding *const job = user;
    struct outcome *const outcome = &job->outcomes[index];
    if (job->told[index]) {
        outcome->status = MIEN_ERR_FORMAT;
        return MIEN_OK;
    }
    const struct mien_data_options image = mien_recipe_data_options(job->recipe);
    outcome->status = load(job->pixels + index * job->image_bytes, job->images, job->files[index],
                           &image, &outcome->err);
    return outcome->status == MIEN_ERR_MEMORY
               ? mien_fail(err, outcome->status, "%s", outcome->err.text)
               : MIEN_OK;
}

enum mien_status images_decode(uint8_t *pixels, size_t *indices, size_t *good,
                               struct images *images, size_t first, size_t count,
                               const struct mien_recipe *recipe, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t bytes = mien_recipe_image_bytes(recipe);
    struct decoding job = {
        .images = images,
        .files = images->paths.items + first,
        .told = images->told + first,
        .recipe = recipe,
        .pixels = pixels,
        .image_bytes = bytes,
        .outcomes = mien_calloc(count, sizeof(*job.outcomes), err),
    };
    *good = 0;
    if (job.outcomes == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_parallel_for(count, 0, decode, &job, NULL, "decoding", err));
    for (size_t i = 0; i < count; i++) {
        if (job.outcomes[i].status != MIEN_OK) {
            TRY(images->told[first + i]
                    ? MIEN_OK
                    : note_failure(images, job.files[i], &job.outcomes[i].err, err));
            images->told[first + i] = true;
            continue;
        }
        if (*good < i) {
            memcpy(pixels + *good * bytes, pixels + i * bytes, bytes);
        }
        indices[(*good)++] = first + i;
    }

done:
    free(job.outcomes);
    return st;
}

enum mien_status images_judge(const struct images *images, const char *done, struct mien_error *err)
{
    if (images->failures == 0) {
        return MIEN_OK;
    }
    if (images->tried == 1) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%s", images->first_failure.text);
    }
    const bool some = images->failures < images->tried;
    return mien_fail(err, MIEN_ERR_FORMAT, "%zu of %zu could not be read%s%s", images->failures,
                     images->tried, some ? ", the others were " : "", some ? done : "");
}
