/* random.c - Philox-4x32-10 and what is drawn from it */
#include "base/random.h"

void mien_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c0 = counter[0];
    uint32_t c1 = counter[1];
    uint32_t c2 = counter[2];
    uint32_t c3 = counter[3];
    uint32_t k0 = key[0];
    uint32_t k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)c0 * UINT32_C(0xd2511f53);
        const uint64_t p1 = (uint64_t)c2 * UINT32_C(0xcd9e8d57);
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += UINT32_C(0x9e3779b9);
        k1 += UINT32_C(0xbb67ae85);
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void mien_random_block(uint32_t out[4], uint64_t seed, enum mien_stream stream, uint32_t epoch,
                       uint64_t index)
{
    const uint32_t counter[4] = { (uint32_t)index, (uint32_t)(index >> 32), epoch,
                                  (uint32_t)stream };
    const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    mien_philox(out, counter, key);
}

float mien_random_unit(uint32_t bits)
{
    return (float)(bits >> 8) * 0x1p-24f;
}

/* The numbers of one place after another, four to a block. */
struct source {
    uint64_t seed;
    uint64_t drawn;
    uint32_t epoch;
    enum mien_stream stream;
    uint32_t block[4];
};

static uint32_t draw(struct source *from)
{
    if (from->drawn % 4 == 0) {
        mien_random_block(from->block, from->seed, from->stream, from->epoch, from->drawn / 4);
    }
    return from->block[from->drawn++ % 4];
}

/*
 * Uniform in [0, bound): the high half of a product, whose low half tells the few draws that would
 * favour some values (Lemire, "Fast random integer generation in an interval", 2019).
 */
static uint32_t draw_below(struct source *from, uint32_t bound)
{
    const uint32_t unfair = (uint32_t)(-bound) % bound; /* 2^32 mod bound */
    uint64_t product = (uint64_t)draw(from) * bound;
    while ((uint32_t)product < unfair) {
        product = (uint64_t)draw(from) * bound;
    }
    return (uint32_t)(product >> 32);
}

void mien_random_permutation(uint32_t *out, uint32_t count, uint64_t seed, enum mien_stream stream,
                             uint32_t epoch)
{
    struct source from = { .seed = seed, .epoch = epoch, .stream = stream };
    for (uint32_t i = 0; i < count; i++) {
        out[i] = i;
    }
    for (uint32_t left = count; left > 1; left--) {
        const uint32_t other = draw_below(&from, left);
        const uint32_t kept = out[left - 1];
        out[left - 1] = out[other];
        out[other] = kept;
    }
}
