/* test_mark.c - places in the queue that the host can wait for */
#include "support/device.h"

static void test_mark__waits_for_what_was_enqueued_before(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const size_t live = mien_cl_live(cl);
    struct mien_cl_buffer *const buffer = guarded_buffer(cl, 16);
    struct mien_cl_mark *mark = NULL;
    const uint32_t sent[4] = { 1, 2, 3, 4 };
    uint32_t got[4] = { 0 };
    assert_ok(mien_cl_write_later(cl, buffer, 0, sent, sizeof(sent), &err), &err);
    assert_ok(mien_cl_mark(&mark, cl, &err), &err);
    assert_non_null(mark);
    assert_int_equal(mien_cl_live(cl), live + 2);
    assert_ok(mien_cl_mark_wait(&mark, &err), &err);
    assert_null(mark);
    assert_ok(mien_cl_read(cl, got, buffer, 0, sizeof(got), &err), &err);
    assert_memory_equal(got, sent, sizeof(sent));
    mien_cl_buffer_destroy(buffer);
    assert_int_equal(mien_cl_live(cl), live);
}

static void test_mark__can_be_dropped_and_be_none(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const size_t live = mien_cl_live(cl);
    struct mien_cl_mark *mark = NULL;
    assert_ok(mien_cl_mark_wait(&mark, &err), &err);
    mien_cl_mark_drop(&mark);
    assert_ok(mien_cl_mark(&mark, cl, &err), &err);
    mien_cl_mark_drop(&mark);
    assert_null(mark);
    assert_int_equal(mien_cl_live(cl), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mark__waits_for_what_was_enqueued_before),
        cmocka_unit_test(test_mark__can_be_dropped_and_be_none),
    };
    return cmocka_run_group_tests_name("cl/mark", tests, device_setup, device_teardown);
}
