// wrap: rename
/* test_safetensors.c - the container: exact bytes, round trips, damage */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/safetensors.h"
#include "support/scratch.h"

static int rename_error;

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

int __wrap_rename(const char *from, const char *to)
{
    errno = rename_error;
    return rename_error != 0 ? -1 : __real_rename(from, to);
}

static int make_folder(void **state)
{
    rename_error = 0;
    *state = scratch_make();
    return 0;
}

static int remove_folder(void **state)
{
    rename_error = 0;
    scratch_remove(*state);
    return 0;
}

/* A file's bytes in a block of exactly that size, so that AddressSanitizer sees a read behind it.
 */
static unsigned char *build_file(size_t *bytes, const char *header, const void *data,
                                 size_t data_bytes)
{
    const size_t length = strlen(header);
    *bytes = 8 + length + data_bytes;
    unsigned char *const file = malloc(*bytes);
    assert_non_null(file);
    for (int i = 0; i < 8; i++) {
        file[i] = (unsigned char)((uint64_t)length >> (8 * i));
    }
    memcpy(file + 8, header, length);
    if (data_bytes != 0) {
        memcpy(file + 8 + length, data, data_bytes);
    }
    return file;
}

static void test_safetensors__written_bytes_are_exactly_these(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "tiny");
    static const unsigned char weight[8] = { 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0 }; /* 1, -2 */
    static const unsigned char pixels[3] = { 7, 8, 9 };
    const struct mien_tensor tensors[] = {
        { "weight", MIEN_F32, 2, { 1, 2 }, weight, 8 },
        { "pixels", MIEN_U8, 1, { 3 }, pixels, 3 },
    };
    const struct mien_metadata metadata[] = { { "z", "1 \"\n\xc3\xa9" }, { "a", "" } };
    static const char want[] = "{\"__metadata__\":{\"z\":\"1 \\\"\\n\xc3\xa9\",\"a\":\"\"},"
                               "\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],"
                               "\"data_offsets\":[0,8]},"
                               "\"pixels\":{\"dtype\":\"U8\",\"shape\":[3],"
                               "\"data_offsets\":[8,11]}}";
    for (int round = 0; round < 2; round++) {
        must(mien_safetensors_write(path, tensors, 2, metadata, 2, &err), &err);
        size_t bytes = 0;
        unsigned char *const got = scratch_read(path, &bytes);
        const size_t padded = (sizeof(want) - 1 + 7) / 8 * 8;
        assert_int_equal(bytes, 8 + padded + 11);
        const unsigned char prefix[8] = { (unsigned char)padded };
        assert_memory_equal(got, prefix, 8);
        assert_memory_equal(got + 8, want, sizeof(want) - 1);
        for (size_t i = sizeof(want) - 1; i < padded; i++) {
            assert_int_equal(got[8 + i], ' ');
        }
        assert_memory_equal(got + 8 + padded, weight, 8);
        assert_memory_equal(got + 8 + padded + 8, pixels, 3);
        free(got);
    }
    free(path);
}

static void test_safetensors__what_is_written_is_read_back(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "file");
    static const unsigned char data[64] = { 1, 2, 3 };
    const struct mien_tensor tensors[] = {
        { "scalar", MIEN_F64, 0, { 0 }, data, 8 },
        { "empty", MIEN_I32, 2, { 0, 5 }, data, 0 },
        { "deep", MIEN_I64, 8, { 1, 1, 2, 1, 1, 1, 1, 3 }, data, 48 },
        { "also empty", MIEN_F32, 1, { 0 }, NULL, 0 },
        { "\xc3\xa9/\"", MIEN_I32, 1, { 4 }, data, 16 },
    };
    enum { COUNT = sizeof(tensors) / sizeof(tensors[0]) };
    const struct mien_metadata metadata = { "key", "value" };
    must(mien_safetensors_write(path, tensors, COUNT, &metadata, 1, &err), &err);

    struct mien_safetensors *file = NULL;
    must(mien_safetensors_open(&file, path, &err), &err);
    assert_int_equal(mien_safetensors_count(file), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const struct mien_tensor *const got = mien_safetensors_find(file, tensors[i].name);
        assert_non_null(got);
        assert_string_equal(got->name, tensors[i].name);
        assert_int_equal(got->dtype, tensors[i].dtype);
        assert_int_equal(got->rank, tensors[i].rank);
        assert_memory_equal(got->shape, tensors[i].shape, sizeof(got->shape));
        assert_int_equal(got->bytes, tensors[i].bytes);
        if (got->bytes != 0) {
            assert_memory_equal(got->data, data, got->bytes);
        }
    }
    assert_null(mien_safetensors_find(file, "none"));
    assert_null(mien_safetensors_find(file, "__metadata__"));
    assert_null(mien_safetensors_at(file, COUNT));
    assert_string_equal(mien_safetensors_metadata(file, "key"), "value");
    assert_null(mien_safetensors_metadata(file, "none"));
    mien_safetensors_close(file);
    mien_safetensors_close(NULL);
    free(path);
}

