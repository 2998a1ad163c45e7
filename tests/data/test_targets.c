/* test_targets.c - target distributions: read from CSV files, packed, left out, set aside */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/safetensors.h"
#include "data/targets.h"
#include "support/scratch.h"

enum { IMAGES = 6, CLASSES = 3 };

struct fixture {
    char *folder, *path, *csv;
    struct mien_data_options options;
    struct mien_dataset *set;
    struct mien_error err;
    char log[2048];
};

static void keep_line(void *user, const char *text)
{
    struct fixture *const f = user;
    (void)snprintf(f->log + strlen(f->log), sizeof(f->log) - strlen(f->log), "%s\n", text);
}

static const uint8_t images[IMAGES] = { 1, 2, 3, 4, 5, 6 };
static const int32_t labels[IMAGES] = { 0, 1, 2, 0, 1, 2 };
static const uint8_t splits[IMAGES] = { 0, 0, 0, 0, 1, 1 };
static const char names[] = "a.png\0b,c.png\0d.png\0e.png\0f.png\0g.png";

/* A packed set of images of one pixel; `targets` [rows][columns] may be NULL. */
static void write_set(struct fixture *f, const char *classes, const float *targets, size_t rows,
                      size_t columns)
{
    const struct mien_tensor tensors[] = {
        { "images", MIEN_U8, 4, { IMAGES, 1, 1, 1 }, images, sizeof(images) },
        { "labels", MIEN_I32, 1, { IMAGES }, labels, sizeof(labels) },
        { "splits", MIEN_U8, 1, { IMAGES }, splits, sizeof(splits) },
        { "names", MIEN_U8, 1, { sizeof(names) }, names, sizeof(names) },
        { "targets", MIEN_F32, 2, { rows, columns }, targets, rows * columns * sizeof(float) },
    };
    const struct mien_metadata metadata[] = { { "format", "mien-dataset 1" },
                                              { "classes", classes } };
    must(mien_safetensors_write(f->path, tensors, targets != NULL ? 5 : 4, metadata, 2, &f->err),
         &f->err);
}

static enum mien_status load(struct fixture *f)
{
    mien_dataset_destroy(f->set);
    return mien_dataset_load(&f->set, f->path, &f->options, &f->err);
}

static int setup(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->path = scratch_path(f->folder, "set.safetensors");
    f->csv = scratch_path(f->folder, "targets.csv");
    f->options = (struct mien_data_options){ .channels = 1 };
    write_set(f, "[\"angry\",\"happy\",\"other\"]", NULL, 0, 0);
    must(load(f), &f->err);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *const f = *state;
    mien_dataset_destroy(f->set);
    scratch_remove(f->folder);
    free(f->path);
    free(f->csv);
    free(f);
    return 0;
}

static enum mien_status read_text(struct fixture *f, const char *text)
{
    const struct mien_log log = { .line = keep_line, .user = f };
    f->log[0] = '\0';
    scratch_write(f->csv, text, strlen(text));
    return mien_targets_read(f->set, f->csv, &log, &f->err);
}

static void assert_row(const struct fixture *f, size_t image, float a, float b, float c)
{
    const float *const row = f->set->targets + image * CLASSES;
    const float want[CLASSES] = { a, b, c };
    for (size_t i = 0; i < CLASSES; i++) {
        assert_true(fabsf(row[i] - want[i]) < 1e-6f);
    }
}

static void test_targets__votes_become_shares_by_name(void **state)
{
    struct fixture *const f = *state;
    const uint64_t before = f->set->fingerprint;
    must(read_text(f, "label,other,image,Happiness,NF\n"
                      "x,1,d.png,3,9\n"
                      "x,0,\"b,c.png\",0.25,0\r\n"
                      "x,0,a.png,0,7\n"
                      "x,1,nowhere.png,0,7\n"),
         &f->err);
    assert_row(f, 2, 0.0f, 0.75f, 0.25f);
    assert_row(f, 1, 0.0f, 1.0f, 0.0f);
    assert_row(f, 0, 1.0f, 0.0f, 0.0f); /* nothing above 0: its label */
    assert_row(f, 3, 1.0f, 0.0f, 0.0f); /* not there: its label */
    assert_true(f->set->fingerprint != before);
    assert_non_null(strstr(f->log, "target distributions of 2 of 6 images"));
    assert_non_null(strstr(f->log, "1 of its images are not in the data"));
    assert_non_null(strstr(f->log, "the column 'label' is no class"));
    assert_non_null(strstr(f->log, "the column 'NF' is no class"));
    must(mien_targets_check(f->set, &f->err), &f->err);
    must(read_text(f, "image,angry\nd.png,1\n"), &f->err); /* takes the place of those before */
    assert_row(f, 2, 1.0f, 0.0f, 0.0f);
    assert_row(f, 1, 0.0f, 1.0f, 0.0f);
}

