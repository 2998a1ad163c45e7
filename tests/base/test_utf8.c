/* test_utf8.c - what is UTF-8, as jansson sees it too */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

static void test_utf8__takes_and_refuses_the_edges_of_rfc_3629(void **state)
{
    (void)state;
    static const char *const good[] = { "",
                                        "plain",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x99\x82z" };
    static const char *const bad[] = { "\x80",
                                       "\xbf",
                                       "\xc0\x80", /* NUL in two bytes */
                                       "\xc1\xbf",
                                       "\xc2",
                                       "\xc2z",
                                       "\xe0\x9f\xbf",
                                       "\xe2\x82",
                                       "\xed\xa0\x80", /* a surrogate */
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf0\x9f\x99",
                                       "\xf4\x90\x80\x80", /* beyond U+10FFFF */
                                       "\xf5\x80\x80\x80",
                                       "\xff",
                                       "plain\xfe" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(mien_is_utf8(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(mien_is_utf8(bad[i]));
    }
}

/* Every text of two bytes, and each with a third and a fourth on the edges of their ranges. */
static void test_utf8__agrees_with_jansson(void **state)
{
    (void)state;
    static const unsigned char edges[] = { 0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0 };
    for (int two = 0; two < 0x10000; two++) {
        for (size_t i = 0; i < sizeof(edges); i++) {
            const unsigned char bytes[] = { (unsigned char)(two >> 8), (unsigned char)two, edges[i],
                                            edges[i] == 0 ? 0 : 0x80, 0 };
            const char *const text = (const char *)bytes;
            json_t *const json = json_string(text);
            assert_int_equal(mien_is_utf8(text), json != NULL);
            json_decref(json);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8__takes_and_refuses_the_edges_of_rfc_3629),
        cmocka_unit_test(test_utf8__agrees_with_jansson),
    };
    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
