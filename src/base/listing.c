/* listing.c - what a folder holds, in byte order of the names */
#include "base/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

/* Names one after another, each behind a byte that tells folders ('d') from files ('f'). */
struct buffer {
    char *data;
    size_t bytes, capacity, count;
};

static enum mien_status append(struct buffer *buffer, const char *name, bool is_folder,
                               struct mien_error *err)
{
    const size_t length = strlen(name) + 1;
    if (buffer->capacity - buffer->bytes < length + 1) {
        const size_t capacity = 2 * buffer->capacity + length + 4096;
        char *const data = mien_realloc(buffer->data, capacity, 1, err);
        if (data == NULL) {
            return MIEN_ERR_MEMORY;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    buffer->data[buffer->bytes] = is_folder ? 'd' : 'f';
    memcpy(buffer->data + buffer->bytes + 1, name, length);
    buffer->bytes += length + 1;
    buffer->count++;
    return MIEN_OK;
}

/* A link that leads nowhere counts as a file: reading it gives the error that names it. */
static bool is_folder(int folder, const struct dirent *entry)
{
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) {
        return entry->d_type == DT_DIR;
    }
    struct stat info;
    return fstatat(folder, entry->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

static int compare_items(const void *a, const void *b)
{
    const struct mien_listed *const x = a;
    const struct mien_listed *const y = b;
    return strcmp(x->name, y->name);
}

static enum mien_status read_names(struct buffer *buffer, DIR *folder, const char *path,
                                   struct mien_error *err)
{
    for (;;) {
        errno = 0;
        /* Each stream is read by one thread only, which is what POSIX asks of readdir(). */
        const struct dirent *const entry = readdir(folder);
        if (entry == NULL) {
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        const enum mien_status st =
            append(buffer, entry->d_name, is_folder(dirfd(folder), entry), err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    if (errno != 0) {
        char text[128];
        return mien_fail(err, MIEN_ERR_IO, "cannot read the folder %.800s: %s", path,
                         strerror_r(errno, text, sizeof(text)));
    }
    return MIEN_OK;
}

enum mien_status mien_listing_read(struct mien_listing *out, const char *path,
                                   struct mien_error *err)
{
    *out = (struct mien_listing){ 0 };
    struct buffer buffer = { 0 };
    struct stat info;
    enum mien_status st = MIEN_OK;
    DIR *const folder = opendir(path);
    if (folder == NULL || fstat(dirfd(folder), &info) != 0) {
        char text[128];
        st = mien_fail(err, MIEN_ERR_IO, "cannot open the folder %.800s: %s", path,
                       strerror_r(errno, text, sizeof(text)));
        goto done;
    }
    TRY(read_names(&buffer, folder, path, err));
    out->items = mien_calloc(buffer.count, sizeof(*out->items), err);
    if (out->items == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    out->device = info.st_dev;
    out->inode = info.st_ino;
    out->text = buffer.data;
    out->count = buffer.count;
    const char *next = buffer.data;
    for (size_t i = 0; i < buffer.count; i++) {
        out->items[i] = (struct mien_listed){ .name = next + 1, .is_folder = next[0] == 'd' };
        next += strlen(next) + 1;
    }
    buffer.data = NULL;
    if (out->count > 1) {
        qsort(out->items, out->count, sizeof(*out->items), compare_items);
    }
done:
    if (folder != NULL) {
        (void)closedir(folder);
    }
    free(buffer.data);
    return st;
}

void mien_listing_finish(struct mien_listing *listing)
{
    free(listing->items);
    free(listing->text);
    *listing = (struct mien_listing){ 0 };
}

enum mien_status mien_level_check(const struct mien_level *level, int most, const char *path,
                                  struct mien_error *err)
{
    if (level->depth > most) {
        return mien_fail(err, MIEN_ERR_FORMAT, "%.800s: folders nested deeper than %d", path, most);
    }
    for (const struct mien_level *up = level->up; up != NULL; up = up->up) {
        if (up->list.device == level->list.device && up->list.inode == level->list.inode) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "%.800s: a symbolic link that leads back to a folder above it", path);
        }
    }
    return MIEN_OK;
}