static void test_targets__refuses_files_that_are_none(void **state)
{
    struct fixture *const f = *state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        { "", "targets.csv:1: no column of a class of the data" },
        { "image,x\na.png,1\n", ":1: no column of a class of the data" },
        { "angry,happy\n1,2\n", ":1: no column \"image\"" },
        { "image,happy,joy\n", ":1: two columns of 'happy'" },
        { "image,happy,Image\n", ":1: two columns of 'Image'" },
        { "image,happy\na.png,1,2\n", ":2: 3 values; expected 2" },
        { "image,happy\n\na.png,-1\n", ":3: '-1' for the class happy; expected a number from 0" },
        { "image,happy\na.png,nan\n", ":2: 'nan' for the class happy" },
        { "image,happy\na.png,inf\n", ":2: 'inf' for the class happy" },
        { "image,happy\na.png,1e400\n", ":2: '1e400' for the class happy" },
        { "image,happy\na.png,\n", ":2: '' for the class happy" },
        { "image,happy\na.png,1x\n", ":2: '1x' for the class happy" },
        { "image,happy\na.png,1\na.png,1\n", ":3: a.png comes a second time" },
        { "image,happy\nx.png,1\ny.png,1\n", "none of its 2 images is in the data" },
        { "image,happy\n", "none of its 0 images is in the data" },
        { "image,happy\n\"a.png,1\n", ":2: a quote that is not closed" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        must_fail(read_text(f, bad[i].text), MIEN_ERR_FORMAT, &f->err, bad[i].why);
        assert_null(f->set->targets);
    }
    scratch_write(f->csv, "image,happy\0x", 13);
    must_fail(mien_targets_read(f->set, f->csv, NULL, &f->err), MIEN_ERR_FORMAT, &f->err,
              "zero byte");
    must_fail(mien_targets_read(f->set, f->folder, NULL, &f->err), MIEN_ERR_FORMAT, &f->err, "");
    must_fail(mien_targets_read(f->set, "/nowhere.csv", NULL, &f->err), MIEN_ERR_IO, &f->err,
              "/nowhere.csv");
}

static const float shares[IMAGES * CLASSES] = {
    0.1f, 0.2f, 0.7f, 0.2f, 0.3f, 0.5f, 0.3f, 0.3f, 0.4f,
    0.4f, 0.6f, 0.0f, 0.5f, 0.5f, 0.0f, 1.0f, 0.0f, 0.0f,
};

static void test_targets__are_packed_and_unpacked(void **state)
{
    struct fixture *const f = *state;
    write_set(f, "[\"angry\",\"happy\",\"other\"]", shares, IMAGES, CLASSES);
    must(load(f), &f->err);
    assert_memory_equal(f->set->targets, shares, sizeof(shares));
    const uint64_t fingerprint = f->set->fingerprint;
    struct mien_dataset *again = NULL;
    char *const second = scratch_path(f->folder, "again.safetensors");
    must(mien_dataset_pack(f->set, second, &f->err), &f->err);
    must(mien_dataset_load(&again, second, &f->options, &f->err), &f->err);
    assert_memory_equal(again->targets, shares, sizeof(shares));
    assert_true(again->fingerprint == fingerprint);
    mien_dataset_destroy(again);
    free(second);
}

