/*
 * philox.h - random numbers as a pure function of a counter and a key: the bits of
 * src/base/random.c, a block of four numbers in each lane
 *
 * Method  Philox-4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011
 * Needs   vec.h before it
 */

/* The block of (seed, stream, epoch, index): counter { index low, index high, epoch, stream }. */
static inline void philox(uvec out[4], const uvec counter[4], const uint seed_low,
                          const uint seed_high)
{
    uvec c0 = counter[0];
    uvec c1 = counter[1];
    uvec c2 = counter[2];
    uvec c3 = counter[3];
    uint k0 = seed_low;
    uint k1 = seed_high;
    for (int round = 0; round < 10; round++) {
        const uvec high0 = mul_hi(c0, (uvec)(0xd2511f53u));
        const uvec high1 = mul_hi(c2, (uvec)(0xcd9e8d57u));
        const uvec low0 = c0 * 0xd2511f53u;
        const uvec low1 = c2 * 0xcd9e8d57u;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}
