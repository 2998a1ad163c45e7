/* test_find.c - the image files below a folder */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "data/find.h"
#include "support/scratch.h"

static void put(const char *folder, const char *name)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(folder, name);
    char *const slash = strrchr(path, '/');
    *slash = '\0';
    must(mien_folder_make(path, &err), &err);
    *slash = '/';
    scratch_write(path, "x", 1);
    free(path);
}

static void test_find__takes_images_in_the_order_of_names(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    char *const folder = scratch_make();
    static const char *const names[] = { "b.JPG",          "a/z.png",     "a/deep/er/q.jpeg",
                                         "c.txt",          ".hidden.png", ".git/x.png",
                                         "__MACOSX/y.png", "Thumbs.db",   "d.png",
                                         "B.png",          "png" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        put(folder, names[i]);
    }
    struct mien_paths paths = { 0 };
    must(mien_paths_add(&paths, "first.gif", &err), &err);
    must(mien_paths_find(&paths, folder, &err), &err);
    static const char *const want[] = { "B.png", "a/deep/er/q.jpeg", "a/z.png", "b.JPG", "d.png" };
    assert_int_equal(paths.count, 6);
    assert_string_equal(paths.items[0], "first.gif");
    for (size_t i = 0; i < 5; i++) {
        char *const path = scratch_path(folder, want[i]);
        assert_string_equal(paths.items[i + 1], path);
        free(path);
    }
    mien_paths_finish(&paths);
    scratch_remove(folder);
}

static void test_find__grows_to_many(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_paths paths = { 0 };
    for (int i = 0; i < 1000; i++) {
        must(mien_paths_add(&paths, i == 999 ? "last" : "one", &err), &err);
    }
    assert_int_equal(paths.count, 1000);
    assert_string_equal(paths.items[999], "last");
    mien_paths_finish(&paths);
    assert_int_equal(paths.count, 0);
}

static void test_find__names_what_cannot_be_searched_and_keeps_what_was_there(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    char *const folder = scratch_make();
    struct mien_paths paths = { 0 };
    must(mien_paths_add(&paths, "kept", &err), &err);
    put(folder, "notes.txt");
    must_fail(mien_paths_find(&paths, folder, &err), MIEN_ERR_FORMAT, &err,
              "no PNG or JPEG files in this folder");
    char *const missing = scratch_path(folder, "missing");
    must_fail(mien_paths_find(&paths, missing, &err), MIEN_ERR_IO, &err, "missing");

    put(folder, "a.png");
    put(folder, "below/b.png");
    char *const link = scratch_path(folder, "below/circle");
    assert_int_equal(symlink("..", link), 0);
    must_fail(mien_paths_find(&paths, folder, &err), MIEN_ERR_FORMAT, &err,
              "leads back to a folder above it");
    assert_int_equal(unlink(link), 0);

    char deep[256] = "";
    for (size_t i = 0; i < 80; i += 2) {
        memcpy(deep + i, "d/", 2);
    }
    memcpy(deep + 80, "x.png", 5);
    put(folder, deep);
    must_fail(mien_paths_find(&paths, folder, &err), MIEN_ERR_FORMAT, &err, "nested deeper");
    assert_int_equal(paths.count, 1);
    assert_string_equal(paths.items[0], "kept");
    mien_paths_finish(&paths);
    free(link);
    free(missing);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find__takes_images_in_the_order_of_names),
        cmocka_unit_test(test_find__grows_to_many),
        cmocka_unit_test(test_find__names_what_cannot_be_searched_and_keeps_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
