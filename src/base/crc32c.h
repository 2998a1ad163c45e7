/** crc32c.h - the checksum of TFRecord files (internal) */
#ifndef MIEN_BASE_CRC32C_H
#define MIEN_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** CRC-32C (Castagnoli) of bytes.  Source  RFC 3720, appendix B.4 */
uint32_t mien_crc32c(const void *data, size_t bytes);

#endif
