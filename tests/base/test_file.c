// wrap: write read fsync rename mmap mien_calloc
/* test_file.c - whole files: mapped, read, replaced atomically; paths and folders */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/scratch.h"

/* What the system does to the library's next calls. */
static struct {
    size_t most;       /* bytes a read or a write takes; 0: all */
    int interruptions; /* reads and writes that a signal cuts short first */
    int write_error;   /* of every write from now on; 0: none */
    int read_error;    /* the same of reads */
    int fsync_error;   /* the same of flushing */
    int folder_error;  /* the same of flushing a folder */
    int rename_error;  /* the same of renaming */
    int map_error;     /* the same of mapping */
    bool no_memory;
} trouble;

ssize_t __real_write(int fd, const void *data, size_t bytes);
ssize_t __wrap_write(int fd, const void *data, size_t bytes);
ssize_t __real_read(int fd, void *data, size_t bytes);
ssize_t __wrap_read(int fd, void *data, size_t bytes);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
void *__real_mien_calloc(size_t count, size_t size, struct mien_error *err);
void *__wrap_mien_calloc(size_t count, size_t size, struct mien_error *err);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);

static int refuse(int code)
{
    errno = code;
    return code != 0;
}

static bool interrupt(void)
{
    return trouble.interruptions > 0 && trouble.interruptions-- > 0 && refuse(EINTR);
}

ssize_t __wrap_write(int fd, const void *data, size_t bytes)
{
    if (interrupt() || refuse(trouble.write_error)) {
        return -1;
    }
    return __real_write(fd, data, trouble.most != 0 && trouble.most < bytes ? trouble.most : bytes);
}

ssize_t __wrap_read(int fd, void *data, size_t bytes)
{
    if (interrupt() || refuse(trouble.read_error)) {
        return -1;
    }
    return __real_read(fd, data, trouble.most != 0 && trouble.most < bytes ? trouble.most : bytes);
}

int __wrap_fsync(int fd)
{
    struct stat info;
    const bool folder = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
    return refuse(folder ? trouble.folder_error : trouble.fsync_error) ? -1 : __real_fsync(fd);
}

void *__wrap_mien_calloc(size_t count, size_t size, struct mien_error *err)
{
    return trouble.no_memory ? NULL : __real_mien_calloc(count, size, err);
}

int __wrap_rename(const char *from, const char *to)
{
    return refuse(trouble.rename_error) ? -1 : __real_rename(from, to);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return refuse(trouble.map_error) ? MAP_FAILED
                                     : __real_mmap(at, bytes, protection, flags, fd, offset);
}

/* A folder with one file, "old", that holds "old text"; its name is the state. */
static int make_folder(void **state)
{
    memset(&trouble, 0, sizeof(trouble));
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "old");
    scratch_write(path, "old text", 8);
    free(path);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    memset(&trouble, 0, sizeof(trouble));
    scratch_remove(*state);
    return 0;
}

static void check_content(const char *path, const char *want)
{
    size_t bytes = 0;
    unsigned char *const data = scratch_read(path, &bytes);
    assert_int_equal(bytes, strlen(want));
    assert_memory_equal(data, want, bytes);
    free(data);
}

/* The old file is what it was and nothing lies beside it. */
static void check_untouched(const char *folder, const char *path)
{
    memset(&trouble, 0, sizeof(trouble));
    check_content(path, "old text");
    assert_int_equal(scratch_count(folder), 1);
}

static void test_file__maps_and_reads_what_is_there(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "old");
    struct mien_file_map map;
    must(mien_file_map(&map, path, &err), &err);
    assert_int_equal(map.bytes, 8);
    assert_memory_equal(map.data, "old text", 8);
    mien_file_unmap(&map);
    assert_null(map.data);
    mien_file_unmap(&map);
    mien_file_unmap(NULL);

    unsigned char *data = NULL;
    size_t bytes = 0;
    trouble.most = 3;
    trouble.interruptions = 2;
    must(mien_file_read(&data, &bytes, path, 8, &err), &err);
    assert_int_equal(bytes, 8);
    assert_string_equal((const char *)data, "old text");
    free(data);
    free(path);
}

