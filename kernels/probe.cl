/*
 * probe.cl - the smallest kernel there is: does this device compile, launch and compute at all?
 *
 * Pairs with   src/cl (its tests)
 * Layout       x, y [count] float32, y overwritten
 * Mapping      one work-item, one element; work-items past the end do nothing
 * Determinism  one multiplication and one addition, each rounded (or fused, where the device does)
 */
__kernel void probe_axpb(__global float *restrict y, __global const float *restrict x,
                         const float a, const float b, const int count)
{
    const int i = (int)get_global_id(0);
    if (i < count) {
        y[i] = a * x[i] + b;
    }
}
