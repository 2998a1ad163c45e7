/*
 * conv2d_winograd_filter.cl - Winograd convolution for CPU devices, backward filter: kernels of
 * 3x3, 4x4, 5x5
 *
 * Pairs with   src/ops/conv2d_winograd_filter.c (host), src/ref/conv2d.c (plain C); transforms in
 * winograd.h
 * Layout       activations [blocks][c][h][w][LANES], weights [oc][c][R][R]; LANES > 1; stride 1
 * Mapping      a work-item sums CC x OG channel pairs over one of SPLIT parts of all tiles, at COLS
 * columns of a tile's points; NT tiles at a time, with inputs turned so that channels are the
 * lanes.  Its tiles and sums live in local memory (a core's cache), which is what few columns are
 * for: so more channels fit, and tiles are transformed for fewer groups of them.  Work-groups are
 * single work-items (see conv2d_vector.cl).
 * Border       tiles at the border read zeros outside
 * Determinism  every sum has one fixed order; conv2d_winograd_add adds the parts in order
 *
 * Build options: P R LANES; SUM with C OC CC SPLIT OG NT OT COLS H W HO WO PAD BIAS.
 */
#include "vec.h"
#include "winograd.h"

/*
 * Parts are [SPLIT][P columns of points][R][OC][C_VECTORS LANES], points of a column already
 * summed to R numbers, and behind them [SPLIT][OC] sums of the gradient, for the bias.
 */
#define PART_VECTORS_OF(oc, c_vectors) (P * R * (oc) * (c_vectors))

#ifdef SUM

/* Vectors of all input channels, as parts have them. */
#define C_VECTORS    ((C + CC - 1) / CC * (CC / LANES))
#define PART_VECTORS PART_VECTORS_OF(OC, C_VECTORS)

#define TILES_X ((WO + M - 1) / M)
#define TILES_Y ((HO + M - 1) / M)
#define CV      (CC / LANES) /* vectors of channels */
#define V_PLANE (NT * LANES * CV + 1)
#define G_PLANE (NT * OG + 1)

/* Vectors of a register tile: they divide CV, and OT times as many leave registers to load to. */
#define VT (LANES == 16 && OT <= 4 && CV % 4 == 0 ? 4 : CV % 2 == 0 ? 2 : CV % 3 == 0 ? 3 : 1)

/*
 * Points of the LANES input channels from `channel` on of one tile, all [LANES][COLS][P].  `first`
 * and `columns` are constants where this is called.
 */
INLINED void load_input(vec all[LANES][COLS][P], __global const float *restrict x, const int block,
                        const int tile, const int channel, const int first, const int columns)
{
    const int top = tile / TILES_X * M - PAD;
    const int left = tile % TILES_X * M - PAD;
    for (int c = 0; c < LANES; c++) {
        if (channel + c < C) {
            tile_to_points(all[c], x + (block * C + channel + c) * H * W * LANES, H * W * LANES,
                           top, left, H, W, first, columns);
        } else {
            for (int i = 0; i < columns * P; i++) {
                all[c][i / P][i % P] = (vec)(0.0f);
            }
        }
    }
}

/* The same turned, so that a vector holds LANES channels of one image: v is [COLS P][NT LANES][CV],
 * and `v` the place of the tile and of these channels in it. */
INLINED void turn_input(__local vec *restrict v, vec all[LANES][COLS][P], const int columns)
{
    for (int i = 0; i < columns * P; i++) {
        vec square[LANES];
#pragma unroll
        for (int c = 0; c < LANES; c++) {
            square[c] = all[c][i / P][i % P];
        }
        transpose(square);
#pragma unroll
        for (int n = 0; n < LANES; n++) {
            v[i * V_PLANE + n * CV] = square[n];
        }
    }
}

/* Columns of points of a row of a gradient tile; the sum of the row. */
INLINED vec row_to_points(vec points[COLS], const vec line[M], const int first, const int columns)
{
    vec out[P];
    vec sum = line[0];
    kernel_to_points(out, line, M);
#pragma unroll
    for (int k = 0; k < columns; k++) {
        points[k] = out[first + k];
    }
#pragma unroll
    for (int k = 1; k < M; k++) {
        sum += line[k];
    }
    return sum;
}

/*
 * Points of the gradients of OG output channels of one tile: g is [COLS P][NT][OG]; bias [OG] gets
 * their sums where `first` is 0.
 */
