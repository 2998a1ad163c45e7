/* test_program.c - building kernels from source, and the cache of their binaries on disk */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// wrap: clCreateProgramWithSource clCreateProgramWithBinary

#include "cl/internal.h"
#include "cl/program.h"
#include "support/device.h"
#include "support/scratch.h"

/* How often a program was made which way; a binary may be refused. */
static int from_source, from_binary;
static bool refuse_binaries;

cl_program __real_clCreateProgramWithSource(cl_context, cl_uint, const char **, const size_t *,
                                            cl_int *);
cl_program __wrap_clCreateProgramWithSource(cl_context, cl_uint, const char **, const size_t *,
                                            cl_int *);
cl_program __real_clCreateProgramWithBinary(cl_context, cl_uint, const cl_device_id *,
                                            const size_t *, const unsigned char **, cl_int *,
                                            cl_int *);
cl_program __wrap_clCreateProgramWithBinary(cl_context, cl_uint, const cl_device_id *,
                                            const size_t *, const unsigned char **, cl_int *,
                                            cl_int *);

cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                            const size_t *lengths, cl_int *code)
{
    from_source++;
    return __real_clCreateProgramWithSource(context, count, texts, lengths, code);
}

cl_program __wrap_clCreateProgramWithBinary(cl_context context, cl_uint count,
                                            const cl_device_id *devices, const size_t *lengths,
                                            const unsigned char **binaries, cl_int *status,
                                            cl_int *code)
{
    from_binary++;
    if (refuse_binaries) {
        *code = CL_INVALID_BINARY;
        return NULL;
    }
    return __real_clCreateProgramWithBinary(context, count, devices, lengths, binaries, status,
                                            code);
}

static const struct mien_kernel_source good = {
    "good", "__kernel void one(__global int *restrict y) { y[0] = VALUE; }\n"
};

struct notices {
    int count;
    char last[256];
};

static void take_notice(void *user, const char *text)
{
    struct notices *const notices = user;
    notices->count++;
    (void)snprintf(notices->last, sizeof(notices->last), "%s", text);
}

/* Open a device with this cache, build `good`, and see what the program computes. */
static void build_good(struct notices *notices, const char *cache, const char *options, int value)
{
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct mien_program program;
    cl_int code = CL_SUCCESS;
    const struct mien_log log = { take_notice, NULL, notices };
    const struct mien_cl_options open = { .cache = cache, .log = &log };
    *notices = (struct notices){ 0, "" };
    from_source = 0;
    from_binary = 0;
    assert_ok(mien_cl_open(&cl, &open, &err), &err);
    assert_ok(mien_program_build(&program, cl, &good, options, &err), &err);

    struct mien_cl_buffer *const y = guarded_buffer(cl, sizeof(int));
    const cl_kernel kernel = clCreateKernel(program.handle, "one", &code);
    assert_int_equal(code, CL_SUCCESS);
    assert_int_equal(clSetKernelArg(kernel, 0, sizeof(cl_mem), &y->handle), CL_SUCCESS);
    const size_t one = 1;
    assert_int_equal(clEnqueueNDRangeKernel(cl->queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL),
                     CL_SUCCESS);
    int *const got = guarded_read(cl, y, sizeof(int));
    assert_int_equal(*got, value);
    free(got);
    (void)clReleaseKernel(kernel);
    if (cache[0] != '\0') {
        mien_program_keep(&program, cl, &good, options);
    }
    assert_false(program.unkept);
    (void)clReleaseProgram(program.handle);
    mien_cl_buffer_destroy(y);
    mien_cl_close(cl);
}

/* The only file of the folder; free() it. */
static char *only_file(const char *folder)
{
    char *path = NULL;
    DIR *const dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            assert_null(path);
            path = scratch_path(folder, entry->d_name);
        }
    }
    (void)closedir(dir);
    assert_non_null(path);
    return path;
}

