/**
 * random.h - random numbers as a pure function of (seed, stream, epoch, index) (internal)
 *
 * Philox-4x32-10: there is no state to save, so a resumed run draws what an uninterrupted one does.
 *
 * Source  Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011
 */
#ifndef MIEN_BASE_RANDOM_H
#define MIEN_BASE_RANDOM_H

#include <stdint.h>

/** Independent uses of one seed.  Values are part of the file format: only append. */
enum mien_stream {
    MIEN_STREAM_INIT = 1,
    MIEN_STREAM_SHUFFLE = 2,
    MIEN_STREAM_SPLIT = 3,
    MIEN_STREAM_SYNTH = 4,
    MIEN_STREAM_AUGMENT = 5,
    MIEN_STREAM_DROPOUT = 6,
    MIEN_STREAM_MIXUP = 7,
    MIEN_STREAM_EXPLAIN = 8,
};

/** One block of the Philox-4x32-10 bijection. */
void mien_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/** Four independent 32-bit numbers for this place. */
void mien_random_block(uint32_t out[4], uint64_t seed, enum mien_stream stream, uint32_t epoch,
                       uint64_t index);

/** Uniform in [0, 1), 24 bits, from one 32-bit number. */
float mien_random_unit(uint32_t bits);

/** A uniformly drawn order of 0 .. count-1 into `out` (Fisher-Yates), the same for equal arguments.
 */
void mien_random_permutation(uint32_t *out, uint32_t count, uint64_t seed, enum mien_stream stream,
                             uint32_t epoch);

#endif
