/* launch.c - kernels by name and build options, and their launches */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "cl/internal.h"
#include "cl/program.h"

enum { FIRST_ROOM = 16 };

#define KEEP_SECONDS 1.0 /* that PoCL needs for the binary of a program, roughly */

static size_t hash_key(const char *key)
{
    struct mien_hash hash;
    mien_hash_init(&hash);
    uint64_t words[2];
    mien_hash_add_text(&hash, key);
    mien_hash_words(words, &hash);
    return (size_t)words[0];
}

/* The slot of `key`, or the free one where it belongs; the table always has a free slot. */
static struct mien_cl_kernel *find_slot(struct mien_cl_kernel *table, size_t room, const char *key)
{
    size_t at = hash_key(key) % room;
    while (table[at].key != NULL && strcmp(table[at].key, key) != 0) {
        at = (at + 1) % room;
    }
    return &table[at];
}

static enum mien_status grow_kernels(struct mien_cl *cl, struct mien_error *err)
{
    if (cl->kernel_room > 0 && cl->kernel_count + 1 < cl->kernel_room / 2) {
        return MIEN_OK;
    }
    const size_t room = cl->kernel_room == 0 ? FIRST_ROOM : cl->kernel_room * 2;
    struct mien_cl_kernel *const table = mien_calloc(room, sizeof(*table), err);
    if (table == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < cl->kernel_room; i++) {
        if (cl->kernels[i].key != NULL) {
            *find_slot(table, room, cl->kernels[i].key) = cl->kernels[i];
        }
    }
    free(cl->kernels);
    cl->kernels = table;
    cl->kernel_room = room;
    return MIEN_OK;
}

static enum mien_status get_program(size_t *out, struct mien_cl *cl,
                                    const struct mien_cl_launch *what, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const char *const options = what->options != NULL ? what->options : "";
    char key[1024];
    (void)snprintf(key, sizeof(key), "%s\n%s", what->source, options);
    for (size_t i = 0; i < cl->program_count; i++) {
        if (strcmp(cl->programs[i].key, key) == 0) {
            *out = i;
            return MIEN_OK;
        }
    }
    const struct mien_kernel_source *const source = mien_kernel_source_find(what->source);
    if (source == NULL) {
        return mien_fail(err, MIEN_ERR_CL, "there is no kernels/%s.cl", what->source);
    }
    struct mien_cl_built built = { .key = mien_strdup(key, err), .source = source };
    if (built.key == NULL) {
        return MIEN_ERR_MEMORY;
    }
    built.options = built.key + strlen(what->source) + 1;
    if (cl->program_count == cl->program_room) {
        const size_t room = cl->program_room == 0 ? FIRST_ROOM : cl->program_room * 2;
        void *const grown = mien_realloc(cl->programs, room, sizeof(*cl->programs), err);
        if (grown == NULL) {
            st = MIEN_ERR_MEMORY;
            goto done;
        }
        cl->programs = grown;
        cl->program_room = room;
    }
    TRY(mien_program_build(&built.program, cl, source, options, err));
    *out = cl->program_count;
    cl->programs[cl->program_count++] = built;
    built.key = NULL;

done:
    free(built.key);
    return st;
}

/* PoCL ends the process over a kernel whose local memory the device has not: refuse it before. */
static enum mien_status check_local(const struct mien_cl *cl, cl_kernel kernel, const char *name,
                                    struct mien_error *err)
{
    cl_ulong bytes = 0;
    const cl_int code = clGetKernelWorkGroupInfo(kernel, cl->info.device, CL_KERNEL_LOCAL_MEM_SIZE,
                                                 sizeof(bytes), &bytes, NULL);
    if (code == CL_SUCCESS && bytes > cl->info.local_bytes) {
        return mien_fail(
            err, MIEN_ERR_CL, "kernel %s wants %llu bytes of local memory: %s has %llu", name,
            (unsigned long long)bytes, cl->info.name, (unsigned long long)cl->info.local_bytes);
    }
    return MIEN_OK;
}

