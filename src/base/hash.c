/* hash.c - two independent 64-bit lanes over little-endian 8-byte words */
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

/* Odd constants of mixed bits (digits of pi, e and the square roots of 2 and 3). */
static const uint64_t lane_a_in = UINT64_C(0x243f6a8885a308d3);
static const uint64_t lane_a_out = UINT64_C(0xb7e151628aed2a6b);
static const uint64_t lane_b_in = UINT64_C(0x6a09e667f3bcc909);
static const uint64_t lane_b_out = UINT64_C(0xbb67ae8584caa73b);

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

/* Compilers make this one load; the result is the same on any byte order. */
static uint64_t load(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

/* Every step is a bijection of the lane for a fixed word and of the word for a fixed lane. */
static void add_word(struct mien_hash *hash, uint64_t word)
{
    hash->a = rotate(hash->a ^ (word * lane_a_in), 31) * lane_a_out;
    hash->b = (rotate(hash->b, 27) + rotate(word, 32) * lane_b_in) * lane_b_out;
}

/* Spreads every input bit over all output bits (the finisher of MurmurHash3, a bijection). */
static uint64_t spread(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return x;
}

void mien_hash_init(struct mien_hash *hash)
{
    *hash = (struct mien_hash){ .a = lane_b_out, .b = lane_a_out };
}

void mien_hash_add(struct mien_hash *hash, const void *data, size_t bytes)
{
    const unsigned char *next = data;
    size_t waiting = (size_t)(hash->bytes % 8);
    hash->bytes += bytes;
    while (waiting != 0 && bytes != 0) {
        hash->tail[waiting++] = *next++;
        bytes--;
        if (waiting == 8) {
            add_word(hash, load(hash->tail));
            waiting = 0;
        }
    }
    struct mien_hash lanes = *hash; /* a copy, so that the lanes stay in registers */
    for (; bytes >= 8; next += 8, bytes -= 8) {
        add_word(&lanes, load(next));
    }
    hash->a = lanes.a;
    hash->b = lanes.b;
    if (bytes != 0) {
        memcpy(hash->tail, next, bytes);
    }
}

void mien_hash_add_text(struct mien_hash *hash, const char *text)
{
    mien_hash_add(hash, text, strlen(text) + 1);
}

void mien_hash_words(uint64_t out[2], const struct mien_hash *hash)
{
    struct mien_hash last = *hash;
    const size_t waiting = (size_t)(last.bytes % 8);
    memset(last.tail + waiting, 0, 8 - waiting);
    add_word(&last, load(last.tail));
    add_word(&last, last.bytes); /* tells zeros at the end from zeros that pad */
    out[0] = spread(last.a + rotate(last.b, 17));
    out[1] = spread(last.b ^ out[0]);
}

void mien_hash_hex(char out[33], const struct mien_hash *hash)
{
    uint64_t words[2];
    mien_hash_words(words, hash);
    (void)snprintf(out, 33, "%016llx%016llx", (unsigned long long)words[0],
                   (unsigned long long)words[1]);
}
