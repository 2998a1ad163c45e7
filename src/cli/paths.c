/* paths.c - files and folders named on the command line, looked at before any work begins */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/listing.h"
#include "base/memory.h"
#include "cli/opt.h"

/* "PATH: what the system says". */
static enum mien_status refuse(enum mien_status status, const char *path, struct mien_error *err)
{
    char text[128];
    return mien_fail(err, status, "%s: %s", path, strerror_r(errno, text, sizeof(text)));
}

/* The name in the same folder that was probably meant, into `out`; false when none is near. */
static bool find_near(char *out, size_t bytes, const char *path)
{
    enum { MOST = 1000 };
    const char *const slash = strrchr(path, '/');
    const int parent = slash != NULL ? (int)(slash - path) + 1 : 0; /* with its slash */
    char where[PATH_MAX];
    if (snprintf(where, sizeof(where), "%.*s.", parent, path) >= (int)sizeof(where)) {
        return false;
    }
    DIR *const folder = opendir(where);
    char *names[MOST + 1] = { NULL };
    size_t count = 0;
    const struct dirent *entry = NULL;
    while (folder != NULL && count < MOST && (entry = readdir(folder)) != NULL) {
        names[count] = mien_strdup(entry->d_name, NULL);
        count += names[count] != NULL;
    }
    const char *const near = opt_nearest(path + parent, (const char *const *)names);
    if (near != NULL) {
        (void)snprintf(out, bytes, "%.*s%s", parent, path, near);
    }
    while (count > 0) {
        free(names[--count]);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return near != NULL;
}

/*
 * A missing input is bad input like a damaged one (exit code 4), while the library can only say
 * that the system refused a file (exit code 1): so it is looked for here.
 */
static enum mien_status check_input(const char *path, struct mien_error *err)
{
    if (access(path, R_OK) == 0) {
        return MIEN_OK;
    }
    const bool missing = errno == ENOENT;
    const enum mien_status st = refuse(MIEN_ERR_FORMAT, path, err);
    char near[512];
    if (missing && err != NULL && find_near(near, sizeof(near), path)) {
        const struct mien_error cause = *err;
        return mien_fail(err, st, "%s, did you mean %s?", cause.text, near);
    }
    return st;
}

static enum mien_status check_output(const char *path, struct mien_error *err)
{
    if (mien_path_is_folder(path)) {
        return mien_fail(err, MIEN_ERR_IO, "%s: is a folder, expected the name of a file", path);
    }
    char *const folder = mien_strdup(path, err);
    if (folder == NULL) {
        return MIEN_ERR_MEMORY;
    }
    char *const slash = strrchr(folder, '/');
    const char *where = ".";
    if (slash != NULL) {
        slash[slash == folder ? 1 : 0] = '\0'; /* "/name" lies in "/" */
        where = folder;
    }
    enum mien_status st = MIEN_OK;
    if (!mien_path_is_folder(where)) {
        st = mien_fail(err, MIEN_ERR_IO, "%s: there is no folder %s", path, where);
    } else if (access(where, W_OK) != 0) {
        (void)refuse(MIEN_ERR_IO, where, err);
        st = mien_wrap(err, MIEN_ERR_IO, "%s: cannot write in folder", path);
    }
    free(folder);
    return st;
}

/* What is already in a folder is never mixed with what is written there. */
static enum mien_status check_folder(const char *path, struct mien_error *err)
{
    struct mien_listing listing;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        return MIEN_OK;
    }
    enum mien_status st = mien_listing_read(&listing, path, err);
    if (st == MIEN_OK && listing.count > 0) {
        st = mien_fail(err, MIEN_ERR_IO, "%s: the folder is not empty, expected a new one", path);
    }
    mien_listing_finish(&listing);
    return st;
}

enum mien_status opt_check_path(enum opt_role role, const char *path, struct mien_error *err)
{
    if (path == NULL) {
        return MIEN_OK;
    }
    switch (role) {
    case OPT_ANY: break;
    case OPT_INPUT: return check_input(path, err);
    case OPT_OUTPUT: return check_output(path, err);
    case OPT_FOLDER: return check_folder(path, err);
    }
    return MIEN_OK;
}

static enum mien_status check_list(enum opt_role role, const struct opt_strings *list,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (size_t i = 0; st == MIEN_OK && i < list->count; i++) {
        st = opt_check_path(role, list->items[i], err);
    }
    return st;
}

enum mien_status opt_check_paths(const struct command *command, const void *options,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (const struct positional *p = command->positionals;
         st == MIEN_OK && p != NULL && p->name != NULL; p++) {
        const void *const field = (const char *)options + p->offset;
        st = p->max > 1 ? check_list(p->role, field, err)
                        : opt_check_path(p->role, *(const char *const *)field, err);
    }
    for (const struct opt *o = command->options; st == MIEN_OK && o != NULL && o->name != NULL;
         o++) {
        const void *const field = (const char *)options + o->offset;
        if (o->role != OPT_ANY) {
            st = o->kind == OPT_STRINGS ? check_list(o->role, field, err)
                                        : opt_check_path(o->role, *(const char *const *)field, err);
        }
    }
    return st;
}
