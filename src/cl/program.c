/* program.c - kernels from embedded sources: look-up, build, disk cache */
#include "cl/program.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "cl/internal.h"

/* Warnings are for us, not for users whose driver has an opinion of its own. */
#ifdef NDEBUG
#define COMMON_OPTIONS "-cl-std=CL1.2 "
#else
#define COMMON_OPTIONS "-cl-std=CL1.2 -Werror "
#endif

/* Part of every key: raise it when what stands in a cache file changes. */
#define CACHE_FORMAT "mien program 1"
#define TELL_EVERY_S 2.0 /* of compilation */

static const size_t cache_limit_bytes = (size_t)256 << 20;

/* A cache file is this, the key with its terminator, the binary; in the order of the machine that
 * wrote it. */
struct cache_header {
    char magic[16];
    char hash[40]; /* of the binary */
    uint64_t key_bytes, binary_bytes;
};
_Static_assert(sizeof(struct cache_header) == 72, "compared as bytes: no padding");

const struct mien_kernel_source *mien_kernel_source_find(const char *name)
{
    for (size_t i = 0; i < mien_kernel_source_count; i++) {
        if (strcmp(mien_kernel_sources[i].name, name) == 0) {
            return &mien_kernel_sources[i];
        }
    }
    return NULL;
}

/* What a binary depends on, in full; free() it. */
static char *make_key(const struct mien_device_info *device,
                      const struct mien_kernel_source *source, const char *options,
                      struct mien_error *err)
{
    static const char format[] =
        CACHE_FORMAT "\nmien: %s\nplatform: %s, %s\ndevice: %s, %s, %s\ndriver: %s\n"
                     "options: %s\nsource: %s\n%s%s";
    const int length =
        snprintf(NULL, 0, format, MIEN_VERSION, device->platform_name, device->platform_version,
                 device->vendor, device->name, device->version, device->driver, options,
                 source->name, mien_kernel_builtins, source->text);
    char *const key = length < 0 ? NULL : mien_calloc((size_t)length + 1, 1, err);
    if (key != NULL) {
        (void)snprintf(key, (size_t)length + 1, format, MIEN_VERSION, device->platform_name,
                       device->platform_version, device->vendor, device->name, device->version,
                       device->driver, options, source->name, mien_kernel_builtins, source->text);
    }
    return key;
}

static bool is_pocl(const struct mien_cl *cl)
{
    return strcmp(cl->info.platform_name, "Portable Computing Language") == 0;
}

static void hash_bytes(char out[33], const void *data, size_t bytes)
{
    struct mien_hash hash;
    mien_hash_init(&hash);
    mien_hash_add(&hash, data, bytes);
    mien_hash_hex(out, &hash);
}

/* Where the binary of `key` is kept; NULL when nothing is cached.  free() it. */
static char *cache_path(const struct mien_cl *cl, const char *source, const char *key)
{
    char hex[33];
    char name[160];
    if (cl->cache_folder == NULL || strstr(cl->info.platform_name, "NVIDIA") != NULL) {
        return NULL;
    }
    hash_bytes(hex, key, strlen(key));
    (void)snprintf(name, sizeof(name), "%.100s-%s.bin", source, hex);
    return mien_path_join(cl->cache_folder, name, NULL);
}

static struct cache_header make_header(size_t key_bytes, const void *binary, size_t bytes)
{
    struct cache_header header = {
        .magic = CACHE_FORMAT,
        .key_bytes = key_bytes,
        .binary_bytes = bytes,
    };
    hash_bytes(header.hash, binary, bytes);
    return header;
}

const unsigned char *mien_program_binary(size_t *bytes, const unsigned char *file,
                                         size_t file_bytes, const char *key)
{
    const size_t key_bytes = strlen(key) + 1;
    const size_t front = sizeof(struct cache_header) + key_bytes;
    if (file_bytes <= front) {
        return NULL;
    }
    *bytes = file_bytes - front;
    const struct cache_header header = make_header(key_bytes, file + front, *bytes);
    if (memcmp(file, &header, sizeof(header)) != 0 ||
        memcmp(file + sizeof(header), key, key_bytes) != 0) {
        return NULL;
    }
    return file + front;
}

