/* scan.c - finding the image files of a folder data set */
#include "data/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/letters.h"
#include "base/listing.h"
#include "base/memory.h"
#include "data/build.h"
#include "data/find.h"

enum { MAX_DEPTH = 8 };

/* A folder on the way down. */
struct place {
    char *path; /* inside the data set; "" is the root */
    struct mien_level level;
};

static void leave(struct place *place)
{
    free(place->path);
    mien_listing_finish(&place->level.list);
}

/* Enter `name` below `up` (NULL: the root itself).  leave() is due in any case. */
static enum mien_status enter(struct place *out, const struct mien_scan *scan,
                              const struct place *up, const char *name, struct mien_error *err)
{
    *out = (struct place){ .path = NULL };
    if (up != NULL) {
        out->level = (struct mien_level){ .up = &up->level, .depth = up->level.depth + 1 };
    }
    out->path = up == NULL || up->path[0] == '\0' ? mien_strdup(name, err)
                                                  : mien_path_join(up->path, name, err);
    char *const full = out->path == NULL      ? NULL
                       : out->path[0] == '\0' ? mien_strdup(scan->root, err)
                                              : mien_path_join(scan->root, out->path, err);
    if (full == NULL) {
        return MIEN_ERR_MEMORY;
    }
    enum mien_status st = mien_listing_read(&out->level.list, full, err);
    st = st == MIEN_OK ? mien_level_check(&out->level, MAX_DEPTH, full, err) : st;
    free(full);
    return st;
}

/* That of a folder of this name, or -1. */
static int split_named(const char *name)
{
    return mien_split_of(name, strlen(name));
}

static enum mien_status add_found(struct mien_scan *scan, const char *folder, const char *name,
                                  int class_folder, int split, struct mien_error *err)
{
    const size_t head = strlen(folder);
    const size_t tail = strlen(name) + 1;
    if (scan->text_capacity - scan->text_bytes < head + 1 + tail) {
        const size_t capacity = 2 * scan->text_capacity + head + 1 + tail + 65536;
        char *const text = mien_realloc(scan->text, capacity, 1, err);
        if (text == NULL) {
            return MIEN_ERR_MEMORY;
        }
        scan->text = text;
        scan->text_capacity = capacity;
    }
    if (scan->count == scan->capacity) {
        const size_t capacity = 2 * scan->capacity + 1024;
        struct mien_found *const found = mien_realloc(scan->found, capacity, sizeof(*found), err);
        if (found == NULL) {
            return MIEN_ERR_MEMORY;
        }
        scan->found = found;
        scan->capacity = capacity;
    }
    scan->found[scan->count++] =
        (struct mien_found){ .name = scan->text_bytes, .folder = class_folder, .split = split };
    (void)snprintf(scan->text + scan->text_bytes, head + 1 + tail, "%s/%s", folder, name);
    scan->text_bytes += head + 1 + tail;
    return MIEN_OK;
}

/* All images in a class folder and below it. */
static enum mien_status gather(struct mien_scan *scan, const struct place *place, int class_folder,
                               int split, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (size_t i = 0; i < place->level.list.count && st == MIEN_OK; i++) {
        const struct mien_listed *const item = &place->level.list.items[i];
        if (item->is_folder) {
            if (mien_name_is_ignored(item->name)) {
                continue;
            }
            struct place below;
            st = enter(&below, scan, place, item->name, err);
            if (st == MIEN_OK) {
                st = gather(scan, &below, class_folder, split, err);
            }
            leave(&below);
        } else if (mien_name_is_image(item->name)) {
            st = add_found(scan, place->path, item->name, class_folder, split, err);
        } else {
            scan->skipped++;
        }
    }
    return st;
}

static enum mien_status scan_class(struct mien_scan *scan, const struct place *up, const char *name,
                                   int split, struct mien_error *err)
{
    struct place place;
    enum mien_status st = MIEN_OK;
    const size_t before = scan->count;
    TRY(enter(&place, scan, up, name, err));
    TRY(mien_class_list_add(&scan->folders, name, err));
    if (scan->folders.count > MIEN_MAX_CLASSES) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "%.800s: more than %d class folders", scan->root,
                       MIEN_MAX_CLASSES);
        goto done;
    }
    TRY(gather(scan, &place, mien_class_list_find(&scan->folders, name), split, err));
    if (scan->count == before) {
        st = mien_fail(err, MIEN_ERR_FORMAT,
                       "%.400s/%.400s: a class folder without images; expected PNG or JPEG files",
                       scan->root, place.path);
    }
done:
    leave(&place);
    return st;
}

