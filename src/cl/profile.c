/* profile.c - device times of launches, recorded while the queue was opened for it */
#include <stdlib.h>

#include "base/memory.h"
#include "cl/internal.h"

void mien_cl_label(struct mien_cl *cl, const char *text)
{
    cl->label = text;
}

enum mien_status mien_cl_profile_slot(cl_event **out, struct mien_cl *cl, const char *kernel,
                                      struct mien_error *err)
{
    *out = NULL;
    if (!cl->profile) {
        return MIEN_OK;
    }
    if (cl->sample_count == cl->sample_room) {
        const size_t room = cl->sample_room == 0 ? 256 : cl->sample_room * 2;
        void *const samples = mien_realloc(cl->samples, room, sizeof(*cl->samples), err);
        if (samples == NULL) {
            return MIEN_ERR_MEMORY;
        }
        cl->samples = samples;
        void *const events = mien_realloc(cl->events, room, sizeof(cl_event), err);
        if (events == NULL) {
            return MIEN_ERR_MEMORY;
        }
        cl->events = events;
        cl->sample_room = room;
    }
    cl->samples[cl->sample_count] = (struct mien_cl_sample){ kernel, cl->label, 0, 0, 0 };
    *out = &cl->events[cl->sample_count];
    return MIEN_OK;
}

static cl_ulong time_of(cl_event event, cl_profiling_info what)
{
    cl_ulong ns = 0;
    (void)clGetEventProfilingInfo(event, what, sizeof(ns), &ns, NULL);
    return ns;
}

enum mien_status mien_cl_profile(struct mien_cl *cl, const struct mien_cl_sample **samples,
                                 size_t *count, struct mien_error *err)
{
    const enum mien_status st = mien_cl_finish(cl, err);
    for (size_t i = 0; i < cl->sample_count; i++) {
        cl->samples[i].queued_ns = time_of(cl->events[i], CL_PROFILING_COMMAND_QUEUED);
        cl->samples[i].start_ns = time_of(cl->events[i], CL_PROFILING_COMMAND_START);
        cl->samples[i].end_ns = time_of(cl->events[i], CL_PROFILING_COMMAND_END);
        (void)clReleaseEvent(cl->events[i]);
    }
    *samples = cl->samples;
    *count = cl->sample_count;
    cl->sample_count = 0;
    return st;
}

void mien_cl_profile_finish(struct mien_cl *cl)
{
    for (size_t i = 0; i < cl->sample_count; i++) {
        (void)clReleaseEvent(cl->events[i]);
    }
    free(cl->samples);
    free(cl->events);
}
