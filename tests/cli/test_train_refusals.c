// wrap: malloc calloc realloc open write fsync rename close mkdir fopen fclose mien_cl_close
/*
 * test_train_refusals.c - a whole `mien train` while the n-th allocation, or the n-th call to do
 * with files, is refused
 *
 * The program runs inside this one, so that only what mien itself calls is counted, and what
 * jansson, libyaml, libcyaml and libpng allocate for it.  Where MIEN_TORTURE is set every call is
 * refused in turn, and every seventh of a training that makes the self-test, else the first of them
 * and then some evenly spread.  MIEN_REFUSE_PART, "2/5": with MIEN_TORTURE the second, the seventh,
 * ... of those, so that five such runs have them all.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cl/cl.h"
#include "support/device.h"
#include "support/scratch.h"
#include "train/model_file.h"

/* The program, with another name for its entry. */
int mien_main(int argc, char **argv);
#define main mien_main
#include "cli/main.c" /* NOLINT(bugprone-suspicious-include): so that --wrap sees its calls */
#undef main

enum kind { ALLOCATIONS, FILES };

static bool active;       /* the program runs: its calls count */
static enum kind kind;    /* which of them */
static long calls;        /* so far */
static long refused = -1; /* this one */
static int refusal;       /* errno of it */
static bool was_refused;
static bool forget;  /* what the self-test found, before each training */
static bool keeping; /* every program in the cache, which makes the trainings that follow short */

static bool refuse(enum kind of)
{
    if (!active || of != kind || calls++ != refused) {
        return false;
    }
    errno = refusal;
    was_refused = true;
    return true;
}

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t bytes);
ssize_t __wrap_write(int fd, const void *data, size_t bytes);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);

void *__wrap_malloc(size_t bytes)
{
    return refuse(ALLOCATIONS) ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse(ALLOCATIONS) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    return refuse(ALLOCATIONS) ? NULL : __real_realloc(old, bytes);
}

/* Jansson's, see set_up(). */
static void *allocate_json(size_t bytes)
{
    return refuse(ALLOCATIONS) ? NULL : __real_malloc(bytes);
}

/* Libyaml's, which calls these by name: a program's come before a library's own. */
void *yaml_malloc(size_t bytes);
void *yaml_malloc(size_t bytes)
{
    return refuse(ALLOCATIONS) ? NULL : __real_malloc(bytes > 0 ? bytes : 1);
}

void *yaml_realloc(void *old, size_t bytes);
void *yaml_realloc(void *old, size_t bytes)
{
    return refuse(ALLOCATIONS) ? NULL : __real_realloc(old, bytes > 0 ? bytes : 1);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? (mode_t)va_arg(more, int) : 0;
    va_end(more);
    return refuse(FILES) ? -1 : __real_open(path, flags, mode);
}

ssize_t __wrap_write(int fd, const void *data, size_t bytes)
{
    return refuse(FILES) ? -1 : __real_write(fd, data, bytes);
}

int __wrap_fsync(int fd)
{
    return refuse(FILES) ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    return refuse(FILES) ? -1 : __real_rename(from, to);
}

/* What cannot be closed is closed all the same, but may have lost what was written. */
int __wrap_close(int fd)
{
    const bool fails = refuse(FILES);
    const int code = __real_close(fd);
    errno = fails ? refusal : errno;
    return fails ? -1 : code;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return refuse(FILES) ? -1 : __real_mkdir(path, mode);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    return refuse(FILES) ? NULL : __real_fopen(path, mode);
}

int __wrap_fclose(FILE *file)
{
    const bool fails = refuse(FILES);
    const int code = __real_fclose(file);
    errno = fails ? refusal : errno;
    return fails ? EOF : code;
}

void __real_mien_cl_close(struct mien_cl *cl);
void __wrap_mien_cl_close(struct mien_cl *cl);

void __wrap_mien_cl_close(struct mien_cl *cl)
{
    while (keeping && cl != NULL && mien_cl_keep_program(cl, 1e9)) {
    }
    __real_mien_cl_close(cl);
}

static const char recipe[] = "name: small\n"
                             "input: { channels: 1, height: 48, width: 48 }\n"
                             "layers: [ conv 4 3x3 stride 2, relu, maxpool 2, flatten, dense 8, "
                             "relu, dense classes ]\n"
                             "train: { batch: 7, epochs: 2, optimizer: { rate: 0.01, momentum: "
                             "0.9 } }\n";

