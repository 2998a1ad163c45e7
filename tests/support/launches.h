/** launches.h - what reaches clEnqueueNDRangeKernel(), for tests with `// wrap:
 * clEnqueueNDRangeKernel` */
#ifndef MIEN_TESTS_SUPPORT_LAUNCHES_H
#define MIEN_TESTS_SUPPORT_LAUNCHES_H

#include <stddef.h>

/** Since the test set it to zero. */
struct launches {
    size_t count;
    size_t most_groups; /**< work-groups that a launch had in dimension 1 or 2, at most */
};
extern struct launches launches;

#endif
