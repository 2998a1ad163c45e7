/* find.c - the image files below a folder */
#include "data/find.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/letters.h"
#include "base/listing.h"
#include "base/memory.h"

enum { MAX_DEPTH = 32 };

bool mien_name_is_image(const char *name)
{
    static const char *const endings[] = { ".png", ".jpg", ".jpeg", ".jpe", ".jfif" };
    const char *const dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (mien_same_text(dot, endings[i])) {
            return name[0] != '.';
        }
    }
    return false;
}

bool mien_name_is_ignored(const char *name)
{
    return name[0] == '.' || strcmp(name, "__MACOSX") == 0 || strcmp(name, "@eaDir") == 0;
}

/* Takes over `path`, also when it fails. */
static enum mien_status take(struct mien_paths *paths, char *path, struct mien_error *err)
{
    if (path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    if (paths->count == paths->capacity) {
        const size_t capacity = 2 * paths->capacity + 64;
        char **const items = mien_realloc(paths->items, capacity, sizeof(*items), err);
        if (items == NULL) {
            free(path);
            return MIEN_ERR_MEMORY;
        }
        paths->items = items;
        paths->capacity = capacity;
    }
    paths->items[paths->count++] = path;
    return MIEN_OK;
}

enum mien_status mien_paths_add(struct mien_paths *paths, const char *path, struct mien_error *err)
{
    return take(paths, mien_strdup(path, err), err);
}

static enum mien_status walk(struct mien_paths *paths, const char *folder,
                             const struct mien_level *up, struct mien_error *err);

/* One name of the folder: a folder to go down into, an image, or neither. */
static enum mien_status visit(struct mien_paths *paths, const char *folder,
                              const struct mien_level *level, const struct mien_listed *item,
                              struct mien_error *err)
{
    if (item->is_folder ? mien_name_is_ignored(item->name) : !mien_name_is_image(item->name)) {
        return MIEN_OK;
    }
    char *const path = mien_path_join(folder, item->name, err);
    if (path == NULL || !item->is_folder) {
        return take(paths, path, err);
    }
    const enum mien_status st = walk(paths, path, level, err);
    free(path);
    return st;
}

static enum mien_status walk(struct mien_paths *paths, const char *folder,
                             const struct mien_level *up, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_level level = { .up = up, .depth = up == NULL ? 0 : up->depth + 1 };
    TRY(mien_listing_read(&level.list, folder, err));
    TRY(mien_level_check(&level, MAX_DEPTH, folder, err));
    for (size_t i = 0; i < level.list.count; i++) {
        TRY(visit(paths, folder, &level, &level.list.items[i], err));
    }

done:
    mien_listing_finish(&level.list);
    return st;
}

static void cut(struct mien_paths *paths, size_t count)
{
    while (paths->count > count) {
        free(paths->items[--paths->count]);
    }
}

enum mien_status mien_paths_find(struct mien_paths *paths, const char *folder,
                                 struct mien_error *err)
{
    const size_t before = paths->count;
    const enum mien_status st = walk(paths, folder, NULL, err);
    if (st != MIEN_OK) {
        cut(paths, before);
        return st;
    }
    if (paths->count == before) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%.800s: no PNG or JPEG files in this folder",
                         folder);
    }
    return MIEN_OK;
}

void mien_paths_finish(struct mien_paths *paths)
{
    cut(paths, 0);
    free(paths->items);
    *paths = (struct mien_paths){ 0 };
}
