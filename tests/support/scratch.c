/* scratch.c - a folder for one test's files, and small file helpers */
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *scratch_path(const char *folder, const char *name)
{
    const size_t bytes = strlen(folder) + strlen(name) + 2;
    char *const path = malloc(bytes);
    assert_non_null(path);
    (void)snprintf(path, bytes, "%s/%s", folder, name);
    return path;
}

char *scratch_make(void)
{
    const char *const parent = getenv("TMPDIR");
    char *const folder =
        scratch_path(parent == NULL || parent[0] == '\0' ? "/tmp" : parent, "mien-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

void scratch_remove(char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

size_t scratch_count(const char *folder)
{
    DIR *const entries = opendir(folder);
    assert_non_null(entries);
    size_t count = 0;
    while (readdir(entries) != NULL) {
        count++;
    }
    (void)closedir(entries);
    return count - 2;
}

void scratch_write(const char *path, const void *data, size_t bytes)
{
    FILE *const file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

unsigned char *scratch_read(const char *path, size_t *bytes)
{
    FILE *const file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const long end = ftell(file);
    assert_true(end >= 0);
    rewind(file);
    unsigned char *const data = calloc((size_t)end + 1, 1);
    assert_non_null(data);
    *bytes = fread(data, 1, (size_t)end, file);
    assert_int_equal(*bytes, end);
    assert_int_equal(fclose(file), 0);
    return data;
}

void must(enum mien_status status, const struct mien_error *err)
{
    if (status != MIEN_OK) {
        fail_msg("%s: %s", mien_status_name(status), err->text);
    }
}

void must_fail(enum mien_status status, enum mien_status want, const struct mien_error *err,
               const char *part)
{
    if (status != want || strstr(err->text, part) == NULL || strchr(err->text, '\n') != NULL) {
        fail_msg("%s: '%s', expected %s with '%s'", mien_status_name(status), err->text,
                 mien_status_name(want), part);
    }
}

void scratch_same(const char *path, const char *other)
{
    size_t bytes = 0;
    size_t other_bytes = 0;
    unsigned char *const one = scratch_read(path, &bytes);
    unsigned char *const two = scratch_read(other, &other_bytes);
    assert_int_equal(bytes, other_bytes);
    assert_memory_equal(one, two, bytes);
    free(one);
    free(two);
}