static void test_file__an_empty_file_is_no_error(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "empty");
    scratch_write(path, "", 0);
    struct mien_file_map map;
    must(mien_file_map(&map, path, &err), &err);
    assert_null(map.data);
    assert_int_equal(map.bytes, 0);
    mien_file_unmap(&map);
    unsigned char *data = NULL;
    size_t bytes = 7;
    must(mien_file_read(&data, &bytes, path, 0, &err), &err);
    assert_int_equal(bytes, 0);
    assert_int_equal(data[0], 0);
    free(data);
    free(path);
}

static void check_refused(const char *path, enum mien_status status, const char *part)
{
    struct mien_error err = { "" };
    struct mien_file_map map = { (const unsigned char *)"x", 1 };
    must_fail(mien_file_map(&map, path, &err), status, &err, part);
    assert_non_null(strstr(err.text, path));
    assert_null(map.data);
    assert_int_equal(map.bytes, 0);
    unsigned char *data = (unsigned char *)&map;
    size_t bytes = 1;
    must_fail(mien_file_read(&data, &bytes, path, 1000, &err), status, &err, part);
    assert_null(data);
}

static void test_file__only_regular_files_are_read(void **state)
{
    char *const missing = scratch_path(*state, "missing");
    char *const below = scratch_path(*state, "old/below");
    char *const pipe = scratch_path(*state, "pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0); /* opening it the plain way would wait for ever */
    check_refused(missing, MIEN_ERR_IO, "No such file");
    check_refused(below, MIEN_ERR_IO, "Not a directory");
    check_refused(pipe, MIEN_ERR_FORMAT, "not a regular file");
    check_refused("/dev/null", MIEN_ERR_FORMAT, "not a regular file");
    char *const lost = scratch_path(*state, "lost");
    char *const circle = scratch_path(*state, "circle");
    assert_int_equal(symlink("nowhere", lost), 0);
    assert_int_equal(symlink("circle", circle), 0);
    check_refused(lost, MIEN_ERR_FORMAT, "lost is a symbolic link that leads nowhere");
    check_refused(circle, MIEN_ERR_FORMAT, "circle is a symbolic link that leads nowhere");
    free(lost);
    free(circle);
    check_refused(*state, MIEN_ERR_FORMAT, "is a folder");
    free(missing);
    free(below);
    free(pipe);
}

static void test_file__reading_that_fails_is_told(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "old");
    unsigned char *data = NULL;
    size_t bytes = 0;
    must_fail(mien_file_read(&data, &bytes, path, 7, &err), MIEN_ERR_FORMAT, &err,
              "8 bytes, expected at most 7");
    trouble.read_error = EIO;
    must_fail(mien_file_read(&data, &bytes, path, 8, &err), MIEN_ERR_IO, &err, "cannot read");
    assert_null(data);
    trouble.map_error = ENOMEM;
    struct mien_file_map map;
    must_fail(mien_file_map(&map, path, &err), MIEN_ERR_IO, &err, "cannot map");
    free(path);
}

static void test_file__a_long_path_does_not_hide_the_reason(void **state)
{
    char path[5000];
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    (void)state;
    struct mien_error err = { "" };
    struct mien_file_map map;
    must_fail(mien_file_map(&map, path, &err), MIEN_ERR_IO, &err, "File name too long");
    must_fail(mien_file_replace(path, "x", 1, &err), MIEN_ERR_IO, &err, "File name too long");
}

static void test_atomic__replaces_in_one_step(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "old");
    assert_int_equal(chmod(path, 0640), 0);
    struct mien_atomic_file *file = NULL;
    must(mien_atomic_open(&file, path, &err), &err);
    trouble.most = 5;
    trouble.interruptions = 3;
    must(mien_atomic_write(file, "new text, ", 10, &err), &err);
    must(mien_atomic_write(file, NULL, 0, &err), &err);
    must(mien_atomic_write(file, "longer", 6, &err), &err);
    check_content(path, "old text");
    must(mien_atomic_commit(file, &err), &err);
    check_content(path, "new text, longer");
    assert_int_equal(scratch_count(*state), 1);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640); /* as readable as the old one */
    free(path);
}

static void test_atomic__a_new_file_has_the_mode_of_the_umask(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "new");
    const mode_t before = umask(027);
    must(mien_file_replace(path, "text", 4, &err), &err);
    (void)umask(before);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    check_content(path, "text");
    free(path);
}

