/*
 * group_sum.h - sums over a work-group
 *
 * With one lane (GPUs) a group has GROUP work-items that share its sums through local memory;
 * otherwise it is one work-item, and there are no barriers.  A kernel begins with SHARED.  The
 * number of a group is get_global_id(0) / GROUP: get_group_id() starts again in each slice of a
 * launch.
 */
#if LANES == 1
#define GROUP        64
#define SHARED       __local float shared[GROUP];
#define GROUP_SUM(v) group_sum(v, shared)
/* The sum over the work-group, for every work-item of it; uniform control flow only. */
static inline float group_sum(const float v, __local float *shared)
{
    const int k = (int)get_local_id(0);
    shared[k] = v;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_size = GROUP / 2; half_size > 0; half_size /= 2) {
        if (k < half_size) {
            shared[k] += shared[k + half_size];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float sum = shared[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return sum;
}
#else
#define GROUP 1
#define SHARED
#define GROUP_SUM(v) (v)
#endif