INLINED void load_gradient(__local vec *restrict g, __local vec *restrict bias,
                           __global const float *restrict dy, const int block, const int tile,
                           const int slot, const int o0, const int first, const int columns)
{
    const int top = tile / TILES_X * M;
    const int left = tile % TILES_X * M;
    for (int o = 0; o < min(OG, OC - o0); o++) {
        __global const float *const plane = dy + (block * OC + o0 + o) * HO * WO * LANES;
        vec rows[M][COLS];
        vec sum = (vec)(0.0f);
        if (top + M <= HO && left + M <= WO) {
#pragma unroll
            for (int r = 0; r < M; r++) {
                vec line[M];
#pragma unroll
                for (int k = 0; k < M; k++) {
                    line[k] = VLOAD((top + r) * WO + left + k, plane);
                    PREFETCH(plane + (HO * WO + (top + r) * WO + left + k) * LANES);
                }
                sum += row_to_points(rows[r], line, first, columns);
            }
        } else {
#pragma unroll 1 /* as in winograd.h */
            for (int r = 0; r < M; r++) {
                vec line[M];
                load_cut_row(line, plane, top + r, left, HO, WO, M);
                sum += row_to_points(rows[r], line, first, columns);
            }
        }
#pragma unroll
        for (int k = 0; k < columns; k++) {
            vec column[M];
            vec out[P];
#pragma unroll
            for (int r = 0; r < M; r++) {
                column[r] = rows[r][k];
            }
            kernel_to_points(out, column, M);
#pragma unroll
            for (int r = 0; r < P; r++) {
                g[(k * P + r) * G_PLANE + slot * OG + o] = out[r];
            }
        }
        if (BIAS && first == 0) {
            bias[o] += sum;
        }
    }
}

/* sums [COLS P][OG][CV] += over the images of `count` tiles: gradient * input at each point.  What
 * is added to long sums is a sum itself, so that few roundings are as large as those. */
INLINED void multiply(__local vec *restrict sums, __local const vec *restrict v,
                      __local const vec *restrict g, const int count, const int outputs,
                      const int columns)
{
    for (int i = 0; i < columns * P; i++) {
        for (int o = 0; o < outputs; o += OT) {
            for (int cv = 0; cv < CV; cv += VT) {
                __local const vec *const input = v + i * V_PLANE + cv;
                __local vec *const out = sums + (i * OG + o) * CV + cv;
                vec acc[OT][VT];
#pragma unroll
                for (int a = 0; a < OT; a++) {
#pragma unroll
                    for (int j = 0; j < VT; j++) {
                        acc[a][j] = (vec)(0.0f);
                    }
                }
                for (int t = 0; t < count; t++) {
                    __local const float *const gradient =
                        (__local const float *)(g + i * G_PLANE + t * OG + o);
#pragma unroll 4
                    for (int n = 0; n < LANES; n++) {
#pragma unroll
                        for (int a = 0; a < OT; a++) {
                            const vec d = (vec)(gradient[a * LANES + n]);
#pragma unroll
                            for (int j = 0; j < VT; j++) {
                                acc[a][j] = fma(d, input[(t * LANES + n) * CV + j], acc[a][j]);
                            }
                        }
                    }
                }
#pragma unroll
                for (int a = 0; a < OT; a++) {
#pragma unroll
                    for (int j = 0; j < VT; j++) {
                        out[a * CV + j] += acc[a][j];
                    }
                }
            }
        }
    }
}

/* WITH_COLUMNS(group, CALL) is CALL(first, columns) with the group's columns of points as
 * constants: that part of the code is there once for each group.  OpenCL C 1.2 has no variadic
 * macros. */
#define GROUP_CASE(i, CALL)                                                                        \
    case i:                                                                                        \
        if ((i)*COLS < P) {                                                                        \
            CALL((i)*COLS, (i)*COLS + COLS < P ? COLS : P - (i)*COLS);                             \
        }                                                                                          \
        break;
#define WITH_COLUMNS(group, CALL)                                                                  \
    switch (group) {                                                                               \
        GROUP_CASE(0, CALL)                                                                        \
        GROUP_CASE(1, CALL)                                                                        \
        GROUP_CASE(2, CALL)                                                                        \
        GROUP_CASE(3, CALL)                                                                        \
        GROUP_CASE(4, CALL)                                                                        \
        GROUP_CASE(5, CALL)                                                                        \
        GROUP_CASE(6, CALL)                                                                        \
        GROUP_CASE(7, CALL)                                                                        \
    }
