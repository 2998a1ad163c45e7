/*
 * relayout.cl - blocked activations to plain rows and back, for CLBlast on devices with lanes
 *
 * Pairs with   src/ops/relayout.c (host), tests/support/relayout.c (plain C)
 * Layout       blocked [blocks][f][LANES]; rows [n][f]
 * Mapping      one work-item per PIECE features of a block: small enough to stay in the first cache
 *              while one side is walked in strides
 * Border       rows beyond n do not exist; their lanes become zero
 * Determinism  copies
 */
enum { PIECE = 64 };

__kernel void relayout_to_rows(__global float *restrict rows,
                               __global const float *restrict blocked, const int n, const int f,
                               const int pieces, const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int p = first; p < min(first + chunk, count); p++) {
        const int block = p / pieces;
        const int k0 = p % pieces * PIECE;
        __global const float *const from = blocked + (size_t)block * f * LANES;
        for (int lane = 0; lane < min(LANES, n - block * LANES); lane++) {
            __global float *const row = rows + (size_t)(block * LANES + lane) * f;
            for (int k = k0; k < min(k0 + PIECE, f); k++) {
                row[k] = from[k * LANES + lane];
            }
        }
    }
}

__kernel void relayout_from_rows(__global float *restrict blocked,
                                 __global const float *restrict rows, const int n, const int f,
                                 const int pieces, const int count, const int chunk)
{
    const int first = (int)get_global_id(0) * chunk;
    for (int p = first; p < min(first + chunk, count); p++) {
        const int block = p / pieces;
        const int k0 = p % pieces * PIECE;
        __global float *const to = blocked + (size_t)block * f * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            const int i = block * LANES + lane;
            __global const float *const row = rows + (size_t)(i < n ? i : 0) * f;
            for (int k = k0; k < min(k0 + PIECE, f); k++) {
                to[k * LANES + lane] = i < n ? row[k] : 0.0f;
            }
        }
    }
}
