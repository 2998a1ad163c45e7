/* test_split.c - setting a part of the training images aside; options */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "support/notes.h"
#include "support/scratch.h"

enum { ANGRY = 40, HAPPY = 17, SAD = 1, TEST = 3, ALL = ANGRY + HAPPY + SAD + TEST };

struct fixture {
    char *folder, *path;
    struct notes notes;
    struct mien_log log;
    struct mien_data_options options;
    struct mien_dataset *set;
    struct mien_error err;
};

/* A CSV file of 1 x 1 images whose pixel is the row's number. */
static int setup(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->path = scratch_path(f->folder, "set.csv");
    char text[8192] = "emotion,pixels,Usage\n";
    for (int i = 0; i < ALL; i++) {
        const int emotion = i < ANGRY ? 0 : i < ANGRY + HAPPY ? 3 : 4;
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "%d,%d,%s\n", emotion, i,
                       i < ALL - TEST ? "Training" : "PrivateTest");
    }
    scratch_write(f->path, text, strlen(text));
    f->log = notes_log(&f->notes);
    f->options = (struct mien_data_options){ .channels = 1, .log = &f->log, .split = 0.1 };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *const f = *state;
    mien_dataset_destroy(f->set);
    scratch_remove(f->folder);
    free(f->path);
    free(f);
    return 0;
}

static void load(struct fixture *f)
{
    mien_dataset_destroy(f->set);
    must(mien_dataset_load(&f->set, f->path, &f->options, &f->err), &f->err);
}

static void test_split__takes_its_part_of_every_class_and_loses_nothing(void **state)
{
    struct fixture *const f = *state;
    load(f);
    const struct mien_dataset *const set = f->set;
    assert_int_equal(set->splits[MIEN_SPLIT_VALIDATION].count, 4 + 2); /* of 40, of 17, of 1 */
    assert_int_equal(set->splits[MIEN_SPLIT_TRAIN].count, ALL - TEST - 6);
    assert_int_equal(set->splits[MIEN_SPLIT_TEST].first, ALL - TEST);
    bool seen[ALL] = { false };
    size_t angry = 0;
    for (size_t i = 0; i < ALL; i++) {
        const int row = set->images[i];
        assert_true(row < ALL && !seen[row]);
        seen[row] = true;
        const char *const name = set->classes[set->labels[i]];
        assert_string_equal(name, row < ANGRY ? "angry" : row < ANGRY + HAPPY ? "happy" : "sad");
        const size_t first = set->splits[MIEN_SPLIT_VALIDATION].first;
        angry += i >= first && i < first + 6 && row < ANGRY ? 1 : 0;
        const bool starts = i == 0 || i == first || i == ALL - TEST;
        assert_true(starts || set->images[i - 1] < row); /* each split keeps the order */
    }
    assert_int_equal(angry, 4);
}

static void test_split__is_a_function_of_the_seed(void **state)
{
    struct fixture *const f = *state;
    load(f);
    const uint64_t first = f->set->fingerprint;
    load(f);
    assert_true(f->set->fingerprint == first);
    f->options.seed = 1;
    load(f);
    assert_true(f->set->fingerprint != first);
}

static void test_split__leaves_an_existing_validation_split_alone(void **state)
{
    struct fixture *const f = *state;
    static const char text[] = "emotion,pixels,Usage\n0,1,Training\n0,2,PublicTest\n";
    scratch_write(f->path, text, strlen(text));
    load(f);
    assert_int_equal(f->set->splits[MIEN_SPLIT_TRAIN].count, 1);
    assert_int_equal(f->set->splits[MIEN_SPLIT_VALIDATION].count, 1);
    assert_non_null(strstr(f->notes.text, "the data has 1 validation images of its own"));
}

static void test_split__works_on_a_packed_set(void **state)
{
    struct fixture *const f = *state;
    char *const packed = scratch_path(f->folder, "set.safetensors");
    static const char text[] = "emotion,pixels\n0,1\n0,2\n0,3\n";
    scratch_write(f->path, text, strlen(text));
    f->options.split = 0.0;
    load(f);
    must(mien_dataset_pack(f->set, packed, &f->err), &f->err);
    f->options.split = 0.34;
    mien_dataset_destroy(f->set);
    must(mien_dataset_load(&f->set, packed, &f->options, &f->err), &f->err);
    assert_int_equal(f->set->splits[MIEN_SPLIT_VALIDATION].count, 1);
    assert_int_equal(f->set->images[0] + f->set->images[1] + f->set->images[2], 6);
    free(packed);
}

/* What borrows a split has its images, and no others. */
static void test_split__is_a_set_of_its_own(void **state)
{
    struct fixture *const f = *state;
    load(f);
    assert_true(f->set->split == f->options.split);
    for (int s = 0; s < MIEN_SPLITS; s++) {
        const struct mien_dataset part = mien_dataset_split(f->set, (enum mien_split)s);
        const size_t first = f->set->splits[s].first;
        assert_int_equal(part.count, f->set->splits[s].count);
        for (int k = 0; k < MIEN_SPLITS; k++) {
            assert_int_equal(part.splits[k].count, k == s ? part.count : 0);
        }
        assert_int_equal(part.splits[s].first, 0);
        assert_null(part.targets);
        for (size_t i = 0; i < part.count; i++) {
            assert_int_equal(part.images[i], f->set->images[first + i]);
            assert_int_equal(part.labels[i], f->set->labels[first + i]);
            assert_ptr_equal(part.names[i], f->set->names[first + i]);
        }
    }
}

static void test_split__names(void **state)
{
    (void)state;
    assert_string_equal(mien_split_name(MIEN_SPLIT_TRAIN), "train");
    assert_string_equal(mien_split_name(MIEN_SPLIT_VALIDATION), "validation");
    assert_string_equal(mien_split_name(MIEN_SPLIT_TEST), "test");
}

static void test_dataset__options_out_of_range_are_refused(void **state)
{
    struct fixture *const f = *state;
    static const struct {
        struct mien_data_options options;
        const char *text;
    } wrong[] = {
        { { .channels = 2 }, "2 channels; expected 1 (gray) or 3 (RGB)" },
        { { .channels = 1, .height = 48 }, "images of 48 x 0; expected sides" },
        { { .channels = 1, .height = 1, .width = 16385 }, "images of 1 x 16385" },
        { { .channels = 1, .height = -1, .width = -1 }, "images of -1 x -1" },
        { { .channels = 1, .split = 1.0 }, "1 of the training images for validation" },
        { { .channels = 1, .split = -0.1 }, "-0.1 of the training images" },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        must_fail(mien_dataset_load(&f->set, f->path, &wrong[i].options, &f->err), MIEN_ERR_USAGE,
                  &f->err, wrong[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(test_split__is_a_set_of_its_own),
        CASE(test_split__takes_its_part_of_every_class_and_loses_nothing),
        CASE(test_split__is_a_function_of_the_seed),
        CASE(test_split__leaves_an_existing_validation_split_alone),
        CASE(test_split__works_on_a_packed_set),
        CASE(test_split__names),
        CASE(test_dataset__options_out_of_range_are_refused),
#undef CASE
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
