/* file.c - whole files: mapped, read, replaced atomically */
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum { TRIES = 100, CHUNK = 1 << 30, SUFFIX_BYTES = 12 };

struct mien_atomic_file {
    int fd;
    bool failed;     /* a write was refused: never commit */
    char *path;      /* what is replaced, symbolic links resolved */
    char *temporary; /* path and ".tmp-" and six letters */
};

/* "cannot open FILE: Permission denied"; a very long path is cut, the reason never. */
static enum mien_status fail_io(struct mien_error *err, const char *verb, const char *path,
                                int code)
{
    char buffer[128];
    return mien_fail(err, MIEN_ERR_IO, "cannot %s %.800s: %s", verb, path,
                     strerror_r(code, buffer, sizeof(buffer)));
}

static enum mien_status fail_not_regular(struct mien_error *err, const char *path)
{
    return mien_fail(err, MIEN_ERR_FORMAT, "%.800s is not a regular file", path);
}

/* Open a regular file for reading; anything else is refused without waiting for it. */
static enum mien_status open_regular(int *out, size_t *bytes, const char *path,
                                     struct mien_error *err)
{
    *out = -1;
    *bytes = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    if (fd < 0) {
        const int code = errno;
        if ((code == ENOENT || code == ELOOP) && lstat(path, &info) == 0 && S_ISLNK(info.st_mode)) {
            return mien_fail(err, MIEN_ERR_FORMAT, "%.800s is a symbolic link that leads nowhere",
                             path);
        }
        return code == ENXIO ? fail_not_regular(err, path) /* a socket */
                             : fail_io(err, "open", path, code);
    }
    enum mien_status st = MIEN_OK;
    if (fstat(fd, &info) != 0) {
        st = fail_io(err, "examine", path, errno);
    } else if (S_ISDIR(info.st_mode)) {
        st = mien_fail(err, MIEN_ERR_FORMAT, "%.800s is a folder, expected a file", path);
    } else if (!S_ISREG(info.st_mode)) {
        st = fail_not_regular(err, path);
    } else if ((uintmax_t)info.st_size > SIZE_MAX / 2) {
        st = fail_io(err, "read", path, EFBIG);
    }
    if (st != MIEN_OK) {
        (void)close(fd);
        return st;
    }
    *out = fd;
    *bytes = (size_t)info.st_size;
    return MIEN_OK;
}

enum mien_status mien_file_map(struct mien_file_map *out, const char *path, struct mien_error *err)
{
    *out = (struct mien_file_map){ NULL, 0 };
    int fd = -1;
    size_t bytes = 0;
    const enum mien_status st = open_regular(&fd, &bytes, path, err);
    if (st != MIEN_OK) {
        return st;
    }
    void *const data = bytes == 0 ? NULL : mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    const int code = errno;
    (void)close(fd); /* the mapping stays */
    if (data == MAP_FAILED) {
        return fail_io(err, "map", path, code);
    }
    *out = (struct mien_file_map){ data, bytes };
    return MIEN_OK;
}

void mien_file_unmap(struct mien_file_map *map)
{
    if (map == NULL) {
        return;
    }
    if (map->data != NULL) {
        void *data = NULL; /* munmap() takes a pointer to non-const, though it writes nothing */
        memcpy(&data, &map->data, sizeof(data));
        (void)munmap(data, map->bytes);
    }
    *map = (struct mien_file_map){ NULL, 0 };
}

/* Up to `bytes`, fewer when the file became shorter; false with errno set when reading fails. */
static bool read_all(int fd, unsigned char *data, size_t *bytes)
{
    size_t at = 0;
    while (at < *bytes) {
        const size_t left = *bytes - at;
        const ssize_t got = read(fd, data + at, left < CHUNK ? left : CHUNK);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return false;
        }
        if (got == 0) {
            break;
        }
        at += (size_t)got;
    }
    *bytes = at;
    return true;
}

enum mien_status mien_file_read(unsigned char **data, size_t *bytes, const char *path, size_t limit,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    int fd = -1;
    size_t size = 0;
    unsigned char *block = NULL;
    *data = NULL;
    *bytes = 0;
    TRY(open_regular(&fd, &size, path, err));
    if (size > limit) {
        TRY(mien_fail(err, MIEN_ERR_FORMAT, "%.800s has %zu bytes, expected at most %zu", path,
                      size, limit));
    }
    block = mien_calloc(size + 1, 1, err);
    if (block == NULL) {
        st = mien_wrap(err, MIEN_ERR_MEMORY, "%s", path);
        goto done;
    }
    if (!read_all(fd, block, &size)) {
        TRY(fail_io(err, "read", path, errno));
    }
    block[size] = '\0';
    *data = block;
    *bytes = size;
    block = NULL;
done:
    free(block);
    if (fd >= 0) {
        (void)close(fd);
    }
    return st;
}

