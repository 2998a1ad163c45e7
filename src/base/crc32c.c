/* crc32c.c - the checksum of TFRecord files, bit by bit: they are short */
#include "base/crc32c.h"

uint32_t mien_crc32c(const void *data, size_t bytes)
{
    const uint32_t polynomial = 0x82F63B78; /* bits reversed */
    const unsigned char *const at = data;
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
        }
    }
    return ~crc;
}
