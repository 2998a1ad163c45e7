/*
 * refuse_cl.c - a library to preload: OpenCL as it is, but for calls that are to be refused
 *
 * MIEN_REFUSE=CALL:N:CODE   the N-th call (from 0) of that function fails with CODE, as a driver
 * would; CALL "any" counts every function below.  With a "+" behind CODE all of them fail from then
 * on: the device is gone MIEN_REFUSE_LOG=FILE      at the end "calls N live M" is written there:
 * functions called, and objects that were created and never released
 *
 * Releases are never refused: a driver has no good reason to, and nobody can do anything about it.
 */
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_long calls, live;

/* Whether this call is one that has to fail, and how. */
static bool refused(const char *name, cl_int *code)
{
    static atomic_long seen;
    const long nth_of_any = atomic_fetch_add(&calls, 1);
    const char *const wish = getenv("MIEN_REFUSE");
    const char *const colon = wish == NULL ? NULL : strchr(wish, ':');
    if (colon == NULL) {
        return false;
    }
    const size_t length = (size_t)(colon - wish);
    const bool any = length == 3 && strncmp(wish, "any", 3) == 0;
    if (!any && (strlen(name) != length || strncmp(wish, name, length) != 0)) {
        return false;
    }
    const long nth = any ? nth_of_any : atomic_fetch_add(&seen, 1);
    char *end = NULL;
    const long from = strtol(colon + 1, &end, 10);
    *code = *end == ':' ? (cl_int)strtol(end + 1, &end, 10) : CL_OUT_OF_RESOURCES;
    return *end == '+' ? nth >= from : nth == from;
}

/* The function of that name behind this library; ends the program where there is none. */
static void *next(const char *name)
{
    void *const function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        (void)fprintf(stderr, "refuse_cl: no %s\n", name);
        abort();
    }
    return function;
}

__attribute__((destructor)) static void write_log(void)
{
    const char *const path = getenv("MIEN_REFUSE_LOG");
    FILE *const file = path == NULL ? NULL : fopen(path, "w");
    if (file != NULL) {
        (void)fprintf(file, "calls %ld live %ld\n", atomic_load(&calls), atomic_load(&live));
        (void)fclose(file);
    }
}

