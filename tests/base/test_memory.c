// wrap: calloc realloc
/* test_memory.c - checked allocation */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The library's calls come here; AddressSanitizer would abort on sizes that malloc() only refuses.
 */
static bool refuse;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    return refuse ? NULL : __real_realloc(old, bytes);
}

static int allow(void **state)
{
    (void)state;
    refuse = false;
    return 0;
}

static void test_memory__products_that_do_not_fit_are_told(void **state)
{
    (void)state;
    size_t out = 7;
    assert_true(mien_size_mul(&out, SIZE_MAX, 1));
    assert_int_equal(out, SIZE_MAX);
    assert_true(mien_size_mul(&out, SIZE_MAX, 0));
    assert_int_equal(out, 0);
    assert_true(mien_size_mul(&out, SIZE_MAX / 3, 3));
    out = 7;
    assert_false(mien_size_mul(&out, SIZE_MAX / 3 + 1, 3));
    assert_false(mien_size_mul(&out, (size_t)1 << 32, (size_t)1 << 32));
    assert_int_equal(out, 7);
}

static void test_memory__blocks_are_zeroed_and_never_null(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    unsigned char *const block = mien_calloc(3, 5, &err);
    assert_non_null(block);
    for (int i = 0; i < 15; i++) {
        assert_int_equal(block[i], 0);
    }
    block[14] = 9;
    unsigned char *const grown = mien_realloc(block, 100, 5, &err);
    assert_non_null(grown);
    assert_int_equal(grown[14], 9);
    free(grown);
    void *const empty = mien_calloc(0, 5, &err);
    assert_non_null(empty);
    free(empty);
    char *const copy = mien_strdup("text", &err);
    assert_string_equal(copy, "text");
    free(copy);
    assert_string_equal(err.text, "");
}

static void test_memory__refusals_say_how_much(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    assert_null(mien_calloc(SIZE_MAX, 2, &err));
    assert_non_null(strstr(err.text, "x 2 bytes"));
    assert_null(mien_realloc(NULL, SIZE_MAX, 3, &err));
    assert_non_null(strstr(err.text, "x 3 bytes"));
    refuse = true;
    assert_null(mien_calloc(11, 4, &err));
    assert_non_null(strstr(err.text, "11 x 4 bytes"));
    assert_null(mien_realloc(NULL, 12, 4, &err));
    assert_non_null(strstr(err.text, "12 x 4 bytes"));
    assert_null(mien_strdup("four", &err));
    assert_non_null(strstr(err.text, "5 x 1 bytes"));
    assert_null(mien_calloc(1, 1, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory__products_that_do_not_fit_are_told),
        cmocka_unit_test(test_memory__blocks_are_zeroed_and_never_null),
        cmocka_unit_test_teardown(test_memory__refusals_say_how_much, allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
