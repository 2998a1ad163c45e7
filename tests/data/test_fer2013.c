/* test_fer2013.c - the real data, where $MIEN_FER2013 says it is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "support/scratch.h"

static void test_fer2013__has_the_known_counts(void **state)
{
    (void)state;
    static const char *const classes[7] = { "angry",   "disgust", "fear",    "happy",
                                            "neutral", "sad",     "surprise" };
    static const size_t want[2][7] = { { 3995, 436, 4097, 7215, 4965, 4830, 3171 },
                                       { 467, 56, 496, 895, 607, 653, 415 } };
    const char *const path = getenv("MIEN_FER2013");
    if (path == NULL) {
        skip();
    }
    struct mien_error err = { "" };
    struct mien_dataset *set = NULL;
    const struct mien_data_options options = { .channels = 1, .height = 48, .width = 48 };
    must(mien_dataset_load(&set, path, &options, &err), &err);
    size_t got[2][7] = { { 0 } };
    double sum = 0.0;
    assert_int_equal(set->class_count, 7);
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < set->splits[s].count; i++) {
            got[s][set->labels[set->splits[s].first + i]]++;
        }
    }
    for (size_t i = 0; i < set->splits[MIEN_SPLIT_TRAIN].count * 48 * 48; i++) {
        sum += set->images[i];
    }
    for (int c = 0; c < 7; c++) {
        assert_string_equal(set->classes[c], classes[c]);
        assert_int_equal(got[MIEN_SPLIT_TRAIN][c], want[0][c]);
        assert_int_equal(got[MIEN_SPLIT_VALIDATION][c], want[1][c]);
    }
    assert_int_equal(set->resized + set->converted + set->skipped, 0);
    const double mean = sum / (28709.0 * 48 * 48 * 255);
    assert_true(mean > 0.50765 && mean < 0.50775);
    mien_dataset_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fer2013__has_the_known_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
