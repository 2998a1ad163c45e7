/*
 * stall_cl.c - a library to preload: OpenCL as it is, but for a compiler that hangs or dies over
 * some programs, as drivers do
 *
 * MIEN_HANG, MIEN_DIE   the build of a program whose options have this text never comes back, or
 *                       ends the process
 */
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool meant(const char *variable, const char *options)
{
    const char *const wish = getenv(variable);
    return wish != NULL && *wish != '\0' && options != NULL && strstr(options, wish) != NULL;
}

CL_API_ENTRY cl_int CL_API_CALL clBuildProgram(cl_program program, cl_uint count,
                                               const cl_device_id *devices, const char *options,
                                               void(CL_CALLBACK *told)(cl_program, void *),
                                               void *user)
{
    cl_int (*function)(cl_program, cl_uint, const cl_device_id *, const char *,
                       void(CL_CALLBACK *)(cl_program, void *), void *);
    *(void **)&function = dlsym(RTLD_NEXT, "clBuildProgram");
    if (function == NULL) {
        (void)fprintf(stderr, "stall_cl: no clBuildProgram\n");
        abort();
    }
    while (meant("MIEN_HANG", options)) {
        (void)pause();
    }
    if (meant("MIEN_DIE", options)) {
        abort();
    }
    return function(program, count, devices, options, told, user);
}
