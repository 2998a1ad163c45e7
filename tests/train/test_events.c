/* test_events.c - event files, byte by byte as TensorBoard's own writer writes them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/scratch.h"
#include "train/events.h"

/*
 * From tensorboard 2.21, tensorboard.summary.writer.record_writer.RecordWriter: the events
 *   wall_time 1700000000.25, file_version "brain.Event:2"
 *   wall_time 1700000000.25, step 1, session_log START
 *   wall_time 1700000001.5, step 300, summary loss 1.25, accuracy 0.5
 */
static const unsigned char golden[] = {
    0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa3, 0x7f, 0x4b, 0x22, 0x09, 0x00, 0x00,
    0x10, 0x40, 0xfc, 0x54, 0xd9, 0x41, 0x1a, 0x0d, 0x62, 0x72, 0x61, 0x69, 0x6e, 0x2e, 0x45,
    0x76, 0x65, 0x6e, 0x74, 0x3a, 0x32, 0x33, 0x8d, 0x2f, 0xe9, 0x0f, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x6d, 0x53, 0x2b, 0x09, 0x09, 0x00, 0x00, 0x10, 0x40, 0xfc, 0x54, 0xd9,
    0x41, 0x10, 0x01, 0x3a, 0x02, 0x08, 0x01, 0xd1, 0x61, 0xc2, 0xb9, 0x2c, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0xf4, 0xae, 0xcc, 0x45, 0x09, 0x00, 0x00, 0x60, 0x40, 0xfc, 0x54,
    0xd9, 0x41, 0x10, 0xac, 0x02, 0x2a, 0x1e, 0x0a, 0x0b, 0x0a, 0x04, 0x6c, 0x6f, 0x73, 0x73,
    0x15, 0x00, 0x00, 0xa0, 0x3f, 0x0a, 0x0f, 0x0a, 0x08, 0x61, 0x63, 0x63, 0x75, 0x72, 0x61,
    0x63, 0x79, 0x15, 0x00, 0x00, 0x00, 0x3f, 0x1b, 0x05, 0x42, 0xb2
};

/* The one file of a folder. */
static char *only_file(const char *folder)
{
    char *path = NULL;
    DIR *const dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            assert_null(path);
            assert_ptr_equal(strstr(entry->d_name, "events.out.tfevents.1700000000."),
                             entry->d_name);
            path = scratch_path(folder, entry->d_name);
        }
    }
    (void)closedir(dir);
    assert_non_null(path);
    return path;
}

static void test_events__are_what_tensorboard_writes(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_events *events = NULL;
    static const struct mien_scalar scalars[] = { { "loss", 1.25 }, { "accuracy", 0.5 } };
    size_t bytes = 0;
    char *const scratch = scratch_make();
    char *const folder = scratch_path(scratch, "a/b"); /* made on the way */
    must(mien_events_open(&events, folder, 1700000000.25, 1, &err), &err);
    char *const path = only_file(folder);
    must(mien_events_add(events, 1700000001.5, 300, scalars, 2, &err), &err);
    unsigned char *const got = scratch_read(path, &bytes); /* not closed yet, and there already */
    assert_int_equal(bytes, sizeof(golden));
    assert_memory_equal(got, golden, sizeof(golden));
    mien_events_close(events);
    free(got);
    free(path);
    free(folder);
    scratch_remove(scratch);
}

static void test_events__refuse_what_is_no_folder(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_events *events = NULL;
    char *const scratch = scratch_make();
    char *const file = scratch_path(scratch, "file");
    scratch_write(file, "x", 1);
    must_fail(mien_events_open(&events, file, 1700000000.25, 1, &err), MIEN_ERR_IO, &err, "file");
    assert_null(events);
    free(file);
    scratch_remove(scratch);
}

/* A full disk, as far as one write is concerned. */
static void test_events__say_when_they_cannot_be_written(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_events *events = NULL;
    static const struct mien_scalar scalar = { "loss", 1.25 };
    char *const scratch = scratch_make();
    must(mien_events_open(&events, scratch, 1700000000.25, 1, &err), &err);
    const int full = open("/dev/full", O_WRONLY);
    if (full < 0) {
        mien_events_close(events);
        scratch_remove(scratch);
        skip();
    }
    /* The file that was opened last has the lowest number that was free: the one before. */
    assert_int_equal(dup2(full, full - 1), full - 1);
    must_fail(mien_events_add(events, 1.0, 1, &scalar, 1, &err), MIEN_ERR_IO, &err,
              "cannot be written: No space left on device");
    (void)close(full);
    mien_events_close(events);
    scratch_remove(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events__are_what_tensorboard_writes),
        cmocka_unit_test(test_events__refuse_what_is_no_folder),
        cmocka_unit_test(test_events__say_when_they_cannot_be_written),
    };
    return cmocka_run_group_tests_name("train/events", tests, NULL, NULL);
}
