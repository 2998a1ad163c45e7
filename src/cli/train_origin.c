/* train_origin.c - what a run was begun with, from this command line or from its run.json */
#include "cli/train_origin.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/text.h"
#include "train/checkpoint.h"
#include "train/run_files.h"

void train_origin_finish(struct train_origin *origin)
{
    free(origin->data);
    free(origin->exclude);
    free(origin->device);
    free(origin->driver);
    *origin = (struct train_origin){ .data = NULL };
}

static int choice_of(const char *word, const char *const *choices)
{
    for (int i = 0; word != NULL && choices[i] != NULL; i++) {
        if (strcmp(word, choices[i]) == 0) {
            return i;
        }
    }
    return 0;
}

/* The whole path, since a run may go on from another folder; free() it.  NULL gives NULL. */
static enum mien_status whole_path(char **out, const char *path, struct mien_error *err)
{
    *out = path != NULL ? realpath(path, NULL) : NULL;
    if (path != NULL && *out == NULL) {
        *out = mien_strdup(path, err);
    }
    return path != NULL && *out == NULL ? MIEN_ERR_MEMORY : MIEN_OK;
}

enum mien_status train_origin_of(struct train_origin *out, const char *path,
                                 const struct train_options *o, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *info = NULL;
    const enum mien_status known = mien_json_read(&info, path, MIEN_RUN_INFO_LARGEST_BYTES, NULL);
    const json_t *const options = known == MIEN_OK ? json_object_get(info, "options") : NULL;
    const char *const data =
        o->data != NULL ? o->data
                        : json_string_value(json_object_get(json_object_get(info, "data"), "path"));
    if (data == NULL) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "%s does not say where the data is: give DATA", path);
    } else {
        const char *const exclude = json_string_value(json_object_get(options, "exclude"));
        st = whole_path(&out->data, data, err);
        st = st == MIEN_OK
                 ? whole_path(&out->exclude, o->exclude != NULL ? o->exclude : exclude, err)
                 : st;
    }
    const double split = json_number_value(json_object_get(options, "split"));
    const char *const blas = json_string_value(json_object_get(options, "blas"));
    out->split = o->split >= 0.0 ? o->split : split >= 0.0 && split <= 0.9 ? split : 0.0;
    const json_int_t keep = json_integer_value(json_object_get(options, "keep_every"));
    out->keep_every = o->keep_every >= 0           ? o->keep_every
                      : keep > 0 && keep <= 100000 ? (int)keep
                                                   : 0;
    out->device = text_of_key(json_object_get(info, "device"), "name");
    out->driver = text_of_key(json_object_get(info, "device"), "driver");
    out->blas = o->blas >= 0 ? o->blas : choice_of(blas, session_blas_choices);
    json_decref(info);
    return st;
}

enum mien_status train_origin_read(struct train_origin *out, const char *last,
                                   const struct train_options *o, struct mien_error *err)
{
    enum mien_status st = mien_checkpoint_shuffled(&out->shuffle, last, err);
    if (st != MIEN_OK) {
        return st;
    }
    out->shuffle = out->shuffle && !o->no_shuffle;
    char *const path = mien_path_join(o->resume, "run.json", err);
    st = path != NULL ? train_origin_of(out, path, o, err) : MIEN_ERR_MEMORY;
    free(path);
    return st;
}

enum mien_status train_origin_take(struct train_origin *out, const struct train_options *o,
                                   struct mien_error *err)
{
    *out = (struct train_origin){
        .split = o->split > 0.0 ? o->split : 0.0,
        .shuffle = !o->no_shuffle,
        .blas = o->blas > 0 ? o->blas : 0,
        .keep_every = o->keep_every > 0 ? o->keep_every : 0,
    };
    const enum mien_status st = whole_path(&out->data, o->data, err);
    return st == MIEN_OK ? whole_path(&out->exclude, o->exclude, err) : st;
}

struct mien_data_options train_origin_data(const struct train_origin *origin,
                                           const struct mien_recipe *recipe, struct term *term)
{
    struct mien_data_options options = mien_recipe_data_options(recipe);
    options.split = origin->split;
    options.exclude = origin->exclude;
    options.log = &term->log;
    return options;
}