/* NULL whatever the reason: then the source is compiled. */
static cl_program load_cached(const struct mien_cl *cl, const char *path, const char *key,
                              const char *options)
{
    unsigned char *file = NULL;
    size_t file_bytes = 0;
    size_t bytes = 0;
    cl_program program = NULL;
    if (mien_file_read(&file, &file_bytes, path, cache_limit_bytes, NULL) != MIEN_OK) {
        return NULL;
    }
    const unsigned char *binary = mien_program_binary(&bytes, file, file_bytes, key);
    if (binary != NULL) {
        cl_int accepted = CL_SUCCESS;
        cl_int code = CL_SUCCESS;
        program = clCreateProgramWithBinary(cl->context, 1, &cl->info.device, &bytes, &binary,
                                            &accepted, &code);
        if (program != NULL &&
            (code != CL_SUCCESS || accepted != CL_SUCCESS ||
             clBuildProgram(program, 1, &cl->info.device, options, NULL, NULL) != CL_SUCCESS)) {
            (void)clReleaseProgram(program);
            program = NULL;
        }
    }
    free(file);
    return program;
}

/* Best effort: a cache that can not be written is no reason to fail. */
static void store(const struct mien_cl *cl, cl_program program, const char *path, const char *key)
{
    size_t bytes = 0;
    const size_t key_bytes = strlen(key) + 1;
    const size_t front = sizeof(struct cache_header) + key_bytes;
    if (mien_folder_make(cl->cache_folder, NULL) != MIEN_OK ||
        clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof(bytes), &bytes, NULL) !=
            CL_SUCCESS ||
        bytes == 0 || bytes > cache_limit_bytes - front) {
        return;
    }
    unsigned char *const file = mien_calloc(front + bytes, 1, NULL);
    if (file == NULL) {
        return;
    }
    unsigned char *binary = file + front;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof(binary), &binary, NULL) ==
        CL_SUCCESS) {
        const struct cache_header header = make_header(key_bytes, binary, bytes);
        memcpy(file, &header, sizeof(header));
        memcpy(file + sizeof(header), key, key_bytes);
        (void)!mien_file_replace(path, file, front + bytes, NULL);
    }
    free(file);
}

/* The compiler's words on one line, as errors are; free() it. */
static char *build_log(cl_program program, cl_device_id device)
{
    size_t bytes = 0; /* a buffer that is too small gets nothing at all, so ask first */
    (void)clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
    char *const log = mien_calloc(bytes + 1, 1, NULL);
    if (log == NULL) {
        return NULL;
    }
    (void)clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
    size_t length = 0;
    for (size_t i = 0; log[i] != '\0'; i++) {
        const bool blank = isspace((unsigned char)log[i]) != 0;
        if (!blank) {
            log[length++] = log[i];
        } else if (length > 0 && log[length - 1] != ' ') {
            log[length++] = ' ';
        }
    }
    length -= length > 0 && log[length - 1] == ' ' ? 1 : 0;
    log[length] = '\0';
    return log;
}

/* Errors name the options and have the compiler's log; `code` is OpenCL's. */
static enum mien_status compile_text(cl_program *out, cl_int *code, const struct mien_cl *cl,
                                     const char *name, const char *text, const char *options,
                                     struct mien_error *err)
{
    cl_program program = clCreateProgramWithSource(cl->context, 1, &text, NULL, code);
    if (program == NULL) {
        return mien_fail(err, mien_cl_status(*code),
                         "kernels/%s.cl: clCreateProgramWithSource: %s (%d)", name,
                         mien_cl_error_name(*code), (int)*code);
    }
    *code = clBuildProgram(program, 1, &cl->info.device, options, NULL, NULL);
    if (*code != CL_SUCCESS) {
        char *const log = build_log(program, cl->info.device);
        const enum mien_status st =
            mien_fail(err, mien_cl_status(*code),
                      "kernels/%s.cl does not build on %s with \"%s\": clBuildProgram: %s (%d): %s",
                      name, cl->info.name, options, mien_cl_error_name(*code), (int)*code,
                      log != NULL ? log : "no memory for the compiler's log");
        free(log);
        (void)clReleaseProgram(program);
        return st;
    }
    *out = program;
    return MIEN_OK;
}

/*
 * The kernel with those of OpenCL's declarations in front that it needs.  PoCL passes over its own
 * where the macro is defined that says it has read them: Clang's opencl-c.h, 900 KB, which
 * otherwise are most of the time that a program takes to build, and to be found in PoCL's cache.
 */
