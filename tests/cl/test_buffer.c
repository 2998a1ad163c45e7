/* test_buffer.c - device memory and the copies to, from and inside it */
#include <stdlib.h>
#include <string.h>

#include "support/device.h"

static struct mien_cl_buffer *make(struct mien_cl *cl, size_t bytes)
{
    struct mien_error err = { "" };
    struct mien_cl_buffer *buffer = NULL;
    assert_ok(mien_cl_buffer_create(&buffer, cl, bytes, &err), &err);
    assert_int_equal(mien_cl_buffer_bytes(buffer), bytes);
    return buffer;
}

static void test_buffer__reads_back_what_was_written_at_an_offset(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl_buffer *const buffer = make(cl, 100);
    static const unsigned char word[] = { 'm', 'i', 'e', 'n' };
    unsigned char first[100];
    unsigned char got[100] = { 0 };
    for (size_t i = 0; i < sizeof(first); i++) {
        first[i] = (unsigned char)(i * 7);
    }
    assert_ok(mien_cl_write(cl, buffer, 0, first, sizeof(first), &err), &err);
    assert_ok(mien_cl_write_later(cl, buffer, 13, word, sizeof(word), &err), &err);
    assert_ok(mien_cl_read(cl, got, buffer, 0, sizeof(got), &err), &err);
    memcpy(first + 13, word, sizeof(word));
    assert_memory_equal(got, first, sizeof(first));
    assert_ok(mien_cl_read(cl, got, buffer, 14, 3, &err), &err);
    assert_memory_equal(got, word + 1, 3);
    /* Nothing is a valid amount, also at the end. */
    assert_ok(mien_cl_write(cl, buffer, 100, first, 0, &err), &err);
    assert_ok(mien_cl_read(cl, got, buffer, 100, 0, &err), &err);
    mien_cl_buffer_destroy(buffer);
}

static void test_buffer__fills_every_whole_word(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl_buffer *const buffer = make(cl, 4 * 37);
    uint32_t got[37];
    assert_ok(mien_cl_fill(cl, buffer, 0, &err), &err);
    assert_ok(mien_cl_fill(cl, buffer, 0x3F800000u, &err), &err);
    assert_ok(mien_cl_read(cl, got, buffer, 0, sizeof(got), &err), &err);
    for (size_t i = 0; i < 37; i++) {
        assert_int_equal(got[i], 0x3F800000u);
    }
    mien_cl_buffer_destroy(buffer);
}

static void test_buffer_window__is_a_part_of_the_whole(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl_buffer *const whole = make(cl, 1600);
    struct mien_cl_buffer *part = NULL;
    struct mien_cl_buffer *empty = NULL;
    uint32_t got[400];
    assert_ok(mien_cl_fill(cl, whole, 1, &err), &err);
    assert_ok(mien_cl_buffer_window(&part, whole, 512, 16, &err), &err);
    assert_ok(mien_cl_buffer_window(&empty, whole, 1536, 0, &err), &err);
    assert_int_equal(mien_cl_buffer_bytes(part), 16);
    assert_int_equal(mien_cl_buffer_bytes(empty), 0);
    assert_ok(mien_cl_fill(cl, part, 2, &err), &err);
    assert_ok(mien_cl_fill(cl, empty, 3, &err), &err);
    assert_ok(mien_cl_read(cl, got, whole, 0, sizeof(got), &err), &err);
    for (size_t i = 0; i < 400; i++) {
        assert_int_equal(got[i], i >= 128 && i < 132 ? 2 : 1);
    }
    mien_cl_buffer_destroy(empty);
    mien_cl_buffer_destroy(part);
    mien_cl_buffer_destroy(whole);
}

static void test_buffer__counts_bytes_and_objects(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const size_t bytes = mien_cl_bytes(cl);
    const size_t live = mien_cl_live(cl);
    struct mien_cl_buffer *const whole = make(cl, (size_t)1 << 20);
    struct mien_cl_buffer *part = NULL;
    struct mien_cl_buffer *const none = make(cl, 0);
    assert_ok(mien_cl_buffer_window(&part, whole, 0, 1024, &err), &err);
    assert_int_equal(mien_cl_bytes(cl), bytes + ((size_t)1 << 20));
    assert_int_equal(mien_cl_live(cl), live + 3);
    mien_cl_buffer_destroy(part);
    mien_cl_buffer_destroy(whole);
    mien_cl_buffer_destroy(none);
    mien_cl_buffer_destroy(NULL);
    assert_int_equal(mien_cl_bytes(cl), bytes);
    assert_int_equal(mien_cl_live(cl), live);
    assert_true(mien_cl_peak_bytes(cl) >= bytes + ((size_t)1 << 20));
    mien_cl_reset_peak(cl);
    assert_int_equal(mien_cl_peak_bytes(cl), bytes);
}

static void test_buffer_create__refuses_more_than_the_device_allows(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl_buffer *buffer = NULL;
    const size_t most = (size_t)mien_cl_device(cl)->max_alloc_bytes;
    assert_int_equal(mien_cl_buffer_create(&buffer, cl, most + 1, &err), MIEN_ERR_MEMORY);
    assert_null(buffer);
    assert_non_null(strstr(err.text, mien_cl_device(cl)->name));
    assert_non_null(strstr(err.text, "allows at most"));
    assert_int_equal(mien_cl_buffer_create(&buffer, cl, SIZE_MAX, NULL), MIEN_ERR_MEMORY);
    assert_null(buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer__reads_back_what_was_written_at_an_offset),
        cmocka_unit_test(test_buffer__fills_every_whole_word),
        cmocka_unit_test(test_buffer_window__is_a_part_of_the_whole),
        cmocka_unit_test(test_buffer__counts_bytes_and_objects),
        cmocka_unit_test(test_buffer_create__refuses_more_than_the_device_allows),
    };
    return cmocka_run_group_tests_name("cl/buffer", tests, device_setup, device_teardown);
}