static void test_program__second_start_takes_the_binary(void **state)
{
    (void)device_or_skip(state);
    char *const folder = scratch_make();
    char *const cache = scratch_path(folder, "a/b"); /* made when it is first needed */
    struct notices notices;

    build_good(&notices, cache, "-DVALUE=7", 7);
    assert_int_equal(from_source, 1);
    assert_int_equal(from_binary, 0);
    assert_int_equal(notices.count, 1);
    assert_non_null(strstr(notices.last, "compiling kernels for "));
    assert_int_equal(scratch_count(cache), 1);

    build_good(&notices, cache, "-DVALUE=7", 7);
    assert_int_equal(from_source, 0);
    assert_int_equal(from_binary, 1);
    assert_int_equal(notices.count, 0);

    /* Other options are another program. */
    build_good(&notices, cache, "-DVALUE=8", 8);
    assert_int_equal(from_source, 1);
    assert_int_equal(from_binary, 0);
    assert_int_equal(scratch_count(cache), 2);
    free(cache);
    scratch_remove(folder);
}

/* Once that kernels are compiled, and how many were whenever that took some seconds more. */
static void test_program__tells_that_it_compiles(void **state)
{
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct notices notices = { 0, "" };
    const struct mien_log log = { take_notice, NULL, &notices };
    const struct mien_cl_options open = { .cache = "", .log = &log };
    static const struct {
        double ago_s; /* of compilation, the last notice; less than 0: none for a long time */
        int notices;
        const char *last;
    } steps[] = {
        { -1000.0, 1, "compiling kernels for " },
        { -1000.0, 1, "compiling kernels for " },
        { 5.0, 2, "compiling kernels: 3 programs so far" },
        { -1000.0, 2, "compiling kernels: 3 programs so far" },
        { 5.0, 3, "compiling kernels: 5 programs so far" },
    };
    assert_ok(mien_cl_open(&cl, &open, &err), &err);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct mien_program program;
        cl->told_s = cl->compile_s - steps[i].ago_s;
        assert_ok(mien_program_build(&program, cl, &good, "-DVALUE=1", &err), &err);
        assert_false(program.unkept);
        (void)clReleaseProgram(program.handle);
        assert_int_equal(notices.count, steps[i].notices);
        assert_non_null(strstr(notices.last, steps[i].last));
    }
    mien_cl_close(cl);
}

/* Every way a file can be wrong: built from source, right result, and the file whole again. */
static void test_program__damaged_cache_file_is_built_anew(void **state)
{
    (void)device_or_skip(state);
    char *const folder = scratch_make();
    struct notices notices;
    build_good(&notices, folder, "-DVALUE=7", 7);
    char *const path = only_file(folder);
    size_t bytes = 0;
    unsigned char *const whole = scratch_read(path, &bytes);
    assert_true(bytes > 512);

    const size_t lengths[] = { 0, 1, 71, 72, 200, bytes / 2, bytes - 1 };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        scratch_write(path, whole, lengths[i]);
        build_good(&notices, folder, "-DVALUE=7", 7);
        assert_int_equal(from_source, 1);
        assert_int_equal(from_binary, 0);
    }
    const size_t places[] = { 0, 15, 16, 48, 56, 63, 64, 71, 72, 100, bytes / 2, bytes - 1 };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        unsigned char *const bad = malloc(bytes + 1);
        assert_non_null(bad);
        memcpy(bad, whole, bytes);
        bad[places[i]] ^= 0x41;
        scratch_write(path, bad, bytes);
        build_good(&notices, folder, "-DVALUE=7", 7);
        assert_int_equal(from_source, 1);
        assert_int_equal(from_binary, 0);
        memcpy(bad, whole, bytes);
        bad[bytes] = 0;
        scratch_write(path, bad, bytes + 1);
        build_good(&notices, folder, "-DVALUE=7", 7);
        assert_int_equal(from_source, 1);
        free(bad);
    }
    build_good(&notices, folder, "-DVALUE=7", 7);
    assert_int_equal(from_source, 0);
    assert_int_equal(from_binary, 1);
    free(whole);
    free(path);
    scratch_remove(folder);
}

/* A whole, sound file of another program under this program's name. */
static void test_program__foreign_cache_file_is_built_anew(void **state)
{
    (void)device_or_skip(state);
    char *const folder = scratch_make();
    char *const other = scratch_path(folder, "other");
    char *const mine = scratch_path(folder, "mine");
    struct notices notices;
    size_t bytes = 0;
    build_good(&notices, other, "-DVALUE=8", 8);
    build_good(&notices, mine, "-DVALUE=7", 7);
    char *const from = only_file(other);
    char *const to = only_file(mine);
    unsigned char *const data = scratch_read(from, &bytes);
    scratch_write(to, data, bytes);
    build_good(&notices, mine, "-DVALUE=7", 7);
    assert_int_equal(from_source, 1);
    assert_int_equal(from_binary, 0);
    free(data);
    free(from);
    free(to);
    free(other);
    free(mine);
    scratch_remove(folder);
}