static void test_atomic__abort_leaves_the_old_file(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "old");
    struct mien_atomic_file *file = NULL;
    must(mien_atomic_open(&file, path, &err), &err);
    must(mien_atomic_write(file, "new", 3, &err), &err);
    mien_atomic_abort(file);
    mien_atomic_abort(NULL);
    check_untouched(*state, path);
    free(path);
}

static void test_atomic__every_failure_leaves_the_old_file(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "old");
    trouble.write_error = ENOSPC;
    must_fail(mien_file_replace(path, "new", 3, &err), MIEN_ERR_IO, &err, "No space left");
    assert_non_null(strstr(err.text, path));
    check_untouched(*state, path);
    trouble.fsync_error = EIO;
    must_fail(mien_file_replace(path, "new", 3, &err), MIEN_ERR_IO, &err, "cannot flush");
    check_untouched(*state, path);
    trouble.rename_error = EACCES;
    must_fail(mien_file_replace(path, "new", 3, &err), MIEN_ERR_IO, &err, "Permission denied");
    check_untouched(*state, path);
    free(path);
}

static void test_atomic__only_a_folder_that_cannot_be_flushed_fails_after_the_rename(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "old");
    struct mien_atomic_file *file = NULL;
    must(mien_atomic_open(&file, path, &err), &err);
    must(mien_atomic_write(file, "new", 3, &err), &err);
    trouble.no_memory = true;
    assert_int_equal(mien_atomic_commit(file, &err), MIEN_ERR_MEMORY);
    check_untouched(*state, path);
    trouble.folder_error = EIO;
    must_fail(mien_file_replace(path, "new", 3, &err), MIEN_ERR_IO, &err,
              "written, but may not survive a power cut: cannot flush the folder of ");
    assert_non_null(strstr(err.text, path));
    check_content(path, "new");
    assert_int_equal(scratch_count(*state), 1);
    trouble.folder_error = EINVAL; /* some file systems cannot */
    must(mien_file_replace(path, "newer", 5, &err), &err);
    free(path);
}

static void test_atomic__a_failed_write_cannot_be_committed(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "old");
    struct mien_atomic_file *file = NULL;
    must(mien_atomic_open(&file, path, &err), &err);
    trouble.write_error = EIO;
    must_fail(mien_atomic_write(file, "a", 1, &err), MIEN_ERR_IO, &err, "Input/output error");
    trouble.write_error = 0;
    must(mien_atomic_write(file, "b", 1, &err), &err);
    must_fail(mien_atomic_commit(file, &err), MIEN_ERR_IO, &err, "a write to it failed");
    check_untouched(*state, path);
    free(path);
}

static void test_atomic__a_file_size_limit_is_an_error(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "old");
    static const char block[100000];
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = { 4096, before.rlim_max };
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const enum mien_status st = mien_file_replace(path, block, sizeof(block), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    must_fail(st, MIEN_ERR_IO, &err, "File too large");
    check_untouched(*state, path);
    free(path);
}

static void test_atomic__what_is_no_file_is_never_replaced(void **state)
{
    struct mien_error err = { "" };
    char *const below = scratch_path(*state, "old/below");
    char *const missing = scratch_path(*state, "missing/file");
    char *const slash = scratch_path(*state, "name/");
    must_fail(mien_file_replace("/dev/null", "x", 1, &err), MIEN_ERR_IO, &err,
              "not a regular file");
    must_fail(mien_file_replace(*state, "x", 1, &err), MIEN_ERR_IO, &err, "is a folder");
    must_fail(mien_file_replace(below, "x", 1, &err), MIEN_ERR_IO, &err, "Not a directory");
    must_fail(mien_file_replace(missing, "x", 1, &err), MIEN_ERR_IO, &err, "No such file");
    must_fail(mien_file_replace(slash, "x", 1, &err), MIEN_ERR_IO, &err, "names no file");
    must_fail(mien_file_replace("", "x", 1, &err), MIEN_ERR_IO, &err, "names no file");
    must_fail(mien_file_replace("/proc/mien-test", "x", 1, &err), MIEN_ERR_IO, &err,
              "/proc/mien-test");
    free(below);
    free(missing);
    free(slash);
}

