/* test_base64.c - bytes as text, by the vectors of RFC 4648 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

static void test_base64__gives_the_vectors_of_the_rfc(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *const got = mien_base64((const unsigned char *)rows[i][0], strlen(rows[i][0]), NULL);
        assert_non_null(got);
        assert_string_equal(got, rows[i][1]);
        free(got);
    }
}

static void test_base64__takes_every_byte(void **state)
{
    (void)state;
    static const unsigned char bytes[] = { 0x00, 0xFF, 0xFB, 0xEF, 0xBE };
    char *const got = mien_base64(bytes, sizeof(bytes), NULL);
    assert_non_null(got);
    assert_string_equal(got, "AP/7774=");
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64__gives_the_vectors_of_the_rfc),
        cmocka_unit_test(test_base64__takes_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