/* What a write to `path` is to replace: a link's target, so that the link itself stays. */
static enum mien_status resolve_target(char **out, const char *path, struct mien_error *err)
{
    *out = NULL;
    struct stat info;
    const size_t length = strlen(path);
    if (length == 0 || path[length - 1] == '/') {
        return mien_fail(err, MIEN_ERR_IO, "cannot write '%.800s': it names no file", path);
    }
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) {
            return mien_fail(err, MIEN_ERR_IO, "cannot write %.800s: it is a folder", path);
        }
        if (!S_ISREG(info.st_mode)) { /* a rename would put a file where /dev/null was */
            return mien_fail(err, MIEN_ERR_IO, "cannot write %.800s: it is not a regular file",
                             path);
        }
    }
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode)) {
        *out = realpath(path, NULL);
        if (*out == NULL) {
            (void)fail_io(err, "follow", path, errno);
            return MIEN_ERR_IO;
        }
        return MIEN_OK;
    }
    *out = mien_strdup(path, err);
    return *out == NULL ? MIEN_ERR_MEMORY : MIEN_OK;
}

/* Six letters that no other process or thread is likely to try at the same time. */
static void put_suffix(char *suffix, const void *place, unsigned attempt)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t mix = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uint64_t)getpid() << 17 ^
                   (uint64_t)(uintptr_t)place;
    mix = (mix + attempt) * UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < 6; i++) {
        mix ^= mix >> 29;
        suffix[i] = letters[mix >> 59];
        mix *= UINT64_C(0xbf58476d1ce4e5b9);
    }
    suffix[6] = '\0';
}

/* As mkstemp(), but with the mode that open() gives under the user's umask. */
static enum mien_status open_temporary(struct mien_atomic_file *file, struct mien_error *err)
{
    assert(file->path != NULL);
    const size_t length = strlen(file->path);
    file->temporary = mien_calloc(length + SUFFIX_BYTES, 1, err);
    if (file->temporary == NULL) {
        return MIEN_ERR_MEMORY;
    }
    memcpy(file->temporary, file->path, length);
    memcpy(file->temporary + length, ".tmp-", 5);
    int code = EEXIST;
    for (unsigned attempt = 0; attempt < TRIES && code == EEXIST; attempt++) {
        put_suffix(file->temporary + length + 5, file, attempt);
        file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        code = file->fd >= 0 ? 0 : errno;
    }
    if (code != 0) {
        free(file->temporary); /* there is no such file to remove */
        file->temporary = NULL;
        return fail_io(err, "write", file->path, code);
    }
    struct stat old;
    if (stat(file->path, &old) == 0) {
        (void)fchmod(file->fd, old.st_mode & 0777); /* the new file is as readable as the old */
    }
    return MIEN_OK;
}

enum mien_status mien_atomic_open(struct mien_atomic_file **out, const char *path,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = NULL;
    struct mien_atomic_file *file = mien_calloc(1, sizeof(*file), err);
    if (file == NULL) {
        return MIEN_ERR_MEMORY;
    }
    file->fd = -1;
    TRY(resolve_target(&file->path, path, err));
    TRY(open_temporary(file, err));
    *out = file;
    file = NULL;
done:
    mien_atomic_abort(file);
    return st;
}

enum mien_status mien_atomic_write(struct mien_atomic_file *file, const void *data, size_t bytes,
                                   struct mien_error *err)
{
    const unsigned char *next = data;
    while (bytes != 0) {
        const ssize_t written = write(file->fd, next, bytes < CHUNK ? bytes : CHUNK);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            file->failed = true;
            return fail_io(err, "write", file->path, written < 0 ? errno : ENOSPC);
        }
        next += written;
        bytes -= (size_t)written;
    }
    return MIEN_OK;
}

/* Make the rename itself last.  Some file systems cannot, and a folder may not be readable. */
static enum mien_status flush_folder(const char *folder, const char *path, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        if (fsync(fd) != 0 && errno == EIO) {
            st = mien_wrap(err, fail_io(err, "flush the folder of", path, EIO),
                           "written, but may not survive a power cut");
        }
        (void)close(fd);
    }
    return st;
}

enum mien_status mien_atomic_commit(struct mien_atomic_file *file, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *const folder = mien_path_folder(file->path, err);
    if (folder == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    if (file->failed) {
        TRY(mien_fail(err, MIEN_ERR_IO, "cannot finish %.800s: a write to it failed", file->path));
    }
    if (fsync(file->fd) != 0 && errno != EINVAL) {
        TRY(fail_io(err, "flush", file->path, errno));
    }
    const int closed = close(file->fd);
    file->fd = -1;
    if (closed != 0) {
        TRY(fail_io(err, "close", file->path, errno));
    }
    if (rename(file->temporary, file->path) != 0) {
        TRY(fail_io(err, "replace", file->path, errno));
    }
    free(file->temporary);
    file->temporary = NULL;
    TRY(flush_folder(folder, file->path, err)); /* behind the rename nothing else may fail */
done:
    free(folder);
    mien_atomic_abort(file);
    return st;
}

void mien_atomic_abort(struct mien_atomic_file *file)
{
    if (file == NULL) {
        return;
    }
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    if (file->temporary != NULL) {
        (void)unlink(file->temporary);
    }
    free(file->temporary);
    free(file->path);
    free(file);
}

enum mien_status mien_file_replace(const char *path, const void *data, size_t bytes,
                                   struct mien_error *err)
{
    struct mien_atomic_file *file = NULL;
    enum mien_status st = mien_atomic_open(&file, path, err);
    if (st != MIEN_OK) {
        return st;
    }
    st = mien_atomic_write(file, data, bytes, err);
    if (st != MIEN_OK) {
        mien_atomic_abort(file);
        return st;
    }
    return mien_atomic_commit(file, err);
}