/* A function that returns its code. */
#define RETURNS(name, parameters, arguments)                                                       \
    CL_API_ENTRY cl_int CL_API_CALL name parameters                                                \
    {                                                                                              \
        cl_int code = CL_SUCCESS;                                                                  \
        cl_int(*function) parameters;                                                              \
        *(void **)&function = next(#name);                                                         \
        return refused(#name, &code) ? code : function arguments;                                  \
    }

/* A function that makes an object, and stores its code where `out` points. */
#define CREATES(type, name, parameters, arguments, out)                                            \
    CL_API_ENTRY type CL_API_CALL name parameters                                                  \
    {                                                                                              \
        cl_int code = CL_SUCCESS;                                                                  \
        type(*function) parameters;                                                                \
        *(void **)&function = next(#name);                                                         \
        if (refused(#name, &code)) {                                                               \
            if ((out) != NULL) {                                                                   \
                *(out) = code;                                                                     \
            }                                                                                      \
            return NULL;                                                                           \
        }                                                                                          \
        type const object = function arguments;                                                    \
        atomic_fetch_add(&live, object != NULL);                                                   \
        return object;                                                                             \
    }

/* A function that changes how often an object has to be released. */
#define COUNTS(name, type, step)                                                                   \
    CL_API_ENTRY cl_int CL_API_CALL name(type object)                                              \
    {                                                                                              \
        cl_int (*function)(type);                                                                  \
        *(void **)&function = next(#name);                                                         \
        const cl_int code = function(object);                                                      \
        atomic_fetch_add(&live, code == CL_SUCCESS ? (step) : 0);                                  \
        return code;                                                                               \
    }

/* A command of the queue, which may make an event. */
#define ENQUEUES(name, parameters, arguments)                                                      \
    CL_API_ENTRY cl_int CL_API_CALL name parameters                                                \
    {                                                                                              \
        cl_int code = CL_SUCCESS;                                                                  \
        cl_int(*function) parameters;                                                              \
        *(void **)&function = next(#name);                                                         \
        if (refused(#name, &code)) {                                                               \
            return code;                                                                           \
        }                                                                                          \
        code = function arguments;                                                                 \
        atomic_fetch_add(&live, code == CL_SUCCESS && event != NULL);                              \
        return code;                                                                               \
    }

RETURNS(clGetPlatformIDs, (cl_uint room, cl_platform_id *ids, cl_uint *count), (room, ids, count))
RETURNS(clGetPlatformInfo,
        (cl_platform_id id, cl_platform_info what, size_t room, void *value, size_t *bytes),
        (id, what, room, value, bytes))
RETURNS(clGetDeviceIDs,
        (cl_platform_id id, cl_device_type type, cl_uint room, cl_device_id *ids, cl_uint *count),
        (id, type, room, ids, count))
RETURNS(clGetDeviceInfo,
        (cl_device_id id, cl_device_info what, size_t room, void *value, size_t *bytes),
        (id, what, room, value, bytes))
RETURNS(clBuildProgram,
        (cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
         void(CL_CALLBACK *told)(cl_program, void *), void *user),
        (program, count, devices, options, told, user))
RETURNS(clGetProgramInfo,
        (cl_program program, cl_program_info what, size_t room, void *value, size_t *bytes),
        (program, what, room, value, bytes))
RETURNS(clGetProgramBuildInfo,
        (cl_program program, cl_device_id id, cl_program_build_info what, size_t room, void *value,
         size_t *bytes),
        (program, id, what, room, value, bytes))
RETURNS(clGetKernelInfo,
        (cl_kernel kernel, cl_kernel_info what, size_t room, void *value, size_t *bytes),
        (kernel, what, room, value, bytes))
RETURNS(clGetKernelWorkGroupInfo,
        (cl_kernel kernel, cl_device_id id, cl_kernel_work_group_info what, size_t room,
         void *value, size_t *bytes),
        (kernel, id, what, room, value, bytes))
RETURNS(clGetEventProfilingInfo,
        (cl_event event, cl_profiling_info what, size_t room, void *value, size_t *bytes),
        (event, what, room, value, bytes))
RETURNS(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t bytes, const void *value),
        (kernel, index, bytes, value))
RETURNS(clWaitForEvents, (cl_uint count, const cl_event *events), (count, events))
RETURNS(clFlush, (cl_command_queue queue), (queue))
RETURNS(clFinish, (cl_command_queue queue), (queue))

CREATES(cl_context, clCreateContext,
        (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
         void(CL_CALLBACK *told)(const char *, const void *, size_t, void *), void *user,
         cl_int *out),
        (properties, count, devices, told, user, out), out)
CREATES(cl_command_queue, clCreateCommandQueue,
        (cl_context context, cl_device_id id, cl_command_queue_properties properties, cl_int *out),
        (context, id, properties, out), out)
CREATES(cl_mem, clCreateBuffer,
        (cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *out),
        (context, flags, bytes, host, out), out)
CREATES(cl_mem, clCreateSubBuffer,
        (cl_mem whole, cl_mem_flags flags, cl_buffer_create_type type, const void *what,
         cl_int *out),
        (whole, flags, type, what, out), out)
CREATES(cl_program, clCreateProgramWithSource,
        (cl_context context, cl_uint count, const char **texts, const size_t *bytes, cl_int *out),
        (context, count, texts, bytes, out), out)
CREATES(cl_program, clCreateProgramWithBinary,
        (cl_context context, cl_uint count, const cl_device_id *devices, const size_t *bytes,
         const unsigned char **binaries, cl_int *each, cl_int *out),
        (context, count, devices, bytes, binaries, each, out), out)
CREATES(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *out),
        (program, name, out), out)

ENQUEUES(clEnqueueNDRangeKernel,
         (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
          const size_t *global, const size_t *local, cl_uint count, const cl_event *events,
          cl_event *event),
         (queue, kernel, dimensions, offset, global, local, count, events, event))
ENQUEUES(clEnqueueReadBuffer,
         (cl_command_queue queue, cl_mem buffer, cl_bool wait, size_t offset, size_t bytes,
          void *host, cl_uint count, const cl_event *events, cl_event *event),
         (queue, buffer, wait, offset, bytes, host, count, events, event))
ENQUEUES(clEnqueueWriteBuffer,
         (cl_command_queue queue, cl_mem buffer, cl_bool wait, size_t offset, size_t bytes,
          const void *host, cl_uint count, const cl_event *events, cl_event *event),
         (queue, buffer, wait, offset, bytes, host, count, events, event))
ENQUEUES(clEnqueueFillBuffer,
         (cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_bytes,
          size_t offset, size_t bytes, cl_uint count, const cl_event *events, cl_event *event),
         (queue, buffer, pattern, pattern_bytes, offset, bytes, count, events, event))
ENQUEUES(clEnqueueMarkerWithWaitList,
         (cl_command_queue queue, cl_uint count, const cl_event *events, cl_event *event),
         (queue, count, events, event))

COUNTS(clReleaseContext, cl_context, -1)
COUNTS(clReleaseCommandQueue, cl_command_queue, -1)
COUNTS(clReleaseMemObject, cl_mem, -1)
COUNTS(clReleaseProgram, cl_program, -1)
COUNTS(clReleaseKernel, cl_kernel, -1)
COUNTS(clReleaseEvent, cl_event, -1)
COUNTS(clRetainContext, cl_context, 1)
COUNTS(clRetainCommandQueue, cl_command_queue, 1)
COUNTS(clRetainMemObject, cl_mem, 1)
COUNTS(clRetainProgram, cl_program, 1)
COUNTS(clRetainKernel, cl_kernel, 1)
COUNTS(clRetainEvent, cl_event, 1)
