/* letters.c - letters of ASCII in either case: strcasecmp() goes by the locale, in which I and i
 * may be two letters */
#include "base/letters.h"

#include <stdint.h>
#include <string.h>

static int lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter;
}

bool mien_same_letters(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
        if (a[i] == '\0') {
            return true;
        }
    }
    return true;
}

bool mien_same_text(const char *a, const char *b)
{
    return mien_same_letters(a, b, SIZE_MAX);
}

bool mien_has_ending(const char *text, const char *ending)
{
    const size_t length = strlen(text);
    const size_t tail = strlen(ending);
    return length > tail && mien_same_text(text + length - tail, ending);
}
