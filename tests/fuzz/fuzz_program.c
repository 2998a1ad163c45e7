/* fuzz_program.c - files of the cache of compiled programs: nothing but what mien wrote is taken
 * from one */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cl/program.h"
#include "fuzz/fuzz.h"

/* That of the corpus. */
static const char key[] = "a key";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t bytes = 0;
    const unsigned char *const binary = mien_program_binary(&bytes, data, size, key);
    if (binary != NULL) {
        struct mien_hash hash;
        char hex[33];
        fuzz_expect(binary > data && bytes > 0 && bytes < size && binary + bytes == data + size,
                    "the binary is the end of the file");
        mien_hash_init(&hash);
        mien_hash_add(&hash, binary, bytes);
        mien_hash_hex(hex, &hash);
        fuzz_expect(memmem(data, size - bytes, hex, 32) != NULL, "its hash is in front of it");
    }
    return 0;
}
