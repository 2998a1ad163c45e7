/* test_hash.c - the 128-bit hash */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static void hash_bytes(char out[33], const void *data, size_t bytes)
{
    struct mien_hash hash;
    mien_hash_init(&hash);
    mien_hash_add(&hash, data, bytes);
    mien_hash_hex(out, &hash);
}

static void fill(unsigned char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        data[i] = (unsigned char)(i * 37 + i / 5);
    }
}

static void test_hash__does_not_depend_on_the_split(void **state)
{
    (void)state;
    unsigned char data[61];
    char want[33];
    char got[33];
    fill(data, sizeof(data));
    hash_bytes(want, data, sizeof(data));
    for (size_t first = 0; first <= sizeof(data); first++) {
        for (size_t second = first; second <= sizeof(data); second++) {
            struct mien_hash hash;
            mien_hash_init(&hash);
            mien_hash_add(&hash, data, first);
            mien_hash_hex(got, &hash); /* reading changes nothing */
            mien_hash_add(&hash, data + first, second - first);
            mien_hash_add(&hash, data + second, sizeof(data) - second);
            mien_hash_hex(got, &hash);
            assert_string_equal(got, want);
        }
    }
}

/* Fingerprints and cache keys live in files: a change of these values breaks what is on disks. */
static void test_hash__values_never_change(void **state)
{
    (void)state;
    unsigned char data[1000];
    char got[33];
    fill(data, sizeof(data));
    hash_bytes(got, NULL, 0);
    assert_string_equal(got, "b67365c26345701ede8c51b1b56e22ea");
    hash_bytes(got, "a", 1);
    assert_string_equal(got, "94102744325774ca8f1e20bef938d367");
    hash_bytes(got, data, sizeof(data));
    assert_string_equal(got, "a4d4d673b83c4d2df20d660c895024b1");
}

static void test_hash__texts_do_not_run_together(void **state)
{
    (void)state;
    const char *const parts[][2] = { { "ab", "c" }, { "a", "bc" }, { "abc", "" }, { "", "abc" } };
    char got[4][33];
    for (int i = 0; i < 4; i++) {
        struct mien_hash hash;
        mien_hash_init(&hash);
        mien_hash_add_text(&hash, parts[i][0]);
        mien_hash_add_text(&hash, parts[i][1]);
        mien_hash_hex(got[i], &hash);
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(got[i], got[k]);
        }
    }
}

static void test_hash__zeros_at_the_end_count(void **state)
{
    (void)state;
    static const unsigned char zeros[40];
    char got[40][33];
    for (size_t bytes = 0; bytes < 40; bytes++) {
        hash_bytes(got[bytes], zeros, bytes);
        for (size_t k = 0; k < bytes; k++) {
            assert_string_not_equal(got[bytes], got[k]);
        }
    }
}

static int count_different_bits(const char *a, const char *b)
{
    static const int ones[16] = { 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4 };
    static const char digits[] = "0123456789abcdef";
    int bits = 0;
    for (int i = 0; i < 32; i++) {
        bits += ones[(strchr(digits, a[i]) - digits) ^ (strchr(digits, b[i]) - digits)];
    }
    return bits;
}

/* 128 fair coins give fewer than 32 or more than 96 heads once in 10^8. */
static void test_hash__every_input_bit_changes_half_of_the_output(void **state)
{
    (void)state;
    unsigned char data[67];
    char before[33];
    char after[33];
    int total = 0;
    fill(data, sizeof(data));
    hash_bytes(before, data, sizeof(data));
    for (size_t bit = 0; bit < 8 * sizeof(data); bit++) {
        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        hash_bytes(after, data, sizeof(data));
        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        const int changed = count_different_bits(before, after);
        assert_in_range(changed, 32, 96);
        total += changed;
    }
    assert_in_range(total / (8 * (int)sizeof(data)), 60, 68);
}

static int compare_halves(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

/* Small, regular inputs in which a weak mix collides; 64 bits of either half must tell them apart.
 */
static void test_hash__regular_inputs_do_not_collide(void **state)
{
    (void)state;
    enum { COUNT = 1 << 16 };
    char(*const halves)[16] = malloc(2 * (size_t)COUNT * sizeof(*halves));
    assert_non_null(halves);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t words[4] = { 0 };
        words[0] = (uint64_t)(i & 15) << 60;
        words[1] = (uint64_t)(i >> 4 & 15) << 30;
        words[2] = i >> 8 & 15;
        words[3] = (uint64_t)(i >> 12) << 59;
        char hex[33];
        hash_bytes(hex, words, sizeof(words));
        memcpy(halves[i], hex, 16);
        memcpy(halves[COUNT + i], hex + 16, 16);
    }
    for (int half = 0; half < 2; half++) {
        char(*const part)[16] = halves + half * COUNT;
        qsort(part, COUNT, sizeof(*part), compare_halves);
        for (int i = 1; i < COUNT; i++) {
            assert_memory_not_equal(part[i - 1], part[i], 16);
        }
    }
    free(halves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash__does_not_depend_on_the_split),
        cmocka_unit_test(test_hash__values_never_change),
        cmocka_unit_test(test_hash__texts_do_not_run_together),
        cmocka_unit_test(test_hash__zeros_at_the_end_count),
        cmocka_unit_test(test_hash__every_input_bit_changes_half_of_the_output),
        cmocka_unit_test(test_hash__regular_inputs_do_not_collide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
