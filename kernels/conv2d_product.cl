/*
 * conv2d_product.cl - convolutions of 1x1 as matrix products, for CPU devices: all three passes
 *
 * Pairs with   src/ops/conv2d_product.c (host), src/ref/conv2d.c (plain C)
 * Layout       activations [blocks][c][PIXELS][LANES], weights [oc][c]; LANES > 1; stride 1, no
 *              padding
 * Method       forward and backward data: each block of images is a product of the weights (or of
 *              their transpose) and [channels][PIXELS LANES].  Backward filter: pairs of channels
 *              are multiplied pixel by pixel, and the lanes are summed up at the end
 * Mapping      CONVOLVE: a work-item copies all channels at NT neighbouring pixels of a block to
 *              local memory (a core's cache), where they lie together, and makes all outputs of
 *              them, OT x NX in registers.  SUM: a work-item makes OG x CG pairs of channels over
 *              one of SPLIT parts of all pixels, NT pixels at a time, OT x CT in registers.
 *              Work-groups are single work-items (see conv2d_vector.cl)
 * Border       pixels beyond the last are the last one again, and not stored; for sums they are
 *              zero, as are channels beyond the last
 * Determinism  every sum has one fixed order; conv2d_add_parts adds the parts in order
 *
 * Build options: LANES PIXELS NT OT; CONVOLVE with NX IC OC TURNED BIAS RELU MASK; SUM with CT C OC
 * CG OG BIAS SPLIT.
 */
#include "vec.h"

#ifdef CONVOLVE

/* Weight from input i to output o.  TURNED: backward data, where dy is the input. */
#define WEIGHT(o, i) weight[TURNED ? (i)*OC + (o) : (o)*IC + (i)]

/* Calls of make_outputs() for NT pixels, and lines of what comes next to ask for in each channel.
 */
#define CALLS (((OC + OT - 1) / OT) * ((NT + NX - 1) / NX))
#define AHEAD ((NT + CALLS - 1) / CALLS)

/*
 * OT output channels from o0 on at `count` of NX pixels, from all input channels at v [IC][NT] by
 * the weights u [IC][OT].
 * Memory works on the pixels at `next` while the core multiplies.
 */
INLINED void make_outputs(__global float *restrict y, __local const vec *restrict v,
                          __local const float *restrict u, __global const float *restrict bias,
                          __global const float *restrict mask, const int o0, const int count,
                          __global const float *next)
{
    vec acc[OT][NX];
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int t = 0; t < NX; t++) {
            acc[a][t] = (vec)(BIAS ? bias[min(o0 + a, OC - 1)] : 0.0f);
        }
    }
    for (int i = 0; i < IC; i++, next += PIXELS * LANES) {
        vec value[NX];
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            PREFETCH(next + k * LANES);
        }
#pragma unroll
        for (int t = 0; t < NX; t++) {
            value[t] = v[i * NT + t];
        }
#pragma unroll
        for (int a = 0; a < OT; a++) {
            const vec w = (vec)(u[i * OT + a]);
#pragma unroll
            for (int t = 0; t < NX; t++) {
                acc[a][t] = fma(value[t], w, acc[a][t]);
            }
        }
    }