static void test_safetensors__a_file_may_hold_nothing(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "nothing");
    must(mien_safetensors_write(path, NULL, 0, NULL, 0, &err), &err);
    struct mien_safetensors *file = NULL;
    must(mien_safetensors_open(&file, path, &err), &err);
    assert_int_equal(mien_safetensors_count(file), 0);
    assert_null(mien_safetensors_find(file, "x"));
    assert_null(mien_safetensors_metadata(file, "x"));
    mien_safetensors_close(file);
    free(path);
}

/* Every fixture that Python wrote opens, and its tensors come in file order. */
static void test_safetensors__reads_what_python_wrote(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob(MIEN_SOURCE_DIR "/tests/data/oracle/*.safetensors", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 38);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct mien_error err = { "" };
        struct mien_safetensors *file = NULL;
        must(mien_safetensors_open(&file, found.gl_pathv[i], &err), &err);
        assert_non_null(mien_safetensors_metadata(file, "case"));
        for (size_t k = 1; k < mien_safetensors_count(file); k++) {
            const struct mien_tensor *const before = mien_safetensors_at(file, k - 1);
            assert_ptr_equal((const unsigned char *)before->data + before->bytes,
                             mien_safetensors_at(file, k)->data);
        }
        mien_safetensors_close(file);
    }
    globfree(&found);
}

static void test_safetensors__values_of_a_fixture_are_right(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_safetensors *file = NULL;
    must(mien_safetensors_open(&file, MIEN_SOURCE_DIR "/tests/data/oracle/dense_00.safetensors",
                               &err),
         &err);
    assert_int_equal(mien_safetensors_count(file), 8);
    static const char *const names[] = { "x", "weight", "bias", "y" };
    float value[4];
    for (int i = 0; i < 4; i++) {
        const struct mien_tensor *const tensor = mien_safetensors_find(file, names[i]);
        assert_non_null(tensor);
        assert_int_equal(tensor->dtype, MIEN_F32);
        assert_int_equal(tensor->bytes, sizeof(float));
        memcpy(&value[i], tensor->data, sizeof(float));
    }
    const float y = value[0] * value[1] + value[2];
    assert_true(y - value[3] < 1e-5f && value[3] - y < 1e-5f);
    mien_safetensors_close(file);
}

static void test_safetensors__every_cut_is_told(void **state)
{
    (void)state;
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    size_t bytes = 0;
    unsigned char *const whole = build_file(&bytes, header, "12345678", 8);
    struct mien_error err = { "" };
    struct mien_safetensors *file = NULL;
    must(mien_safetensors_parse(&file, whole, bytes, &err), &err);
    mien_safetensors_close(file);
    for (size_t cut = 0; cut < bytes; cut++) {
        unsigned char *const part = malloc(cut == 0 ? 1 : cut);
        assert_non_null(part);
        memcpy(part, whole, cut);
        must_fail(mien_safetensors_parse(&file, cut == 0 ? NULL : part, cut, &err), MIEN_ERR_FORMAT,
                  &err, "");
        assert_null(file);
        free(part);
    }
    free(whole);
}

