/* cl.c - opening and closing a device, and the names of its errors */
#include "cl/cl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cl/blas.h"
#include "cl/internal.h"

const char *mien_cl_error_name(cl_int code)
{
#define NAME(symbol)                                                                               \
    case symbol: return #symbol
    switch (code) {
        NAME(CL_SUCCESS);
        NAME(CL_DEVICE_NOT_FOUND);
        NAME(CL_DEVICE_NOT_AVAILABLE);
        NAME(CL_COMPILER_NOT_AVAILABLE);
        NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE);
        NAME(CL_OUT_OF_RESOURCES);
        NAME(CL_OUT_OF_HOST_MEMORY);
        NAME(CL_PROFILING_INFO_NOT_AVAILABLE);
        NAME(CL_MEM_COPY_OVERLAP);
        NAME(CL_BUILD_PROGRAM_FAILURE);
        NAME(CL_MAP_FAILURE);
        NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET);
        NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
        NAME(CL_COMPILE_PROGRAM_FAILURE);
        NAME(CL_LINKER_NOT_AVAILABLE);
        NAME(CL_LINK_PROGRAM_FAILURE);
        NAME(CL_INVALID_VALUE);
        NAME(CL_INVALID_DEVICE_TYPE);
        NAME(CL_INVALID_PLATFORM);
        NAME(CL_INVALID_DEVICE);
        NAME(CL_INVALID_CONTEXT);
        NAME(CL_INVALID_QUEUE_PROPERTIES);
        NAME(CL_INVALID_COMMAND_QUEUE);
        NAME(CL_INVALID_MEM_OBJECT);
        NAME(CL_INVALID_BINARY);
        NAME(CL_INVALID_BUILD_OPTIONS);
        NAME(CL_INVALID_PROGRAM);
        NAME(CL_INVALID_PROGRAM_EXECUTABLE);
        NAME(CL_INVALID_KERNEL_NAME);
        NAME(CL_INVALID_KERNEL_DEFINITION);
        NAME(CL_INVALID_KERNEL);
        NAME(CL_INVALID_ARG_INDEX);
        NAME(CL_INVALID_ARG_VALUE);
        NAME(CL_INVALID_ARG_SIZE);
        NAME(CL_INVALID_KERNEL_ARGS);
        NAME(CL_INVALID_WORK_DIMENSION);
        NAME(CL_INVALID_WORK_GROUP_SIZE);
        NAME(CL_INVALID_WORK_ITEM_SIZE);
        NAME(CL_INVALID_GLOBAL_OFFSET);
        NAME(CL_INVALID_EVENT_WAIT_LIST);
        NAME(CL_INVALID_EVENT);
        NAME(CL_INVALID_OPERATION);
        NAME(CL_INVALID_BUFFER_SIZE);
        NAME(CL_INVALID_GLOBAL_WORK_SIZE);
    case -1001: return "CL_PLATFORM_NOT_FOUND_KHR";
    default: return "unknown OpenCL error";
    }
#undef NAME
}

enum mien_status mien_cl_status(cl_int code)
{
    return code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY
               ? MIEN_ERR_MEMORY
               : MIEN_ERR_CL;
}

enum mien_status mien_cl_fail(struct mien_error *err, const char *call, cl_int code)
{
    return mien_fail(err, mien_cl_status(code), "%s: %s (%d)", call, mien_cl_error_name(code),
                     (int)code);
}

static enum mien_status choose_device(struct mien_device_info *out, const char *wanted,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_device_list list = { NULL, 0 };
    size_t chosen = 0;
    const char *const from_environment = wanted == NULL ? getenv("MIEN_DEVICE") : NULL;

    TRY(mien_device_list(&list, err));
    st = mien_device_choose(&chosen, NULL, 0, &list, wanted != NULL ? wanted : from_environment,
                            err);
    if (st != MIEN_OK) {
        st = from_environment != NULL ? mien_wrap(err, st, "MIEN_DEVICE") : st;
        goto done;
    }
    *out = list.devices[chosen];

done:
    mien_device_list_finish(&list);
    return st;
}

/* NULL, for whatever reason, means no cache. */
static char *choose_cache(const char *cache)
{
    if (cache != NULL) {
        return cache[0] == '\0' ? NULL : mien_strdup(cache, NULL);
    }
    char *const user = mien_cache_folder();
    char *const programs = user == NULL ? NULL : mien_path_join(user, "programs", NULL);
    free(user);
    return programs;
}

/* CLBlast also works with its own defaults, only slower. */
static void tune_blas(const struct mien_cl *cl)
{
    struct mien_error problem = { "" };
    if (mien_blas_tune_defaults(&cl->info, &problem) != MIEN_OK) {
        mien_log_line(cl->log, "CLBlast keeps its defaults: %s", problem.text);
    }
}

enum mien_status mien_cl_open(struct mien_cl **out, const struct mien_cl_options *options,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    cl_int code = CL_SUCCESS;

    *out = NULL;
    struct mien_cl *cl = mien_calloc(1, sizeof(*cl), err);
    if (cl == NULL) {
        return MIEN_ERR_MEMORY;
    }
    cl->opened_s = mien_now_s();
    cl->profile = options != NULL && options->profile;
    cl->log = options != NULL ? options->log : NULL;
    cl->label = "";
    TRY(choose_device(&cl->info, options != NULL ? options->device : NULL, err));
    cl->slicing = mien_cl_default_slicing(&cl->info);
    cl->cache_folder = choose_cache(options != NULL ? options->cache : NULL);

    cl->context = clCreateContext(NULL, 1, &cl->info.device, NULL, NULL, &code);
    if (cl->context == NULL) {
        st = mien_cl_fail(err, "clCreateContext", code);
        goto done;
    }
    cl->queue = clCreateCommandQueue(cl->context, cl->info.device,
                                     cl->profile ? CL_QUEUE_PROFILING_ENABLE : 0, &code);
    if (cl->queue == NULL) {
        st = mien_cl_fail(err, "clCreateCommandQueue", code);
        goto done;
    }
    tune_blas(cl);
    *out = cl;
    cl = NULL;

done:
    mien_cl_close(cl);
    return st;
}

void mien_cl_close(struct mien_cl *cl)
{
    if (cl == NULL) {
        return;
    }
    /* Leak checkers must ignore the driver, so count our own objects. */
    assert(cl->live == 0);
    if (cl->queue != NULL) {
        (void)clFinish(cl->queue);
    }
    mien_cl_profile_finish(cl);
    mien_cl_kernels_finish(cl);
    mien_blas_finish(cl);
    if (cl->queue != NULL) {
        (void)clReleaseCommandQueue(cl->queue);
    }
    if (cl->context != NULL) {
        (void)clReleaseContext(cl->context);
    }
    free(cl->cache_folder);
    free(cl);
}

const struct mien_device_info *mien_cl_device(const struct mien_cl *cl)
{
    return &cl->info;
}
