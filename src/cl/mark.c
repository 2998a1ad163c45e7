/* mark.c - places in the queue that the host can wait for */
#include <stdlib.h>

#include "base/memory.h"
#include "cl/internal.h"

struct mien_cl_mark {
    struct mien_cl *cl; /* borrowed */
    cl_event event;
};

enum mien_status mien_cl_mark(struct mien_cl_mark **out, struct mien_cl *cl, struct mien_error *err)
{
    struct mien_cl_mark *const mark = mien_calloc(1, sizeof(*mark), err);
    if (mark == NULL) {
        return MIEN_ERR_MEMORY;
    }
    mark->cl = cl;
    cl_int code = clEnqueueMarkerWithWaitList(cl->queue, 0, NULL, &mark->event);
    const char *call = "clEnqueueMarkerWithWaitList";
    if (code == CL_SUCCESS) {
        cl->live++;
        *out = mark;
        code = clFlush(cl->queue); /* else a driver may sit on the work until somebody waits */
        call = "clFlush";
    } else {
        free(mark);
    }
    return code == CL_SUCCESS ? MIEN_OK : mien_cl_fail(err, call, code);
}

enum mien_status mien_cl_mark_wait(struct mien_cl_mark **mark, struct mien_error *err)
{
    if (*mark == NULL) {
        return MIEN_OK;
    }
    const cl_int code = clWaitForEvents(1, &(*mark)->event);
    mien_cl_mark_drop(mark);
    return code == CL_SUCCESS ? MIEN_OK : mien_cl_fail(err, "clWaitForEvents", code);
}

void mien_cl_mark_drop(struct mien_cl_mark **mark)
{
    if (*mark != NULL) {
        (*mark)->cl->live--;
        (void)clReleaseEvent((*mark)->event);
        free(*mark);
        *mark = NULL;
    }
}
