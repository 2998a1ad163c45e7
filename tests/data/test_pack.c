/* test_pack.c - packed data sets: there and back, and damaged */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/safetensors.h"
#include "data/build.h"
#include "data/dataset.h"
#include "support/json_memory.h"
#include "support/scratch.h"

struct fixture {
    char *folder, *path;
    struct mien_data_options options;
    struct mien_dataset *set;
    struct mien_error err;
};

static int setup(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->path = scratch_path(f->folder, "set.safetensors");
    f->options = (struct mien_data_options){ .channels = 1, .height = 2, .width = 3 };
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

/* Parts of a packed file, which tests change one at a time. */
struct parts {
    struct mien_tensor tensors[4];
    struct mien_metadata metadata[2];
    size_t tensor_count, metadata_count;
};

static const uint8_t images[4 * 6] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };
static const int32_t labels[4] = { 1, 0, 1, 1 };
static const uint8_t splits[4] = { 0, 0, 1, 2 };
static const char names[] = "a\0b/c\0\0d";

static struct parts good_parts(void)
{
    return (struct parts){
        .tensors = {
            { "images", MIEN_U8, 4, { 4, 2, 3, 1 }, images, sizeof(images) },
            { "labels", MIEN_I32, 1, { 4 }, labels, sizeof(labels) },
            { "splits", MIEN_U8, 1, { 4 }, splits, sizeof(splits) },
            { "names", MIEN_U8, 1, { sizeof(names) }, names, sizeof(names) },
        },
        .metadata = {
            { "format", "mien-dataset 1" },
            { "classes", "[\"cat\",\"h\\u00fcnd\"]" },
        },
        .tensor_count = 4,
        .metadata_count = 2,
    };
}

static void write_parts(struct fixture *f, const struct parts *parts)
{
    must(mien_safetensors_write(f->path, parts->tensors, parts->tensor_count, parts->metadata,
                                parts->metadata_count, &f->err),
         &f->err);
}

static enum mien_status load(struct fixture *f)
{
    mien_dataset_destroy(f->set);
    return mien_dataset_load(&f->set, f->path, &f->options, &f->err);
}

static void assert_as_written(const struct mien_dataset *set)
{
    assert_int_equal(set->count, 4);
    assert_int_equal(set->splits[MIEN_SPLIT_TRAIN].count, 2);
    assert_int_equal(set->splits[MIEN_SPLIT_VALIDATION].first, 2);
    assert_int_equal(set->splits[MIEN_SPLIT_TEST].first, 3);
    assert_memory_equal(set->images, images, sizeof(images));
    assert_memory_equal(set->labels, labels, sizeof(labels));
    assert_int_equal(set->class_count, 2);
    assert_string_equal(set->classes[1], "h\xc3\xbcnd");
    assert_string_equal(set->names[1], "b/c");
    assert_string_equal(set->names[2], "");
    assert_string_equal(set->names[3], "d");
}

static void test_pack__there_and_back_is_the_same(void **state)
{
    struct fixture *const f = *state;
    const struct parts parts = good_parts();
    write_parts(f, &parts);
    must(load(f), &f->err);
    assert_as_written(f->set);
    assert_null(mien_dataset_storage(f->set)->images); /* mapped, not copied */
    const uint64_t fingerprint = f->set->fingerprint;

    char *const second = scratch_path(f->folder, "again.safetensors");
    must(mien_dataset_pack(f->set, second, &f->err), &f->err);
    struct mien_dataset *again = NULL;
    must(mien_dataset_load(&again, second, &f->options, &f->err), &f->err);
    assert_as_written(again);
    assert_true(again->fingerprint == fingerprint);
    mien_dataset_destroy(again);

    free(second);
}

static enum mien_status load_again(void *user, struct mien_error *err)
{
    struct fixture *const f = user;
    mien_dataset_destroy(f->set);
    return mien_dataset_load(&f->set, f->path, &f->options, err);
}

static void test_pack__want_of_memory_is_no_fault_of_the_file(void **state)
{
    struct fixture *const f = *state;
    const struct parts parts = good_parts();
    write_parts(f, &parts);
    json_memory_runs_out(load_again, f);
}

static void test_pack__names_may_be_absent(void **state)
{
    struct fixture *const f = *state;
    struct parts parts = good_parts();
    parts.tensor_count = 3;
    write_parts(f, &parts);
    must(load(f), &f->err);
    assert_null(f->set->names);
    must(mien_dataset_pack(f->set, f->path, &f->err),
         &f->err); /* over the file it is mapped from */
    must(load(f), &f->err);
    assert_null(f->set->names);
    assert_memory_equal(f->set->images, images, sizeof(images));
}

static void test_pack__fingerprint_depends_on_everything(void **state)
{
    struct fixture *const f = *state;
    static const uint8_t other_images[4 * 6] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14 };
    static const int32_t other_labels[4] = { 1, 0, 1, 0 };
    static const uint8_t other_splits[4] = { 0, 1, 1, 2 };
    uint64_t seen[6];
    for (int i = 0; i < 6; i++) {
        struct parts parts = good_parts();
        parts.tensor_count = i == 5 ? 3 : 4;
        parts.tensors[0].data = i == 1 ? other_images : images;
        parts.tensors[1].data = i == 2 ? other_labels : labels;
        parts.tensors[2].data = i == 3 ? other_splits : splits;
        parts.metadata[1].value = i == 4 ? "[\"cat\",\"dog\"]" : parts.metadata[1].value;
        write_parts(f, &parts);
        must(load(f), &f->err);
        seen[i] = f->set->fingerprint;
        for (int k = 0; k < i && i < 5; k++) {
            assert_true(seen[i] != seen[k]);
        }
    }
    assert_true(seen[5] == seen[0]); /* names are not part of it */
}