static void test_atomic__a_link_stays_a_link(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "old");
    char *const link = scratch_path(*state, "link");
    char *const dangling = scratch_path(*state, "dangling");
    assert_int_equal(symlink("old", link), 0);
    assert_int_equal(symlink("nowhere", dangling), 0);
    must(mien_file_replace(link, "new", 3, &err), &err);
    check_content(path, "new");
    struct stat info;
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    must_fail(mien_file_replace(dangling, "x", 1, &err), MIEN_ERR_IO, &err, "cannot follow");
    free(path);
    free(link);
    free(dangling);
}

static void test_folder__is_made_with_its_parents(void **state)
{
    struct mien_error err = { "" };
    char *const deep = scratch_path(*state, "a/b//c/");
    char *const below = scratch_path(*state, "old/b");
    char *const file = scratch_path(*state, "old");
    must(mien_folder_make(deep, &err), &err);
    must(mien_folder_make(deep, &err), &err);
    must(mien_folder_make("/", &err), &err);
    must(mien_folder_make(".", &err), &err);
    assert_true(mien_path_is_folder(deep));
    assert_false(mien_path_is_file(deep));
    assert_true(mien_path_is_file(file));
    assert_false(mien_path_is_folder(file));
    assert_false(mien_path_is_file(below));
    must_fail(mien_folder_make(below, &err), MIEN_ERR_IO, &err, "there is a file of that name");
    must_fail(mien_folder_make(file, &err), MIEN_ERR_IO, &err, file);
    must_fail(mien_folder_make("", &err), MIEN_ERR_IO, &err, "without a name");
    must_fail(mien_folder_make("/proc/mien-test", &err), MIEN_ERR_IO, &err, "/proc/mien-test");
    free(deep);
    free(below);
    free(file);
}

static void test_path__join_puts_one_slash(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "/", "b", "/b" }, { "", "b", "b" }
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *const path = mien_path_join(cases[i][0], cases[i][1], NULL);
        assert_string_equal(path, cases[i][2]);
        free(path);
    }
}

static void check_cache_folder(const char *own, const char *shared, const char *home,
                               const char *want)
{
    assert_int_equal(setenv("MIEN_CACHE", own, 1), 0);
    assert_int_equal(setenv("XDG_CACHE_HOME", shared, 1), 0);
    assert_int_equal(setenv("HOME", home, 1), 0);
    char *const got = mien_cache_folder();
    if (want == NULL) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_string_equal(got, want);
    }
    free(got);
}

static void test_path__cache_folder_follows_the_environment(void **state)
{
    (void)state;
    check_cache_folder("/own", "/shared", "/home/a", "/own");
    check_cache_folder("", "/shared", "/home/a", "/shared/mien");
    check_cache_folder("", "relative", "/home/a", "/home/a/.cache/mien");
    check_cache_folder("", "", "/home/a", "/home/a/.cache/mien");
    check_cache_folder("", "", "", NULL);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_file__maps_and_reads_what_is_there),
        WITH_FOLDER(test_file__an_empty_file_is_no_error),
        WITH_FOLDER(test_file__only_regular_files_are_read),
        WITH_FOLDER(test_file__reading_that_fails_is_told),
        WITH_FOLDER(test_file__a_long_path_does_not_hide_the_reason),
        WITH_FOLDER(test_atomic__replaces_in_one_step),
        WITH_FOLDER(test_atomic__a_new_file_has_the_mode_of_the_umask),
        WITH_FOLDER(test_atomic__abort_leaves_the_old_file),
        WITH_FOLDER(test_atomic__every_failure_leaves_the_old_file),
        WITH_FOLDER(test_atomic__only_a_folder_that_cannot_be_flushed_fails_after_the_rename),
        WITH_FOLDER(test_atomic__a_failed_write_cannot_be_committed),
        WITH_FOLDER(test_atomic__a_file_size_limit_is_an_error),
        WITH_FOLDER(test_atomic__what_is_no_file_is_never_replaced),
        WITH_FOLDER(test_atomic__a_link_stays_a_link),
        WITH_FOLDER(test_folder__is_made_with_its_parents),
        cmocka_unit_test(test_path__join_puts_one_slash),
        cmocka_unit_test(test_path__cache_folder_follows_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