#define LOAD_INPUT(first, number)    load_input(all, x, block, at, c0 + cv * LANES, first, number)
#define LOAD_GRADIENT(first, number) load_gradient(g, bias, dy, block, at, t, o0, first, number)

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_winograd_filter(
    __global float *restrict part, __global const float *restrict dy,
    __global const float *restrict x, const int blocks)
{
    __local vec v[COLS * P * V_PLANE];
    __local vec g[COLS * P * G_PLANE];
    __local vec sums[COLS * P * OG * CV];
    __local vec bias[OG];
    const int group = (int)get_global_id(0);
    const int c0 = (int)get_global_id(1) % (C_VECTORS / CV) * CC;
    const int o0 = (int)get_global_id(1) / (C_VECTORS / CV) * OG;
    const int split = (int)get_global_id(2);
    const int all = blocks * TILES_X * TILES_Y;
    const int tile0 = (int)((long)all * split / SPLIT);
    const int tile_end = (int)((long)all * (split + 1) / SPLIT);
    const int outputs = min(OG, OC - o0);
    const int columns = min(COLS, P - group * COLS);
    for (int i = 0; i < COLS * P * OG * CV; i++) {
        sums[i] = (vec)(0.0f);
    }
    for (int i = 0; i < COLS * P * G_PLANE; i++) {
        g[i] = (vec)(0.0f); /* channels beyond the last stay zero */
    }
    for (int o = 0; o < OG; o++) {
        bias[o] = (vec)(0.0f);
    }
    for (int tile = tile0; tile < tile_end; tile += NT) {
        const int count = min(NT, tile_end - tile);
        for (int t = 0; t < count; t++) {
            const int block = (tile + t) / (TILES_X * TILES_Y);
            const int at = (tile + t) % (TILES_X * TILES_Y);
            for (int cv = 0; cv < CV; cv++) {
                vec all[LANES][COLS][P];
                WITH_COLUMNS(group, LOAD_INPUT);
                turn_input(v + t * LANES * CV + cv, all, columns);
            }
            WITH_COLUMNS(group, LOAD_GRADIENT);
        }
        multiply(sums, v, g, count, outputs, columns);
    }
    for (int k = 0; k < columns; k++) {
        for (int o = 0; o < outputs; o++) {
            for (int j = 0; j < CV; j++) {
                vec column[P];
                vec out[R];
#pragma unroll
                for (int r = 0; r < P; r++) {
                    column[r] = sums[((k * P + r) * OG + o) * CV + j];
                }
                from_points(out, column, R);
#pragma unroll
                for (int r = 0; r < R; r++) {
                    VSTORE(out[r],
                           split * PART_VECTORS +
                               (((group * COLS + k) * R + r) * OC + o0 + o) * C_VECTORS +
                               c0 / LANES + j,
                           part);
                }
            }
        }
    }
    for (int o = 0; o < (BIAS && group == 0 && c0 == 0 ? outputs : 0); o++) {
        part[SPLIT * PART_VECTORS * LANES + split * OC + o0 + o] = VSUM(bias[o]);
    }
}

#else

/* dweight and, where not NULL, dbias: the parts added in order, and columns of points to weights. A
 * work-item makes all weights of an output channel.  Sizes are arguments: one program for all
 * layers.
 */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_winograd_add(
    __global float *restrict dweight, __global float *restrict dbias,
    __global const float *restrict part, const int channels, const int outputs, const int c_vectors,
    const int split)
{
    const int o = (int)get_global_id(0);
    const int part_vectors = PART_VECTORS_OF(outputs, c_vectors);
    for (int j = 0; j < c_vectors && j * LANES < channels; j++) {
        float each[R * R][LANES];
#pragma unroll
        for (int r = 0; r < R; r++) {
            vec line[P];
            vec out[R];
#pragma unroll
            for (int k = 0; k < P; k++) {
                const int at = ((k * R + r) * outputs + o) * c_vectors + j;
                line[k] = VLOAD(at, part);
                for (int s = 1; s < split; s++) {
                    line[k] += VLOAD(s * part_vectors + at, part);
                }
            }
            from_points(out, line, R);
#pragma unroll
            for (int k = 0; k < R; k++) {
                VSTORE_ANY(out[k], 0, each[r * R + k]);
            }
        }
        for (int c = 0; c < min(LANES, channels - j * LANES); c++) {
            for (int i = 0; i < R * R; i++) {
                dweight[(o * channels + j * LANES + c) * R * R + i] = each[i][c];
            }
        }
    }
    if (dbias != 0) {
        __global const float *const sums = part + split * part_vectors * LANES;
        float sum = sums[o];
        for (int s = 1; s < split; s++) {
            sum += sums[s * outputs + o];
        }
        dbias[o] = sum;
    }
}
#endif
