/* test_crc32c.c - the checksum of TFRecord files, by the vectors of RFC 3720 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crc32c.h"

static void test_crc32c__gives_the_vectors_of_the_rfc(void **state)
{
    (void)state;
    unsigned char bytes[32] = { 0 };
    assert_int_equal(mien_crc32c(bytes, 32), 0x8A9136AA);
    for (int i = 0; i < 32; i++) {
        bytes[i] = 0xFF;
    }
    assert_int_equal(mien_crc32c(bytes, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)i;
    }
    assert_int_equal(mien_crc32c(bytes, 32), 0x46DD794E);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)(31 - i);
    }
    assert_int_equal(mien_crc32c(bytes, 32), 0x113FDB5C);
    assert_int_equal(mien_crc32c("123456789", 9), 0xE3069283);
    assert_int_equal(mien_crc32c("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c__gives_the_vectors_of_the_rfc),
    };
    return cmocka_run_group_tests_name("base/crc32c", tests, NULL, NULL);
}
