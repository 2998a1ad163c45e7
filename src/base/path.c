/* path.c - paths and folders (declared in file.h) */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"

bool mien_path_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool mien_path_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *mien_path_folder(const char *path, struct mien_error *err)
{
    const char *const slash = strrchr(path, '/');
    const size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    char *const folder = mien_calloc(length + 2, 1, err);
    if (folder != NULL) {
        memcpy(folder, length == 0 ? "." : path, length == 0 ? 1 : length);
    }
    return folder;
}

static enum mien_status make_one(const char *path, struct mien_error *err)
{
    if (mien_path_is_folder(path)) {
        return MIEN_OK;
    }
    if (mkdir(path, 0777) == 0) {
        return MIEN_OK;
    }
    const int code = errno;
    if (mien_path_is_folder(path)) { /* made by another process meanwhile */
        return MIEN_OK;
    }
    char buffer[128];
    return mien_fail(err, MIEN_ERR_IO, "cannot make the folder %.800s: %s", path,
                     code == EEXIST ? "there is a file of that name"
                                    : strerror_r(code, buffer, sizeof(buffer)));
}

enum mien_status mien_folder_make(const char *path, struct mien_error *err)
{
    if (path[0] == '\0') {
        return mien_fail(err, MIEN_ERR_IO, "cannot make a folder without a name");
    }
    char *const part = mien_strdup(path, err);
    if (part == NULL) {
        return MIEN_ERR_MEMORY;
    }
    enum mien_status st = MIEN_OK;
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        TRY(make_one(part, err));
        *slash = '/';
    }
    TRY(make_one(part, err));
done:
    free(part);
    return st;
}

char *mien_path_join(const char *folder, const char *name, struct mien_error *err)
{
    const size_t length = strlen(folder);
    const size_t bytes = length + strlen(name) + 2;
    char *const path = mien_calloc(bytes, 1, err);
    if (path != NULL) {
        const bool slash = length != 0 && folder[length - 1] != '/';
        (void)snprintf(path, bytes, "%s%s%s", folder, slash ? "/" : "", name);
    }
    return path;
}

/* The value of a variable of the environment, NULL when it is unset or empty. */
static const char *set_variable(const char *name)
{
    const char *const value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

char *mien_cache_folder(void)
{
    const char *const own = set_variable("MIEN_CACHE");
    if (own != NULL) {
        return mien_strdup(own, NULL);
    }
    const char *const shared = set_variable("XDG_CACHE_HOME");
    if (shared != NULL && shared[0] == '/') { /* the standard has relative ones ignored */
        return mien_path_join(shared, "mien", NULL);
    }
    const char *const home = set_variable("HOME");
    return home == NULL ? NULL : mien_path_join(home, ".cache/mien", NULL);
}
