/* profile.c - device times of launches, recorded while the queue was opened for it */
#include <stdlib.h>

#include "base/memory.h"
#include "cl/internal.h"

enum { FIRST_ROOM = 256 };

void mien_cl_label(struct mien_cl *cl, const char *text)
{
    cl->label = text;
}

enum mien_status mien_cl_profile_slot(struct mien_cl_span **out, struct mien_cl *cl,
                                      const char *kernel, size_t slices, struct mien_error *err)
{
    *out = NULL;
    if (!cl->profile) {
        return MIEN_OK;
    }
    if (cl->sample_count == cl->sample_room) {
        const size_t room = cl->sample_room == 0 ? FIRST_ROOM : cl->sample_room * 2;
        void *const samples = mien_realloc(cl->samples, room, sizeof(*cl->samples), err);
        if (samples == NULL) {
            return MIEN_ERR_MEMORY;
        }
        cl->samples = samples;
        void *const spans = mien_realloc(cl->spans, room, sizeof(*cl->spans), err);
        if (spans == NULL) {
            return MIEN_ERR_MEMORY;
        }
        cl->spans = spans;
        cl->sample_room = room;
    }
    cl->samples[cl->sample_count] =
        (struct mien_cl_sample){ kernel, cl->label, slices == 0 ? 1 : slices, 0, 0, 0 };
    *out = &cl->spans[cl->sample_count];
    **out = (struct mien_cl_span){ NULL, NULL };
    if (slices != 1) { /* the event is that of the last command: mark where the first one begins */
        (void)clEnqueueMarkerWithWaitList(cl->queue, 0, NULL, &(*out)->before);
    }
    return MIEN_OK;
}

static void release(struct mien_cl_span *span)
{
    if (span->before != NULL) {
        (void)clReleaseEvent(span->before);
    }
    if (span->event != NULL) {
        (void)clReleaseEvent(span->event);
    }
    *span = (struct mien_cl_span){ NULL, NULL };
}

void mien_cl_profile_drop(struct mien_cl_span *span)
{
    if (span != NULL) {
        release(span);
    }
}

/* 0 when the device does not tell. */
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
        struct mien_cl_sample *const sample = &cl->samples[i];
        struct mien_cl_span *const span = &cl->spans[i];
        sample->queued_ns = time_of(span->event, CL_PROFILING_COMMAND_QUEUED);
        sample->start_ns = time_of(span->event, CL_PROFILING_COMMAND_START);
        sample->end_ns = time_of(span->event, CL_PROFILING_COMMAND_END);
        const cl_ulong before_ns =
            span->before != NULL ? time_of(span->before, CL_PROFILING_COMMAND_END) : 0;
        if (before_ns != 0 && before_ns < sample->start_ns) {
            sample->start_ns = before_ns;
        }
        release(span);
    }
    *samples = cl->samples;
    *count = cl->sample_count;
    cl->sample_count = 0;
    return st;
}

void mien_cl_profile_finish(struct mien_cl *cl)
{
    for (size_t i = 0; i < cl->sample_count; i++) {
        release(&cl->spans[i]);
    }
    free(cl->samples);
    free(cl->spans);
}