static void test_program__refused_binary_is_built_anew(void **state)
{
    (void)device_or_skip(state);
    char *const folder = scratch_make();
    struct notices notices;
    build_good(&notices, folder, "-DVALUE=7", 7);
    refuse_binaries = true;
    build_good(&notices, folder, "-DVALUE=7", 7);
    refuse_binaries = false;
    assert_int_equal(from_binary, 1);
    assert_int_equal(from_source, 1);
    scratch_remove(folder);
}

static void test_program__goes_without_a_cache_that_can_not_be_written(void **state)
{
    (void)device_or_skip(state);
    char *const folder = scratch_make();
    char *const file = scratch_path(folder, "file");
    char *const below = scratch_path(folder, "file/cache");
    struct notices notices;
    scratch_write(file, "x", 1);
    for (int i = 0; i < 2; i++) {
        build_good(&notices, below, "-DVALUE=7", 7);
        assert_int_equal(from_source, 1);
    }
    build_good(&notices, file, "-DVALUE=7", 7);
    assert_int_equal(from_source, 1);
    if (geteuid() != 0) { /* nothing is read-only for root */
        char *const closed = scratch_path(folder, "closed");
        assert_int_equal(mkdir(closed, 0500), 0);
        build_good(&notices, closed, "-DVALUE=7", 7);
        assert_int_equal(from_source, 1);
        assert_int_equal(scratch_count(closed), 0);
        free(closed);
    }
    free(below);
    free(file);
    scratch_remove(folder);
}

static void test_program__nothing_is_cached_for_nvidia(void **state)
{
    (void)device_or_skip(state);
    char *const folder = scratch_make();
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct mien_program program;
    const struct mien_cl_options open = { .cache = folder };
    assert_ok(mien_cl_open(&cl, &open, &err), &err);
    (void)snprintf(cl->info.platform_name, sizeof(cl->info.platform_name), "NVIDIA CUDA");
    assert_ok(mien_program_build(&program, cl, &good, "-DVALUE=7", &err), &err);
    assert_false(program.unkept);
    mien_program_keep(&program, cl, &good, "-DVALUE=7");
    (void)clReleaseProgram(program.handle);
    mien_cl_close(cl);
    assert_int_equal(scratch_count(folder), 0);
    scratch_remove(folder);
}

/* Who asks for PoCL's binaries: a run that has been at work for long, not its start. */
static void test_program__slow_binaries_wait_until_they_are_asked_for(void **state)
{
    (void)device_or_skip(state);
    char *const folder = scratch_make();
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct mien_cl_kernel *kernel = NULL;
    const struct mien_cl_options open = { .cache = folder };
    const struct mien_cl_launch what = { .source = "probe", .kernel = "probe_axpb" };
    assert_ok(mien_cl_open(&cl, &open, &err), &err);
    const bool slow = strcmp(cl->info.platform_name, "Portable Computing Language") == 0;
    assert_ok(mien_cl_kernel_get(&kernel, cl, &what, &err), &err);
    assert_int_equal(scratch_count(folder), slow ? 0 : 1);
    assert_false(mien_cl_keep_program(cl, 0.02)); /* a short run pays nothing */
    cl->opened_s -= 1000.0;
    cl->keeping_s = 21.0; /* more than its share already */
    assert_false(mien_cl_keep_program(cl, 0.02));
    assert_int_equal(scratch_count(folder), slow ? 0 : 1);
    cl->keeping_s = 10.0;
    assert_int_equal(mien_cl_keep_program(cl, 0.02), slow);
    assert_int_equal(scratch_count(folder), 1);
    assert_true(!slow || cl->keeping_s > 10.0);
    assert_false(mien_cl_keep_program(cl, 0.02)); /* none is left */
    mien_cl_close(cl);
    scratch_remove(folder);
}