static void test_pack__other_sizes_are_converted(void **state)
{
    struct fixture *const f = *state;
    const struct parts parts = good_parts();
    write_parts(f, &parts);
    f->options = (struct mien_data_options){ .channels = 3, .height = 1, .width = 1 };
    must(load(f), &f->err);
    static const uint8_t want[3] = { 4, 4, 4 }; /* 21 / 6, rounded half up */
    assert_memory_equal(f->set->images, want, sizeof(want));
    assert_int_equal(f->set->resized, 4);
    assert_int_equal(f->set->converted, 4);
    f->options = (struct mien_data_options){ .channels = 1 };
    must(load(f), &f->err);
    assert_int_equal(f->set->height, 2);
    assert_int_equal(f->set->width, 3);
}

static void test_pack__faults_are_named(void **state)
{
    struct fixture *const f = *state;
    static const int32_t high_label[4] = { 1, 0, 2, 1 };
    static const int32_t low_label[4] = { 1, -1, 1, 1 };
    static const uint8_t falling[4] = { 0, 1, 0, 2 };
    static const uint8_t high_split[4] = { 0, 1, 2, 3 };
    const struct parts good = good_parts();
    struct {
        struct parts parts;
        const char *text;
    } faults[14];
    for (size_t i = 0; i < 14; i++) {
        faults[i].parts = good;
    }
    size_t n = 0;
    faults[n].parts.metadata[0].value = "mien-dataset 2";
    faults[n++].text = "set.safetensors: the format is \"mien-dataset 2\"";
    faults[n].parts.metadata_count = 1;
    faults[n++].text = "no \"classes\" in the metadata";
    faults[n].parts.metadata[1].value = "[]";
    faults[n++].text = "no \"classes\" in the metadata";
    faults[n].parts.metadata[1].value = "[\"a\",";
    faults[n++].text = "no \"classes\" in the metadata";
    faults[n].parts.metadata[1].value = "[\"a\",\"a\"]";
    faults[n++].text = "class 1 is \"a\"; expected names in UTF-8, each once";
    faults[n].parts.metadata[1].value = "[\"a\",3]";
    faults[n++].text = "class 1 is \"\"";
    faults[n].parts.tensors[1].data = high_label;
    faults[n++].text = "image 2 has the label 2; expected 0 to 1";
    faults[n].parts.tensors[1].data = low_label;
    faults[n++].text = "image 1 has the label -1; expected 0 to 1";
    faults[n].parts.tensors[2].data = falling;
    faults[n++].text = "image 2 has the split 0; expected 0, 1 or 2 in rising order";
    faults[n].parts.tensors[2].data = high_split;
    faults[n++].text = "image 3 has the split 3";
    faults[n].parts.tensors[1].name = "label";
    faults[n++].text = "no tensor \"labels\"";
    faults[n].parts.tensors[2] = (struct mien_tensor){ "splits", MIEN_U8, 1, { 3 }, splits, 3 };
    faults[n++].text = "the tensor \"splits\" is U8 of rank 1 with 3 first; expected U8 [4]";
    faults[n].parts.tensors[0] =
        (struct mien_tensor){ "images", MIEN_U8, 4, { 4, 3, 1, 2 }, images, sizeof(images) };
    faults[n++].text = "images of shape 4 x 3 x 1 x 2";
    faults[n].parts.tensors[3] = (struct mien_tensor){ "names", MIEN_U8, 1, { 5 }, names, 5 };
    faults[n++].text = "the tensor \"names\" holds 1 names; expected 4";
    assert_int_equal(n, 14);
    for (size_t i = 0; i < n; i++) {
        write_parts(f, &faults[i].parts);
        must_fail(load(f), MIEN_ERR_FORMAT, &f->err, faults[i].text);
        assert_null(f->set);
    }
}

static void test_pack__any_cut_and_foreign_files_are_refused(void **state)
{
    struct fixture *const f = *state;
    must_fail(load(f), MIEN_ERR_IO, &f->err, "set.safetensors");
    const struct parts parts = good_parts();
    write_parts(f, &parts);
    size_t bytes = 0;
    unsigned char *const file = scratch_read(f->path, &bytes);
    for (size_t length = 0; length < bytes; length++) {
        scratch_write(f->path, file, length);
        must_fail(load(f), MIEN_ERR_FORMAT, &f->err, "set.safetensors");
        assert_null(f->set);
    }
    free(file);
    char *const other = scratch_path(f->folder, "thing.bin");
    scratch_write(other, "x", 1);
    must_fail(mien_dataset_load(&f->set, other, &f->options, &f->err), MIEN_ERR_FORMAT, &f->err,
              "thing.bin: not a data set by its name");
    free(other);
}

static void test_pack__a_place_that_cannot_be_written_is_an_error(void **state)
{
    struct fixture *const f = *state;
    const struct parts parts = good_parts();
    write_parts(f, &parts);
    must(load(f), &f->err);
    char *const gone = scratch_path(f->folder, "no/such/folder.safetensors");
    must_fail(mien_dataset_pack(f->set, gone, &f->err), MIEN_ERR_IO, &f->err, "no/such/folder");
    free(gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_pack__there_and_back_is_the_same),
        TEST(test_pack__want_of_memory_is_no_fault_of_the_file),
        TEST(test_pack__names_may_be_absent),
        TEST(test_pack__fingerprint_depends_on_everything),
        TEST(test_pack__other_sizes_are_converted),
        TEST(test_pack__faults_are_named),
        TEST(test_pack__any_cut_and_foreign_files_are_refused),
        TEST(test_pack__a_place_that_cannot_be_written_is_an_error),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