static enum mien_status check_group(const struct mien_cl *cl, const struct mien_cl_launch *what,
                                    size_t most, struct mien_error *err)
{
    size_t items = 1;
    for (int d = 0; d < 3; d++) {
        items *= what->local[d] == 0 ? 1 : what->local[d];
    }
    return items <= most ? MIEN_OK
                         : mien_fail(err, MIEN_ERR_CL,
                                     "kernel %s wants work-groups of %zu work-items: %s takes %zu",
                                     what->kernel, items, cl->info.name, most);
}

/* What a kernel of a device's compiler has room for: fewer work-items than others may be. */
static enum mien_status check_kernel(const struct mien_cl *cl, cl_kernel kernel,
                                     const struct mien_cl_launch *what, struct mien_error *err)
{
    size_t most = 0;
    const enum mien_status st = check_local(cl, kernel, what->kernel, err);
    const cl_int code = clGetKernelWorkGroupInfo(kernel, cl->info.device, CL_KERNEL_WORK_GROUP_SIZE,
                                                 sizeof(most), &most, NULL);
    return st != MIEN_OK || code != CL_SUCCESS ? st : check_group(cl, what, most, err);
}

enum mien_status mien_cl_kernel_get(struct mien_cl_kernel **out, struct mien_cl *cl,
                                    const struct mien_cl_launch *what, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *owned = NULL;
    char key[1024];
    const int length = snprintf(key, sizeof(key), "%s\n%s\n%s", what->source,
                                what->options != NULL ? what->options : "", what->kernel);
    *out = NULL;
    if (length < 0 || (size_t)length >= sizeof(key)) {
        return mien_fail(err, MIEN_ERR_CL, "build options of %s are too long", what->kernel);
    }
    TRY(check_group(cl, what, cl->info.max_work_group, err));
    TRY(grow_kernels(cl, err));
    struct mien_cl_kernel *const slot = find_slot(cl->kernels, cl->kernel_room, key);
    if (slot->key == NULL) {
        struct mien_cl_kernel made = { NULL, NULL, NULL, 0, 0 };
        cl_int code = CL_SUCCESS;
        TRY(get_program(&made.program, cl, what, err));
        owned = mien_strdup(key, err);
        if (owned == NULL) {
            st = MIEN_ERR_MEMORY;
            goto done;
        }
        made.handle =
            clCreateKernel(cl->programs[made.program].program.handle, what->kernel, &code);
        if (made.handle == NULL) {
            st = mien_fail(err, mien_cl_status(code),
                           "kernel %s of kernels/%s.cl: clCreateKernel: %s (%d)", what->kernel,
                           what->source, mien_cl_error_name(code), (int)code);
            goto done;
        }
        st = check_kernel(cl, made.handle, what, err);
        if (st != MIEN_OK) {
            (void)clReleaseKernel(made.handle);
            goto done;
        }
        (void)clGetKernelInfo(made.handle, CL_KERNEL_NUM_ARGS, sizeof(made.arg_count),
                              &made.arg_count, NULL);
        made.key = owned;
        made.name = owned + strlen(owned) - strlen(what->kernel);
        owned = NULL;
        *slot = made;
        cl->kernel_count++;
    }
    *out = slot;

done:
    free(owned);
    return st;
}

bool mien_cl_keep_program(struct mien_cl *cl, double share)
{
    const double before_s = mien_now_s();
    if (cl->keeping_s + KEEP_SECONDS > share * (before_s - cl->opened_s)) {
        return false;
    }
    for (size_t i = 0; i < cl->program_count; i++) {
        struct mien_cl_built *const built = &cl->programs[i];
        if (built->program.unkept) {
            mien_program_keep(&built->program, cl, built->source, built->options);
            cl->keeping_s += mien_now_s() - before_s;
            return true;
        }
    }
    return false;
}

void mien_cl_kernels_finish(struct mien_cl *cl)
{
    for (size_t i = 0; i < cl->kernel_room; i++) {
        if (cl->kernels[i].key != NULL) {
            (void)clReleaseKernel(cl->kernels[i].handle);
            free(cl->kernels[i].key);
        }
    }
    for (size_t i = 0; i < cl->program_count; i++) {
        (void)clReleaseProgram(cl->programs[i].program.handle);
        free(cl->programs[i].key);
    }
    free(cl->kernels);
    free(cl->programs);
}