static enum mien_status compile_declared(cl_program *out, cl_int *code, const struct mien_cl *cl,
                                         const struct mien_kernel_source *source,
                                         const char *options, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    static const char format[] = "%s#line 1\n%s";
    static const char read_already[] = "-D_OPENCL_H_ ";
    const size_t room = sizeof(format) + strlen(mien_kernel_builtins) + strlen(source->text);
    const size_t options_room = sizeof(read_already) + strlen(options);
    char *const text = mien_calloc(room, 1, err);
    char *const all_options = text == NULL ? NULL : mien_calloc(options_room, 1, err);
    if (all_options != NULL) {
        (void)snprintf(text, room, format, mien_kernel_builtins, source->text);
        (void)snprintf(all_options, options_room, "%s%s", read_already, options);
        st = compile_text(out, code, cl, source->name, text, all_options, err);
    }
    free(text);
    free(all_options);
    return st;
}

static enum mien_status compile(cl_program *out, struct mien_cl *cl,
                                const struct mien_kernel_source *source, const char *options,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    cl_int code = CL_SUCCESS;
    const bool declared = is_pocl(cl) && !cl->undeclared;
    if (declared) {
        st = compile_declared(out, &code, cl, source, options, err);
        if (code != CL_BUILD_PROGRAM_FAILURE) {
            return st;
        }
    }
    st = compile_text(out, &code, cl, source->name, source->text, options, err);
    cl->undeclared = cl->undeclared || (declared && st == MIEN_OK); /* not tried again */
    return st;
}

static char *join_options(const char *options, struct mien_error *err)
{
    const size_t room = sizeof(COMMON_OPTIONS) + strlen(options);
    char *const all = mien_calloc(room, 1, err);
    if (all != NULL) {
        (void)snprintf(all, room, "%s%s", COMMON_OPTIONS, options);
    }
    return all;
}

/* Compile, and tell so with the first program and then as often as it took some seconds more: how
 * many there will be is not known, as each is compiled when it is first launched. */
static enum mien_status compile_told(cl_program *out, struct mien_cl *cl,
                                     const struct mien_kernel_source *source, const char *options,
                                     struct mien_error *err)
{
    const double start_s = mien_now_s();
    if (cl->compiled++ == 0) {
        mien_log_line(cl->log, "compiling kernels for %s", cl->info.name);
    }
    const enum mien_status st = compile(out, cl, source, options, err);
    cl->compile_s += mien_now_s() - start_s;
    if (cl->compile_s - cl->told_s >= TELL_EVERY_S) {
        mien_log_line(cl->log, "compiling kernels: %zu programs so far", cl->compiled);
        cl->told_s = cl->compile_s;
    }
    return st;
}

enum mien_status mien_program_build(struct mien_program *out, struct mien_cl *cl,
                                    const struct mien_kernel_source *source, const char *options,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *key = NULL;
    char *path = NULL;

    *out = (struct mien_program){ NULL, false };
    char *all_options = join_options(options, err);
    if (all_options == NULL) {
        return MIEN_ERR_MEMORY;
    }
    key = make_key(&cl->info, source, all_options, err);
    if (key == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    path = cache_path(cl, source->name, key);
    out->handle = path == NULL ? NULL : load_cached(cl, path, key, all_options);
    if (out->handle == NULL) {
        TRY(compile_told(&out->handle, cl, source, all_options, err));
        out->unkept = path != NULL;
        /* For a binary PoCL compiles every kernel of the program for any work-group size: code that
         * no launch uses where PoCL can make better one for its size. */
        if (out->unkept && !is_pocl(cl)) {
            store(cl, out->handle, path, key);
            out->unkept = false;
        }
    }

done:
    free(path);
    free(key);
    free(all_options);
    return st;
}

void mien_program_keep(struct mien_program *program, const struct mien_cl *cl,
                       const struct mien_kernel_source *source, const char *options)
{
    if (!program->unkept) {
        return;
    }
    char *const all_options = join_options(options, NULL);
    char *const key = all_options == NULL ? NULL : make_key(&cl->info, source, all_options, NULL);
    char *const path = key == NULL ? NULL : cache_path(cl, source->name, key);
    if (path != NULL) {
        store(cl, program->handle, path, key);
    }
    program->unkept = false;
    free(path);
    free(key);
    free(all_options);
}
