/** hash.h - a 128-bit hash for cache keys and fingerprints; not for secrets (internal) */
#ifndef MIEN_BASE_HASH_H
#define MIEN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/** Running state; start with mien_hash_init(), add bytes in any split, read the result any time. */
struct mien_hash {
    uint64_t a, b;  /* two independent lanes over the whole words so far */
    uint64_t bytes; /* added so far; the last bytes % 8 of them wait in tail */
    unsigned char tail[8];
};

void mien_hash_init(struct mien_hash *hash);
void mien_hash_add(struct mien_hash *hash, const void *data, size_t bytes);
/** Text with its terminator, so that "ab","c" differs from "a","bc". */
void mien_hash_add_text(struct mien_hash *hash, const char *text);
/** The hash as two numbers. */
void mien_hash_words(uint64_t out[2], const struct mien_hash *hash);
/** 32 lower-case hexadecimal digits and a terminator. */
void mien_hash_hex(char out[33], const struct mien_hash *hash);

#endif