/* Each byte replaced by others: refused or read, but never a crash; ASan and UBSan watch. */
static void test_safetensors__any_wrong_byte_is_survived(void **state)
{
    (void)state;
    static const char header[] = "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"F32\","
                                 "\"shape\":[2,1],\"data_offsets\":[0,8]}}";
    static const unsigned char wrong[] = { 0, '0', '9', '-', '.', 'e', '"', '{', ']', 0x80, 255 };
    size_t bytes = 0;
    unsigned char *const whole = build_file(&bytes, header, "12345678", 8);
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char right = whole[i];
        for (size_t k = 0; k < sizeof(wrong); k++) {
            whole[i] = wrong[k];
            struct mien_error err = { "" };
            struct mien_safetensors *file = NULL;
            if (mien_safetensors_parse(&file, whole, bytes, &err) != MIEN_OK) {
                assert_null(file);
                assert_string_not_equal(err.text, "");
                assert_null(strchr(err.text, '\n'));
            }
            mien_safetensors_close(file);
        }
        whole[i] = right;
    }
    free(whole);
}

#define ENTRY(dtype, shape, offsets)                                                               \
    "{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define ONE(dtype, shape, offsets) "{\"a\":" ENTRY(dtype, shape, offsets) "}"
#define TWO(shape_a, offsets_a, shape_b, offsets_b)                                                \
    "{\"a\":" ENTRY("\"U8\"", shape_a, offsets_a) ",\"b\":" ENTRY("\"U8\"", shape_b, offsets_b) "}"

/* Headers in front of 16 bytes of data, and a part of what is said about them. */
static const struct {
    const char *header, *part;
} damaged[] = {
    { "", "begin with '{'" },
    { " {}", "begin with '{'" },
    { "[]", "begin with '{'" },
    { "{", "not JSON" },
    { "{}x", "not JSON" },
    { "{\n\"\n\":1}", "not JSON" },
    { "{\"a\":\"\xff\"}", "not JSON" },
    { "{\"a\\u0000b\":1}", "not JSON" },
    { "{}", "end at byte 0 of 16" },
    { "{\"a\":1}", "not an object" },
    { "{\"a\":{}}", "dtype is missing" },
    { "{\"__metadata__\":[]}", "__metadata__ is not an object" },
    { "{\"__metadata__\":{\"epoch\":1}}", "'epoch' is not a text" },
    { "{\"a\":{\"dtype\":\"U8\"}}", "shape is missing" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[16]}}", "data_offsets are not" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16],\"more\":1}}",
      "key 'more'" },
    { ONE("\"F31\"", "[4]", "[0,16]"), "'F31' is unknown" },
    { ONE("7", "[4]", "[0,16]"), "not a text" },
    { ONE("\"F32\"", "4", "[0,16]"), "not a list" },
    { ONE("\"F32\"", "[4.0]", "[0,16]"), "size 0" },
    { ONE("\"F32\"", "[1,\"4\"]", "[0,16]"), "size 1" },
    { ONE("\"F32\"", "[-4]", "[0,16]"), "size 0" },
    { ONE("\"F32\"", "[-1,-4]", "[0,16]"), "size 0" },
    { ONE("\"F32\"", "[1,1,1,1,1,1,1,1,4]", "[0,16]"), "9 sizes" },
    { ONE("\"F32\"", "[99999999999999999999]", "[0,16]"), "not JSON" },
    { ONE("\"F32\"", "[4611686018427387905,4]", "[0,16]"), "too many elements" },
    { ONE("\"F32\"", "[4611686018427387908]", "[0,16]"), "too many elements" },
    { ONE("\"U8\"", "[0,4294967296,4294967296]", "[0,0]"), "too many elements" },
    { ONE("\"F32\"", "[5]", "[0,16]"), "span 16 bytes, its shape and dtype take 20" },
    { ONE("\"F64\"", "[4]", "[0,16]"), "take 32" },
    { ONE("\"BF16\"", "[4]", "[0,16]"), "take 8" },
    { ONE("\"F32\"", "[4]", "[0,16,16]"), "two whole numbers" },
    { ONE("\"F32\"", "[4]", "[0,16.0]"), "two whole numbers" },
    { ONE("\"F32\"", "[4]", "[-16,0]"), "two whole numbers" },
    { ONE("\"F32\"", "[4]", "{}"), "two whole numbers" },
    { ONE("\"F32\"", "[4]", "[16,0]"), "within 16 bytes" },
    { ONE("\"F32\"", "[8]", "[0,32]"), "within 16 bytes" },
    { ONE("\"F32\"", "[4]", "[9223372036854775791,9223372036854775807]"), "within 16 bytes" },
    { ONE("\"F32\"", "[3]", "[0,12]"), "end at byte 12 of 16" },
    { ONE("\"F32\"", "[3]", "[4,16]"), "'a' begins at byte 4 of the data and leaves a hole" },
    { TWO("[8]", "[0,8]", "[9]", "[7,16]"), "'b' begins at byte 7 of the data and overlaps" },
    { TWO("[16]", "[0,16]", "[16]", "[0,16]"), "overlaps" },
    { TWO("[7]", "[0,7]", "[8]", "[8,16]"), "'b' begins at byte 8 of the data and leaves a hole" },
    { "{\"a\":" ENTRY("\"U8\"", "[8]", "[0,8]") ",\"a\":" ENTRY("\"U8\"", "[8]", "[8,16]") "}",
      "not JSON" },
};