static void test_targets__go_with_their_images(void **state)
{
    struct fixture *const f = *state;
    write_set(f, "[\"angry\",\"happy\",\"other\"]", shares, IMAGES, CLASSES);
    scratch_write(f->csv, "b,c.png\nf.png\n", 14);
    f->options.exclude = f->csv;
    must(load(f), &f->err);
    assert_int_equal(f->set->count, 4);
    static const size_t kept[] = { 0, 2, 3, 5 };
    for (size_t i = 0; i < 4; i++) {
        assert_memory_equal(f->set->targets + i * CLASSES, shares + kept[i] * CLASSES,
                            CLASSES * sizeof(float));
    }
}

/* Images are told by their pixel. */
static void test_targets__stay_with_images_that_are_set_aside(void **state)
{
    struct fixture *const f = *state;
    uint8_t *const all_training = calloc(IMAGES, 1);
    const struct mien_tensor tensors[] = {
        { "images", MIEN_U8, 4, { IMAGES, 1, 1, 1 }, images, sizeof(images) },
        { "labels", MIEN_I32, 1, { IMAGES }, labels, sizeof(labels) },
        { "splits", MIEN_U8, 1, { IMAGES }, all_training, IMAGES },
        { "targets", MIEN_F32, 2, { IMAGES, CLASSES }, shares, sizeof(shares) },
    };
    const struct mien_metadata metadata[] = { { "format", "mien-dataset 1" },
                                              { "classes", "[\"a\",\"b\",\"c\"]" } };
    must(mien_safetensors_write(f->path, tensors, 4, metadata, 2, &f->err), &f->err);
    f->options.split = 0.5;
    must(load(f), &f->err);
    assert_int_equal(f->set->splits[MIEN_SPLIT_VALIDATION].count, 3);
    scratch_write(f->csv, "image,a\n4,1\n",
                  12); /* a number is that of the file, wherever it went */
    must(mien_targets_read(f->set, f->csv, NULL, &f->err), &f->err);
    for (size_t i = 0; i < IMAGES; i++) {
        const bool said = f->set->images[i] == 5;
        assert_row(f, i, said || f->set->labels[i] == 0 ? 1.0f : 0.0f,
                   !said && f->set->labels[i] == 1 ? 1.0f : 0.0f,
                   !said && f->set->labels[i] == 2 ? 1.0f : 0.0f);
    }
    must(load(f), &f->err);
    for (size_t i = 0; i < IMAGES; i++) {
        const size_t was = (size_t)f->set->images[i] - 1;
        assert_memory_equal(f->set->targets + i * CLASSES, shares + was * CLASSES,
                            CLASSES * sizeof(float));
    }
    free(all_training);
}

static void test_targets__that_are_no_shares_are_refused(void **state)
{
    struct fixture *const f = *state;
    static const struct {
        size_t at;
        float value;
        const char *why;
    } bad[] = {
        { 0, -0.1f, "image 0 has the share -0.1 of class 0; expected 0 to 1" },
        { 4, NAN, "image 1 has the share nan of class 1" },
        { 17, 1.5f, "image 5 has the share 1.5 of class 2" },
        { 2, 0.6f, "the shares of image 0 sum to 0.9; expected 1" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        float spoilt[IMAGES * CLASSES];
        memcpy(spoilt, shares, sizeof(shares));
        spoilt[bad[i].at] = bad[i].value;
        write_set(f, "[\"angry\",\"happy\",\"other\"]", spoilt, IMAGES, CLASSES);
        must_fail(load(f), MIEN_ERR_FORMAT, &f->err, bad[i].why);
    }
    write_set(f, "[\"angry\",\"happy\",\"other\"]", shares, IMAGES - 1, CLASSES);
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "expected F32 [6][3]");
    write_set(f, "[\"angry\",\"happy\",\"other\"]", shares, CLASSES, IMAGES);
    must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "expected F32 [6][3]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_targets__votes_become_shares_by_name),
        TEST(test_targets__refuses_files_that_are_none),
        TEST(test_targets__are_packed_and_unpacked),
        TEST(test_targets__go_with_their_images),
        TEST(test_targets__stay_with_images_that_are_set_aside),
        TEST(test_targets__that_are_no_shares_are_refused),
    };
    return cmocka_run_group_tests_name("data/targets", tests, NULL, NULL);
}
