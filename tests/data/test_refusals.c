// wrap: mien_calloc mien_realloc
/* test_refusals.c - loading while the n-th allocation is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "support/images.h"
#include "support/scratch.h"

static size_t allocations;        /* so far */
static size_t refused = SIZE_MAX; /* this one */

void *__real_mien_calloc(size_t count, size_t size, struct mien_error *err);
void *__wrap_mien_calloc(size_t count, size_t size, struct mien_error *err);
void *__real_mien_realloc(void *old, size_t count, size_t size, struct mien_error *err);
void *__wrap_mien_realloc(void *old, size_t count, size_t size, struct mien_error *err);

static bool refuse(struct mien_error *err)
{
    if (allocations++ != refused) {
        return false;
    }
    (void)mien_fail(err, MIEN_ERR_MEMORY, "refused by the test");
    return true;
}

void *__wrap_mien_calloc(size_t count, size_t size, struct mien_error *err)
{
    return refuse(err) ? NULL : __real_mien_calloc(count, size, err);
}

void *__wrap_mien_realloc(void *old, size_t count, size_t size, struct mien_error *err)
{
    return refuse(err) ? NULL : __real_mien_realloc(old, count, size, err);
}

/* Load, and pack what was loaded, with every allocation refused in turn. */
static void check(const char *path, const char *packed)
{
    const struct mien_data_options options = {
        .channels = 3, .height = 3, .width = 5, .split = 0.5, .threads = 1
    };
    bool loaded = false;
    for (size_t n = 0; !loaded; n++) {
        struct mien_dataset *set = NULL;
        struct mien_error err = { "" };
        allocations = 0;
        refused = n;
        enum mien_status st = mien_dataset_load(&set, path, &options, &err);
        if (st == MIEN_OK) {
            st = mien_dataset_pack(set, packed, &err);
        } else {
            assert_null(set);
        }
        loaded = allocations <= n;
        refused = SIZE_MAX;
        mien_dataset_destroy(set);
        if (loaded) {
            must(st, &err);
        } else {
            must_fail(st, MIEN_ERR_MEMORY, &err, "refused by the test");
        }
        assert_true(n < 1000);
    }
}

static void test_refusals__each_form_gives_memory_errors_and_leaks_nothing(void **state)
{
    (void)state;
    static const char *const images[] = { "set/train/sad/1.png", "set/train/sad/2.png",
                                          "set/train/images/1.png" };
    struct mien_error err = { "" };
    char *const folder = scratch_make();
    char *const set = scratch_path(folder, "set");
    char *const csv = scratch_path(folder, "set.csv");
    char *const packed = scratch_path(folder, "set.safetensors");
    char *const again = scratch_path(folder, "again.safetensors");
    for (size_t i = 0; i < 3; i++) {
        char *const path = scratch_path(folder, images[i]);
        char *const slash = strrchr(path, '/');
        *slash = '\0';
        must(mien_folder_make(path, &err), &err);
        *slash = '/';
        image_write_tone(path, 4, 4, 1);
        free(path);
    }
    static const char text[] = "emotion,pixels\n0,1 2 3 4\n0,5 6 7 8\n";
    scratch_write(csv, text, strlen(text));
    check(csv, again);
    check(set, packed);
    check(packed, again);
    free(set);
    free(csv);
    free(packed);
    free(again);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals__each_form_gives_memory_errors_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