static enum mien_status set_args(const struct mien_cl_kernel *kernel,
                                 const struct mien_cl_arg *args, cl_uint arg_count,
                                 struct mien_error *err)
{
    if (kernel->arg_count != arg_count) {
        return mien_fail(err, MIEN_ERR_CL, "%s takes %u arguments, got %u", kernel->name,
                         kernel->arg_count, arg_count);
    }
    for (cl_uint i = 0; i < arg_count; i++) {
        const cl_int code = clSetKernelArg(kernel->handle, i, args[i].bytes, args[i].value);
        if (code != CL_SUCCESS) {
            return mien_fail(err, mien_cl_status(code), "%s argument %u: clSetKernelArg: %s (%d)",
                             kernel->name, i, mien_cl_error_name(code), (int)code);
        }
    }
    return MIEN_OK;
}

/* Enqueue slice after slice; the event is the last one's.  The driver gets each at once: it might
 * run in one go what it has gathered. */
static cl_int enqueue(struct mien_cl *cl, cl_kernel kernel, const struct mien_cl_cut *cut,
                      const size_t local[3], cl_event *event)
{
    cl_int code = CL_SUCCESS;
    const size_t slices = mien_cl_cut_count(cut);
    for (size_t i = 0; i < slices && code == CL_SUCCESS; i++) {
        size_t offset[3];
        size_t global[3];
        mien_cl_cut_slice(offset, global, cut, i);
        for (int d = 0; d < 3; d++) {
            offset[d] *= local[d];
            global[d] *= local[d];
        }
        const bool last = i + 1 == slices;
        code = clEnqueueNDRangeKernel(cl->queue, kernel, 3, slices > 1 ? offset : NULL, global,
                                      local, 0, NULL, last ? event : NULL);
        if (code == CL_SUCCESS && slices > 1) {
            code = clFlush(cl->queue);
        }
    }
    return code;
}

enum mien_status mien_cl_launch(struct mien_cl *cl, const struct mien_cl_launch *what,
                                const struct mien_cl_arg *args, cl_uint arg_count,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl_kernel *kernel = NULL;
    struct mien_cl_span *span = NULL;
    size_t groups[3];
    size_t local[3];
    for (int i = 0; i < 3; i++) {
        const size_t global = what->global[i] == 0 ? 1 : what->global[i];
        local[i] = what->local[i] == 0 ? 1 : what->local[i];
        groups[i] = (global + local[i] - 1) / local[i];
    }
    const struct mien_cl_cut cut = mien_cl_cut(cl, groups, what->flop);
    const size_t slices = mien_cl_cut_count(&cut);
    TRY(mien_cl_kernel_get(&kernel, cl, what, err));
    assert(kernel != NULL);
    TRY(set_args(kernel, args, arg_count, err));
    TRY(mien_cl_profile_slot(&span, cl, kernel->name, slices, err));
    const cl_int code =
        enqueue(cl, kernel->handle, &cut, local, span != NULL ? &span->event : NULL);
    if (code != CL_SUCCESS) {
        mien_cl_profile_drop(span);
        st = mien_fail(
            err, mien_cl_status(code),
            "%s over %zux%zux%zu in groups of %zux%zux%zu: clEnqueueNDRangeKernel: %s (%d)",
            what->kernel, groups[0] * local[0], groups[1] * local[1], groups[2] * local[2],
            local[0], local[1], local[2], mien_cl_error_name(code), (int)code);
        goto done;
    }
    cl->sample_count += span != NULL ? 1 : 0;
    mien_cl_tell_launched(cl, kernel->name);

done:
    return st;
}

void mien_cl_watch(struct mien_cl *cl,
                   void (*launched)(void *user, const char *kernel, const char *label), void *user)
{
    cl->launched = launched;
    cl->launched_user = user;
}

void mien_cl_tell_launched(const struct mien_cl *cl, const char *kernel)
{
    if (cl->launched != NULL) {
        cl->launched(cl->launched_user, kernel, cl->label);
    }
}
