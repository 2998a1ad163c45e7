/*
 * rows.cl - what CLBlast leaves to do on plain rows: bias and ReLU, column sums
 *
 * Pairs with   src/ops/rows.c (host), src/ref/rows.c (plain C)
 * Layout       rows [n][f], contiguous
 * Mapping      rows_bias: one work-item per element; rows_sum: one per column
 * NaN          goes through
 * Determinism  a column is summed from the first row to the last
 */
__kernel void rows_bias(__global float *restrict y, __global const float *restrict bias,
                        const int count, const int f, const int relu_on)
{
    const int i = (int)get_global_id(0);
    if (i < count) {
        const float v = y[i] + (bias ? bias[i % f] : 0.0f);
        y[i] = relu_on && v <= 0.0f ? 0.0f : v;
    }
}

__kernel void rows_sum(__global float *restrict sum, __global const float *restrict rows,
                       const int n, const int f)
{
    const int k = (int)get_global_id(0);
    if (k < f) {
        float total = 0.0f;
        for (int i = 0; i < n; i++) {
            total += rows[(size_t)i * f + k];
        }
        sum[k] = total;
    }
}