struct fixture {
    char *folder, *data, *recipe, *run, *last, *said;
    char *cache;         /* of its own, with the programs of the tests' */
    unsigned char *want; /* what the unhindered run's checkpoint has */
    size_t want_bytes;
};

/* The program with both of its streams in a file; its exit code. */
static int call(struct fixture *f, int argc, const char *const *argv)
{
    char *words[16];
    const int out = dup(STDOUT_FILENO);
    const int err = dup(STDERR_FILENO);
    const int to = open(f->said, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    assert_true(argc < 16 && out >= 0 && err >= 0 && to >= 0);
    for (int i = 0; i < argc; i++) {
        words[i] = (char *)(uintptr_t)argv[i]; /* main() does not write to them */
    }
    words[argc] = NULL;
    (void)fflush(NULL);
    (void)dup2(to, STDOUT_FILENO);
    (void)dup2(to, STDERR_FILENO);
    (void)close(to);
    calls = 0;
    was_refused = false;
    active = true;
    const int code = mien_main(argc, words);
    active = false;
    (void)fflush(NULL);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    (void)close(out);
    (void)close(err);
    return code;
}

/* A training on a device that is new, or of which the self-test is remembered. */
static int train(struct fixture *f)
{
    char *const kept = scratch_path(f->cache, "selftest");
    if (forget && mien_path_is_folder(kept)) {
        scratch_remove(kept);
    } else {
        free(kept);
    }
    const char *const words[] = { "mien", "train",   f->data,  "--recipe", f->recipe, "--out",
                                  f->run, "--quiet", "--json", "--tuning", "none" };
    return call(f, (int)(sizeof(words) / sizeof(words[0])), words);
}

static void remove_run(const struct fixture *f)
{
    static const char *const names[] = { "recipe.yaml", "history.csv", "last.safetensors",
                                         "best.safetensors", "run.json" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *const path = scratch_path(f->run, names[i]);
        (void)remove(path);
        free(path);
    }
    (void)rmdir(f->run);
    assert_false(mien_path_is_folder(f->run)); /* else something is left that has no such name */
}

/* Programs that are compiled once, and beside them what else the cache holds. */
static void share_programs(const struct fixture *f)
{
    struct mien_error err = { "" };
    char *const shared = mien_cache_folder();
    assert_non_null(shared);
    char *const from = scratch_path(shared, "programs");
    char *const to = scratch_path(f->cache, "programs");
    assert_ok(mien_folder_make(from, &err), &err);
    assert_ok(mien_folder_make(f->cache, &err), &err);
    assert_int_equal(symlink(from, to), 0);
    assert_int_equal(setenv("MIEN_CACHE", f->cache, 1), 0);
    free(shared);
    free(from);
    free(to);
}

static int set_up(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    assert_non_null(f);
    json_set_alloc_funcs(allocate_json, free);
    f->folder = scratch_make();
    f->data = scratch_path(f->folder, "faces");
    f->recipe = scratch_path(f->folder, "small.yaml");
    f->run = scratch_path(f->folder, "run");
    f->last = scratch_path(f->run, "last.safetensors");
    f->said = scratch_path(f->folder, "said");
    f->cache = scratch_path(f->folder, "cache");
    scratch_write(f->recipe, recipe, sizeof(recipe) - 1);
    share_programs(f);
    const char *const synth[] = { "mien", "synth", f->data, "--count", "14", "--quiet" };
    assert_int_equal(call(f, 6, synth), 0);
    for (int i = 0; i < 2; i++) { /* the second time every kernel is there, as in all that follow */
        if (i > 0) {
            remove_run(f);
        }
        keeping = i == 0;
        assert_int_equal(train(f), 0);
    }
    f->want = scratch_read(f->last, &f->want_bytes);
    remove_run(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *const f = *state;
    scratch_remove(f->folder);
    free(f->data);
    free(f->recipe);
    free(f->run);
    free(f->last);
    free(f->said);
    free(f->cache);
    free(f->want);
    free(f);
    return 0;
}

/* One line, from the command, that is no complaint of how it was called; or, where the run came
 * through, its result. */
static void check_said(const struct fixture *f, int code)
{
    size_t bytes = 0;
    char *const text = (char *)scratch_read(f->said, &bytes);
    const char *const start = code == 0 ? "{" : "mien";
    const char *const end = strchr(text, '\n');
    const bool known = code == 0 || code == 1 || code == 3 || code == 4;
    if (!known || strncmp(text, start, strlen(start)) != 0 || end == NULL || end[1] != '\0') {
        fail_msg("call %ld refused, exit code %d: '%s'", refused, code, text);
    }
    free(text);
}

/* What is in the run's folder is whole: a checkpoint can be read, and is one of the two epochs'. */
static void check_files(const struct fixture *f, int code)
{
    struct mien_error err = { "" };
    size_t bytes = 0;
    if (mien_path_is_file(f->last)) {
        struct mien_model_file file;
        assert_ok(mien_model_file_load(&file, f->last, &err), &err);
        mien_model_file_finish(&file);
    }
    if (code == 0 && !forget) { /* else a variant that was refused may have been avoided */
        unsigned char *const got = scratch_read(f->last, &bytes);
        if (bytes != f->want_bytes || memcmp(got, f->want, bytes) != 0) {
            fail_msg("call %ld refused: the run came through to another checkpoint", refused);
        }
        free(got);
    }
}

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

/* Which of some calls are refused: the first `dense`, then every `step`th. */
struct choice {
    long first, dense, step;
};

/* The first of so many calls and others up to `most`; with MIEN_TORTURE all, or a part of them. */
static struct choice choose(long all, long dense, long most)
{
    struct choice choice = { .first = 0, .dense = dense, .step = all / most + 1 };
    if (getenv("MIEN_TORTURE") != NULL) {
        const char *const part = getenv("MIEN_REFUSE_PART");
        const char *const parts = part != NULL ? strchr(part, '/') : NULL;
        const long first = part != NULL ? strtol(part, NULL, 10) - 1 : 0;
        const long step = parts != NULL ? strtol(parts + 1, NULL, 10) : 1;
        const long every = forget ? 7 : 1;
        assert_true(step > 0 && first >= 0 && first < step);
        choice = (struct choice){ .first = first * every, .step = step * every };
    }
    return choice;
}

/* Refuse one call after the other, a training for each. */
static void sweep(struct fixture *f, enum kind of, int code, long dense, long most)
{
    kind = of;
    refusal = code;
    refused = -1;
    assert_int_equal(train(f), 0);
    const long all = calls;
    remove_run(f);
    const int descriptors = count_descriptors();
    const struct choice choice = choose(all, dense, most);
    long failures = 0;
    long harmless = 0;
    for (long n = choice.first; n < all; n += n < choice.dense ? 1 : choice.step) {
        refused = n;
        const int exit_code = train(f);
        if (!was_refused) {
            fail_msg("call %ld of %ld was not made this time: %ld were", n, all, calls);
        }
        check_said(f, exit_code);
        check_files(f, exit_code);
        remove_run(f); /* fails over a file that is half written */
        assert_int_equal(count_descriptors(), descriptors);
        failures += exit_code != 0 ? 1 : 0;
        harmless += exit_code == 0 ? 1 : 0;
    }
    refused = -1;
    print_message("%ld calls: %ld refused, %ld of them without harm\n", all, failures + harmless,
                  harmless);
    assert_true(getenv("MIEN_REFUSE_PART") != NULL || failures > (forget        ? 1
                                                                  : of == FILES ? 5
                                                                                : 20));
}

static void test_refusals__every_allocation_of_a_training(void **state)
{
    sweep(*state, ALLOCATIONS, ENOMEM, 8, 40);
}

static void test_refusals__every_call_to_do_with_files(void **state)
{
    sweep(*state, FILES, ENOSPC, 0, 30);
}

/* The self-test is part of it: what is refused there ends the run, or is done without. */
static void test_refusals__of_a_first_training(void **state)
{
    forget = true;
    sweep(*state, ALLOCATIONS, ENOMEM, 0, 8);
    sweep(*state, FILES, ENOSPC, 0, 8);
    forget = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals__every_allocation_of_a_training),
        cmocka_unit_test(test_refusals__every_call_to_do_with_files),
        cmocka_unit_test(test_refusals__of_a_first_training),
    };
    return cmocka_run_group_tests_name("cli/train_refusals", tests, set_up, tear_down);
}