static void test_safetensors__damage_is_refused_and_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        size_t bytes = 0;
        unsigned char *const data = build_file(&bytes, damaged[i].header, "0123456789abcdef", 16);
        struct mien_error err = { "" };
        struct mien_safetensors *file = NULL;
        must_fail(mien_safetensors_parse(&file, data, bytes, &err), MIEN_ERR_FORMAT, &err,
                  damaged[i].part);
        assert_null(file);
        free(data);
    }
}

static void test_safetensors__every_type_has_its_size(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int bytes;
        enum mien_dtype dtype;
    } types[] = {
        { "BOOL", 1, MIEN_DTYPE_OTHER }, { "U8", 1, MIEN_U8 },
        { "I8", 1, MIEN_DTYPE_OTHER },   { "F8_E5M2", 1, MIEN_DTYPE_OTHER },
        { "I16", 2, MIEN_DTYPE_OTHER },  { "F8_E4M3", 1, MIEN_DTYPE_OTHER },
        { "U16", 2, MIEN_DTYPE_OTHER },  { "F16", 2, MIEN_F16 },
        { "BF16", 2, MIEN_BF16 },        { "I32", 4, MIEN_I32 },
        { "U32", 4, MIEN_DTYPE_OTHER },  { "F32", 4, MIEN_F32 },
        { "F64", 8, MIEN_F64 },          { "I64", 8, MIEN_I64 },
        { "U64", 8, MIEN_DTYPE_OTHER },
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char header[128];
        (void)snprintf(header, sizeof(header),
                       "{\"a\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[0,%d]}}",
                       types[i].name, 2 * types[i].bytes);
        size_t bytes = 0;
        unsigned char *const data =
            build_file(&bytes, header, "0123456789abcdef", 2 * (size_t)types[i].bytes);
        struct mien_error err = { "" };
        struct mien_safetensors *file = NULL;
        must(mien_safetensors_parse(&file, data, bytes, &err), &err);
        const enum mien_dtype dtype = mien_safetensors_at(file, 0)->dtype;
        assert_int_equal(dtype, types[i].dtype);
        const bool other = dtype == MIEN_DTYPE_OTHER;
        assert_string_equal(mien_dtype_name(dtype), other ? "other" : types[i].name);
        assert_int_equal(mien_dtype_bytes(dtype), other ? 0 : types[i].bytes);
        mien_safetensors_close(file);
        free(data);
    }
}

static void test_safetensors__absurd_header_lengths_are_refused(void **state)
{
    (void)state;
    static const uint64_t lengths[] = { 3,          17,
                                        100000001,  UINT64_C(1) << 32,
                                        UINT64_MAX, UINT64_MAX - 7 };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t bytes = 0;
        unsigned char *const data = build_file(&bytes, "{}", NULL, 0);
        for (int k = 0; k < 8; k++) {
            data[k] = (unsigned char)(lengths[i] >> (8 * k));
        }
        struct mien_error err = { "" };
        struct mien_safetensors *file = NULL;
        must_fail(mien_safetensors_parse(&file, data, bytes, &err), MIEN_ERR_FORMAT, &err,
                  "expected at most 2");
        free(data);
    }
}

static void test_safetensors__errors_of_a_file_name_it(void **state)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(*state, "foreign");
    struct mien_safetensors *file = NULL;
    must_fail(mien_safetensors_open(&file, path, &err), MIEN_ERR_IO, &err, path);
    scratch_write(path, "\x89PNG\r\n\x1a\n and more", 17);
    must_fail(mien_safetensors_open(&file, path, &err), MIEN_ERR_FORMAT, &err, path);
    scratch_write(path, "", 0);
    must_fail(mien_safetensors_open(&file, path, &err), MIEN_ERR_FORMAT, &err, "0 bytes");
    assert_null(file);
    free(path);
}

