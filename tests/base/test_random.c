/* test_random.c - Philox and what is drawn from it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

/* Random123's kat_vectors, philox4x32 10. */
static void test_random__philox_gives_the_published_values(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } vectors[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
          { 0xffffffff, 0xffffffff },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint32_t got[4];
        mien_philox(got, vectors[i].counter, vectors[i].key);
        assert_memory_equal(got, vectors[i].want, sizeof(got));
    }
}

/* Kernels build the same counter on the device. */
static void test_random__a_place_is_counter_and_key(void **state)
{
    (void)state;
    uint32_t got[4];
    uint32_t want[4];
    mien_random_block(got, UINT64_C(0x1122334455667788), MIEN_STREAM_SYNTH, 9,
                      UINT64_C(0xaabbccdd00112233));
    mien_philox(want, (const uint32_t[4]){ 0x00112233, 0xaabbccdd, 9, MIEN_STREAM_SYNTH },
                (const uint32_t[2]){ 0x55667788, 0x11223344 });
    assert_memory_equal(got, want, sizeof(got));
}

static void test_random__unit_is_in_range(void **state)
{
    (void)state;
    assert_true(mien_random_unit(0) == 0.0f);
    assert_true(mien_random_unit(UINT32_MAX) < 1.0f);
    assert_true(mien_random_unit(UINT32_C(1) << 31) == 0.5f);
    double sum = 0;
    for (uint64_t i = 0; i < 10000; i++) {
        uint32_t block[4];
        mien_random_block(block, 1, MIEN_STREAM_AUGMENT, 0, i);
        sum += (double)mien_random_unit(block[i % 4]);
    }
    assert_true(sum > 4850 && sum < 5150); /* five standard deviations of 29 */
}

static void test_random__permutation_has_every_number_once(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 0, 1, 2, 3, 7, 150, 28709 };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        uint32_t *const order = malloc(((size_t)counts[i] + 1) * sizeof(*order));
        unsigned char *const seen = calloc((size_t)counts[i] + 1, 1);
        assert_non_null(order);
        assert_non_null(seen);
        order[counts[i]] = 0xdeadbeef;
        mien_random_permutation(order, counts[i], 3, MIEN_STREAM_SHUFFLE, 1);
        for (uint32_t k = 0; k < counts[i]; k++) {
            assert_true(order[k] < counts[i]);
            assert_int_equal(seen[order[k]]++, 0);
        }
        assert_int_equal(order[counts[i]], 0xdeadbeef);
        free(order);
        free(seen);
    }
}

static void test_random__permutation_depends_on_each_argument(void **state)
{
    (void)state;
    uint32_t order[6][50];
    mien_random_permutation(order[0], 50, 3, MIEN_STREAM_SHUFFLE, 1);
    mien_random_permutation(order[1], 50, 4, MIEN_STREAM_SHUFFLE, 1);
    mien_random_permutation(order[2], 50, 3, MIEN_STREAM_SPLIT, 1);
    mien_random_permutation(order[3], 50, 3, MIEN_STREAM_SHUFFLE, 2);
    mien_random_permutation(order[4], 50, 3 + (UINT64_C(1) << 32), MIEN_STREAM_SHUFFLE, 1);
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < i; k++) {
            assert_memory_not_equal(order[i], order[k], sizeof(order[i]));
        }
    }
    mien_random_permutation(order[5], 50, 3, MIEN_STREAM_SHUFFLE, 1);
    assert_memory_equal(order[0], order[5], sizeof(order[0]));
}

/* A resumed run must see the order that the interrupted one saw, in every later version too. */
static void test_random__permutation_never_changes(void **state)
{
    (void)state;
    static const uint32_t want[12] = { 6, 5, 3, 8, 0, 7, 9, 1, 10, 11, 4, 2 };
    uint32_t got[12];
    mien_random_permutation(got, 12, 1, MIEN_STREAM_SHUFFLE, 0);
    assert_memory_equal(got, want, sizeof(want));
}

/* Chi squared over the 24 orders of 4 numbers: 23 degrees of freedom, above 58 once in 15,000. */
static void test_random__permutations_are_equally_likely(void **state)
{
    (void)state;
    enum { DRAWS = 24000 };
    int seen[256] = { 0 };
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        uint32_t order[4];
        mien_random_permutation(order, 4, seed, MIEN_STREAM_SPLIT, 0);
        seen[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    double chi = 0;
    int kinds = 0;
    for (int i = 0; i < 256; i++) {
        if (seen[i] != 0) {
            kinds++;
            chi += (seen[i] - DRAWS / 24.0) * (seen[i] - DRAWS / 24.0) / (DRAWS / 24.0);
        }
    }
    assert_int_equal(kinds, 24);
    assert_true(chi < 58);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random__philox_gives_the_published_values),
        cmocka_unit_test(test_random__a_place_is_counter_and_key),
        cmocka_unit_test(test_random__unit_is_in_range),
        cmocka_unit_test(test_random__permutation_has_every_number_once),
        cmocka_unit_test(test_random__permutation_depends_on_each_argument),
        cmocka_unit_test(test_random__permutation_never_changes),
        cmocka_unit_test(test_random__permutations_are_equally_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
