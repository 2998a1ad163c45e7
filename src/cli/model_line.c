/* model_line.c - "[MODEL] IMAGE...": which argument is the model, and the one that ships */
#include "cli/model_line.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/find.h"

static const char shipped_name[] = "fer-medium.safetensors";

/* What an argument is, and how sure that is. */
enum kind { KIND_MODEL, KIND_IMAGE, KIND_UNKNOWN };

static bool holds_run(const char *folder)
{
    static const char *const names[] = { "best.safetensors", "last.safetensors" };
    bool found = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *const path = mien_path_join(folder, names[i], NULL);
        found = found || (path != NULL && mien_path_is_file(path));
        free(path);
    }
    return found;
}

/* By its first bytes; a file that has neither beginning may be a damaged one of either kind. */
static enum kind kind_of_content(const char *path)
{
    static const unsigned char png[] = { 0x89, 'P', 'N', 'G' };
    static const unsigned char jpeg[] = { 0xff, 0xd8, 0xff };
    /* safetensors: the length of the header, less than 2^32 in all of them, then its brace. */
    static const unsigned char model[] = { 0, 0, 0, 0, '{' };
    unsigned char head[9] = { 0 };
    FILE *const file = mien_path_is_file(path) ? fopen(path, "rbe") : NULL;
    const size_t bytes = file != NULL ? fread(head, 1, sizeof(head), file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (bytes == sizeof(head) && memcmp(head + 4, model, sizeof(model)) == 0) {
        return KIND_MODEL;
    }
    return memcmp(head, png, sizeof(png)) == 0 || memcmp(head, jpeg, sizeof(jpeg)) == 0
               ? KIND_IMAGE
               : KIND_UNKNOWN;
}

static enum kind kind_of(const char *argument)
{
    if (strcmp(argument, "-") == 0) {
        return KIND_IMAGE;
    }
    if (mien_path_is_folder(argument)) {
        return holds_run(argument) ? KIND_MODEL : KIND_IMAGE;
    }
    const enum kind kind = kind_of_content(argument);
    const char *const slash = strrchr(argument, '/');
    const char *const name = slash != NULL ? slash + 1 : argument;
    return kind == KIND_UNKNOWN && mien_name_is_image(name) ? KIND_IMAGE : kind;
}

/* The folder of the running program, without a slash at the end; false where that is not told. */
static bool program_folder(char out[PATH_MAX])
{
    const ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (length <= 0) {
        return false;
    }
    out[length] = '\0';
    char *const slash = strrchr(out, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return true;
}

/* "FOLDER/WAY/NAME" if that is a file; NULL if not, or no memory for it. */
static char *find_in(const char *folder, const char *way)
{
    const size_t bytes = strlen(folder) + strlen(way) + sizeof(shipped_name) + 2;
    char *const path = mien_calloc(bytes, 1, NULL);
    if (path != NULL) {
        (void)snprintf(path, bytes, "%s%s/%s", folder, way, shipped_name);
    }
    if (path != NULL && !mien_path_is_file(path)) {
        free(path);
        return NULL;
    }
    return path;
}

/*
 * The model that ships: beside the program in the folder that it was built in, from the program's
 * place in a prefix, which may have been moved, and where it was to be installed.
 */
static char *find_shipped(void)
{
    static const char *const ways[] = { "/share/mien/models", "/" MIEN_MODELS_FROM_PROGRAM };
    char folder[PATH_MAX];
    char *found = NULL;
    const bool told = program_folder(folder);
    for (size_t i = 0; told && found == NULL && i < sizeof(ways) / sizeof(ways[0]); i++) {
        found = find_in(folder, ways[i]);
    }
    if (found != NULL) { /* a person reads it: without the way there */
        char *const plain = realpath(found, NULL);
        if (plain != NULL) {
            free(found);
            found = plain;
        }
    }
    return found != NULL ? found : find_in(MIEN_MODELS_FOLDER, "");
}

static enum mien_status take_shipped(struct model_line *out, struct term *term,
                                     struct mien_error *err)
{
    const char *const named = getenv("MIEN_MODEL"); // NOLINT(concurrency-mt-unsafe): one thread yet
    if (named != NULL && *named != '\0') {
        const enum mien_status st = opt_check_path(OPT_INPUT, named, err);
        out->model = named;
        mien_log_line(&term->log, "model: %s (of MIEN_MODEL)", named);
        return st == MIEN_OK ? st : mien_wrap(err, st, "MIEN_MODEL");
    }
    out->shipped = find_shipped();
    out->model = out->shipped;
    if (out->shipped == NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "no MODEL is named, and the one that ships, %s, is neither beside the "
                         "program nor in %s; MIEN_MODEL may name one",
                         shipped_name, MIEN_MODELS_FOLDER);
    }
    mien_log_line(&term->log, "model: %s (no other is named)", out->model);
    return MIEN_OK;
}

/* A model behind the first argument was probably meant to be the first. */
static enum mien_status refuse_models(const struct opt_strings *images, struct mien_error *err)
{
    for (size_t i = 0; i < images->count; i++) {
        if (kind_of_content(images->items[i]) == KIND_MODEL) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "%s is a safetensors file, expected an image: a model goes before the "
                             "images",
                             images->items[i]);
        }
    }
    return MIEN_OK;
}

enum mien_status model_line_read(struct model_line *out, const char *model,
                                 const struct opt_strings *images, struct term *term,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = (struct model_line){ .model = NULL };
    const char *const first = model != NULL ? model : images->items[0];
    const enum kind kind = kind_of(first);
    const bool is_image = kind == KIND_IMAGE || (kind == KIND_UNKNOWN && model == NULL);
    if (!is_image && model == NULL) {
        return mien_fail(err, MIEN_ERR_USAGE, "IMAGE is missing: " MODEL_LINE_IMAGE_HELP);
    }
    out->images.items = mien_calloc(images->count + 1, sizeof(*out->images.items), err);
    if (out->images.items == NULL) {
        return MIEN_ERR_MEMORY;
    }
    if (is_image && model != NULL) {
        out->images.items[out->images.count++] = (char *)(uintptr_t)model; /* nobody writes it */
    }
    for (size_t i = 0; i < images->count; i++) {
        out->images.items[out->images.count++] = images->items[i];
    }
    if (is_image) {
        TRY(refuse_models(&out->images, err));
        TRY(take_shipped(out, term, err));
    } else {
        TRY(opt_check_path(OPT_INPUT, model, err));
        TRY(refuse_models(&out->images, err));
        out->model = model;
    }

done:
    return st;
}

void model_line_finish(struct model_line *line)
{
    free(line->images.items);
    free(line->shipped);
    *line = (struct model_line){ .model = NULL };
}
