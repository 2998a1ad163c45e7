/*
 * dropout.cl - zeroes a random share of the numbers and scales the others, forward and backward
 *
 * Pairs with   src/ops/dropout.c (host), src/ref/dropout.c (plain C)
 * Layout       [blocks][pixels][LANES], pixels = c * h * w
 * Mapping      one work-item per `chunk` quads: four neighbouring pixels of a block, whose images
 *              draw one block of random numbers each
 * Numerics     pixel p of image i is kept where word p % 4 of the block with index
 *              { i * ceil(pixels / 4) + p / 4, layer } is not below the threshold: which image a
 *              lane holds counts, not where it lies, so the mask is the same for any LANES
 * NaN          goes through, dropped or not, as 0 * NaN does
 * Determinism  elementwise
 */
#include "vec.h"

#include "philox.h"

/* No restrict: y may be x. */
__kernel void dropout(__global float *y, __global const float *x, const int blocks,
                      const int pixels, const uint seed_low, const uint seed_high,
                      const uint stream, const uint step, const uint layer, const uint threshold,
                      const float scale, const int chunk)
{
    const int quads = (pixels + 3) / 4;
    const int first = (int)get_global_id(0) * chunk;
    for (int i = first; i < min(first + chunk, blocks * quads); i++) {
        const int block = i / quads;
        const int quad = i % quads;
        const uvec image = VUINT((ivec)(block * LANES) + VLANE);
        const uvec counter[4] = { image * (uint)quads + (uint)quad, (uvec)(layer), (uvec)(step),
                                  (uvec)(stream) };
        uvec bits[4];
        philox(bits, counter, seed_low, seed_high);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            if (4 * quad + k < pixels) {
                const int at = block * pixels + 4 * quad + k;
                const ivec kept = (bits[k] >> 8) >= (uvec)(threshold);
                VSTORE(VLOAD(at, x) * select((vec)(0.0f), (vec)(scale), kept), at, y);
            }
        }
    }
}