/* Each of these belongs to what a binary was made from. */
static void test_program__key_depends_on_device_and_driver(void **state)
{
    (void)device_or_skip(state);
    char *const folder = scratch_make();
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    const struct mien_cl_options open = { .cache = folder };
    assert_ok(mien_cl_open(&cl, &open, &err), &err);
    char *const texts[] = { cl->info.name, cl->info.driver, cl->info.version,
                            cl->info.platform_version };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct mien_program program;
        texts[i][0] ^= 1;
        from_binary = 0;
        assert_ok(mien_program_build(&program, cl, &good, "-DVALUE=7", &err), &err);
        mien_program_keep(&program, cl, &good, "-DVALUE=7");
        (void)clReleaseProgram(program.handle);
        assert_int_equal(from_binary, 0);
        assert_int_equal(scratch_count(folder), i + 1);
    }
    mien_cl_close(cl);
    scratch_remove(folder);
}

static void test_program__failure_names_source_options_and_the_compilers_words(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct mien_kernel_source bad = {
        "bad", "__kernel void one(__global int *y)\n{\n    y[0] = no_such_thing;\n}\n"
    };
    struct mien_error err = { "" };
    struct mien_program program;
    assert_int_equal(mien_program_build(&program, cl, &bad, "-DSOME=1", &err), MIEN_ERR_CL);
    assert_null(program.handle);
    assert_false(program.unkept);
    assert_non_null(strstr(err.text, "kernels/bad.cl does not build on "));
    assert_non_null(strstr(err.text, "-DSOME=1"));
    assert_non_null(strstr(err.text, "CL_BUILD_PROGRAM_FAILURE (-11)"));
    assert_non_null(strstr(err.text, "no_such_thing"));
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(mien_program_build(&program, cl, &bad, "", NULL), MIEN_ERR_CL);
}

/* PoCL gets few declarations first; once those were not enough, all of them. */
static void test_program__a_function_that_builtins_h_has_not_is_found(void **state)
{
    (void)device_or_skip(state);
    static const struct mien_kernel_source root = {
        "root", "__kernel void root(__global float *restrict y) { y[0] = cbrt(VALUE); }\n"
    };
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    const struct mien_cl_options open = { .cache = "" };
    assert_ok(mien_cl_open(&cl, &open, &err), &err);
    const bool pocl = strcmp(cl->info.platform_name, "Portable Computing Language") == 0;
    const char *const options[] = { "-DVALUE=27.0f", "-DVALUE=8.0f" };
    for (int i = 0; i < 2; i++) {
        struct mien_program program;
        from_source = 0;
        assert_ok(mien_program_build(&program, cl, &root, options[i], &err), &err);
        assert_int_equal(from_source, pocl && i == 0 ? 2 : 1);
        (void)clReleaseProgram(program.handle);
    }
    mien_cl_close(cl);
}

static void test_kernel_source_find__knows_the_embedded_files(void **state)
{
    (void)state;
    const struct mien_kernel_source *const probe = mien_kernel_source_find("probe");
    assert_non_null(probe);
    assert_non_null(strstr(probe->text, "probe_axpb"));
    assert_null(mien_kernel_source_find("probe.cl"));
    assert_null(mien_kernel_source_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_program__second_start_takes_the_binary),
        cmocka_unit_test(test_program__tells_that_it_compiles),
        cmocka_unit_test(test_program__damaged_cache_file_is_built_anew),
        cmocka_unit_test(test_program__foreign_cache_file_is_built_anew),
        cmocka_unit_test(test_program__refused_binary_is_built_anew),
        cmocka_unit_test(test_program__goes_without_a_cache_that_can_not_be_written),
        cmocka_unit_test(test_program__nothing_is_cached_for_nvidia),
        cmocka_unit_test(test_program__slow_binaries_wait_until_they_are_asked_for),
        cmocka_unit_test(test_program__key_depends_on_device_and_driver),
        cmocka_unit_test(test_program__failure_names_source_options_and_the_compilers_words),
        cmocka_unit_test(test_program__a_function_that_builtins_h_has_not_is_found),
        cmocka_unit_test(test_kernel_source_find__knows_the_embedded_files),
    };
    return cmocka_run_group_tests_name("cl/program", tests, device_setup, device_teardown);
}