#pragma unroll
    for (int a = 0; a < OT; a++) {
#pragma unroll
        for (int t = 0; t < NX; t++) {
            if (o0 + a < OC && t < count) {
                const vec out = acc[a][t];
                VSTREAM(RELU   ? relu(out)
                        : MASK ? relu_mask(out, VLOAD(a * PIXELS + t, mask))
                               : out,
                        a * PIXELS + t, y);
            }
        }
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_product_convolve(
    __global float *restrict y, __global const float *restrict x,
    __global const float *restrict weight, __global const float *restrict bias,
    __global const float *restrict mask)
{
    __local vec v[IC * NT];
    __local float u[IC * OT];
    const int first = (int)get_global_id(0) * NT;
    const int block = (int)get_global_id(1);
    for (int i = 0; i < IC; i++) {
        for (int t = 0; t < NT; t++) {
            v[i * NT + t] = VLOAD((block * IC + i) * PIXELS + min(first + t, PIXELS - 1), x);
        }
    }
    __global const float *ahead = x + (block * IC * PIXELS + first + NT) * LANES;
    for (int o = 0; o < OC; o += OT) {
        for (int i = 0; i < IC; i++) {
#pragma unroll
            for (int a = 0; a < OT; a++) {
                u[i * OT + a] = WEIGHT(min(o + a, OC - 1), i);
            }
        }
        for (int t = 0; t < min(NT, PIXELS - first); t += NX) {
            const int at = ((block * OC + o) * PIXELS + first + t) * LANES;
            make_outputs(y + at, v + t, u, bias, mask + at, o, PIXELS - first - t, ahead);
            ahead += AHEAD * LANES;
        }
    }
}
#endif

#ifdef SUM

#define CHUNKS ((PIXELS + NT - 1) / NT) /* of a plane */

/* tile [size][NT]: `channels` of `count` pixels of planes from `plane` on; the rest is zero. */
INLINED void load_tile(__local vec *restrict tile, __global const float *restrict plane,
                       const int size, const int channels, const int count)
{
    for (int c = 0; c < size; c++) {
        for (int t = 0; t < NT; t++) {
            tile[c * NT + t] = (vec)(0.0f);
            if (c < channels && t < count) {
                tile[c * NT + t] = VLOAD(c * PIXELS + t, plane);
            }
        }
    }
}

/* Planes of both tiles, to ask for with each register tile. */
#define AHEAD (((OG + CG) * OT * CT + OG * CG - 1) / (OG * CG))

/* sums [OG][CG] += over the pixels of both tiles.  Memory works on the next tiles, those at dy and
 * x, while the core multiplies. */
INLINED void multiply(__local vec *restrict sums, __local const vec *restrict g,
                      __local const vec *restrict v, __global const float *restrict dy,
                      __global const float *restrict x)
{
    int plane = 0;
    for (int c = 0; c < CG; c += CT) { /* CT inputs stay in the first cache */
        for (int o = 0; o < OG; o += OT) {
            vec acc[OT][CT];
#pragma unroll
            for (int a = 0; a < OT; a++) {
#pragma unroll
                for (int j = 0; j < CT; j++) {
                    acc[a][j] = sums[(o + a) * CG + c + j];
                }
            }
            __global const float *next[AHEAD];
#pragma unroll
            for (int k = 0; k < AHEAD; k++, plane++) {
                next[k] = plane < CG ? x + plane * PIXELS * LANES
                                     : dy + min(plane - CG, OG - 1) * PIXELS * LANES;
            }
            for (int t = 0; t < NT; t++) {
                vec value[CT];
#pragma unroll
                for (int k = 0; k < AHEAD; k++) {
                    PREFETCH(next[k] + t * LANES);
                }
#pragma unroll
                for (int j = 0; j < CT; j++) {
                    value[j] = v[(c + j) * NT + t];
                }
#pragma unroll
                for (int a = 0; a < OT; a++) {
                    const vec d = g[(o + a) * NT + t];
#pragma unroll
                    for (int j = 0; j < CT; j++) {
                        acc[a][j] = fma(d, value[j], acc[a][j]);
                    }
                }
            }
#pragma unroll
            for (int a = 0; a < OT; a++) {
#pragma unroll
                for (int j = 0; j < CT; j++) {
                    sums[(o + a) * CG + c + j] = acc[a][j];
                }
            }
        }
    }
}

/* part is [SPLIT][OC C + OC]: the sums of one part, weights then biases. */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void conv2d_product_filter(
    __global float *restrict part, __global const float *restrict dy,
    __global const float *restrict x, const int blocks)
{
    __local vec g[OG * NT];
    __local vec v[CG * NT];
    __local vec sums[OG * CG];
    __local vec bias[OG];
    const int c0 = (int)get_global_id(0) * CG;
    const int o0 = (int)get_global_id(1) * OG;
    const int split = (int)get_global_id(2);
    const int end = (int)((long)blocks * CHUNKS * (split + 1) / SPLIT);
    for (int i = 0; i < OG * CG; i++) {
        sums[i] = (vec)(0.0f);
    }
    for (int o = 0; o < OG; o++) {
        bias[o] = (vec)(0.0f);
    }
    for (int i = (int)((long)blocks * CHUNKS * split / SPLIT); i < end; i++) {
        const int first = i % CHUNKS * NT;
        const int next = (i + 1) % CHUNKS * NT;
        load_tile(g, dy + (i / CHUNKS * OC + o0) * PIXELS * LANES + first * LANES, OG, OC - o0,
                  PIXELS - first);
        load_tile(v, x + (i / CHUNKS * C + c0) * PIXELS * LANES + first * LANES, CG, C - c0,
                  PIXELS - first);
        multiply(sums, g, v, dy + (((i + 1) / CHUNKS * OC + o0) * PIXELS + next) * LANES,
                 x + (((i + 1) / CHUNKS * C + c0) * PIXELS + next) * LANES);
        for (int k = 0; k < (BIAS && c0 == 0 ? OG * NT : 0); k++) {
            bias[k / NT] += g[k];
        }
    }
    __global float *const out = part + split * (OC * C + OC);
    for (int o = 0; o < min(OG, OC - o0); o++) {
        for (int c = 0; c < min(CG, C - c0); c++) {
            out[(o0 + o) * C + c0 + c] = VSUM(sums[o * CG + c]);
        }
        if (BIAS && c0 == 0) {
            out[OC * C + o0 + o] = VSUM(bias[o]);
        }
    }
}
#endif
