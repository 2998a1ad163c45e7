/*
 * plant_cl.c - a library to preload: OpenCL as it is, but for a compiler that makes something else
 * of a kernel's source, as a broken driver does
 *
 * MIEN_PLANT_FIND, MIEN_PLANT_WITH   the first text in each source that has it is replaced by the
 *                                    other, and one line on stderr says so
 * MIEN_PLANT_SKIP                    so many sources that have it stay right before that [0]
 */
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_bool told;
static atomic_int seen; /* sources that have the text */

typedef CL_API_ENTRY cl_program(CL_API_CALL *create_function)(cl_context, cl_uint, const char **,
                                                              const size_t *, cl_int *);

/* `text` with the wish in it; NULL where it has nothing of the kind.  Released by the caller. */
static char *replaced(const char *text)
{
    const char *const find = getenv("MIEN_PLANT_FIND");
    const char *const with = getenv("MIEN_PLANT_WITH");
    const char *const at = find == NULL || with == NULL ? NULL : strstr(text, find);
    const char *const skip = getenv("MIEN_PLANT_SKIP");
    if (at == NULL || atomic_fetch_add(&seen, 1) < (skip != NULL ? strtol(skip, NULL, 10) : 0)) {
        return NULL;
    }
    const size_t bytes = strlen(text) + strlen(with) + 1;
    char *const out = malloc(bytes);
    if (out == NULL) {
        abort();
    }
    (void)snprintf(out, bytes, "%.*s%s%s", (int)(at - text), text, with, at + strlen(find));
    return out;
}

/* mien and CLBlast give one source, which ends with a NUL whatever its length says. */
CL_API_ENTRY cl_program CL_API_CALL clCreateProgramWithSource(cl_context context, cl_uint count,
                                                              const char **texts,
                                                              const size_t *lengths, cl_int *code)
{
    create_function function;
    *(void **)&function = dlsym(RTLD_NEXT, "clCreateProgramWithSource");
    if (function == NULL) {
        (void)fprintf(stderr, "plant_cl: no clCreateProgramWithSource\n");
        abort();
    }
    char *const text = count == 1 ? replaced(texts[0]) : NULL;
    if (text == NULL) {
        return function(context, count, texts, lengths, code);
    }
    const char *one = text;
    const cl_program program = function(context, 1, &one, NULL, code);
    free(text);
    if (!atomic_exchange(&told, 1)) {
        (void)fprintf(stderr, "plant_cl: planted\n");
    }
    return program;
}