/* Every folder here is a class. */
static enum mien_status scan_classes(struct mien_scan *scan, const struct place *place, int split,
                                     struct mien_error *err)
{
    const char *const slash = place->path[0] == '\0' ? "" : "/";
    size_t folders = 0;
    size_t loose = 0;
    for (size_t i = 0; i < place->level.list.count; i++) {
        const struct mien_listed *const item = &place->level.list.items[i];
        if (!item->is_folder) {
            loose += mien_name_is_image(item->name) ? 1 : 0;
            continue;
        }
        if (mien_name_is_ignored(item->name)) {
            continue;
        }
        folders++;
        const enum mien_status st = scan_class(scan, place, item->name, split, err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    if (folders == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%.400s%s%.400s: no class folders; expected train/<class>/, "
                         "validation/<class>/ or <class>/ with PNG or JPEG files",
                         scan->root, slash, place->path);
    }
    if (loose > 0) {
        mien_log_line(scan->log, "%s%s%s: %zu images beside the class folders are left out",
                      scan->root, slash, place->path, loose);
    }
    return MIEN_OK;
}

/*
 * Step into images/ (and images/images/) where that is only a wrapper: it has folders, not images.
 * *place is replaced by the folder inside; `parent` keeps the chain alive.
 */
static enum mien_status unwrap(struct place *place, struct place *parent, bool *moved,
                               const struct mien_scan *scan, struct mien_error *err)
{
    *moved = false;
    for (size_t i = 0; i < place->level.list.count; i++) {
        const struct mien_listed *const item = &place->level.list.items[i];
        if (!item->is_folder || !mien_same_text(item->name, "images")) {
            continue;
        }
        struct place inside;
        enum mien_status st = enter(&inside, scan, place, item->name, err);
        bool wraps = false;
        for (size_t k = 0; k < inside.level.list.count; k++) {
            wraps = wraps || (inside.level.list.items[k].is_folder &&
                              !mien_name_is_ignored(inside.level.list.items[k].name));
        }
        if (st != MIEN_OK || !wraps) {
            leave(&inside);
            return st;
        }
        *parent = *place;
        *place = inside;
        place->level.up = &parent->level;
        *moved = true;
        return MIEN_OK;
    }
    return MIEN_OK;
}

static bool has_split_folders(const struct place *place)
{
    for (size_t i = 0; i < place->level.list.count; i++) {
        if (place->level.list.items[i].is_folder &&
            split_named(place->level.list.items[i].name) >= 0) {
            return true;
        }
    }
    return false;
}

/* The class folders of one split, or of a data set without splits, perhaps inside images/. */
static enum mien_status scan_one(struct mien_scan *scan, struct place *place, int split,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct place parents[2] = { 0 };
    bool moved = true;
    for (int i = 0; i < 2 && moved; i++) {
        TRY(unwrap(place, &parents[i], &moved, scan, err));
    }
    TRY(scan_classes(scan, place, split, err));
done:
    leave(&parents[0]);
    leave(&parents[1]);
    return st;
}

static enum mien_status scan_splits(struct mien_scan *scan, const struct place *place,
                                    struct mien_error *err)
{
    const char *seen[MIEN_SPLITS] = { NULL };
    for (size_t i = 0; i < place->level.list.count; i++) {
        const struct mien_listed *const item = &place->level.list.items[i];
        const int split = item->is_folder ? split_named(item->name) : -1;
        if (split < 0) {
            if (item->is_folder && !mien_name_is_ignored(item->name)) {
                mien_log_line(scan->log, "%s: the folder %s beside the splits is left out",
                              scan->root, item->name);
            }
            continue;
        }
        if (seen[split] != NULL) {
            return mien_fail(err, MIEN_ERR_FORMAT, "%.800s: both %s and %s hold the %s split",
                             scan->root, seen[split], item->name,
                             mien_split_name((enum mien_split)split));
        }
        seen[split] = item->name;
        struct place inside;
        enum mien_status st = enter(&inside, scan, place, item->name, err);
        if (st == MIEN_OK) {
            st = scan_one(scan, &inside, split, err);
        }
        leave(&inside);
        if (st != MIEN_OK) {
            return st;
        }
    }
    return MIEN_OK;
}

enum mien_status mien_scan_run(struct mien_scan *scan, struct mien_error *err)
{
    struct place place;
    struct place parents[2] = { 0 };
    bool moved = true;
    enum mien_status st = MIEN_OK;
    TRY(enter(&place, scan, NULL, "", err));
    for (int i = 0; i < 2 && moved && !has_split_folders(&place); i++) {
        TRY(unwrap(&place, &parents[i], &moved, scan, err));
    }
    scan->has_splits = has_split_folders(&place);
    if (scan->has_splits) {
        TRY(scan_splits(scan, &place, err));
    } else {
        TRY(scan_classes(scan, &place, MIEN_SPLIT_TRAIN, err));
    }
    TRY(mien_scan_name_classes(scan, err));
    mien_scan_name_splits(scan);
done:
    leave(&place);
    leave(&parents[0]);
    leave(&parents[1]);
    return st;
}

void mien_scan_finish(struct mien_scan *scan)
{
    mien_class_list_finish(&scan->folders);
    mien_class_list_finish(&scan->classes);
    free(scan->found);
    free(scan->text);
}
