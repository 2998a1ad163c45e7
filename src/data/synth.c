/* synth.c - a folder data set of synthetic faces */
#include <png.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/listing.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/build.h"
#include "data/synth_face.h"

enum { MAX_COUNT = 10000000 };

struct drawing {
    const char *folder;
    uint64_t seed;
    size_t train; /* indices from here on are validation images */
    const struct mien_class_list *classes;
};

/* Path of image `index`, its class going round; release with free(). */
static char *image_path(const struct drawing *job, size_t index, struct mien_error *err)
{
    const bool validation = index >= job->train;
    const size_t number = validation ? index - job->train : index;
    char name[128];
    (void)snprintf(name, sizeof(name), "%s/%s/%06zu.png",
                   mien_split_name(validation ? MIEN_SPLIT_VALIDATION : MIEN_SPLIT_TRAIN),
                   job->classes->names[number % job->classes->count], number);
    return mien_path_join(job->folder, name, err);
}

/* Under its name a file is whole or not there; a hundred thousand of them are not flushed each. */
static enum mien_status write_whole(const char *path, const void *data, size_t bytes,
                                    struct mien_error *err)
{
    const size_t room = strlen(path) + sizeof(".part");
    char *const part = mien_calloc(room, 1, err);
    if (part == NULL) {
        return MIEN_ERR_MEMORY;
    }
    (void)snprintf(part, room, "%s.part", path);
    FILE *const stream = fopen(part, "wbx");
    bool ok = stream != NULL && fwrite(data, 1, bytes, stream) == bytes;
    int code = errno;
    if (stream != NULL && fclose(stream) != 0) {
        code = ok ? errno : code;
        ok = false;
    }
    if (ok && rename(part, path) != 0) {
        code = errno;
        ok = false;
    }
    if (!ok && stream != NULL) {
        (void)remove(part);
    }
    free(part);
    char text[128];
    return ok ? MIEN_OK
              : mien_fail(err, MIEN_ERR_IO, "cannot write %.800s: %s", path,
                          strerror_r(code, text, sizeof(text)));
}

static enum mien_status write_png(const char *path, const uint8_t *pixels, struct mien_error *err)
{
    png_image image = { .version = PNG_IMAGE_VERSION,
                        .width = MIEN_FACE_SIDE,
                        .height = MIEN_FACE_SIDE,
                        .format = PNG_FORMAT_GRAY };
    unsigned char file[2 * MIEN_FACE_SIDE * MIEN_FACE_SIDE + 1024];
    png_alloc_size_t bytes = sizeof(file);
    if (png_image_write_to_memory(&image, file, &bytes, 0, pixels, 0, NULL) == 0) {
        png_image_free(&image);
        return mien_fail(err, MIEN_ERR_IO, "cannot encode %.800s: %s", path, image.message);
    }
    return write_whole(path, file, bytes, err);
}

static enum mien_status draw_one(void *user, size_t index, struct mien_error *err)
{
    const struct drawing *const job = user;
    const bool validation = index >= job->train;
    const size_t number = validation ? index - job->train : index;
    struct mien_face_random random = { .seed = job->seed,
                                       .index = number,
                                       .split =
                                           validation ? MIEN_SPLIT_VALIDATION : MIEN_SPLIT_TRAIN };
    struct mien_face_expression expression = { 0 };
    struct mien_face_look look = { 0 };
    uint8_t pixels[MIEN_FACE_SIDE * MIEN_FACE_SIDE];
    mien_face_choose(&expression, &look, (int)(number % MIEN_EMOTIONS), &random);
    mien_face_draw(pixels, &expression, &look, &random);

    char *const path = image_path(job, index, err);
    if (path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st = write_png(path, pixels, err);
    free(path);
    return st;
}

/* The folder may be there, but empty. */
static enum mien_status check_target(const char *folder, struct mien_error *err)
{
    if (!mien_path_is_folder(folder)) {
        return mien_folder_make(folder, err);
    }
    struct mien_listing listing;
    enum mien_status st = mien_listing_read(&listing, folder, err);
    if (st == MIEN_OK && listing.count > 0) {
        st = mien_fail(err, MIEN_ERR_USAGE,
                       "%.800s: the folder is not empty (%.100s); expected a new or an empty one",
                       folder, listing.items[0].name);
    }
    mien_listing_finish(&listing);
    return st;
}

static enum mien_status make_folders(const struct drawing *job, struct mien_error *err)
{
    for (int split = MIEN_SPLIT_TRAIN; split <= MIEN_SPLIT_VALIDATION; split++) {
        for (size_t c = 0; c < job->classes->count; c++) {
            char name[64];
            (void)snprintf(name, sizeof(name), "%s/%s", mien_split_name((enum mien_split)split),
                           job->classes->names[c]);
            char *const path = mien_path_join(job->folder, name, err);
            const enum mien_status st =
                path == NULL ? MIEN_ERR_MEMORY : mien_folder_make(path, err);
            free(path);
            if (st != MIEN_OK) {
                return st;
            }
        }
    }
    return MIEN_OK;
}

size_t mien_synth_validation(size_t count)
{
    return count / 5 < MIEN_EMOTIONS ? MIEN_EMOTIONS : count / 5;
}

enum mien_status mien_synth_write(const char *folder, const struct mien_synth_options *options,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_class_list classes = { 0 };
    if (options->count < MIEN_EMOTIONS || options->count > MAX_COUNT) {
        return mien_fail(err, MIEN_ERR_USAGE, "%zu faces; expected %d to %d", options->count,
                         MIEN_EMOTIONS, MAX_COUNT);
    }
    const size_t validation = mien_synth_validation(options->count);
    for (int i = 0; i < MIEN_EMOTIONS; i++) {
        TRY(mien_class_list_add(&classes, mien_fer2013_names[i], err));
    }
    mien_class_list_sort(&classes);
    struct drawing job = {
        .folder = folder, .seed = options->seed, .train = options->count, .classes = &classes
    };
    TRY(check_target(folder, err));
    TRY(make_folders(&job, err));
    TRY(mien_parallel_for(options->count + validation, 0, draw_one, &job, options->log, "drawing",
                          err));
done:
    mien_class_list_finish(&classes);
    return st;
}