static void test_safetensors__what_cannot_be_written_leaves_the_old_file(void **state)
{
    static const unsigned char data[8];
    static const struct {
        struct mien_tensor tensors[2];
        struct mien_metadata metadata;
        const char *part;
    } cases[] = {
        { { { "a", MIEN_U8, 1, { 4 }, data, 4 }, { "a", MIEN_U8, 1, { 4 }, data, 4 } },
          { "k", "v" },
          "'a' is given twice" },
        { { { "a", MIEN_U8, 1, { 4 }, data, 4 }, { "b", MIEN_F32, 1, { 4 }, data, 4 } },
          { "k", "v" },
          "take 16" },
        { { { "a", MIEN_U8, 1, { 4 }, data, 4 },
            { "b", MIEN_F32, 2, { SIZE_MAX, SIZE_MAX }, data, 4 } },
          { "k", "v" },
          "too many elements" },
        { { { "a", MIEN_U8, 9, { 4 }, data, 4 }, { "b", MIEN_U8, 1, { 4 }, data, 4 } },
          { "k", "v" },
          "9 sizes" },
        { { { "a", MIEN_U8, 1, { 4 }, data, 4 }, { "b", MIEN_DTYPE_OTHER, 1, { 4 }, data, 4 } },
          { "k", "v" },
          "tensor 'b'" },
        { { { "a", MIEN_U8, 1, { 4 }, data, 4 }, { "\xff", MIEN_U8, 1, { 4 }, data, 4 } },
          { "k", "v" },
          "not UTF-8" },
        { { { "__metadata__", MIEN_U8, 1, { 4 }, data, 4 }, { "b", MIEN_U8, 1, { 4 }, data, 4 } },
          { "k", "v" },
          "__metadata__': no tensor can be named so" },
        { { { "a", MIEN_U8, 1, { 4 }, data, 4 }, { "b", MIEN_U8, 1, { 4 }, data, 4 } },
          { "classes", "\xff" },
          "metadata 'classes'" },
    };
    char *const path = scratch_path(*state, "old");
    scratch_write(path, "old", 3);
    for (size_t i = 0; i <= sizeof(cases) / sizeof(cases[0]); i++) {
        struct mien_error err = { "" };
        if (i < sizeof(cases) / sizeof(cases[0])) {
            must_fail(
                mien_safetensors_write(path, cases[i].tensors, 2, &cases[i].metadata, 1, &err),
                MIEN_ERR_USAGE, &err, cases[i].part);
        } else {
            rename_error = EROFS;
            must_fail(mien_safetensors_write(path, cases[0].tensors, 1, NULL, 0, &err), MIEN_ERR_IO,
                      &err, "Read-only file system");
        }
        size_t bytes = 0;
        unsigned char *const old = scratch_read(path, &bytes);
        assert_string_equal((const char *)old, "old");
        assert_int_equal(scratch_count(*state), 1);
        free(old);
    }
    const struct mien_metadata twice[] = { { "k", "v" }, { "k", "w" } };
    struct mien_error err = { "" };
    must_fail(mien_safetensors_write(path, NULL, 0, twice, 2, &err), MIEN_ERR_USAGE, &err, "twice");
    free(path);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_safetensors__written_bytes_are_exactly_these),
        WITH_FOLDER(test_safetensors__what_is_written_is_read_back),
        WITH_FOLDER(test_safetensors__a_file_may_hold_nothing),
        cmocka_unit_test(test_safetensors__reads_what_python_wrote),
        cmocka_unit_test(test_safetensors__values_of_a_fixture_are_right),
        cmocka_unit_test(test_safetensors__every_cut_is_told),
        cmocka_unit_test(test_safetensors__any_wrong_byte_is_survived),
        cmocka_unit_test(test_safetensors__damage_is_refused_and_named),
        cmocka_unit_test(test_safetensors__every_type_has_its_size),
        cmocka_unit_test(test_safetensors__absurd_header_lengths_are_refused),
        WITH_FOLDER(test_safetensors__errors_of_a_file_name_it),
        WITH_FOLDER(test_safetensors__what_cannot_be_written_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
