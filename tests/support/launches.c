/* launches.c - what reaches clEnqueueNDRangeKernel() */
#include "support/launches.h"

#include <CL/cl.h>

struct launches launches;

/* NOLINTBEGIN(readability-function-size): OpenCL's own parameters */
cl_int __real_clEnqueueNDRangeKernel(cl_command_queue, cl_kernel, cl_uint, const size_t *,
                                     const size_t *, const size_t *, cl_uint, const cl_event *,
                                     cl_event *);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue, cl_kernel, cl_uint, const size_t *,
                                     const size_t *, const size_t *, cl_uint, const cl_event *,
                                     cl_event *);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *origin, const size_t *global,
                                     const size_t *local, cl_uint waits, const cl_event *wait,
                                     cl_event *event)
/* NOLINTEND(readability-function-size) */
{
    launches.count++;
    for (cl_uint d = 1; d < dimensions; d++) {
        const size_t groups = global[d] / local[d];
        launches.most_groups = groups > launches.most_groups ? groups : launches.most_groups;
    }
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, origin, global, local, waits,
                                         wait, event);
}
