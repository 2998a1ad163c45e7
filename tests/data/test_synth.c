/* test_synth.c - the synthetic data set */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "support/notes.h"
#include "support/scratch.h"

static const struct mien_data_options as_drawn = { .channels = 1 };

/* The fingerprint of what `seed` draws below `folder`. */
static uint64_t draw(const char *folder, const char *name, uint64_t seed, size_t count)
{
    struct mien_error err = { "" };
    struct mien_dataset *set = NULL;
    char *const path = scratch_path(folder, name);
    must(mien_synth_write(path, &(struct mien_synth_options){ .count = count, .seed = seed }, &err),
         &err);
    must(mien_dataset_load(&set, path, &as_drawn, &err), &err);
    const uint64_t fingerprint = set->fingerprint;
    mien_dataset_destroy(set);
    free(path);
    return fingerprint;
}

static void test_synth__draws_balanced_gray_48x48_faces(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "new/faces");
    struct mien_error err = { "" };
    struct notes notes;
    struct mien_log log = notes_log(&notes);
    struct mien_dataset *set = NULL;
    const struct mien_synth_options options = { .count = 70, .seed = 5, .log = &log };
    must(mien_synth_write(path, &options, &err), &err);
    assert_string_equal(notes.what, "drawing");
    assert_int_equal(notes.total, 84);
    must(mien_dataset_load(&set, path, &as_drawn, &err), &err);
    assert_int_equal(set->height, 48);
    assert_int_equal(set->width, 48);
    assert_int_equal(set->converted, 0);
    assert_int_equal(set->splits[MIEN_SPLIT_TRAIN].count, 70);
    assert_int_equal(set->splits[MIEN_SPLIT_VALIDATION].count, 14);
    assert_int_equal(set->class_count, 7);
    size_t counts[7] = { 0 };
    for (size_t i = 0; i < set->count; i++) {
        counts[set->labels[i]]++;
        const uint8_t *const image = set->images + i * 48 * 48;
        int low = 255;
        int high = 0;
        for (int p = 0; p < 48 * 48; p++) {
            low = image[p] < low ? image[p] : low;
            high = image[p] > high ? image[p] : high;
        }
        assert_true(high - low > 20); /* something is drawn */
        assert_true(i == 0 || memcmp(image, image - 48 * 48, 48 * 48) != 0);
    }
    for (int c = 0; c < 7; c++) {
        assert_int_equal(counts[c], 12);
    }
    mien_dataset_destroy(set);
    free(path);
    scratch_remove(folder);
}

static void test_synth__is_a_function_of_the_seed(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    const uint64_t first = draw(folder, "a", 1, 21);
    assert_true(draw(folder, "b", 1, 21) == first);
    assert_true(draw(folder, "c", 2, 21) != first);
    scratch_remove(folder);
}

static void test_synth__overwrites_nothing(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "mine.txt");
    struct mien_error err = { "" };
    const struct mien_synth_options options = { .count = 7 };
    scratch_write(path, "x", 1);
    must_fail(mien_synth_write(folder, &options, &err), MIEN_ERR_USAGE, &err,
              "the folder is not empty (mine.txt)");
    assert_int_equal(scratch_count(folder), 1);
    must_fail(mien_synth_write(path, &options, &err), MIEN_ERR_IO, &err, "mine.txt");
    free(path);
    scratch_remove(folder);
}

static void test_synth__counts_out_of_range_are_refused(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    struct mien_error err = { "" };
    static const size_t counts[] = { 0, 6, 10000001 };
    for (size_t i = 0; i < 3; i++) {
        must_fail(
            mien_synth_write(folder, &(struct mien_synth_options){ .count = counts[i] }, &err),
            MIEN_ERR_USAGE, &err, "faces; expected 7 to 10000000");
    }
    assert_int_equal(scratch_count(folder), 0);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_synth__draws_balanced_gray_48x48_faces),
        cmocka_unit_test(test_synth__is_a_function_of_the_seed),
        cmocka_unit_test(test_synth__overwrites_nothing),
        cmocka_unit_test(test_synth__counts_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
