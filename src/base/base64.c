/* base64.c - bytes as text */
#include "base/base64.h"

#include "base/memory.h"

char *mien_base64(const unsigned char *data, size_t bytes, struct mien_error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *const out = mien_calloc(bytes / 3 + 2, 4, err); /* with room for the terminator */
    if (out == NULL) {
        return NULL;
    }
    char *to = out;
    for (size_t i = 0; i < bytes; i += 3) {
        const size_t left = bytes - i;
        const unsigned second = left > 1 ? data[i + 1] : 0U;
        const unsigned third = left > 2 ? data[i + 2] : 0U;
        const unsigned word = (unsigned)data[i] << 16 | second << 8 | third;
        *to++ = digits[word >> 18];
        *to++ = digits[word >> 12 & 63];
        *to++ = digits[word >> 6 & 63];
        *to++ = digits[word & 63];
        if (left < 3) {
            to[-1] = '=';
            to[-2] = left < 2 ? '=' : to[-2];
        }
    }
    return out;
}
